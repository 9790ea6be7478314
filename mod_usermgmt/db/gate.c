/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file gate.c Readers share, one writer excludes, see gate.h. */

#include "gate.h"

#include "../base/ticks.h"
#include "wait.h"

struct um_gate_t {
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *opened;
    apr_thread_cond_t *drained;
    /** Readers inside. */
    unsigned inside;
    /** Readers waiting for the gate to open. */
    unsigned waiting;
    /** Readers that have waited, and pass before the gate closes again. */
    unsigned admitted;
    /** The writer is inside, or waits. */
    int closed;
};

apr_status_t um_gate_create(um_gate_t **gate, apr_pool_t *pool)
{
    um_gate_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t status;

    status = apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    if (status == APR_SUCCESS) {
        status = apr_thread_cond_create(&made->opened, pool);
    }
    if (status == APR_SUCCESS) {
        status = apr_thread_cond_create(&made->drained, pool);
    }
    if (status == APR_SUCCESS) {
        *gate = made;
    }
    return status;
}

void um_gate_enter(um_gate_t *gate)
{
    apr_thread_mutex_lock(gate->mutex);
    if (gate->closed) {
        gate->waiting++;
        while (gate->admitted == 0) {
            apr_thread_cond_wait(gate->opened, gate->mutex);
        }
        gate->admitted--;
    }
    gate->inside++;
    apr_thread_mutex_unlock(gate->mutex);
}

void um_gate_leave(um_gate_t *gate)
{
    apr_thread_mutex_lock(gate->mutex);
    gate->inside--;
    if (gate->inside == 0 && gate->admitted == 0 && gate->closed) {
        apr_thread_cond_signal(gate->drained);
    }
    apr_thread_mutex_unlock(gate->mutex);
}

/* With the mutex held. */
static void open_gate(um_gate_t *gate)
{
    gate->closed = 0;
    gate->admitted += gate->waiting;
    gate->waiting = 0;
    if (gate->admitted != 0) {
        apr_thread_cond_broadcast(gate->opened);
    }
}

int um_gate_close(um_gate_t *gate, apr_interval_time_t wait)
{
    apr_time_t end = um_ticks() + wait;
    int drained;

    apr_thread_mutex_lock(gate->mutex);
    gate->closed = 1;
    while ((gate->inside != 0 || gate->admitted != 0)
           && um_wait_until(end, gate->drained, gate->mutex)) {
    }
    drained = gate->inside == 0 && gate->admitted == 0;
    if (!drained) {
        open_gate(gate);
    }
    apr_thread_mutex_unlock(gate->mutex);
    return drained;
}

void um_gate_open(um_gate_t *gate)
{
    apr_thread_mutex_lock(gate->mutex);
    open_gate(gate);
    apr_thread_mutex_unlock(gate->mutex);
}
