/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file pruning.c Old data is deleted by mod_watchdog's process, see pruning.h. */

#include "pruning.h"

#include <http_config.h>

#include "../base/ticks.h"
#include "../core/store_organizations.h"
#include "../core/store_prune.h"
#include "config_keep.h"
#include "log.h"
#include "module.h"
#include "task.h"
#include "watchdog.h"

/* Rows that a transaction deletes: on SQLite some milliseconds, for which other changes wait. */
#define PIECE 200
/* After each piece the work rests so many times as long as the piece took, so that it takes a
 * small part of the database's time. */
#define REST_FACTOR 3
#define REST_MAX apr_time_from_msec(200)

/* Organizations that are read at once. */
#define PAGE 500

/* The pause between two runs: a tenth of the shortest time that something is kept, within these
 * bounds; and the pause after the database has failed. */
#define RUN_EVERY_LEAST apr_time_from_sec(10)
#define RUN_EVERY_MOST apr_time_from_sec(3600)
#define DATABASE_PAUSE apr_time_from_sec(60)

/* The work for one database. */
typedef struct um_pruning_t {
    const um_runtime_database_t *database;
    um_keeps_t keeps;
    apr_interval_time_t run_every;
    /* The last run failed, and the log says so. */
    int is_told;

    /* This run: when it began, how many rows it has deleted, and when it last logged that. */
    apr_int64_t now;
    apr_int64_t deleted[UM_PRUNE_KIND_COUNT];
    apr_time_t logged_at;
    /* The schema is too old for the audit trail. */
    int skips_audit;
} um_pruning_t;

#define PROGRESS_EVERY apr_time_from_sec(10)

static void tell_progress(um_pruning_t *pruning)
{
    if (um_ticks() - pruning->logged_at < PROGRESS_EVERY) {
        return;
    }
    pruning->logged_at = um_ticks();
    um_log_server(um_runtime_database_server(pruning->database), PRUNE_PROGRESS, APR_SUCCESS,
                  pruning->deleted[UM_PRUNE_AUDIT], pruning->deleted[UM_PRUNE_SESSIONS],
                  pruning->deleted[UM_PRUNE_INVITATIONS], pruning->deleted[UM_PRUNE_IDEMPOTENCY]);
}

static void rest_after(apr_interval_time_t taken)
{
    apr_interval_time_t pause = taken * REST_FACTOR;

    apr_sleep(pause < REST_MAX ? pause : REST_MAX);
}

static apr_status_t look(um_prune_t *prune, um_store_t *store, apr_pool_t *pool)
{
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, store, pool);

    if (status == APR_SUCCESS) {
        status = um_store_prune_look(prune, db, pool);
    }
    um_db_close(db);
    return status;
}

static apr_status_t prune_piece(um_prune_t *prune, um_pruning_t *pruning, apr_pool_t *pool)
{
    um_store_t *store = pruning->database->store;
    apr_time_t began = um_ticks();
    apr_status_t status = look(prune, store, pool);

    if (status == APR_SUCCESS && prune->old > 0) {
        status = um_store_change(store, um_store_prune_delete, prune, pool);
    }
    if (status == APR_SUCCESS) {
        pruning->deleted[prune->kind] += prune->deleted;
        um_store_prune_go_on(prune);
        tell_progress(pruning);
    }
    if (status == APR_SUCCESS && prune->found == prune->limit) {
        rest_after(um_ticks() - began);
    }
    return status;
}

/* All rows of a kind and an organization that are old. */
static apr_status_t prune_rows(um_pruning_t *pruning, um_prune_kind_t kind, apr_int64_t org_id,
                               apr_interval_time_t keep, apr_pool_t *pool)
{
    um_prune_t prune = { .kind = kind,
                         .org_id = org_id,
                         .until = pruning->now - apr_time_as_msec(keep),
                         .limit = PIECE };
    apr_status_t status = APR_SUCCESS;
    apr_pool_t *scratch;

    if (keep == UM_KEEP_FOREVER) {
        return APR_SUCCESS;
    }
    apr_pool_create(&scratch, pool);
    um_store_prune_begin(&prune);
    do {
        apr_pool_clear(scratch);
        status = prune_piece(&prune, pruning, scratch);
    } while (status == APR_SUCCESS && prune.found == prune.limit && !um_watchdog_stopping());
    apr_pool_destroy(scratch);
    return status;
}

static apr_status_t prune_organization(um_pruning_t *pruning, const um_organization_t *found,
                                       apr_pool_t *pool)
{
    const um_keep_t *keep = um_config_keep_of(&pruning->keeps, found->name);
    apr_status_t status = APR_SUCCESS;

    for (int kind = 0; status == APR_SUCCESS && kind < UM_PRUNE_IDEMPOTENCY; kind++) {
        if (kind == UM_PRUNE_AUDIT && pruning->skips_audit) {
            continue;
        }
        status = prune_rows(pruning, (um_prune_kind_t)kind, found->id, keep->times[kind], pool);
        if (status == UM_ESCHEMA && kind == UM_PRUNE_AUDIT) {
            pruning->skips_audit = 1;
            status = APR_SUCCESS;
        }
    }
    return status;
}

