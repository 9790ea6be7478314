/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_FILTER_GROUPS_H
#define UM_CORE_FILTER_GROUPS_H

/** @file filter_groups.h What groups can be filtered by: the attributes of SCIM. */

#include "../db/filter_sql.h"

/** The conditions of lists of groups, by their numbers (list_groups.c). */
enum {
    UM_GROUPS_NAME_STARTS,
    UM_GROUPS_HAS_EXTERNAL_ID,
    UM_GROUPS_HAS_ID,
    UM_GROUPS_HAS_NAME,
    UM_GROUPS_HAS_MEMBER
};

/** The attributes of um_list_groups. */
extern const um_attributes_t um_filter_groups;

#endif
