/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_RUNTIME_H
#define UM_HTTPD_RUNTIME_H

/**
 * @file runtime.h
 * The core inside httpd: its host, with a pool of connections and httpd's mutexes and log, and in
 * each child process a store for each database. Servers (virtual hosts) that name the same
 * database share all of it.
 */

#include <apr_global_mutex.h>
#include <httpd.h>

#include "../core/store.h"
#include "../db/connection.h"

/** A database and the servers that use it. */
typedef struct um_runtime_database_t {
    /** Counted from 0, in the order of the servers. */
    int index;
    um_database_t database;
    /** Of server_rec *: all that name it, the main server first if it does. */
    apr_array_header_t *servers;
    /** Something in the configuration of one of the servers needs it. */
    int is_used;
    /** Only in a child process; NULL if it could not be started, which is logged. */
    um_store_t *store;
} um_runtime_database_t;

/** Register the mutex with httpd; in pre_config. */
apr_status_t um_runtime_register(apr_pool_t *pconf);

/** Find the databases of all servers; in check_config. Returns 0 (logged) if a necessary one is
 *  not named, can hold no data or has no driver. */
int um_runtime_check(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *server);

/** Warn about databases of SQLite that httpd's user can't use, after um_runtime_check(). */
void um_runtime_advise(apr_pool_t *ptemp);

/** The number of databases, after um_runtime_check(). */
int um_runtime_database_count(void);
/** A database by its index. */
const um_runtime_database_t *um_runtime_database(int index);
/** The index of a server's database; -1 if it has none. */
int um_runtime_database_of(const server_rec *server);

/** A number that differs after each change that any process of this server made in a database. */
apr_uint32_t um_runtime_changes(const um_runtime_database_t *database);

/** In a child process: when its configuration was replaced by a newer one, by um_ticks(); 0 if
 *  it was not. */
apr_time_t um_runtime_replaced_at(void);

/** The server whose log has the lines about a database. */
server_rec *um_runtime_database_server(const um_runtime_database_t *database);

/** Check the files of databases, and make the data that all processes share; in post_config. A
 *  failure is logged. */
apr_status_t um_runtime_init(apr_pool_t *ptemp, server_rec *server);

/** Make missing files; in a child process, before mod_dbd or another module opens them. */
void um_runtime_create_files(apr_pool_t *pool, server_rec *server);

/** Start the stores, and the threads that connect, in a child process; pool is the child's. */
void um_runtime_init_child(apr_pool_t *pool, server_rec *server);

/** Lock a mutex, but wait no longer than this, because the process that has locked it may be
 *  stopped. Returns APR_SUCCESS, or an error if the time is over. */
apr_status_t um_runtime_lock(apr_global_mutex_t *mutex, apr_interval_time_t wait);

/** Tell whether anything in a server's configuration needs its database. */
int um_runtime_is_used(const server_rec *server);

/** Random bytes from the operating system. */
extern const um_random_t um_runtime_random;

/** The store of a server; NULL if the child could not start it (logged). */
um_store_t *um_runtime_store(const server_rec *server);

/** How often the cached records of callers were dropped, by all processes since the server
 *  started. */
apr_uint32_t um_runtime_generation(void);
/** Drop the cached records of callers, in all processes. */
void um_runtime_raise_generation(void);

#endif
