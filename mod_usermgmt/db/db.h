/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_DB_H
#define UM_DB_DB_H

/**
 * @file db.h
 * A database connection in use. Only this and connection.h call apr_dbd_*. No caller sees a
 * driver's error number; the driver's error text is logged here, once.
 */

#include "../base/host.h"
#include "../base/status.h"
#include "../base/uid.h"
#include "dialect.h"
#include "gate.h"
#include "gather.h"

typedef struct um_db_t um_db_t;

/** One row of a result. Its texts live until the function that takes the row returns. */
typedef struct um_row_t um_row_t;

/** Takes one row. */
typedef void um_row_fn_t(const um_row_t *row, void *baton);

/** The text of a column, counted from 0; NULL if the column is NULL. */
const char *um_row_text(const um_row_t *row, int column);
/** The number of columns. */
int um_row_size(const um_row_t *row);
/** The same, but NULL if the text is empty, for expressions that have '' in place of NULL. */
const char *um_row_text_or_null(const um_row_t *row, int column);
/** A column as an integer; 0 if it is none. */
apr_int64_t um_row_int(const um_row_t *row, int column);

/** The first column of a row, copied to pool; NULL if there is no row. */
typedef struct um_first_text_t {
    const char *text;
    apr_pool_t *pool;
} um_first_text_t;

/** A um_row_fn_t that fills a um_first_text_t. */
void um_row_take_first_text(const um_row_t *row, void *baton);

/**
 * Borrow a connection from the host.
 * @param gate every read passes through it; NULL for none
 * @param db   lives in pool; give it back with um_db_close()
 * @return APR_SUCCESS or UM_EUNAVAILABLE
 */
apr_status_t um_db_open(um_db_t **db, const um_host_t *host, um_gate_t *gate, apr_pool_t *pool);

/** Give the connection back; an open transaction is rolled back. db may be NULL. */
void um_db_close(um_db_t *db);

/** Which kind of database it is. */
um_dialect_t um_db_dialect(const um_db_t *db);
/** The traits of that kind. */
const um_dialect_traits_t *um_db_traits(const um_db_t *db);
/** The host that um_db_open() got. */
const um_host_t *um_db_host(const um_db_t *db);

/** An integer as a parameter, in pool. */
const char *um_db_int(apr_int64_t number, apr_pool_t *pool);

/** A statement with its values, made by UM_BIND() of statements.h. One that needs a newer
 *  schema than the database has is not sent: it ends with UM_ESCHEMA, and a transaction that
 *  it is part of can go on without it. */
struct um_bind_t;
struct um_bind_rows_t;

/**
 * Run a statement that gives rows, and hand each row to take. Outside of a transaction a
 * statement that fails is run again on a new connection, because the old one may be lost,
 * or the schema may have changed.
 * @return APR_SUCCESS or UM_EUNAVAILABLE
 */
apr_status_t um_db_select(um_db_t *db, um_row_fn_t *take, void *baton,
                          const struct um_bind_t *bind, apr_pool_t *pool);

/** The same for a statement composed at run time, with its parameters in order; its text is
 *  remembered. */
apr_status_t um_db_select_composed(um_db_t *db, um_row_fn_t *take, void *baton, const char *sql,
                                   const char *const *parameters, int count, apr_pool_t *pool);

/** The same for a statement that may read many rows to find few, so that it has a time limit of
 *  its own, in microseconds; 0 for that of all statements. Outside of a transaction. Also
 *  APR_TIMEUP if the statement reached that limit (logged); take may have got rows then. */
apr_status_t um_db_select_limited(um_db_t *db, um_row_fn_t *take, void *baton, const char *sql,
                                  const char *const *parameters, int count,
                                  apr_interval_time_t limit, apr_pool_t *pool);

/** The same with a statement for many rows, which is prepared for their number. */
apr_status_t um_db_select_rows(um_db_t *db, um_row_fn_t *take, void *baton,
                               const struct um_bind_rows_t *rows, apr_pool_t *pool);

/** As um_db_select(), but UM_ENOTFOUND if there is no row. */
apr_status_t um_db_select_found(um_db_t *db, um_row_fn_t *take, void *baton,
                                const struct um_bind_t *bind, apr_pool_t *pool);

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

