/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_POOL_H
#define UM_DB_POOL_H

/**
 * @file pool.h
 * The connections of a process to one database. They are made by threads of the
 * pool's own, a few at a time, never by who asks for one. Who comes first is served
 * first, and nobody waits for longer than a bounded time.
 *
 * A database is away when it can't be connected to and none of the connections
 * has done its work lately. Then one thread at a time tries it again, after pauses
 * that grow, and all who ask are refused at once. The log has one line when it
 * goes and one when it is back.
 */

#include "connection.h"

typedef struct um_pool_t um_pool_t;

typedef struct um_pool_settings_t {
    /** Connections at most. */
    int connections;
    /** So many are made at once, without anybody asking, and are kept when idle. */
    int first;
    /** How long somebody waits for one. */
    apr_interval_time_t wait;
    /** Called once, by a thread of the pool's, when the first connection is there;
     *  may be NULL. */
    void (*connected)(void *baton);
    void *baton;
} um_pool_settings_t;

/**
 * Make a pool. It must be started.
 * @param host     its log is used; it lives as long as the pool
 * @param database lives as long as the pool, too
 * @param parent   ends the pool. A thread that hangs in connecting is left alone
 *                 then: the process must exit
 */
apr_status_t um_pool_create(um_pool_t **pool, const um_pool_settings_t *settings,
                            const um_database_t *database, const um_host_t *host,
                            apr_pool_t *parent);

/** Begin to connect, without waiting for that. */
apr_status_t um_pool_start(um_pool_t *pool);

/** Borrow a connection, see um_host_t. scratch is for the call only. */
apr_status_t um_pool_acquire(um_connection_t **connection, um_pool_t *pool, um_acquire_t which,
                             apr_pool_t *scratch);

/** Give it back, see um_host_t. */
void um_pool_release(um_connection_t *connection, um_pool_t *pool);

#endif
