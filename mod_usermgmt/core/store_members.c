/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file store_members.c The members of groups in the database, see store_members.h. */

#include "store_members.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "../base/json.h"
#include "../db/statements.h"
#include "rules.h"
#include "store_groups.h"

/* Members in one statement: few enough for a short statement, and for a database that compares
 * each of them with each row of a stretch. */
#define CHUNK 256

/* All uids are less than this text, see um_rules_check_uid(). */
#define BEHIND_ALL "\x7f"

/* A change of members that is being made. */
typedef struct um_work_t {
    um_member_change_t *change;
    um_db_t *db;
    apr_int64_t org_id;
    const char *group_id;
    apr_int64_t now;
    /* For what lives longer than a chunk. */
    apr_pool_t *pool;
    /* The last uid of the chunk before, if uids replace the members. */
    const char *after;
    /* Of the chunk: the uids as a JSON array, and its memory. */
    const char *uids;
    apr_pool_t *chunk_pool;
    /* Of const char *, those that a statement gave. */
    apr_array_header_t *found;
} um_work_t;

/* Works on a chunk. */
typedef apr_status_t um_work_fn_t(um_work_t *work, const char *const *uids, int count);

void um_member_change_init(um_member_change_t *change, apr_pool_t *pool)
{
    change->added = 0;
    change->removed = 0;
    change->added_uids = apr_array_make(pool, 4, sizeof(const char *));
    change->removed_uids = apr_array_make(pool, 4, sizeof(const char *));
    change->unknown_uids = apr_array_make(pool, 4, sizeof(const char *));
}

/* ---- arrays of uids ---- */

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A sorted copy with each uid once. */
static apr_array_header_t *sort(const apr_array_header_t *uids, apr_pool_t *pool)
{
    apr_array_header_t *sorted = apr_array_copy(pool, uids);
    const char **elements = (const char **)sorted->elts;
    int count = 0;

    qsort(elements, (size_t)sorted->nelts, sizeof(*elements), compare);
    for (int i = 0; i < sorted->nelts; i++) {
        if (count == 0 || strcmp(elements[i], elements[count - 1]) != 0) {
            elements[count++] = elements[i];
        }
    }
    sorted->nelts = count;
    return sorted;
}

static const char *json_of(const char *const *uids, int count, apr_pool_t *pool)
{
    um_buffer_t json;

    um_buffer_init(&json, 64 + 24 * (apr_size_t)count, pool);
    um_json_put_strings(&json, uids, count);
    return json.data;
}

/* Copy a uid to an array, unless that has enough. */
static void name(apr_array_header_t *named, const char *uid)
{
    if (named->nelts < UM_MEMBERS_NAMED_MAX) {
        APR_ARRAY_PUSH(named, const char *) = apr_pstrdup(named->pool, uid);
    }
}

static void name_found(apr_array_header_t *named, const um_work_t *work)
{
    for (int i = 0; i < work->found->nelts; i++) {
        name(named, APR_ARRAY_IDX(work->found, i, const char *));
    }
}

/* Take those that can't be anyone's uid out of a sorted array. A database might fail on them, or
 * cut them. */
static void drop_impossible(um_work_t *work, apr_array_header_t *sorted, int are_unknown)
{
    const char **elements = (const char **)sorted->elts;
    int count = 0;

    for (int i = 0; i < sorted->nelts; i++) {
        if (um_rules_check_uid(elements[i]) == NULL) {
            elements[count++] = elements[i];
        } else if (are_unknown) {
            name(work->change->unknown_uids, elements[i]);
        }
    }
    sorted->nelts = count;
}

