/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_WATCHDOG_H
#define UM_HTTPD_WATCHDOG_H

/**
 * @file watchdog.h
 * Work that one process of the server does periodically (mod_watchdog).
 */

#include <httpd.h>

/**
 * Does the work. A process never runs it twice at the same time. But while a process ends and
 * runs it for the last time, another process may already have begun.
 * @param stopping non-zero: this process ends, this is the last call in it
 * @param pool     cleared afterwards
 */
typedef void um_watchdog_work_t(int stopping, void *baton, apr_pool_t *pool);

/** Forget the work of the previous configuration; in post_config. */
void um_watchdog_init(apr_pool_t *pconf);

/**
 * Add work that is done after each interval; in post_config.
 * @param name a constant, for mod_watchdog's messages and mutex
 * @return APR_SUCCESS, or an error, which is logged, if mod_watchdog is not loaded
 */
apr_status_t um_watchdog_add(const char *name, um_watchdog_work_t *work, void *baton,
                             apr_interval_time_t interval, server_rec *server, apr_pool_t *pconf);

/** Let the work begin in a child process, and have it end before what
 *  um_runtime_init_child() started; pool is the child's. */
void um_watchdog_init_child(apr_pool_t *pool);

/** Tell whether this process is ending. Work that takes long must ask this, and end. */
int um_watchdog_stopping(void);

#endif
