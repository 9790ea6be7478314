/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file groups.c The resource groups/. */

#include "groups.h"

#include "../base/text.h"
#include "../core/store_groups.h"
#include "../core/store_lists.h"
#include "../core/store_users.h"
#include "../rest/body.h"
#include "../rest/entry.h"
#include "../rest/permission.h"
#include "group_changes.h"
#include "users.h"

static void put_row(um_buffer_t *buffer, const um_row_t *row, apr_int64_t now)
{
    um_group_t group;

    (void)now;
    um_store_groups_read(&group, row);
    um_buffer_putc(buffer, '{');
    um_json_put_member(buffer, "group_id", group.id);
    um_json_put_member(buffer, "display_name", group.display_name);
    um_json_put_member_or_null(buffer, "external_id", group.external_id);
    um_json_put_member_int(buffer, "member_count", um_store_groups_read_count(row));
    um_json_put_member_instant(buffer, "created_at", group.created_at);
    um_json_put_member_instant(buffer, "updated_at", group.updated_at);
    um_buffer_putc(buffer, '}');
}

static const um_listing_kind_t kind = {
    .source = &um_list_groups,
    .member = "groups",
    .entry = "group",
    .first = "first_id",
    .last = "last_id",
    .key = "group_id",
    .key_detail = "It must be a group_id.",
    .not_found = { "group_not_found", "There is no such group." },
    .put = put_row,
    .columns = "group_id,display_name,external_id,member_count,created_at,updated_at",
};

apr_status_t um_groups_list(um_answer_t *answer, um_request_t *request)
{
    return um_listing_handle(answer, request, &kind);
}

apr_status_t um_groups_get(um_answer_t *answer, um_request_t *request)
{
    return um_entry_answer(answer, request, &kind);
}

/* ---- what changes have in common ---- */

/* The names in a body. */
typedef struct um_names_t {
    /* NULL if it is not given. */
    const char *display_name;
    /* NULL for none, also if it is not given. */
    const char *external_id;
    int has_external_id;
} um_names_t;

static void read_names(um_names_t *names, um_request_t *request)
{
    const char *name = um_body_text(request, "display_name");
    const char *external_id = um_body_text(request, "external_id");
    um_group_t group = { .display_name = "-" };

    if (name != NULL) {
        group.display_name = um_text_trim(name, request->pool);
    }
    group.external_id = external_id != NULL && *external_id != '\0' ? external_id : NULL;
    um_group_check_names(&request->faults, &group, "display_name", "external_id");
    names->display_name = name != NULL ? group.display_name : NULL;
    names->external_id = group.external_id;
    names->has_external_id = um_json_member(request->body, "external_id") != NULL;
    um_body_refuse_others(request, "display_name", "external_id", NULL);
}

static void take_group(const um_row_t *row, void *baton)
{
    put_row(baton, row, 0);
}

/* The JSON of a group inside a change, with the number of its members. In the pool of the
 * request. */
static apr_status_t read_json(const char **json, const um_change_t *change, um_db_t *db,
                              const char *id)
{
    const um_request_t *request = change->request;
    um_buffer_t buffer;
    apr_status_t status;

    um_buffer_init(&buffer, 512, request->pool);
    status = um_store_lists_get_entry(db, take_group, &buffer, request->caller.org_id,
                                      kind.source, id, request->pool);
    *json = buffer.data;
    return status;
}

static apr_status_t refuse_taken(um_answer_t *answer, apr_pool_t *pool)
{
    return um_problem_answer(answer, 409, "group_exists", pool,
                             "Another group of the organization has this display_name.");
}

static apr_status_t refuse_reserved(um_answer_t *answer, apr_pool_t *pool, const char *detail)
{
    return um_problem_answer(answer, 409, "reserved_group", pool, "%s", detail);
}

/* Lock the group of the path. UM_EREFUSED if there is none. */
static apr_status_t lock_group(um_group_t **group, um_answer_t *answer, const um_change_t *change,
                               um_db_t *db)
{
    const um_request_t *request = change->request;
    apr_status_t status = um_store_groups_lock(group, db, request->caller.org_id, request->id,
                                               request->pool);

    return status == UM_ENOTFOUND ? um_entry_answer_not_found(answer, &kind, request->pool)
                                  : status;
}

/* The same for a change of the group itself. UM_EREFUSED also if it is not what If-Match
 * expects. */