static apr_status_t read_page(apr_array_header_t **page, um_store_t *store, const char *after,
                              apr_pool_t *pool)
{
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, store, pool);

    if (status == APR_SUCCESS) {
        status = um_store_organizations_list(page, db, after, PAGE, pool);
    }
    um_db_close(db);
    return status;
}

/* The pool of a page is freed after the next one is read, which needs its last name. */
static apr_status_t prune_organizations(um_pruning_t *pruning, apr_pool_t *pool)
{
    apr_array_header_t *page = NULL;
    apr_pool_t *last = NULL;
    const char *after = "";
    int count = PAGE;
    apr_status_t status = APR_SUCCESS;

    while (status == APR_SUCCESS && count == PAGE && !um_watchdog_stopping()) {
        apr_pool_t *scratch;

        apr_pool_create(&scratch, pool);
        status = read_page(&page, pruning->database->store, after, scratch);
        if (last != NULL) {
            apr_pool_destroy(last);
        }
        last = scratch;
        count = status == APR_SUCCESS ? page->nelts : 0;
        for (int i = 0; status == APR_SUCCESS && i < count && !um_watchdog_stopping(); i++) {
            const um_organization_t *found = &APR_ARRAY_IDX(page, i, um_organization_t);

            after = found->name;
            status = prune_organization(pruning, found, scratch);
        }
    }
    return status;
}

static void tell_end(um_pruning_t *pruning, apr_status_t status)
{
    server_rec *server = um_runtime_database_server(pruning->database);
    apr_int64_t sum = 0;

    for (int kind = 0; kind < UM_PRUNE_KIND_COUNT; kind++) {
        sum += pruning->deleted[kind];
    }
    if (sum > 0) {
        um_log_server(server, PRUNED, APR_SUCCESS, pruning->deleted[UM_PRUNE_AUDIT],
                      pruning->deleted[UM_PRUNE_SESSIONS], pruning->deleted[UM_PRUNE_INVITATIONS],
                      pruning->deleted[UM_PRUNE_IDEMPOTENCY]);
    }
    if (status != APR_SUCCESS && !pruning->is_told) {
        um_log_server(server, NOT_PRUNED, APR_SUCCESS);
    }
    pruning->is_told = status != APR_SUCCESS;
}

static void run(um_task_next_t *next, void *baton, apr_pool_t *pool)
{
    um_pruning_t *pruning = baton;
    apr_status_t status;

    pruning->now = apr_time_as_msec(apr_time_now());
    pruning->logged_at = um_ticks();
    pruning->skips_audit = 0;
    for (int kind = 0; kind < UM_PRUNE_KIND_COUNT; kind++) {
        pruning->deleted[kind] = 0;
    }
    status = prune_rows(pruning, UM_PRUNE_IDEMPOTENCY, 0, pruning->keeps.answers, pool);
    if (status == APR_SUCCESS && !pruning->keeps.keeps_rest) {
        status = prune_organizations(pruning, pool);
    }
    tell_end(pruning, status);
    next->is_rest = 1;
    next->at = um_ticks() + (status == APR_SUCCESS ? pruning->run_every : DATABASE_PAUSE);
}

static um_pruning_t *make_pruning(const um_runtime_database_t *database, apr_pool_t *pool)
{
    um_pruning_t *pruning = apr_pcalloc(pool, sizeof(*pruning));
    apr_interval_time_t answers;

    pruning->database = database;
    um_config_keep_find(&pruning->keeps, database, pool);
    answers = pruning->keeps.answers;
    /* All other times are a day at least. */
    pruning->run_every = answers == UM_KEEP_FOREVER ? RUN_EVERY_MOST : answers / 10;
    if (pruning->run_every > RUN_EVERY_MOST) {
        pruning->run_every = RUN_EVERY_MOST;
    }
    if (pruning->run_every < RUN_EVERY_LEAST) {
        pruning->run_every = RUN_EVERY_LEAST;
    }
    return pruning;
}

apr_status_t um_pruning_init(apr_pool_t *pconf, server_rec *server)
{
    um_tasks_t *tasks = um_tasks_make(run, pconf);
    for (int i = 0; i < um_runtime_database_count(); i++) {
        const um_runtime_database_t *database = um_runtime_database(i);
        um_pruning_t *pruning = database->is_used ? make_pruning(database, pconf) : NULL;

        if (pruning != NULL
            && (pruning->keeps.answers != UM_KEEP_FOREVER || !pruning->keeps.keeps_rest)) {
            um_tasks_add(tasks, database, pruning);
        }
    }
    if (um_tasks_is_empty(tasks)) {
        return APR_SUCCESS;
    }
    if (ap_find_linked_module("mod_watchdog.c") == NULL) {
        um_log_server(server, PRUNE_WITHOUT_WATCHDOG, APR_SUCCESS);
        return APR_SUCCESS;
    }
    return um_tasks_start(tasks, "_usermgmt_prune_", server);
}
