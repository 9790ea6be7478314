/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_TASK_H
#define UM_HTTPD_TASK_H

/**
 * @file task.h
 * Work for one database that may take long, because that or a mail server is slow or
 * silent: a thread of its own does it, so that it holds up no other's.
 */

#include <apr_pools.h>

/** Does the work; pool is the thread's, and gone afterwards. */
typedef void um_task_work_t(void *baton, apr_pool_t *pool);

typedef struct um_task_t um_task_t;

/** Make a task, which is not at work yet. */
um_task_t *um_task_make(um_task_work_t *work, void *baton, apr_pool_t *pool);

/** Tell whether it is at work. Where it is not, all that it wrote is there to be read. */
int um_task_is_running(const um_task_t *task);

/** Begin the work in a thread; the task must not be at work. By one thread alone, as
 *  um_task_end(). */
void um_task_start(um_task_t *task);

/** Wait until it is not at work any more. */
void um_task_end(um_task_t *task);

#endif
