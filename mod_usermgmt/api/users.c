/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file users.c The resource users/. */

#include "users.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/address.h"
#include "../base/uid.h"
#include "../core/store_callers.h"
#include "../core/store_erase.h"
#include "../core/store_lists.h"
#include "../core/store_records.h"
#include "../core/store_users.h"
#include "../core/user_reads.h"
#include "../rest/body.h"
#include "../rest/entry.h"
#include "../rest/listing.h"
#include "../rest/negotiate.h"
#include "../rest/permission.h"
#include "../rest/query.h"
#include "user_json.h"

static void put_user(um_buffer_t *buffer, const um_row_t *row, apr_int64_t now)
{
    um_user_t user;

    (void)now;
    um_store_users_read_shown(&user, row);
    um_user_json_put(buffer, &user);
}

static void put_user_with_scim(um_buffer_t *buffer, const um_row_t *row, apr_int64_t now)
{
    um_user_t user;

    (void)now;
    um_store_users_read(&user, row);
    um_user_json_put_as(buffer, &user, UM_USER_WITH_SCIM);
}

#define USERS                                                                                    \
    .member = "users", .first = "first_uid", .last = "last_uid", .key = "user_uid",              \
    .key_detail = "It must be a user_uid.", .has_single = 1, .include = UM_USER_SCIM,            \
    .included = &kind_with_scim, .rest = UM_USER_ATTRIBUTES, .is_member = um_user_json_is_member

static const um_listing_kind_t kind_with_scim = { USERS, .source = &um_list_users,
                                                  .put = put_user_with_scim,
                                                  .columns = UM_USER_COLUMNS "," UM_USER_SCIM };

static const um_listing_kind_t kind = { USERS, .source = &um_list_plain_users, .put = put_user,
                                        .columns = UM_USER_COLUMNS };

apr_status_t um_users_answer_not_found(um_answer_t *answer, apr_pool_t *pool)
{
    return um_problem_answer(answer, 404, "user_not_found", pool, "There is no such user.");
}

/* listing is the request for a stream of one user, which has no ETag, because a user's ETag is
 * for the JSON answer. NULL if the answer is no stream. */
