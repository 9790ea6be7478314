/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file db.c Database connections through apr_dbd, see db.h. */

#include "db.h"

#include <stdlib.h>
#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

#include "log.h"

/* Composed statements kept for a connection: more shapes than anyone asks for
 * in turn; past it all are forgotten. */
#define COMPOSED_MAX 128

#define SESSION_KEY "usermgmt-session"

/* Tries to make a connection ready: the first may show that it is dead, and a
 * process that opens or closes an SQLite database as the first or the last may
 * be in the way for a moment. */
#define SETTLE_TRIES 10
#define SETTLE_PAUSE apr_time_from_msec(50)

/* Other connections that are tried in place of one that is dead: they may have
 * died as well since they were lent. */
#define REPLACE_TRIES 4

/* Tries of a read outside of a transaction, and how long they go on. */
#define READ_TRIES 3
#define READ_TRIES_TIME apr_time_from_sec(2)

typedef struct um_prepared_t {
    apr_dbd_prepared_t *statement;
    int parameters;
} um_prepared_t;

/* What is known of a connection as long as it lives; in the connection's pool. */
typedef struct um_session_t {
    um_dialect_t dialect;
    /* Holds the prepared statements; cleared to forget them. */
    apr_pool_t *pool;
    um_prepared_t prepared[UM_STMT_COUNT];
    /* SQL text to um_prepared_t. */
    apr_hash_t *composed;
    /* Labels of prepared statements are this connection's alone: a pooler that gives
     * one backend to several must not run what another has prepared. They are
     * numbered on by each healing, since one can't be used twice. */
    apr_uint64_t number;
    unsigned generation;
    unsigned labels;
    /* Settings are made, and nothing has failed since. */
    int settled;
    int all_prepared;
    /* Settled for many changes in a row. */
    int is_bulk;
} um_session_t;

struct um_db_t {
    const um_host_t *host;
    um_gate_t *gate;
    apr_pool_t *pool;
    um_connection_t connection;
    /* NULL where the connection was lost and there is no other. */
    um_session_t *session;
    int in_transaction;
    /* The connection is the one that was settled, not one made anew since. */
    int is_settled_one;
    /* What fails is tried again, and so is no error yet. */
    int will_retry;
    /* Something has failed since the transaction began. */
    int failed;
    um_witness_t witness;
};

struct um_row_t {
    const apr_dbd_driver_t *driver;
    apr_dbd_results_t *results;
    apr_dbd_row_t *row;
};

const char *um_row_text(const um_row_t *row, int column)
{
    char *text = NULL;

    /* apr_dbd_get_entry() gives "" for NULL with some drivers. */
    return apr_dbd_datum_get(row->driver, row->row, column, APR_DBD_TYPE_STRING, &text)
                   == APR_SUCCESS
               ? text
               : NULL;
}

const char *um_row_text_or_null(const um_row_t *row, int column)
{
    const char *text = um_row_text(row, column);

    return text != NULL && text[0] != '\0' ? text : NULL;
}

int um_row_size(const um_row_t *row)
{
    return apr_dbd_num_cols(row->driver, row->results);
}

apr_int64_t um_row_int(const um_row_t *row, int column)
{
    const char *text = um_row_text(row, column);

    return text != NULL ? apr_strtoi64(text, NULL, 10) : 0;
}

const char *um_db_int(apr_int64_t number, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%" APR_INT64_T_FMT, number);
}

um_dialect_t um_db_dialect(const um_db_t *db)
{
    return db->session != NULL ? db->session->dialect : UM_DIALECT_SQLITE;
}

const um_host_t *um_db_host(const um_db_t *db)
{
    return db->host;
}

void um_db_set_will_retry(um_db_t *db, int will_retry)
{
    db->will_retry = will_retry;
}

int um_db_has_failed(const um_db_t *db)
{
    return db->failed;
}

void um_db_set_witness(um_db_t *db, const um_witness_t *witness)
{
    db->witness = *witness;
}

const um_witness_t *um_db_witness(const um_db_t *db)
{
    return &db->witness;
}

/* The one place where a driver's number becomes a status. */
static apr_status_t driver_status(um_db_t *db, int error, const char *name)
{
    const char *text;

    if (error == 0) {
        return APR_SUCCESS;
    }
    db->failed = 1;
    text = apr_dbd_error(db->connection.driver, db->connection.handle, error);
    um_log(db->host, db->will_retry ? UM_LOG_INFO : UM_LOG_ERR, 1, APR_SUCCESS,
           "database: %s failed with %d: %s", name, error,
           text != NULL ? text : "no reason given");
    return UM_EUNAVAILABLE;
}

