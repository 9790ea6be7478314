/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file members.c Changes of the members of a group, see members.h. */

#include "members.h"

#include <string.h>

#include <apr_cstr.h>
#include <apr_hash.h>
#include <apr_strings.h>

#include "../api/sub_admins.h"
#include "../core/store_groups.h"
#include "protection.h"

/* Unknown users that an error names. */
#define UNKNOWN_NAMED_MAX 10

void um_scim_members_init(um_scim_members_t *members, um_answer_t *answer, um_change_t *change,
                          um_db_t *db, const um_group_t *group)
{
    members->answer = answer;
    members->change = change;
    members->db = db;
    members->group = group;
    um_member_change_init(&members->done, change->request->pool);
}

static apr_pool_t *pool_of(const um_scim_members_t *members)
{
    return members->change->request->pool;
}

static apr_int64_t org_of(const um_scim_members_t *members)
{
    return members->change->request->caller.org_id;
}

/* ---- the users that are meant ---- */

/* The users of an array of members, of const char *. UM_EREFUSED if one can't be a user. */
static apr_status_t read_uids(apr_array_header_t **uids, const um_scim_members_t *members,
                              const um_json_t *value)
{
    apr_size_t size = um_json_size(value);

    *uids = apr_array_make(pool_of(members), (int)size, sizeof(const char *));
    for (apr_size_t i = 0; i < size; i++) {
        const um_json_t *element = um_json_element(value, i);
        const um_json_t *type = um_json_member(element, "type");
        const char *uid = um_json_string(um_json_member(element, "value"));

        if (type != NULL && apr_cstr_casecmp(um_json_string(type), "User") != 0) {
            return um_scim_error_refuse(members->answer, 400, UM_SCIM_INVALID_VALUE,
                                        pool_of(members),
                                        "The member %s is no user; only users can be members.",
                                        uid);
        }
        APR_ARRAY_PUSH(*uids, const char *) = uid;
    }
    return APR_SUCCESS;
}

/* The users that a filter names: value eq "x", or several of these with or. Returns 0 if it is
 * another one. */
static int read_filter(apr_array_header_t *uids, const um_filter_t *filter)
{
    if (filter->kind == UM_FILTER_OR) {
        for (const um_filter_t *term = filter->first; term != NULL; term = term->next) {
            if (!read_filter(uids, term)) {
                return 0;
            }
        }
        return 1;
    }
    if (filter->kind != UM_FILTER_COMPARE || filter->operation != UM_FILTER_EQ
        || apr_cstr_casecmp(filter->path.name, "value") != 0) {
        return 0;
    }
    APR_ARRAY_PUSH(uids, const char *) = filter->value.text;
    return 1;
}

/* ---- sub-admins ---- */

/* Whoever changes the reserved group must be allowed to change sub-admins. */
static apr_status_t check_manage(const um_scim_members_t *members)
{
    return um_scim_protection_check_manage(members->answer, members->change->request,
                                           members->db);
}

static apr_status_t appoint(um_scim_members_t *members, const char *uid)
{
    um_user_t *user = NULL;
    const char *json = NULL;
    apr_status_t status = um_store_users_lock(&user, members->db, org_of(members), uid,
                                              pool_of(members));

    if (status == UM_ENOTFOUND) {
        APR_ARRAY_PUSH(members->done.unknown_uids, const char *) = uid;
        return APR_SUCCESS;
    }
    if (status != APR_SUCCESS || user->is_sub_admin) {
        return status;
    }
    status = check_manage(members);
    if (status == APR_SUCCESS) {
        status = um_sub_admins_appoint(&json, members->change, members->db, uid,
                                       members->change->request->caller.identity);
    }
    members->done.added += status == APR_SUCCESS;
    return status;
}

static apr_status_t dismiss(um_scim_members_t *members, const char *uid)
{
    um_user_t *user = NULL;
    um_sub_admin_t *sub_admin = NULL;
    apr_status_t status = um_store_users_lock(&user, members->db, org_of(members), uid,
                                              pool_of(members));

    if (status == APR_SUCCESS) {
        status = um_store_sub_admins_get(&sub_admin, members->db, org_of(members), uid,
                                         pool_of(members));
    }
    if (status == APR_SUCCESS) {
        status = check_manage(members);
    }
    if (status == APR_SUCCESS) {
        status = um_sub_admins_dismiss(members->change, members->db, sub_admin);
        members->done.removed += status == APR_SUCCESS;
    }
    return status == UM_ENOTFOUND ? APR_SUCCESS : status;
}

typedef apr_status_t um_each_fn_t(um_scim_members_t *members, const char *uid);

static apr_status_t each(um_scim_members_t *members, um_each_fn_t *change,
                         const apr_array_header_t *uids)
{
    apr_status_t status = APR_SUCCESS;

    for (int i = 0; status == APR_SUCCESS && i < uids->nelts; i++) {
        status = change(members, APR_ARRAY_IDX(uids, i, const char *));
    }
    return status == APR_SUCCESS && members->done.unknown_uids->nelts > 0 ? UM_EINVALID : status;
}

static void take_uid(const um_row_t *row, void *baton)
{
    apr_array_header_t *uids = baton;

    APR_ARRAY_PUSH(uids, const char *) = apr_pstrdup(uids->pool, um_row_text(row, 0));
}

