/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_RUNNER_H
#define UM_DB_RUNNER_H

/**
 * @file runner.h
 * Changes on a database with many writers (PostgreSQL, MariaDB). Each change is a
 * transaction of its own on a connection of its own. It runs again from the start if the
 * database aborts it: because of a deadlock, a lock timeout, a lost connection, or a row
 * that another transaction wrote first.
 */

#include "db.h"

/**
 * Make a change in a transaction of its own. It may run several times. If the outcome of a commit
 * is unknown, and the change has a witness, the runner looks for the witness before it runs
 * the change again. A change without a witness may run twice, so it must be idempotent.
 * @param gather sends changes that are one statement together; NULL for each alone
 * @return APR_SUCCESS if it is committed. If it refused to be made, the status that change
 *         returned. UM_EUNAVAILABLE if the database failed: nothing is in the database, or,
 *         if UM0012 was logged, the outcome is unknown
 */
apr_status_t um_runner_run(const um_host_t *host, um_gather_t *gather, um_change_fn_t *change,
                           void *baton, apr_pool_t *pool);

#endif