static apr_status_t get_for_change(um_group_t **group, um_answer_t *answer,
                                   const um_change_t *change, um_db_t *db)
{
    const char *json = NULL;
    apr_status_t status = lock_group(group, answer, change, db);

    if (status == APR_SUCCESS) {
        status = read_json(&json, change, db, (*group)->id);
    }
    return status == APR_SUCCESS
               ? um_change_check_match(answer, change,
                                       um_answer_etag(json, change->request->pool))
               : status;
}

/* ---- create ---- */

static apr_status_t make_group(um_answer_t *answer, um_change_t *change, um_db_t *db, void *baton)
{
    const um_names_t *names = baton;
    um_request_t *request = change->request;
    um_group_t group = { .display_name = names->display_name, .external_id = names->external_id };
    const char *json = NULL;
    apr_status_t status = um_change_check_match(answer, change, NULL);

    if (status == APR_SUCCESS) {
        status = um_group_insert(&group, change, db);
    }
    if (status == UM_ECONFLICT) {
        return refuse_taken(answer, request->pool);
    }
    if (status == APR_SUCCESS) {
        status = um_group_audit_new(change, db, &group, NULL);
    }
    if (status == APR_SUCCESS) {
        status = read_json(&json, change, db, group.id);
    }
    if (status == APR_SUCCESS) {
        request->target = group.id;
        um_entry_answer_json(answer, 201, &kind, json, request->pool);
        um_entry_set_location(answer, request, "groups", group.id);
        answer->changes_roles = 1;
    }
    return status;
}

apr_status_t um_groups_create(um_answer_t *answer, um_request_t *request)
{
    um_names_t names;

    read_names(&names, request);
    if (um_body_member(request, "display_name") == NULL) {
        um_faults_add(&request->faults, "display_name", "required", "It must be given.");
    }
    return um_change_run(answer, request, make_group, &names);
}

/* ---- update ---- */

/* A caller who may not read groups gets no group. */
static void answer_updated(um_answer_t *answer, const um_request_t *request, const char *json)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 512, request->pool);
    um_buffer_putc(&buffer, '{');
    um_json_put_member(&buffer, "message", "Group updated successfully.");
    if (um_permission_allows(UM_PERMIT_USERS_READ, &request->caller, request->settings)) {
        um_json_put_member_json(&buffer, "group", json);
    }
    um_buffer_putc(&buffer, '}');
    um_answer_json(answer, 200, &buffer);
    um_answer_set_header(answer, "ETag", um_answer_etag(json, request->pool));
}

static apr_status_t rename_group(um_answer_t *answer, um_change_t *change, um_db_t *db,
                                 void *baton)
{
    const um_names_t *names = baton;
    apr_pool_t *pool = change->request->pool;
    um_member_change_t none = { 0 };
    um_group_t *stored = NULL;
    um_group_t group;
    const char *json = NULL;
    apr_status_t status = get_for_change(&stored, answer, change, db);

    if (status != APR_SUCCESS) {
        return status;
    }
    group = *stored;
    if (names->display_name != NULL) {
        group.display_name = names->display_name;
    }
    if (names->has_external_id) {
        group.external_id = names->external_id;
    }
    if (um_group_is_reserved(group.id) && um_group_differs(&group, stored)) {
        return refuse_reserved(answer, pool, "The group of the sub-admins keeps its names.");
    }
    status = um_group_write(&answer->changes_roles, change, db, &group, stored, &none);
    if (status == UM_ECONFLICT) {
        return refuse_taken(answer, pool);
    }
    if (status == APR_SUCCESS) {
        status = read_json(&json, change, db, group.id);
    }
    if (status == APR_SUCCESS) {
        answer_updated(answer, change->request, json);
    }
    return status;
}

apr_status_t um_groups_update(um_answer_t *answer, um_request_t *request)
{
    um_names_t names;

    read_names(&names, request);
    if (names.display_name == NULL && um_json_member(request->body, "display_name") != NULL
        && um_body_member(request, "display_name") == NULL) {
        um_faults_add(&request->faults, "display_name", "required", "It can't be removed.");
    }
    return um_change_run(answer, request, rename_group, &names);
}

/* ---- delete ---- */

