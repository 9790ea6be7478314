/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file folding.c Counts are folded by mod_watchdog's thread, see folding.h. */

#include "folding.h"

#include <http_config.h>

#include "module.h"
#include "runtime.h"
#include "watchdog.h"

/* What comes in between is added up by whoever asks for a count: some thousand
 * rows under the highest load, which takes a millisecond. */
#define INTERVAL apr_time_from_sec(1)
/* How long a database that has failed is left alone. */
#define DATABASE_PAUSE apr_time_from_sec(5)

/* One database's. */
typedef struct um_fold_t {
    const um_runtime_database_t *database;
    /* Before then there is no use in asking the database. */
    apr_time_t not_before;
    /* And that is in the log. */
    int is_told;
} um_fold_t;

/* Of um_fold_t. */
static apr_array_header_t *folds;

/* In transactions of bounded size, so that nobody waits for long. */
static void fold_database(um_fold_t *fold, apr_pool_t *pool)
{
    um_store_t *store = fold->database->store;
    apr_status_t status = APR_SUCCESS;
    apr_pool_t *scratch;
    int more = 1;

    if (store == NULL || apr_time_now() < fold->not_before) {
        return;
    }
    apr_pool_create(&scratch, pool);
    while (status == APR_SUCCESS && more && !um_watchdog_stopping()) {
        apr_pool_clear(scratch);
        status = um_store_fold_counts(&more, store, scratch);
    }
    apr_pool_destroy(scratch);
    if (status != APR_SUCCESS) {
        fold->not_before = apr_time_now() + DATABASE_PAUSE;
    }
    if (status != APR_SUCCESS && !fold->is_told) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, um_runtime_database_server(fold->database),
                     "UM0078: changes were not folded into counts; it is tried again");
    }
    fold->is_told = status != APR_SUCCESS;
}

static void fold_counts(int stopping, server_rec *server, apr_pool_t *pool)
{
    (void)server;
    for (int i = 0; !stopping && i < folds->nelts; i++) {
        fold_database(&APR_ARRAY_IDX(folds, i, um_fold_t), pool);
    }
}

apr_status_t um_folding_init(apr_pool_t *pconf, server_rec *server)
{
    folds = apr_array_make(pconf, 2, sizeof(um_fold_t));
    for (int i = 0; i < um_runtime_database_count(); i++) {
        const um_runtime_database_t *database = um_runtime_database(i);

        if (database->is_used) {
            APR_ARRAY_PUSH(folds, um_fold_t) = (um_fold_t){ database, 0, 0 };
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
