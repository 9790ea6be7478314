/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file permission.c What a caller may do, see permission.h. */

#include "permission.h"

#include "problem.h"

/* How long a role by configuration holds for a stream: to find it may cost a question to a
 * directory server. */
#define CONFIGURED_ROLE_TIME apr_time_from_sec(1)

static int may(const um_request_t *request, const um_caller_t *caller)
{
    if (request->permission == UM_PERMIT_ANYONE) {
        return caller->identity[0] != '\0';
    }
    switch (caller->role) {
    case UM_ROLE_ADMIN:
        return 1;
    case UM_ROLE_SUB_ADMIN:
        return request->permission == UM_PERMIT_STATUS
               || (request->settings->sub_admin_permissions & request->permission) != 0;
    default:
        return 0;
    }
}

static void answer_forbidden(um_answer_t *answer, um_role_t role, apr_pool_t *pool)
{
    um_problem_answer(answer, 403, "forbidden", pool, "Your role, %s, does not allow this.",
                      um_role_name(role));
}

int um_permission_check(um_answer_t *answer, const um_request_t *request)
{
    if (may(request, &request->caller)) {
        return 1;
    }
    answer_forbidden(answer, request->caller.role, request->pool);
    return 0;
}

/* Read inside a change whether a sub-admin still has its rights: one by configuration has
 * them unless it is a suspended user. */
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

    if (caller->role != UM_ROLE_SUB_ADMIN || request->permission == UM_PERMIT_ANYONE) {
        return APR_SUCCESS;
    }
    status = find_rights(&has_rights, db, caller, request->pool);
    if (status == APR_SUCCESS && !has_rights) {
        answer_forbidden(answer, UM_ROLE_NONE, request->pool);
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
    const um_host_t *host = um_store_host(request->store);
    apr_time_t now = host->now(host->baton);
    um_caller_t caller = request->caller;
    apr_status_t status;

    if (caller.role_is_stored || now - *checked_at < CONFIGURED_ROLE_TIME) {
        return APR_SUCCESS;
    }
    *checked_at = now;
    status = request->server->identify(&caller, request);
    return status == APR_SUCCESS && !may(request, &caller) ? UM_EREFUSED : status;
}
