/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_RUNNER_H
#define UM_DB_RUNNER_H

/**
 * @file runner.h
 * Changes on a database with many writers (PostgreSQL, MariaDB): each is a
 * transaction of its own on a connection of its own, run again from the start
 * where the database failed it: a deadlock, a lock that took too long, a lost
 * connection, a row that another wrote first.
 */

#include "writer.h"

/**
 * Make a change, see um_writer_run(). It may be run several times; one that has a
 * witness is never run again when it may have been committed: that is found out
 * first. One without must bear that, or know itself again.
 * @return APR_SUCCESS where it is committed; what change returned where it was
 *         not; UM_EUNAVAILABLE where the database failed and nothing holds, or,
 *         logged as such, where it could not be reached to find out
 */
apr_status_t um_runner_run(const um_host_t *host, um_change_fn_t *change, void *baton,
                           apr_pool_t *pool);

#endif
