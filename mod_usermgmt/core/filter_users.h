/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_FILTER_USERS_H
#define UM_CORE_FILTER_USERS_H

/**
 * @file filter_users.h
 * What users can be filtered by: the attributes of SCIM, those of the native API, and the custom
 * attributes of the organization.
 */

#include "../db/filter_sql.h"

/** The conditions of lists of users, by their numbers (list_users.c). */
enum {
    UM_USERS_HAS_EMAIL,
    UM_USERS_HAS_PHONE,
    UM_USERS_IS_SUB_ADMIN,
    UM_USERS_IS_NO_SUB_ADMIN,
    UM_USERS_IS_ACTIVE,
    UM_USERS_IS_SUSPENDED,
    UM_USERS_NAME_STARTS,
    UM_USERS_NAME_OR_EMAIL_STARTS,
    UM_USERS_CREATED_AFTER,
    UM_USERS_CREATED_BEFORE,
    UM_USERS_UPDATED_AFTER,
    UM_USERS_UPDATED_BEFORE,
    UM_USERS_IS_IN_GROUP,
    UM_USERS_HAS_UID,
    UM_USERS_UID_STARTS,
    UM_USERS_HAS_USER_NAME,
    UM_USERS_USER_NAME_STARTS,
    UM_USERS_HAS_EXTERNAL_ID,
    UM_USERS_EXTERNAL_ID_STARTS,
    UM_USERS_HAS_NAME,
    UM_USERS_EMAIL_STARTS,
    UM_USERS_HAS_ANY_EMAIL,
    UM_USERS_ANY_EMAIL_STARTS
};

/** The attributes of um_list_users. */
extern const um_attributes_t um_filter_users;

#endif
