/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file protection.c Roles that a client of SCIM must not move, see protection.h. */

#include "protection.h"

#include <string.h>

#include "../base/address.h"
#include "../core/store_callers.h"
#include "../rest/permission.h"
#include "../rest/problem.h"

apr_status_t um_scim_protection_check_manage(um_answer_t *answer, const um_request_t *request,
                                             um_db_t *db)
{
    um_request_t manager = *request;
    apr_status_t status;

    manager.permission = UM_PERMIT_SUB_ADMINS_MANAGE;
    status = um_permission_check(answer, &manager);
    return status == APR_SUCCESS ? um_permission_check_change(answer, &manager, db) : status;
}

/* The role by configuration of an address' owner, as far as the owner was seen. */
static apr_status_t find_role(um_role_t *role, const um_request_t *request, um_db_t *db,
                              const char *email)
{
    um_caller_record_t *record = NULL;
    const char *key = um_address_identity_key(email, request->pool);
    apr_status_t status = um_store_callers_get(&record, db, request->caller.organization, key,
                                               request->pool);

    *role = UM_ROLE_NONE;
    if (status != APR_SUCCESS || record->seen_role == NULL) {
        return status == UM_ENOTFOUND ? APR_SUCCESS : status;
    }
    if (strcmp(record->seen_role, um_role_name(UM_ROLE_ADMIN)) == 0) {
        *role = UM_ROLE_ADMIN;
    } else if (strcmp(record->seen_role, um_role_name(UM_ROLE_SUB_ADMIN)) == 0) {
        *role = UM_ROLE_SUB_ADMIN;
    }
    return APR_SUCCESS;
}

static apr_status_t refuse_admin(um_answer_t *answer, const um_request_t *request)
{
    return um_problem_answer(answer, 403, "protected_user", request->pool,
                             "An admin by the server's configuration can't be suspended, "
                             "activated or deleted, or get another email address.");
}

/* The user loses or gets back the role of its address, or leaves it to another person. */
static apr_status_t check_stored(um_answer_t *answer, const um_request_t *request, um_db_t *db,
                                 const um_user_t *stored)
{
    um_role_t role = UM_ROLE_NONE;
    apr_status_t status = find_role(&role, request, db, stored->email);

    if (status == APR_SUCCESS && role == UM_ROLE_ADMIN) {
        return refuse_admin(answer, request);
    }
    return status == APR_SUCCESS && (role == UM_ROLE_SUB_ADMIN || stored->is_sub_admin)
               ? um_scim_protection_check_manage(answer, request, db)
               : status;
}

/* The user gets an address. If the user is suspended, the address' owner loses the role. */
static apr_status_t check_address(um_answer_t *answer, const um_request_t *request, um_db_t *db,
                                  const um_user_t *user)
{
    um_role_t role = UM_ROLE_NONE;
    apr_status_t status = find_role(&role, request, db, user->email);

    if (status == APR_SUCCESS && role == UM_ROLE_ADMIN && user->is_suspended) {
        return refuse_admin(answer, request);
    }
    return status == APR_SUCCESS && role != UM_ROLE_NONE
               ? um_scim_protection_check_manage(answer, request, db)
               : status;
}

static int has_same_address(const um_user_t *a, const um_user_t *b, apr_pool_t *pool)
{
    return strcmp(um_address_identity_key(a->email, pool),
                  um_address_identity_key(b->email, pool))
           == 0;
}

/* An identity provider makes users for all people, so it may do that for one who has a role by
 * configuration: an active user changes nothing about the role. */
apr_status_t um_scim_protection_check(um_answer_t *answer, const um_request_t *request,
                                      um_db_t *db, const um_user_t *user, const um_user_t *stored)
{
    int is_moved = user != NULL && stored != NULL
                   && !has_same_address(user, stored, request->pool);
    apr_status_t status = APR_SUCCESS;

    if (stored != NULL
        && (user == NULL || is_moved || user->is_suspended != stored->is_suspended)) {
        status = check_stored(answer, request, db, stored);
    }
    if (status == APR_SUCCESS && user != NULL
        && (is_moved || (stored == NULL && user->is_suspended))) {
        status = check_address(answer, request, db, user);
    }
    return status;
}
