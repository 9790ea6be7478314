/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file db.c Database connections through apr_dbd, see db.h. */

#include "db.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/log.h"
#include "../base/metrics.h"
#include "../base/ticks.h"
#include "connection.h"
#include "gather.h"
#include "schema.h"
#include "sqlite.h"
#include "statements.h"

/* Composed statements that a connection keeps. Clients need fewer shapes at a time. Beyond
 * this number the connection is replaced by another. */
#define COMPOSED_MAX 128

/* A read outside of a transaction that fails is run again: how many times it runs at most, and
 * the time after which it does not run again. */
#define READ_ATTEMPTS_MAX 3
#define READ_RETRY_TIME apr_time_from_sec(2)

/* How long a read on SQLite may run (the same limit that the other databases have), and how
 * long it waits while the database is locked. */
#define SQLITE_READ_LIMIT apr_time_from_sec(10)
#define SQLITE_READ_WAIT apr_time_from_sec(2)

/* How a transaction begins. */
typedef enum um_begin_t {
    /* BEGIN was sent, or there is no transaction. */
    BEGIN_SENT,
    /* It is sent with the next statement. */
    BEGIN_DUE,
    /* The next statement is the only one. */
    BEGIN_NEVER,
    /* The only statement was sent. */
    BEGIN_TOO_LATE,
    /* Another thread has sent it, and it is committed. There is no connection. */
    BEGIN_ELSEWHERE
} um_begin_t;

struct um_db_t {
    const um_host_t *host;
    um_gate_t *gate;
    apr_pool_t *pool;
    um_dialect_t dialect;
    /* NULL if it was given up and there is no other. */
    um_connection_t *connection;
    /* A failure is retried, so it is no error yet. */
    int will_retry;
    /* Until this time of um_ticks() the same holds for a read; 0 for none. */
    apr_time_t retry_end;
    /* The time limit of the read that runs, and when it is reached by um_ticks(); 0 for none. */
    apr_interval_time_t limit;
    apr_time_t limit_end;
    um_witness_t witness;
    um_begin_t begin;
    int runs_again;
    /* Whether the transaction locks many rows, see um_db_set_locks_many(). */
    int locks_many;
    /* Whether a rollback gives up the connection, see um_db_set_leaves_trace(). */
    int leaves_trace;
    /* NULL: an only statement is not sent together with those of others. */
    um_gather_t *gather;
    /* The connection was given back, because another thread may send the only statement. */
    int has_parted;
    /* The answer to the only statement was lost with the connection. */
    int lost_answer;
};

struct um_row_t {
    const apr_dbd_driver_t *driver;
    apr_dbd_results_t *results;
    apr_dbd_row_t *row;
    /* SQLite's; the others are NULL then. */
    struct sqlite3_stmt *sqlite;
};

const char *um_row_text(const um_row_t *row, int column)
{
    char *text = NULL;

    if (row->sqlite != NULL) {
        return um_sqlite_text(row->sqlite, column);
    }
    /* With some drivers apr_dbd_get_entry() gives "" for NULL. */
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
    return row->sqlite != NULL ? um_sqlite_size(row->sqlite)
                               : apr_dbd_num_cols(row->driver, row->results);
}

apr_int64_t um_row_int(const um_row_t *row, int column)
{
    const char *text;

    if (row->sqlite != NULL) {
        return um_sqlite_int(row->sqlite, column);
    }
    text = um_row_text(row, column);
    return text != NULL ? apr_strtoi64(text, NULL, 10) : 0;
}

void um_row_take_first_text(const um_row_t *row, void *baton)
{
    um_first_text_t *first = baton;

    first->text = apr_pstrdup(first->pool, um_row_text(row, 0));
}

const char *um_db_int(apr_int64_t number, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%" APR_INT64_T_FMT, number);
}

um_dialect_t um_db_dialect(const um_db_t *db)
{
    return db->dialect;
}

const um_dialect_traits_t *um_db_traits(const um_db_t *db)
{
    return um_dialect_traits(db->dialect);
}

const um_host_t *um_db_host(const um_db_t *db)
{
    return db->host;
}

void um_db_set_will_retry(um_db_t *db, int will_retry)
{
    db->will_retry = will_retry;
}

static int is_in(const um_db_t *db, um_connection_state_t state)
{
    return db->connection != NULL && db->connection->state == state;
}

/* Is a transaction open, also if it has failed? */
static int in_transaction(const um_db_t *db)
{
    return is_in(db, UM_CONNECTION_BEGUN) || is_in(db, UM_CONNECTION_FAILED);
}

int um_db_has_connection(const um_db_t *db)
{
    return db->connection != NULL;
}

int um_db_is_ready(const um_db_t *db)
{
    return is_in(db, UM_CONNECTION_READY);
}

int um_db_has_failed(const um_db_t *db)
{
    return db->begin != BEGIN_ELSEWHERE && !is_in(db, UM_CONNECTION_BEGUN);
}

void um_db_set_gather(um_db_t *db, um_gather_t *gather)
{
    db->gather = gather;
}

void um_db_set_witness(um_db_t *db, const um_witness_t *witness)
{
    db->witness = *witness;
}

const um_witness_t *um_db_witness(const um_db_t *db)
{
    return &db->witness;
}

/* Has the read that runs reached its limit? Drivers don't say why a statement failed. */
static int is_late(const um_db_t *db)
{
    return db->limit_end != 0 && um_ticks() >= db->limit_end;
}

static int is_tried_again(const um_db_t *db)
{
    return db->will_retry || (db->retry_end != 0 && um_ticks() <= db->retry_end);
}

