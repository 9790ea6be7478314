/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file users.c The resource /Users, see users.h. */

#include "users.h"

#include <string.h>

#include <apr_strings.h>

#include "../api/invitations.h"
#include "../api/user_json.h"
#include "../base/uid.h"
#include "../core/store_users.h"
#include "../rest/change.h"
#include "error.h"
#include "memberships.h"
#include "patch.h"
#include "projection.h"
#include "protection.h"
#include "resource.h"
#include "user.h"

static apr_status_t answer_not_found(um_answer_t *answer, apr_pool_t *pool)
{
    return um_scim_error_refuse(answer, 404, NULL, pool, "There is no such user.");
}

/* Answer with a user, as far as the client asks for it. groups is the text of a JSON array; NULL
 * for none. */
static void answer_user(um_answer_t *answer, int status, const um_user_t *user,
                        const char *groups, const um_request_t *request)
{
    um_scim_projection_t projection;
    um_buffer_t resource;
    um_buffer_t buffer;

    um_scim_projection_read(&projection, request, &um_scim_user_type);
    um_buffer_init(&resource, 1024, request->pool);
    um_scim_user_put(&resource, user, groups, request);
    um_buffer_init(&buffer, resource.length + 1, request->pool);
    um_scim_projection_put(&buffer, &resource, &projection, request->pool);
    um_answer_json(answer, status, &buffer);
    um_answer_set_header(answer, "ETag", um_scim_user_etag(user, groups, request->pool));
    um_answer_set_header(answer, "Location", um_scim_url(request, "Users", user->uid));
}

/* Read the groups of a user if the client wants them. *groups is the text of a JSON array; NULL
 * for none. */
static apr_status_t read_groups(const char **groups, um_db_t *db, um_user_t *user,
                                const um_request_t *request)
{
    um_scim_member_t member = { user, NULL };
    apr_array_header_t *members = apr_array_make(request->pool, 1, sizeof(um_scim_member_t *));
    um_scim_projection_t projection;
    apr_status_t status;

    APR_ARRAY_PUSH(members, um_scim_member_t *) = &member;
    um_scim_projection_read(&projection, request, &um_scim_user_type);
    status = um_scim_projection_has(&projection, "groups")
                 ? um_scim_memberships_read(members, db, request, request->pool)
                 : APR_SUCCESS;
    *groups = member.groups;
    return status;
}

/* ---- read ---- */

/* Answer with a user that was looked for. */
static apr_status_t answer_found(um_answer_t *answer, um_request_t *request, um_db_t *db,
                                 apr_status_t status, um_user_t *user)
{
    const char *groups = NULL;

    if (status == UM_ENOTFOUND) {
        return answer_not_found(answer, request->pool);
    }
    if (status == APR_SUCCESS) {
        status = read_groups(&groups, db, user, request);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    request->target = user->uid;
    answer_user(answer, 200, user, groups, request);
    um_answer_revalidate(answer, request);
    return APR_SUCCESS;
}

apr_status_t um_scim_users_get(um_answer_t *answer, um_request_t *request)
{
    um_user_t *user = NULL;
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, request->store, request->pool);

    if (status == APR_SUCCESS) {
        status = um_store_users_get(&user, db, request->caller.org_id, request->id,
                                    request->pool);
        status = answer_found(answer, request, db, status, user);
    }
    um_db_close(db);
    return status;
}

/* What is remembered of the caller may be older than its user. */
apr_status_t um_scim_users_me(um_answer_t *answer, um_request_t *request)
{
    um_user_t *user = NULL;
    um_db_t *db = NULL;
    apr_status_t status;

    if (request->caller.key_id != NULL) {
        return um_scim_error_refuse(answer, 501, NULL, request->pool,
                                    "An API key is not a user.");
    }
    status = um_store_open(&db, request->store, request->pool);
    if (status == APR_SUCCESS) {
        status = um_store_users_get_by_email(&user, db, request->caller.org_id,
                                             request->caller.identity, request->pool);
        status = answer_found(answer, request, db, status, user);
    }
    um_db_close(db);
    return status;
}

/* ---- changes ---- */

