/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_API_SUB_ADMINS_H
#define UM_API_SUB_ADMINS_H

/** @file sub_admins.h Making a user a sub-admin, whatever the request. */

#include "change.h"

/**
 * Make an existing user a sub-admin, with an audit event of its own.
 * @param json the sub-admin as the API shows it
 * @return APR_SUCCESS, UM_ECONFLICT where the user is one already, or the error
 *         of a store function
 */
apr_status_t um_sub_admins_appoint(const char **json, um_change_t *change, um_db_t *db,
                                   const char *uid, const char *added_by);

#endif
