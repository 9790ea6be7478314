/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_HOST_H
#define UM_BASE_HOST_H

/**
 * @file host.h
 * What the core needs from the program it runs in: database connections,
 * exclusion between processes, a clock, random bytes and a log. The httpd
 * module fills it with a pool of connections (pool.h) and httpd's mutexes; the
 * tool and the unit tests with their own.
 */

#include <apr_pools.h>
#include <apr_time.h>

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

/** Which connection a host is asked for. */
typedef enum um_acquire_t {
    /** Any: one that lies idle, or a new one. */
    UM_ACQUIRE_ANY,
    /** One made after the call: another has shown that older ones may be dead, or
     *  that the schema has changed. */
    UM_ACQUIRE_NEW
} um_acquire_t;

typedef struct um_host_t {
    void *baton;

    /**
     * Lend a connection that is configured. APR_SUCCESS, or UM_EUNAVAILABLE where
     * none can be had, which the host logs as it sees fit; it must not wait
     * without limit. pool is for what the call needs only.
     */
    apr_status_t (*acquire)(um_connection_t **connection, um_acquire_t which, void *baton,
                            apr_pool_t *pool);
    /** Take the connection back, to lend it again; one that is not
     *  UM_CONNECTION_READY is closed. */
    void (*release)(um_connection_t *connection, void *baton);

    /**
     * Enter and leave the section that only one process of the host is in at a
     * time: the one that writes to a database with a single writer. It must not
     * wait without limit. Both may be NULL where there is one process, or the
     * database has many writers.
     */
    apr_status_t (*lock)(void *baton);
    void (*unlock)(void *baton);

    /** Microseconds since 1970-01-01T00:00:00Z. */
    apr_time_t (*now)(void *baton);
    /** Fill length bytes with random ones from the operating system. */
    apr_status_t (*random)(unsigned char *bytes, apr_size_t length, void *baton);
    /** Log one line; id is one of log_ids.h, status APR_SUCCESS or what went wrong. */
    void (*log)(um_log_level_t level, int id, apr_status_t status, const char *line,
                void *baton);

    /** Told of each change that holds, or may hold, in the database. NULL where nobody
     *  waits for changes. */
    void (*changed)(void *baton);
} um_host_t;

#endif
