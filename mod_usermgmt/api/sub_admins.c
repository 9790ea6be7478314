/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file sub_admins.c The resource sub-admins/. */

#include "sub_admins.h"

#include <apr_strings.h>

#include "../core/store_lists.h"
#include "../core/store_users.h"
#include "../rest/body.h"
#include "../rest/change.h"
#include "../rest/entry.h"
#include "users.h"

static void put_sub_admin(um_buffer_t *buffer, const um_sub_admin_t *sub_admin)
{
    um_buffer_putc(buffer, '{');
    um_json_put_member(buffer, "user_uid", sub_admin->user.uid);
    um_json_put_member(buffer, "email", sub_admin->user.email);
    um_json_put_member(buffer, "display_name", sub_admin->user.display_name);
    um_json_put_member(buffer, "added_by", sub_admin->added_by);
    um_json_put_member_instant(buffer, "created_at", sub_admin->created_at);
    um_buffer_putc(buffer, '}');
}

const char *um_sub_admin_json(const um_sub_admin_t *sub_admin, apr_pool_t *pool)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 512, pool);
    put_sub_admin(&buffer, sub_admin);
    return buffer.data;
}

static void put_row(um_buffer_t *buffer, const um_row_t *row, apr_int64_t now)
{
    um_sub_admin_t sub_admin;

    (void)now;
    um_store_sub_admins_read(&sub_admin, row);
    put_sub_admin(buffer, &sub_admin);
}

static const um_listing_kind_t kind = {
    .source = &um_list_sub_admins,
    .member = "sub_admins",
    .entry = "sub_admin",
    .first = "first_uid",
    .last = "last_uid",
    .key = "user_uid",
    .key_detail = "It must be a user_uid.",
    .not_found = { "sub_admin_not_found", "There is no such sub-admin." },
    .put = put_row,
    .columns = "user_uid,email,display_name,added_by,created_at",
};

apr_status_t um_sub_admins_list(um_answer_t *answer, um_request_t *request)
{
    return um_listing_handle(answer, request, &kind);
}

apr_status_t um_sub_admins_get(um_answer_t *answer, um_request_t *request)
{
    return um_entry_answer(answer, request, &kind);
}

/* ---- create ---- */

apr_status_t um_sub_admins_appoint(const char **json, um_change_t *change, um_db_t *db,
                                   const char *uid, const char *added_by)
{
    const um_request_t *request = change->request;
    apr_int64_t org_id = request->caller.org_id;
    um_sub_admin_t *sub_admin = NULL;
    apr_status_t status;

    status = um_store_sub_admins_insert(db, org_id, uid, added_by, change->now_ms, request->pool);
    if (status == APR_SUCCESS) {
        status = um_store_sub_admins_get(&sub_admin, db, org_id, uid, request->pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    *json = um_sub_admin_json(sub_admin, request->pool);
    return um_change_audit_as(change, db, "sub_admins.create", uid, NULL, *json);
}

static void answer_created(um_answer_t *answer, const um_request_t *request, const char *json)
{
    um_entry_answer_json(answer, 201, &kind, json, request->pool);
    um_entry_set_location(answer, request, "sub-admins", request->target);
    answer->changes_roles = 1;
}

static apr_status_t appoint(um_answer_t *answer, um_change_t *change, um_db_t *db, void *baton)
{
    const um_named_user_t *name = baton;
    um_request_t *request = change->request;
    apr_int64_t org_id = request->caller.org_id;
    um_user_t *user = NULL;
    const char *json = NULL;
    apr_status_t status;

    status = name->uid != NULL
                 ? um_store_users_lock(&user, db, org_id, name->uid, request->pool)
                 : um_store_users_lock_by_email(&user, db, org_id, name->email, request->pool);
    if (status == UM_ENOTFOUND) {
        return um_users_answer_not_found(answer, request->pool);
    }
    if (status == APR_SUCCESS) {
        status = um_change_check_match(answer, change, NULL);
    }
    if (status == APR_SUCCESS) {
        request->target = user->uid;
        status = um_sub_admins_appoint(&json, change, db, user->uid, request->caller.identity);
    }
    if (status == UM_ECONFLICT) {
        return um_problem_answer(answer, 409, "already_sub_admin", request->pool,
                                 "The user is already a sub-admin.");
    }
    if (status == APR_SUCCESS) {
        answer_created(answer, request, json);
    }
    return status;
}

apr_status_t um_sub_admins_create(um_answer_t *answer, um_request_t *request)
{
    um_named_user_t name;

    um_users_read_named(&name, request);
    return um_change_run(answer, request, appoint, &name);
}

/* ---- delete ---- */

apr_status_t um_sub_admins_dismiss(um_change_t *change, um_db_t *db,
                                   const um_sub_admin_t *sub_admin)
{
    const um_request_t *request = change->request;
    const char *uid = sub_admin->user.uid;
    apr_status_t status = um_store_sub_admins_delete(db, request->caller.org_id, uid,
                                                     change->now_ms, request->pool);

    return status == APR_SUCCESS
               ? um_change_audit_as(change, db, "sub_admins.delete", uid,
                                    um_sub_admin_json(sub_admin, request->pool), NULL)
               : status;
}

static apr_status_t remove_sub_admin(um_answer_t *answer, um_change_t *change, um_db_t *db,
                                     const um_sub_admin_t *sub_admin)
{
    const um_request_t *request = change->request;
    const char *json = um_sub_admin_json(sub_admin, request->pool);
    apr_status_t status = um_change_check_match(answer, change,
                                                um_answer_etag(json, request->pool));

    if (status == APR_SUCCESS) {
        status = um_sub_admins_dismiss(change, db, sub_admin);
    }
    if (status == APR_SUCCESS) {
        um_answer_message(answer, "Sub-admin removed successfully.", request->pool);
        answer->changes_roles = 1;
    }
    return status;
}

static apr_status_t dismiss(um_answer_t *answer, um_change_t *change, um_db_t *db, void *baton)
{
    const char *uid = baton;
    const um_request_t *request = change->request;
    apr_int64_t org_id = request->caller.org_id;
    um_sub_admin_t *sub_admin = NULL;
    um_user_t *user = NULL;
    apr_status_t status;

    status = um_store_users_lock(&user, db, org_id, uid, request->pool);
    if (status == APR_SUCCESS) {
        status = um_store_sub_admins_get(&sub_admin, db, org_id, uid, request->pool);
    }
    if (status == APR_SUCCESS) {
        status = remove_sub_admin(answer, change, db, sub_admin);
    }
    return status == UM_ENOTFOUND ? um_entry_answer_not_found(answer, &kind, request->pool)
                                  : status;
}

apr_status_t um_sub_admins_delete(um_answer_t *answer, um_request_t *request)
{
    const char *uid = um_body_id(request, "user_uid");

    um_body_refuse_others(request, "user_uid", NULL);
    return um_change_run(answer, request, dismiss, (void *)uid);
}
