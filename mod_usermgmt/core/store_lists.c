/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file store_lists.c Lists of all kinds from the database, see store_lists.h. */

#include "store_lists.h"

#include <apr_strings.h>

#include "../db/list_path.h"
#include "../db/list_sql.h"

const um_list_source_t *const um_lists[] = {
    &um_list_users,    &um_list_sub_admins,   &um_list_invitations,
    &um_list_sessions, &um_list_audit_events, &um_list_api_keys,
    &um_list_groups,   &um_list_groups_alone, NULL,
};

/* Copy a list whose source has columns that the database may not have yet, with those that it
 * has. */
static apr_status_t choose_columns(um_list_t *chosen, um_list_source_t *source, um_db_t *db,
                                   apr_pool_t *pool)
{
    int version = 0;
    apr_status_t status = APR_SUCCESS;

    if (chosen->source->older_columns != NULL) {
        status = um_db_get_version(&version, db, pool);
    }
    if (status == APR_SUCCESS && version < chosen->source->columns_since) {
        *source = *chosen->source;
        source->columns = source->older_columns;
        chosen->source = source;
    }
    return status;
}

static apr_status_t select_list(um_db_t *db, um_row_fn_t *take, void *baton, apr_int64_t org_id,
                                const um_list_t *asked, um_list_what_t what, apr_pool_t *pool)
{
    apr_array_header_t *parameters = apr_array_make(pool, 16, sizeof(const char *));
    um_list_t copy = *asked;
    const um_list_t *list = &copy;
    um_list_source_t older;
    um_buffer_t sql;
    apr_status_t status = um_db_check_version(db, list->source->since, "a list", pool);

    if (status == APR_SUCCESS) {
        status = um_db_check_version(db, list->filter_since, "a filter", pool);
    }
    if (status == APR_SUCCESS) {
        status = um_db_check_version(db, list->source->orders[list->order].since, "an order",
                                     pool);
    }
    if (status == APR_SUCCESS) {
        status = choose_columns(&copy, &older, db, pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    um_buffer_init(&sql, 1024, pool);
    um_list_sql_compose(&sql, parameters, list, what, um_db_int(org_id, pool), um_db_dialect(db));
    return um_db_select_limited(db, take, baton, sql.data, (const char *const *)parameters->elts,
                                parameters->nelts, list->filter != NULL ? list->time_limit : 0,
                                pool);
}

int um_store_lists_is_search(const um_list_t *list, int is_counted)
{
    if (list->conditions == NULL) {
        return list->filter != NULL || (is_counted && !um_list_sql_keeps_count(list->source));
    }
    for (int i = 0; i < list->conditions->nelts; i++) {
        int id = APR_ARRAY_IDX(list->conditions, i, um_condition_t).id;

        if (list->source->conditions[id].leads_to_few) {
            return 0;
        }
    }
    return 1;
}

apr_status_t um_store_lists_get(um_db_t *db, um_row_fn_t *take, void *baton, apr_int64_t org_id,
                                const um_list_t *list, apr_pool_t *pool)
{
    return select_list(db, take, baton, org_id, list, UM_LIST_ROWS, pool);
}

apr_status_t um_store_lists_get_entry(um_db_t *db, um_row_fn_t *take, void *baton,
                                      apr_int64_t org_id, const um_list_source_t *source,
                                      const char *key, apr_pool_t *pool)
{
    um_list_t list = { .source = source, .after = { key, key } };

    return select_list(db, take, baton, org_id, &list, UM_LIST_ENTRY, pool);
}

static void take_number(const um_row_t *row, void *baton)
{
    *(apr_int64_t *)baton = um_row_int(row, 0);
}

apr_status_t um_store_lists_exist(int *exist, um_db_t *db, apr_int64_t org_id,
                                  const um_list_t *list, apr_pool_t *pool)
{
    apr_int64_t found = 0;
    apr_status_t status = select_list(db, take_number, &found, org_id, list, UM_LIST_EXISTS,
                                      pool);

    if (status == APR_SUCCESS) {
        *exist = found != 0;
    }
    return status;
}

apr_status_t um_store_lists_count(apr_int64_t *count, um_db_t *db, apr_int64_t org_id,
                                  const um_list_t *list, apr_pool_t *pool)
{
    apr_int64_t found = 0;
    apr_status_t status = select_list(db, take_number, &found, org_id, list, UM_LIST_COUNT, pool);

    if (status == APR_SUCCESS) {
        *count = found;
    }
    return status;
}

/* ---- paths ---- */

/* A choice of a path. */
typedef struct um_choice_t {
    um_db_t *db;
    apr_int64_t org_id;
    const um_list_t *list;
    um_list_way_t way;
    /* Whether the rows are read in the list's order, not counted. */
    int in_order;
    /* A path that finds at most this many rows is used in any order. For a count the path
     * with the fewest rows is used, because reading an index costs little compared with
     * reading its rows. */
    apr_int64_t few;
    /* The number of all rows, without conditions; 0 if it is not known. */
    apr_int64_t all;
    apr_pool_t *pool;
} um_choice_t;

/* Finding one row by an index costs as much as reading this many rows in order. */
#define ROWS_A_SEARCH 8

/* The path that finds the fewest rows, if these are few; else NULL. */
static apr_status_t find_short_path(const um_list_path_t **path, const um_choice_t *choice,
                                    const um_list_path_t *const *paths, int count)
{
    um_list_t list = *choice->list;
    apr_status_t status = APR_SUCCESS;

    list.limit = choice->in_order ? choice->few + 1 : APR_INT64_MAX;
    list.estimated = choice->way;
    for (int i = 0; status == APR_SUCCESS && list.limit > 0 && i < count; i++) {
        apr_int64_t found = 0;

        list.paths[choice->way] = paths[i];
        status = select_list(choice->db, take_number, &found, choice->org_id, &list,
                             UM_LIST_ESTIMATE, choice->pool);
        /* The next path must find fewer rows than this one. */
        if (found < list.limit) {
            *path = paths[i];
            list.limit = found;
        }
    }
    if (!choice->in_order && choice->all > 0 && list.limit > choice->all / ROWS_A_SEARCH) {
        *path = um_list_path_of_keys(choice->list);
    }
    return status;
}

/* All paths find many rows. The best one gives them in the list's order, because reading ends
 * as soon as the page is full. */
static const um_list_path_t *long_path(const um_choice_t *choice,
                                       const um_list_path_t *const *paths, int count)
{
    for (int i = 0; i < count; i++) {
        if (um_list_path_gives_order(paths[i], choice->list)) {
            return paths[i];
        }
    }
    return um_list_path_of_order(choice->list);
}

static apr_status_t choose_path(const um_list_path_t **path, const um_choice_t *choice)
{
    const um_list_path_t *paths[UM_LIST_PATHS_MAX];
    int count = um_list_path_find(paths, choice->list, choice->way);
    apr_status_t status;

    *path = NULL;
    if (count == 0) {
        *path = choice->in_order ? um_list_path_of_order(choice->list) : NULL;
        return APR_SUCCESS;
    }
    if (um_list_path_is_unique(paths[0], choice->list)
        || (count == 1
            && (!choice->in_order || um_list_path_gives_order(paths[0], choice->list)))) {
        *path = paths[0];
        return APR_SUCCESS;
    }
    status = find_short_path(path, choice, paths, count);
    if (status == APR_SUCCESS && *path == NULL) {
        *path = long_path(choice, paths, count);
    }
    return status;
}

static apr_status_t plan_rows(um_list_t *list, um_choice_t *choice)
{
    apr_status_t status = APR_SUCCESS;

    choice->list = list;
    choice->in_order = 1;
    for (int way = 0; status == APR_SUCCESS && way < um_list_sql_count_ways(list); way++) {
        choice->way = (um_list_way_t)way;
        status = choose_path(&list->paths[way], choice);
    }
    return status;
}

static apr_status_t plan_count(const um_list_path_t **paths, const um_list_t *list,
                               um_choice_t *choice)
{
    apr_status_t status = APR_SUCCESS;
    int ways = um_list_sql_count_ways(list) == 2 ? UM_LIST_WAY_COUNT : 1;

    choice->list = list;
    choice->in_order = 0;
    for (int way = 0; status == APR_SUCCESS && way < ways; way++) {
        choice->way = (um_list_way_t)way;
        status = choose_path(&paths[way], choice);
    }
    return status;
}

/* A tenth of all rows, if their number is known. */
static apr_status_t find_few(um_choice_t *choice, const um_list_t *list)
{
    um_list_t all = { .source = list->source };
    apr_int64_t count = UM_LIST_SORTED_MAX * 10;
    apr_status_t status = APR_SUCCESS;

    if (um_list_sql_keeps_count(list->source)) {
        status = um_store_lists_count(&count, choice->db, choice->org_id, &all, choice->pool);
        choice->all = count;
    }
    choice->few = count / 10 < UM_LIST_SORTED_MIN   ? UM_LIST_SORTED_MIN
                  : count / 10 > UM_LIST_SORTED_MAX ? UM_LIST_SORTED_MAX
                                                    : count / 10;
    return status;
}

apr_status_t um_store_lists_plan(um_list_t *list, um_db_t *db, apr_int64_t org_id, int is_counted,
                                 apr_pool_t *pool)
{
    um_choice_t choice = { .db = db, .org_id = org_id, .pool = pool };
    um_list_t subset;
    apr_status_t status;

    if (list->conditions == NULL || !um_db_traits(db)->needs_paths) {
        return APR_SUCCESS;
    }
    choice.few = UM_LIST_SORTED_MIN;
    status = um_list_path_finds_one(list) ? APR_SUCCESS : find_few(&choice, list);
    if (status == APR_SUCCESS) {
        status = plan_rows(list, &choice);
    }
    if (status == APR_SUCCESS && is_counted) {
        status = plan_count(list->count_paths[UM_LIST_ALL], list, &choice);
    }
    if (status == APR_SUCCESS && is_counted && um_list_sql_leaves_subset_out(list)) {
        um_list_sql_of_subset(&subset, list, pool);
        status = plan_count(list->count_paths[UM_LIST_SUBSET], &subset, &choice);
    }
    return status;
}

/* If a list has at most this many pages, sorting its rows is cheaper than reading all rows in
 * order to find them. */
#define SORTED_PAGES 20

void um_store_lists_use_count(um_list_t *list, apr_int64_t count)
{
    if (count > list->limit * SORTED_PAGES) {
        return;
    }
    for (int way = 0; way < UM_LIST_WAY_COUNT; way++) {
        if (list->paths[way] != NULL && list->count_paths[UM_LIST_ALL][way] != NULL) {
            list->paths[way] = list->count_paths[UM_LIST_ALL][way];
        }
    }
}

/* ---- cursors ---- */

apr_status_t um_store_lists_find_cursor(um_cursor_t *cursor, um_db_t *db, apr_int64_t org_id,
                                        const um_list_t *list, apr_pool_t *pool)
{
    um_list_t at = *list;
    um_first_text_t value = { NULL, pool };
    apr_status_t status;

    if (list->order == 0) {
        cursor->value = cursor->key;
        return APR_SUCCESS;
    }
    at.after = *cursor;
    status = select_list(db, um_row_take_first_text, &value, org_id, &at, UM_LIST_VALUE, pool);
    if (status == APR_SUCCESS && value.text == NULL) {
        status = UM_ENOTFOUND;
    }
    if (status == APR_SUCCESS) {
        cursor->value = value.text;
    }
    return status;
}

/* The place of a row of two columns. */
typedef struct um_place_row_t {
    um_cursor_t *cursor;
    int has_row;
    apr_pool_t *pool;
} um_place_row_t;

static void take_place(const um_row_t *row, void *baton)
{
    um_place_row_t *place = baton;

    place->cursor->key = apr_pstrdup(place->pool, um_row_text(row, 0));
    place->cursor->value = apr_pstrdup(place->pool, um_row_text(row, 1));
    place->has_row = 1;
}

apr_status_t um_store_lists_find_place(um_cursor_t *cursor, um_db_t *db, apr_int64_t org_id,
                                       const um_list_t *list, apr_int64_t skipped,
                                       apr_pool_t *pool)
{
    um_place_row_t place = { cursor, 0, pool };
    um_list_t at = *list;
    apr_status_t status;

    at.skipped = skipped;
    status = select_list(db, take_place, &place, org_id, &at, UM_LIST_PLACE, pool);
    return status == APR_SUCCESS && !place.has_row ? UM_ENOTFOUND : status;
}

/* The number of bits. */
static int count_extras(unsigned extras)
{
    int count = 0;

    for (; extras != 0; extras &= extras - 1) {
        count++;
    }
    return count;
}

void um_store_lists_read_cursor(um_cursor_t *cursor, const um_row_t *row, const um_list_t *list)
{
    cursor->key = um_row_text(row, 0);
    cursor->value = list->order == 0
                        ? cursor->key
                        : um_row_text(row, um_row_size(row) - 1 - count_extras(list->extras));
}

/* ---- extras ---- */

/* They stand in the order of their bits. */
apr_int64_t um_store_lists_read_extra(const um_row_t *row, const um_list_t *list,
                                      um_list_extra_t extra)
{
    unsigned from_here = list->extras & ~((unsigned)extra - 1);

    return um_row_int(row, um_row_size(row) - count_extras(from_here));
}
