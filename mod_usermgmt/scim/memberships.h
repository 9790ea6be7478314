/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_MEMBERSHIPS_H
#define UM_SCIM_MEMBERSHIPS_H

/** @file memberships.h The attribute "groups" of users. */

#include "../core/user.h"
#include "../rest/request.h"

/** A user and its groups. */
typedef struct um_scim_member_t {
    um_user_t *user;
    /** The text of a JSON array; NULL for none. */
    const char *groups;
} um_scim_member_t;

/**
 * Read the groups of some users.
 * @param members  of um_scim_member_t *, any number; groups is filled in, in pool
 * @param request  for the URLs of the groups
 * @return APR_SUCCESS, or the error of a store function
 */
apr_status_t um_scim_memberships_read(const apr_array_header_t *members, um_db_t *db,
                                      const um_request_t *request, apr_pool_t *pool);

#endif
