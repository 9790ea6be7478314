/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file group_changes.c Changes of groups, see group_changes.h. */

#include "group_changes.h"

#include <string.h>

#include "../base/text.h"
#include "../base/uid.h"
#include "../core/rules.h"
#include "../core/store_groups.h"

void um_group_check_names(um_faults_t *faults, const um_group_t *group, const char *name,
                          const char *external_id)
{
    um_faults_add_violation(faults, name, um_rules_check_display_name(group->display_name));
    if (group->external_id != NULL && strlen(group->external_id) > UM_GROUP_EXTERNAL_ID_MAX) {
        um_faults_add(faults, external_id, "too_long", "It has at most 512 bytes.");
    } else if (group->external_id != NULL && um_text_has_control(group->external_id)) {
        um_faults_add(faults, external_id, "control_character",
                      "It must have no control characters.");
    }
}

/* A group for the audit trail, with what changed of its members; NULL for nothing. */
static const char *audit_json(const um_group_t *group, const um_member_change_t *members,
                              apr_pool_t *pool)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 512, pool);
    um_buffer_putc(&buffer, '{');
    um_json_put_member(&buffer, "group_id", group->id);
    um_json_put_member(&buffer, "display_name", group->display_name);
    um_json_put_member_or_null(&buffer, "external_id", group->external_id);
    if (members != NULL && members->added > 0) {
        um_json_put_member_int(&buffer, "added_count", members->added);
        um_json_put_member_strings(&buffer, "added", members->added_uids);
    }
    if (members != NULL && members->removed > 0) {
        um_json_put_member_int(&buffer, "removed_count", members->removed);
        um_json_put_member_strings(&buffer, "removed", members->removed_uids);
    }
    um_buffer_putc(&buffer, '}');
    return buffer.data;
}

apr_status_t um_group_insert(um_group_t *group, const um_change_t *change, um_db_t *db)
{
    const um_request_t *request = change->request;
    char *uid = apr_palloc(request->pool, UM_UID_LENGTH + 1);
    apr_status_t status = um_uid_make(uid, change->now, &um_db_host(db)->random);

    group->id = uid;
    group->created_at = group->updated_at = change->now_ms;
    group->version = 1;
    return status == APR_SUCCESS
               ? um_store_groups_insert(db, request->caller.org_id, group, request->pool)
               : status;
}

apr_status_t um_group_audit_new(um_change_t *change, um_db_t *db, const um_group_t *group,
                                const um_member_change_t *done)
{
    return um_change_audit_as(change, db, "groups.create", group->id, NULL,
                              audit_json(group, done, change->request->pool));
}

int um_group_differs(const um_group_t *group, const um_group_t *stored)
{
    return strcmp(group->display_name, stored->display_name) != 0
           || !um_text_same(group->external_id, stored->external_id);
}

/* The version of the reserved group is increased with each sub-admin. */
static apr_status_t note_members(const um_change_t *change, um_db_t *db, const um_group_t *group)
{
    return um_group_is_reserved(group->id)
               ? APR_SUCCESS
               : um_store_groups_touch(db, change->request->caller.org_id, group->id,
                                       change->now_ms, change->request->pool);
}

apr_status_t um_group_write(int *is_changed, um_change_t *change, um_db_t *db, um_group_t *group,
                            const um_group_t *stored, const um_member_change_t *done)
{
    apr_pool_t *pool = change->request->pool;
    int is_renamed = um_group_differs(group, stored);
    int has_others = done->added + done->removed > 0;
    apr_status_t status = APR_SUCCESS;

    *is_changed = is_renamed || has_others;
    if (is_renamed) {
        if (change->now_ms > group->updated_at) {
            group->updated_at = change->now_ms;
        }
        status = um_store_groups_update(db, change->request->caller.org_id, group, pool);
    } else if (has_others) {
        status = note_members(change, db, group);
    }
    /* That of a sub-admin has an event of its own. */
    if (status != APR_SUCCESS || !*is_changed
        || (!is_renamed && um_group_is_reserved(group->id))) {
        return status;
    }
    return um_change_audit_as(change, db, "groups.update", group->id,
                              audit_json(stored, NULL, pool), audit_json(group, done, pool));
}

apr_status_t um_group_delete(um_change_t *change, um_db_t *db, const um_group_t *stored)
{
    const um_request_t *request = change->request;
    apr_int64_t org_id = request->caller.org_id;
    um_member_change_t gone;
    apr_status_t status;

    um_member_change_init(&gone, request->pool);
    status = um_store_members_clear(&gone, db, org_id, stored->id, request->pool);
    if (status == APR_SUCCESS) {
        status = um_store_groups_delete(db, org_id, stored->id, request->pool);
    }
    return status == APR_SUCCESS
               ? um_change_audit_as(change, db, "groups.delete", stored->id,
                                    audit_json(stored, &gone, request->pool), NULL)
               : status;
}
