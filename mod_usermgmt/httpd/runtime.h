/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_RUNTIME_H
#define UM_HTTPD_RUNTIME_H

/**
 * @file runtime.h
 * What runs: the core's host filled with a pool of connections and httpd's mutexes
 * and log, and, in each child process, a store for each database. Servers (virtual
 * hosts) that name the same database share all of it.
 */

#include <apr_global_mutex.h>
#include <httpd.h>

#include "../core/store.h"
#include "../db/connection.h"

/** A database and the servers that have it. */
typedef struct um_runtime_database_t {
    /** Counted from 0, in the order of the servers. */
    int index;
    um_database_t database;
    /** Of server_rec *: all that name it, the main server first if it is one. */
    apr_array_header_t *servers;
    /** Something in the configuration of one of the servers asks for it. */
    int is_used;
    /** NULL but in a child process that could start it; the other case is logged. */
    um_store_t *store;
} um_runtime_database_t;

/** Register the mutex with httpd; in pre_config. */
apr_status_t um_runtime_register(apr_pool_t *pconf);

/** Find the databases of all servers. Returns 0, logged, where one that is needed is
 *  not named, can hold no data or has no driver; in check_config. */
int um_runtime_check(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *server);

/** The databases, after um_runtime_check(): how many, one of them, and the number of
 *  a server's, -1 where it has none. */
int um_runtime_database_count(void);
const um_runtime_database_t *um_runtime_database(int index);
int um_runtime_database_of(const server_rec *server);

/** How many changes were made in a database by all processes of this server: a number that
 *  another number follows once there was one more. */
apr_uint32_t um_runtime_changes(const um_runtime_database_t *database);

/** In a child process: when the configuration that it was started with was replaced by
 *  another, microseconds since 1970; 0 where it was not. */
apr_time_t um_runtime_replaced_at(void);

/** The server whose log tells of a database. */
server_rec *um_runtime_database_server(const um_runtime_database_t *database);

/** Look at the databases' files, and make what all processes share; in post_config. Logged
 *  where it fails. */
apr_status_t um_runtime_init(apr_pool_t *ptemp, server_rec *server);

/** Make files that are missing; in a child process, before mod_dbd or any other module
 *  opens them. */
void um_runtime_create_files(apr_pool_t *pool, server_rec *server);

/** Start in a child process; pool is the child's. */
void um_runtime_init_child(apr_pool_t *pool, server_rec *server);

/** Lock a mutex, waiting for so long at most: the process that has it may be stopped.
 *  APR_SUCCESS, or an error where it could not be had. */
apr_status_t um_runtime_lock(apr_global_mutex_t *mutex, apr_interval_time_t wait);

/** Tell whether anything of a server's configuration asks for its database. */
int um_runtime_is_used(const server_rec *server);

/** Random bytes from the operating system. */
extern const um_random_t um_runtime_random;

/** The store of a server; NULL where the child could not start it (logged). */
um_store_t *um_runtime_store(const server_rec *server);

/** How often what is remembered of callers was dropped, by all processes since
 *  the server started; and drop it. */
apr_uint32_t um_runtime_generation(void);
void um_runtime_raise_generation(void);

#endif
