/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_USER_READS_H
#define UM_CORE_USER_READS_H

/**
 * @file user_reads.h
 * Reads of one user each, by many threads of a process. On a database server a read is mostly
 * the way to the server and back, and the switches between the processes. So a few threads at
 * a time ask the server: each asks for its own user, and for those of the threads that wait
 * meanwhile, in one statement. A read never gets an answer to a statement that was sent before
 * the read began.
 */

#include "store.h"
#include "store_users.h"

typedef struct um_user_reads_t um_user_reads_t;

/** Make what the reads of a store share, in pool. APR_SUCCESS, or why a mutex can't be made. */
apr_status_t um_user_reads_create(um_user_reads_t **reads, apr_pool_t *pool);

/** Read a user outside of a change. UM_ENOTFOUND if there is none. */
apr_status_t um_user_reads_get(um_user_t **user, um_store_t *store, apr_int64_t org_id,
                               const char *uid, apr_pool_t *pool);

#endif
