/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file store_organizations.c Organizations and their counts, see store_organizations.h. */

#include "store_organizations.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "../base/buffer.h"
#include "../db/statements.h"

/* So many activities are told. */
#define ACTIVITIES_MAX 100

typedef struct um_activity_t {
    const char *name;
    apr_int64_t last_used_at;
} um_activity_t;

typedef struct um_status_get_t {
    um_organization_status_t *organization;
    /* Of um_activity_t. */
    apr_array_header_t *activities;
    apr_pool_t *pool;
} um_status_get_t;

static void take_activity(const um_row_t *row, um_status_get_t *get)
{
    um_activity_t *activity = apr_array_push(get->activities);

    activity->name = apr_pstrdup(get->pool, um_row_text(row, 0));
    activity->last_used_at = um_row_int(row, 2);
}

static void take_organization_status(const um_row_t *row, um_status_get_t *get)
{
    um_organization_status_t *organization = apr_pcalloc(get->pool, sizeof(*organization));

    organization->name = apr_pstrdup(get->pool, um_row_text(row, 0));
    organization->payment_type = apr_pstrdup(get->pool, um_row_text(row, 1));
    organization->user_count = um_row_int(row, 2);
    organization->sub_admin_count = um_row_int(row, 3);
    organization->session_count = um_row_int(row, 4);
    organization->pending_invitation_count = um_row_int(row, 5);
    get->organization = organization;
}

static void take_status(const um_row_t *row, void *baton)
{
    if (um_row_text(row, 1) != NULL) {
        take_organization_status(row, baton);
    } else {
        take_activity(row, baton);
    }
}

/* The most recently used one first. */
static int compare_activities(const void *a, const void *b)
{
    const um_activity_t *first = a;
    const um_activity_t *second = b;

    return first->last_used_at == second->last_used_at  ? strcmp(first->name, second->name)
           : first->last_used_at < second->last_used_at ? 1
                                                        : -1;
}

static apr_array_header_t *sort_activities(apr_array_header_t *activities)
{
    apr_array_header_t *names = apr_array_make(activities->pool, 8, sizeof(const char *));

    qsort(activities->elts, (size_t)activities->nelts, sizeof(um_activity_t), compare_activities);
    for (int i = 0; i < activities->nelts && i < ACTIVITIES_MAX; i++) {
        APR_ARRAY_PUSH(names, const char *) = APR_ARRAY_IDX(activities, i, um_activity_t).name;
    }
    return names;
}

apr_status_t um_store_organizations_get_status(um_organization_status_t **organization,
                                               um_db_t *db, apr_int64_t org_id, apr_int64_t now,
                                               apr_pool_t *pool)
{
    um_status_get_t get = { NULL, apr_array_make(pool, 8, sizeof(um_activity_t)), pool };
    apr_status_t status;

    status = um_db_select(db, take_status, &get,
                          UM_BIND(organization_status, .org_id = org_id, .now = now), pool);
    if (status == APR_SUCCESS && get.organization == NULL) {
        status = UM_ENOTFOUND;
    }
    if (status == APR_SUCCESS) {
        get.organization->activities = sort_activities(get.activities);
        *organization = get.organization;
    }
    return status;
}

/* The instants of a statement, one for each kind. */
static void take_instant(const um_row_t *row, void *baton)
{
    ((apr_int64_t *)baton)[um_row_int(row, 0)] = um_row_int(row, 1);
}

static void take_day(const um_row_t *row, void *baton)
{
    const um_history_t *history = baton;

    history->counts[um_row_int(row, 0)][(um_row_int(row, 1) - history->from) / UM_DAY] =
        um_row_int(row, 2);
}

/* Make the counts of a kind. Days up to that of the newest row that is too many are not counted,
 * because the limit ends within that day. Returns the begin of the first other day. */
static apr_int64_t make_counts(um_history_t *history, um_history_kind_t kind,
                               apr_int64_t too_many, apr_pool_t *pool)
{
    apr_int64_t *counts = apr_pcalloc(pool, (apr_size_t)history->days * sizeof(*counts));
    apr_int64_t begin = history->from;

    for (int i = 0; i < history->days && begin <= too_many; i++) {
        counts[i] = UM_NOT_COUNTED;
        begin += UM_DAY;
    }
    history->counts[kind] = counts;
    return begin;
}

apr_status_t um_store_organizations_get_history(um_history_t *history, um_db_t *db,
                                                apr_int64_t org_id, apr_pool_t *pool)
{
    apr_int64_t until = history->from + (apr_int64_t)history->days * UM_DAY;
    apr_int64_t too_many[UM_HISTORY_KINDS] = { -1, -1 };
    apr_int64_t first[UM_HISTORY_KINDS];
    apr_status_t status;

    status = um_db_select(db, take_instant, too_many,
                          UM_BIND(history_too_many, .org_id = org_id, .from = history->from,
                                  .until = until, .limit = history->limit),
                          pool);
    for (int kind = 0; kind < UM_HISTORY_KINDS; kind++) {
        first[kind] = make_counts(history, (um_history_kind_t)kind, too_many[kind], pool);
    }
    return status == APR_SUCCESS
               ? um_db_select(db, take_day, history,
                              UM_BIND(history, .org_id = org_id,
                                      .users_from = first[UM_HISTORY_USERS],
                                      .sessions_from = first[UM_HISTORY_SESSIONS],
                                      .until = until),
                              pool)
               : status;
}

/* Outside of a transaction, because usually there are none. */
apr_status_t um_store_organizations_has_changes(int *has_changes, um_db_t *db, apr_pool_t *pool)
{
    return um_db_exists(has_changes, db, UM_BIND(organization_counts_waiting), pool);
}