static apr_status_t prepare(um_prepared_t *prepared, um_db_t *db, const char *sql,
                            const char *name);

/* The driver, or the pool by its means, may have connected anew without telling:
 * then what was prepared first, when the settings were made, is gone with them. */
static apr_status_t check_settled(um_db_t *db)
{
    um_session_t *session = db->session;
    apr_dbd_results_t *results = NULL;
    apr_dbd_row_t *row = NULL;
    int error;

    if (db->is_settled_one || um_statements_traits(session->dialect)->has_single_writer) {
        return APR_SUCCESS;
    }
    if (session->prepared[UM_STMT_ALIVE].statement == NULL) {
        return UM_EUNAVAILABLE;
    }
    error = apr_dbd_pselect(db->connection.driver, db->pool, db->connection.handle, &results,
                            session->prepared[UM_STMT_ALIVE].statement,
                            um_statements_traits(session->dialect)->random_access, 0, NULL);
    while (error == 0 && apr_dbd_get_row(db->connection.driver, db->pool, results, &row, -1) == 0) {
        continue;
    }
    db->is_settled_one = error == 0;
    return driver_status(db, error, um_statements_name(UM_STMT_ALIVE));
}

static apr_status_t apply_settings(um_db_t *db, const um_setting_t *setting)
{
    um_session_t *session = db->session;
    apr_status_t status = APR_SUCCESS;

    for (; status == APR_SUCCESS && setting->sql != NULL; setting++) {
        apr_dbd_results_t *results = NULL;
        int rows = 0;
        int error;

        if (setting->yields_row) {
            error = apr_dbd_select(db->connection.driver, session->pool, db->connection.handle,
                                   &results, setting->sql,
                                   um_statements_traits(session->dialect)->random_access);
        } else {
            error = apr_dbd_query(db->connection.driver, db->connection.handle, &rows,
                                  setting->sql);
        }
        status = driver_status(db, error, setting->sql);
    }
    return status;
}

static apr_status_t settle(um_db_t *db)
{
    um_session_t *session = db->session;
    apr_status_t status = apply_settings(db, um_statements_settings(session->dialect));

    session->is_bulk = 0;
    if (status == APR_SUCCESS) {
        db->is_settled_one = 1;
        status = prepare(&session->prepared[UM_STMT_ALIVE], db,
                         um_statements_sql(UM_STMT_ALIVE, session->dialect),
                         um_statements_name(UM_STMT_ALIVE));
    }
    session->settled = status == APR_SUCCESS;
    return status;
}

apr_status_t um_db_expect_bulk(um_db_t *db)
{
    um_session_t *session = db->session;
    apr_status_t status = APR_SUCCESS;

    if (session != NULL && !session->is_bulk) {
        status = apply_settings(db, um_statements_bulk_settings(session->dialect));
        session->is_bulk = status == APR_SUCCESS;
    }
    return status;
}

apr_status_t um_db_end_bulk(um_db_t *db)
{
    return db->session != NULL ? apply_settings(db, um_statements_bulk_end(db->session->dialect))
                               : APR_SUCCESS;
}

static apr_status_t find_dialect(um_dialect_t *dialect, const um_db_t *db)
{
    const char *name = apr_dbd_name(db->connection.driver);

    for (int i = 0; i < UM_DIALECT_COUNT; i++) {
        if (strcmp(name, um_statements_traits((um_dialect_t)i)->driver) == 0) {
            *dialect = (um_dialect_t)i;
            return APR_SUCCESS;
        }
    }
    um_log(db->host, UM_LOG_CRIT, 2, APR_SUCCESS,
           "the database driver \"%s\" is not supported; use sqlite3, pgsql or mysql", name);
    return UM_EUNAVAILABLE;
}

