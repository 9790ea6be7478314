/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_STORE_GROUPS_H
#define UM_CORE_STORE_GROUPS_H

/**
 * @file store_groups.h
 * Groups of users in the database. Their members are in store_members.h.
 * store.h says what all these functions have in common. On a schema before version 4 they end
 * with UM_ESCHEMA.
 */

#include "../db/db.h"
#include "group.h"

/** Read a group from a row of a list; the texts belong to the row. */
void um_store_groups_read(um_group_t *group, const um_row_t *row);
/** The number of members in a row of um_list_groups. */
apr_int64_t um_store_groups_read_count(const um_row_t *row);
/** UM_ENOTFOUND if there is none. */
apr_status_t um_store_groups_get(um_group_t **group, um_db_t *db, apr_int64_t org_id,
                                 const char *id, apr_pool_t *pool);
/** The same inside a change. Until the change ends, nobody else can change or delete the group,
 *  or change its members. */
apr_status_t um_store_groups_lock(um_group_t **group, um_db_t *db, apr_int64_t org_id,
                                  const char *id, apr_pool_t *pool);
/** UM_ECONFLICT if the id is taken, or another group has the name, without case. */
apr_status_t um_store_groups_insert(um_db_t *db, apr_int64_t org_id, const um_group_t *group,
                                    apr_pool_t *pool);
/** Set the name, the external id and updated_at of a locked group, and increase its version.
 *  UM_ECONFLICT if another group has the name. */
apr_status_t um_store_groups_update(um_db_t *db, apr_int64_t org_id, const um_group_t *group,
                                    apr_pool_t *pool);
/** Increase the version of a group, whose members have changed. now is in milliseconds. On an
 *  older schema it does nothing. */
apr_status_t um_store_groups_touch(um_db_t *db, apr_int64_t org_id, const char *id,
                                   apr_int64_t now, apr_pool_t *pool);
/** The same for all groups of a user who is about to be deleted. */
apr_status_t um_store_groups_touch_of_user(um_db_t *db, apr_int64_t org_id, const char *user_uid,
                                           apr_int64_t now, apr_pool_t *pool);
/** Delete a group with its memberships. UM_ENOTFOUND if there is none. */
apr_status_t um_store_groups_delete(um_db_t *db, apr_int64_t org_id, const char *id,
                                    apr_pool_t *pool);

/** The key of a group's display name: two groups of an organization can't have the same. In
 *  pool. */
const char *um_store_groups_name_key(const char *display_name, apr_pool_t *pool);

#endif
