/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file lists.c The lists of users and groups, see lists.h. */

#include "lists.h"

#include <apr_strings.h>

#include "../core/store_groups.h"
#include "../core/store_lists.h"
#include "../core/store_users.h"
#include "group.h"
#include "listing.h"
#include "memberships.h"
#include "user.h"

/* The numbers of the orders of um_list_users. */
static const um_scim_order_t user_orders[] = {
    { "id", 0 },           { "meta.created", 1 }, { "userName", 4 }, { "emails", 2 },
    { "emails.value", 2 }, { "displayName", 3 },  { NULL, 0 },
};

static void *read_user(const um_row_t *row, apr_pool_t *pool)
{
    um_scim_member_t *member = apr_pcalloc(pool, sizeof(*member));
    um_user_t user;

    um_store_users_read(&user, row);
    member->user = um_store_users_copy(&user, pool);
    return member;
}

static apr_status_t complete_users(const apr_array_header_t *records, um_db_t *db,
                                   const um_request_t *request,
                                   const um_scim_projection_t *projection, apr_pool_t *pool)
{
    return um_scim_projection_has(projection, "groups")
               ? um_scim_memberships_read(records, db, request, pool)
               : APR_SUCCESS;
}

static void put_user(um_buffer_t *buffer, const void *record, const um_request_t *request,
                     const um_scim_projection_t *projection, apr_pool_t *pool)
{
    const um_scim_member_t *member = record;
    um_buffer_t resource;

    um_buffer_init(&resource, 1024, pool);
    um_scim_user_put(&resource, member->user, member->groups, request);
    um_scim_projection_put(buffer, &resource, projection, pool);
}

static const um_scim_list_kind_t users = {
    .type = &um_scim_user_type,
    .source = &um_list_users,
    .orders = user_orders,
    .read = read_user,
    .complete = complete_users,
    .put = put_user,
};

/* ---- groups ---- */

/* The numbers of the orders of um_list_groups. */
static const um_scim_order_t group_orders[] = {
    { "id", 0 },
    { "displayName", 1 },
    { NULL, 0 },
};

/* A group and the text of its members. */
typedef struct um_listed_group_t {
    um_group_t group;
    um_buffer_t members;
    int has_members;
} um_listed_group_t;

/* Bytes of the members of groups that are read together. They are more than a page can have, so
 * that a group behind them is on a later page, and its members need not be read. */
#define MEMBERS_BYTES (2 * UM_SCIM_PAGE_BYTES)

static void *read_group(const um_row_t *row, apr_pool_t *pool)
{
    um_listed_group_t *listed = apr_pcalloc(pool, sizeof(*listed));

    um_store_groups_read(&listed->group, row);
    listed->group.id = apr_pstrdup(pool, listed->group.id);
    listed->group.display_name = apr_pstrdup(pool, listed->group.display_name);
    listed->group.external_id = apr_pstrdup(pool, listed->group.external_id);
    return listed;
}

static apr_status_t complete_groups(const apr_array_header_t *records, um_db_t *db,
                                    const um_request_t *request,
                                    const um_scim_projection_t *projection, apr_pool_t *pool)
{
    apr_size_t bytes = 0;
    apr_status_t status = APR_SUCCESS;

    if (!um_scim_projection_has(projection, "members")) {
        return APR_SUCCESS;
    }
    for (int i = 0; status == APR_SUCCESS && i < records->nelts && bytes < MEMBERS_BYTES; i++) {
        um_listed_group_t *listed = APR_ARRAY_IDX(records, i, um_listed_group_t *);

        um_buffer_init(&listed->members, 256, pool);
        listed->has_members = 1;
        status = um_scim_group_put_members(&listed->members, db, &listed->group, request, pool);
        bytes += listed->members.length;
    }
    return status;
}

static void put_group(um_buffer_t *buffer, const void *record, const um_request_t *request,
                      const um_scim_projection_t *projection, apr_pool_t *pool)
{
    const um_listed_group_t *listed = record;

    um_scim_group_put(buffer, &listed->group, listed->has_members ? &listed->members : NULL,
                      projection, request, pool);
}

static const um_scim_list_kind_t groups = {
    .type = &um_scim_group_type,
    .source = &um_list_groups_alone,
    .orders = group_orders,
    .read = read_group,
    .complete = complete_groups,
    .put = put_group,
};

/* ---- the lists ---- */

static const um_scim_list_kind_t *const only_users[] = { &users, NULL };
static const um_scim_list_kind_t *const only_groups[] = { &groups, NULL };
static const um_scim_list_kind_t *const all[] = { &users, &groups, NULL };

apr_status_t um_scim_lists_users(um_answer_t *answer, um_request_t *request)
{
    return um_scim_listing_answer(answer, request, only_users);
}

apr_status_t um_scim_lists_groups(um_answer_t *answer, um_request_t *request)
{
    return um_scim_listing_answer(answer, request, only_groups);
}

apr_status_t um_scim_lists_all(um_answer_t *answer, um_request_t *request)
{
    return um_scim_listing_answer(answer, request, all);
}
