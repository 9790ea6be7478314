/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_USER_H
#define UM_SCIM_USER_H

/** @file user.h The user as a resource of SCIM. */

#include "../base/buffer.h"
#include "../core/user.h"
#include "../rest/request.h"

/** Append a user as a resource. */
void um_scim_user_put(um_buffer_t *buffer, const um_user_t *user, const um_request_t *request);

#endif
