/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file store_groups.c Groups in the database, see store_groups.h. */

#include "store_groups.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/text.h"
#include "../db/statements.h"
#include "store_users.h"

/* The columns of group_columns, before that of group_member_count. */
#define GROUP_COLUMN_COUNT 6

typedef struct um_group_get_t {
    um_group_t **group;
    apr_pool_t *pool;
} um_group_get_t;

int um_group_is_reserved(const char *id)
{
    return strcmp(id, UM_GROUP_SUB_ADMINS) == 0;
}

const char *um_store_groups_name_key(const char *display_name, apr_pool_t *pool)
{
    return um_text_fold_name(display_name, pool);
}

void um_store_groups_read(um_group_t *group, const um_row_t *row)
{
    group->id = um_row_text(row, 0);
    group->display_name = um_row_text(row, 1);
    group->external_id = um_row_text_or_null(row, 2);
    group->created_at = um_row_int(row, 3);
    group->updated_at = um_row_int(row, 4);
    group->version = um_row_int(row, 5);
}

apr_int64_t um_store_groups_read_count(const um_row_t *row)
{
    return um_row_int(row, GROUP_COLUMN_COUNT);
}

static void take_group(const um_row_t *row, void *baton)
{
    um_group_get_t *get = baton;
    um_group_t *group = apr_palloc(get->pool, sizeof(*group));

    um_store_groups_read(group, row);
    group->id = apr_pstrdup(get->pool, group->id);
    group->display_name = apr_pstrdup(get->pool, group->display_name);
    group->external_id = apr_pstrdup(get->pool, group->external_id);
    *get->group = group;
}

static apr_status_t get_group(um_group_t **group, um_db_t *db, const um_bind_t *bind,
                              apr_pool_t *pool)
{
    um_group_get_t get = { group, pool };

    return um_db_select_found(db, take_group, &get, bind, pool);
}

apr_status_t um_store_groups_get(um_group_t **group, um_db_t *db, apr_int64_t org_id,
                                 const char *id, apr_pool_t *pool)
{
    return get_group(group, db, UM_BIND(group_get, .org_id = org_id, .group_id = id), pool);
}

apr_status_t um_store_groups_lock(um_group_t **group, um_db_t *db, apr_int64_t org_id,
                                  const char *id, apr_pool_t *pool)
{
    return get_group(group, db, UM_BIND(group_lock, .org_id = org_id, .group_id = id), pool);
}

apr_status_t um_store_groups_insert(um_db_t *db, apr_int64_t org_id, const um_group_t *group,
                                    apr_pool_t *pool)
{
    return um_db_query_one(db, UM_ECONFLICT,
                           UM_BIND(group_insert, .org_id = org_id, .group_id = group->id,
                                   .display_name = group->display_name,
                                   .display_name_key =
                                       um_store_groups_name_key(group->display_name, pool),
                                   .external_id = group->external_id,
                                   .created_at = group->created_at,
                                   .updated_at = group->updated_at),
                           pool);
}

apr_status_t um_store_groups_update(um_db_t *db, apr_int64_t org_id, const um_group_t *group,
                                    apr_pool_t *pool)
{
    return um_db_query_one(db, UM_ECONFLICT,
                           UM_BIND(group_update, .org_id = org_id, .group_id = group->id,
                                   .display_name = group->display_name,
                                   .display_name_key =
                                       um_store_groups_name_key(group->display_name, pool),
                                   .external_id = group->external_id,
                                   .updated_at = group->updated_at),
                           pool);
}

/* Run a statement if the schema has groups: a change of another record can go on without. */
static apr_status_t query_groups(um_db_t *db, const um_bind_t *bind, apr_pool_t *pool)
{
    int version = 0;
    apr_status_t status = um_db_get_version(&version, db, pool);

    return status == APR_SUCCESS && version >= UM_PROVISIONING_SINCE
               ? um_db_query(db, NULL, bind, pool)
               : status;
}

apr_status_t um_store_groups_touch(um_db_t *db, apr_int64_t org_id, const char *id,
                                   apr_int64_t now, apr_pool_t *pool)
{
    return query_groups(db,
                        UM_BIND(group_touch, .org_id = org_id, .group_id = id, .updated_at = now),
                        pool);
}

apr_status_t um_store_groups_touch_of_user(um_db_t *db, apr_int64_t org_id, const char *user_uid,
                                           apr_int64_t now, apr_pool_t *pool)
{
    return query_groups(db,
                        UM_BIND(groups_touch_of_user, .org_id = org_id, .user_uid = user_uid,
                                .updated_at = now),
                        pool);
}

apr_status_t um_store_groups_delete(um_db_t *db, apr_int64_t org_id, const char *id,
                                    apr_pool_t *pool)
{
    return um_db_query_one(db, UM_ENOTFOUND,
                           UM_BIND(group_delete, .org_id = org_id, .group_id = id), pool);
}
