/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file schema.c The version of the schema, see schema.h. */

#include "schema.h"

#include "../base/log.h"
#include "list_sql.h"
#include "statements.h"

static void take_int(const um_row_t *row, void *baton)
{
    *(int *)baton = (int)um_row_int(row, 0);
}

apr_status_t um_schema_get_version(int *version, um_db_t *db, apr_pool_t *pool)
{
    int exists = 0;
    int found = 0;
    apr_status_t status;

    status = um_db_select(db, take_int, &exists, UM_BIND(schema_exists), pool);
    if (status == APR_SUCCESS && exists) {
        status = um_db_select(db, take_int, &found, UM_BIND(schema_version), pool);
    }
    if (status == APR_SUCCESS) {
        *version = found;
    }
    return status;
}

int um_schema_is_usable(int version)
{
    return version >= UM_SCHEMA_OLDEST && version <= UM_SCHEMA_VERSION;
}

/* Lock the schema in a transaction, and read its version: another process may have changed
 * it until now. */
static apr_status_t lock(int *version, um_db_t *db, apr_pool_t *pool)
{
    const char *setting = um_db_traits(db)->upgrade_setting;
    int locked = 0;
    apr_status_t status = APR_SUCCESS;

    if (setting != NULL) {
        status = um_db_execute_schema(db, setting);
    }
    if (status == APR_SUCCESS) {
        status = um_db_select(db, take_int, &locked, UM_BIND(schema_lock), pool);
    }
    if (status == APR_SUCCESS && !locked) {
        status = UM_EUNAVAILABLE;
    }
    return status == APR_SUCCESS ? um_schema_get_version(version, db, pool) : status;
}

static apr_status_t check_start(int version, um_schema_from_t from)
{
    if (version > UM_SCHEMA_VERSION) {
        return UM_ESCHEMA;
    }
    return version == UM_SCHEMA_VERSION
                   || (from & (version == 0 ? UM_SCHEMA_FROM_NOTHING : UM_SCHEMA_FROM_OLDER)) != 0
               ? APR_SUCCESS
               : UM_EREFUSED;
}

static apr_status_t apply(um_db_t *db, int version)
{
    const um_schema_step_t *step = um_db_traits(db)->schema;
    apr_status_t status = APR_SUCCESS;

    for (; status == APR_SUCCESS && step->version != 0; step++) {
        if (step->version <= version) {
            continue;
        }
        for (const char *const *sql = step->statements; status == APR_SUCCESS && *sql != NULL;
             sql++) {
            status = um_db_execute_schema(db, *sql);
        }
    }
    return status;
}

static apr_status_t run(int *found, um_db_t *db, um_schema_from_t from, apr_pool_t *pool)
{
    apr_status_t status = um_db_begin(db);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = lock(found, db, pool);
    if (status == APR_SUCCESS) {
        status = check_start(*found, from);
    }
    if (status == APR_SUCCESS) {
        status = apply(db, *found);
    }
    if (status == APR_SUCCESS) {
        status = um_db_commit(db);
    }
    um_db_rollback(db);
    return status;
}

apr_status_t um_schema_upgrade(int *found, um_db_t *db, um_schema_from_t from, apr_pool_t *pool)
{
    int version = 0;
    /* Statements may have been prepared before another process upgraded the schema. */
    apr_status_t status = um_db_recover(db);

    if (status == APR_SUCCESS) {
        status = run(&version, db, from, pool);
    }
    if (status == APR_SUCCESS && version != UM_SCHEMA_VERSION) {
        um_log(um_db_host(db), SCHEMA_UPGRADED, APR_SUCCESS, version, UM_SCHEMA_VERSION);
        um_db_recover(db);
    }
    *found = version;
    return status;
}

static void try_statements(um_schema_trial_t *trial, um_db_t *db, int version)
{
    /* PostgreSQL does not prepare those that control transactions. */
    for (int id = UM_STMT_FIRST_PREPARED; id < UM_STMT_COUNT; id++) {
        if (um_queries[id].since > version) {
            trial->waiting++;
            continue;
        }
        trial->failed += um_db_prepare(db, id) != APR_SUCCESS;
        trial->tried++;
    }
}

static void try_list(um_schema_trial_t *trial, um_db_t *db, const um_list_source_t *list,
                     apr_pool_t *pool)
{
    um_buffer_t sql;

    um_buffer_init(&sql, 1024, pool);
    for (int i = 0; um_list_sql_compose_sample(&sql, list, i, um_db_dialect(db)); i++) {
        trial->failed += um_db_prepare_composed(db, sql.data) != APR_SUCCESS;
        trial->tried++;
        um_buffer_init(&sql, 1024, pool);
    }
}

apr_status_t um_schema_verify(um_schema_trial_t *trial, um_db_t *db,
                              const um_list_source_t *const *lists, apr_pool_t *pool)
{
    static const um_schema_trial_t nothing = { 0, 0, 0 };
    int version = 0;
    apr_status_t status = um_schema_get_version(&version, db, pool);

    *trial = nothing;
    if (status != APR_SUCCESS) {
        return status;
    }
    try_statements(trial, db, version);
    for (; *lists != NULL; lists++) {
        if ((*lists)->since > version || (*lists)->columns_since > version) {
            trial->waiting++;
        } else {
            try_list(trial, db, *lists, pool);
        }
    }
    return APR_SUCCESS;
}
