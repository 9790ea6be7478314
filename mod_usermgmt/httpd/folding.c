/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file folding.c Counts are folded by mod_watchdog's process, see folding.h. */

#include "folding.h"

#include <http_config.h>

#include "module.h"
#include "runtime.h"
#include "task.h"
#include "watchdog.h"

/* What comes in between is added up by whoever asks for a count: some thousand
 * rows under the highest load, which takes a millisecond. */
#define INTERVAL apr_time_from_sec(1)
/* How long a database that has failed is left alone. */
#define DATABASE_PAUSE apr_time_from_sec(5)
/* How often a database is asked that nothing was changed in from here: for what another
 * machine has left behind. */
#define LOOK_EVERY apr_time_from_sec(60)

/* One database's. */
typedef struct um_fold_t {
    const um_runtime_database_t *database;
    um_task_t *task;
    /* The task's, while it is at work. Before then the database is left alone. */
    apr_time_t not_before;
    /* When it is asked at the latest. */
    apr_time_t look_at;
    /* A failure is in the log. */
    int is_told;
    /* The number of the database's changes before it was last asked. */
    apr_uint32_t changes;
} um_fold_t;

/* Of um_fold_t *. */
static apr_array_header_t *folds;

/* In transactions of bounded size, so that nobody waits for long. */
static void fold(void *baton, apr_pool_t *pool)
{
    um_fold_t *fold = baton;
    apr_status_t status = APR_SUCCESS;
    apr_pool_t *scratch;
    int more = 1;

    apr_pool_create(&scratch, pool);
    while (status == APR_SUCCESS && more && !um_watchdog_stopping()) {
        apr_pool_clear(scratch);
        status = um_store_fold_counts(&more, fold->database->store, scratch);
    }
    apr_pool_destroy(scratch);
    fold->look_at = apr_time_now() + LOOK_EVERY;
    if (status != APR_SUCCESS) {
        fold->look_at = fold->not_before = apr_time_now() + DATABASE_PAUSE;
    }
    if (status != APR_SUCCESS && !fold->is_told) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, um_runtime_database_server(fold->database),
                     "UM0078: changes were not folded into counts; it is tried again");
    }
    fold->is_told = status != APR_SUCCESS;
}

static void fold_if_changed(um_fold_t *fold)
{
    apr_time_t now = apr_time_now();
    apr_uint32_t changes;

    if (fold->database->store == NULL || um_task_is_running(fold->task)
        || now < fold->not_before) {
        return;
    }
    changes = um_runtime_changes(fold->database);
    if (changes != fold->changes || now >= fold->look_at) {
        fold->changes = changes;
        um_task_start(fold->task);
    }
}

static void fold_counts(int stopping, server_rec *server, apr_pool_t *pool)
{
    (void)server;
    (void)pool;
    for (int i = 0; i < folds->nelts; i++) {
        um_fold_t *fold = APR_ARRAY_IDX(folds, i, um_fold_t *);

        if (stopping) {
            um_task_end(fold->task);
        } else {
            fold_if_changed(fold);
        }
    }
}

static void add_fold(const um_runtime_database_t *database, apr_pool_t *pool)
{
    um_fold_t *added = apr_pcalloc(pool, sizeof(*added));

    added->database = database;
    added->task = um_task_make(fold, added, pool);
    APR_ARRAY_PUSH(folds, um_fold_t *) = added;
}

apr_status_t um_folding_init(apr_pool_t *pconf, server_rec *server)
{
    folds = apr_array_make(pconf, 2, sizeof(um_fold_t *));
    for (int i = 0; i < um_runtime_database_count(); i++) {
        const um_runtime_database_t *database = um_runtime_database(i);

        if (database->is_used && um_dialect_traits(database->database.dialect)->folds_counts) {
            add_fold(database, pconf);
        }
    }
    if (folds->nelts == 0) {
        return APR_SUCCESS;
    }
    if (ap_find_linked_module("mod_watchdog.c") == NULL) {
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, server,
                     "UM0077: mod_watchdog is not loaded: requests fold changes into counts");
        return APR_SUCCESS;
    }
    return um_watchdog_add("_usermgmt_counts_", fold_counts, INTERVAL, server, pconf);
}
