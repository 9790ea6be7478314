/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file listing_page.c A page of a list, and the links to others; see listing_parts.h. */

#include "listing_parts.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/memory.h"
#include "../core/store_lists.h"
#include "../db/list_sql.h"
#include "cursor.h"
#include "query.h"

/* Bytes of a page's entries. They are limited because a slow client keeps them in memory for a
 * long time. A thousand common users have half as many. */
#define PAGE_BYTES 1048576

/* A page that is being written. */
typedef struct um_page_t {
    const um_listing_request_t *listing;
    /* The part of the list to read next. */
    um_list_t list;
    um_buffer_t *buffer;
    /* Where the entries start in the buffer; where each entry starts, and where the last one
     * ends. */
    apr_size_t start;
    apr_size_t starts[UM_LISTING_LIMIT_MAX + 1];
    int count;
    /* How many rows the last statement read. */
    apr_int64_t rows;
    /* The first and the last entry, in the order in which they were read. */
    um_cursor_t first;
    um_cursor_t last;
    /* There is a further entry that does not fit, because of the limit or the bytes. */
    int more;
    /* The text of the entries has begun: the count is known, if it is wanted. */
    int has_begun;
    /* The count says that no entry matches, on this page or another. */
    int none_match;
    /* At most one entry matches, on this page, so that reading it counts it. */
    int is_single;
    /* Whether there is an entry at the cursor after or in front of it, and at the cursor before
     * or behind it, as far as that was asked along with the rows. */
    int knows_beyond;
    int has_previous;
    int has_following;
    /* Whether there are entries behind the last, and before the first, in the list's order. Of
     * an empty page: at the cursor that it ends before or behind it, and at the one that it
     * starts after or before it. */
    int has_next;
    int has_prev;
    /* The cursors of the next page and of the one before, as clients see them; NULL if there is
     * no such page. */
    const char *next_cursor;
    const char *prev_cursor;
    apr_pool_t *pool;
} um_page_t;

/* The text up to the first entry. */
static void begin_entries(um_page_t *page, apr_int64_t count)
{
    const um_listing_request_t *listing = page->listing;

    if (listing->wants_count) {
        um_json_put_member_int(page->buffer, "query_count", count);
        page->none_match = count == 0;
    }
    um_json_put_any_name(page->buffer, listing->kind->member);
    um_buffer_putc(page->buffer, '[');
    page->start = page->buffer->length;
    page->has_begun = 1;
}

/* The answers that came along with the first row. */
static void take_extras(um_page_t *page, const um_row_t *row)
{
    const um_list_t *list = &page->list;

    if (!page->has_begun) {
        begin_entries(page, page->is_single
                                ? 1
                                : um_store_lists_read_extra(row, list, UM_LIST_WITH_COUNT));
    }
    if ((list->extras & UM_LIST_WITH_PREVIOUS) != 0) {
        page->has_previous = um_store_lists_read_extra(row, list, UM_LIST_WITH_PREVIOUS) != 0;
    }
    if ((list->extras & UM_LIST_WITH_NEXT) != 0) {
        page->has_following = um_store_lists_read_extra(row, list, UM_LIST_WITH_NEXT) != 0;
    }
}

static void take_entry(const um_row_t *row, void *baton)
{
    um_page_t *page = baton;
    um_buffer_t *buffer = page->buffer;
    apr_size_t end;

    if (page->rows++ == 0 && page->count == 0) {
        take_extras(page, row);
    }
    end = buffer->length;
    page->more = page->more || page->count == page->listing->list.limit;
    if (page->more) {
        return;
    }
    if (page->count > 0) {
        um_buffer_putc(buffer, ',');
    }
    page->starts[page->count] = buffer->length;
    page->listing->kind->put(buffer, row, page->listing->now);
    if (page->count > 0 && buffer->length - page->start > PAGE_BYTES) {
        buffer->length = end;
        buffer->data[end] = '\0';
        page->more = 1;
        return;
    }
    page->count++;
    um_listing_take_cursor(&page->last, row, &page->list, page->pool);
    if (page->count == 1) {
        page->first = page->last;
    }
}

