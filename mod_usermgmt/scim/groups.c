/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file groups.c The resource /Groups, see groups.h. */

#include "groups.h"

#include <string.h>

#include <apr_strings.h>

#include "../api/group_changes.h"
#include "../base/memory.h"
#include "../core/store_groups.h"
#include "../rest/change.h"
#include "group.h"
#include "members.h"
#include "resource.h"

/* A PATCH of a group with more members is not answered with all of them. */
#define ANSWERED_MAX 1000

/* Bytes that a database keeps of an answer for an Idempotency-Key. */
#define KEPT_MAX 32768

static apr_status_t answer_not_found(um_answer_t *answer, apr_pool_t *pool)
{
    return um_scim_error_refuse(answer, 404, NULL, pool, "There is no such group.");
}

static void set_headers(um_answer_t *answer, const um_group_t *group, const um_request_t *request)
{
    um_answer_set_header(answer, "ETag", um_scim_group_etag(group, request->pool));
    um_answer_set_header(answer, "Location", um_scim_url(request, "Groups", group->id));
}

/* Answer with a group, and with its members if they are asked for. */
static apr_status_t answer_group(um_answer_t *answer, int status_code, const um_group_t *group,
                                 um_db_t *db, const um_request_t *request)
{
    um_scim_projection_t projection;
    um_buffer_t members;
    um_buffer_t body;
    apr_pool_t *pool;
    int has_members;
    apr_status_t status = APR_SUCCESS;

    um_scim_projection_read(&projection, request, &um_scim_group_type);
    has_members = um_scim_projection_has(&projection, "members");
    um_memory_pool(&pool, request->pool);
    um_buffer_init(&members, 1024, pool);
    if (has_members) {
        status = um_scim_group_put_members(&members, db, group, request, pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    um_buffer_init(&body, members.length + 1024, pool);
    um_scim_group_put(&body, group, has_members ? &members : NULL, &projection, request, pool);
    um_answer_json(answer, status_code, &body);
    set_headers(answer, group, request);
    return APR_SUCCESS;
}

apr_status_t um_scim_groups_get(um_answer_t *answer, um_request_t *request)
{
    um_group_t *group = NULL;
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, request->store, request->pool);

    if (status == APR_SUCCESS) {
        status = um_store_groups_get(&group, db, request->caller.org_id, request->id,
                                     request->pool);
    }
    if (status == APR_SUCCESS) {
        status = answer_group(answer, 200, group, db, request);
    }
    um_db_close(db);
    if (status == UM_ENOTFOUND) {
        return answer_not_found(answer, request->pool);
    }
    if (status == APR_SUCCESS) {
        um_answer_revalidate(answer, request);
    }
    return status;
}

/* ---- what changes have in common ---- */

/* A change of a group that is being made: one of the two is there. */
typedef struct um_edit_t {
    /* The resource that replaces the group, or that is made. */
    const um_json_t *resource;
    /* The operations of PATCH: those on members, and the others. */
    const apr_array_header_t *on_members;
    const apr_array_header_t *others;
} um_edit_t;

static apr_status_t refuse_taken(um_answer_t *answer, apr_pool_t *pool)
{
    return um_problem_answer(answer, 409, "uniqueness", pool,
                             "Another group of the organization has this displayName.");
}

/* Read the body as a resource. UM_EREFUSED if a value has the wrong type. */
static apr_status_t read_resource(um_edit_t *edit, um_answer_t *answer,
                                  const um_request_t *request)
{
    um_json_t *resource = NULL;
    apr_status_t status = um_scim_read_body(&resource, answer, request, &um_scim_group_type);

    *edit = (um_edit_t){ .resource = resource };
    return status;
}

/* Read the names of a group from a resource. UM_EREFUSED if something is wrong. */
static apr_status_t read_names(um_group_t *group, um_answer_t *answer, const um_json_t *resource,
                               const um_request_t *request)
{
    um_faults_t faults = { .pool = request->pool, .place = "body" };

    um_scim_group_read(group, &faults, resource);
    return faults.list != NULL ? um_problem_answer_faults(answer, &faults) : APR_SUCCESS;
}

/* ---- create ---- */

/* A long answer is kept without the members, which the client has sent. */
static apr_status_t answer_made(um_answer_t *answer, const um_group_t *group, um_db_t *db,
                                const um_request_t *request)
{
    um_scim_projection_t projection;
    um_buffer_t kept;
    apr_status_t status = answer_group(answer, 201, group, db, request);

    if (status == APR_SUCCESS && answer->length > KEPT_MAX) {
        um_scim_projection_read(&projection, request, &um_scim_group_type);
        um_buffer_init(&kept, 1024, request->pool);
        um_scim_group_put(&kept, group, NULL, &projection, request, request->pool);
        answer->kept_body = kept.data;
    }
    return status;
}

static apr_status_t make_group(um_answer_t *answer, um_change_t *change, um_db_t *db, void *baton)
{
    const um_edit_t *edit = baton;
    um_request_t *request = change->request;
    um_group_t group = { .id = NULL };
    um_scim_members_t members;
    apr_status_t status = read_names(&group, answer, edit->resource, request);

    if (status == APR_SUCCESS) {
        status = um_change_check_match(answer, change, NULL);
    }
    if (status == APR_SUCCESS) {
        status = um_group_insert(&group, change, db);
    }
    if (status == UM_ECONFLICT) {
        return refuse_taken(answer, request->pool);
    }
    um_scim_members_init(&members, answer, change, db, &group);
    if (status == APR_SUCCESS && um_json_member(edit->resource, "members") != NULL) {
        status = um_scim_members_replace(&members, um_json_member(edit->resource, "members"));
    }
    if (status == APR_SUCCESS) {
        status = um_group_audit_new(change, db, &group, &members.done);
    }
    request->target = group.id;
    answer->changes_roles = 1;
    return status == APR_SUCCESS ? answer_made(answer, &group, db, request) : status;
}

apr_status_t um_scim_groups_create(um_answer_t *answer, um_request_t *request)
{
    um_edit_t edit;
    apr_status_t status = read_resource(&edit, answer, request);

    return status == APR_SUCCESS ? um_change_run(answer, request, make_group, &edit) : status;
}

/* ---- replace and patch ---- */

/* The group to change, locked. UM_EREFUSED if there is none, or another version of it. */
static apr_status_t get_for_change(um_group_t **group, um_answer_t *answer,
                                   const um_change_t *change, um_db_t *db)
{
    const um_request_t *request = change->request;
    apr_status_t status = um_store_groups_lock(group, db, request->caller.org_id, request->id,
                                               request->pool);

    if (status == UM_ENOTFOUND) {
        return answer_not_found(answer, request->pool);
    }
    return status == APR_SUCCESS
               ? um_change_check_match(answer, change, um_scim_group_etag(*group, request->pool))
               : status;
}

/* The names that the group will have. */
static apr_status_t change_names(um_group_t *group, um_answer_t *answer, const um_edit_t *edit,
                                 const um_group_t *stored, const um_request_t *request)
{
    const um_json_t *resource = edit->resource;
    um_json_t *patched = NULL;
    um_scim_error_t error = { 0 };
    apr_status_t status = APR_SUCCESS;

    *group = *stored;
    if (resource == NULL) {
        status = um_scim_patch_run(&patched, &error, um_scim_group_tree(stored, request->pool),
                                   edit->others, &um_scim_group_type, request->pool);
        if (status != APR_SUCCESS) {
            return um_scim_error_answer(answer, &error, request->pool);
        }
        resource = patched;
    }
    return read_names(group, answer, resource, request);
}

/* Write what changed. UM_EREFUSED if the name can't be given. */
static apr_status_t write_changes(um_answer_t *answer, um_change_t *change, um_db_t *db,
                                  um_group_t *group, const um_group_t *stored,
                                  const um_member_change_t *done)
{
    apr_status_t status;

    if (um_group_is_reserved(group->id)
        && strcmp(group->display_name, stored->display_name) != 0) {
        return um_scim_error_refuse(answer, 400, UM_SCIM_MUTABILITY, change->request->pool,
                                    "The group of the sub-admins keeps its displayName.");
    }
    status = um_group_write(&answer->changes_roles, change, db, group, stored, done);
    return status == UM_ECONFLICT ? refuse_taken(answer, change->request->pool) : status;
}

static apr_status_t change_members(um_scim_members_t *members, const um_edit_t *edit)
{
    apr_status_t status = APR_SUCCESS;

    if (edit->resource != NULL) {
        return um_scim_members_replace(members, um_json_member(edit->resource, "members"));
    }
    for (int i = 0; status == APR_SUCCESS && i < edit->on_members->nelts; i++) {
        status = um_scim_members_apply(members,
                                       &APR_ARRAY_IDX(edit->on_members, i, um_scim_operation_t));
    }
    return status;
}

/* A PATCH of a large group is answered without a body. */
static apr_status_t answer_changed(um_answer_t *answer, um_db_t *db, const um_edit_t *edit,
                                   const um_request_t *request)
{
    um_group_t *group = NULL;
    apr_int64_t count = 0;
    apr_status_t status = um_store_groups_get(&group, db, request->caller.org_id, request->id,
                                              request->pool);

    if (status == APR_SUCCESS && edit->resource == NULL) {
        status = um_store_members_count(&count, db, request->caller.org_id, request->id,
                                        ANSWERED_MAX + 1, request->pool);
    }
    if (status == APR_SUCCESS && count > ANSWERED_MAX) {
        answer->status = 204;
        set_headers(answer, group, request);
        return APR_SUCCESS;
    }
    return status == APR_SUCCESS ? answer_group(answer, 200, group, db, request) : status;
}

static apr_status_t update_group(um_answer_t *answer, um_change_t *change, um_db_t *db,
                                 void *baton)
{
    const um_edit_t *edit = baton;
    um_group_t *stored = NULL;
    um_group_t group;
    um_scim_members_t members;
    apr_status_t status = get_for_change(&stored, answer, change, db);

    if (status == APR_SUCCESS) {
        status = change_names(&group, answer, edit, stored, change->request);
    }
    if (status == APR_SUCCESS) {
        um_scim_members_init(&members, answer, change, db, stored);
        status = change_members(&members, edit);
    }
    if (status == APR_SUCCESS) {
        status = write_changes(answer, change, db, &group, stored, &members.done);
    }
    return status == APR_SUCCESS ? answer_changed(answer, db, edit, change->request) : status;
}

apr_status_t um_scim_groups_replace(um_answer_t *answer, um_request_t *request)
{
    um_edit_t edit;
    apr_status_t status = read_resource(&edit, answer, request);

    return status == APR_SUCCESS ? um_change_run(answer, request, update_group, &edit) : status;
}

/* Those of some operations that are about members, or that are not. */
static apr_array_header_t *choose(const apr_array_header_t *operations, int on_members,
                                  apr_pool_t *pool)
{
    apr_array_header_t *chosen = apr_array_make(pool, 4, sizeof(um_scim_operation_t));

    for (int i = 0; i < operations->nelts; i++) {
        const um_scim_operation_t *operation = &APR_ARRAY_IDX(operations, i, um_scim_operation_t);

        if (um_scim_members_has(operation) == on_members) {
            APR_ARRAY_PUSH(chosen, um_scim_operation_t) = *operation;
        }
    }
    return chosen;
}

apr_status_t um_scim_groups_patch(um_answer_t *answer, um_request_t *request)
{
    apr_array_header_t *operations = NULL;
    um_scim_error_t error = { 0 };
    um_edit_t edit = { 0 };
    apr_status_t status = um_scim_patch_read(&operations, &error, request->body,
                                             &um_scim_group_type, request->pool);

    if (status != APR_SUCCESS) {
        return um_scim_error_answer(answer, &error, request->pool);
    }
    edit.on_members = choose(operations, 1, request->pool);
    edit.others = choose(operations, 0, request->pool);
    return um_change_run(answer, request, update_group, &edit);
}

/* ---- delete ---- */

static apr_status_t delete_group(um_answer_t *answer, um_change_t *change, um_db_t *db,
                                 void *baton)
{
    const um_request_t *request = change->request;
    um_group_t *stored = NULL;
    apr_status_t status = get_for_change(&stored, answer, change, db);

    (void)baton;
    if (status == APR_SUCCESS && um_group_is_reserved(stored->id)) {
        return um_scim_error_refuse(answer, 400, UM_SCIM_MUTABILITY, request->pool,
                                    "The group of the sub-admins can't be deleted.");
    }
    if (status == APR_SUCCESS) {
        status = um_group_delete(change, db, stored);
    }
    if (status == APR_SUCCESS) {
        answer->status = 204;
        answer->changes_roles = 1;
    }
    return status;
}

apr_status_t um_scim_groups_delete(um_answer_t *answer, um_request_t *request)
{
    return um_change_run(answer, request, delete_group, NULL);
}
