/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_GROUP_H
#define UM_SCIM_GROUP_H

/** @file group.h The group as a resource of SCIM, and back. Its members are no part of
 * um_group_t: there may be very many. */

#include "../core/group.h"
#include "../core/store_members.h"
#include "../rest/problem.h"
#include "projection.h"

/** The ETag of a group, in pool. */
const char *um_scim_group_etag(const um_group_t *group, apr_pool_t *pool);

/**
 * Append a group as a resource.
 * @param members    the text of the JSON array of its members; NULL if they are not answered
 * @param projection which other attributes are answered
 * @param request    for the URL of the group
 */
void um_scim_group_put(um_buffer_t *buffer, const um_group_t *group, const um_buffer_t *members,
                       const um_scim_projection_t *projection, const um_request_t *request,
                       apr_pool_t *pool);

/**
 * Append the members of a group as a JSON array.
 * @param pool for the rows
 */
apr_status_t um_scim_group_put_members(um_buffer_t *buffer, um_db_t *db, const um_group_t *group,
                                       const um_request_t *request, apr_pool_t *pool);

/** A group without its members as a resource, a tree in pool, for PATCH. */
um_json_t *um_scim_group_tree(const um_group_t *group, apr_pool_t *pool);

/**
 * Read a group from a resource, without its members.
 * @param group    its names are set; all else stays as it is
 * @param faults   gets all that is wrong
 * @param resource as um_scim_resource_read() or um_scim_patch_run() made it
 */
void um_scim_group_read(um_group_t *group, um_faults_t *faults, const um_json_t *resource);

#endif
