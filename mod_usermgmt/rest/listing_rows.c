/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file listing_rows.c Rows of a list, for pages and streams; see listing_parts.h. */

#include "listing_parts.h"

#include <apr_strings.h>

#include "../base/memory.h"
#include "../core/store_lists.h"

/* Rows of the first read, so that a page of a hundred takes one statement. */
#define READ_FIRST 101

void um_listing_take_cursor(um_cursor_t *cursor, const um_row_t *row, const um_list_t *list,
                            apr_pool_t *pool)
{
    um_cursor_t at;

    um_store_lists_read_cursor(&at, row, list);
    cursor->key = apr_pstrdup(pool, at.key);
    cursor->value = at.value == at.key ? cursor->key : apr_pstrdup(pool, at.value);
}

apr_int64_t um_listing_rows_to_read(apr_int64_t wanted, apr_size_t room, apr_int64_t count,
                                    apr_size_t bytes)
{
    apr_int64_t fit = count == 0 ? READ_FIRST
                                 : (apr_int64_t)(room / (bytes / (apr_size_t)count + 1)) + 1;

    if (fit > UM_LISTING_READ_MAX) {
        fit = UM_LISTING_READ_MAX;
    }
    return wanted < fit ? wanted : fit;
}

apr_status_t um_listing_read_rows(um_db_t *db, um_row_fn_t *take, void *baton,
                                  const um_request_t *request, const um_list_t *list)
{
    apr_pool_t *pool;
    apr_status_t status;

    um_memory_pool(&pool, request->pool);
    status = um_store_lists_get(db, take, baton, request->caller.org_id, list, pool);
    apr_pool_destroy(pool);
    return status;
}

void um_listing_go_on(um_list_t *list, const um_cursor_t *last)
{
    *(list->backwards ? &list->before : &list->after) = *last;
}
