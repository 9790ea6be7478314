/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file store_memberships.c The groups of many users, see store_memberships.h. */

#include "store_memberships.h"

#include "../base/buffer.h"
#include "store_users.h"

/* The reserved group's members stand in the table of sub-admins. */
#define OF_GROUPS                                                                                \
    "SELECT m.user_uid AS uid, g.group_id AS id, g.display_name FROM group_members m"            \
    " JOIN user_groups g ON g.org_id = m.org_id AND g.group_id = m.group_id"                     \
    " WHERE m.org_id = %lld AND m.user_uid IN ("
#define OF_SUB_ADMINS                                                                            \
    " UNION ALL SELECT s.user_uid, g.group_id, g.display_name FROM sub_admins s"                 \
    " JOIN user_groups g ON g.org_id = s.org_id AND g.group_id = 'sub-admins'"                   \
    " WHERE s.org_id = %lld AND s.user_uid IN ("
#define IN_ORDER " ORDER BY uid, id"

/* How many uids a statement has, so that few different ones are prepared. */
static const int sizes[] = { 1, 10, UM_MEMBERSHIPS_USERS_MAX };

static int size_for(int count)
{
    int i = 0;

    while (sizes[i] < count) {
        i++;
    }
    return sizes[i];
}

/* The last uid stands for those that are missing. */
static void add_part(um_buffer_t *sql, apr_array_header_t *parameters, const char *part,
                     const char *org_id, const apr_array_header_t *uids)
{
    int size = size_for(uids->nelts);

    um_buffer_puts(sql, part);
    APR_ARRAY_PUSH(parameters, const char *) = org_id;
    for (int i = 0; i < size; i++) {
        int at = i < uids->nelts ? i : uids->nelts - 1;

        um_buffer_puts(sql, i > 0 ? ", %s" : "%s");
        APR_ARRAY_PUSH(parameters, const char *) = APR_ARRAY_IDX(uids, at, const char *);
    }
    um_buffer_putc(sql, ')');
}

apr_status_t um_store_memberships_get(um_db_t *db, um_row_fn_t *take, void *baton,
                                      apr_int64_t org_id, const apr_array_header_t *uids,
                                      apr_pool_t *pool)
{
    apr_array_header_t *parameters = apr_array_make(pool, 2 * UM_MEMBERSHIPS_USERS_MAX + 2,
                                                    sizeof(const char *));
    const char *organization = um_db_int(org_id, pool);
    int version = 0;
    um_buffer_t sql;
    apr_status_t status = um_db_get_version(&version, db, pool);

    if (status != APR_SUCCESS || version < UM_PROVISIONING_SINCE || uids->nelts == 0) {
        return status;
    }
    um_buffer_init(&sql, 4096, pool);
    add_part(&sql, parameters, OF_GROUPS, organization, uids);
    add_part(&sql, parameters, OF_SUB_ADMINS, organization, uids);
    um_buffer_puts(&sql, IN_ORDER);
    return um_db_select_composed(db, take, baton, sql.data, (const char *const *)parameters->elts,
                                 parameters->nelts, pool);
}
