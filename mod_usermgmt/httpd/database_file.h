/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_DATABASE_FILE_H
#define UM_HTTPD_DATABASE_FILE_H

/**
 * @file database_file.h
 * What is looked at before the database that a server names is used: at configtest
 * whether it can hold data at all; at the start, for SQLite, whether the write-ahead log
 * beside it is its own; in each process that its file, where it is missing, is made for
 * httpd's user alone.
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

/** Check what is configured. 0 where it is refused, logged. */
int um_database_file_check(const um_database_file_t *file, server_rec *server,
                           apr_pool_t *ptemp);

/**
 * Tell whether the log beside the file belongs to it; in the parent process, which has
 * no connections. 0 where it does not, logged: nobody may connect to it.
 */
int um_database_file_is_whole(const um_database_file_t *file, server_rec *server,
                              apr_pool_t *ptemp);

/** Make the file where there is none, in a child process before it has connections. What
 *  fails is told by whoever connects. */
void um_database_file_create(const um_database_file_t *file, apr_pool_t *pool);

#endif
