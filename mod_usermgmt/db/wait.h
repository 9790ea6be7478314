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
 * @return 0 if that time has come, so that there was no wait
 */
int um_wait_until(apr_time_t end, apr_thread_cond_t *signal, apr_thread_mutex_t *mutex);

#endif
