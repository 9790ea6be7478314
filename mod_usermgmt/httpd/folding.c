/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file folding.c Counts are folded by mod_watchdog's process, see folding.h. */

#include "folding.h"

#include <http_config.h>

#include "../base/ticks.h"
#include "log.h"
#include "module.h"
#include "runtime.h"
#include "task.h"
#include "watchdog.h"

/* The pause after a database has failed. */
#define DATABASE_PAUSE apr_time_from_sec(5)
/* How often a database is asked if this server has changed nothing in it, because another
 * machine may have made changes and not folded them. */
#define LOOK_EVERY apr_time_from_sec(60)

/* After so many folded changes the database is cleaned of them. Autovacuum looks at a table once
 * a minute, and until then each count would pass over thousands of dead rows. */
#define CLEAN_AFTER UM_STORE_FOLD_MAX
/* The pause after that is so many times as long as it took: an old transaction may keep the rows,
 * and then it takes longer and longer. */
#define CLEAN_PAUSE 50

typedef struct um_fold_t {
    const um_runtime_database_t *database;
    /* Changes that were folded since the database was cleaned, and when it may be cleaned next,
     * by um_ticks(). */
    int folded;
    apr_time_t clean_at;
    /* The last run failed, and the log says so. */
    int is_told;
} um_fold_t;

static void tell(um_fold_t *fold, int has_failed)
{
    if (has_failed && !fold->is_told) {
        um_log_server(um_runtime_database_server(fold->database), COUNTS_NOT_FOLDED, APR_SUCCESS);
    }
    fold->is_told = has_failed;
}

static void clean_counts(um_fold_t *fold, apr_pool_t *pool)
{
    apr_time_t start = um_ticks();

    if (fold->folded < CLEAN_AFTER || start < fold->clean_at || um_watchdog_stopping()) {
        return;
    }
    um_store_clean_counts(fold->database->store, pool);
    fold->folded = 0;
    fold->clean_at = um_ticks() + (um_ticks() - start) * CLEAN_PAUSE;
}

/* A request that needs a count adds the changes that are not folded yet: some thousand rows under
 * the highest load, which takes a millisecond. Each transaction folds a bounded number of
 * changes, so that others wait for it only a short time. */
static void fold_counts(um_task_next_t *next, void *baton, apr_pool_t *pool)
{
    um_fold_t *fold = baton;
    apr_status_t status = APR_SUCCESS;
    apr_pool_t *scratch;
    int count = UM_STORE_FOLD_MAX;

    apr_pool_create(&scratch, pool);
    while (status == APR_SUCCESS && count == UM_STORE_FOLD_MAX && !um_watchdog_stopping()) {
        apr_pool_clear(scratch);
        status = um_store_fold_counts(&count, fold->database->store, scratch);
        fold->folded += status == APR_SUCCESS ? count : 0;
    }
    if (status == APR_SUCCESS) {
        clean_counts(fold, scratch);
    }
    apr_pool_destroy(scratch);
    tell(fold, status != APR_SUCCESS);
    next->is_rest = status != APR_SUCCESS;
    next->at = um_ticks() + (next->is_rest ? DATABASE_PAUSE : LOOK_EVERY);
}

static um_fold_t *make_fold(const um_runtime_database_t *database, apr_pool_t *pool)
{
    um_fold_t *fold = apr_pcalloc(pool, sizeof(*fold));

    fold->database = database;
    return fold;
}

apr_status_t um_folding_init(apr_pool_t *pconf, server_rec *server)
{
    um_tasks_t *tasks = um_tasks_make(fold_counts, pconf);

    for (int i = 0; i < um_runtime_database_count(); i++) {
        const um_runtime_database_t *database = um_runtime_database(i);

        if (database->is_used && um_dialect_traits(database->database.dialect)->folds_counts) {
            um_tasks_add(tasks, database, make_fold(database, pconf));
        }
    }
    if (um_tasks_is_empty(tasks)) {
        return APR_SUCCESS;
    }
    if (ap_find_linked_module("mod_watchdog.c") == NULL) {
        um_log_server(server, COUNTS_WITHOUT_WATCHDOG, APR_SUCCESS);
        return APR_SUCCESS;
    }
    return um_tasks_start(tasks, "_usermgmt_counts_", server);
}