typedef struct um_counts_t {
    apr_int64_t org_id;
    apr_int64_t numbers[3];
} um_counts_t;

/* Changes that are to be folded (of um_counts_t), and their ids as a JSON array. */
typedef struct um_fold_t {
    apr_array_header_t *counts;
    um_buffer_t ids;
} um_fold_t;

static void take_counts(const um_row_t *row, void *baton)
{
    um_fold_t *fold = baton;
    um_counts_t *counts = apr_array_push(fold->counts);

    um_buffer_putc(&fold->ids, fold->counts->nelts == 1 ? '[' : ',');
    um_buffer_put_int(&fold->ids, um_row_int(row, 0));
    counts->org_id = um_row_int(row, 1);
    for (int i = 0; i < 3; i++) {
        counts->numbers[i] = um_row_int(row, i + 2);
    }
}

static int compare_counts(const void *a, const void *b)
{
    apr_int64_t first = ((const um_counts_t *)a)->org_id;
    apr_int64_t second = ((const um_counts_t *)b)->org_id;

    return (first > second) - (first < second);
}

/* Sorted, so that all who fold at the same time lock the sums in the same order. */
static void sum_up(apr_array_header_t *counts)
{
    int kept = 0;

    if (counts->nelts == 0) {
        return;
    }
    qsort(counts->elts, (size_t)counts->nelts, sizeof(um_counts_t), compare_counts);
    for (int i = 1; i < counts->nelts; i++) {
        const um_counts_t *next = &APR_ARRAY_IDX(counts, i, um_counts_t);
        um_counts_t *sum = &APR_ARRAY_IDX(counts, kept, um_counts_t);

        if (next->org_id != sum->org_id) {
            APR_ARRAY_IDX(counts, ++kept, um_counts_t) = *next;
            continue;
        }
        for (int j = 0; j < 3; j++) {
            sum->numbers[j] += next->numbers[j];
        }
    }
    counts->nelts = kept + 1;
}

static apr_status_t put_counts(um_db_t *db, const um_counts_t *sum, apr_pool_t *pool)
{
    return um_db_query(db, NULL,
                       UM_BIND(organization_counts_put, .count_id = -sum->org_id,
                               .org_id = sum->org_id, .user_count = sum->numbers[0],
                               .sub_admin_count = sum->numbers[1],
                               .session_count = sum->numbers[2]),
                       pool);
}

apr_status_t um_store_organizations_fold_counts(int *count, um_db_t *db, apr_int64_t limit,
                                                apr_pool_t *pool)
{
    um_fold_t fold = { .counts = apr_array_make(pool, 64, sizeof(um_counts_t)) };
    int deleted = 0;
    apr_status_t status;

    um_buffer_init(&fold.ids, 1024, pool);
    status = um_db_select(db, take_counts, &fold,
                          UM_BIND(organization_counts_lock, .limit = limit), pool);
    *count = fold.counts->nelts;
    if (status == APR_SUCCESS && *count > 0) {
        um_buffer_putc(&fold.ids, ']');
        status = um_db_query(db, &deleted,
                             UM_BIND(organization_counts_delete, .count_ids = fold.ids.data),
                             pool);
    }
    if (status == APR_SUCCESS && deleted != *count) {
        status = UM_ECONFLICT;
    }
    sum_up(fold.counts);
    for (int i = 0; status == APR_SUCCESS && i < fold.counts->nelts; i++) {
        status = put_counts(db, &APR_ARRAY_IDX(fold.counts, i, um_counts_t), pool);
    }
    return status;
}

apr_status_t um_store_organizations_insert(um_db_t *db, const char *name, apr_int64_t now,
                                           apr_pool_t *pool)
{
    return um_db_query(db, NULL, UM_BIND(organization_insert, .name = name, .created_at = now),
                       pool);
}

static void take_organization(const um_row_t *row, void *baton)
{
    apr_array_header_t *organizations = baton;
    um_organization_t *organization = apr_array_push(organizations);

    organization->id = um_row_int(row, 0);
    organization->name = apr_pstrdup(organizations->pool, um_row_text(row, 1));
    organization->payment_type = apr_pstrdup(organizations->pool, um_row_text(row, 2));
    organization->created_at = um_row_int(row, 3);
}

apr_status_t um_store_organizations_get(um_organization_t **organization, um_db_t *db,
                                        const char *name, apr_pool_t *pool)
{
    apr_array_header_t *found = apr_array_make(pool, 1, sizeof(um_organization_t));
    apr_status_t status = um_db_select(db, take_organization, found,
                                       UM_BIND(organization_get, .name = name), pool);

    if (status == APR_SUCCESS && found->nelts == 0) {
        status = UM_ENOTFOUND;
    }
    if (status == APR_SUCCESS) {
        *organization = &APR_ARRAY_IDX(found, 0, um_organization_t);
    }
    return status;
}

apr_status_t um_store_organizations_list(apr_array_header_t **organizations, um_db_t *db,
                                         const char *after, apr_int64_t limit, apr_pool_t *pool)
{
    apr_array_header_t *found = apr_array_make(pool, 16, sizeof(um_organization_t));
    apr_status_t status = um_db_select(db, take_organization, found,
                                       UM_BIND(organization_list, .after = after, .limit = limit),
                                       pool);

    if (status == APR_SUCCESS) {
        *organizations = found;
    }
    return status;
}

apr_status_t um_store_organizations_set_payment_type(um_db_t *db, apr_int64_t org_id,
                                                     const char *payment_type, apr_pool_t *pool)
{
    return um_db_query_one(db, UM_ENOTFOUND,
                           UM_BIND(organization_set_payment_type, .org_id = org_id,
                                   .payment_type = payment_type),
                           pool);
}
