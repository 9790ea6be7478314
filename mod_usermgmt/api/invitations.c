/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file invitations.c The resource invitations/. */

#include "invitations.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/address.h"
#include "../base/uid.h"
#include "../core/link.h"
#include "../core/store_invitations.h"
#include "../core/store_lists.h"
#include "../core/store_mail.h"
#include "../core/store_users.h"
#include "../rest/body.h"
#include "../rest/change.h"
#include "../rest/entry.h"
#include "sub_admins.h"
#include "user_json.h"

static void put_inviter(um_buffer_t *buffer, const um_invitation_t *invitation)
{
    um_buffer_putc(buffer, '{');
    um_json_put_member_or_null(buffer, "user_uid", invitation->inviter_uid);
    um_json_put_member(buffer, "email", invitation->inviter_email);
    um_json_put_member_or_null(buffer, "display_name", invitation->inviter_display_name);
    um_buffer_putc(buffer, '}');
}

static void put_invitation(um_buffer_t *buffer, const um_invitation_t *invitation,
                           apr_int64_t now)
{
    um_invitation_status_t status = um_invitation_status(invitation, now);

    um_buffer_putc(buffer, '{');
    um_json_put_member(buffer, "invite_token", invitation->token);
    um_json_put_member(buffer, "email", invitation->email);
    um_json_put_member(buffer, "status", um_invitation_status_name(status));
    um_json_put_member_or_null(buffer, "platform_link", invitation->platform_link);
    um_json_put_name(buffer, "inviter");
    put_inviter(buffer, invitation);
    um_json_put_member_instant(buffer, "created_at", invitation->created_at);
    um_json_put_member_instant(buffer, "expires_at", invitation->expires_at);
    if (invitation->accepted_at != 0) {
        um_json_put_member_instant(buffer, "accepted_at", invitation->accepted_at);
    } else {
        um_json_put_member_json(buffer, "accepted_at", NULL);
    }
    um_buffer_putc(buffer, '}');
}

static const char *invitation_json(const um_invitation_t *invitation, apr_int64_t now,
                                   apr_pool_t *pool)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 512, pool);
    put_invitation(&buffer, invitation, now);
    return buffer.data;
}

/* ---- list and read ---- */

void um_invitations_put(um_buffer_t *buffer, const um_row_t *row, apr_int64_t now)
{
    um_invitation_t invitation;

    um_store_invitations_read(&invitation, row);
    put_invitation(buffer, &invitation, now);
}

static const um_listing_kind_t kind = {
    .source = &um_list_invitations,
    .member = "invitations",
    .entry = "invitation",
    .first = "first_token",
    .last = "last_token",
    .key = "invite_token",
    .key_detail = "It must be an invite_token.",
    .not_found = { "invitation_not_found", "There is no such invitation." },
    .put = um_invitations_put,
    .columns = "invite_token,email,status,platform_link,inviter,created_at,"
               "expires_at,accepted_at",
};

apr_status_t um_invitations_list(um_answer_t *answer, um_request_t *request)
{
    return um_listing_handle(answer, request, &kind);
}

apr_status_t um_invitations_get(um_answer_t *answer, um_request_t *request)
{
    return um_entry_answer(answer, request, &kind);
}

/* ---- refusals ---- */

static apr_status_t answer_exists(um_answer_t *answer, apr_pool_t *pool)
{
    return um_problem_answer(answer, 409, "invitation_exists", pool,
                             "An invitation for this address is pending; you can resend or "
                             "remove it.");
}

/* For an invitation that is not pending any more. */
static apr_status_t answer_ended(um_answer_t *answer, um_invitation_status_t status,
                                 apr_pool_t *pool)
{
    if (status == UM_INVITATION_ACCEPTED) {
        return um_problem_answer(answer, 409, "invitation_accepted", pool,
                                 "The invitation has been accepted.");
    }
    if (status == UM_INVITATION_EXPIRED) {
        return um_problem_answer(answer, 409, "invitation_expired", pool,
                                 "The invitation has expired; an admin can send it again.");
    }
    return um_problem_answer(answer, 409, "invitation_revoked", pool,
                             "The invitation has been removed.");
}

/* ---- create and resend: a new secret ---- */

