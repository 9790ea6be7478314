/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_SQLITE_FILE_H
#define UM_DB_SQLITE_FILE_H

/**
 * @file sqlite_file.h
 * The file of an SQLite database, as a file: making it so that nobody else may read it,
 * and telling whether a write-ahead log that lies beside it is its own.
 *
 * Closing a file ends all locks that the process has on it, also SQLite's. So nothing
 * here may be called while the process has a connection to the same database.
 */

#include <apr_pools.h>

/** The file that a path leads to, in pool; the path itself where it leads to none. SQLite
 *  follows links before it puts -wal behind the name. */
const char *um_sqlite_file_resolve(const char *path, apr_pool_t *pool);

/**
 * Make the file, empty, of mode 0600, where there is none. SQLite gives its mode and its
 * owner to the log (-wal) and the shared memory (-shm). A process of root's gives it
 * to the owner of its folder, so that httpd's user can use it.
 * @return APR_SUCCESS, also where it is there already and is left as it is; or why it
 *         can't be made
 */
apr_status_t um_sqlite_file_create(const char *path, apr_pool_t *pool);

/**
 * Tell whether the write-ahead log beside the file, if there is one, was written for
 * this file. After `cp backup.db usermgmt.db` over a database whose httpd was killed, the
 * log of the old file is still there: SQLite would lay its pages over the backup, and
 * give garbage.
 *
 * SQLite writes no mark that ties the two together. The module and the tool do: each of
 * their transactions puts a number of its own and that of the transaction before into the
 * header of page 1 (um_stamp_sql_t), so that page 1 is in every log of theirs. A log is
 * the file's own if its first header goes on from the file's, or, as its pages were copied
 * into the file already, if the file's header is in it. Other processes may use the
 * database meanwhile.
 *
 * It can't see a log that other programs alone have written without a header; nor a
 * backup that was made when the log was empty, which is the very file that the log was
 * written for, and to which it is rightly applied.
 *
 * @return NULL, or what is wrong, in pool
 */
const char *um_sqlite_file_check_log(const char *path, apr_pool_t *pool);

#endif
