/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_STORE_MEMBERSHIPS_H
#define UM_CORE_STORE_MEMBERSHIPS_H

/**
 * @file store_memberships.h
 * The groups of many users, read at once.
 * store.h says what all these functions have in common.
 */

#include <apr_tables.h>

#include "../db/db.h"

/** The largest number of users of one question, so that a statement is short. */
#define UM_MEMBERSHIPS_USERS_MAX 256

/**
 * Hand the memberships of users to take: a row each, with the user's uid, the group's id and its
 * display name, in the order of these. On a schema before version 4 there are none.
 * @param uids of const char *: at most UM_MEMBERSHIPS_USERS_MAX
 */
apr_status_t um_store_memberships_get(um_db_t *db, um_row_fn_t *take, void *baton,
                                      apr_int64_t org_id, const apr_array_header_t *uids,
                                      apr_pool_t *pool);

#endif
