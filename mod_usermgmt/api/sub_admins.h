/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_API_SUB_ADMINS_H
#define UM_API_SUB_ADMINS_H

/** @file sub_admins.h The resource sub-admins/, and the function that makes a user a sub-admin,
 *  which invitations use too. */

#include "../core/store_users.h"
#include "../rest/change.h"
#include "../rest/router.h"

um_handler_t um_sub_admins_list, um_sub_admins_get, um_sub_admins_create, um_sub_admins_delete;

/** A sub-admin as the API shows it, in pool. */
const char *um_sub_admin_json(const um_sub_admin_t *sub_admin, apr_pool_t *pool);

/**
 * Make an existing user a sub-admin, with an audit event of its own. The user must be
 * locked (um_store_users_lock() or um_store_users_lock_by_email()).
 * @param json see um_sub_admin_json()
 * @return APR_SUCCESS, UM_ECONFLICT if the user is already a sub-admin, or the error of a
 *         store function
 */
apr_status_t um_sub_admins_appoint(const char **json, um_change_t *change, um_db_t *db,
                                   const char *uid, const char *added_by);

/**
 * End the role of a sub-admin, with an audit event of its own. Its user must be locked, as above.
 * @return APR_SUCCESS, or the error of a store function
 */
apr_status_t um_sub_admins_dismiss(um_change_t *change, um_db_t *db,
                                   const um_sub_admin_t *sub_admin);

#endif
