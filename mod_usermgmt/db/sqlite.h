/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_SQLITE_H
#define UM_DB_SQLITE_H

/**
 * @file sqlite.h
 * Reads on an SQLite connection of apr_dbd, without its driver. The driver holds one mutex
 * for the whole process while a statement runs, keeps every statement until the connection
 * is closed, and copies all rows. Here reads on several connections run at the same time,
 * rows are handed on one by one, a read ends at its time limit, and a fixed number of
 * statements is kept. The only file that includes sqlite3.h.
 *
 * A connection is used by one thread at a time.
 */

#include <apr_pools.h>
#include <apr_time.h>

struct sqlite3_stmt;

/** Statements that a connection keeps. A new one replaces the least recently used one. */
#define UM_SQLITE_STATEMENTS_MAX 48

/** Parameters of a statement, at most. A filter has up to six for each of its comparisons, and a
 *  statement has the filter up to six times, to count both ways of a list. */
#define UM_SQLITE_PARAMETERS_MAX 2560

typedef struct um_sqlite_t um_sqlite_t;

/** To be called before the first connection is opened. SQLite then does not count the memory that
 *  it uses, for which all threads would wait for one mutex at each allocation. Does nothing if
 *  another module of the process uses SQLite already. */
void um_sqlite_set_up(void);

/** Takes one row. */
typedef void um_sqlite_row_fn_t(struct sqlite3_stmt *row, void *baton);

/** The text of a column, counted from 0; NULL if the column is NULL. It is valid until the
 *  row's function returns. */
const char *um_sqlite_text(struct sqlite3_stmt *row, int column);
/** A column as an integer; 0 if it is none. */
apr_int64_t um_sqlite_int(struct sqlite3_stmt *row, int column);
/** The number of columns. */
int um_sqlite_size(struct sqlite3_stmt *row);

/** A read. */
typedef struct um_sqlite_read_t {
    /** With apr_dbd's placeholders. */
    const char *sql;
    const char *const *parameters;
    int count;
    um_sqlite_row_fn_t *take;
    void *baton;
    /** How long it may run, and how long it waits while the database is locked. */
    apr_interval_time_t limit;
    apr_interval_time_t wait;
    /** Set to the number of rows that were handed to take, also if the read fails later. */
    apr_int64_t rows;
} um_sqlite_read_t;

/** Tell whether the driver's library, with this sqlite_source_id(), is the one that this
 *  module is linked with, and whether several threads can use it. */
int um_sqlite_is_library(const char *source_id);

/**
 * Begin to read on a connection.
 * @param handle the native handle of apr_dbd's connection
 * @param pool   the connection's. Call um_sqlite_forget() before the connection is closed
 */
um_sqlite_t *um_sqlite_create(void *handle, apr_pool_t *pool);

/**
 * Run a read and hand its rows on. It is retried while the database is locked, but never
 * after its first row.
 * @return APR_SUCCESS; UM_EUNAVAILABLE, see um_sqlite_error(); APR_TIMEUP if it reached its
 *         time limit; APR_EINVAL if the number of parameters is not that of the
 *         placeholders, or too large
 */
apr_status_t um_sqlite_select(um_sqlite_t *sqlite, um_sqlite_read_t *read);

/** Prepare a statement, to see whether the database accepts it. As um_sqlite_select(). */
apr_status_t um_sqlite_prepare(um_sqlite_t *sqlite, const char *sql);

/** Tell whether to give up. */
typedef int um_sqlite_stop_fn_t(void);

/**
 * Copy the database, as one moment has it, into a file that is empty or not there, while others
 * read and write. It takes no time of the caller's but that.
 * @param stop asked now and then
 * @return APR_SUCCESS; UM_EUNAVAILABLE, see um_sqlite_error(); APR_EINTR
 */
apr_status_t um_sqlite_copy(um_sqlite_t *sqlite, const char *path, um_sqlite_stop_fn_t *stop);

/** Open a file of a database, and run a check that answers "ok". NULL, or what is wrong, in
 *  pool. */
const char *um_sqlite_check_file(const char *path, const char *sql, apr_pool_t *pool);

/** Drop all statements. */
void um_sqlite_forget(um_sqlite_t *sqlite);

/** The error of the last call: SQLite's number and its text. */
int um_sqlite_error(const char **text, const um_sqlite_t *sqlite);

/** How many pages of the log were not in the database yet after the last commit on this
 *  connection. As usual in SQLite, a commit copies pages to the database if the log is longer
 *  than SQLite's own limit. */
int um_sqlite_log_pages(const um_sqlite_t *sqlite);

#endif
