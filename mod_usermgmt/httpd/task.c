/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file task.c Repeated work for each database, see task.h. */

#include "task.h"

#include <apr_atomic.h>
#include <apr_portable.h>
#include <apr_thread_proc.h>

#include "../base/digest.h"
#include "../base/ticks.h"
#include "watchdog.h"

/* How often the watchdog looks whether a task is due. That asks no database. */
#define INTERVAL apr_time_from_sec(1)

/* The work for one database. */
typedef struct um_task_t {
    um_task_work_t *work;
    const um_runtime_database_t *database;
    void *baton;
    /* Only the thread uses it while it runs. */
    um_task_next_t next;
    /* The number of the database's changes before the work last began. */
    apr_uint32_t changes;
    volatile apr_uint32_t running;
    /* NULL once the thread is joined. pool is the thread's. */
    apr_thread_t *thread;
    apr_pool_t *pool;
} um_task_t;

struct um_tasks_t {
    um_task_work_t *work;
    /* Of um_task_t *. */
    apr_array_header_t *all;
};

um_tasks_t *um_tasks_make(um_task_work_t *work, apr_pool_t *pool)
{
    um_tasks_t *tasks = apr_pcalloc(pool, sizeof(*tasks));

    tasks->work = work;
    tasks->all = apr_array_make(pool, 2, sizeof(um_task_t *));
    return tasks;
}

void um_tasks_add(um_tasks_t *tasks, const um_runtime_database_t *database, void *baton)
{
    um_task_t *task = apr_pcalloc(tasks->all->pool, sizeof(*task));

    task->work = tasks->work;
    task->database = database;
    task->baton = baton;
    APR_ARRAY_PUSH(tasks->all, um_task_t *) = task;
}

int um_tasks_is_empty(const um_tasks_t *tasks)
{
    return tasks->all->nelts == 0;
}

/* ---- the thread ---- */

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    um_task_t *task = data;

    (void)thread;
    /* A signal's handler may end the process, which waits for this thread. */
    apr_setup_signal_thread();
    task->work(&task->next, task->baton, task->pool);
    um_digest_end_thread();
    apr_atomic_set32(&task->running, 0);
    return NULL;
}

/* Wait until the thread has ended. */
static void end(um_task_t *task)
{
    apr_status_t result;

    if (task->thread != NULL) {
        apr_thread_join(&result, task->thread);
        task->thread = NULL;
        apr_pool_destroy(task->pool);
    }
}

static void begin(um_task_t *task)
{
    end(task);
    /* Not a child of the process's pool, which is destroyed while a thread may still work. */
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

/* ---- when it runs ---- */

static void begin_if_due(um_task_t *task)
{
    apr_uint32_t changes;
    int is_time;

    if (task->database->store == NULL || apr_atomic_read32(&task->running) != 0) {
        return;
    }
    is_time = um_ticks() >= task->next.at;
    changes = um_runtime_changes(task->database);
    if (is_time || (changes != task->changes && !task->next.is_rest)) {
        task->changes = changes;
        begin(task);
    }
}

static void run_tasks(int stopping, void *baton, apr_pool_t *pool)
{
    const um_tasks_t *tasks = baton;

    (void)pool;
    for (int i = 0; i < tasks->all->nelts; i++) {
        um_task_t *task = APR_ARRAY_IDX(tasks->all, i, um_task_t *);

        if (stopping) {
            end(task);
        } else {
            begin_if_due(task);
        }
    }
}

apr_status_t um_tasks_start(um_tasks_t *tasks, const char *name, server_rec *server)
{
    return um_watchdog_add(name, run_tasks, tasks, INTERVAL, server, tasks->all->pool);
}
