/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file connection.c A database and a connection to it, see connection.h. */

#include "connection.h"

#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_user.h>

#include "../base/status.h"
#include "params.h"
#include "sqlite.h"
#include "sqlite_file.h"
#include "statements.h"

/* The first process that opens an SQLite database, and the last one that closes it, lock it
 * for a moment. */
#define BUSY_TRIES 10
#define BUSY_PAUSE apr_time_from_msec(50)

static const um_dialect_traits_t *traits_of(const um_database_t *database)
{
    return um_dialect_traits(database->dialect);
}

apr_status_t um_database_find_driver(um_database_t *database, const char *name, apr_pool_t *pool)
{
    apr_status_t status;

    if (um_dialect_of_driver(&database->dialect, name) == NULL) {
        return UM_EINVALID;
    }
    if (traits_of(database)->reads_past_driver) {
        um_sqlite_set_up();
    }
    status = apr_dbd_init(pool);
    return status == APR_SUCCESS ? apr_dbd_get_driver(pool, name, &database->driver) : status;
}

const char *um_database_place(const um_database_t *database, apr_pool_t *pool)
{
    char *name = NULL;
    apr_uid_t user;
    apr_gid_t group;

    if (!traits_of(database)->is_file) {
        return "";
    }
    if (apr_uid_current(&user, &group, pool) != APR_SUCCESS
        || apr_uid_name_get(&name, user, pool) != APR_SUCCESS) {
        name = apr_pstrdup(pool, "?");
    }
    return apr_psprintf(pool, " (%s, opened by user %s, who must be able to write in its folder)",
                        database->params, name);
}

/* The words to add to the parameters, or an empty text. */
static const char *extra_params(const um_extra_params_t *extra, const um_database_t *database)
{
    return extra->words != NULL
                   && !um_params_have(traits_of(database)->driver, database->params,
                                      extra->unless)
               ? extra->words
               : "";
}

/* The parameters, with defaults for those that are missing. */
static const char *complete_params(const um_database_t *database, apr_pool_t *pool)
{
    const um_dialect_traits_t *traits = traits_of(database);

    if (traits->is_file || um_params_are_uri(database->params)) {
        return database->params;
    }
    return apr_pstrcat(pool, extra_params(&traits->params_before, database), database->params,
                       extra_params(&traits->params_after, database), NULL);
}

static int run(um_connection_t *connection, const char *sql)
{
    int rows = 0;

    return apr_dbd_query(connection->driver, connection->handle, &rows, sql);
}

int um_connection_apply(const char **name, um_connection_t *connection,
                        const um_setting_t *settings)
{
    int random_access = connection->traits->random_access;
    apr_pool_t *scratch;
    int error = 0;

    /* A pool of its own, because settings are made many times while the connection lives. */
    apr_pool_create(&scratch, connection->pool);
    for (; error == 0 && settings->sql != NULL; settings++) {
        apr_dbd_results_t *results = NULL;

        *name = settings->sql;
        error = settings->yields_row
                    ? apr_dbd_select(connection->driver, scratch, connection->handle, &results,
                                     settings->sql, random_access)
                    : run(connection, settings->sql);
    }
    apr_pool_destroy(scratch);
    return error;
}

int um_connection_prepare(um_prepared_t *prepared, um_connection_t *connection, const char *sql)
{
    const char *label = apr_psprintf(connection->pool, "um_%" APR_UINT64_T_HEX_FMT "_%u",
                                     connection->number, connection->labels++);
    int error;

    prepared->parameters = um_statements_count_parameters(sql);
    error = apr_dbd_prepare(connection->driver, connection->pool, connection->handle, sql, label,
                            &prepared->statement);
    if (error != 0) {
        prepared->statement = NULL;
    }
    return error;
}

