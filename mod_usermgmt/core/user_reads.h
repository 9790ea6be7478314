/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_USER_READS_H
#define UM_CORE_USER_READS_H

/**
 * @file user_reads.h
 * Reads of one user each. Where one statement for many users is cheaper, those of many threads
 * are answered together (shared_reads.h).
 */

#include "store.h"
#include "user.h"

/** Read a user outside of a change. UM_ENOTFOUND if there is none. */
apr_status_t um_user_reads_get(um_user_t **user, um_store_t *store, apr_int64_t org_id,
                               const char *uid, apr_pool_t *pool);

#endif