/* Read entries until the page is full or there are no more. */
static apr_status_t read_entries(um_page_t *page, const um_request_t *request, um_db_t *db)
{
    apr_status_t status;

    do {
        apr_size_t bytes = page->has_begun ? page->buffer->length - page->start : 0;

        page->list.limit = um_listing_rows_to_read(page->listing->list.limit + 1 - page->count,
                                                   PAGE_BYTES - bytes, page->count, bytes);
        page->rows = 0;
        status = um_listing_read_rows(db, take_entry, page, request, &page->list);
        if (page->count > 0) {
            um_listing_go_on(&page->list, &page->last);
            page->list.extras = 0;
        }
    } while (status == APR_SUCCESS && !page->more && page->rows == page->list.limit);
    return status;
}

/* Reverse the entries, because they were read from the end. */
static void reverse_entries(um_page_t *page)
{
    apr_size_t start = page->starts[0];
    apr_size_t end = page->buffer->length;
    char *copy = apr_pmemdup(page->pool, page->buffer->data + start, end - start);
    um_cursor_t first = page->first;

    page->buffer->length = start;
    for (int i = page->count; i-- > 0;) {
        apr_size_t length = (i + 1 < page->count ? page->starts[i + 1] - 1 : end)
                            - page->starts[i];

        um_buffer_append(page->buffer, copy + (page->starts[i] - start), length);
        if (i > 0) {
            um_buffer_putc(page->buffer, ',');
        }
    }
    page->first = page->last;
    page->last = first;
}

static apr_status_t is_anything(int *exist, um_db_t *db, const um_request_t *request,
                                const um_list_t *list, const um_cursor_t *after,
                                const um_cursor_t *before)
{
    static const um_cursor_t none = { NULL, NULL };
    um_list_t beyond = *list;

    beyond.after = after != NULL ? *after : none;
    beyond.before = before != NULL ? *before : none;
    beyond.backwards = after == NULL;
    return um_store_lists_exist(exist, db, request->caller.org_id, &beyond, request->pool);
}

/* Move a cursor over the entry at its place, if there is one. */
static void step_over(um_cursor_t *cursor, const um_list_t *list, int upwards, apr_pool_t *pool)
{
    if (cursor->key == NULL) {
        return;
    }
    if (list->order == 0) {
        cursor->key = um_cursor_key_beside(cursor->key, upwards, pool);
        cursor->value = cursor->key;
    } else if (list->source->orders[list->order].is_unique) {
        cursor->value = um_cursor_email_beside(cursor->value, upwards, pool);
        cursor->key = cursor->value != NULL ? cursor->key : NULL;
    } else {
        cursor->key = um_cursor_key_beside(cursor->key, upwards, pool);
    }
}

/* One entry more was read on the side to which the list was read. On the other side the database
 * is asked, if the client came from there. */
static apr_status_t find_neighbours(um_page_t *page, um_db_t *db, const um_request_t *request)
{
    const um_list_t *list = &page->listing->list;
    apr_status_t status = APR_SUCCESS;

    if (page->none_match) {
        return APR_SUCCESS;
    }
    /* From an empty page the way leads back with the entries at its cursors. Without these, a
     * client that walks back from the end would skip the last entry. */
    if (page->count == 0) {
        page->first = list->after;
        page->last = list->before;
        step_over(&page->first, list, !list->descending, page->pool);
        step_over(&page->last, list, list->descending, page->pool);
    }
    page->has_next = (page->more && !list->backwards) || page->has_following;
    page->has_prev = (page->more && list->backwards) || page->has_previous;
    if (page->count > 0 && page->knows_beyond) {
        return APR_SUCCESS;
    }
    /* By page->list, because it has the best path to the rows. */
    if (!page->has_next && list->before.key != NULL && page->last.key != NULL) {
        status = is_anything(&page->has_next, db, request, &page->list, &page->last, NULL);
    }
    if (status == APR_SUCCESS && !page->has_prev && list->after.key != NULL
        && page->first.key != NULL) {
        status = is_anything(&page->has_prev, db, request, &page->list, NULL, &page->first);
    }
    return status;
}