int um_connection_is_alive(um_connection_t *connection)
{
    apr_dbd_prepared_t *statement = connection->prepared[UM_STMT_ALIVE].statement;
    apr_dbd_results_t *results = NULL;
    apr_dbd_row_t *row = NULL;
    apr_pool_t *pool;
    int error;

    if (statement == NULL) {
        return 0;
    }
    apr_pool_create(&pool, connection->pool);
    error = apr_dbd_pselect(connection->driver, pool, connection->handle, &results, statement,
                            connection->traits->random_access, 0, NULL);
    while (error == 0 && apr_dbd_get_row(connection->driver, pool, results, &row, -1) == 0) {
        continue;
    }
    apr_pool_destroy(pool);
    return error == 0;
}

static int prepare_alive(const char **name, um_connection_t *connection)
{
    *name = um_statements_name(UM_STMT_ALIVE);
    return um_connection_prepare(&connection->prepared[UM_STMT_ALIVE], connection,
                                 um_statements_sql(UM_STMT_ALIVE, connection->dialect));
}

/* The module's own settings come last, so they win. */
static int apply_all(const char **name, um_connection_t *connection)
{
    const apr_array_header_t *init_sql = connection->database->init_sql;
    int error = 0;

    for (int i = 0; error == 0 && init_sql != NULL && i < init_sql->nelts; i++) {
        *name = APR_ARRAY_IDX(init_sql, i, const char *);
        error = run(connection, *name);
    }
    return error != 0 ? error
                      : um_connection_apply(name, connection, connection->traits->settings);
}

/* On SQLite settings invalidate prepared statements, so they come first. If the driver may
 * reconnect by itself, a statement is prepared before: it shows whether the driver did. */
static int configure(const char **name, um_connection_t *connection)
{
    int comes_first = connection->traits->reconnects_silently;
    int error = comes_first ? prepare_alive(name, connection) : 0;

    if (error == 0) {
        error = apply_all(name, connection);
    }
    if (error == 0 && !comes_first) {
        error = prepare_alive(name, connection);
    } else if (error == 0 && !um_connection_is_alive(connection)) {
        *name = um_statements_name(UM_STMT_ALIVE);
        error = -1;
    }
    return error;
}

/* Configure, with retries. NULL, or the text of the last error, in pool. */
static const char *configure_with_retries(um_connection_t *connection, apr_pool_t *pool)
{
    int tries = connection->traits->is_file ? BUSY_TRIES : 1;
    const char *name = "";
    const char *text;
    int error = configure(&name, connection);

    while (error != 0 && --tries > 0) {
        apr_sleep(BUSY_PAUSE);
        error = configure(&name, connection);
    }
    if (error == 0) {
        return NULL;
    }
    text = apr_dbd_error(connection->driver, connection->handle, error);
    return apr_psprintf(pool, "%s failed with %d: %s", name, error,
                        text != NULL ? text : "no reason given");
}

/* SQLite would make the file readable for everybody, and would make it again after it was
 * removed. */
static apr_status_t create_file(const char **error, const um_database_t *database, int may_make,
                                apr_pool_t *pool)
{
    apr_status_t status = APR_SUCCESS;
    apr_finfo_t info;

    if (!traits_of(database)->is_file) {
        return APR_SUCCESS;
    }
    if (may_make) {
        status = um_sqlite_file_create(database->params, pool);
    } else {
        status = apr_stat(&info, database->params, APR_FINFO_TYPE, pool);
        if (status != APR_SUCCESS) {
            *error = apr_psprintf(pool, "the file is not there any more: %pm", &status);
            return status;
        }
    }
    if (status != APR_SUCCESS) {
        *error = apr_psprintf(pool, "the file can't be made: %pm", &status);
    }
    return status;
}

/* Make reads use SQLite itself and not the driver. The driver's handle is valid only for the
 * same library. NULL, or what is wrong, in pool. */
