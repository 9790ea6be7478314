/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_API_USERS_H
#define UM_API_USERS_H

/** @file users.h The resource users/, and the answer of all resources for an unknown user. */

#include "../rest/problem.h"
#include "../rest/router.h"

um_handler_t um_users_create, um_users_list, um_users_get, um_users_update, um_users_delete;

/** Answer 404 user_not_found. Returns UM_EREFUSED. */
apr_status_t um_users_answer_not_found(um_answer_t *answer, apr_pool_t *pool) UM_MUST_USE;

#endif