const char *um_listing_cursor(const um_listing_request_t *listing, const um_cursor_t *at,
                              apr_pool_t *pool)
{
    return listing->list.order == 0
               ? at->key
               : um_cursor_write(um_listing_order_name(listing, pool), at, pool);
}

void um_listing_put_link(um_buffer_t *link, const um_request_t *request, const char *parameter,
                         const char *cursor, const char *key, const char *relation)
{
    apr_size_t end = link->length;
    apr_size_t start;

    if (link->length > 0) {
        um_buffer_puts(link, ", ");
    }
    um_buffer_puts(link, "<?");
    start = link->length;
    for (int i = 0; i < request->parameters->nelts; i++) {
        const um_query_parameter_t *given = &APR_ARRAY_IDX(request->parameters, i,
                                                           um_query_parameter_t);

        if (strcmp(given->name, "start_after_id") != 0
            && strcmp(given->name, "end_before_id") != 0) {
            um_buffer_puts(link, given->name);
            um_buffer_putc(link, '=');
            um_buffer_puts(link, um_query_encode(given->value, request->pool));
            um_buffer_putc(link, '&');
        }
    }
    um_buffer_puts(link, parameter);
    um_buffer_putc(link, '=');
    /* If the query would be too long, the key is enough, as long as its row exists. */
    if (link->length - start + strlen(cursor) > UM_QUERY_MAX) {
        cursor = key;
    }
    if (cursor == NULL) {
        link->length = end;
        link->data[end] = '\0';
        return;
    }
    um_buffer_puts(link, cursor);
    um_buffer_puts(link, ">; rel=\"");
    um_buffer_puts(link, relation);
    um_buffer_putc(link, '"');
}

/* The Link header's value; an empty text for none. */
static void put_links(um_buffer_t *link, const um_request_t *request, const um_page_t *page)
{
    /* Beside an empty page, the key is that of no row. */
    const char *next_key = page->count > 0 ? page->last.key : NULL;
    const char *prev_key = page->count > 0 ? page->first.key : NULL;

    if (page->has_next) {
        um_listing_put_link(link, request, "start_after_id", page->next_cursor, next_key, "next");
    }
    if (page->has_prev) {
        um_listing_put_link(link, request, "end_before_id", page->prev_cursor, prev_key, "prev");
    }
}

static void put_key(um_buffer_t *buffer, const char *name, const char *key)
{
    um_json_put_any_name(buffer, name);
    um_json_put_string_or_null(buffer, key);
}

/* Does the database have to count? */
static int asks_count(const um_page_t *page)
{
    return page->listing->wants_count && !page->is_single;
}

/* Count if the client wants it, and begin the text. */
static apr_status_t count_entries(um_page_t *page, const um_request_t *request, um_db_t *db)
{
    const um_listing_request_t *listing = page->listing;
    apr_int64_t count = 0;
    apr_status_t status = APR_SUCCESS;

    if (asks_count(page)) {
        status = um_store_lists_count(&count, db, request->caller.org_id, &listing->list,
                                      request->pool);
    }
    if (status == APR_SUCCESS && asks_count(page)) {
        um_store_lists_use_count(&page->list, count);
    }
    begin_entries(page, count);
    return status;
}

/* Count if the client wants it, and read the entries: with one statement if the count comes along
 * with them. Without entries nothing comes along. */
