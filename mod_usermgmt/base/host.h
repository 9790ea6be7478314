/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_HOST_H
#define UM_BASE_HOST_H

/**
 * @file host.h
 * What the rooms above need from the program that they run in: database connections, a lock
 * between processes, a clock, random bytes and a log. The httpd module provides a pool of
 * connections (db/pool.h) and httpd's mutexes; the tool and the unit tests provide their own.
 * Here a connection is only a pointer that is passed on: base itself asks no database.
 */

#include <apr_pools.h>
#include <apr_time.h>

#include "lock.h"
#include "random.h"

/** Log levels, in syslog's order. */
typedef enum um_log_level_t {
    UM_LOG_CRIT,
    UM_LOG_ERR,
    UM_LOG_WARNING,
    UM_LOG_NOTICE,
    UM_LOG_INFO,
    UM_LOG_DEBUG
} um_log_level_t;

/** A database connection (connection.h), lent by the host until it is released. */
typedef struct um_connection_t um_connection_t;

/** Which connection is wanted. */
typedef enum um_acquire_t {
    /** Any: an idle one, or a new one. */
    UM_ACQUIRE_ANY,
    /** One that is made after the call. An error on another connection has shown that
     *  older ones may be dead, or that the schema has changed. */
    UM_ACQUIRE_NEW
} um_acquire_t;

typedef struct um_host_t {
    void *baton;

    /**
     * Lend a configured connection. It must not wait without limit. The pool is only for
     * memory that the call itself needs.
     * @return APR_SUCCESS, or UM_EUNAVAILABLE if there is none; the host decides whether
     *         to log that
     */
    apr_status_t (*acquire)(um_connection_t **connection, um_acquire_t which, void *baton,
                            apr_pool_t *pool);
    /** Take the connection back, to lend it again. It is closed if it is not
     *  UM_CONNECTION_READY. */
    void (*release)(um_connection_t *connection, void *baton);

    /** Held by the one process that writes to a database with a single writer. Its
     *  functions are NULL if there is one process only, or if the database has many writers. */
    um_lock_t lock;

    /** Microseconds since 1970-01-01T00:00:00Z. */
    apr_time_t (*now)(void *baton);
    um_random_t random;
    /** Log one line (see log.h). It begins with the number of its message, which id is too;
     *  status is the error, or APR_SUCCESS. */
    void (*log)(um_log_level_t level, int id, apr_status_t status, const char *line, void *baton);

    /** Called after each change that is, or may be, in the database. NULL if nobody waits
     *  for changes. */
    void (*changed)(void *baton);
} um_host_t;

#endif