/** As um_db_query() for many rows, in a few statements. A statement is prepared for 1, 2, 4,
 *  8 … rows. A failure leaves the rows of the statements before. On PostgreSQL it is one
 *  statement, which gets each value of all rows as an array. */
apr_status_t um_db_query_rows(um_db_t *db, int *affected, const struct um_bind_rows_t *rows,
                              apr_pool_t *pool);

/** The same for one that changes one row if it can; otherwise where it changed none. */
apr_status_t um_db_query_one(um_db_t *db, apr_status_t otherwise, const struct um_bind_t *bind,
                             apr_pool_t *pool);

/**
 * As um_db_query_one(), for the last statement of a transaction: no other follows. If it is also
 * the first, and the database allows that (changes_in_ctes), it is sent without BEGIN and COMMIT,
 * and is committed when it succeeds. The results of the change must be complete before, because
 * the statement may be committed although its answer was lost: the runner finds that out by the
 * witness. If the statement is still running then, there is no witness yet, and the change runs
 * again. So the change must know its own rows from an earlier run if they are in its way. If it
 * ends with otherwise, nothing was made, and other statements may follow.
 *
 * If the transaction gathers (um_db_set_gather()), the statement may be sent together with those
 * of other threads. Its text has a part for one row in [ ], leaves out rows whose texts are NULL,
 * and gives the uid of the witness of each change that it made. If one fails, all do, and run
 * again alone.
 * @param order the text by which rows that conflict are put in order, see um_gathered_t; NULL if
 *              it is not sent together with others
 */
apr_status_t um_db_query_last(um_db_t *db, apr_status_t otherwise, const struct um_bind_t *bind,
                              const char *order, apr_pool_t *pool);
/** Would um_db_query_last() send its statement without BEGIN, because nothing was sent yet, and
 *  the change does not run again? */
int um_db_is_first(const um_db_t *db);

/** Does the schema have the version since or a later one? For what was composed: UM_BIND() asks
 * by itself. what is for the log. APR_SUCCESS, UM_EUNAVAILABLE or UM_ESCHEMA. */
apr_status_t um_db_check_version(um_db_t *db, int since, const char *what, apr_pool_t *pool);

/** The version of the schema, as the connection knows it: it is read at the first call, and as
 *  long as it is old, again after a second. So soon after an upgrade it may be the old version.
 *  APR_SUCCESS or UM_EUNAVAILABLE. */
apr_status_t um_db_get_version(int *version, um_db_t *db, apr_pool_t *pool);

/** Prepare a statement, by its number in statements.h, to see whether the database takes it.
 *  APR_SUCCESS or UM_EUNAVAILABLE. */
apr_status_t um_db_prepare(um_db_t *db, int id);
/** The same for a composed statement. */
apr_status_t um_db_prepare_composed(um_db_t *db, const char *sql);

/** Begin a transaction that will write. APR_SUCCESS or UM_EUNAVAILABLE. */
apr_status_t um_db_begin(um_db_t *db);
/** Commit. If it fails on SQLite, nothing of the transaction is in the database. If it fails
 *  on a database server, the outcome may be unknown. */
apr_status_t um_db_commit(um_db_t *db);
/** Roll back; it does nothing if there is no transaction. UM_EUNAVAILABLE if the database
 *  did not answer, so that the connection may be dead. */
apr_status_t um_db_rollback(um_db_t *db);

/** Within a transaction: begin a part of it that can be undone alone. Parts don't nest. (That of
 *  a change may be inside of the one that a single writer makes of the change; it ends first.)
 *  APR_SUCCESS or UM_EUNAVAILABLE, as for a statement. */
apr_status_t um_db_begin_part(um_db_t *db);
/** End the part. With undo its changes are undone. */
apr_status_t um_db_end_part(um_db_t *db, int undo);

/** Have the connection spend more memory, as it is to make many changes in a row.
 *  In a transaction or outside of one. APR_SUCCESS or UM_EUNAVAILABLE. */
apr_status_t um_db_expect_bulk(um_db_t *db);