/* The answer has the secret, but the stored answer does not. */
static void answer_issued(um_answer_t *answer, int status, const um_invitation_t *invitation,
                          const char *json, const char *secret, apr_pool_t *pool)
{
    um_buffer_t buffer;
    const char *link = NULL;

    um_buffer_init(&buffer, 1024, pool);
    um_buffer_putc(&buffer, '{');
    um_json_put_member_json(&buffer, "invitation", json);
    answer->kept_body = apr_pstrcat(pool, buffer.data, "}", NULL);
    if (invitation->platform_link != NULL) {
        um_invitation_accept_link(&link, invitation->platform_link, secret, pool);
        um_json_put_member(&buffer, "accept_link", link);
    } else {
        um_json_put_member(&buffer, "accept_token", secret);
    }
    um_buffer_putc(&buffer, '}');
    um_answer_json(answer, status, &buffer);
    um_answer_set_header(answer, "ETag", um_answer_etag(json, pool));
}

/* Give a pending invitation a new secret, answer with it and queue the mail, which will have a
 * secret of its own. before is NULL for a new invitation. */
static apr_status_t issue(um_answer_t *answer, int http_status, um_change_t *change, um_db_t *db,
                          const um_invitation_t *invitation, const char *before)
{
    const um_request_t *request = change->request;
    const char *json = invitation_json(invitation, change->now_ms, request->pool);
    char secret[UM_SECRET_LENGTH + 1];
    apr_status_t status = um_invitation_make_secret(secret, &um_db_host(db)->random);

    if (status == APR_SUCCESS) {
        status = um_store_invitations_add_secret(db, request->caller.org_id, invitation->token,
                                                 secret, change->now_ms, request->pool);
    }
    if (status == APR_SUCCESS && request->settings->sends_mail) {
        status = um_store_mail_insert(db, request->caller.org_id, invitation->token,
                                      change->now_ms, request->pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    answer_issued(answer, http_status, invitation, json, secret, request->pool);
    return um_change_audit(change, db, invitation->token, before, json);
}

/* The inviter is the caller: with the address and name of the caller's user now, or, without a
 * user, with the identity alone. */
static apr_status_t set_inviter(um_invitation_t *invitation, const um_caller_t *caller,
                                um_db_t *db, apr_pool_t *pool)
{
    um_user_t *user = NULL;
    apr_status_t status = um_store_users_get_by_email(&user, db, caller->org_id, caller->identity,
                                                      pool);

    invitation->inviter_uid = caller->uid;
    if (status == UM_ENOTFOUND) {
        invitation->inviter_email = caller->identity;
        return APR_SUCCESS;
    }
    if (status == APR_SUCCESS) {
        invitation->inviter_email = user->email;
        invitation->inviter_display_name = user->display_name;
    }
    return status;
}

/* Lock the user with the address, so that nobody else can make it a sub-admin before this change
 * has ended. *user stays NULL if there is none. All changes lock the user first, then the
 * invitation, then its secrets. In another order, two changes could wait for each other. */
static apr_status_t lock_user(um_user_t **user, const um_request_t *request, um_db_t *db,
                              const char *email)
{
    apr_status_t status = um_store_users_lock_by_email(user, db, request->caller.org_id, email,
                                                       request->pool);

    return status == UM_ENOTFOUND ? APR_SUCCESS : status;
}

/* UM_EREFUSED, and answer is a problem, if the user, who may be NULL, is a sub-admin, because
 * there is nothing to accept. */
static apr_status_t refuse_sub_admin(um_answer_t *answer, const um_request_t *request,
                                     const um_user_t *user)
{
    if (user == NULL || !user->is_sub_admin) {
        return APR_SUCCESS;
    }
    return um_problem_answer(answer, 409, "already_sub_admin", request->pool,
                             "The user with this email is already a sub-admin.");
}

static apr_status_t invite(um_answer_t *answer, um_change_t *change, um_db_t *db, void *baton)
{
    um_request_t *request = change->request;
    apr_pool_t *pool = request->pool;
    um_invitation_t invitation = *(const um_invitation_t *)baton;
    char *token = apr_palloc(pool, UM_UID_LENGTH + 1);
    um_user_t *user = NULL;
    apr_status_t status = um_change_check_match(answer, change, NULL);

    if (status == APR_SUCCESS) {
        status = lock_user(&user, request, db, invitation.email);
    }
    if (status == APR_SUCCESS) {
        status = refuse_sub_admin(answer, request, user);
    }
    if (status == APR_SUCCESS) {
        status = um_uid_make(token, change->now, &um_db_host(db)->random);
    }
    if (status == APR_SUCCESS) {
        status = set_inviter(&invitation, &request->caller, db, pool);
    }
    if (status == APR_SUCCESS) {
        invitation.token = token;
        invitation.created_at = change->now_ms;
        invitation.expires_at = change->now_ms + request->settings->invitation_ttl;
        status = um_store_invitations_insert(db, request->caller.org_id, &invitation, pool);
    }
    if (status == UM_ECONFLICT) {
        return answer_exists(answer, pool);
    }
    if (status == APR_SUCCESS) {
        request->target = token;
        status = issue(answer, 201, change, db, &invitation, NULL);
        um_entry_set_location(answer, request, "invitations", token);
    }
    return status;
}

/* Without a platform link the page of the web console accepts, if people can reach it. */
static const char *link_or_console(const char *platform_link, const um_request_t *request)
{
    const char *url = request->settings->console_url;

    return url != NULL && platform_link == NULL ? um_invitation_console_page(url, request->pool)
                                                : platform_link;
}

/* The same for an invitation that is sent again: the page of the console may have moved since. */
static const char *link_or_moved_console(const char *platform_link, const um_request_t *request)
{
    const char *page = link_or_console(NULL, request);
    int is_page = platform_link != NULL && um_invitation_is_console_page(platform_link);

    return is_page && page != NULL ? page : link_or_console(platform_link, request);
}

static void check_platform_link(um_request_t *request, const char *link)
{
    const apr_array_header_t *allowed = request->settings->platform_links;
    const um_violation_t *violation = um_link_check(link, request->pool);

    um_faults_add_violation(&request->faults, "platform_link", violation);
    if (violation == NULL && allowed != NULL && !um_link_is_below(link, allowed, request->pool)) {
        um_faults_add(&request->faults, "platform_link", "not_allowed",
                      "It must be below one of the prefixes of UserMgmtPlatformLinkAllow.");
    }
}

apr_status_t um_invitations_create(um_answer_t *answer, um_request_t *request)
{
    um_invitation_t invitation = { 0 };

    invitation.email = um_body_text(request, "email");
    invitation.platform_link = um_body_text(request, "platform_link");
    um_body_refuse_others(request, "email", "platform_link", NULL);
    if (invitation.email != NULL) {
        um_faults_add_violation(&request->faults, "email",
                                um_address_check(invitation.email, request->pool));
    } else if (um_body_member(request, "email") == NULL) {
        um_faults_add(&request->faults, "email", "required", "It must be given.");
    }
    if (invitation.platform_link != NULL) {
        check_platform_link(request, invitation.platform_link);
    }
    invitation.platform_link = link_or_console(invitation.platform_link, request);
    return um_change_run(answer, request, invite, &invitation);
}

/* The invitation to change. UM_EREFUSED, and answer is a problem, if there is none. */
static apr_status_t get_for_change(um_invitation_t **invitation, um_answer_t *answer,
                                   const um_request_t *request, um_db_t *db, const char *token)
{
    apr_status_t status = um_store_invitations_get(invitation, db, request->caller.org_id, token,
                                                   request->pool);

    return status == UM_ENOTFOUND ? um_entry_answer_not_found(answer, &kind, request->pool)
                                  : status;
}

/* The same, after the user with its address was locked. */
static apr_status_t get_and_lock_user(um_invitation_t **invitation, um_user_t **user,
                                      um_answer_t *answer, const um_request_t *request,
                                      um_db_t *db, const char *token)
{
    apr_status_t status = um_store_invitations_look(invitation, db, request->caller.org_id, token,
                                                    request->pool);

    if (status == UM_ENOTFOUND) {
        return um_entry_answer_not_found(answer, &kind, request->pool);
    }
    if (status == APR_SUCCESS) {
        status = lock_user(user, request, db, (*invitation)->email);
    }
    return status == APR_SUCCESS ? get_for_change(invitation, answer, request, db, token)
                                 : status;
}

/* Check that the invitation has the ETag that the request expects. UM_EREFUSED, and answer is a
 * 412, if not. */
static apr_status_t check_match(um_answer_t *answer, const um_change_t *change,
                                const um_invitation_t *invitation)
{
    apr_pool_t *pool = change->request->pool;
    const char *json = invitation_json(invitation, change->now_ms, pool);

    return um_change_check_match(answer, change, um_answer_etag(json, pool));
}

static apr_status_t renew(um_answer_t *answer, um_change_t *change, um_db_t *db,
                          um_invitation_t *invitation)
{
    const um_request_t *request = change->request;
    const char *before = invitation_json(invitation, change->now_ms, request->pool);
    apr_int64_t expires_at = change->now_ms + request->settings->invitation_ttl;
    apr_status_t status;

    invitation->platform_link = link_or_moved_console(invitation->platform_link, request);
    status = um_store_invitations_renew(db, request->caller.org_id, invitation, expires_at,
                                        change->now_ms, request->pool);
    if (status == UM_ECONFLICT) {
        return answer_exists(answer, request->pool);
    }
    invitation->status = UM_INVITATION_PENDING;
    invitation->expires_at = expires_at;
    return status == APR_SUCCESS ? issue(answer, 200, change, db, invitation, before) : status;
}

static apr_status_t resend_invitation(um_answer_t *answer, um_change_t *change, um_db_t *db,
                                      void *baton)
{
    const um_request_t *request = change->request;
    um_invitation_t *invitation = NULL;
    um_user_t *user = NULL;
    apr_status_t status = get_and_lock_user(&invitation, &user, answer, request, db, baton);

    if (status == APR_SUCCESS) {
        status = check_match(answer, change, invitation);
    }
    if (status == APR_SUCCESS
        && (invitation->status == UM_INVITATION_ACCEPTED
            || invitation->status == UM_INVITATION_REVOKED)) {
        return answer_ended(answer, invitation->status, request->pool);
    }
    if (status == APR_SUCCESS) {
        status = refuse_sub_admin(answer, request, user);
    }
    return status == APR_SUCCESS ? renew(answer, change, db, invitation) : status;
}

apr_status_t um_invitations_resend(um_answer_t *answer, um_request_t *request)
{
    const char *token = um_body_id(request, "invite_token");

    um_body_refuse_others(request, "invite_token", NULL);
    return um_change_run(answer, request, resend_invitation, (void *)token);
}

/* ---- delete ---- */

static apr_status_t revoke_invitation(um_answer_t *answer, um_change_t *change, um_db_t *db,
                                      void *baton)
{
    const um_request_t *request = change->request;
    um_invitation_t *invitation = NULL;
    const char *before;
    apr_status_t status = get_for_change(&invitation, answer, request, db, baton);

    if (status == APR_SUCCESS && invitation->status == UM_INVITATION_REVOKED) {
        return um_entry_answer_not_found(answer, &kind, request->pool);
    }
    if (status == APR_SUCCESS) {
        status = check_match(answer, change, invitation);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    before = invitation_json(invitation, change->now_ms, request->pool);
    status = um_store_invitations_revoke(db, request->caller.org_id, invitation->token,
                                         request->pool);
    if (status == UM_ECONFLICT) {
        return answer_ended(answer, invitation->status, request->pool);
    }
    invitation->status = UM_INVITATION_REVOKED;
    if (status == APR_SUCCESS) {
        um_answer_message(answer, "Invitation removed successfully.", request->pool);
        status = um_change_audit(change, db, invitation->token, before,
                                 invitation_json(invitation, change->now_ms, request->pool));
    }
    return status;
}

apr_status_t um_invitations_delete(um_answer_t *answer, um_request_t *request)
{
    const char *token = um_body_id(request, "invite_token");

    um_body_refuse_others(request, "invite_token", NULL);
    return um_change_run(answer, request, revoke_invitation, (void *)token);
}

apr_status_t um_invitations_revoke_pending(um_change_t *change, um_db_t *db, const char *email)
{
    const um_request_t *request = change->request;
    um_invitation_t *invitation = NULL;
    const char *before;
    apr_status_t status = um_store_invitations_get_pending(&invitation, db,
                                                           request->caller.org_id, email,
                                                           request->pool);

    if (status == UM_ENOTFOUND
        || (status == APR_SUCCESS
            && um_invitation_status(invitation, change->now_ms) != UM_INVITATION_PENDING)) {
        return APR_SUCCESS;
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    before = invitation_json(invitation, change->now_ms, request->pool);
    status = um_store_invitations_revoke(db, request->caller.org_id, invitation->token,
                                         request->pool);
    invitation->status = UM_INVITATION_REVOKED;
    return status == APR_SUCCESS
               ? um_change_audit_as(change, db, "invitations.revoke", invitation->token, before,
                                    invitation_json(invitation, change->now_ms, request->pool))
               : status;
}

/* ---- accept ---- */

/* Is the caller the invited person? */
static int is_invited(const um_request_t *request, const um_invitation_t *invitation)
{
    const char *key = um_address_key(invitation->email, request->pool);

    return key != NULL && strcmp(request->caller.identity_key, key) == 0;
}

/* UM_EREFUSED, and answer is a problem, if the invitation is for another person. */
static apr_status_t check_invited(um_answer_t *answer, const um_request_t *request,
                                  const um_invitation_t *invitation)
{
    if (is_invited(request, invitation)) {
        return APR_SUCCESS;
    }
    if (request->settings->invitation_match) {
        return um_problem_answer(answer, 403, "not_invited", request->pool,
                                 "The invitation is for another address than yours.");
    }
    if (um_address_check(request->caller.identity, request->pool) != NULL) {
        return um_problem_answer(answer, 403, "no_email", request->pool,
                                 "You are known by something else than an email address, and so"
                                 " can't be a user here.");
    }
    return APR_SUCCESS;
}

/* UM_EREFUSED, and answer is a problem, if the caller can't accept the invitation. */
static apr_status_t check_acceptable(um_answer_t *answer, const um_change_t *change,
                                     const um_invitation_t *invitation)
{
    um_invitation_status_t ended = um_invitation_status(invitation, change->now_ms);
    apr_status_t status = check_invited(answer, change->request, invitation);

    if (status == APR_SUCCESS) {
        status = check_match(answer, change, invitation);
    }
    if (status == APR_SUCCESS && ended != UM_INVITATION_PENDING) {
        status = answer_ended(answer, ended, change->request->pool);
    }
    return status;
}

/* Make the caller's user. If the invitation is for the caller, the address is spelled as there.
 * The name is the part before the @. */
static apr_status_t make_user(const char **uid, um_change_t *change, um_db_t *db,
                              const um_invitation_t *invitation)
{
    const um_request_t *request = change->request;
    apr_pool_t *pool = request->pool;
    char *made = apr_palloc(pool, UM_UID_LENGTH + 1);
    um_user_t user = { 0 };
    apr_status_t status = um_uid_make(made, change->now, &um_db_host(db)->random);

    user.uid = made;
    user.email = is_invited(request, invitation) ? invitation->email : request->caller.identity;
    user.display_name = apr_pstrmemdup(pool, user.email,
                                       (apr_size_t)(strrchr(user.email, '@') - user.email));
    user.created_at = user.updated_at = change->now_ms;
    user.version = 1;
    user.attributes = "{}";
    if (status == APR_SUCCESS) {
        status = um_store_users_insert(db, request->caller.org_id, &user, pool);
    }
    if (status == APR_SUCCESS) {
        *uid = made;
        status = um_change_audit_as(change, db, "users.create", made, NULL,
                                    um_user_json(&user, pool));
    }
    return status;
}

/* How often it is tried to find the user with an address, because the address may move to other
 * users meanwhile. */
#define FIND_TRIES 8

/* Lock the user with the caller's address, or make one. UM_ENOTFOUND if there was none at first,
 * but there was one when it was to be made. */
static apr_status_t lock_or_make_user(um_user_t **user, const char **uid, um_change_t *change,
                                      um_db_t *db, const um_invitation_t *invitation)
{
    const um_request_t *request = change->request;
    apr_status_t status = um_store_users_lock_by_email(user, db, request->caller.org_id,
                                                       request->caller.identity, request->pool);

    if (status == UM_ENOTFOUND) {
        status = make_user(uid, change, db, invitation);
        return status == UM_ECONFLICT ? UM_ENOTFOUND : status;
    }
    return status;
}

/* The caller's user, which is made if there is none. Nobody else can change it before this change
 * has ended. *uid stays NULL if the user is suspended. */
static apr_status_t find_or_make_user(const char **uid, um_change_t *change, um_db_t *db,
                                      const um_invitation_t *invitation)
{
    um_user_t *user = NULL;
    apr_status_t status = UM_ENOTFOUND;

    for (int try = 1; status == UM_ENOTFOUND && try <= FIND_TRIES; try++) {
        status = lock_or_make_user(&user, uid, change, db, invitation);
    }
    if (status == UM_ENOTFOUND) {
        return UM_EUNAVAILABLE;
    }
    if (status == APR_SUCCESS && user != NULL && !user->is_suspended) {
        *uid = user->uid;
    }
    return status;
}

static void answer_accepted(um_answer_t *answer, const um_request_t *request)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 256, request->pool);
    um_buffer_putc(&buffer, '{');
    um_json_put_member(&buffer, "message", "Invitation accepted successfully.");
    um_json_put_member(&buffer, "organization", request->caller.organization);
    um_json_put_member(&buffer, "role", "sub_admin");
    um_buffer_putc(&buffer, '}');
    um_answer_json(answer, 200, &buffer);
    answer->changes_roles = 1;
}

/* Make the caller's user a sub-admin. */
static apr_status_t enter(um_answer_t *answer, um_change_t *change, um_db_t *db, const char *uid,
                          const um_invitation_t *invitation)
{
    const char *json = NULL;
    apr_status_t status = um_sub_admins_appoint(&json, change, db, uid,
                                                invitation->inviter_email);

    if (status == APR_SUCCESS || status == UM_ECONFLICT) {
        answer_accepted(answer, change->request);
        status = APR_SUCCESS;
    }
    return status;
}

/* Mark the invitation as accepted. If several try at the same time, one succeeds. */
static apr_status_t take_up(um_answer_t *answer, um_change_t *change, um_db_t *db,
                            um_invitation_t *invitation)
{
    const um_request_t *request = change->request;
    const char *before = invitation_json(invitation, change->now_ms, request->pool);
    apr_status_t status;

    status = um_store_invitations_accept(db, request->caller.org_id, invitation->token,
                                         change->now_ms, request->pool);
    invitation->status = UM_INVITATION_ACCEPTED;
    invitation->accepted_at = change->now_ms;
    if (status == UM_ECONFLICT) {
        return answer_ended(answer, invitation->status, request->pool);
    }
    if (status == APR_SUCCESS) {
        status = um_change_audit(change, db, invitation->token, before,
                                 invitation_json(invitation, change->now_ms, request->pool));
    }
    return status;
}

static apr_status_t accept_invitation(um_answer_t *answer, um_change_t *change, um_db_t *db,
                                      void *baton)
{
    const char *secret = baton;
    const char *uid = NULL;
    um_request_t *request = change->request;
    um_user_t *user = NULL;
    um_invitation_t *invitation = NULL;
    apr_status_t status = lock_user(&user, request, db, request->caller.identity);

    if (status == APR_SUCCESS) {
        status = um_store_invitations_get_by_secret(&invitation, db, request->caller.org_id,
                                                    secret, request->pool);
    }
    if (status == UM_ENOTFOUND) {
        return um_entry_answer_not_found(answer, &kind, request->pool);
    }
    if (status == APR_SUCCESS) {
        request->target = invitation->token;
        status = check_acceptable(answer, change, invitation);
    }
    if (status == APR_SUCCESS) {
        status = find_or_make_user(&uid, change, db, invitation);
    }
    if (status == APR_SUCCESS && uid == NULL) {
        return um_problem_answer(answer, 403, "user_suspended", request->pool,
                                 "You are suspended, and can't accept an invitation.");
    }
    if (status == APR_SUCCESS) {
        status = take_up(answer, change, db, invitation);
    }
    if (status == APR_SUCCESS) {
        status = enter(answer, change, db, uid, invitation);
    }
    return status;
}

apr_status_t um_invitations_accept(um_answer_t *answer, um_request_t *request)
{
    const char *secret = um_body_text(request, "accept_token");

    um_body_refuse_others(request, "accept_token", NULL);
    if (um_body_member(request, "accept_token") == NULL) {
        um_faults_add(&request->faults, "accept_token", "required", "It must be given.");
    }
    return um_change_run(answer, request, accept_invitation, (void *)secret);
}