/* Have the uids worked on, so many at a time. */
static apr_status_t each_chunk(um_work_t *work, um_work_fn_t *run, const apr_array_header_t *uids)
{
    const char *const *elements = (const char *const *)uids->elts;
    apr_status_t status = apr_pool_create(&work->chunk_pool, work->pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    for (int i = 0; status == APR_SUCCESS && i < uids->nelts; i += CHUNK) {
        int count = uids->nelts - i < CHUNK ? uids->nelts - i : CHUNK;

        work->uids = json_of(elements + i, count, work->chunk_pool);
        work->found = apr_array_make(work->chunk_pool, CHUNK, sizeof(const char *));
        status = run(work, elements + i, count);
        apr_pool_clear(work->chunk_pool);
    }
    apr_pool_destroy(work->chunk_pool);
    return status;
}

static void take_found(const um_row_t *row, void *baton)
{
    um_work_t *work = baton;

    APR_ARRAY_PUSH(work->found, const char *) = apr_pstrdup(work->chunk_pool,
                                                            um_row_text(row, 0));
}

/* ---- add ---- */

static void take_absent(const um_row_t *row, void *baton)
{
    um_work_t *work = baton;

    if (um_row_int(row, 1) != 0) {
        take_found(row, work);
    } else {
        name(work->change->unknown_uids, um_row_text(row, 0));
    }
}

static apr_status_t insert(um_work_t *work)
{
    int affected = 0;
    const char *uids = json_of((const char *const *)work->found->elts, work->found->nelts,
                               work->chunk_pool);
    apr_status_t status;

    status = um_db_query(work->db, &affected,
                         UM_BIND(group_members_insert, .org_id = work->org_id,
                                 .group_id = work->group_id, .uids = uids,
                                 .created_at = work->now),
                         work->chunk_pool);
    work->change->added += affected;
    name_found(work->change->added_uids, work);
    return status;
}

static apr_status_t add_chunk(um_work_t *work, const char *const *uids, int count)
{
    apr_status_t status;

    (void)uids;
    (void)count;
    status = um_db_select(work->db, take_absent, work,
                          UM_BIND(group_members_absent, .org_id = work->org_id,
                                  .group_id = work->group_id, .uids = work->uids),
                          work->chunk_pool);
    /* If some are unknown, the change will be undone; the others are only looked through for
     * more of them. */
    return status == APR_SUCCESS && work->found->nelts > 0
                   && work->change->unknown_uids->nelts == 0
               ? insert(work)
               : status;
}

apr_status_t um_store_members_add(um_member_change_t *change, um_db_t *db, apr_int64_t org_id,
                                  const char *group_id, const apr_array_header_t *uids,
                                  apr_int64_t now, apr_pool_t *pool)
{
    um_work_t work = { change, db, org_id, group_id, now, pool, "", NULL, pool, NULL };
    apr_array_header_t *sorted = sort(uids, pool);
    apr_status_t status;

    drop_impossible(&work, sorted, 1);
    status = each_chunk(&work, add_chunk, sorted);
    return status == APR_SUCCESS && change->unknown_uids->nelts > 0 ? UM_EINVALID : status;
}

/* ---- remove ---- */

static apr_status_t find_chunk(um_work_t *work, const char *const *uids, int count)
{
    (void)uids;
    (void)count;
    return um_db_select(work->db, take_found, work,
                        UM_BIND(group_members_present, .org_id = work->org_id,
                                .group_id = work->group_id, .uids = work->uids),
                        work->chunk_pool);
}

static apr_status_t remove_chunk(um_work_t *work, const char *const *uids, int count)
{
    int affected = 0;
    apr_status_t status = find_chunk(work, uids, count);

    if (status == APR_SUCCESS && work->found->nelts > 0) {
        status = um_db_query(work->db, &affected,
                             UM_BIND(group_members_delete, .org_id = work->org_id,
                                     .group_id = work->group_id, .uids = work->uids),
                             work->chunk_pool);
    }
    work->change->removed += affected;
    name_found(work->change->removed_uids, work);
    return status;
}

apr_status_t um_store_members_remove(um_member_change_t *change, um_db_t *db, apr_int64_t org_id,
                                     const char *group_id, const apr_array_header_t *uids,
                                     apr_pool_t *pool)
{
    um_work_t work = { change, db, org_id, group_id, 0, pool, "", NULL, pool, NULL };
    apr_array_header_t *sorted = sort(uids, pool);

    drop_impossible(&work, sorted, 0);
    return each_chunk(&work, remove_chunk, sorted);
}

static void take_removed(const um_row_t *row, void *baton)
{
    name(baton, um_row_text(row, 0));
}

apr_status_t um_store_members_clear(um_member_change_t *change, um_db_t *db, apr_int64_t org_id,
                                    const char *group_id, apr_pool_t *pool)
{
    int affected = 0;
    apr_int64_t limit = UM_MEMBERS_NAMED_MAX - change->removed_uids->nelts;
    apr_status_t status = um_store_members_get(db, take_removed, change->removed_uids, org_id,
                                               group_id, "", limit, pool);

    if (status == APR_SUCCESS) {
        status = um_db_query(db, &affected,
                             UM_BIND(group_members_clear, .org_id = org_id, .group_id = group_id),
                             pool);
    }
    change->removed += affected;
    return status;
}

/* ---- replace ---- */

/* Remove the members behind work->after and up to a uid whom the chunk does not name. */
static apr_status_t remove_others(um_work_t *work, const char *until)
{
    int affected = 0;
    apr_status_t status;

    status = um_db_select(work->db, take_removed, work->change->removed_uids,
                          UM_BIND(group_members_other, .org_id = work->org_id,
                                  .group_id = work->group_id, .after_uid = work->after,
                                  .until_uid = until, .uids = work->uids,
                                  .limit = UM_MEMBERS_NAMED_MAX
                                           - work->change->removed_uids->nelts),
                          work->chunk_pool);
    if (status == APR_SUCCESS) {
        status = um_db_query(work->db, &affected,
                             UM_BIND(group_members_delete_other, .org_id = work->org_id,
                                     .group_id = work->group_id, .after_uid = work->after,
                                     .until_uid = until, .uids = work->uids),
                             work->chunk_pool);
    }
    work->change->removed += affected;
    return status;
}

/* The chunks are in order, so each is about the members behind the one before it. */
static apr_status_t replace_chunk(um_work_t *work, const char *const *uids, int count)
{
    apr_status_t status = remove_others(work, uids[count - 1]);

    work->after = uids[count - 1];
    return status == APR_SUCCESS ? add_chunk(work, uids, count) : status;
}

apr_status_t um_store_members_replace(um_member_change_t *change, um_db_t *db, apr_int64_t org_id,
                                      const char *group_id, const apr_array_header_t *uids,
                                      apr_int64_t now, apr_pool_t *pool)
{
    um_work_t work = { change, db, org_id, group_id, now, pool, "", NULL, pool, NULL };
    apr_array_header_t *sorted = sort(uids, pool);
    apr_status_t status;

    drop_impossible(&work, sorted, 1);
    status = each_chunk(&work, replace_chunk, sorted);
    if (status == APR_SUCCESS && change->unknown_uids->nelts > 0) {
        return UM_EINVALID;
    }
    if (status == APR_SUCCESS) {
        work.uids = "[]";
        work.chunk_pool = pool;
        status = remove_others(&work, BEHIND_ALL);
    }
    return status;
}

/* ---- read ---- */

static void take_count(const um_row_t *row, void *baton)
{
    *(apr_int64_t *)baton = um_row_int(row, 0);
}

apr_status_t um_store_members_count(apr_int64_t *count, um_db_t *db, apr_int64_t org_id,
                                    const char *group_id, apr_int64_t limit, apr_pool_t *pool)
{
    return um_group_is_reserved(group_id)
               ? um_db_select(db, take_count, count,
                              UM_BIND(group_sub_admin_count, .org_id = org_id, .limit = limit),
                              pool)
               : um_db_select(db, take_count, count,
                              UM_BIND(group_member_count, .org_id = org_id, .group_id = group_id,
                                      .limit = limit),
                              pool);
}

apr_status_t um_store_members_get(um_db_t *db, um_row_fn_t *take, void *baton, apr_int64_t org_id,
                                  const char *group_id, const char *after, apr_int64_t limit,
                                  apr_pool_t *pool)
{
    return um_group_is_reserved(group_id)
               ? um_db_select(db, take, baton,
                              UM_BIND(group_sub_admins_after, .org_id = org_id,
                                      .after_uid = after, .limit = limit),
                              pool)
               : um_db_select(db, take, baton,
                              UM_BIND(group_members_after, .org_id = org_id, .group_id = group_id,
                                      .after_uid = after, .limit = limit),
                              pool);
}

/* ---- of a user ---- */

apr_status_t um_store_members_is_in(int *is_in, um_db_t *db, apr_int64_t org_id,
                                    const char *user_uid, const char *group, apr_pool_t *pool)
{
    apr_status_t status;

    *is_in = 0;
    status = um_db_exists(is_in, db,
                          UM_BIND(group_has_member, .org_id = org_id, .user_uid = user_uid,
                                  .group_id = group,
                                  .display_name_key = um_store_groups_name_key(group, pool)),
                          pool);
    return status == UM_ESCHEMA ? APR_SUCCESS : status;
}
