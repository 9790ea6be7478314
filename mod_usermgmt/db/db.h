/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_DB_H
#define UM_DB_DB_H

/**
 * @file db.h
 * A database connection in use. With connection.h the only one that calls
 * apr_dbd_*: no caller sees a driver's error number, and what a driver says of an
 * error is logged here, once.
 */

#include "../base/host.h"
#include "../base/status.h"
#include "../base/uid.h"
#include "dialect.h"
#include "gate.h"

typedef struct um_db_t um_db_t;

/** One row of a result; its texts live until the call it is handed to ends. */
typedef struct um_row_t um_row_t;

/** Takes one row. */
typedef void um_row_fn_t(const um_row_t *row, void *baton);

/** The text of a column, counted from 0; NULL where it is NULL. */
const char *um_row_text(const um_row_t *row, int column);
/** The number of columns. */
int um_row_size(const um_row_t *row);
/** The same, but NULL where it is empty: what stands for NULL in an expression. */
const char *um_row_text_or_null(const um_row_t *row, int column);
/** A column as an integer; 0 where it is none. */
apr_int64_t um_row_int(const um_row_t *row, int column);

/**
 * Borrow a connection from the host.
 * @param gate passed by every read, or NULL
 * @param db   lives in pool; give it back with um_db_close()
 * @return APR_SUCCESS or UM_EUNAVAILABLE
 */
apr_status_t um_db_open(um_db_t **db, const um_host_t *host, um_gate_t *gate, apr_pool_t *pool);

/** Give the connection back; an open transaction is rolled back. NULL is fine. */
void um_db_close(um_db_t *db);

um_dialect_t um_db_dialect(const um_db_t *db);
const um_dialect_traits_t *um_db_traits(const um_db_t *db);
const um_host_t *um_db_host(const um_db_t *db);

/** An integer as a parameter, in pool. */
const char *um_db_int(apr_int64_t number, apr_pool_t *pool);

/** A statement with its values, made by UM_BIND() of statements.h. One that needs a newer
 *  schema than the database has is not sent: it ends with UM_ESCHEMA, and a transaction that
 *  it is part of can go on without it. */
struct um_bind_t;

/**
 * Run a statement that gives rows, and hand each to take. Outside of a
 * transaction a statement that fails is run once more on a new connection: it
 * may have been lost, or the schema have changed.
 * @return APR_SUCCESS or UM_EUNAVAILABLE
 */
apr_status_t um_db_select(um_db_t *db, um_row_fn_t *take, void *baton,
                          const struct um_bind_t *bind, apr_pool_t *pool);

/** The same for a statement composed at run time, with its parameters in order; its text is
 *  remembered. */
apr_status_t um_db_select_composed(um_db_t *db, um_row_fn_t *take, void *baton, const char *sql,
                                   const char *const *parameters, int count, apr_pool_t *pool);

/** As um_db_select(), for what matters only for whether it gives a row: exists is 1 then,
 *  else 0. */
apr_status_t um_db_exists(int *exists, um_db_t *db, const struct um_bind_t *bind,
                          apr_pool_t *pool);

/**
 * Run a statement that changes rows. It is never run twice.
 * @param affected how many rows it changed; NULL if that does not matter
 * @return APR_SUCCESS or UM_EUNAVAILABLE
 */
apr_status_t um_db_query(um_db_t *db, int *affected, const struct um_bind_t *bind,
                         apr_pool_t *pool);

/** The same for one that changes one row if it can; otherwise where it changed none. */
apr_status_t um_db_query_one(um_db_t *db, apr_status_t otherwise, const struct um_bind_t *bind,
                             apr_pool_t *pool);

/** Does the schema have this version or a later one? For what was composed: UM_BIND() asks by
 *  itself. what is for the log. APR_SUCCESS, UM_EUNAVAILABLE or UM_ESCHEMA. */
apr_status_t um_db_check_version(um_db_t *db, int version, const char *what, apr_pool_t *pool);

/** Prepare a statement, by its number in statements.h, or a composed one, to see whether the
 *  database takes it. APR_SUCCESS or UM_EUNAVAILABLE. */
apr_status_t um_db_prepare(um_db_t *db, int id);
apr_status_t um_db_prepare_composed(um_db_t *db, const char *sql);

/** Begin a transaction that will write. APR_SUCCESS or UM_EUNAVAILABLE. */
apr_status_t um_db_begin(um_db_t *db);
/** Commit. Where it fails nothing of the transaction holds, or, with a database
 *  behind a connection, whether it holds is not known. */
apr_status_t um_db_commit(um_db_t *db);
/** Roll back; harmless where there is no transaction. UM_EUNAVAILABLE where the
 *  database did not answer, so that the connection may be dead. */
apr_status_t um_db_rollback(um_db_t *db);

/** Have the connection spend more memory, as it is to make many changes in a row.
 *  In a transaction or outside of one. APR_SUCCESS or UM_EUNAVAILABLE. */
apr_status_t um_db_expect_bulk(um_db_t *db);

/** The length of the log after the last commit, in pages: those that were not
 *  copied to the database yet. 0 where there is no such log. */
int um_db_log_pages(const um_db_t *db);

/** After those changes, outside of a transaction, on any connection: leave nothing to
 *  be done by whoever comes next. APR_SUCCESS or UM_EUNAVAILABLE. */
apr_status_t um_db_end_bulk(um_db_t *db);

/** Non-zero: what fails will be tried again, and is logged as information. */
void um_db_set_will_retry(um_db_t *db, int will_retry);

/** Tell whether anything has failed since the transaction began, so that it
 *  must not be committed. */
int um_db_has_failed(const um_db_t *db);

/** A row, an event of the audit trail, that is there if and only if the
 *  transaction that wrote it was committed. uid is "" for none. */
typedef struct um_witness_t {
    apr_int64_t org_id;
    char uid[UM_UID_LENGTH + 1];
} um_witness_t;

/** The witness of the transaction; none when it begins. */
void um_db_set_witness(um_db_t *db, const um_witness_t *witness);
const um_witness_t *um_db_witness(const um_db_t *db);

/** Run one statement of a schema file as it stands. APR_SUCCESS or UM_EUNAVAILABLE. */
apr_status_t um_db_execute_schema(um_db_t *db, const char *sql);

/** Give the connection up for a new one: it may be dead, or its statements older
 *  than the schema. APR_SUCCESS or UM_EUNAVAILABLE, without a connection then. */
apr_status_t um_db_recover(um_db_t *db);

/** Zero where no connection was to be had, which the host has logged. */
int um_db_has_connection(const um_db_t *db);

/** Can a transaction begin? */
int um_db_is_ready(const um_db_t *db);

#endif
