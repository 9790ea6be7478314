/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_API_GROUP_CHANGES_H
#define UM_API_GROUP_CHANGES_H

/**
 * @file group_changes.h
 * Changes of groups, as groups/ and SCIM make them: the rows and their audit event. Each is a
 * part of a change (rest/change.h). The reserved group is never renamed or deleted: its callers
 * refuse that.
 */

#include "../core/group.h"
#include "../core/store_members.h"
#include "../rest/change.h"
#include "../rest/problem.h"

/** Check the names of a group, and add what is wrong to faults.
 *  @param name, external_id what the members are called */
void um_group_check_names(um_faults_t *faults, const um_group_t *group, const char *name,
                          const char *external_id);

/** Give a new group an id and the times of the change, and write it without an audit event.
 *  @param group its names are set. Its id is in the pool of the request
 *  @return UM_ECONFLICT if another group has the name */
apr_status_t um_group_insert(um_group_t *group, const um_change_t *change, um_db_t *db);

/** Write the audit event of a new group.
 *  @param done the members that were added; NULL for none */
apr_status_t um_group_audit_new(um_change_t *change, um_db_t *db, const um_group_t *group,
                                const um_member_change_t *done);

/** Tell whether a group has other names than the one that is stored. */
int um_group_differs(const um_group_t *group, const um_group_t *stored);

/**
 * Write what has changed of a group that is locked, with one audit event. If nothing has,
 * nothing is written.
 * @param group      as it will be; its updated_at may become later
 * @param done       which members were added and removed
 * @param is_changed gets whether something has
 * @return UM_ECONFLICT if another group has the name
 */
apr_status_t um_group_write(int *is_changed, um_change_t *change, um_db_t *db, um_group_t *group,
                            const um_group_t *stored, const um_member_change_t *done);

/** Delete a group that is locked, with its memberships, and write the audit event. */
apr_status_t um_group_delete(um_change_t *change, um_db_t *db, const um_group_t *stored);

#endif