static apr_status_t answer_user(um_answer_t *answer, um_request_t *request, const char *uid,
                                um_user_form_t form, const um_listing_request_t *listing)
{
    um_user_t *user = NULL;
    apr_status_t status = um_user_reads_get(&user, request->store, request->caller.org_id, uid,
                                            request->pool);

    if (status == UM_ENOTFOUND) {
        return um_users_answer_not_found(answer, request->pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    if (listing != NULL && request->media != UM_MEDIA_JSON) {
        um_listing_answer_one(answer, request, listing,
                              um_user_json_as(user, form, request->pool));
        return APR_SUCCESS;
    }
    um_user_json_answer_as(answer, user, form, request->pool);
    um_answer_revalidate(answer, request);
    return APR_SUCCESS;
}

apr_status_t um_users_get(um_answer_t *answer, um_request_t *request)
{
    const char *include = um_query_only(request, "include");

    if (include != NULL && strcmp(include, UM_USER_SCIM) != 0) {
        um_faults_add(&request->faults, "include", "invalid_value", "It must be scim.");
    }
    if (request->faults.list != NULL) {
        return um_problem_answer_faults(answer, &request->faults);
    }
    return answer_user(answer, request, request->id,
                       include != NULL ? UM_USER_WITH_SCIM : UM_USER_NATIVE, NULL);
}

apr_status_t um_users_list(um_answer_t *answer, um_request_t *request)
{
    um_listing_request_t listing;

    um_listing_read(&listing, request, &kind);
    if (listing.single != NULL && request->faults.list == NULL) {
        request->target = listing.single;
        return answer_user(answer, request, listing.single,
                           listing.has_include ? UM_USER_WITH_SCIM : UM_USER_NATIVE, &listing);
    }
    return um_listing_answer(answer, request, &listing);
}

static apr_status_t answer_protected(um_answer_t *answer, apr_pool_t *pool)
{
    return um_problem_answer(answer, 403, "protected_user", pool,
                             "A sub-admin can't make, change or delete an admin or a sub-admin.");
}

apr_status_t um_users_check_address(um_answer_t *answer, const um_request_t *request, um_db_t *db,
                                    const char *email)
{
    int protected = 0;
    apr_status_t status;

    if (request->caller.role == UM_ROLE_ADMIN) {
        return APR_SUCCESS;
    }
    status = um_store_callers_has_role(&protected, db, request->caller.org_id, email,
                                       request->pool);
    if (status == APR_SUCCESS && protected) {
        return answer_protected(answer, request->pool);
    }
    return status;
}

void um_users_read_named(um_named_user_t *name, um_request_t *request)
{
    name->uid = um_body_text(request, "user_uid");
    name->email = um_body_text(request, "email");
    um_body_refuse_others(request, "user_uid", "email", NULL);
    if (name->uid != NULL) {
        um_faults_add_violation(&request->faults, "user_uid", um_rules_check_uid(name->uid));
    }
    if (name->email != NULL) {
        um_faults_add_violation(&request->faults, "email",
                                um_address_check(name->email, request->pool));
    }
    if (name->uid != NULL && name->email != NULL) {
        um_faults_add(&request->faults, "email", "invalid_value",
                      "Give either user_uid or email, not both.");
    }
    if (um_body_member(request, "user_uid") == NULL && um_body_member(request, "email") == NULL) {
        um_faults_add(&request->faults, "user_uid", "required", "Give user_uid or email.");
    }
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
    um_user_json_answer(answer, 201, user, request->pool);
    um_entry_set_location(answer, request, "users", user->uid);
    request->target = user->uid;
    /* A caller with a role by configuration loses it by becoming a suspended user. */
    answer->changes_roles = user->is_suspended;
}

apr_status_t um_users_answer_taken(um_answer_t *answer, um_user_taken_t taken,
                                   const um_user_t *user, apr_pool_t *pool)
{
    if (taken == UM_TAKEN_USER_NAME) {
        return um_problem_answer(answer, 409, "user_name_taken", pool,
                                 "An identity provider has given this %s to another user of the "
                                 "organization as its name (userName).",
                                 user->user_name != NULL ? "name" : "email");
    }
    return um_problem_answer(answer, 409, "email_exists", pool,
                             "Another user with this email exists in the organization.");
}

/* Another user has the address or the name. */
static apr_status_t answer_taken(um_answer_t *answer, const um_request_t *request, um_db_t *db,
                                 const um_user_t *user)
{
    um_user_taken_t taken = UM_TAKEN_NOTHING;
    apr_status_t status = um_store_users_find_taken(&taken, db, request->caller.org_id, user,
                                                    request->pool);

    return status == APR_SUCCESS ? um_users_answer_taken(answer, taken, user, request->pool)
                                 : status;
}

/* The uid, the address or the name is taken, perhaps by an earlier run of this change. */
static apr_status_t answer_not_made(um_answer_t *answer, um_request_t *request, um_db_t *db,
                                    const um_user_t *user, int runs_again)
{
    apr_pool_t *pool = request->pool;
    um_user_t *made = NULL;
    apr_status_t status = UM_ENOTFOUND;

    if (runs_again) {
        status = um_store_users_get(&made, db, request->caller.org_id, user->uid, pool);
    }
    request->target = NULL;
    um_answer_init(answer, pool);
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
    apr_status_t status = um_users_check_address(answer, request, db, user.email);

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
    event = um_change_event(change, request->action, user.uid, NULL,
                            um_user_json_of_answer(answer, request->pool));
    status = um_store_users_create(db, request->caller.org_id, &user, &event, request->pool);
    return status == UM_ECONFLICT ? answer_not_made(answer, request, db, &user, runs_again)
                                  : status;
}

apr_status_t um_users_create(um_answer_t *answer, um_request_t *request)
{
    um_creation_t creation = { .uid = "" };
    um_user_input_t input;

    um_user_input_read(&input, request->body);
    um_user_input_create(&creation.user, &input, &request->faults);
    return um_change_run(answer, request, make_user, &creation);
}

/* ---- update and delete ---- */

/* The user to change. UM_EREFUSED, and answer is a problem, if the change is not allowed. */
static apr_status_t get_for_change(um_user_t **user, um_answer_t *answer,
                                   const um_change_t *change, um_db_t *db, const char *uid)
{
    const um_request_t *request = change->request;
    apr_int64_t org_id = request->caller.org_id;
    int protected = 0;
    apr_status_t status;

    status = request->caller.role == UM_ROLE_ADMIN
                 ? um_store_users_lock(user, db, org_id, uid, request->pool)
                 : um_store_users_lock_for_sub_admin(user, &protected, db, org_id, uid,
                                                     request->pool);
    if (status == UM_ENOTFOUND) {
        return um_users_answer_not_found(answer, request->pool);
    }
    if (status == APR_SUCCESS && protected) {
        return answer_protected(answer, request->pool);
    }
    if (status == APR_SUCCESS) {
        status = um_change_check_match(answer, change, um_user_etag(*user, request->pool));
    }
    return status;
}

/* A caller who may change users may be one who must not read them. */
static int may_read(const um_request_t *request)
{
    return um_permission_allows(UM_PERMIT_USERS_READ, &request->caller, request->settings);
}

static void answer_updated(um_answer_t *answer, const um_request_t *request,
                           const um_user_t *user)
{
    um_user_json_answer_updated(answer, "User information updated successfully.", user,
                                may_read(request), request->pool);
}

/* The user as it will be if the version that is stored is updated. */
static um_user_t next_version(const um_user_t *updated)
{
    um_user_t next = *updated;

    next.version++;
    return next;
}

/* UM_ECONFLICT if the user has another version, or another user has the address or the name. */
static apr_status_t write_update(um_answer_t *answer, um_change_t *change, um_db_t *db,
                                 const um_user_t *stored, const um_user_t *updated)
{
    const um_request_t *request = change->request;
    um_user_t next = next_version(updated);
    um_audit_event_t event = um_change_event(change, request->action, updated->uid,
                                             um_user_json(stored, request->pool),
                                             um_user_json(&next, request->pool));

    answer_updated(answer, request, &next);
    answer->changes_roles = strcmp(stored->email, updated->email) != 0
                            || stored->is_suspended != updated->is_suspended;
    return um_store_users_change(db, request->caller.org_id, updated, stored, &event,
                                 request->pool);
}

/* Has a user, which is locked now, the address that it was found by? */
static int has_address(const um_user_t *user, const char *email_key, apr_pool_t *pool)
{
    const char *key = email_key != NULL ? um_address_key(user->email, pool) : NULL;

    return email_key == NULL || (key != NULL && strcmp(key, email_key) == 0);
}

/* Write the update of a user that is locked. */
static apr_status_t write_checked(um_answer_t *answer, um_change_t *change, um_db_t *db,
                                  const um_user_t *stored, const um_user_t *updated)
{
    const um_request_t *request = change->request;
    apr_status_t status = APR_SUCCESS;

    if (strcmp(stored->email, updated->email) != 0) {
        status = um_users_check_address(answer, request, db, updated->email);
    }
    if (status == APR_SUCCESS) {
        status = write_update(answer, change, db, stored, updated);
    }
    if (status == UM_ECONFLICT) {
        um_answer_init(answer, request->pool);
        status = answer_taken(answer, request, db, updated);
    }
    return status;
}

/* What the update makes of a user that is stored. */
static apr_status_t apply(um_user_t *updated, um_user_edit_t *edit, const um_user_t *stored,
                          const um_change_t *change, um_faults_t *faults)
{
    apr_status_t status = um_user_input_update(updated, &edit->changed, stored, edit->input,
                                               faults);

    if (status == APR_SUCCESS && edit->changed && change->now_ms > updated->updated_at) {
        updated->updated_at = change->now_ms;
    }
    return status;
}

/* Update the user that was read before the change, if it still has that version. UM_ECONFLICT if
 * the user must be locked and read again, whatever the reason. */
static apr_status_t update_seen(um_answer_t *answer, um_change_t *change, um_db_t *db,
                                um_user_edit_t *edit)
{
    apr_pool_t *pool = change->request->pool;
    const um_user_t *stored = edit->seen;
    um_faults_t faults = { .pool = pool, .place = "body" };
    um_user_t updated;
    apr_status_t status;

    edit->seen = NULL;
    if (um_change_check_match(answer, change, um_user_etag(stored, pool)) != APR_SUCCESS
        || apply(&updated, edit, stored, change, &faults) != APR_SUCCESS || faults.list != NULL
        || !edit->changed || !um_store_users_same_but_profile(&updated, stored)) {
        return UM_ECONFLICT;
    }
    edit->sent = next_version(&updated);
    status = write_update(answer, change, db, stored, &updated);
    edit->witness = *um_db_witness(db);
    if (status == UM_ECONFLICT) {
        edit->sent.uid = NULL;
    }
    return status;
}

/* Find the update that an earlier run of the change has made although its answer was lost.
 * UM_ENOTFOUND if it has not, and can't any more, because its statement passes over a user that
 * is locked. If the user was deleted since, the change tells that. */
static apr_status_t find_made(um_answer_t *answer, const um_change_t *change, um_db_t *db,
                              const um_user_edit_t *edit)
{
    const um_request_t *request = change->request;
    um_user_t *user = NULL;
    int is_made = 0;
    apr_status_t status = UM_ENOTFOUND;

    if (edit->sent.uid != NULL) {
        status = um_store_users_lock(&user, db, request->caller.org_id, edit->uid, request->pool);
    }
    if (status == APR_SUCCESS) {
        status = um_store_audit_exists(&is_made, db, &edit->witness, request->pool);
    }
    if (status == APR_SUCCESS && is_made) {
        answer_updated(answer, request, &edit->sent);
    }
    return status == APR_SUCCESS && !is_made ? UM_ENOTFOUND : status;
}

apr_status_t um_users_make_update(um_answer_t *answer, um_change_t *change, um_db_t *db,
                                  void *baton)
{
    um_user_edit_t *edit = baton;
    apr_pool_t *pool = change->request->pool;
    um_faults_t faults = { .pool = pool, .place = "body" };
    um_user_t *stored = NULL;
    um_user_t updated;
    apr_status_t status = find_made(answer, change, db, edit);

    if (status != UM_ENOTFOUND) {
        return status;
    }
    if (edit->seen != NULL) {
        status = update_seen(answer, change, db, edit);
        if (status != UM_ECONFLICT) {
            return status;
        }
        um_answer_init(answer, pool);
    }
    status = get_for_change(&stored, answer, change, db, edit->uid);
    edit->changed = 0;
    if (status == APR_SUCCESS && !has_address(stored, edit->email_key, pool)) {
        return UM_ECONFLICT;
    }
    if (status == APR_SUCCESS) {
        status = apply(&updated, edit, stored, change, &faults);
    }
    if (status == APR_SUCCESS && faults.list != NULL) {
        return um_problem_answer_faults(answer, &faults);
    }
    if (status == APR_SUCCESS && edit->changed) {
        return write_checked(answer, change, db, stored, &updated);
    }
    if (status == APR_SUCCESS) {
        answer_updated(answer, change->request, &updated);
    }
    return status;
}

/* Read the user before the change, if that saves a lock: not if the change begins with another
 * statement, for a key or a sub-admin. That there is no such user is told by the change. */
static apr_status_t look_first(um_user_edit_t *edit, const um_request_t *request)
{
    um_user_t *user = NULL;
    apr_status_t status = UM_ENOTFOUND;

    if (request->faults.list == NULL && request->caller.role == UM_ROLE_ADMIN
        && request->caller.key_id == NULL && um_store_changes_at_once(request->store)) {
        status = um_user_reads_get(&user, request->store, request->caller.org_id, edit->uid,
                                   request->pool);
    }
    edit->seen = user;
    return status == UM_ENOTFOUND ? APR_SUCCESS : status;
}

apr_status_t um_users_update(um_answer_t *answer, um_request_t *request)
{
    um_user_input_t input;
    um_user_edit_t edit = { .uid = um_body_id(request, "user_uid"), .input = &input };
    apr_status_t status;

    um_user_input_read(&input, request->body);
    um_user_input_check_update(&input, &request->faults);
    status = look_first(&edit, request);
    return status == APR_SUCCESS ? um_change_run(answer, request, um_users_make_update, &edit)
                                 : status;
}

static apr_status_t delete_user(um_answer_t *answer, um_change_t *change, um_db_t *db,
                                void *baton)
{
    const um_user_edit_t *edit = baton;
    const um_request_t *request = change->request;
    um_user_t *stored = NULL;
    apr_status_t status = get_for_change(&stored, answer, change, db, edit->uid);

    if (status == APR_SUCCESS) {
        status = um_store_users_delete(db, request->caller.org_id, stored, change->now_ms,
                                       request->pool);
    }
    if (status == APR_SUCCESS) {
        status = um_change_audit(change, db, edit->uid, um_user_json(stored, request->pool),
                                 NULL);
    }
    if (status == APR_SUCCESS) {
        um_answer_message(answer, "User deleted successfully.", request->pool);
        answer->changes_roles = 1;
    }
    return status;
}

/* ---- erase ---- */

/* The parameter erase, which is the only one. */
static int read_erase(um_request_t *request)
{
    const char *value = um_query_only(request, "erase");

    if (value != NULL && strcmp(value, "true") != 0 && strcmp(value, "false") != 0) {
        um_faults_add(&request->faults, "erase", "invalid_value", "It must be true or false.");
    }
    request->faults.place = "body";
    return value != NULL && strcmp(value, "true") == 0;
}

static apr_status_t change_store(um_change_fn_t *change, void *baton, um_erase_t *erase,
                                 apr_pool_t *pool)
{
    return um_store_change(erase->store, change, baton, pool);
}

/* The user may be gone, as long as something is known of the person. */
static apr_status_t erase_user(um_answer_t *answer, um_change_t *change, um_db_t *db, void *baton)
{
    um_erase_t *erase = baton;
    um_request_t *request = change->request;
    um_user_t *user = NULL;
    um_audit_event_t event = um_change_event(change, UM_ERASE_ACTION, NULL, NULL, NULL);
    apr_status_t status = um_store_users_lock(&user, db, erase->org_id,
                                              APR_ARRAY_IDX(erase->person.uids, 0, const char *),
                                              request->pool);

    if (status == APR_SUCCESS || status == UM_ENOTFOUND) {
        status = um_change_check_match(answer, change,
                                       user != NULL ? um_user_etag(user, request->pool) : NULL);
    }
    if (status == APR_SUCCESS) {
        status = um_store_erase_rest(db, erase, user, &event, request->pool);
    }
    if (status == APR_SUCCESS) {
        um_answer_message(answer, "User erased successfully.", request->pool);
        answer->changes_roles = 1;
    }
    return status;
}

/* Nothing of the trail is erased before it is known that the rest is allowed. */
static apr_status_t check_erase(um_answer_t *answer, um_request_t *request,
                                const um_erase_t *erase)
{
    um_change_t change = { .request = request };

    return um_change_check_match(answer, &change,
                                 erase->user != NULL ? um_user_etag(erase->user, request->pool)
                                                     : NULL);
}

static apr_status_t erase_person(um_answer_t *answer, um_request_t *request, const char *uid)
{
    um_erase_t erase = { .store = request->store,
                         .org_id = request->caller.org_id,
                         .change = change_store };
    apr_status_t status = um_store_erase_begin(&erase, uid, request->pool);

    if (status == UM_ENOTFOUND) {
        return um_users_answer_not_found(answer, request->pool);
    }
    if (status == APR_SUCCESS) {
        status = check_erase(answer, request, &erase);
    }
    if (status == APR_SUCCESS) {
        status = um_store_erase_trail(&erase);
    }
    if (status == APR_SUCCESS) {
        status = um_change_run(answer, request, erase_user, &erase);
    }
    return status == APR_SUCCESS ? um_store_erase_end(&erase) : status;
}

apr_status_t um_users_delete(um_answer_t *answer, um_request_t *request)
{
    um_user_edit_t edit = { .uid = um_body_id(request, "user_uid") };
    int erases = read_erase(request);

    um_body_refuse_others(request, "user_uid", NULL);
    if (!erases) {
        return um_change_run(answer, request, delete_user, &edit);
    }
    if (request->caller.role != UM_ROLE_ADMIN) {
        return um_problem_answer_forbidden(answer, um_role_name(request->caller.role), NULL,
                                           request->pool);
    }
    return request->faults.list != NULL ? um_problem_answer_faults(answer, &request->faults)
                                        : erase_person(answer, request, edit.uid);
}
