/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file permission.c The permissions of callers, see permission.h. */

#include "permission.h"

#include <string.h>

#include <apr_cstr.h>
#include <apr_strings.h>

#include "../base/ticks.h"
#include "../core/store_api_keys.h"
#include "../core/store_callers.h"
#include "../core/store_users.h"
#include "problem.h"

/* How long a stream uses a role by configuration before it is checked again. The check may ask an
 * LDAP server. */
#define CONFIGURED_ROLE_TIME apr_time_from_sec(1)

/* No route of the native API needs scim and metrics:read. */
const um_permission_entry_t um_permissions[] = {
    { "users:read", UM_PERMIT_USERS_READ, 1 },
    { "users:create", UM_PERMIT_USERS_CREATE, 1 },
    { "users:update", UM_PERMIT_USERS_UPDATE, 1 },
    { "users:delete", UM_PERMIT_USERS_DELETE, 1 },
    { "groups:manage", UM_PERMIT_GROUPS_MANAGE, 1 },
    { "invitations:read", UM_PERMIT_INVITATIONS_READ, 1 },
    { "invitations:manage", UM_PERMIT_INVITATIONS_MANAGE, 0 },
    { "sub-admins:read", UM_PERMIT_SUB_ADMINS_READ, 1 },
    { "sub-admins:manage", UM_PERMIT_SUB_ADMINS_MANAGE, 0 },
    { "sessions:read", UM_PERMIT_SESSIONS_READ, 1 },
    { "sessions:report", UM_PERMIT_SESSIONS_REPORT, 1 },
    { "audit:read", UM_PERMIT_AUDIT_READ, 0 },
    { "keys:manage", UM_PERMIT_KEYS_MANAGE, 0 },
    { "scim", UM_PERMIT_SCIM, 0 },
    { "metrics:read", UM_PERMIT_METRICS_READ, 1 },
    { NULL, 0, 0 },
};

const um_permission_entry_t *um_permission_find(const char *name)
{
    for (const um_permission_entry_t *at = um_permissions; at->name != NULL; at++) {
        if (apr_cstr_casecmp(name, at->name) == 0) {
            return at;
        }
    }
    return NULL;
}

const char *um_permission_name(um_permission_t permission)
{
    const um_permission_entry_t *at = um_permissions;

    while (at->name != NULL && (at->permission & permission) == 0) {
        at++;
    }
    return at->name;
}

const char *um_permission_sub_admin_names(apr_pool_t *pool)
{
    const char *names = "";

    for (const um_permission_entry_t *at = um_permissions; at->name != NULL; at++) {
        if (at->is_for_sub_admins) {
            names = apr_pstrcat(pool, names, *names != '\0' ? " " : "", at->name, NULL);
        }
    }
    return names;
}

unsigned um_permission_all(void)
{
    unsigned all = 0;

    for (const um_permission_entry_t *at = um_permissions; at->name != NULL; at++) {
        all |= at->permission;
    }
    return all;
}

unsigned um_permission_read(const char *names)
{
    unsigned permissions = 0;

    while (*names != '\0') {
        apr_size_t length = strcspn(names, " ");

        for (const um_permission_entry_t *at = um_permissions; at->name != NULL; at++) {
            if (strlen(at->name) == length && strncmp(names, at->name, length) == 0) {
                permissions |= at->permission;
            }
        }
        names += length;
        names += strspn(names, " ");
    }
    return permissions;
}

const char *um_permission_names(unsigned permissions, apr_pool_t *pool)
{
    const char *names = "";

    for (const um_permission_entry_t *at = um_permissions; at->name != NULL; at++) {
        if ((permissions & at->permission) != 0) {
            names = apr_pstrcat(pool, names, *names != '\0' ? " " : "", at->name, NULL);
        }
    }
    return names;
}

unsigned um_permission_of_caller(const um_caller_t *caller, const um_settings_t *settings)
{
    if (caller->key_id != NULL) {
        return (caller->role == UM_ROLE_ADMIN ? um_permission_all() : caller->key_permissions)
               & ~(unsigned)UM_PERMIT_KEYS_MANAGE;
    }
    switch (caller->role) {
    case UM_ROLE_ADMIN:
        return um_permission_all();
    case UM_ROLE_SUB_ADMIN:
        return settings->sub_admin_permissions;
    default:
        return 0;
    }
}

int um_permission_allows(um_permission_t permission, const um_caller_t *caller,
                         const um_settings_t *settings)
{
    switch (permission) {
    case UM_PERMIT_ANYONE:
        return caller->identity[0] != '\0';
    case UM_PERMIT_ROLE:
        return caller->role != UM_ROLE_NONE
               || (caller->key_id != NULL && um_permission_of_caller(caller, settings) != 0);
    default:
        return (um_permission_of_caller(caller, settings) & permission) != 0;
    }
}

static int may(const um_request_t *request, const um_caller_t *caller)
{
    return um_permission_allows(request->permission, caller, request->settings);
}

static apr_status_t answer_forbidden(um_answer_t *answer, um_role_t role,
                                     const um_request_t *request)
{
    const char *permission = um_permission_name(request->permission);

    if (request->caller.key_id != NULL) {
        return um_problem_answer_forbidden_key(answer, permission, request->pool);
    }
    return request->caller.identity[0] == '\0'
               ? um_problem_answer_unidentified(answer, permission, request->pool)
               : um_problem_answer_forbidden(answer, um_role_name(role), permission,
                                             request->pool);
}

