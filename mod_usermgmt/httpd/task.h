/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_TASK_H
#define UM_HTTPD_TASK_H

/**
 * @file task.h
 * Work that returns, for each database: one process of the server does it (watchdog.h).
 * Each database has a thread of its own for it, because a database or a mail server that
 * is slow or silent must not hold up the work for others. There is no thread, and no
 * question to the database, while there is nothing to do.
 */

#include "runtime.h"

/** When the work is done again. Once something was changed in the database through this
 *  server, it is done at once, unless the database is to rest. */
typedef struct um_task_next_t {
    /** At this time of um_ticks() at the latest. */
    apr_time_t at;
    /** Non-zero: not before that time either. */
    int is_rest;
} um_task_next_t;

/** Does the work; pool is the thread's, and gone afterwards. Something that takes long should
 *  look at um_watchdog_stopping(). */
typedef void um_task_work_t(um_task_next_t *next, void *baton, apr_pool_t *pool);

/** Work of one kind for some databases. */
typedef struct um_tasks_t um_tasks_t;

/** Make an empty one; pool is the configuration's. */
um_tasks_t *um_tasks_make(um_task_work_t *work, apr_pool_t *pool);

/** Have the work done for one more database, for the first time soon after the start. */
void um_tasks_add(um_tasks_t *tasks, const um_runtime_database_t *database, void *baton);

/** Tell whether there is no database. */
int um_tasks_is_empty(const um_tasks_t *tasks);

/** Have the work begin in a child process; in post_config, after um_watchdog_init(). For the
 *  name and the errors see um_watchdog_add(). */
apr_status_t um_tasks_start(um_tasks_t *tasks, const char *name, server_rec *server);

#endif