/** The length of SQLite's log after the last commit: its pages that are not in the database
 *  yet. 0 for other databases. */
int um_db_log_pages(const um_db_t *db);

/** After these changes: do the work that they have left, so that no request has to. Outside
 *  of a transaction, on any connection. APR_SUCCESS or UM_EUNAVAILABLE. */
apr_status_t um_db_end_bulk(um_db_t *db);

/** Have the database remove rows of counts that were folded, so that no read has to pass over
 *  them. Outside of a transaction. APR_SUCCESS or UM_EUNAVAILABLE. */
apr_status_t um_db_clean_counts(um_db_t *db);

/** Non-zero: a failure will be retried, so log it at level info. */
void um_db_set_will_retry(um_db_t *db, int will_retry);

/** Tell whether the transaction was one statement, without BEGIN and COMMIT, whose answer was
 *  lost with the connection. */
int um_db_lost_answer(const um_db_t *db);

/** Send changes that are one statement together with those of other threads (gather.h). NULL for
 *  each alone. All of a gather are one statement. */
void um_db_set_gather(um_db_t *db, um_gather_t *gather);

/** Non-zero: the change ran before, and may still be made. It is a whole transaction now. */
void um_db_set_runs_again(um_db_t *db, int runs_again);

/** Say that the transaction locks hundreds of rows. Until it ends, rows are locked without a lock
 *  for the order of those who wait, because PostgreSQL has room for a limited number of such
 *  locks, for all transactions together. */
void um_db_set_locks_many(um_db_t *db);
/** Tell whether um_db_set_locks_many() was called since the transaction began. */
int um_db_locks_many(const um_db_t *db);

/** Say whether a variable of the session is set that no other transaction may find. While it is,
 *  a rollback gives up the connection. */
void um_db_set_leaves_trace(um_db_t *db, int leaves_trace);

/** Tell whether a statement of the transaction has failed, so that it must not be
 *  committed. */
int um_db_has_failed(const um_db_t *db);

/** The audit event that a transaction writes. The event exists if and only if the
 *  transaction was committed. uid is "" for none. */
typedef struct um_witness_t {
    apr_int64_t org_id;
    char uid[UM_UID_LENGTH + 1];
} um_witness_t;

/** Give the transaction a witness. When it begins, it has none. */
void um_db_set_witness(um_db_t *db, const um_witness_t *witness);
/** The witness of the transaction; its uid is "" if it has none. */
const um_witness_t *um_db_witness(const um_db_t *db);

/**
 * A change: it works inside a transaction, which writer.h or runner.h begins and commits. It may
 * run again from the start after its work was rolled back, so it must begin with an empty
 * result. It may run in another thread while its caller waits.
 * @return APR_SUCCESS to keep the change. Any other status rolls it back, and is what its caller
 *         gets
 */
typedef apr_status_t um_change_fn_t(um_db_t *db, void *baton, apr_pool_t *pool);

/**
 * Copy a database that is a file into another file, which is empty or not there, while others use
 * it, and check the copy.
 * @param wrong gets what is wrong, in pool, if UM_EUNAVAILABLE is returned
 * @param stop  asked now and then whether to give up
 * @return APR_SUCCESS; UM_EUNAVAILABLE; APR_EINTR; APR_ENOTIMPL if it is no file, or if the
 * driver has another build of SQLite
 */
apr_status_t um_db_copy(const char **wrong, um_db_t *db, const char *path, int (*stop)(void),
                        apr_pool_t *pool);

/** Run one statement of a schema file as it stands. APR_SUCCESS or UM_EUNAVAILABLE. */
apr_status_t um_db_execute_schema(um_db_t *db, const char *sql);

/** Replace the connection by a new one, because it may be dead, or its statements may be
 *  older than the schema. APR_SUCCESS; or UM_EUNAVAILABLE, and db has no connection then. */
apr_status_t um_db_recover(um_db_t *db);

/** Zero if there was no connection; the host has logged that. */
int um_db_has_connection(const um_db_t *db);

/** Can a transaction begin? */
int um_db_is_ready(const um_db_t *db);

#endif
