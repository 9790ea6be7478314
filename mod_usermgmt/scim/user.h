/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_USER_H
#define UM_SCIM_USER_H

/**
 * @file user.h
 * The user as a resource of SCIM, and back. What has a member in um_user_t is there. All else is
 * kept in um_user_t.scim, an object with the names of SCIM. Three of its members are special:
 *
 * - "emails" has the addresses beside the user's email, each with a value. The email itself is
 *   the first element of the resource's emails, and the primary one. Its type is work, unless
 *   "mainEmail" has other sub-attributes: {"type": "home"}, or {} for none.
 * - "phoneNumbers" has the numbers beside the user's phone, which is the first element of the
 *   resource's phoneNumbers. Its type is work; "workPhone" is as "mainEmail".
 * - "name" is there only if it was given. Otherwise it is derived from the display name, and
 * stays so if a client sends it back.
 */

#include "../base/buffer.h"
#include "../core/user.h"
#include "../rest/problem.h"

/* Members of um_user_t.scim that no resource has. */
#define UM_SCIM_MAIN_EMAIL "mainEmail"
#define UM_SCIM_WORK_PHONE "workPhone"

/**
 * Append a user as a resource.
 * @param groups  the text of a JSON array, the member "groups"; NULL if there are none, or if
 *                they are not wanted
 * @param request for the user's URL
 */
void um_scim_user_put(um_buffer_t *buffer, const um_user_t *user, const char *groups,
                      const um_request_t *request);

/**
 * The ETag of a user with its groups, in pool. Without groups it is that of the native API. With
 * groups it has a part for them, so that it is another one if the user joins or leaves a group,
 * although the user's version is the same.
 * @param groups as for um_scim_user_put()
 */
const char *um_scim_user_etag(const um_user_t *user, const char *groups, apr_pool_t *pool);

/** The ETags of a header without their parts for groups, in pool. A client can't write groups, so
 *  its changes don't depend on them. */
const char *um_scim_user_own_etags(const char *etags, apr_pool_t *pool);

/** A user for the audit trail, in pool: as the native API has it, with a member "scim". */
const char *um_scim_user_audit(const um_user_t *user, apr_pool_t *pool);

/** A user as a resource, a tree in pool, for PATCH: without meta and groups, which nobody can
 *  write. APR_EGENERAL if what is stored can't be read. */
apr_status_t um_scim_user_tree(um_json_t **resource, const um_user_t *user, apr_pool_t *pool);

/**
 * Read a user from a resource.
 * @param user     filled; uid, times and version are those of stored, if there is one
 * @param faults   gets all that is wrong
 * @param resource as um_scim_resource_read() or um_scim_patch_apply() made it
 * @param stored   the user that is changed; NULL for a new one. What the resource does not say
 *                 is removed, except that a suspended user stays so
 * @param keeps    whether the organization's own attributes stay as they are if the resource has
 *                 none of them
 * @return APR_SUCCESS, or APR_EGENERAL if what is stored can't be read
 */
apr_status_t um_scim_user_read(um_user_t *user, um_faults_t *faults, const um_json_t *resource,
                               const um_user_t *stored, int keeps);

/** Tell whether a user differs from the one that is stored. */
int um_scim_user_differs(const um_user_t *user, const um_user_t *stored);

/** The parts of a name. */
typedef struct um_scim_name_t {
    const char *formatted;
    const char *given;
    const char *family;
} um_scim_name_t;

/** Derive a name from a display name, in pool: the family name is its last word. Of a single word
 *  both names are that word, because clients want both. */
void um_scim_user_derive_name(um_scim_name_t *name, const char *display_name, apr_pool_t *pool);

#endif
