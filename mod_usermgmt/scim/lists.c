/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file lists.c The lists of users and groups, see lists.h. */

#include "lists.h"

#include "../core/store_lists.h"
#include "../core/store_users.h"
#include "listing.h"
#include "memberships.h"
#include "user.h"

/* The numbers of the orders of um_list_users. */
static const um_scim_order_t user_orders[] = {
    { "id", 0 },           { "meta.created", 1 }, { "userName", 2 }, { "emails", 2 },
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

static const um_scim_list_kind_t *const only_users[] = { &users, NULL };

apr_status_t um_scim_lists_users(um_answer_t *answer, um_request_t *request)
{
    return um_scim_listing_answer(answer, request, only_users);
}