static apr_status_t delete_group(um_answer_t *answer, um_change_t *change, um_db_t *db,
                                 void *baton)
{
    apr_pool_t *pool = change->request->pool;
    um_group_t *stored = NULL;
    apr_status_t status = get_for_change(&stored, answer, change, db);

    (void)baton;
    if (status == APR_SUCCESS && um_group_is_reserved(stored->id)) {
        return refuse_reserved(answer, pool, "The group of the sub-admins can't be deleted.");
    }
    if (status == APR_SUCCESS) {
        status = um_group_delete(change, db, stored);
    }
    if (status == APR_SUCCESS) {
        um_answer_message(answer, "Group deleted successfully.", pool);
        answer->changes_roles = 1;
    }
    return status;
}

apr_status_t um_groups_delete(um_answer_t *answer, um_request_t *request)
{
    um_body_refuse_others(request, NULL);
    return um_change_run(answer, request, delete_group, NULL);
}

/* ---- members ---- */

/* A user who is added or removed. */
typedef struct um_member_t {
    um_named_user_t user;
    int is_removed;
} um_member_t;

/* Find the user, who is locked by the change of members. */
static apr_status_t find_user(const char **uid, um_answer_t *answer, const um_request_t *request,
                              um_db_t *db, const um_named_user_t *name)
{
    um_user_t *user = NULL;
    apr_status_t status;

    *uid = name->uid;
    if (name->uid != NULL) {
        return APR_SUCCESS;
    }
    status = um_store_users_get_by_email(&user, db, request->caller.org_id, name->email,
                                         request->pool);
    if (status == UM_ENOTFOUND) {
        return um_users_answer_not_found(answer, request->pool);
    }
    if (status == APR_SUCCESS) {
        *uid = user->uid;
    }
    return status;
}

/* Change the rows. UM_EREFUSED if nothing is to be changed. */
static apr_status_t move_member(um_member_change_t *done, um_answer_t *answer,
                                const um_change_t *change, um_db_t *db, const um_group_t *group,
                                const um_member_t *member)
{
    const um_request_t *request = change->request;
    apr_array_header_t *uids = apr_array_make(request->pool, 1, sizeof(const char *));
    const char *uid = NULL;
    apr_status_t status = find_user(&uid, answer, request, db, &member->user);

    if (status != APR_SUCCESS) {
        return status;
    }
    APR_ARRAY_PUSH(uids, const char *) = uid;
    if (member->is_removed) {
        status = um_store_members_remove(done, db, request->caller.org_id, group->id, uids,
                                         request->pool);
        return status == APR_SUCCESS && done->removed == 0
                   ? um_problem_answer(answer, 404, "member_not_found", request->pool,
                                       "The user is no member of the group.")
                   : status;
    }
    status = um_store_members_add(done, db, request->caller.org_id, group->id, uids,
                                  change->now_ms, request->pool);
    if (status == UM_EINVALID) {
        return um_users_answer_not_found(answer, request->pool);
    }
    return status == APR_SUCCESS && done->added == 0
               ? um_problem_answer(answer, 409, "already_member", request->pool,
                                   "The user is already a member of the group.")
               : status;
}

/* A membership has no entity tag. */
static apr_status_t change_member(um_answer_t *answer, um_change_t *change, um_db_t *db,
                                  void *baton)
{
    const um_member_t *member = baton;
    apr_pool_t *pool = change->request->pool;
    um_member_change_t done;
    um_group_t *stored = NULL;
    um_group_t group;
    apr_status_t status = lock_group(&stored, answer, change, db);

    um_member_change_init(&done, pool);
    if (status == APR_SUCCESS) {
        status = um_change_check_match(answer, change, NULL);
    }
    if (status == APR_SUCCESS && um_group_is_reserved(stored->id)) {
        return refuse_reserved(answer, pool,
                               "The members of this group are the sub-admins: use sub-admins/.");
    }
    if (status == APR_SUCCESS) {
        status = move_member(&done, answer, change, db, stored, member);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    group = *stored;
    status = um_group_write(&answer->changes_roles, change, db, &group, stored, &done);
    um_answer_message(answer,
                      member->is_removed ? "Member removed successfully."
                                         : "Member added successfully.",
                      pool);
    return status;
}

apr_status_t um_groups_add_member(um_answer_t *answer, um_request_t *request)
{
    um_member_t member = { .is_removed = 0 };

    um_users_read_named(&member.user, request);
    return um_change_run(answer, request, change_member, &member);
}

apr_status_t um_groups_remove_member(um_answer_t *answer, um_request_t *request)
{
    um_member_t member = { .is_removed = 1 };

    um_users_read_named(&member.user, request);
    return um_change_run(answer, request, change_member, &member);
}
