/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_POOL_H
#define UM_DB_POOL_H

/**
 * @file pool.h
 * The connections of a process to one database. The pool's own threads make them, a few
 * at a time; a thread that asks for a connection never makes one. The first to ask is
 * served first, and nobody waits for longer than a bounded time.
 *
 * A database is away if connecting fails and no connection has worked recently. Then one
 * thread at a time tries to connect, after growing pauses, and everybody who asks is
 * refused at once. The log has one line when the database goes away, and one when it is
 * back.
 */

#include "connection.h"

typedef struct um_pool_t um_pool_t;

typedef struct um_pool_settings_t {
    /** Connections at most. */
    int connections;
    /** This many are made at the start, before anybody asks, and are kept when idle. */
    int first;
    /** How long a thread waits for one. */
    apr_interval_time_t wait;
    /** Called once, by a thread of the pool, when the first connection is made; may be
     *  NULL. */
    void (*connected)(void *baton);
    void *baton;
} um_pool_settings_t;

/**
 * Make a pool. It must be started.
 * @param host     its log is used; it lives as long as the pool
 * @param database lives as long as the pool too
 * @param parent   the pool ends with it. A thread that hangs while it connects is then left
 *                 running, so the process must exit
 */
apr_status_t um_pool_create(um_pool_t **pool, const um_pool_settings_t *settings,
                            const um_database_t *database, const um_host_t *host,
                            apr_pool_t *parent);

/** Begin to connect; don't wait for a connection. */
apr_status_t um_pool_start(um_pool_t *pool);

/** Borrow a connection, see um_host_t. scratch is only for the call itself. */
apr_status_t um_pool_acquire(um_connection_t **connection, um_pool_t *pool, um_acquire_t which,
                             apr_pool_t *scratch);

/** Give it back, see um_host_t. */
void um_pool_release(um_connection_t *connection, um_pool_t *pool);

#endif
