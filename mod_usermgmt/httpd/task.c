/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file task.c Work in a thread of its own, see task.h. */

#include "task.h"

#include <apr_atomic.h>
#include <apr_portable.h>
#include <apr_thread_proc.h>

#include "../base/digest.h"

struct um_task_t {
    um_task_work_t *work;
    void *baton;
    volatile apr_uint32_t running;
    /* Until it is joined; its pool is the thread's. */
    apr_thread_t *thread;
    apr_pool_t *pool;
};

um_task_t *um_task_make(um_task_work_t *work, void *baton, apr_pool_t *pool)
{
    um_task_t *task = apr_pcalloc(pool, sizeof(*task));

    task->work = work;
    task->baton = baton;
    return task;
}

int um_task_is_running(const um_task_t *task)
{
    return apr_atomic_read32((volatile apr_uint32_t *)&task->running) != 0;
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    um_task_t *task = data;

    (void)thread;
    /* A signal's handler may end the process, which waits for this thread. */
    apr_setup_signal_thread();
    task->work(task->baton, task->pool);
    um_digest_end_thread();
    apr_atomic_set32(&task->running, 0);
    return NULL;
}

void um_task_end(um_task_t *task)
{
    apr_status_t result;

    if (task->thread != NULL) {
        apr_thread_join(&result, task->thread);
        task->thread = NULL;
        apr_pool_destroy(task->pool);
    }
}

void um_task_start(um_task_t *task)
{
    um_task_end(task);
    /* No child of the process's pool, which goes while a thread may still be at work. */
    if (apr_pool_create(&task->pool, NULL) != APR_SUCCESS) {
        return;
    }
    apr_atomic_set32(&task->running, 1);
    if (apr_thread_create(&task->thread, NULL, run, task, task->pool) != APR_SUCCESS) {
        apr_atomic_set32(&task->running, 0);
        apr_pool_destroy(task->pool);
        task->thread = NULL;
    }
}
