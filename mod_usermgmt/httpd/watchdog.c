/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file watchdog.c Periodic work, see watchdog.h. */

#include "watchdog.h"

#include <ap_mpm.h>
#include <apr_atomic.h>
#include <apr_portable.h>
#include <apr_thread_mutex.h>
#include <mod_watchdog.h>

#include "../base/digest.h"
#include "log.h"
#include "module.h"

typedef struct um_job_t {
    um_watchdog_work_t *work;
    void *baton;
    /* Only in a child process: held while the work is done. */
    apr_thread_mutex_t *mutex;
} um_job_t;

/* The state of a child process. mod_watchdog's thread may run before the child is ready, and
 * it still runs after the child's pool was destroyed, until the process exits. */
enum { STARTING, RUNNING, STOPPING };

/* Of um_job_t *. */
static apr_array_header_t *jobs;
static volatile apr_uint32_t state;

void um_watchdog_init(apr_pool_t *pconf)
{
    jobs = apr_array_make(pconf, 2, sizeof(um_job_t *));
    apr_atomic_set32(&state, STARTING);
}

static apr_status_t run(int watchdog_state, void *data, apr_pool_t *pool)
{
    um_job_t *job = data;

    if (watchdog_state != AP_WATCHDOG_STATE_RUNNING || apr_atomic_read32(&state) != RUNNING) {
        return APR_SUCCESS;
    }
    /* A signal's handler may end the process, which waits for this thread. */
    apr_setup_signal_thread();
    apr_thread_mutex_lock(job->mutex);
    if (apr_atomic_read32(&state) == RUNNING) {
        job->work(0, job->baton, pool);
        um_digest_end_thread();
    }
    apr_thread_mutex_unlock(job->mutex);
    return APR_SUCCESS;
}

apr_status_t um_watchdog_add(const char *name, um_watchdog_work_t *work, void *baton,
                             apr_interval_time_t interval, server_rec *server, apr_pool_t *pconf)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) * get_instance;
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) * register_callback;
    um_job_t *job = apr_pcalloc(pconf, sizeof(*job));
    ap_watchdog_t *watchdog = NULL;
    apr_status_t status = APR_ENOTIMPL;

    get_instance = APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    register_callback = APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    job->work = work;
    job->baton = baton;
    if (get_instance != NULL && register_callback != NULL) {
        /* Each work has an instance, which is a thread, so that none delays another. */
        status = get_instance(&watchdog, name, 0, 1, pconf);
    }
    if (status == APR_SUCCESS) {
        status = register_callback(watchdog, interval, job, run);
    }
    if (status != APR_SUCCESS) {
        um_log_server(server, NEEDS_WATCHDOG, status, name);
        return status;
    }
    APR_ARRAY_PUSH(jobs, um_job_t *) = job;
    return APR_SUCCESS;
}

static apr_status_t stop(void *data)
{
    apr_pool_t *pool = data;

    apr_atomic_set32(&state, STOPPING);
    for (int i = 0; i < jobs->nelts; i++) {
        um_job_t *job = APR_ARRAY_IDX(jobs, i, um_job_t *);

        apr_thread_mutex_lock(job->mutex);
        job->work(1, job->baton, pool);
        apr_thread_mutex_unlock(job->mutex);
    }
    return APR_SUCCESS;
}

void um_watchdog_init_child(apr_pool_t *pool)
{
    apr_pool_t *last;

    for (int i = 0; i < jobs->nelts; i++) {
        um_job_t *job = APR_ARRAY_IDX(jobs, i, um_job_t *);

        /* Not in the child's pool: the thread may still use it when that is destroyed. */
        if (apr_thread_mutex_create(&job->mutex, APR_THREAD_MUTEX_DEFAULT, jobs->pool)
            != APR_SUCCESS) {
            return;
        }
    }
    apr_pool_create(&last, pool);
    /* This cleanup runs before that of the writer, which was registered earlier. */
    apr_pool_pre_cleanup_register(pool, last, stop);
    apr_atomic_set32(&state, RUNNING);
}

/* In a process that finishes its requests before it ends, the MPM knows first that it ends. */
int um_watchdog_stopping(void)
{
    int mpm_state = AP_MPMQ_RUNNING;

    ap_mpm_query(AP_MPMQ_MPM_STATE, &mpm_state);
    return apr_atomic_read32(&state) == STOPPING || mpm_state == AP_MPMQ_STOPPING;
}
