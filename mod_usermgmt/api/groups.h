/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_API_GROUPS_H
#define UM_API_GROUPS_H

/** @file groups.h The resource groups/. Its members are those of users/?group=. */

#include "../rest/router.h"

um_handler_t um_groups_list, um_groups_get, um_groups_create, um_groups_update, um_groups_delete,
    um_groups_add_member, um_groups_remove_member;

#endif
