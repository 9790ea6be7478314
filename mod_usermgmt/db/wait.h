/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_WAIT_H
#define UM_DB_WAIT_H

/**
 * @file wait.h
 * Waiting for another thread, for a bounded time.
 */

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_time.h>

/**
 * Wait for a signal, until a time at the latest. The mutex is held.
 * @param end of um_ticks(), so that the wait is not longer where the clock is set back before
 *            it. (APR has the wait itself by the calendar: a clock that is set back during it
 *            makes that one longer, unless the signal comes.)
 * @return 0 if that time has come, so that there was no wait
 */
int um_wait_until(apr_time_t end, apr_thread_cond_t *signal, apr_thread_mutex_t *mutex);

#endif
