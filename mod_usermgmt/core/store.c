/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file store.c A store: checks the schema first, then reads and changes. See store.h. */

#include "store.h"

#include <apr_atomic.h>

#include "../base/log.h"
#include "../base/ticks.h"
#include "../db/runner.h"
#include "../db/schema.h"
#include "store_lists.h"
#include "store_organizations.h"

struct um_store_t {
    const um_host_t *host;
    um_dialect_t dialect;
    const um_dialect_traits_t *traits;
    /* For a database with a single writer; else NULL. */
    um_writer_t *writer;
    /* For a database that takes a change as one statement; else NULL. */
    um_gather_t *gather;
    int auto_schema;
    /* Set when the schema was checked and can be used. */
    volatile apr_uint32_t ready;
    /* When, by um_ticks(), and how the last check failed. Under the host's lock; not used if the
     * host has none. */
    apr_time_t failed_at;
    apr_status_t failure;
    /* The unusable version that was last logged. */
    volatile apr_uint32_t told_version;
    /* After this many changes the store folds counts; 0 if others do. */
    apr_uint32_t fold_every;
    volatile apr_uint32_t changes;
    /* NULL: any number of them. */
    um_limit_t *searches;
    /* NULL: each thread asks for itself. */
    struct um_shared_reads_t *user_reads;
    struct um_shared_reads_t *status_reads;
};

um_store_t *um_store_create(const um_host_t *host, um_dialect_t dialect, um_writer_t *writer,
                            int auto_schema, apr_pool_t *pool)
{
    um_store_t *store = apr_pcalloc(pool, sizeof(*store));

    store->host = host;
    store->dialect = dialect;
    store->traits = um_dialect_traits(dialect);
    store->writer = writer;
    store->auto_schema = auto_schema;
    store->told_version = UM_SCHEMA_VERSION;
    if (store->traits->changes_in_ctes && um_gather_create(&store->gather, pool) != APR_SUCCESS) {
        /* Each change is a statement of its own. */
        store->gather = NULL;
    }
    return store;
}

/* What the operator must do if the module does not work with a version. */
static const char *advice(int version, int makes_schema)
{
    if (version > UM_SCHEMA_VERSION) {
        return "install the module that made it";
    }
    return makes_schema ? "run \"usermgmtctl schema upgrade\" (\"create\" where there is none), "
                          "apply the files of schema/ that follow, or set UserMgmtAutoSchema On"
                        : "run \"usermgmtctl schema upgrade\" (\"create\" where there is none), "
                          "or apply the files of schema/ that follow";
}

/* If the upgrade fails but the old version can be used, requests are served; the next start
 * tries again. */
static apr_status_t upgrade(int *version, const um_store_t *store, um_db_t *db, apr_pool_t *pool)
{
    int found = 0;
    apr_status_t status = um_schema_upgrade(&found, db, UM_SCHEMA_FROM_ANY, pool);

    if (status == UM_EUNAVAILABLE && um_schema_is_usable(*version)) {
        um_log(store->host, SCHEMA_NOT_UPGRADED, APR_SUCCESS, *version);
        return APR_SUCCESS;
    }
    *version = status == APR_SUCCESS ? UM_SCHEMA_VERSION : found;
    return status;
}

/* Log it once for each version, not at every check. */
static void tell_version(um_store_t *store, int version)
{
    if (apr_atomic_xchg32(&store->told_version, (apr_uint32_t)version) == (apr_uint32_t)version) {
        return;
    }
    um_log(store->host, SCHEMA_VERSION, APR_SUCCESS, version, UM_SCHEMA_OLDEST, UM_SCHEMA_VERSION,
           advice(version, store->traits->makes_schema));
}

static apr_status_t check_schema(um_store_t *store, um_db_t *db, apr_pool_t *pool)
{
    int version = 0;
    apr_status_t status = um_schema_get_version(&version, db, pool);

    if (status == APR_SUCCESS && version < UM_SCHEMA_VERSION && store->auto_schema
        && store->traits->makes_schema) {
        status = upgrade(&version, store, db, pool);
    }
    if (status == APR_SUCCESS && !um_schema_is_usable(version)) {
        status = UM_ESCHEMA;
    }
    if (status == UM_ESCHEMA) {
        tell_version(store, version);
    }
    return status;
}

static apr_status_t look_at_schema(um_store_t *store, apr_pool_t *pool)
{
    const um_host_t *host = store->host;
    um_db_t *db = NULL;
    apr_status_t status = um_db_open(&db, host, NULL, pool);

    if (status == APR_SUCCESS) {
        status = check_schema(store, db, pool);
        um_db_close(db);
    }
    if (status == APR_SUCCESS) {
        apr_atomic_set32(&store->ready, 1);
    }
    return status;
}

/* Under the lock, because only one process at a time may make the schema. */
static apr_status_t prepare_locked(um_store_t *store, apr_pool_t *pool)
{
    const um_host_t *host = store->host;
    apr_time_t came_at = um_ticks();
    apr_status_t status;

    if (host->lock.enter(host->lock.baton) != APR_SUCCESS) {
        return UM_EUNAVAILABLE;
    }
    /* If another thread's check failed while this one waited, its result is used. */
    if (apr_atomic_read32(&store->ready)) {
        status = APR_SUCCESS;
    } else if (store->failure != APR_SUCCESS && store->failed_at > came_at) {
        status = store->failure;
    } else {
        status = look_at_schema(store, pool);
        store->failed_at = um_ticks();
        store->failure = status;
    }
    host->lock.leave(host->lock.baton);
    return status;
}

