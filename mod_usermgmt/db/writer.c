/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file writer.c Group commit by one thread, see writer.h. */

#include "writer.h"

#include <apr_portable.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#include "../base/log.h"
#include "../base/metrics.h"
#include "statements.h"

/* When the log has this many pages, of 4 KiB each, readers are held back for a moment so that
 * the log can restart: at the first number short reads, at the second also expensive lists.
 * If that fails, it is tried again after as many further pages. */
#define LOG_LONG 4096
#define LOG_TOO_LONG 16384

/* How long the writer waits for readers to leave. */
#define GATE_WAIT apr_time_from_msec(200)
#define SEARCHES_WAIT apr_time_from_sec(2)

/* A change that waits; it lives on its caller's stack. */
typedef struct um_item_t {
    struct um_item_t *next;
    const um_host_t *host;
    um_change_fn_t *change;
    void *baton;
    apr_pool_t *pool;
    apr_status_t status;
    int done;
    apr_thread_cond_t *finished;
} um_item_t;

struct um_writer_t {
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *wanted;
    um_item_t *first;
    um_item_t **last;
    int stopping;
    apr_thread_t *thread;
    um_gate_t *gate;
    /* NULL if there is no limit. */
    um_limit_t *searches;
    /* The length of the log after the last group, and the length at which it is restarted. */
    int log_pages;
    int log_limit;
    /* Changes refused since the last one that was made; used by the thread only. The first
     * refusal is logged as an error, the others at level info. */
    unsigned refused;
    apr_pool_t *pool;
};

typedef struct um_group_t {
    const um_host_t *host;
    um_item_t *items[UM_WRITER_GROUP_MAX];
    int count;
} um_group_t;

/* Up to UM_WRITER_GROUP_MAX changes of one host, in their order. */
static void take_group(um_group_t *group, um_writer_t *writer)
{
    group->count = 0;
    group->host = writer->first->host;
    while (writer->first != NULL && writer->first->host == group->host
           && group->count < UM_WRITER_GROUP_MAX) {
        group->items[group->count++] = writer->first;
        writer->first = writer->first->next;
    }
    if (writer->first == NULL) {
        writer->last = &writer->first;
    }
}

static void set_statuses(um_group_t *group, apr_status_t status)
{
    for (int i = 0; i < group->count; i++) {
        group->items[i]->status = status;
    }
}

