/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_USERS_H
#define UM_SCIM_USERS_H

/** @file users.h The resource /Users, but for its lists; and /Me. */

#include "../rest/request.h"

/** GET /Users/{id}. */
apr_status_t um_scim_users_get(um_answer_t *answer, um_request_t *request);

/** GET /Me: the caller's user. 501 for an API key, which is nobody's. */
apr_status_t um_scim_users_me(um_answer_t *answer, um_request_t *request);

#endif
