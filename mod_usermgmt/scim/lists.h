/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_LISTS_H
#define UM_SCIM_LISTS_H

/** @file lists.h The lists of users and of groups, and that of both. */

#include "../rest/request.h"

/** GET /Users and POST /Users/.search. */
apr_status_t um_scim_lists_users(um_answer_t *answer, um_request_t *request);

/** GET /Groups and POST /Groups/.search. */
apr_status_t um_scim_lists_groups(um_answer_t *answer, um_request_t *request);

/** POST /.search: the users, and then the groups. */
apr_status_t um_scim_lists_all(um_answer_t *answer, um_request_t *request);

#endif