/* Dismiss all sub-admins but these, and appoint these. There are few. */
static apr_status_t replace_sub_admins(um_scim_members_t *members, const apr_array_header_t *uids)
{
    apr_pool_t *pool = pool_of(members);
    apr_array_header_t *present = apr_array_make(pool, 16, sizeof(const char *));
    apr_hash_t *kept = apr_hash_make(pool);
    apr_status_t status;

    for (int i = 0; i < uids->nelts; i++) {
        apr_hash_set(kept, APR_ARRAY_IDX(uids, i, const char *), APR_HASH_KEY_STRING, uids);
    }
    status = um_store_members_get(members->db, take_uid, present, org_of(members),
                                  UM_GROUP_SUB_ADMINS, "", APR_INT32_MAX, pool);
    for (int i = 0; status == APR_SUCCESS && i < present->nelts; i++) {
        const char *uid = APR_ARRAY_IDX(present, i, const char *);

        if (apr_hash_get(kept, uid, APR_HASH_KEY_STRING) == NULL) {
            status = dismiss(members, uid);
        }
    }
    return status == APR_SUCCESS ? each(members, appoint, uids) : status;
}

/* ---- all groups ---- */

static apr_status_t refuse_unknown(const um_scim_members_t *members)
{
    const apr_array_header_t *unknown = members->done.unknown_uids;
    const char *names = "";

    for (int i = 0; i < unknown->nelts && i < UNKNOWN_NAMED_MAX; i++) {
        const char *uid = APR_ARRAY_IDX(unknown, i, const char *);

        names = apr_pstrcat(pool_of(members), names, i > 0 ? ", " : "",
                            strlen(uid) <= UM_UID_MAX ? uid : "(too long)", NULL);
    }
    return um_scim_error_refuse(members->answer, 400, UM_SCIM_INVALID_VALUE, pool_of(members),
                                "There is no user with the id %s%s.", names,
                                unknown->nelts > UNKNOWN_NAMED_MAX ? ", and others" : "");
}

static apr_status_t finish(const um_scim_members_t *members, apr_status_t status)
{
    return status == UM_EINVALID ? refuse_unknown(members) : status;
}

static apr_status_t add(um_scim_members_t *members, const apr_array_header_t *uids)
{
    return finish(members, um_group_is_reserved(members->group->id)
                               ? each(members, appoint, uids)
                               : um_store_members_add(&members->done, members->db,
                                                      org_of(members), members->group->id, uids,
                                                      members->change->now_ms, pool_of(members)));
}

static apr_status_t take_out(um_scim_members_t *members, const apr_array_header_t *uids)
{
    return um_group_is_reserved(members->group->id)
               ? each(members, dismiss, uids)
               : um_store_members_remove(&members->done, members->db, org_of(members),
                                         members->group->id, uids, pool_of(members));
}

static apr_status_t replace(um_scim_members_t *members, const apr_array_header_t *uids)
{
    return finish(members,
                  um_group_is_reserved(members->group->id)
                      ? replace_sub_admins(members, uids)
                      : um_store_members_replace(&members->done, members->db, org_of(members),
                                                 members->group->id, uids,
                                                 members->change->now_ms, pool_of(members)));
}

static apr_status_t clear(um_scim_members_t *members)
{
    return um_group_is_reserved(members->group->id)
               ? replace_sub_admins(members, apr_array_make(pool_of(members), 1, sizeof(char *)))
               : um_store_members_clear(&members->done, members->db, org_of(members),
                                        members->group->id, pool_of(members));
}

apr_status_t um_scim_members_replace(um_scim_members_t *members, const um_json_t *value)
{
    apr_array_header_t *uids = NULL;
    apr_status_t status;

    if (value == NULL) {
        return clear(members);
    }
    status = read_uids(&uids, members, value);
    return status == APR_SUCCESS ? replace(members, uids) : status;
}

/* ---- operations ---- */

int um_scim_members_has(const um_scim_operation_t *operation)
{
    return operation->target.extension == NULL && operation->target.name != NULL
           && strcmp(operation->target.name, "members") == 0;
}

/* Remove those whom a filter names. */
static apr_status_t remove_filtered(um_scim_members_t *members,
                                    const um_scim_operation_t *operation)
{
    apr_array_header_t *uids = apr_array_make(pool_of(members), 4, sizeof(const char *));

    if (!read_filter(uids, operation->filter)) {
        return um_scim_error_refuse(members->answer, 400, UM_SCIM_INVALID_PATH, pool_of(members),
                                    "The path %s: members are named by value eq \"id\".",
                                    operation->path);
    }
    return take_out(members, uids);
}

apr_status_t um_scim_members_apply(um_scim_members_t *members,
                                   const um_scim_operation_t *operation)
{
    apr_array_header_t *uids = NULL;
    apr_status_t status;

    if (operation->target.sub_name != NULL
        || (operation->filter != NULL && operation->kind != UM_SCIM_REMOVE)) {
        return um_scim_error_refuse(members->answer, 400, UM_SCIM_MUTABILITY, pool_of(members),
                                    "A member does not change: remove it, and add another.");
    }
    if (operation->filter != NULL) {
        return remove_filtered(members, operation);
    }
    if (operation->value == NULL) {
        return operation->kind == UM_SCIM_ADD ? APR_SUCCESS : clear(members);
    }
    status = read_uids(&uids, members, operation->value);
    if (status != APR_SUCCESS) {
        return status;
    }
    switch (operation->kind) {
    case UM_SCIM_ADD:
        return add(members, uids);
    case UM_SCIM_REMOVE:
        return take_out(members, uids);
    case UM_SCIM_REPLACE:
        break;
    }
    return replace(members, uids);
}