/* APR_SUCCESS if the transaction can be committed, also if the change was refused. */
static apr_status_t run_change(um_db_t *db, um_item_t *item, apr_pool_t *pool)
{
    apr_status_t status = um_db_query(db, NULL, UM_BIND(savepoint), pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    item->status = item->change(db, item->baton, item->pool);
    if (item->status == APR_SUCCESS && um_db_has_failed(db)) {
        item->status = UM_EUNAVAILABLE;
    }
    if (item->status != APR_SUCCESS) {
        status = um_db_query(db, NULL, UM_BIND(savepoint_rollback), pool);
    }
    if (status == APR_SUCCESS) {
        status = um_db_query(db, NULL, UM_BIND(savepoint_release), pool);
    }
    return status;
}

/* A single change needs no savepoint, because the whole transaction can be rolled back. For a
 * savepoint SQLite would keep the old content of every page. */
static apr_status_t run_single(um_db_t *db, um_item_t *item, int strict)
{
    item->status = item->change(db, item->baton, item->pool);
    if (item->status == APR_SUCCESS) {
        return um_db_commit(db);
    }
    um_db_rollback(db);
    return strict && item->status == UM_EUNAVAILABLE ? UM_EUNAVAILABLE : APR_SUCCESS;
}

/* All changes in one transaction. If it fails, nothing is committed. With strict it also
 * fails if the database failed during one of the changes. */
static apr_status_t run_transaction(um_db_t *db, um_group_t *group, int strict, apr_pool_t *pool)
{
    apr_status_t status = APR_SUCCESS;

    if (group->count == 1) {
        return run_single(db, group->items[0], strict);
    }
    for (int i = 0; status == APR_SUCCESS && i < group->count; i++) {
        status = run_change(db, group->items[i], pool);
        if (strict && status == APR_SUCCESS && group->items[i]->status == UM_EUNAVAILABLE) {
            status = UM_EUNAVAILABLE;
        }
    }
    return status == APR_SUCCESS ? um_db_commit(db) : status;
}

/* At most twice. The first failure may come from a statement that was prepared before the
 * schema changed. Nothing was committed, so the group can run again. */
static apr_status_t run_with_retry(um_db_t *db, um_group_t *group, um_writer_t *writer,
                                   apr_pool_t *pool)
{
    apr_status_t status = UM_EUNAVAILABLE;

    for (int try = 0; status != APR_SUCCESS && try < 2; try++) {
        um_db_set_will_retry(db, try == 0 || writer->refused > 0);
        if (try > 0 && um_db_recover(db) != APR_SUCCESS) {
            break;
        }
        if (try > 0) {
            um_metrics_count(UM_COUNTER_CHANGE_RETRIES);
        }
        status = um_db_begin(db);
        if (status != APR_SUCCESS) {
            continue;
        }
        status = run_transaction(db, group, try == 0, pool);
        um_db_rollback(db);
    }
    return status;
}

static apr_status_t lock(const um_writer_t *writer, const um_host_t *host)
{
    apr_status_t status = host->lock.enter != NULL ? host->lock.enter(host->lock.baton)
                                                   : APR_SUCCESS;

    if (status != APR_SUCCESS && writer->refused == 0) {
        um_log(host, WRITER_LOCK, status);
    }
    return status;
}

/* The connection is taken before the lock, so that other processes don't have to wait while
 * this one waits for a connection. */
static apr_status_t run_locked(um_writer_t *writer, um_group_t *group, um_db_t *db,
                               apr_pool_t *pool)
{
    const um_host_t *host = group->host;
    apr_status_t status = lock(writer, host);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = run_with_retry(db, group, writer, pool);
    writer->log_pages = um_db_log_pages(db);
    if (host->lock.leave != NULL) {
        host->lock.leave(host->lock.baton);
    }
    return status;
}

/* Count failures of the database only, not changes that break a rule. */
static void count_refused(um_writer_t *writer, const um_group_t *group)
{
    unsigned refused = 0;
    unsigned made = 0;

    for (int i = 0; i < group->count; i++) {
        refused += group->items[i]->status == UM_EUNAVAILABLE;
        made += group->items[i]->status == APR_SUCCESS;
    }
    if (made == 0) {
        writer->refused += refused;
    } else if (writer->refused > 0) {
        um_log(group->host, CHANGES_RESUMED, APR_SUCCESS, writer->refused);
        writer->refused = 0;
    }
}

static void run_group(um_writer_t *writer, um_group_t *group, apr_pool_t *pool)
{
    um_db_t *db = NULL;
    apr_status_t status = um_db_open(&db, group->host, NULL, pool);

    if (status != APR_SUCCESS) {
        /* The host has logged it. */
        set_statuses(group, UM_EUNAVAILABLE);
        return;
    }
    status = run_locked(writer, group, db, pool);
    um_db_close(db);
    if (status != APR_SUCCESS) {
        set_statuses(group, UM_EUNAVAILABLE);
    }
    count_refused(writer, group);
}

static void finish_group(um_group_t *group)
{
    for (int i = 0; i < group->count; i++) {
        /* When the caller sees `done` and the mutex is free, it frees the item. So signal while
         * the mutex is held. */
        group->items[i]->done = 1;
        apr_thread_cond_signal(group->items[i]->finished);
    }
}

/* Copy the log to the database while nobody in this process reads, so that the next change
 * restarts the log. */
static void cut_log(um_writer_t *writer, const um_host_t *host, apr_pool_t *pool)
{
    int is_too_long = writer->log_pages >= LOG_TOO_LONG && writer->searches != NULL;
    um_db_t *db = NULL;

    if (is_too_long) {
        um_limit_drain(writer->searches, SEARCHES_WAIT);
    }
    if (um_db_open(&db, host, NULL, pool) == APR_SUCCESS) {
        if (um_gate_close(writer->gate, GATE_WAIT)) {
            um_db_end_bulk(db);
            um_gate_open(writer->gate);
        }
        um_db_close(db);
    }
    if (is_too_long) {
        um_limit_resume(writer->searches);
    }
}

/* Tell whether the log has become long again. */
static int must_cut_log(um_writer_t *writer)
{
    if (writer->log_pages < LOG_LONG) {
        writer->log_limit = LOG_LONG;
    }
    if (writer->log_pages < writer->log_limit) {
        return 0;
    }
    writer->log_limit = writer->log_pages
                        + (writer->log_pages < LOG_TOO_LONG ? LOG_LONG : LOG_TOO_LONG);
    return 1;
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    um_writer_t *writer = data;
    um_group_t group;
    apr_pool_t *pool;

    /* The host's signals are not for this thread. */
    apr_setup_signal_thread();
    apr_pool_create(&pool, apr_thread_pool_get(thread));
    apr_thread_mutex_lock(writer->mutex);
    for (;;) {
        while (writer->first == NULL && !writer->stopping) {
            apr_thread_cond_wait(writer->wanted, writer->mutex);
        }
        if (writer->first == NULL) {
            break;
        }
        take_group(&group, writer);
        apr_thread_mutex_unlock(writer->mutex);
        um_metrics_observe(UM_HISTOGRAM_WRITER_BATCH, group.count);
        run_group(writer, &group, pool);
        apr_pool_clear(pool);
        apr_thread_mutex_lock(writer->mutex);
        finish_group(&group);
        if (must_cut_log(writer)) {
            apr_thread_mutex_unlock(writer->mutex);
            cut_log(writer, group.host, pool);
            apr_pool_clear(pool);
            apr_thread_mutex_lock(writer->mutex);
        }
    }
    apr_thread_mutex_unlock(writer->mutex);
    return NULL;
}

static apr_status_t stop(void *data)
{
    um_writer_t *writer = data;
    apr_status_t result;

    apr_thread_mutex_lock(writer->mutex);
    writer->stopping = 1;
    apr_thread_cond_signal(writer->wanted);
    apr_thread_mutex_unlock(writer->mutex);
    return apr_thread_join(&result, writer->thread);
}

apr_status_t um_writer_create(um_writer_t **writer, apr_pool_t *pool)
{
    um_writer_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t status;

    made->last = &made->first;
    made->log_limit = LOG_LONG;
    made->pool = pool;
    status = apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    if (status == APR_SUCCESS) {
        status = apr_thread_cond_create(&made->wanted, pool);
    }
    if (status == APR_SUCCESS) {
        status = um_gate_create(&made->gate, pool);
    }
    if (status == APR_SUCCESS) {
        status = apr_thread_create(&made->thread, NULL, work, made, pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    /* Before the children of the pool are destroyed, because connections are among them. */
    apr_pool_pre_cleanup_register(pool, made, stop);
    *writer = made;
    return APR_SUCCESS;
}

void um_writer_set_searches(um_writer_t *writer, um_limit_t *searches)
{
    writer->searches = searches;
}

um_gate_t *um_writer_gate(um_writer_t *writer)
{
    return writer->gate;
}

apr_status_t um_writer_run(um_writer_t *writer, const um_host_t *host, um_change_fn_t *change,
                           void *baton, apr_pool_t *pool)
{
    um_item_t item = { NULL, host, change, baton, pool, UM_EUNAVAILABLE, 0, NULL };
    apr_status_t status = apr_thread_cond_create(&item.finished, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    um_metrics_add(UM_GAUGE_WRITER_QUEUE, 1);
    apr_thread_mutex_lock(writer->mutex);
    *writer->last = &item;
    writer->last = &item.next;
    apr_thread_cond_signal(writer->wanted);
    while (!item.done) {
        apr_thread_cond_wait(item.finished, writer->mutex);
    }
    apr_thread_mutex_unlock(writer->mutex);
    um_metrics_add(UM_GAUGE_WRITER_QUEUE, -1);
    apr_thread_cond_destroy(item.finished);
    return item.status;
}