static const char *start_sqlite(um_connection_t *connection, apr_pool_t *pool)
{
    apr_dbd_results_t *results = NULL;
    apr_dbd_row_t *row = NULL;
    const char *source_id = NULL;
    int error;

    if (!connection->traits->reads_past_driver) {
        return NULL;
    }
    error = apr_dbd_select(connection->driver, pool, connection->handle, &results,
                           um_statements_sql(UM_STMT_LIBRARY, connection->dialect), 0);
    while (error == 0 && apr_dbd_get_row(connection->driver, pool, results, &row, -1) == 0) {
        source_id = apr_pstrdup(pool, apr_dbd_get_entry(connection->driver, row, 0));
    }
    if (!um_sqlite_is_library(source_id)) {
        return apr_psprintf(pool,
                            "apr_dbd_sqlite3 has another SQLite library (%s) than this"
                            " module was built with",
                            source_id != NULL ? source_id : "unknown");
    }
    connection->sqlite = um_sqlite_create(apr_dbd_native_handle(connection->driver,
                                                                connection->handle),
                                          connection->pool);
    return NULL;
}

static apr_status_t find_file(apr_finfo_t *info, const um_connection_t *connection,
                              apr_pool_t *pool)
{
    return apr_stat(info, connection->database->params, APR_FINFO_IDENT, pool);
}

int um_connection_has_its_file(const um_connection_t *connection, apr_pool_t *pool)
{
    apr_finfo_t info;

    return !connection->traits->is_file
           || (find_file(&info, connection, pool) == APR_SUCCESS
               && info.device == connection->device && info.inode == connection->inode);
}

static void note_file(um_connection_t *connection, apr_pool_t *pool)
{
    apr_finfo_t info;

    if (connection->traits->is_file && find_file(&info, connection, pool) == APR_SUCCESS) {
        connection->device = info.device;
        connection->inode = info.inode;
    }
}

/* The only place where a connection is opened. */
static apr_status_t connect_to(um_connection_t *connection, const char **error,
                               const um_database_t *database, int may_make, apr_pool_t *pool)
{
    const char *reason = NULL;

    if (create_file(error, database, may_make, pool) != APR_SUCCESS) {
        return UM_EUNAVAILABLE;
    }
    if (apr_dbd_open_ex(database->driver, connection->pool,
                        complete_params(database, connection->pool), &connection->handle, &reason)
        != APR_SUCCESS) {
        const char *driver = connection->traits->driver;

        *error = reason != NULL
                     ? apr_pstrdup(pool, um_params_redact(reason, driver, database->params, pool))
                     : "it can't be opened";
        return UM_EUNAVAILABLE;
    }
    note_file(connection, pool);
    *error = configure_with_retries(connection, pool);
    if (*error == NULL) {
        *error = start_sqlite(connection, pool);
    }
    if (*error != NULL) {
        apr_dbd_close(connection->driver, connection->handle);
        return UM_EUNAVAILABLE;
    }
    return APR_SUCCESS;
}

apr_status_t um_connection_open(um_connection_t **connection, const char **error,
                                const um_database_t *database, int may_make, apr_pool_t *pool)
{
    um_connection_t *made;
    apr_pool_t *own;
    apr_status_t status = apr_pool_create_unmanaged_ex(&own, NULL, NULL);

    if (status != APR_SUCCESS) {
        *error = "no memory";
        return UM_EUNAVAILABLE;
    }
    made = apr_pcalloc(own, sizeof(*made));
    made->pool = own;
    made->database = database;
    made->dialect = database->dialect;
    made->traits = traits_of(database);
    made->driver = database->driver;
    made->state = UM_CONNECTION_READY;
    made->prepared = apr_pcalloc(own, UM_STMT_COUNT * sizeof(um_prepared_t));
    made->composed = apr_hash_make(own);
    apr_generate_random_bytes((unsigned char *)&made->number, sizeof(made->number));
    status = connect_to(made, error, database, may_make, pool);
    if (status != APR_SUCCESS) {
        apr_pool_destroy(own);
        return status;
    }
    *connection = made;
    return APR_SUCCESS;
}

void um_connection_close(um_connection_t *connection)
{
    /* SQLite does not close a connection that still has statements. */
    if (connection->sqlite != NULL) {
        um_sqlite_forget(connection->sqlite);
    }
    /* Before the pool, so that the server need not be told to drop each statement. */
    apr_dbd_close(connection->driver, connection->handle);
    apr_pool_destroy(connection->pool);
}
