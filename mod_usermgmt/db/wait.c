/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file wait.c Waiting for a bounded time, see wait.h. */

#include "wait.h"

#include "../base/ticks.h"

int um_wait_until(apr_time_t end, apr_thread_cond_t *signal, apr_thread_mutex_t *mutex)
{
    apr_interval_time_t left = end - um_ticks();

    if (left <= 0) {
        return 0;
    }
    apr_thread_cond_timedwait(signal, mutex, left);
    return 1;
}