apr_status_t um_permission_check(um_answer_t *answer, const um_request_t *request)
{
    return may(request, &request->caller)
               ? APR_SUCCESS
               : answer_forbidden(answer, request->caller.role, request);
}

/* ---- API keys ---- */

static apr_int64_t now_of(const um_request_t *request)
{
    const um_host_t *host = um_store_host(request->store);

    return apr_time_as_msec(host->now(host->baton));
}

/* The caller as it is by its key in the database; a key that does not hold any more has no role
 * and no permissions. Returns whether the key holds. */
static int read_key(um_caller_t *caller, const um_api_key_t *key, const um_request_t *request)
{
    int holds = key != NULL && key->org_id == caller->org_id
                && um_api_key_accepts(key, caller->key_secret_sha256, now_of(request));

    caller->role = holds && key->is_admin ? UM_ROLE_ADMIN : UM_ROLE_NONE;
    caller->key_permissions = holds ? um_permission_read(key->permissions) : 0;
    return holds;
}

static apr_status_t check_key_in_change(um_answer_t *answer, const um_request_t *request,
                                        um_db_t *db)
{
    um_caller_t caller = request->caller;
    um_api_key_t *key = NULL;
    apr_status_t status = um_store_api_keys_keep(&key, db, caller.key_id, request->pool);

    if (status != APR_SUCCESS && status != UM_ENOTFOUND) {
        return status;
    }
    if (!read_key(&caller, key, request)) {
        return um_problem_answer_bad_key(answer, request->pool);
    }
    return may(request, &caller) ? APR_SUCCESS : answer_forbidden(answer, caller.role, request);
}

static apr_status_t check_stored_key(const um_request_t *request, um_db_t *db, apr_pool_t *pool)
{
    um_caller_t caller = request->caller;
    um_api_key_t *key = NULL;
    apr_status_t status = um_store_api_keys_find(&key, db, caller.key_id, pool);

    if (status != APR_SUCCESS && status != UM_ENOTFOUND) {
        return status;
    }
    return read_key(&caller, key, request) && may(request, &caller) ? APR_SUCCESS : UM_EREFUSED;
}

/* ---- sub-admins ---- */

/* Read inside a change whether a sub-admin still has its rights. A sub-admin by configuration has
 * them, unless it is a suspended user. */
static apr_status_t find_rights(int *has_rights, um_db_t *db, const um_caller_t *caller,
                                apr_pool_t *pool)
{
    int is_suspended = 0;
    apr_status_t status;

    if (caller->role_is_stored) {
        return um_store_sub_admins_lock(has_rights, db, caller->org_id, caller->identity_key,
                                        pool);
    }
    status = um_store_users_is_suspended(&is_suspended, db, caller->org_id, caller->identity_key,
                                         pool);
    *has_rights = !is_suspended;
    return status;
}

apr_status_t um_permission_check_change(um_answer_t *answer, const um_request_t *request,
                                        um_db_t *db)
{
    const um_caller_t *caller = &request->caller;
    int has_rights = 0;
    apr_status_t status;

    if (caller->key_id != NULL) {
        return check_key_in_change(answer, request, db);
    }
    if (caller->role != UM_ROLE_SUB_ADMIN || request->permission == UM_PERMIT_ANYONE) {
        return APR_SUCCESS;
    }
    status = find_rights(&has_rights, db, caller, request->pool);
    if (status == APR_SUCCESS && !has_rights) {
        return answer_forbidden(answer, UM_ROLE_NONE, request);
    }
    return status;
}

static int has_rights_by(const um_caller_record_t *record, const um_caller_t *caller)
{
    return caller->role_is_stored ? record->is_sub_admin
                                  : record->user_uid == NULL || record->is_active;
}

apr_status_t um_permission_check_stored(const um_request_t *request, um_db_t *db,
                                        apr_pool_t *pool)
{
    const um_caller_t *caller = &request->caller;
    um_caller_record_t *record = NULL;
    apr_status_t status;

    if (caller->key_id != NULL) {
        return check_stored_key(request, db, pool);
    }
    if (caller->role != UM_ROLE_SUB_ADMIN) {
        return APR_SUCCESS;
    }
    status = um_store_callers_get(&record, db, caller->organization, caller->identity_key, pool);
    if (status == UM_ENOTFOUND) {
        return UM_EREFUSED;
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    return has_rights_by(record, caller) ? APR_SUCCESS : UM_EREFUSED;
}

apr_status_t um_permission_check_configured(apr_time_t *checked_at, um_request_t *request)
{
    apr_time_t now = um_ticks();
    um_caller_t caller = request->caller;
    apr_status_t status;

    if (caller.role_is_stored || caller.key_id != NULL
        || now - *checked_at < CONFIGURED_ROLE_TIME) {
        return APR_SUCCESS;
    }
    *checked_at = now;
    status = request->server->identify(&caller, request);
    return status == APR_SUCCESS && !may(request, &caller) ? UM_EREFUSED : status;
}
