/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file caller.c The caller of a request, see caller.h. */

#include "caller.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/address.h"
#include "../base/buffer.h"
#include "../base/text.h"
#include "../base/uid.h"
#include "../core/rules.h"
#include "../core/store_callers.h"
#include "../core/store_members.h"
#include "../core/store_organizations.h"
#include "cache.h"
#include "config_number.h"
#include "key_door.h"
#include "log.h"
#include "module.h"
#include "require.h"
#include "runtime.h"
#include "state.h"

#define DEFAULT_ORGANIZATION "default"

/* Seconds between two lines about a caller who was refused. */
#define REFUSAL_PAUSE 60
#define NO_ORGANIZATION "since UserMgmtOrganization gives no organization that exists"

/* A caller that is being looked up. */
typedef struct um_look_t {
    um_caller_t *caller;
    request_rec *r;
    const um_config_directory_t *config;
    um_store_t *store;
    um_caller_record_t *record;
    /* The directive, and its line, that gave the role; NULL if none did. */
    const char *directive;
    const um_require_t *line;
    /* When the look began. */
    um_caller_stamp_t stamp;
} um_look_t;

static int is_usable(const char *name, apr_size_t max)
{
    apr_size_t length = strlen(name);

    return length > 0 && length <= max && um_text_is_utf8(name, length)
           && !um_text_has_control(name);
}

/* The value of an expression, or fallback if there is none. */
static apr_status_t evaluate(const char **value, const ap_expr_info_t *expression,
                             const char *fallback, request_rec *r)
{
    const char *error = NULL;

    *value = expression != NULL ? ap_expr_str_exec(r, expression, &error) : fallback;
    if (error != NULL) {
        um_log_request(r, EXPRESSION_FAILED, APR_SUCCESS, error);
        return APR_EGENERAL;
    }
    return APR_SUCCESS;
}

/* Ask the lines of a directive one after the other whether they grant the caller a role. Returns
 * the first that does, or NULL; *failed is set if a provider failed. */
static const um_require_t *find_line(int *failed, const apr_array_header_t *lines, request_rec *r)
{
    for (int i = 0; lines != NULL && i < lines->nelts; i++) {
        const um_require_t *line = &APR_ARRAY_IDX(lines, i, um_require_t);
        authz_status status = um_require_ask(line, r);

        if (status == AUTHZ_GRANTED) {
            return line;
        }
        if (status == AUTHZ_GENERAL_ERROR) {
            *failed = 1;
            um_log_request(r, PROVIDER_FAILED, APR_SUCCESS, line->provider_name, line->line);
        }
    }
    return NULL;
}

/* Give a role by the lines of a directive; 0 if none grants it. */
static int give_role(um_look_t *look, int *failed, um_role_t role, const char *directive,
                     const apr_array_header_t *lines)
{
    look->line = find_line(failed, lines, look->r);
    if (look->line == NULL) {
        return 0;
    }
    look->directive = directive;
    look->caller->role = role;
    return 1;
}

/* The role by configuration. */
static apr_status_t find_role(um_look_t *look)
{
    const um_config_directory_t *config = look->config;
    um_state_t *state = um_state_make(look->r);
    int failed = 0;

    if (state->is_asked_for_role) {
        /* A line is an AuthzProviderAlias that asks for the role itself, without end. */
        return APR_EGENERAL;
    }
    state->is_asked_for_role = 1;
    if (!give_role(look, &failed, UM_ROLE_ADMIN, "UserMgmtAdmin", config->admins)) {
        give_role(look, &failed, UM_ROLE_SUB_ADMIN, "UserMgmtSubAdmin", config->sub_admins);
    }
    state->is_asked_for_role = 0;
    return failed && look->caller->role == UM_ROLE_NONE ? APR_EGENERAL : APR_SUCCESS;
}

static apr_status_t read_record(um_look_t *look)
{
    const um_caller_t *caller = look->caller;
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, look->store, look->r->pool);

    if (status == APR_SUCCESS) {
        status = um_store_callers_get(&look->record, db, caller->organization,
                                      caller->identity_key, look->r->pool);
    }
    um_db_close(db);
    return status;
}

static apr_status_t make_organization(um_db_t *db, void *baton, apr_pool_t *pool)
{
    const um_look_t *look = baton;
    const um_host_t *host = um_db_host(db);

    return um_store_organizations_insert(db, look->caller->organization,
                                         apr_time_as_msec(host->now(host->baton)), pool);
}

