/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_WRITER_H
#define UM_DB_WRITER_H

/**
 * @file writer.h
 * Group commit for a database with one writer at a time (SQLite). One thread in each process
 * makes all waiting changes in one transaction, with a savepoint for each. Each change gets
 * its own result, but not before the commit. A change that fails does not affect the others.
 */

#include "db.h"
#include "limit.h"

/** The largest number of changes in one transaction. */
#define UM_WRITER_GROUP_MAX 64

typedef struct um_writer_t um_writer_t;

/**
 * Make a writer and start its thread. The thread ends before pool does, after it has made
 * all waiting changes.
 */
apr_status_t um_writer_create(um_writer_t **writer, apr_pool_t *pool);

/** Give the writer the limit of expensive lists. If such lists never stop, the log grows; the
 *  writer then holds them back for a moment. Call it before the writer is used. */
void um_writer_set_searches(um_writer_t *writer, um_limit_t *searches);

/** The gate that readers in this process pass through. */
um_gate_t *um_writer_gate(um_writer_t *writer);

/**
 * Have a change made, and wait until it is committed or refused.
 * @param host gives the connection and locks out other processes
 * @param pool handed to change; the writer's thread uses it until this returns
 * @return APR_SUCCESS if it is committed. If it refused to be made, the status that change
 *         returned. UM_EUNAVAILABLE if the database failed; then nothing is in the database
 */
apr_status_t um_writer_run(um_writer_t *writer, const um_host_t *host, um_change_fn_t *change,
                           void *baton, apr_pool_t *pool);

#endif
