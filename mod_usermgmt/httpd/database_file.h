/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_DATABASE_FILE_H
#define UM_HTTPD_DATABASE_FILE_H

/**
 * @file database_file.h
 * Checks before a server's database is used. At configtest: can it hold data at all? At the
 * start, for SQLite: does the write-ahead log beside the file belong to it? And each process
 * makes a missing file so that only httpd's user can use it.
 */

#include <httpd.h>

/** The database of a server as configured; each may be NULL. */
typedef struct um_database_file_t {
    const char *driver;
    const char *params;
    /** The directive that names it, and its line. */
    const char *name;
    const char *place;
} um_database_file_t;

/**
 * Warn if httpd's user can't use an SQLite file: its folder is missing, or that user may not
 * write there, or not in the file. Call it in the parent process, which can still be root.
 */
void um_database_file_advise(const um_database_file_t *file, server_rec *server,
                             apr_pool_t *ptemp);

/** Check the configuration. 0 if it is refused (logged). */
int um_database_file_check(const um_database_file_t *file, server_rec *server, apr_pool_t *ptemp);

/**
 * Tell whether the log beside the file belongs to it. Call it in the parent process, which
 * has no connections. 0 if it does not (logged); then nobody may connect.
 */
int um_database_file_is_whole(const um_database_file_t *file, server_rec *server,
                              apr_pool_t *ptemp);

/** Make the file if there is none, in a child process before it has connections. If that fails,
 *  the first connection reports it. */
void um_database_file_create(const um_database_file_t *file, apr_pool_t *pool);

#endif