/* Store a caller with a role by configuration. A caller who is now a user has the user's uid. */
static apr_status_t note_caller(um_db_t *db, void *baton, apr_pool_t *pool)
{
    um_look_t *look = baton;
    const um_host_t *host = um_db_host(db);
    const um_caller_t *caller = look->caller;
    apr_time_t now = host->now(host->baton);
    char made[UM_UID_LENGTH + 1];
    const char *uid = NULL;
    apr_status_t status;

    status = um_store_callers_get(&look->record, db, caller->organization, caller->identity_key,
                                  pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    uid = look->record->user_uid;
    if (uid == NULL) {
        status = um_uid_make(made, now, &host->random);
        uid = made;
    }
    if (status == APR_SUCCESS) {
        status = um_store_callers_put(db, look->record->org_id, caller->identity_key, uid,
                                      um_role_name(caller->role), apr_time_as_msec(now), pool);
    }
    if (status == APR_SUCCESS) {
        status = um_store_callers_get(&look->record, db, caller->organization,
                                      caller->identity_key, pool);
    }
    return status;
}

/* Was the caller stored with this role or a higher one? A caller who is an admin in one Location
 * and a sub-admin in another must not be written again each time. */
static int is_noted(const um_look_t *look)
{
    const char *seen = look->record->seen_role;

    return seen != NULL
           && (strcmp(seen, um_role_name(look->caller->role)) == 0
               || strcmp(seen, um_role_name(UM_ROLE_ADMIN)) == 0);
}

/* Store the role by configuration, if necessary, and read the caller's record. */
static apr_status_t update_record(um_look_t *look)
{
    um_caller_t *caller = look->caller;
    apr_pool_t *pool = look->r->pool;
    apr_status_t status = read_record(look);

    if (status == UM_ENOTFOUND && caller->role == UM_ROLE_ADMIN
        && look->config->auto_organization == 1) {
        status = um_store_change(look->store, make_organization, look, pool);
        if (status == APR_SUCCESS) {
            status = read_record(look);
        }
    }
    if (status != APR_SUCCESS || caller->role == UM_ROLE_NONE) {
        return status;
    }
    if (!is_noted(look)) {
        status = um_store_change(look->store, note_caller, look, pool);
    }
    return status;
}

/* Does a cached record have all that this request would find? */
static int fits(const um_look_t *look)
{
    return look->record != NULL && (look->caller->role == UM_ROLE_NONE || is_noted(look));
}

static apr_status_t find_record(um_look_t *look)
{
    const um_caller_t *caller = look->caller;
    apr_interval_time_t ttl = um_config_directory_number(look->config, UM_ROLE_CACHE_TTL);
    server_rec *server = look->r->server;
    apr_pool_t *pool = look->r->pool;
    apr_status_t status;

    if (ttl > 0) {
        look->record = um_cache_get(&look->stamp, server, caller->organization,
                                    caller->identity_key, ttl, pool);
    }
    if (fits(look)) {
        return APR_SUCCESS;
    }
    status = update_record(look);
    if (status == APR_SUCCESS && ttl > 0) {
        um_cache_put(server, caller->organization, caller->identity_key, look->record,
                     &look->stamp);
    }
    return status;
}

static void use_record(um_look_t *look)
{
    um_caller_t *caller = look->caller;
    const um_caller_record_t *record = look->record;

    caller->org_id = record->org_id;
    /* A suspended user is no sub-admin by configuration either. An admin stays an admin, because
     * only the configuration decides who is one. */
    if (caller->role == UM_ROLE_SUB_ADMIN && record->user_uid != NULL && !record->is_active) {
        caller->role = UM_ROLE_NONE;
    }
    if (caller->role != UM_ROLE_NONE) {
        caller->uid = record->user_uid != NULL ? record->user_uid : record->seen_uid;
        return;
    }
    caller->uid = record->user_uid;
    if (record->is_sub_admin) {
        caller->role = UM_ROLE_SUB_ADMIN;
        caller->role_is_stored = 1;
    }
}

/* No person is taken for an API key. */
static int is_of_key(const char *identity)
{
    return ap_cstr_casecmpn(identity, UM_KEY_IDENTITY, strlen(UM_KEY_IDENTITY)) == 0;
}

apr_status_t um_caller_organization(const char **organization, request_rec *r)
{
    return evaluate(organization, um_config_directory(r)->organization, DEFAULT_ORGANIZATION, r);
}

apr_status_t um_caller_name(const char **identity, const char **organization, request_rec *r)
{
    const um_config_directory_t *config = um_config_directory(r);
    apr_status_t status = evaluate(identity, config->identity, r->user, r);

    if (status == APR_SUCCESS) {
        status = um_caller_organization(organization, r);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    if (*identity != NULL && (!is_usable(*identity, UM_IDENTITY_MAX) || is_of_key(*identity))) {
        *identity = NULL;
    }
    if (!is_usable(*organization, UM_ORGANIZATION_MAX)) {
        *organization = NULL;
    }
    return APR_SUCCESS;
}

/* Begin a lookup: find the caller's names. caller->identity is "" for nobody. UM_ENOTFOUND if the
 * organization can't exist. */
static apr_status_t begin(um_look_t *look)
{
    um_caller_t *caller = look->caller;
    apr_status_t status;

    caller->remote_addr = look->r->useragent_ip;
    caller->role = UM_ROLE_NONE;
    caller->role_is_stored = 0;
    caller->key_id = NULL;
    status = um_caller_name(&caller->identity, &caller->organization, look->r);
    if (status == APR_SUCCESS && caller->identity == NULL) {
        caller->identity = "";
        caller->identity_key = "";
        return APR_SUCCESS;
    }
    if (status == APR_SUCCESS && caller->organization == NULL) {
        return UM_ENOTFOUND;
    }
    if (status == APR_SUCCESS) {
        caller->identity_key = um_address_identity_key(caller->identity, look->r->pool);
    }
    return status;
}

static apr_status_t identify(um_look_t *look)
{
    apr_status_t status = begin(look);

    /* A caller without an identity has no role and no organization. */
    if (status != APR_SUCCESS || look->caller->identity[0] == '\0') {
        return status;
    }
    status = find_role(look);
    if (status != APR_SUCCESS) {
        return status;
    }
    if (look->store == NULL) {
        return UM_EUNAVAILABLE;
    }
    status = find_record(look);
    if (status == APR_SUCCESS) {
        use_record(look);
    }
    return status;
}

/* For the log: where the role comes from, or why there is none. */
static const char *origin_of_role(const um_look_t *look, apr_status_t status)
{
    const um_caller_t *caller = look->caller;

    if (caller->role == UM_ROLE_NONE && look->record != NULL && look->record->user_uid != NULL
        && !look->record->is_active) {
        return "since the user is suspended";
    }
    if (look->line != NULL) {
        return apr_pstrcat(look->r->pool, "by ", look->directive, " ", look->line->provider_name,
                           " ", look->line->line, NULL);
    }
    if (caller->identity == NULL || caller->identity[0] == '\0') {
        return look->config->identity != NULL ? "since UserMgmtIdentity gives no identity"
               : look->r->user == NULL
                   ? "since httpd has no user for this request (see AuthType and Require)"
                   : "since httpd's user for this request can't be an identity";
    }
    if (caller->organization == NULL || status == UM_ENOTFOUND) {
        return NO_ORGANIZATION;
    }
    if (status != APR_SUCCESS) {
        return "since the role could not be found out";
    }
    return caller->role_is_stored ? "by the sub-admins of the organization"
                                  : "since no UserMgmtAdmin or UserMgmtSubAdmin holds, and the "
                                    "organization has no sub-admin of that address";
}

/* For a place between quotation marks. Those of the name are doubled, so that a name can't end
 * its place and forge the next ones. httpd itself escapes only other characters in its error log.
 */
static const char *shown(const char *name, apr_pool_t *pool)
{
    um_buffer_t buffer;

    if (name == NULL || strchr(name, '"') == NULL) {
        return name != NULL ? name : "";
    }
    um_buffer_init(&buffer, strlen(name) + 8, pool);
    for (; *name != '\0'; name++) {
        if (*name == '"') {
            um_buffer_putc(&buffer, '"');
        }
        um_buffer_putc(&buffer, *name);
    }
    return buffer.data;
}

/* For um_caller_log_refusal(): why the caller of this request has no role, or nothing of it. */
static void keep_reason(const um_look_t *look, apr_status_t status)
{
    const char *reason = status == UM_ENOTFOUND ? NO_ORGANIZATION : origin_of_role(look, status);

    um_state_make(look->r)->reason = reason;
}

void um_caller_log_refusal(const um_caller_t *caller, request_rec *r)
{
    static volatile apr_uint32_t logged_at;
    const um_state_t *state = um_state(r);
    const char *reason = state != NULL ? state->reason : NULL;

    if (reason != NULL && um_log_is_due(&logged_at, REFUSAL_PAUSE)) {
        um_log_request(r, CALLER_REFUSED, APR_SUCCESS, shown(r->user, r->pool),
                       shown(caller->identity, r->pool), shown(caller->organization, r->pool),
                       caller->role == UM_ROLE_NONE ? "no role " : "", reason);
    }
}

apr_status_t um_caller_identify(um_caller_t *caller, request_rec *r)
{
    um_look_t look = { .caller = caller,
                       .r = r,
                       .config = um_config_directory(r),
                       .store = um_runtime_store(r->server) };
    apr_status_t status;

    if (um_key_door_is_caller(r)) {
        return um_key_door_identify(caller, r);
    }
    status = identify(&look);
    if (caller->role == UM_ROLE_NONE || status == UM_ENOTFOUND) {
        keep_reason(&look, status);
    }
    if (APLOGrdebug(r)) {
        um_log_request(r, CALLER, APR_SUCCESS, shown(r->user, r->pool),
                       shown(caller->identity, r->pool), shown(caller->organization, r->pool),
                       um_role_name(caller->role), origin_of_role(&look, status));
    }
    return status;
}

/* Read the record of a caller who is no API key; NULL for nobody. */
static apr_status_t look_up(um_look_t *look)
{
    apr_status_t status = begin(look);

    if (status != APR_SUCCESS || look->caller->identity[0] == '\0') {
        return status;
    }
    return look->store != NULL ? find_record(look) : UM_EUNAVAILABLE;
}

apr_status_t um_caller_is_active(int *is_active, request_rec *r)
{
    um_caller_t caller = { 0 };
    um_look_t look = { .caller = &caller,
                       .r = r,
                       .config = um_config_directory(r),
                       .store = um_runtime_store(r->server) };
    apr_status_t status;

    /* A key that was accepted is neither expired nor revoked. */
    *is_active = um_key_door_is_caller(r);
    if (*is_active) {
        return APR_SUCCESS;
    }
    status = look_up(&look);
    if (status == APR_SUCCESS && look.record != NULL) {
        *is_active = look.record->is_active;
    }
    return status;
}

static apr_status_t read_membership(int *is_member, const um_look_t *look, const char *group)
{
    apr_pool_t *pool = look->r->pool;
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, look->store, pool);

    if (status == APR_SUCCESS) {
        status = um_store_members_is_in(is_member, db, look->record->org_id,
                                        look->record->user_uid, group, pool);
    }
    um_db_close(db);
    return status;
}

static apr_status_t find_membership(int *is_member, const um_look_t *look, const char *group)
{
    um_membership_t membership = { look->caller->organization, look->record->user_uid, group };
    apr_interval_time_t ttl = um_config_directory_number(look->config, UM_ROLE_CACHE_TTL);
    const server_rec *server = look->r->server;
    apr_pool_t *pool = look->r->pool;
    um_caller_stamp_t stamp = { 0 };
    apr_status_t status;

    if (ttl > 0 && um_cache_get_membership(is_member, &stamp, server, &membership, ttl, pool)) {
        return APR_SUCCESS;
    }
    status = read_membership(is_member, look, group);
    if (status == APR_SUCCESS && ttl > 0) {
        um_cache_put_membership(server, &membership, *is_member, &stamp, pool);
    }
    return status;
}

apr_status_t um_caller_is_member(int *is_member, const apr_array_header_t *groups, request_rec *r)
{
    um_caller_t caller = { 0 };
    um_look_t look = { .caller = &caller,
                       .r = r,
                       .config = um_config_directory(r),
                       .store = um_runtime_store(r->server) };
    apr_status_t status;

    *is_member = 0;
    if (um_key_door_is_caller(r)) {
        return APR_SUCCESS;
    }
    status = look_up(&look);
    if (status != APR_SUCCESS || look.record == NULL || !look.record->is_active) {
        return status;
    }
    for (int i = 0; status == APR_SUCCESS && !*is_member && i < groups->nelts; i++) {
        status = find_membership(is_member, &look, APR_ARRAY_IDX(groups, i, const char *));
    }
    return status;
}
