/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_API_USERS_H
#define UM_API_USERS_H

/** @file users.h The resource users/, the parts of its changes that others use, and how all
 * resources read the name of a user and answer for an unknown one. */

#include "../core/store_users.h"
#include "../rest/change.h"
#include "../rest/problem.h"
#include "../rest/router.h"
#include "user_json.h"

um_handler_t um_users_create, um_users_list, um_users_get, um_users_update, um_users_delete;

/** A user whom a body names: by user_uid or by email. One of the two is NULL. */
typedef struct um_named_user_t {
    const char *uid;
    const char *email;
} um_named_user_t;

/** Read the name of a user, which is all that the body has. What is wrong is added to the faults
 *  of the request. */
void um_users_read_named(um_named_user_t *name, um_request_t *request);

/** Answer 404 user_not_found. Returns UM_EREFUSED. */
apr_status_t um_users_answer_not_found(um_answer_t *answer, apr_pool_t *pool) UM_MUST_USE;

/** Check that the caller may give a user an address: a sub-admin can't give one whose owner has a
 *  role by configuration. APR_SUCCESS; UM_EREFUSED, and answer is a 403; or the error of the
 *  database. */
apr_status_t um_users_check_address(um_answer_t *answer, const um_request_t *request, um_db_t *db,
                                    const char *email);

/** Answer 409 for a user whose address, or name, another user has. Returns UM_EREFUSED. */
apr_status_t um_users_answer_taken(um_answer_t *answer, um_user_taken_t taken,
                                   const um_user_t *user, apr_pool_t *pool) UM_MUST_USE;

/** An update, or a deletion, of a user. */
typedef struct um_user_edit_t {
    const char *uid;
    /** A checked body; NULL for a deletion. */
    const um_user_input_t *input;
    /** The key of the address that the user was found by; NULL if it was not. */
    const char *email_key;
    /** The user as it was read before the change, so that a database that makes a change by one
     *  statement needs no lock of it; NULL if it was not, or has been used. */
    const um_user_t *seen;
    /** The user as that statement was to leave it, and the event that it was to write. The uid of
     *  the user is NULL if no statement was sent, or it has made nothing. */
    um_user_t sent;
    um_witness_t witness;
    /** Set to whether the update changes anything. */
    int changed;
} um_user_edit_t;

/** A um_change_make_t that updates a user. baton is a um_user_edit_t. UM_ECONFLICT, and nothing
 * is changed, if the user has another address than the one that it was found by. */
um_change_make_t um_users_make_update;

#endif
