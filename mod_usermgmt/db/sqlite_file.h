/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_SQLITE_FILE_H
#define UM_DB_SQLITE_FILE_H

/**
 * @file sqlite_file.h
 * The file of an SQLite database: how to make it so that nobody else can read it, and how
 * to tell whether the write-ahead log beside it belongs to it.
 *
 * Closing a file releases all locks that the process has on it, also SQLite's. So don't
 * call these functions while the process has a connection to the same database.
 */

#include <apr_pools.h>

/** The file that a path leads to, in pool; the path itself if it leads to none. SQLite
 *  follows links before it appends -wal to the name. */
const char *um_sqlite_file_resolve(const char *path, apr_pool_t *pool);

/**
 * If there is no file, make an empty one of mode 0600. SQLite gives its mode and its owner
 * to the log (-wal) and the shared memory (-shm). A process of root gives the file to the
 * owner of its folder, so that httpd's user can use it. An existing file stays as it is.
 * @return APR_SUCCESS, or why it can't be made
 */
apr_status_t um_sqlite_file_create(const char *path, apr_pool_t *pool);

/**
 * Tell whether the write-ahead log beside the file, if there is one, belongs to this file.
 * If httpd was killed, and then `cp backup.db usermgmt.db` replaced the file, the log of the
 * old file is still there. SQLite would apply its pages to the backup, and the result would
 * be garbage.
 *
 * SQLite itself does not mark which log belongs to which file, but the module and the tool
 * do. Each of their transactions writes two numbers into the header of page 1
 * (um_stamp_sql_t): its own, and that of the transaction before. So page 1 is in each of
 * their logs. A log belongs to the file if its first header follows that of the file, or, if
 * its pages were already copied into the file, if it contains the file's header. Other
 * processes may use the database meanwhile.
 *
 * It can't detect a log that only other programs have written, without page 1. Nor can it
 * detect a backup that was made while the log was empty: this is the file that the log was
 * begun on, so the log fits and is applied.
 *
 * @return NULL, or what is wrong, in pool
 */
const char *um_sqlite_file_check_log(const char *path, apr_pool_t *pool);

#endif
