/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_USERS_H
#define UM_SCIM_USERS_H

/** @file users.h The resource /Users, but for its lists; and /Me. */

#include "../rest/router.h"

/** GET, POST, PUT, PATCH and DELETE of /Users and /Users/{id}. */
um_handler_t um_scim_users_get, um_scim_users_create, um_scim_users_replace, um_scim_users_patch,
    um_scim_users_delete;

/** GET /Me: the caller's user. 501 for an API key, which is nobody's. */
um_handler_t um_scim_users_me;

#endif
