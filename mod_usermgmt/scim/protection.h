/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_PROTECTION_H
#define UM_SCIM_PROTECTION_H

/**
 * @file protection.h
 * Users whose role a client of SCIM must neither take away nor hand to another person: admins and
 * sub-admins. A role belongs to whoever has the user's address, as long as the user is active.
 */

#include "../core/user.h"
#include "../db/db.h"
#include "../rest/problem.h"
#include "../rest/request.h"

/** Check inside a change that the caller may manage sub-admins. UM_EREFUSED, and answer is a
 *  problem, if not. */
apr_status_t um_scim_protection_check_manage(um_answer_t *answer, const um_request_t *request,
                                             um_db_t *db) UM_MUST_USE;

/**
 * Check inside a change whether the caller may make, change or delete a user.
 * @param answer the 403 if UM_EREFUSED is returned
 * @param user   as it will be; NULL for a deletion
 * @param stored as it is; NULL for a new user
 * @return APR_SUCCESS, UM_EREFUSED, or an error of the database
 */
apr_status_t um_scim_protection_check(um_answer_t *answer, const um_request_t *request,
                                      um_db_t *db, const um_user_t *user,
                                      const um_user_t *stored) UM_MUST_USE;

#endif