/* Log the error of a statement, and set the new state of the connection. */
static apr_status_t fail(um_db_t *db, const char *name, int error, const char *text)
{
    um_connection_t *connection = db->connection;
    const char *read_only_text = connection->traits->read_only_text;

    if (!is_late(db)) {
        um_metrics_count(UM_COUNTER_DATABASE_ERRORS);
        um_log_either(db->host, is_tried_again(db), STATEMENT_FAILED, APR_SUCCESS, name, error,
                      text != NULL ? text : "no reason given",
                      um_database_place(connection->database, db->pool));
    }
    if (read_only_text != NULL && text != NULL && strstr(text, read_only_text) != NULL) {
        connection->closes_all = 1;
    }
    connection->state = in_transaction(db) ? UM_CONNECTION_FAILED : UM_CONNECTION_DOUBTFUL;
    return UM_EUNAVAILABLE;
}

/* The only place where a driver's error number becomes a status. */
static apr_status_t driver_status(um_db_t *db, int error, const char *name)
{
    um_connection_t *connection = db->connection;

    return error == 0 ? APR_SUCCESS
                      : fail(db, name, error,
                             apr_dbd_error(connection->driver, connection->handle, error));
}

static apr_status_t apply_settings(um_db_t *db, const um_setting_t *settings)
{
    const char *name = "";
    int error = um_connection_apply(&name, db->connection, settings);

    return driver_status(db, error, name);
}

apr_status_t um_db_expect_bulk(um_db_t *db)
{
    um_connection_t *connection = db->connection;
    apr_status_t status = APR_SUCCESS;

    if (connection != NULL && !connection->is_bulk) {
        status = apply_settings(db, connection->traits->bulk_settings);
        connection->is_bulk = status == APR_SUCCESS;
    }
    return status;
}

int um_db_log_pages(const um_db_t *db)
{
    return db->connection != NULL && db->connection->sqlite != NULL
               ? um_sqlite_log_pages(db->connection->sqlite)
               : 0;
}

apr_status_t um_db_end_bulk(um_db_t *db)
{
    return db->connection != NULL ? apply_settings(db, db->connection->traits->bulk_end)
                                  : APR_SUCCESS;
}

apr_status_t um_db_clean_counts(um_db_t *db)
{
    return db->connection != NULL ? apply_settings(db, db->connection->traits->fold_end)
                                  : APR_SUCCESS;
}

apr_status_t um_db_open(um_db_t **db, const um_host_t *host, um_gate_t *gate, apr_pool_t *pool)
{
    um_db_t *opened = apr_pcalloc(pool, sizeof(*opened));
    apr_status_t status;

    opened->host = host;
    opened->gate = gate;
    opened->pool = pool;
    status = host->acquire(&opened->connection, UM_ACQUIRE_ANY, host->baton, pool);
    if (status == APR_SUCCESS) {
        opened->dialect = opened->connection->dialect;
        *db = opened;
    }
    return status;
}

void um_db_close(um_db_t *db)
{
    if (db == NULL || db->connection == NULL) {
        return;
    }
    um_db_rollback(db);
    db->host->release(db->connection, db->host->baton);
    db->connection = NULL;
}

apr_status_t um_db_recover(um_db_t *db)
{
    const um_host_t *host = db->host;
    /* An error on another thread's connection that was answered tells nothing of others. */
    um_acquire_t which = db->has_parted && !db->lost_answer ? UM_ACQUIRE_ANY : UM_ACQUIRE_NEW;

    if (db->connection != NULL) {
        db->connection->state = UM_CONNECTION_DOUBTFUL;
        host->release(db->connection, host->baton);
        db->connection = NULL;
    }
    db->begin = BEGIN_SENT;
    db->has_parted = 0;
    return host->acquire(&db->connection, which, host->baton, db->pool);
}

/* The driver may have reconnected by itself. Then the statement that was prepared when the
 * connection was configured is lost, and the settings are too. */
static apr_status_t check_configured(um_db_t *db)
{
    if (!db->connection->traits->reconnects_silently || um_connection_is_alive(db->connection)) {
        return APR_SUCCESS;
    }
    return driver_status(db, -1, um_statements_name(UM_STMT_ALIVE));
}

/* What is prepared within a transaction is of use only on the connection that the transaction
 * began on, so the connection is looked at after preparing. If the driver connects anew later
 * than that, the statement is gone, and fails. */
static apr_status_t prepare(um_prepared_t *prepared, um_db_t *db, const char *sql,
                            const char *name)
{
    apr_status_t status = driver_status(db, um_connection_prepare(prepared, db->connection, sql),
                                        name);

    return status == APR_SUCCESS ? check_configured(db) : status;
}

/* Send a text as it stands. Returns 0, or the driver's error. */
static int send_text(um_db_t *db, const char *sql)
{
    int rows = 0;

    return apr_dbd_query(db->connection->driver, db->connection->handle, &rows, sql);
}

/* Send a statement without preparing it: PostgreSQL does not prepare those that control a
 * transaction. */
static int send_statement(um_db_t *db, um_statement_id_t id)
{
    return send_text(db, um_statements_sql(id, db->connection->dialect));
}

static apr_status_t send_begin(um_db_t *db)
{
    db->begin = BEGIN_SENT;
    return driver_status(db, send_statement(db, UM_STMT_BEGIN),
                         um_statements_name(UM_STMT_BEGIN));
}

/* Before each statement. */
static apr_status_t begin_if_due(um_db_t *db)
{
    switch (db->begin) {
    case BEGIN_DUE:
        return send_begin(db);
    case BEGIN_NEVER:
        db->begin = BEGIN_TOO_LATE;
        return APR_SUCCESS;
    case BEGIN_TOO_LATE:
    case BEGIN_ELSEWHERE:
        return APR_EGENERAL;
    default:
        return APR_SUCCESS;
    }
}

static apr_status_t find_prepared(um_prepared_t **found, um_db_t *db, um_statement_id_t id)
{
    um_prepared_t *prepared;
    apr_status_t status;

    if (db->connection == NULL) {
        return UM_EUNAVAILABLE;
    }
    status = begin_if_due(db);
    if (status != APR_SUCCESS) {
        return status;
    }
    prepared = &db->connection->prepared[id];
    *found = prepared;
    if (prepared->statement != NULL) {
        return APR_SUCCESS;
    }
    return prepare(prepared, db, um_statements_sql(id, db->connection->dialect),
                   um_statements_name(id));
}

