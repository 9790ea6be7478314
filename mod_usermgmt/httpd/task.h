/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_TASK_H
#define UM_HTTPD_TASK_H

/**
 * @file task.h
 * Repeated work for each database, which one process of the server does (watchdog.h). The
 * work for each database has a thread of its own, because a database or a mail server that is
 * slow or silent must not delay the work for others. While there is nothing to do, there is no
 * thread, and the database is not asked.
 */

#include "runtime.h"

/** When the work is done next. It is done at once after this server has changed something in
 *  the database, unless is_rest is set. */
typedef struct um_task_next_t {
    /** At this time of um_ticks() at the latest. */
    apr_time_t at;
    /** Non-zero: not before that time either. */
    int is_rest;
} um_task_next_t;

/** Does the work once, and sets *next. pool is destroyed afterwards. Work that takes long must
 *  end when um_watchdog_stopping(). */
typedef void um_task_work_t(um_task_next_t *next, void *baton, apr_pool_t *pool);

/** Work of one kind for some databases. */
typedef struct um_tasks_t um_tasks_t;

/** Make an empty list of tasks; pool is the configuration's. */
um_tasks_t *um_tasks_make(um_task_work_t *work, apr_pool_t *pool);

/** Add the work for one more database. It is done for the first time soon after the start. */
void um_tasks_add(um_tasks_t *tasks, const um_runtime_database_t *database, void *baton);

/** Tell whether no database was added. */
int um_tasks_is_empty(const um_tasks_t *tasks);

/** Let the work begin in a child process; in post_config, after um_watchdog_init(). For the
 *  name and the errors see um_watchdog_add(). */
apr_status_t um_tasks_start(um_tasks_t *tasks, const char *name, server_rec *server);

#endif