/* Another user has the address or the name. */
static apr_status_t answer_taken(um_answer_t *answer, const um_request_t *request, um_db_t *db,
                                 const um_user_t *user)
{
    um_user_taken_t taken = UM_TAKEN_NOTHING;
    apr_status_t status = um_store_users_find_taken(&taken, db, request->caller.org_id, user,
                                                    request->pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    return um_scim_error_refuse(answer, 409, UM_SCIM_UNIQUENESS, request->pool,
                                "Another user of the organization has this %s.",
                                taken == UM_TAKEN_EMAIL ? "email address" : "userName");
}

/* ---- create ---- */

typedef struct um_creation_t {
    um_user_t user;
    /* Made when the change runs first, and kept: by it a later run knows a user that an earlier
     * one made after its answer was lost. */
    char uid[UM_UID_LENGTH + 1];
} um_creation_t;

static void answer_created(um_answer_t *answer, um_request_t *request, const um_user_t *user)
{
    answer_user(answer, 201, user, NULL, request);
    request->target = user->uid;
    /* A caller with a role by configuration loses it by becoming a suspended user. */
    answer->changes_roles = user->is_suspended;
}

/* The uid, the address or the name is taken, perhaps by an earlier run of this change. */
static apr_status_t answer_not_made(um_answer_t *answer, um_request_t *request, um_db_t *db,
                                    const um_user_t *user, int runs_again)
{
    um_user_t *made = NULL;
    apr_status_t status = UM_ENOTFOUND;

    if (runs_again) {
        status = um_store_users_get(&made, db, request->caller.org_id, user->uid, request->pool);
    }
    request->target = NULL;
    um_answer_init(answer, request->pool);
    if (status == APR_SUCCESS) {
        answer_created(answer, request, made);
    } else if (status == UM_ENOTFOUND) {
        return answer_taken(answer, request, db, user);
    }
    return status;
}

static apr_status_t make_user(um_answer_t *answer, um_change_t *change, um_db_t *db, void *baton)
{
    um_creation_t *creation = baton;
    um_request_t *request = change->request;
    um_user_t user = creation->user;
    int runs_again = creation->uid[0] != '\0';
    um_audit_event_t event;
    apr_status_t status = um_scim_protection_check(answer, request, db, &user, NULL);

    if (status == APR_SUCCESS) {
        status = um_change_check_match(answer, change, NULL);
    }
    if (status == APR_SUCCESS && !runs_again) {
        status = um_uid_make(creation->uid, change->now, &um_db_host(db)->random);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    user.uid = apr_pstrdup(request->pool, creation->uid);
    user.created_at = user.updated_at = change->now_ms;
    user.version = 1;
    answer_created(answer, request, &user);
    event = um_change_event(change, "users.create", user.uid, NULL,
                            um_scim_user_audit(&user, request->pool));
    status = um_store_users_create(db, request->caller.org_id, &user, &event, request->pool);
    return status == UM_ECONFLICT ? answer_not_made(answer, request, db, &user, runs_again)
                                  : status;
}

apr_status_t um_scim_users_create(um_answer_t *answer, um_request_t *request)
{
    um_creation_t creation = { .uid = "" };
    um_json_t *resource = NULL;
    apr_status_t status = um_scim_read_body(&resource, answer, request, &um_scim_user_type);

    if (status == APR_SUCCESS) {
        status = um_scim_user_read(&creation.user, &request->faults, resource, NULL, 0);
    }
    return status == APR_SUCCESS ? um_change_run(answer, request, make_user, &creation) : status;
}

/* ---- replace, patch and delete ---- */

/* A change of a user that is being made: one of the two is there. */
typedef struct um_edit_t {
    /* The resource that replaces the user. */
    const um_json_t *resource;
    /* The operations of PATCH. */
    const apr_array_header_t *operations;
    /* Whether the organization's own attributes stay where the resource has none. */
    int keeps;
} um_edit_t;

/* Let the preconditions of a change be about what a client can write. */
static void forget_groups(um_request_t *request)
{
    static const char *const names[] = { "If-Match", "If-None-Match" };
    apr_table_t *headers = apr_table_copy(request->pool, request->headers);

    for (apr_size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *etags = apr_table_get(headers, names[i]);

        if (etags != NULL) {
            apr_table_setn(headers, names[i], um_scim_user_own_etags(etags, request->pool));
        }
    }
    request->headers = headers;
}

/* The user to change. UM_EREFUSED, and answer is a problem, if there is none, or another version
 * of it. */
static apr_status_t get_for_change(um_user_t **user, um_answer_t *answer,
                                   const um_change_t *change, um_db_t *db)
{
    const um_request_t *request = change->request;
    apr_status_t status = um_store_users_lock(user, db, request->caller.org_id, request->id,
                                              request->pool);

    if (status == UM_ENOTFOUND) {
        return answer_not_found(answer, request->pool);
    }
    if (status == APR_SUCCESS) {
        forget_groups(change->request);
        status = um_change_check_match(answer, change, um_user_etag(*user, request->pool));
    }
    return status;
}

/* A sub-admin who was invited again while suspended has nothing to accept any more. */
static apr_status_t end_invitation(um_change_t *change, um_db_t *db, const um_user_t *stored,
                                   const um_user_t *updated)
{
    return stored->is_suspended && !updated->is_suspended && updated->is_sub_admin
               ? um_invitations_revoke_pending(change, db, updated->email)
               : APR_SUCCESS;
}

static apr_status_t write_update(um_answer_t *answer, um_change_t *change, um_db_t *db,
                                 const um_user_t *stored, um_user_t *updated)
{
    const um_request_t *request = change->request;
    apr_status_t status = um_scim_protection_check(answer, request, db, updated, stored);

    if (status != APR_SUCCESS) {
        return status;
    }
    if (change->now_ms > updated->updated_at) {
        updated->updated_at = change->now_ms;
    }
    status = um_store_users_update(db, request->caller.org_id, updated, stored, request->pool);
    if (status == UM_ECONFLICT) {
        return answer_taken(answer, request, db, updated);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    updated->version++;
    answer->changes_roles = strcmp(stored->email, updated->email) != 0
                            || stored->is_suspended != updated->is_suspended;
    status = um_change_audit_as(change, db, "users.update", updated->uid,
                                um_scim_user_audit(stored, request->pool),
                                um_scim_user_audit(updated, request->pool));
    return status == APR_SUCCESS ? end_invitation(change, db, stored, updated) : status;
}

/* What the user will be. UM_EREFUSED, and answer is a problem, if the operations can't be
 * applied. */
static apr_status_t make_resource(const um_json_t **resource, um_answer_t *answer,
                                  const um_edit_t *edit, const um_user_t *stored,
                                  apr_pool_t *pool)
{
    um_json_t *tree = NULL;
    um_json_t *patched = NULL;
    um_scim_error_t error = { 0 };
    apr_status_t status;

    if (edit->resource != NULL) {
        *resource = edit->resource;
        return APR_SUCCESS;
    }
    status = um_scim_user_tree(&tree, stored, pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    status = um_scim_patch_run(&patched, &error, tree, edit->operations, &um_scim_user_type,
                               pool);
    *resource = patched;
    return status == APR_SUCCESS ? status : um_scim_error_answer(answer, &error, pool);
}

static apr_status_t update_user(um_answer_t *answer, um_change_t *change, um_db_t *db,
                                void *baton)
{
    const um_edit_t *edit = baton;
    const um_request_t *request = change->request;
    um_faults_t faults = { .pool = request->pool, .place = "body" };
    const um_json_t *resource = NULL;
    const char *groups = NULL;
    um_user_t *stored = NULL;
    um_user_t updated = { 0 };
    apr_status_t status = get_for_change(&stored, answer, change, db);

    if (status == APR_SUCCESS) {
        status = make_resource(&resource, answer, edit, stored, request->pool);
    }
    if (status == APR_SUCCESS) {
        status = um_scim_user_read(&updated, &faults, resource, stored, edit->keeps);
    }
    if (status == APR_SUCCESS && faults.list != NULL) {
        return um_problem_answer_faults(answer, &faults);
    }
    if (status == APR_SUCCESS && um_scim_user_differs(&updated, stored)) {
        status = write_update(answer, change, db, stored, &updated);
    }
    if (status == APR_SUCCESS) {
        status = read_groups(&groups, db, &updated, request);
    }
    if (status == APR_SUCCESS) {
        answer_user(answer, 200, &updated, groups, request);
    }
    return status;
}

apr_status_t um_scim_users_replace(um_answer_t *answer, um_request_t *request)
{
    um_json_t *resource = NULL;
    um_edit_t edit = { 0 };
    apr_status_t status = um_scim_read_body(&resource, answer, request, &um_scim_user_type);

    edit.resource = resource;
    edit.keeps = um_json_find_name(request->body, UM_SCIM_URN_CUSTOM) == NULL;
    return status == APR_SUCCESS ? um_change_run(answer, request, update_user, &edit) : status;
}

apr_status_t um_scim_users_patch(um_answer_t *answer, um_request_t *request)
{
    apr_array_header_t *operations = NULL;
    um_scim_error_t error = { 0 };
    um_edit_t edit = { 0 };
    apr_status_t status = um_scim_patch_read(&operations, &error, request->body,
                                             &um_scim_user_type, request->pool);

    if (status != APR_SUCCESS) {
        return um_scim_error_answer(answer, &error, request->pool);
    }
    edit.operations = operations;
    return um_change_run(answer, request, update_user, &edit);
}

static apr_status_t delete_user(um_answer_t *answer, um_change_t *change, um_db_t *db,
                                void *baton)
{
    const um_request_t *request = change->request;
    um_user_t *stored = NULL;
    apr_status_t status = get_for_change(&stored, answer, change, db);

    (void)baton;
    if (status == APR_SUCCESS) {
        status = um_scim_protection_check(answer, request, db, NULL, stored);
    }
    if (status == APR_SUCCESS) {
        status = um_store_users_delete(db, request->caller.org_id, stored, change->now_ms,
                                       request->pool);
    }
    if (status == APR_SUCCESS) {
        status = um_change_audit_as(change, db, "users.delete", stored->uid,
                                    um_scim_user_audit(stored, request->pool), NULL);
    }
    if (status == APR_SUCCESS) {
        answer->status = 204;
        answer->changes_roles = 1;
    }
    return status;
}

apr_status_t um_scim_users_delete(um_answer_t *answer, um_request_t *request)
{
    return um_change_run(answer, request, delete_user, NULL);
}