/* Without a BEGIN that is due: a change that is a single statement stays one, also on a
 * connection that has not been asked before. */
static apr_status_t ask_version(int *version, um_db_t *db, apr_pool_t *pool)
{
    int is_due = db->begin == BEGIN_DUE;
    apr_status_t status;

    if (is_due) {
        db->begin = BEGIN_SENT;
    }
    status = um_schema_get_version(version, db, pool);
    if (is_due && status == APR_SUCCESS) {
        db->begin = BEGIN_DUE;
    }
    return status;
}

apr_status_t um_db_check_version(um_db_t *db, int since, const char *what, apr_pool_t *pool)
{
    int version = 0;
    int is_told;
    apr_status_t status;

    /* What the oldest version has that the module works with is there. */
    if (since <= UM_SCHEMA_OLDEST
        || (db->connection != NULL && db->connection->schema_version >= since)) {
        return APR_SUCCESS;
    }
    status = ask_version(&version, db, pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    is_told = db->connection->schema_version == version;
    db->connection->schema_version = version;
    if (version >= since) {
        return APR_SUCCESS;
    }
    um_log_either(db->host, is_told, SCHEMA_TOO_OLD, APR_SUCCESS, what, since, version);
    return UM_ESCHEMA;
}

/* As long as the schema is old, look again after this time whether it was upgraded. */
#define VERSION_ASKED_AGAIN apr_time_from_sec(1)

static int knows_version(const um_connection_t *connection)
{
    return connection->chosen_version != 0
           && um_ticks() - connection->version_asked_at < VERSION_ASKED_AGAIN;
}

apr_status_t um_db_get_version(int *version, um_db_t *db, apr_pool_t *pool)
{
    apr_status_t status;

    if (db->connection != NULL && db->connection->schema_version == UM_SCHEMA_VERSION) {
        *version = UM_SCHEMA_VERSION;
        return APR_SUCCESS;
    }
    if (db->connection != NULL && knows_version(db->connection)) {
        *version = db->connection->chosen_version;
        return APR_SUCCESS;
    }
    status = ask_version(version, db, pool);
    if (status == APR_SUCCESS) {
        db->connection->chosen_version = *version;
        db->connection->version_asked_at = um_ticks();
    }
    if (status == APR_SUCCESS && *version == UM_SCHEMA_VERSION) {
        /* It has all, so there is nothing to tell of later. */
        db->connection->schema_version = *version;
    }
    return status;
}

static apr_status_t check_since(um_db_t *db, um_statement_id_t id, apr_pool_t *pool)
{
    return um_db_check_version(db, um_queries[id].since, um_statements_name(id), pool);
}

static apr_status_t find_composed(um_prepared_t **found, um_db_t *db, const char *sql,
                                  const char *name)
{
    um_connection_t *connection = db->connection;
    um_prepared_t *prepared;
    apr_status_t status;

    if (connection == NULL) {
        return UM_EUNAVAILABLE;
    }
    status = begin_if_due(db);
    if (status != APR_SUCCESS) {
        return status;
    }
    prepared = apr_hash_get(connection->composed, sql, APR_HASH_KEY_STRING);
    if (prepared == NULL) {
        if (apr_hash_count(connection->composed) >= COMPOSED_MAX && !in_transaction(db)) {
            status = um_db_recover(db);
            if (status != APR_SUCCESS) {
                return status;
            }
            connection = db->connection;
        }
        prepared = apr_pcalloc(connection->pool, sizeof(*prepared));
        sql = apr_pstrdup(connection->pool, sql);
        status = prepare(prepared, db, sql, name);
        if (status != APR_SUCCESS) {
            return status;
        }
        apr_hash_set(connection->composed, sql, APR_HASH_KEY_STRING, prepared);
    }
    *found = prepared;
    return APR_SUCCESS;
}

static apr_status_t check_count(const um_db_t *db, int parameters, int count, const char *name)
{
    if (parameters == count) {
        return APR_SUCCESS;
    }
    um_log(db->host, PARAMETER_COUNT, APR_SUCCESS, name, parameters, count);
    return APR_EINVAL;
}

/* A statement to run: a fixed one, or a composed text. */
typedef struct um_call_t {
    um_statement_id_t id;
    /* The text that is composed; NULL for a fixed statement. */
    const char *sql;
    /* For the log. */
    const char *name;
    const char *const *parameters;
    int count;
} um_call_t;

static apr_status_t select_once(apr_dbd_results_t **results, um_db_t *db, const um_call_t *call,
                                apr_pool_t *pool)
{
    um_prepared_t *prepared = NULL;
    apr_status_t status;
    int error;

    status = call->sql != NULL ? find_composed(&prepared, db, call->sql, call->name)
                               : find_prepared(&prepared, db, call->id);
    if (status == APR_SUCCESS && call->sql != NULL) {
        status = check_count(db, prepared->parameters, call->count, call->name);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    *results = NULL;
    error = apr_dbd_pselect(db->connection->driver, pool, db->connection->handle, results,
                            prepared->statement, db->connection->traits->random_access,
                            call->count, (const char **)call->parameters);
    return driver_status(db, error, call->name);
}

/* What apr_dbd_get_row() returns behind the last row. */
#define NO_MORE_ROWS (-1)

/* Always to the end, because some drivers don't free a result that was not read to its end. A
 * statement may also fail after its first rows. */
static apr_status_t take_rows(um_db_t *db, apr_dbd_results_t *results, const um_call_t *call,
                              um_row_fn_t *take, void *baton, apr_pool_t *pool)
{
    um_row_t row = { db->connection->driver, results, NULL, NULL };
    int error;

    while ((error = apr_dbd_get_row(row.driver, pool, results, &row.row, -1)) == 0) {
        take(&row, baton);
    }
    return error == NO_MORE_ROWS ? APR_SUCCESS : driver_status(db, error, call->name);
}

/* Outside of a transaction a read that fails is run again on a new connection: the connection
 * may be lost, or the statement may be older than the schema. */
static apr_status_t select_with_retry(apr_dbd_results_t **results, um_db_t *db,
                                      const um_call_t *call, apr_pool_t *pool)
{
    apr_time_t end = um_ticks() + READ_RETRY_TIME;
    apr_status_t status = UM_EUNAVAILABLE;

    for (int try = 1; status == UM_EUNAVAILABLE && try <= READ_ATTEMPTS_MAX; try++) {
        if (try > 1 && (is_late(db) || um_ticks() > end || um_db_recover(db) != APR_SUCCESS)) {
            break;
        }
        if (try > 1) {
            um_metrics_count(UM_COUNTER_READ_RETRIES);
        }
        db->retry_end = try < READ_ATTEMPTS_MAX ? end : 0;
        status = select_once(results, db, call, pool);
    }
    db->retry_end = 0;
    return status;
}

/* ---- reads on SQLite ---- */

typedef struct um_sqlite_take_t {
    um_row_fn_t *take;
    void *baton;
} um_sqlite_take_t;

static void take_sqlite_row(struct sqlite3_stmt *row, void *baton)
{
    const um_sqlite_take_t *to = baton;
    um_row_t handed = { NULL, NULL, NULL, row };

    to->take(&handed, to->baton);
}

static apr_status_t sqlite_status(um_db_t *db, apr_status_t status, const char *name,
                                  const um_sqlite_read_t *read)
{
    um_connection_t *connection = db->connection;
    const char *text;
    int error;

    if (status == APR_EINVAL) {
        int taken = um_statements_count_parameters(read->sql);

        return check_count(db,
                           taken < UM_SQLITE_PARAMETERS_MAX ? taken : UM_SQLITE_PARAMETERS_MAX,
                           read->count, name);
    }
    if (status == APR_TIMEUP && db->limit > 0) {
        return status;
    }
    if (status == APR_TIMEUP) {
        um_log(db->host, READ_ENDED, APR_SUCCESS, (int)apr_time_sec(SQLITE_READ_LIMIT), name);
        /* The connection is usable, but its transaction lacks this statement. */
        connection->state = in_transaction(db) ? UM_CONNECTION_FAILED : connection->state;
        return UM_EBUSY;
    }
    error = um_sqlite_error(&text, connection->sqlite);
    return fail(db, name, error, text);
}

static apr_status_t sqlite_select_once(um_sqlite_read_t *read, um_db_t *db, const um_call_t *call)
{
    apr_status_t status;

    read->sql = call->sql != NULL ? call->sql
                                  : um_statements_sql(call->id, db->connection->dialect);
    status = um_sqlite_select(db->connection->sqlite, read);
    if (!in_transaction(db) && read->rows > 0) {
        db->will_retry = 0;
    }
    return status == APR_SUCCESS ? APR_SUCCESS : sqlite_status(db, status, call->name, read);
}

/* As on other databases, outside of a transaction a read that fails is run again on a new
 * connection. But not after its first row was handed on: no caller gets a row twice. */
static apr_status_t sqlite_select_with_retry(um_sqlite_read_t *read, um_db_t *db,
                                             const um_call_t *call)
{
    apr_status_t status;

    db->will_retry = 1;
    status = sqlite_select_once(read, db, call);
    db->will_retry = 0;
    if (status == UM_EUNAVAILABLE && read->rows == 0 && um_db_recover(db) == APR_SUCCESS) {
        um_metrics_count(UM_COUNTER_READ_RETRIES);
        status = sqlite_select_once(read, db, call);
    }
    return status;
}

static apr_status_t sqlite_select(um_db_t *db, um_row_fn_t *take, void *baton,
                                  const um_call_t *call)
{
    um_gate_t *gate = in_transaction(db) ? NULL : db->gate;
    um_sqlite_take_t to = { take, baton };
    um_sqlite_read_t read = { .parameters = call->parameters,
                              .count = call->count,
                              .take = take_sqlite_row,
                              .baton = &to,
                              .limit = db->limit > 0 ? db->limit : SQLITE_READ_LIMIT,
                              .wait = SQLITE_READ_WAIT };
    apr_status_t status;

    if (in_transaction(db)) {
        return sqlite_select_once(&read, db, call);
    }
    if (gate != NULL) {
        um_gate_enter(gate);
    }
    status = sqlite_select_with_retry(&read, db, call);
    if (gate != NULL) {
        um_gate_leave(gate);
    }
    return status;
}

/* ---- reads on all databases ---- */

static apr_status_t select_rows(um_db_t *db, um_row_fn_t *take, void *baton,
                                const um_call_t *call, apr_pool_t *pool)
{
    apr_dbd_results_t *results = NULL;
    apr_status_t status;

    if (db->connection != NULL && db->connection->sqlite != NULL) {
        return sqlite_select(db, take, baton, call);
    }
    status = in_transaction(db) ? select_once(&results, db, call, pool)
                                : select_with_retry(&results, db, call, pool);
    return status == APR_SUCCESS ? take_rows(db, results, call, take, baton, pool) : status;
}

apr_status_t um_db_select(um_db_t *db, um_row_fn_t *take, void *baton, const um_bind_t *bind,
                          apr_pool_t *pool)
{
    um_arguments_t arguments;
    um_call_t call = { bind->id, NULL, um_statements_name(bind->id), arguments.texts, 0 };
    apr_status_t status = check_since(db, bind->id, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    um_statements_arrange(&arguments, bind, db->dialect);
    call.count = arguments.count;
    return select_rows(db, take, baton, &call, pool);
}

apr_status_t um_db_select_rows(um_db_t *db, um_row_fn_t *take, void *baton,
                               const um_bind_rows_t *rows, apr_pool_t *pool)
{
    um_call_t call = { UM_STMT_COUNT,
                       um_statements_rows_sql(rows->id, db->dialect, rows->count, pool),
                       um_statements_name(rows->id),
                       um_statements_arrange_rows(rows, 0, rows->count, db->dialect, pool),
                       um_queries[rows->id].texts[db->dialect].order_count * rows->count };
    apr_status_t status = check_since(db, rows->id, pool);

    return status == APR_SUCCESS ? select_rows(db, take, baton, &call, pool) : status;
}

apr_status_t um_db_select_composed(um_db_t *db, um_row_fn_t *take, void *baton, const char *sql,
                                   const char *const *parameters, int count, apr_pool_t *pool)
{
    um_call_t call = { UM_STMT_COUNT, sql, sql, parameters, count };

    return select_rows(db, take, baton, &call, pool);
}

/* ---- reads with a limit of their own ---- */

/* A SELECT that its database ends after the limit, if that is said in its text. */
static const char *limit_text(const um_db_t *db, const char *sql, apr_pool_t *pool)
{
    const char *select_limit = um_db_traits(db)->select_limit;
    int ms = (int)apr_time_as_msec(db->limit);

    return select_limit != NULL
               ? apr_pstrcat(pool, apr_psprintf(pool, select_limit, ms / 1000, ms % 1000, ms),
                             strchr(sql, ' '), NULL)
               : sql;
}

/* Begin a transaction with the limit. Within it a connection with many statements could not be
 * replaced. */
static apr_status_t begin_limited(um_db_t *db, apr_pool_t *pool)
{
    int ms = (int)apr_time_as_msec(db->limit);
    um_setting_t settings[] = {
        { apr_psprintf(pool, um_db_traits(db)->limit_setting, ms, ms), 1 }, { NULL, 0 }
    };
    apr_status_t status = APR_SUCCESS;

    if (db->connection != NULL && apr_hash_count(db->connection->composed) >= COMPOSED_MAX) {
        status = um_db_recover(db);
    }
    if (status == APR_SUCCESS) {
        status = um_db_begin(db);
    }
    if (status == APR_SUCCESS) {
        status = begin_if_due(db);
    }
    return status == APR_SUCCESS ? apply_settings(db, settings) : status;
}

/* On a database whose limit is one of transactions. A connection that was lost is replaced once,
 * as for other reads. */
static apr_status_t select_in_transaction(um_db_t *db, um_row_fn_t *take, void *baton,
                                          const um_call_t *call, apr_pool_t *pool)
{
    apr_status_t status = UM_EUNAVAILABLE;

    for (int try = 1; try <= 2 && status == UM_EUNAVAILABLE && !is_late(db); try++) {
        if (try > 1 && um_db_recover(db) != APR_SUCCESS) {
            break;
        }
        db->will_retry = try == 1;
        status = begin_limited(db, pool);
        if (status == APR_SUCCESS) {
            status = select_rows(db, take, baton, call, pool);
        }
        um_db_rollback(db);
    }
    db->will_retry = 0;
    return status;
}

apr_status_t um_db_select_limited(um_db_t *db, um_row_fn_t *take, void *baton, const char *sql,
                                  const char *const *parameters, int count,
                                  apr_interval_time_t limit, apr_pool_t *pool)
{
    um_call_t call = { UM_STMT_COUNT, sql, sql, parameters, count };
    int is_in_transaction = limit > 0 && um_db_traits(db)->limit_setting != NULL;
    apr_status_t status;

    db->limit = limit;
    db->limit_end = limit > 0 ? um_ticks() + limit : 0;
    if (limit > 0) {
        call.sql = limit_text(db, sql, pool);
    }
    status = is_in_transaction ? select_in_transaction(db, take, baton, &call, pool)
                               : select_rows(db, take, baton, &call, pool);
    if (status == APR_TIMEUP || (status == UM_EUNAVAILABLE && is_late(db))) {
        um_log(db->host, FILTER_ENDED, APR_SUCCESS, (int)apr_time_as_msec(limit), sql);
        status = APR_TIMEUP;
    }
    db->limit = 0;
    db->limit_end = 0;
    return status;
}

typedef struct um_found_t {
    um_row_fn_t *take;
    void *baton;
    int has_row;
} um_found_t;

static void take_found(const um_row_t *row, void *baton)
{
    um_found_t *found = baton;

    found->has_row = 1;
    found->take(row, found->baton);
}

apr_status_t um_db_select_found(um_db_t *db, um_row_fn_t *take, void *baton,
                                const um_bind_t *bind, apr_pool_t *pool)
{
    um_found_t found = { take, baton, 0 };
    apr_status_t status = um_db_select(db, take_found, &found, bind, pool);

    return status == APR_SUCCESS && !found.has_row ? UM_ENOTFOUND : status;
}

static void note_row(const um_row_t *row, void *baton)
{
    (void)row;
    *(int *)baton = 1;
}

apr_status_t um_db_exists(int *exists, um_db_t *db, const um_bind_t *bind, apr_pool_t *pool)
{
    *exists = 0;
    return um_db_select(db, note_row, exists, bind, pool);
}

apr_status_t um_db_query(um_db_t *db, int *affected, const um_bind_t *bind, apr_pool_t *pool)
{
    um_prepared_t *prepared;
    um_arguments_t arguments;
    int rows = 0;
    int error;
    apr_status_t status = check_since(db, bind->id, pool);

    if (status == APR_SUCCESS) {
        status = find_prepared(&prepared, db, bind->id);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    um_statements_arrange(&arguments, bind, db->dialect);
    error = apr_dbd_pquery(db->connection->driver, pool, db->connection->handle, &rows,
                           prepared->statement, arguments.count, arguments.texts);
    if (error == 0 && affected != NULL) {
        *affected = rows;
    }
    if (error == 0 && bind->id == UM_STMT_SAVEPOINT_ROLLBACK) {
        db->connection->state = UM_CONNECTION_BEGUN;
    }
    return driver_status(db, error, um_statements_name(bind->id));
}

static apr_status_t query_composed(um_db_t *db, int *affected, const char *sql,
                                   const char **texts, const char *name, apr_pool_t *pool)
{
    um_prepared_t *prepared = NULL;
    int changed = 0;
    int error;
    apr_status_t status = find_composed(&prepared, db, sql, name);

    if (status != APR_SUCCESS) {
        return status;
    }
    error = apr_dbd_pquery(db->connection->driver, pool, db->connection->handle, &changed,
                           prepared->statement, prepared->parameters, texts);
    *affected += changed;
    return driver_status(db, error, name);
}

static apr_status_t query_some_rows(um_db_t *db, int *affected, const um_bind_rows_t *rows,
                                    int first, int count, apr_pool_t *pool)
{
    return query_composed(db, affected,
                          um_statements_rows_sql(rows->id, db->dialect, count, pool),
                          um_statements_arrange_rows(rows, first, count, db->dialect, pool),
                          um_statements_name(rows->id), pool);
}

/* In one statement for any number of rows. */
static apr_status_t query_arrays(um_db_t *db, int *affected, const char *sql,
                                 const um_bind_rows_t *rows, apr_pool_t *pool)
{
    return query_composed(db, affected, sql,
                          um_statements_arrange_arrays(rows, db->dialect, pool),
                          um_statements_name(rows->id), pool);
}

apr_status_t um_db_query_rows(um_db_t *db, int *affected, const um_bind_rows_t *rows,
                              apr_pool_t *pool)
{
    const char *arrays = um_statements_arrays_sql(rows->id, db->dialect, pool);
    int done = 0;
    int size = 1;
    apr_status_t status = check_since(db, rows->id, pool);

    *affected = 0;
    if (status == APR_SUCCESS && arrays != NULL) {
        return query_arrays(db, affected, arrays, rows, pool);
    }
    while (size <= rows->count / 2) {
        size *= 2;
    }
    for (; status == APR_SUCCESS && size > 0; size /= 2) {
        if (done + size <= rows->count) {
            status = query_some_rows(db, affected, rows, done, size, pool);
            done += size;
        }
    }
    return status;
}

apr_status_t um_db_query_one(um_db_t *db, apr_status_t otherwise, const um_bind_t *bind,
                             apr_pool_t *pool)
{
    int affected = 0;
    apr_status_t status = um_db_query(db, &affected, bind, pool);

    return status == APR_SUCCESS && affected != 1 ? otherwise : status;
}

/* ---- changes that are one statement ---- */

/* Changes of several threads, sent as one statement. */
typedef struct um_group_t {
    um_gathered_t **changes;
    int count;
} um_group_t;

static void note_made(const um_row_t *row, void *baton)
{
    const um_group_t *group = baton;
    const char *name = um_row_text(row, 0);

    for (int i = 0; name != NULL && i < group->count; i++) {
        if (strcmp(group->changes[i]->name, name) == 0) {
            group->changes[i]->is_made = 1;
        }
    }
}

/* An error that the database answered has left nothing behind; a lost answer may have. */
static int is_answer_lost(const um_db_t *db, apr_status_t status)
{
    return status == UM_EUNAVAILABLE && db->connection != NULL
           && !um_connection_is_alive(db->connection);
}

/* What a thread needs to send the changes of a group. */
typedef struct um_sender_t {
    um_db_t *db;
    um_statement_id_t id;
    apr_pool_t *pool;
} um_sender_t;

/* Nothing was sent yet, so others can use the connection. */
static void part(void *baton)
{
    um_db_t *db = ((const um_sender_t *)baton)->db;

    db->connection->state = UM_CONNECTION_READY;
    db->host->release(db->connection, db->host->baton);
    db->connection = NULL;
    db->has_parted = 1;
}

static apr_status_t take_connection(um_db_t *db)
{
    apr_status_t status = APR_SUCCESS;

    if (db->has_parted) {
        status = db->host->acquire(&db->connection, UM_ACQUIRE_ANY, db->host->baton, db->pool);
    }
    if (status == APR_SUCCESS) {
        db->connection->state = UM_CONNECTION_BEGUN;
        db->has_parted = 0;
    }
    return status;
}

/* A statement is prepared for each of these numbers of rows. */
static int size_for(int count)
{
    return count == 1 ? 1 : count <= UM_GATHER_MAX / 4 ? UM_GATHER_MAX / 4 : UM_GATHER_MAX;
}

static apr_status_t send_rows(const um_sender_t *sender, um_group_t *group)
{
    /* A row of NULL and 0. */
    static const apr_int64_t nothing[UM_VALUES_MAX] = { 0 };
    um_db_t *db = sender->db;
    int size = size_for(group->count);
    const void *values[UM_GATHER_MAX];
    um_call_t call = { UM_STMT_COUNT, NULL, um_statements_name(sender->id), NULL, 0 };

    for (int i = 0; i < size; i++) {
        values[i] = i < group->count ? group->changes[i]->values : nothing;
    }
    call.sql = um_statements_rows_sql(sender->id, db->dialect, size, sender->pool);
    call.parameters = um_statements_arrange_each(&call.count, sender->id, values, size,
                                                 db->dialect, sender->pool);
    return select_rows(db, note_made, group, &call, sender->pool);
}

static void send_group(um_gathered_t **changes, int count, void *baton)
{
    const um_sender_t *sender = baton;
    um_group_t group = { changes, count };
    apr_status_t status = take_connection(sender->db);
    int is_lost;

    if (status == APR_SUCCESS) {
        apr_time_t start = um_ticks();

        status = send_rows(sender, &group);
        um_metrics_observe(UM_HISTOGRAM_COMMIT, um_ticks() - start);
    }
    is_lost = is_answer_lost(sender->db, status);
    for (int i = 0; i < count; i++) {
        changes[i]->status = status;
        changes[i]->is_lost = is_lost;
    }
}

/* The thread's connection, if it has one, has sent the statement; else another's has. */
static apr_status_t send_with_others(um_db_t *db, apr_status_t otherwise, const um_bind_t *bind,
                                     const char *order, apr_pool_t *pool)
{
    um_sender_t sender = { db, bind->id, pool };
    const um_gather_calls_t calls = { part, send_group, &sender };
    um_gathered_t change = { .statement = (int)bind->id,
                             .values = bind->values,
                             .name = db->witness.uid,
                             .order = order };
    apr_status_t status = um_gather_run(db->gather, &change, &calls, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    db->lost_answer = change.is_lost;
    if (change.status == APR_SUCCESS && db->has_parted) {
        db->begin = BEGIN_ELSEWHERE;
    }
    if (change.status != APR_SUCCESS) {
        return change.status;
    }
    return change.is_made ? APR_SUCCESS : otherwise;
}

/* The statement is its own transaction, so its time is that of a commit, too. */
static apr_status_t query_and_commit(um_db_t *db, apr_status_t otherwise, const um_bind_t *bind,
                                     apr_pool_t *pool)
{
    apr_time_t start = um_ticks();
    apr_status_t status = um_db_query_one(db, otherwise, bind, pool);

    um_metrics_observe(UM_HISTOGRAM_COMMIT, um_ticks() - start);
    return status;
}

/* Nothing was made, so the caller may ask why. */
static apr_status_t begin_anew(um_db_t *db, apr_status_t otherwise)
{
    apr_status_t status = take_connection(db);

    if (status == APR_SUCCESS) {
        db->begin = BEGIN_DUE;
    }
    return status == APR_SUCCESS ? otherwise : status;
}

apr_status_t um_db_query_last(um_db_t *db, apr_status_t otherwise, const um_bind_t *bind,
                              const char *order, apr_pool_t *pool)
{
    /* It may ask for the version of the schema, which is a statement. */
    apr_status_t status = check_since(db, bind->id, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    if (!um_db_is_first(db)) {
        return um_db_query_one(db, otherwise, bind, pool);
    }
    db->begin = BEGIN_NEVER;
    if (db->gather != NULL && order != NULL) {
        status = send_with_others(db, otherwise, bind, order, pool);
    } else {
        status = query_and_commit(db, otherwise, bind, pool);
        db->lost_answer = is_answer_lost(db, status);
    }
    return status == otherwise && !um_db_has_failed(db) ? begin_anew(db, otherwise) : status;
}

int um_db_is_first(const um_db_t *db)
{
    return db->begin == BEGIN_DUE && !db->runs_again;
}

int um_db_lost_answer(const um_db_t *db)
{
    return db->lost_answer;
}

void um_db_set_runs_again(um_db_t *db, int runs_again)
{
    db->runs_again = runs_again;
}

void um_db_set_locks_many(um_db_t *db)
{
    db->locks_many = 1;
}

void um_db_set_leaves_trace(um_db_t *db, int leaves_trace)
{
    db->leaves_trace = leaves_trace;
}

int um_db_locks_many(const um_db_t *db)
{
    return db->locks_many;
}

apr_status_t um_db_prepare(um_db_t *db, int id)
{
    um_prepared_t *prepared;

    return find_prepared(&prepared, db, (um_statement_id_t)id);
}

apr_status_t um_db_prepare_composed(um_db_t *db, const char *sql)
{
    um_sqlite_read_t read = { .sql = sql };
    um_prepared_t *prepared;
    apr_status_t status;

    if (db->connection == NULL || db->connection->sqlite == NULL) {
        return find_composed(&prepared, db, sql, sql);
    }
    status = um_sqlite_prepare(db->connection->sqlite, sql);
    return status == APR_SUCCESS ? APR_SUCCESS : sqlite_status(db, status, sql, &read);
}

/* Where the driver may connect anew without telling, COMMIT is a prepared statement: it
 * fails on another connection than that of the transaction. */
static apr_status_t prepare_commit(um_db_t *db)
{
    um_prepared_t *prepared;

    return db->connection->traits->reconnects_silently
               ? find_prepared(&prepared, db, UM_STMT_COMMIT)
               : APR_SUCCESS;
}

apr_status_t um_db_begin(um_db_t *db)
{
    static const um_witness_t nobody = { 0, "" };
    apr_status_t status;

    if (!is_in(db, UM_CONNECTION_READY)) {
        return UM_EUNAVAILABLE;
    }
    db->begin = BEGIN_SENT;
    status = prepare_commit(db);
    if (status == APR_SUCCESS && db->connection->traits->changes_in_ctes) {
        db->begin = BEGIN_DUE;
    } else if (status == APR_SUCCESS) {
        status = send_begin(db);
    }
    if (status == APR_SUCCESS) {
        db->connection->state = UM_CONNECTION_BEGUN;
    }
    db->witness = nobody;
    db->lost_answer = 0;
    db->locks_many = 0;
    db->leaves_trace = 0;
    return status;
}

static apr_status_t control(um_db_t *db, um_statement_id_t id)
{
    apr_status_t status = begin_if_due(db);

    return status == APR_SUCCESS
               ? driver_status(db, send_statement(db, id), um_statements_name(id))
               : status;
}

apr_status_t um_db_begin_part(um_db_t *db)
{
    return control(db, UM_STMT_SAVEPOINT);
}

apr_status_t um_db_end_part(um_db_t *db, int undo)
{
    apr_status_t status = undo ? control(db, UM_STMT_SAVEPOINT_ROLLBACK) : APR_SUCCESS;

    return status == APR_SUCCESS ? control(db, UM_STMT_SAVEPOINT_RELEASE) : status;
}

static apr_status_t get_stamp(int *last, um_db_t *db, const char *sql, apr_pool_t *pool)
{
    apr_dbd_results_t *results = NULL;
    apr_dbd_row_t *row = NULL;
    um_row_t first = { 0 };
    int error = apr_dbd_select(db->connection->driver, pool, db->connection->handle, &results,
                               sql, db->connection->traits->random_access);

    while (error == 0 && apr_dbd_get_row(db->connection->driver, pool, results, &row, -1) == 0) {
        first.driver = db->connection->driver;
        first.results = results;
        first.row = row;
        *last = (int)um_row_int(&first, 0);
    }
    return driver_status(db, error, sql);
}

static apr_status_t set_stamp(um_db_t *db, const char *format, int number)
{
    char sql[64];

    apr_snprintf(sql, sizeof(sql), format, number);
    return driver_status(db, send_text(db, sql), sql);
}

/* See um_stamp_sql_t. It is never 0, because a file that was never stamped has 0. */
static apr_status_t leave_stamp(um_db_t *db)
{
    const um_stamp_sql_t *sql = db->connection->traits->stamp;
    apr_uint32_t own = 0;
    apr_pool_t *scratch;
    int last = 0;
    apr_status_t status;

    if (sql == NULL) {
        return APR_SUCCESS;
    }
    apr_pool_create(&scratch, db->pool);
    status = get_stamp(&last, db, sql->get, scratch);
    apr_pool_destroy(scratch);
    if (status == APR_SUCCESS) {
        status = db->host->random.fill((unsigned char *)&own, sizeof(own),
                                       db->host->random.baton);
    }
    if (status == APR_SUCCESS) {
        status = set_stamp(db, sql->set_last, last);
    }
    return status == APR_SUCCESS ? set_stamp(db, sql->set_own, (int)(own >> 2) + 1) : status;
}

/* If the path does not lead to the file any more, a commit would succeed and be lost. */
static apr_status_t check_file(um_db_t *db)
{
    um_connection_t *connection = db->connection;

    if (um_connection_has_its_file(connection, db->pool)) {
        return APR_SUCCESS;
    }
    um_log(db->host, FILE_REPLACED, APR_SUCCESS, connection->database->params);
    connection->closes_all = 1;
    connection->state = UM_CONNECTION_FAILED;
    return UM_EUNAVAILABLE;
}

/* End a transaction whose BEGIN was not sent. If it has failed, it has left nothing open, unless
 * the answer was lost. */
static apr_status_t end_without_begin(um_db_t *db)
{
    db->begin = BEGIN_SENT;
    db->connection->state = db->lost_answer ? UM_CONNECTION_DOUBTFUL : UM_CONNECTION_READY;
    return db->lost_answer ? UM_EUNAVAILABLE : APR_SUCCESS;
}

apr_status_t um_db_commit(um_db_t *db)
{
    um_connection_t *connection = db->connection;
    apr_status_t status = UM_EUNAVAILABLE;
    apr_time_t start;

    if (db->begin == BEGIN_ELSEWHERE) {
        return APR_SUCCESS;
    }
    if (in_transaction(db) && db->begin != BEGIN_SENT) {
        return end_without_begin(db);
    }
    if (!is_in(db, UM_CONNECTION_BEGUN) || check_file(db) != APR_SUCCESS
        || leave_stamp(db) != APR_SUCCESS) {
        /* Some databases answer the COMMIT of a failed transaction with success. */
        um_db_rollback(db);
        return status;
    }
    start = um_ticks();
    if (connection->traits->reconnects_silently) {
        status = um_db_query(db, NULL, UM_BIND(commit), connection->pool);
    } else {
        status = driver_status(db, send_statement(db, UM_STMT_COMMIT),
                               um_statements_name(UM_STMT_COMMIT));
    }
    um_metrics_observe(UM_HISTOGRAM_COMMIT, um_ticks() - start);
    if (status != APR_SUCCESS) {
        um_db_rollback(db);
        connection->state = UM_CONNECTION_DOUBTFUL;
        return status;
    }
    connection->state = UM_CONNECTION_READY;
    return APR_SUCCESS;
}

/* After a failed statement the driver may have reconnected for the ROLLBACK. */
static int is_ready_again(const um_db_t *db, int error, int has_failed)
{
    um_connection_t *connection = db->connection;

    if (error != 0 || db->leaves_trace) {
        return 0;
    }
    return !has_failed || !connection->traits->reconnects_silently
           || um_connection_is_alive(connection);
}

apr_status_t um_db_rollback(um_db_t *db)
{
    int has_failed = is_in(db, UM_CONNECTION_FAILED);
    int error;

    if (!in_transaction(db)) {
        return APR_SUCCESS;
    }
    if (db->begin != BEGIN_SENT) {
        return end_without_begin(db);
    }
    /* It fails if the database has rolled back by itself, for instance on a full disk. */
    error = send_statement(db, UM_STMT_ROLLBACK);
    db->connection->state = is_ready_again(db, error, has_failed) ? UM_CONNECTION_READY
                                                                  : UM_CONNECTION_DOUBTFUL;
    return error == 0 ? APR_SUCCESS : UM_EUNAVAILABLE;
}

apr_status_t um_db_copy(const char **wrong, um_db_t *db, const char *path, int (*stop)(void),
                        apr_pool_t *pool)
{
    um_sqlite_t *sqlite = db->connection != NULL ? db->connection->sqlite : NULL;
    const char *text = NULL;
    apr_status_t status;

    if (sqlite == NULL) {
        return APR_ENOTIMPL;
    }
    status = um_sqlite_copy(sqlite, path, stop);
    if (status == UM_EUNAVAILABLE) {
        um_sqlite_error(&text, sqlite);
        *wrong = apr_pstrdup(pool, text);
    }
    if (status == APR_SUCCESS) {
        *wrong = um_sqlite_check_file(path, um_statements_sql(UM_STMT_INTEGRITY, db->dialect),
                                      pool);
        status = *wrong != NULL ? UM_EUNAVAILABLE : APR_SUCCESS;
    }
    return status;
}

apr_status_t um_db_execute_schema(um_db_t *db, const char *sql)
{
    apr_status_t status;

    if (db->connection == NULL) {
        return UM_EUNAVAILABLE;
    }
    status = begin_if_due(db);
    return status == APR_SUCCESS ? driver_status(db, send_text(db, sql), "schema statement")
                                 : status;
}
