/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_API_USERS_H
#define UM_API_USERS_H

/** @file users.h The resource users/. */

#include "../rest/router.h"

um_handler_t um_users_create, um_users_list, um_users_get, um_users_update, um_users_delete;

#endif
