/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_GROUPS_H
#define UM_SCIM_GROUPS_H

/** @file groups.h The resource /Groups, but for its lists. */

#include "../rest/router.h"

/** GET, POST, PUT, PATCH and DELETE of /Groups and /Groups/{id}. */
um_handler_t um_scim_groups_get, um_scim_groups_create, um_scim_groups_replace,
    um_scim_groups_patch, um_scim_groups_delete;

#endif