static apr_status_t find_session(um_db_t *db)
{
    apr_pool_t *pool = db->connection.pool;
    void *known = NULL;
    um_session_t *session;
    apr_status_t status;

    apr_pool_userdata_get(&known, SESSION_KEY, pool);
    if (known != NULL) {
        db->session = known;
        return APR_SUCCESS;
    }
    session = apr_pcalloc(pool, sizeof(*session));
    status = find_dialect(&session->dialect, db);
    if (status == APR_SUCCESS) {
        status = db->host->random((unsigned char *)&session->number, sizeof(session->number),
                                  db->host->baton);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    apr_pool_create(&session->pool, pool);
    session->composed = apr_hash_make(session->pool);
    db->session = session;
    return apr_pool_userdata_setn(session, SESSION_KEY, NULL, pool);
}

apr_status_t um_db_open(um_db_t **db, const um_host_t *host, um_gate_t *gate, apr_pool_t *pool)
{
    um_db_t *opened = apr_pcalloc(pool, sizeof(*opened));
    apr_status_t status;

    opened->host = host;
    opened->gate = gate;
    opened->pool = pool;
    status = host->acquire(&opened->connection, host->baton, pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    status = find_session(opened);
    if (status == APR_SUCCESS && !opened->session->settled) {
        status = um_db_heal(opened);
    }
    if (status != APR_SUCCESS) {
        um_db_close(opened);
        return status;
    }
    *db = opened;
    return APR_SUCCESS;
}

void um_db_close(um_db_t *db)
{
    if (db == NULL || db->connection.handle == NULL) {
        return;
    }
    um_db_rollback(db);
    if (db->session != NULL && db->failed
        && !um_statements_traits(db->session->dialect)->has_single_writer) {
        /* It may be a connection made anew, with neither settings nor statements. */
        db->session->settled = 0;
    }
    db->host->release(&db->connection, db->host->baton);
}

static void forget_statements(um_session_t *session)
{
    apr_pool_clear(session->pool);
    memset(session->prepared, 0, sizeof(session->prepared));
    session->composed = apr_hash_make(session->pool);
    session->generation++;
    session->all_prepared = 0;
}

/* *dead is set where the driver could not make the connection anew. */
static apr_status_t settle_tries(int *dead, um_db_t *db)
{
    um_session_t *session = db->session;
    int will_retry = db->will_retry;

    forget_statements(session);
    session->settled = 0;
    for (int try = 1; !session->settled && try <= SETTLE_TRIES; try++) {
        if (try > 2) {
            apr_sleep(SETTLE_PAUSE);
        }
        if (apr_dbd_check_conn(db->connection.driver, session->pool, db->connection.handle)
            != APR_SUCCESS) {
            *dead = 1;
            break;
        }
        db->will_retry = will_retry || try < SETTLE_TRIES;
        settle(db);
    }
    db->will_retry = will_retry;
    if (session->settled) {
        db->failed = 0;
    }
    return session->settled ? APR_SUCCESS : UM_EUNAVAILABLE;
}

/* Give a connection back that can't be mended, and borrow another. */
static apr_status_t replace(um_db_t *db)
{
    const um_host_t *host = db->host;
    apr_status_t status;

    if (db->connection.handle != NULL) {
        host->release(&db->connection, host->baton);
    }
    memset(&db->connection, 0, sizeof(db->connection));
    db->session = NULL;
    db->in_transaction = 0;
    db->is_settled_one = 0;
    status = host->acquire(&db->connection, host->baton, db->pool);
    return status == APR_SUCCESS ? find_session(db) : status;
}

apr_status_t um_db_heal(um_db_t *db)
{
    int dead = db->session == NULL;
    apr_status_t status = UM_EUNAVAILABLE;

    if (!dead) {
        status = settle_tries(&dead, db);
    }
    for (int try = 1; dead && try <= REPLACE_TRIES; try++) {
        status = replace(db);
        if (status != APR_SUCCESS) {
            break;
        }
        dead = 0;
        status = settle_tries(&dead, db);
    }
    return status;
}

static apr_status_t prepare(um_prepared_t *prepared, um_db_t *db, const char *sql,
                            const char *name)
{
    um_session_t *session = db->session;
    const char *label = apr_psprintf(session->pool, "um_%" APR_UINT64_T_HEX_FMT "_%u_%u",
                                     session->number, session->generation, session->labels++);
    apr_status_t status = check_settled(db);
    int error;

    if (status != APR_SUCCESS) {
        return status;
    }
    prepared->parameters = um_statements_count_parameters(sql);
    error = apr_dbd_prepare(db->connection.driver, session->pool, db->connection.handle, sql,
                            label, &prepared->statement);
    if (error != 0) {
        prepared->statement = NULL;
    }
    return driver_status(db, error, name);
}

static apr_status_t find_prepared(um_prepared_t **found, um_db_t *db, um_statement_id_t id)
{
    um_prepared_t *prepared;

    if (db->session == NULL) {
        return UM_EUNAVAILABLE;
    }
    prepared = &db->session->prepared[id];
    *found = prepared;
    if (prepared->statement != NULL) {
        return APR_SUCCESS;
    }
    return prepare(prepared, db, um_statements_sql(id, db->session->dialect),
                   um_statements_name(id));
}

static apr_status_t find_composed(um_prepared_t **found, um_db_t *db, const char *sql)
{
    um_session_t *session = db->session;
    um_prepared_t *prepared;
    apr_status_t status;

    if (session == NULL) {
        return UM_EUNAVAILABLE;
    }
    prepared = apr_hash_get(session->composed, sql, APR_HASH_KEY_STRING);
    if (prepared == NULL) {
        if (apr_hash_count(session->composed) >= COMPOSED_MAX && !db->in_transaction) {
            status = um_db_heal(db);
            if (status != APR_SUCCESS) {
                return status;
            }
            session = db->session;
        }
        prepared = apr_pcalloc(session->pool, sizeof(*prepared));
        sql = apr_pstrdup(session->pool, sql);
        status = prepare(prepared, db, sql, sql);
        if (status != APR_SUCCESS) {
            return status;
        }
        apr_hash_set(session->composed, sql, APR_HASH_KEY_STRING, prepared);
    }
    *found = prepared;
    return APR_SUCCESS;
}

static apr_status_t check_count(const um_db_t *db, const um_prepared_t *prepared, int count,
                                const char *name)
{
    if (prepared->parameters == count) {
        return APR_SUCCESS;
    }
    um_log(db->host, UM_LOG_CRIT, 3, APR_SUCCESS, "database: %s takes %d parameters, %d given",
           name, prepared->parameters, count);
    return APR_EINVAL;
}

/* A statement to run: one of the list, or a composed text. */
typedef struct um_call_t {
    um_statement_id_t id;
    const char *sql;
    const char *const *parameters;
    int count;
} um_call_t;

static apr_status_t select_once(apr_dbd_results_t **results, um_db_t *db, const um_call_t *call,
                                apr_pool_t *pool)
{
    const char *name = call->sql != NULL ? call->sql : um_statements_name(call->id);
    um_prepared_t *prepared = NULL;
    apr_status_t status;
    int error;

    status = call->sql != NULL ? find_composed(&prepared, db, call->sql)
                               : find_prepared(&prepared, db, call->id);
    if (status == APR_SUCCESS) {
        status = check_count(db, prepared, call->count, name);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    *results = NULL;
    error = apr_dbd_pselect(db->connection.driver, pool, db->connection.handle, results,
                            prepared->statement,
                            um_statements_traits(db->session->dialect)->random_access,
                            call->count, (const char **)call->parameters);
    return driver_status(db, error, name);
}

/* To the end, always: a row left behind is not cleaned up by every driver. */
static void take_rows(um_db_t *db, apr_dbd_results_t *results, um_row_fn_t *take, void *baton,
                      apr_pool_t *pool)
{
    um_row_t row = { db->connection.driver, results, NULL };

    while (apr_dbd_get_row(row.driver, pool, results, &row.row, -1) == 0) {
        take(&row, baton);
    }
}

/* Outside of a transaction: what fails may be a lost connection or a statement
 * older than the schema, so it is prepared anew and run again. */
static apr_status_t select_tries(apr_dbd_results_t **results, um_db_t *db, const um_call_t *call,
                                 apr_pool_t *pool)
{
    const um_host_t *host = db->host;
    apr_time_t end = host->now(host->baton) + READ_TRIES_TIME;
    apr_status_t status = UM_EUNAVAILABLE;

    for (int try = 1; status == UM_EUNAVAILABLE && try <= READ_TRIES; try++) {
        if (try > 1 && (host->now(host->baton) > end || um_db_heal(db) != APR_SUCCESS)) {
            break;
        }
        db->will_retry = try < READ_TRIES;
        status = select_once(results, db, call, pool);
    }
    db->will_retry = 0;
    return status;
}

static apr_status_t select_rows(um_db_t *db, um_row_fn_t *take, void *baton,
                                const um_call_t *call, apr_pool_t *pool)
{
    um_gate_t *gate = db->in_transaction ? NULL : db->gate;
    apr_dbd_results_t *results = NULL;
    apr_status_t status;

    if (gate != NULL) {
        um_gate_enter(gate);
    }
    status = db->in_transaction ? select_once(&results, db, call, pool)
                                : select_tries(&results, db, call, pool);
    if (gate != NULL) {
        um_gate_leave(gate);
    }
    if (status == APR_SUCCESS) {
        take_rows(db, results, take, baton, pool);
    }
    return status;
}

apr_status_t um_db_select(um_db_t *db, um_row_fn_t *take, void *baton, um_statement_id_t id,
                          const char *const *parameters, int count, apr_pool_t *pool)
{
    um_call_t call = { id, NULL, parameters, count };

    return select_rows(db, take, baton, &call, pool);
}

apr_status_t um_db_select_composed(um_db_t *db, um_row_fn_t *take, void *baton, const char *sql,
                                   const char *const *parameters, int count, apr_pool_t *pool)
{
    um_call_t call = { UM_STMT_COUNT, sql, parameters, count };

    return select_rows(db, take, baton, &call, pool);
}

static void note_row(const um_row_t *row, void *baton)
{
    (void)row;
    *(int *)baton = 1;
}

apr_status_t um_db_exists(int *exists, um_db_t *db, um_statement_id_t id,
                          const char *const *parameters, int count, apr_pool_t *pool)
{
    *exists = 0;
    return um_db_select(db, note_row, exists, id, parameters, count, pool);
}

apr_status_t um_db_query(um_db_t *db, int *affected, um_statement_id_t id,
                         const char *const *parameters, int count, apr_pool_t *pool)
{
    um_prepared_t *prepared;
    apr_status_t status = find_prepared(&prepared, db, id);
    int rows = 0;
    int error;

    if (status == APR_SUCCESS) {
        status = check_count(db, prepared, count, um_statements_name(id));
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    error = apr_dbd_pquery(db->connection.driver, pool, db->connection.handle, &rows,
                           prepared->statement, count, (const char **)parameters);
    if (error == 0 && affected != NULL) {
        *affected = rows;
    }
    return driver_status(db, error, um_statements_name(id));
}

apr_status_t um_db_query_one(um_db_t *db, apr_status_t otherwise, um_statement_id_t id,
                             const char *const *parameters, int count, apr_pool_t *pool)
{
    int affected = 0;
    apr_status_t status = um_db_query(db, &affected, id, parameters, count, pool);

    return status == APR_SUCCESS && affected != 1 ? otherwise : status;
}

apr_status_t um_db_prepare(um_db_t *db, um_statement_id_t id)
{
    um_prepared_t *prepared;

    return find_prepared(&prepared, db, id);
}

apr_status_t um_db_prepare_composed(um_db_t *db, const char *sql)
{
    um_prepared_t *prepared;

    return find_composed(&prepared, db, sql);
}

static int execute(um_db_t *db, um_statement_id_t id)
{
    int rows = 0;

    return apr_dbd_query(db->connection.driver, db->connection.handle, &rows,
                         um_statements_sql(id, db->session->dialect));
}

apr_status_t um_db_prepare_transaction(um_db_t *db)
{
    um_session_t *session = db->session;
    um_prepared_t *prepared;
    apr_status_t status;

    if (session == NULL) {
        return UM_EUNAVAILABLE;
    }
    if (session->all_prepared || !um_statements_traits(session->dialect)->reconnects_silently) {
        return APR_SUCCESS;
    }
    status = find_prepared(&prepared, db, UM_STMT_COMMIT);
    for (int id = UM_STMT_FIRST_PREPARED; status == APR_SUCCESS && id < UM_STMT_COUNT; id++) {
        status = find_prepared(&prepared, db, (um_statement_id_t)id);
    }
    session->all_prepared = status == APR_SUCCESS;
    return status;
}

apr_status_t um_db_begin(um_db_t *db)
{
    static const um_witness_t nobody = { 0, "" };
    apr_status_t status;

    if (db->session == NULL) {
        return UM_EUNAVAILABLE;
    }
    status = driver_status(db, execute(db, UM_STMT_BEGIN), um_statements_name(UM_STMT_BEGIN));
    db->in_transaction = status == APR_SUCCESS;
    db->failed = status != APR_SUCCESS;
    db->witness = nobody;
    return status;
}

apr_status_t um_db_commit(um_db_t *db)
{
    apr_status_t status;

    if (um_statements_traits(db->session->dialect)->reconnects_silently) {
        status = um_db_query(db, NULL, UM_STMT_COMMIT, UM_NO_PARAMETERS, db->session->pool);
    } else {
        status = driver_status(db, execute(db, UM_STMT_COMMIT),
                               um_statements_name(UM_STMT_COMMIT));
    }
    if (status != APR_SUCCESS) {
        um_db_rollback(db);
    }
    db->in_transaction = 0;
    return status;
}

apr_status_t um_db_rollback(um_db_t *db)
{
    int error = 0;

    /* It fails where the database has rolled back by itself (a full disk). */
    if (db->in_transaction) {
        error = execute(db, UM_STMT_ROLLBACK);
        db->in_transaction = 0;
    }
    return error == 0 ? APR_SUCCESS : UM_EUNAVAILABLE;
}

apr_status_t um_db_execute_schema(um_db_t *db, const char *sql)
{
    int rows = 0;

    return driver_status(db, apr_dbd_query(db->connection.driver, db->connection.handle, &rows,
                                           sql), "schema statement");
}
