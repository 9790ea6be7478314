/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file store_lists.c Lists of all kinds out of the database, see store.h. */

#include "store.h"

#include <apr_strings.h>

static apr_status_t select_list(um_db_t *db, um_row_fn_t *take, void *baton, apr_int64_t org_id,
                                const um_list_t *list, um_list_what_t what, apr_pool_t *pool)
{
    apr_array_header_t *parameters = apr_array_make(pool, 16, sizeof(const char *));
    um_buffer_t sql;

    um_buffer_init(&sql, 1024, pool);
    um_statements_compose_list(&sql, parameters, list, what, um_db_int(org_id, pool),
                               um_db_dialect(db));
    return um_db_select_composed(db, take, baton, sql.data, (const char *const *)parameters->elts,
                                 parameters->nelts, pool);
}

apr_status_t um_store_lists_get(um_db_t *db, um_row_fn_t *take, void *baton,
                                apr_int64_t org_id, const um_list_t *list, apr_pool_t *pool)
{
    return select_list(db, take, baton, org_id, list, UM_LIST_ROWS, pool);
}

static void take_number(const um_row_t *row, void *baton)
{
    *(apr_int64_t *)baton = um_row_int(row, 0);
}

apr_status_t um_store_lists_exist(int *exist, um_db_t *db, apr_int64_t org_id,
                                  const um_list_t *list, apr_pool_t *pool)
{
    um_list_t one = *list;
    apr_int64_t found = 0;
    apr_status_t status;

    one.limit = 1;
    status = select_list(db, take_number, &found, org_id, &one, UM_LIST_EXISTS, pool);
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

typedef struct um_value_get_t {
    const char *value;
    apr_pool_t *pool;
} um_value_get_t;

static void take_value(const um_row_t *row, void *baton)
{
    um_value_get_t *get = baton;

    get->value = apr_pstrdup(get->pool, um_row_text(row, 0));
}

apr_status_t um_store_lists_find_cursor(um_cursor_t *cursor, um_db_t *db, apr_int64_t org_id,
                                        const um_list_t *list, apr_pool_t *pool)
{
    um_list_t at = *list;
    um_value_get_t get = { NULL, pool };
    apr_status_t status;

    if (list->order == 0) {
        cursor->value = cursor->key;
        return APR_SUCCESS;
    }
    at.after = *cursor;
    status = select_list(db, take_value, &get, org_id, &at, UM_LIST_VALUE, pool);
    if (status == APR_SUCCESS && get.value == NULL) {
        status = UM_ENOTFOUND;
    }
    if (status == APR_SUCCESS) {
        cursor->value = get.value;
    }
    return status;
}

void um_store_lists_read_cursor(um_cursor_t *cursor, const um_row_t *row, const um_list_t *list)
{
    cursor->key = um_row_text(row, 0);
    cursor->value = list->order == 0 ? cursor->key : um_row_text(row, um_row_size(row) - 1);
}