apr_status_t um_store_prepare(um_store_t *store, apr_pool_t *pool)
{
    if (apr_atomic_read32(&store->ready)) {
        return APR_SUCCESS;
    }
    return store->host->lock.enter != NULL ? prepare_locked(store, pool)
                                           : look_at_schema(store, pool);
}

apr_status_t um_store_open(um_db_t **db, um_store_t *store, apr_pool_t *pool)
{
    apr_status_t status = um_store_prepare(store, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    return um_db_open(db, store->host,
                      store->traits->has_single_writer ? um_writer_gate(store->writer) : NULL,
                      pool);
}

apr_status_t um_store_check(int *version, um_store_t *store, apr_pool_t *pool)
{
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, store, pool);

    *version = 0;
    if (status == APR_SUCCESS) {
        status = um_schema_get_version(version, db, pool);
    }
    um_db_close(db);
    return status == APR_SUCCESS && !um_schema_is_usable(*version) ? UM_ESCHEMA : status;
}

apr_status_t um_store_open_search(um_db_t **db, um_store_t *store, apr_pool_t *pool)
{
    apr_status_t status = um_store_prepare(store, pool);

    /* No gate, because the writer waits for the search's place. */
    return status == APR_SUCCESS ? um_db_open(db, store->host, NULL, pool) : status;
}

void um_store_set_folding(um_store_t *store, apr_uint32_t changes)
{
    store->fold_every = changes;
}

static apr_status_t fold_counts(um_db_t *db, void *baton, apr_pool_t *pool)
{
    return um_store_organizations_fold_counts(baton, db, UM_STORE_FOLD_MAX, pool);
}

apr_status_t um_store_fold_counts(int *count, um_store_t *store, apr_pool_t *pool)
{
    um_db_t *db = NULL;
    int has_changes = 0;
    apr_status_t status;

    *count = 0;
    if (!store->traits->folds_counts) {
        return APR_SUCCESS;
    }
    status = um_store_open(&db, store, pool);
    if (status == APR_SUCCESS) {
        status = um_store_organizations_has_changes(&has_changes, db, pool);
    }
    um_db_close(db);
    if (status == APR_SUCCESS && has_changes) {
        status = um_runner_run(store->host, NULL, fold_counts, count, pool);
    }
    return status;
}

apr_status_t um_store_clean_counts(um_store_t *store, apr_pool_t *pool)
{
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, store, pool);

    if (status == APR_SUCCESS) {
        status = um_db_clean_counts(db);
    }
    um_db_close(db);
    return status;
}

/* If nobody else folds. If it fails, later changes fold again. */
static void fold_now_and_then(um_store_t *store, apr_pool_t *pool)
{
    int count = UM_STORE_FOLD_MAX;

    if (store->fold_every > 0
        && apr_atomic_inc32(&store->changes) % store->fold_every == store->fold_every - 1) {
        while (count == UM_STORE_FOLD_MAX
               && um_store_fold_counts(&count, store, pool) == APR_SUCCESS) {
            continue;
        }
    }
}

apr_status_t um_store_change(um_store_t *store, um_change_fn_t *change, void *baton,
                             apr_pool_t *pool)
{
    const um_host_t *host = store->host;
    apr_status_t status = um_store_prepare(store, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    if (store->traits->has_single_writer) {
        status = um_writer_run(store->writer, host, change, baton, pool);
    } else {
        status = um_runner_run(host, store->gather, change, baton, pool);
        fold_now_and_then(store, pool);
    }
    if (host->changed != NULL && (status == APR_SUCCESS || status == UM_EUNAVAILABLE)) {
        host->changed(host->baton);
    }
    return status;
}

void um_store_share_reads(um_store_t *store, struct um_shared_reads_t *of_users,
                          struct um_shared_reads_t *of_status)
{
    store->user_reads = of_users;
    store->status_reads = of_status;
}

struct um_shared_reads_t *um_store_user_reads(const um_store_t *store)
{
    return store->user_reads;
}

struct um_shared_reads_t *um_store_status_reads(const um_store_t *store)
{
    return store->status_reads;
}

void um_store_limit_searches(um_store_t *store, um_limit_t *searches)
{
    store->searches = searches;
}

apr_status_t um_store_begin_search(um_store_t *store, apr_interval_time_t wait)
{
    return store->searches != NULL ? um_limit_enter(store->searches, wait) : APR_SUCCESS;
}

void um_store_end_search(um_store_t *store)
{
    if (store->searches != NULL) {
        um_limit_leave(store->searches);
    }
}

um_dialect_t um_store_dialect(const um_store_t *store)
{
    return store->dialect;
}

int um_store_changes_at_once(const um_store_t *store)
{
    return store->traits->changes_in_ctes;
}

const um_host_t *um_store_host(const um_store_t *store)
{
    return store->host;
}
