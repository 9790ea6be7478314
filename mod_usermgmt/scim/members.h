/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_MEMBERS_H
#define UM_SCIM_MEMBERS_H

/**
 * @file members.h
 * Changes of the members of a group. Those of the reserved group are made as sub-admins/ makes
 * them, and need the permission sub-admins:manage.
 */

#include "../core/store_members.h"
#include "../rest/change.h"
#include "patch.h"

/** A change of members that is being made. */
typedef struct um_scim_members_t {
    um_answer_t *answer;
    um_change_t *change;
    um_db_t *db;
    /** The group, which is locked. */
    const um_group_t *group;
    /** What was done so far. */
    um_member_change_t done;
} um_scim_members_t;

/** Begin, with nothing done. */
void um_scim_members_init(um_scim_members_t *members, um_answer_t *answer, um_change_t *change,
                          um_db_t *db, const um_group_t *group);

/** Tell whether an operation of PATCH is about members. */
int um_scim_members_has(const um_scim_operation_t *operation);

/** Apply such an operation. APR_SUCCESS; UM_EREFUSED if the answer is an error; or the error of a
 *  store function. */
apr_status_t um_scim_members_apply(um_scim_members_t *members,
                                   const um_scim_operation_t *operation);

/** Make the members those of a resource; NULL for none. Returns as above. */
apr_status_t um_scim_members_replace(um_scim_members_t *members, const um_json_t *value);

#endif
