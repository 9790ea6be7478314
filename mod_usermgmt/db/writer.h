/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_WRITER_H
#define UM_DB_WRITER_H

/**
 * @file writer.h
 * Group commit for a database with one writer at a time (SQLite): a thread per
 * process takes the changes that wait into one transaction, a savepoint each.
 * Each change gets its own result, none is told before the commit, a bad one
 * harms no other.
 */

#include "db.h"
#include "limit.h"

/** Changes in one transaction at the most. */
#define UM_WRITER_GROUP_MAX 64

typedef struct um_writer_t um_writer_t;

/**
 * Makes one change inside a transaction. It may be run again from the start
 * after its work was rolled back, and so must begin by setting up its result
 * anew. It runs in another thread while its caller waits.
 * @return APR_SUCCESS to keep the change; anything else rolls it back and is
 *         what the caller of um_writer_run() gets
 */
typedef apr_status_t um_change_fn_t(um_db_t *db, void *baton, apr_pool_t *pool);

/**
 * Make a writer and start its thread. It ends before pool does, with all that
 * waits done.
 */
apr_status_t um_writer_create(um_writer_t **writer, apr_pool_t *pool);

/** Have the writer keep lists of the costly kind away for a moment, once the log has
 *  grown long because they never stop. At the start, before it is used. */
void um_writer_set_searches(um_writer_t *writer, um_limit_t *searches);

/** The gate that readers in this process pass. */
um_gate_t *um_writer_gate(um_writer_t *writer);

/**
 * Have a change made, and wait until it is committed or refused.
 * @param host gives the connection and excludes other processes
 * @param pool handed to change; in the writer's hands until this returns
 * @return APR_SUCCESS where it is committed; what change returned where it was
 *         not; UM_EUNAVAILABLE where the database failed and nothing holds
 */
apr_status_t um_writer_run(um_writer_t *writer, const um_host_t *host, um_change_fn_t *change,
                           void *baton, apr_pool_t *pool);

#endif