static apr_status_t put_entries(um_page_t *page, um_request_t *request, um_db_t *db)
{
    const um_listing_request_t *listing = page->listing;
    um_buffer_t *buffer = page->buffer;
    apr_status_t status = APR_SUCCESS;

    um_list_sql_choose_extras(&page->list, um_db_dialect(db), asks_count(page));
    page->knows_beyond = page->list.extras != 0;
    um_buffer_putc(buffer, '{');
    if ((page->list.extras & UM_LIST_WITH_COUNT) == 0 && !page->is_single) {
        status = count_entries(page, request, db);
    }
    if (status == APR_SUCCESS && !page->none_match) {
        status = read_entries(page, request, db);
    }
    if (status == APR_SUCCESS && !page->has_begun) {
        status = count_entries(page, request, db);
    }
    if (status == APR_SUCCESS && listing->list.backwards && page->count > 0) {
        reverse_entries(page);
    }
    um_buffer_putc(buffer, ']');
    return status;
}

/* The page's text: everything but its links. */
static apr_status_t put_page(um_page_t *page, um_request_t *request, um_db_t *db)
{
    const um_listing_kind_t *kind = page->listing->kind;
    um_buffer_t *buffer = page->buffer;
    apr_status_t status = put_entries(page, request, db);

    if (status == APR_SUCCESS) {
        status = find_neighbours(page, db, request);
    }
    page->next_cursor = page->has_next ? um_listing_cursor(page->listing, &page->last, page->pool)
                                       : NULL;
    page->prev_cursor = page->has_prev
                            ? um_listing_cursor(page->listing, &page->first, page->pool)
                            : NULL;
    put_key(buffer, kind->first, page->count > 0 ? page->first.key : NULL);
    put_key(buffer, kind->last, page->count > 0 ? page->last.key : NULL);
    um_json_put_member_bool(buffer, "has_more", page->has_next);
    um_json_put_member_or_null(buffer, "next_cursor", page->next_cursor);
    um_json_put_member_or_null(buffer, "prev_cursor", page->prev_cursor);
    um_buffer_putc(buffer, '}');
    return status;
}

static void answer_page(um_answer_t *answer, const um_request_t *request, const um_buffer_t *body,
                        const um_buffer_t *link)
{
    /* The links need not be hashed, because they are made of members of the body. */
    um_answer_set_header(answer, "ETag", um_answer_etag(body->data, request->pool));
    if (link->length > 0) {
        um_answer_set_header(answer, "Link", link->data);
    }
    um_answer_json(answer, 200, body);
    um_answer_revalidate(answer, request);
    if (answer->body != NULL) {
        apr_pool_t *pool;

        um_memory_pool(&pool, request->pool);
        answer->body = apr_pstrmemdup(pool, body->data, body->length);
    }
}

/* Room for a page of up to a hundred users of usual length, so that its text need not be copied
 * while it grows. */
static apr_size_t first_capacity(const um_listing_request_t *listing)
{
    apr_size_t entries = (apr_size_t)(listing->list.limit < 100 ? listing->list.limit : 100);

    return 1024 + entries * 480;
}

/* Write the page in a pool of its own, and copy the text, because writing takes more memory than
 * the text that a slow client keeps. */
apr_status_t um_listing_answer_page(um_answer_t *answer, um_request_t *request, um_db_t *db,
                                    const um_listing_request_t *listing)
{
    um_buffer_t body;
    um_buffer_t link;
    um_page_t page = { .listing = listing,
                       .list = listing->list,
                       .buffer = &body,
                       .is_single = um_listing_is_single(listing) };
    apr_status_t status;

    um_memory_pool(&page.pool, request->pool);
    um_buffer_init(&body, first_capacity(listing), page.pool);
    um_buffer_init(&link, 256, request->pool);
    status = put_page(&page, request, db);
    if (status == APR_SUCCESS) {
        put_links(&link, request, &page);
        answer_page(answer, request, &body, &link);
    }
    apr_pool_destroy(page.pool);
    return status;
}
