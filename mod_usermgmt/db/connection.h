/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_CONNECTION_H
#define UM_DB_CONNECTION_H

/**
 * @file connection.h
 * A database and a connection to it: opened, configured, closed. A connection that may be
 * unusable is never repaired, but closed and replaced by another.
 *
 *        um_connection_open()
 *                |
 *                v
 *          +-----------+    a statement or BEGIN fails    +------------+
 *          |   READY   | -------------------------------> |  DOUBTFUL  |
 *          +-----------+                                  +------------+
 *       BEGIN |     ^  ^                                     ^     ^
 *             |     |  |                                     |     |
 *             v     |  | COMMIT, ROLLBACK                    |     |
 *          +-----------+        COMMIT or ROLLBACK fails     |     |
 *          |   BEGUN   | ------------------------------------+     |
 *          +-----------+                                           |
 *             |     ^ ROLLBACK TO a savepoint                      |
 *  a statement|     |                                              |
 *       fails v     |                                              |
 *          +-----------+        ROLLBACK fails                     |
 *          |  FAILED   | ------------------------------------------+
 *          +-----------+
 *             | ROLLBACK
 *             v
 *           READY
 *
 * PostgreSQL gets BEGIN with the first statement of a transaction, and none for a transaction of
 * one statement (um_db_query_last()): then BEGUN leads to READY, and FAILED to READY or DOUBTFUL,
 * without a statement.
 */

#include <apr_dbd.h>
#include <apr_file_info.h>
#include <apr_hash.h>

#include "../base/host.h"
#include "dialect.h"

/** A database: the data that opens a connection. Read-only after it is filled. */
typedef struct um_database_t {
    um_dialect_t dialect;
    const apr_dbd_driver_t *driver;
    /** As the driver reads them. They may have a password, so never log them. Only those
     *  of SQLite may be logged, because they are a path. */
    const char *params;
    /** SQL to run on each connection before the module's own settings: of const
     *  char *, or NULL. */
    const apr_array_header_t *init_sql;
} um_database_t;

/** The state of a connection. */
typedef enum um_connection_state_t {
    /** Configured; no transaction is open. */
    UM_CONNECTION_READY,
    /** A transaction is open, and all its statements have succeeded so far. */
    UM_CONNECTION_BEGUN,
    /** A statement of the transaction failed. The transaction can only be rolled back. */
    UM_CONNECTION_FAILED,
    /** Not usable any more: its statements may be older than the schema, its settings may
     *  be lost, or it may be dead. It is closed when it is released. */
    UM_CONNECTION_DOUBTFUL
} um_connection_state_t;

/** A prepared statement. */
typedef struct um_prepared_t {
    /** NULL if it is not prepared yet. */
    apr_dbd_prepared_t *statement;
    int parameters;
} um_prepared_t;

/** A connection. One thread at a time uses it. */
struct um_connection_t {
    const um_database_t *database;
    um_dialect_t dialect;
    const um_dialect_traits_t *traits;
    const apr_dbd_driver_t *driver;
    apr_dbd_t *handle;
    um_connection_state_t state;
    /** Lives exactly as long as the connection; it has no parent. */
    apr_pool_t *pool;
    /** Of all statements, by their number in statements.h. */
    um_prepared_t *prepared;
    /** SQL text to um_prepared_t. */
    apr_hash_t *composed;
    /** The version that the schema had when it was looked at; 0 for never. */
    int schema_version;
    /** The version by which what depends on it is chosen, and when it was read, by um_ticks();
     *  0 before. */
    int chosen_version;
    apr_time_t version_asked_at;
    /** All connections of the process must be closed before one is of use, since they share
     *  what is wrong: SQLite has opened the file read-only, or that file is gone. */
    int closes_all;
    /** Which file is open, if the database is a file. */
    apr_dev_t device;
    apr_ino_t inode;
    /** It has the settings for many changes in a row. */
    int is_bulk;
    /** The labels of prepared statements have this number, so that no two connections use
     *  the same label. Otherwise, behind a pooler that gives one backend to several
     *  connections, one would run a statement that another has prepared. */
    apr_uint64_t number;
    unsigned labels;
    /** Reads on SQLite don't use the driver; NULL on another database. */
    struct um_sqlite_t *sqlite;
    /** For the host's own use. */
    void *owner;
};

/**
 * Find the dialect and the driver by the driver's name, and load the driver.
 * @return APR_SUCCESS, UM_EINVALID if the name is none of the three supported ones,
 *         or APR's error if the driver is not installed
 */
apr_status_t um_database_find_driver(um_database_t *database, const char *name, apr_pool_t *pool);

/** For a log line about a failed database: the path of its file and the user, in brackets. If
 *  the database is no file, an empty text. */
const char *um_database_place(const um_database_t *database, apr_pool_t *pool);

/**
 * Connect and configure. It may take as long as the driver's own limits allow.
 * @param error    in pool, set if it fails
 * @param may_make whether to make the database's file if there is none
 * @return APR_SUCCESS or UM_EUNAVAILABLE
 */
apr_status_t um_connection_open(um_connection_t **connection, const char **error,
                                const um_database_t *database, int may_make, apr_pool_t *pool);

/** Does the path still lead to the file that is open? If not, everything that is written to
 *  that file is lost. Always true if the database is no file. */
int um_connection_has_its_file(const um_connection_t *connection, apr_pool_t *pool);

/** Close a connection and destroy its pool, in which it lives. */
void um_connection_close(um_connection_t *connection);

/** Make the settings of a list; the last one has a NULL text. Returns 0, or the driver's
 *  error, and in *name the name of the setting that failed. */
int um_connection_apply(const char **name, um_connection_t *connection,
                        const um_setting_t *settings);

/** Prepare a statement with a label of its own. Returns 0 or the driver's error. */
int um_connection_prepare(um_prepared_t *prepared, um_connection_t *connection, const char *sql);

/** Ask the database whether it answers, and whether this is still the connection that was
 *  configured. Not in a failed transaction. */
int um_connection_is_alive(um_connection_t *connection);

#endif
