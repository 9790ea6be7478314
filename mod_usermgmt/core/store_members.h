/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_STORE_MEMBERS_H
#define UM_CORE_STORE_MEMBERS_H

/**
 * @file store_members.h
 * The members of groups in the database. No function reads all members to write them back: each
 * changes the rows that it is about. The group must be locked before (um_store_groups_lock()),
 * and must not be the reserved one unless a comment says otherwise.
 * store.h says what all these functions have in common.
 */

#include <apr_tables.h>

#include "../db/db.h"
#include "group.h"

/** Members that a um_member_change_t names, at most. */
#define UM_MEMBERS_NAMED_MAX 50

/** What a change did. */
typedef struct um_member_change_t {
    apr_int64_t added;
    apr_int64_t removed;
    /** Of const char *: the uids of the first ones. */
    apr_array_header_t *added_uids;
    apr_array_header_t *removed_uids;
    /** Of const char *: the first of those who are no users, if the change ended with
     *  UM_EINVALID. */
    apr_array_header_t *unknown_uids;
} um_member_change_t;

/** Make it empty. */
void um_member_change_init(um_member_change_t *change, apr_pool_t *pool);

/**
 * Add users to a group. Those who are members already stay so.
 * @param change added to; see um_member_change_init()
 * @param uids   of const char *, any number in any order; some may come twice
 * @param now    milliseconds
 * @return UM_EINVALID if some are no users of the organization
 */
apr_status_t um_store_members_add(um_member_change_t *change, um_db_t *db, apr_int64_t org_id,
                                  const char *group_id, const apr_array_header_t *uids,
                                  apr_int64_t now, apr_pool_t *pool);
/** Remove users from a group. Those who are no members are passed over. */
apr_status_t um_store_members_remove(um_member_change_t *change, um_db_t *db, apr_int64_t org_id,
                                     const char *group_id, const apr_array_header_t *uids,
                                     apr_pool_t *pool);
/** Remove all members of a group. */
apr_status_t um_store_members_clear(um_member_change_t *change, um_db_t *db, apr_int64_t org_id,
                                    const char *group_id, apr_pool_t *pool);
/** Make these users the only members of a group. The errors of um_store_members_add(). */
apr_status_t um_store_members_replace(um_member_change_t *change, um_db_t *db, apr_int64_t org_id,
                                      const char *group_id, const apr_array_header_t *uids,
                                      apr_int64_t now, apr_pool_t *pool);

/** Count the members, up to limit. The group may be the reserved one, and need not be locked; so
 *  it is below. */
apr_status_t um_store_members_count(apr_int64_t *count, um_db_t *db, apr_int64_t org_id,
                                    const char *group_id, apr_int64_t limit, apr_pool_t *pool);
/** Hand members to take, in the order of their uids: a row each, with the uid.
 *  @param after the uid to begin behind; "" for the first
 *  @param limit how many at most */
apr_status_t um_store_members_get(um_db_t *db, um_row_fn_t *take, void *baton, apr_int64_t org_id,
                                  const char *group_id, const char *after, apr_int64_t limit,
                                  apr_pool_t *pool);
/** Tell whether a user is in a group that has this id, or this name without case. On an older
 *  schema nobody is. */
apr_status_t um_store_members_is_in(int *is_in, um_db_t *db, apr_int64_t org_id,
                                    const char *user_uid, const char *group, apr_pool_t *pool);

#endif
