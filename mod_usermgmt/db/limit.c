/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file limit.c A limited number of threads at a time, see limit.h. */

#include "limit.h"

#include "../base/ticks.h"
#include "wait.h"

/* A thread that waits; this is on its stack. */
typedef struct um_waiter_t {
    struct um_waiter_t *next;
    int has_place;
} um_waiter_t;

struct um_limit_t {
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *granted;
    apr_thread_cond_t *drained;
    unsigned places;
    /* Including those that were given to waiting threads. */
    unsigned taken;
    int draining;
    /* In the order of their arrival. */
    um_waiter_t *first;
    um_waiter_t **last;
};

apr_status_t um_limit_create(um_limit_t **limit, unsigned places, apr_pool_t *pool)
{
    um_limit_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t status;

    made->places = places > 0 ? places : 1;
    made->last = &made->first;
    status = apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    if (status == APR_SUCCESS) {
        status = apr_thread_cond_create(&made->granted, pool);
    }
    if (status == APR_SUCCESS) {
        status = apr_thread_cond_create(&made->drained, pool);
    }
    if (status == APR_SUCCESS) {
        *limit = made;
    }
    return status;
}

/* Give the free places to the threads that have waited the longest. With the mutex held. */
static void grant(um_limit_t *limit)
{
    while (!limit->draining && limit->taken < limit->places && limit->first != NULL) {
        um_waiter_t *waiter = limit->first;

        limit->first = waiter->next;
        if (limit->first == NULL) {
            limit->last = &limit->first;
        }
        waiter->has_place = 1;
        limit->taken++;
        apr_thread_cond_broadcast(limit->granted);
    }
    if (limit->taken == 0) {
        apr_thread_cond_signal(limit->drained);
    }
}

static void remove_waiter(um_limit_t *limit, um_waiter_t *waiter)
{
    um_waiter_t **at = &limit->first;

    while (*at != waiter) {
        at = &(*at)->next;
    }
    *at = waiter->next;
    if (*at == NULL) {
        limit->last = at;
    }
}

/* With the mutex held. */
static apr_status_t await_place(um_limit_t *limit, um_waiter_t *waiter, apr_interval_time_t wait)
{
    apr_time_t end = um_ticks() + wait;

    *limit->last = waiter;
    limit->last = &waiter->next;
    while (!waiter->has_place && um_wait_until(end, limit->granted, limit->mutex)) {
    }
    if (waiter->has_place) {
        return APR_SUCCESS;
    }
    remove_waiter(limit, waiter);
    return UM_EBUSY;
}

apr_status_t um_limit_enter(um_limit_t *limit, apr_interval_time_t wait)
{
    um_waiter_t waiter = { NULL, 0 };
    apr_status_t status = APR_SUCCESS;

    apr_thread_mutex_lock(limit->mutex);
    if (!limit->draining && limit->taken < limit->places && limit->first == NULL) {
        limit->taken++;
    } else {
        status = await_place(limit, &waiter, wait);
    }
    apr_thread_mutex_unlock(limit->mutex);
    return status;
}

void um_limit_leave(um_limit_t *limit)
{
    apr_thread_mutex_lock(limit->mutex);
    limit->taken--;
    grant(limit);
    apr_thread_mutex_unlock(limit->mutex);
}

int um_limit_drain(um_limit_t *limit, apr_interval_time_t wait)
{
    apr_time_t end = um_ticks() + wait;
    int drained;

    apr_thread_mutex_lock(limit->mutex);
    limit->draining = 1;
    while (limit->taken > 0 && um_wait_until(end, limit->drained, limit->mutex)) {
    }
    drained = limit->taken == 0;
    apr_thread_mutex_unlock(limit->mutex);
    return drained;
}

void um_limit_resume(um_limit_t *limit)
{
    apr_thread_mutex_lock(limit->mutex);
    limit->draining = 0;
    grant(limit);
    apr_thread_mutex_unlock(limit->mutex);
}
