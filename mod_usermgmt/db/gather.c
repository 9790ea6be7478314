/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file gather.c Changes of several threads in one statement, see gather.h. */

#include "gather.h"

#include <stdlib.h>
#include <string.h>

#include <apr_thread_mutex.h>

#include "../base/ticks.h"
#include "wait.h"

/* Threads that send at a time. While one waits for its commit, all others gather. */
#define SENDERS_MAX 4

/* A change that has waited so long is sent all the same: a sender may be held up by a lock that
 * is of no concern to the others. */
#define PATIENCE apr_time_from_msec(100)

typedef enum um_gathered_state_t {
    WAITS,
    /* Its thread is to send it, and others with it. */
    SENDS,
    /* Another thread sends it. */
    IS_SENT,
    IS_DONE
} um_gathered_state_t;

APR_RING_HEAD(um_gathered_ring_t, um_gathered_t);

struct um_gather_t {
    apr_thread_mutex_t *mutex;
    /* Those that wait, in the order of their arrival. While there are any, SENDERS_MAX threads
     * send, or more. */
    struct um_gathered_ring_t waiting;
    int senders;
};

apr_status_t um_gather_create(um_gather_t **gather, apr_pool_t *pool)
{
    um_gather_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t status = apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, pool);

    APR_RING_INIT(&made->waiting, um_gathered_t, link);
    if (status == APR_SUCCESS) {
        *gather = made;
    }
    return status;
}

static void set_state(um_gathered_t *change, um_gathered_state_t state)
{
    change->state = (int)state;
}

/* With the mutex held. */
static int may_send(um_gather_t *gather, um_gathered_t *change)
{
    if (gather->senders >= SENDERS_MAX) {
        return 0;
    }
    set_state(change, SENDS);
    gather->senders++;
    return 1;
}

/* Wait until another thread has sent the change, or it is this one's turn. With the mutex held,
 * which is given up for the call. */
static void await_turn(um_gather_t *gather, um_gathered_t *change, const um_gather_calls_t *calls)
{
    apr_time_t end = um_ticks() + PATIENCE;

    apr_thread_mutex_unlock(gather->mutex);
    calls->part(calls->baton);
    apr_thread_mutex_lock(gather->mutex);
    if (may_send(gather, change)) {
        return;
    }
    APR_RING_INSERT_TAIL(&gather->waiting, change, um_gathered_t, link);
    while (change->state == (int)WAITS) {
        if (!um_wait_until(end, change->turn, gather->mutex)) {
            APR_RING_REMOVE(change, link);
            set_state(change, SENDS);
            gather->senders++;
        }
    }
    while (change->state == (int)IS_SENT) {
        apr_thread_cond_wait(change->turn, gather->mutex);
    }
}

/* The change itself and those with its statement that have waited the longest. Returns their
 * number. */
static int take_group(um_gathered_t **group, um_gather_t *gather, um_gathered_t *change)
{
    um_gathered_t *other = APR_RING_FIRST(&gather->waiting);
    int count = 0;

    group[count++] = change;
    while (count < UM_GATHER_MAX
           && other != APR_RING_SENTINEL(&gather->waiting, um_gathered_t, link)) {
        um_gathered_t *next = APR_RING_NEXT(other, link);

        if (other->statement == change->statement) {
            APR_RING_REMOVE(other, link);
            set_state(other, IS_SENT);
            group[count++] = other;
        }
        other = next;
    }
    return count;
}

static int compare(const void *one, const void *other)
{
    return strcmp((*(um_gathered_t *const *)one)->order, (*(um_gathered_t *const *)other)->order);
}

/* With the mutex held. */
static void finish_group(um_gather_t *gather, um_gathered_t **group, int count)
{
    for (int i = 0; i < count; i++) {
        set_state(group[i], IS_DONE);
        apr_thread_cond_signal(group[i]->turn);
    }
    gather->senders--;
    if (gather->senders < SENDERS_MAX && !APR_RING_EMPTY(&gather->waiting, um_gathered_t, link)) {
        um_gathered_t *next = APR_RING_FIRST(&gather->waiting);

        APR_RING_REMOVE(next, link);
        set_state(next, SENDS);
        gather->senders++;
        apr_thread_cond_signal(next->turn);
    }
}

apr_status_t um_gather_run(um_gather_t *gather, um_gathered_t *change,
                           const um_gather_calls_t *calls, apr_pool_t *pool)
{
    um_gathered_t *group[UM_GATHER_MAX];
    apr_status_t status = apr_thread_cond_create(&change->turn, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    set_state(change, WAITS);
    apr_thread_mutex_lock(gather->mutex);
    if (!may_send(gather, change)) {
        await_turn(gather, change, calls);
    }
    if (change->state == (int)SENDS) {
        int count = take_group(group, gather, change);

        apr_thread_mutex_unlock(gather->mutex);
        qsort(group, (size_t)count, sizeof(group[0]), compare);
        calls->send(group, count, calls->baton);
        apr_thread_mutex_lock(gather->mutex);
        finish_group(gather, group, count);
    }
    apr_thread_mutex_unlock(gather->mutex);
    apr_thread_cond_destroy(change->turn);
    return APR_SUCCESS;
}
