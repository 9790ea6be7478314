/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file listing.c Lists, pages and streams, see listing.h. */

#include "listing.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "../base/address.h"
#include "../base/instant.h"
#include "../base/memory.h"
#include "../base/text.h"
#include "../core/store_lists.h"
#include "cursor.h"
#include "negotiate.h"
#include "permission.h"
#include "query.h"

#define LIMIT_DEFAULT 5
#define LIMIT_MAX 1000
/* Bytes of a page's entries. They are limited because a slow client keeps them in memory for a
 * long time. A thousand common users have half as many. */
#define PAGE_BYTES 1048576
/* Bytes that a stream writes at once. */
#define STREAM_BYTES 262144
/* Bytes of an entry; only few entries have more. */
#define STREAM_ENTRY_BYTES 49152
/* When to try again if there are too many streams. */
#define STREAM_RETRY_SECONDS "5"
/* Rows that are read at once; all of them are then in memory. The first number is for the first
 * read, so that a page of a hundred takes one statement; the second is the largest. */
#define READ_FIRST 101
#define READ_MAX 250

/* How long an expensive list waits for its turn. A stream waits longer, because after its
 * beginning the client can't be asked to try again. */
#define SEARCH_WAIT apr_time_from_sec(2)
#define SEARCH_WAIT_STREAM apr_time_from_sec(30)

/* ---- the query ---- */

/* The parameters that every list has, apart from its filters. */
typedef enum um_common_t {
    LIMIT,
    AFTER,
    BEFORE,
    COUNT,
    /* Where there is more than the order of keys. */
    ORDER,
    /* The key of the one entry that is asked for instead of a list. */
    SINGLE,
    COMMON_COUNT
} um_common_t;

/* The parameters that came are bits of a number. */
_Static_assert(COMMON_COUNT + UM_LIST_FILTERS_MAX <= UM_LIST_BITS_MAX,
               "a list can have more parameters than a number has bits");

/* The name of SINGLE is that of the key. */
static const char *const common_names[COMMON_COUNT] = {
    [LIMIT] = "limit", [AFTER] = "start_after_id", [BEFORE] = "end_before_id",
    [COUNT] = "count", [ORDER] = "order_by",
};

static const char *common_name(const um_listing_kind_t *kind, um_common_t which)
{
    if (which == SINGLE) {
        return kind->has_single ? kind->key : NULL;
    }
    return which == ORDER && kind->source->orders[0].name == NULL ? NULL : common_names[which];
}

/* ---- what a value must be ---- */

/* Between the names of a choice. */
static void put_name(um_buffer_t *buffer, const char *name, int is_first, int is_last)
{
    if (!is_first) {
        um_buffer_puts(buffer, is_last ? " or " : ", ");
    }
    um_buffer_puts(buffer, name);
}

static const char *order_detail(const um_list_source_t *source, apr_pool_t *pool)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 128, pool);
    um_buffer_puts(&buffer, "It must be ");
    for (int i = 0; i < source->order_count; i++) {
        const um_list_order_t *order = &source->orders[i];
        int is_last = i == source->order_count - 1;

        put_name(&buffer, order->name, i == 0, is_last && order->alias == NULL);
        if (order->alias != NULL) {
            put_name(&buffer, order->alias, 0, is_last);
        }
    }
    um_buffer_puts(&buffer, ", with - in front for the reverse.");
    return buffer.data;
}

static const char *choice_detail(const um_list_choice_t *choices, apr_pool_t *pool)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 64, pool);
    um_buffer_puts(&buffer, "It must be ");
    for (const um_list_choice_t *choice = choices; choice->value != NULL; choice++) {
        put_name(&buffer, choice->value, choice == choices, choice[1].value == NULL);
    }
    um_buffer_putc(&buffer, '.');
    return buffer.data;
}

static const char *common_detail(const um_listing_kind_t *kind, um_common_t which,
                                 apr_pool_t *pool)
{
    switch (which) {
    case LIMIT:
        return "It must be a whole number from 1 to 1000.";
    case COUNT:
        return "It must be none or exact.";
    case ORDER:
        return order_detail(kind->source, pool);
    default:
        return kind->key_detail;
    }
}

static const char *filter_detail(const um_list_filter_t *filter, apr_pool_t *pool)
{
    switch (filter->value) {
    case UM_LIST_INSTANT:
    case UM_LIST_INSTANT_UP:
        return "It must be an RFC 3339 date-time; a + in it is written %2B.";
    case UM_LIST_ADDRESS:
        return "It must be an address; a + in it is written %2B, as + alone stands for a blank.";
    case UM_LIST_CHOICE:
        return choice_detail(filter->choices, pool);
    default:
        return "It must not be empty.";
    }
}

/* ---- values ---- */

static void add_condition_of_two(um_list_t *list, int id, const char *value,
                                 const char *second_value, apr_pool_t *pool)
{
    um_condition_t condition = { id, value, second_value };

    if (list->conditions == NULL) {
        list->conditions = apr_array_make(pool, 8, sizeof(condition));
    }
    APR_ARRAY_PUSH(list->conditions, um_condition_t) = condition;
}

static void add_condition(um_list_t *list, int id, const char *value, apr_pool_t *pool)
{
    add_condition_of_two(list, id, value, NULL, pool);
}

/* Each of these returns non-zero if the value is good. */

static int read_limit(um_listing_request_t *listing, const char *value)
{
    apr_int64_t limit = 0;

    for (const char *c = value; *c != '\0'; c++) {
        if (*c < '0' || *c > '9' || limit > LIMIT_MAX) {
            return 0;
        }
        limit = limit * 10 + (*c - '0');
    }
    listing->list.limit = limit;
    listing->has_limit = 1;
    return limit >= 1 && limit <= LIMIT_MAX;
}

static int read_key(const char **key, const char *value)
{
    *key = value;
    return um_rules_check_uid(value) == NULL;
}

/* A key; or a cursor, which is read once the list's order is known. */
static int read_place(um_cursor_t *place, const char *value)
{
    return read_key(&place->key, value) || um_cursor_is_one(value);
}

static int read_count(um_listing_request_t *listing, const char *value)
{
    listing->wants_count = strcmp(value, "none") != 0;
    return !listing->wants_count || strcmp(value, "exact") == 0;
}

static int read_order(um_listing_request_t *listing, const char *value)
{
    const um_list_source_t *source = listing->kind->source;

    if (*value == '-') {
        listing->list.descending = 1;
        value++;
    }
    for (int i = 0; i < source->order_count; i++) {
        const char *alias = source->orders[i].alias;

        if (strcmp(value, source->orders[i].name) == 0
            || (alias != NULL && strcmp(value, alias) == 0)) {
            listing->list.order = i;
            return 1;
        }
    }
    return 0;
}

static int read_instant(um_list_t *list, const um_list_filter_t *filter, const char *value,
                        apr_pool_t *pool)
{
    apr_int64_t instant = 0;
    int read = filter->value == UM_LIST_INSTANT_UP ? um_instant_parse_up(&instant, value)
                                                   : um_instant_parse(&instant, value);

    if (!read) {
        return 0;
    }
    add_condition(list, filter->condition, um_db_int(instant, pool), pool);
    return 1;
}

static int read_choice(um_listing_request_t *listing, const um_list_choice_t *choices,
                       const char *value, apr_pool_t *pool)
{
    for (const um_list_choice_t *choice = choices; choice->value != NULL; choice++) {
        if (strcmp(value, choice->value) == 0) {
            if (choice->condition != UM_LIST_NO_CONDITION) {
                add_condition(&listing->list, choice->condition, um_db_int(listing->now, pool),
                              pool);
            }
            return 1;
        }
    }
    return 0;
}

static int read_name_or_email(um_list_t *list, int id, const char *value, apr_pool_t *pool)
{
    const char *name = um_text_fold_name(value, pool);
    const char *key = um_address_key_prefix(value, pool);

    add_condition_of_two(list, id, name, key, pool);
    return *name != '\0' && *key != '\0';
}

static int read_identity(um_list_t *list, int id, const char *value, apr_pool_t *pool)
{
    add_condition(list, id, um_address_identity_key(value, pool), pool);
    return *value != '\0';
}

/* Tell whether a text would be an address if its blanks were + signs. */
static int has_lost_plus(const char *value, apr_pool_t *pool)
{
    char *repaired = apr_pstrdup(pool, value);

    for (char *c = repaired; *c != '\0'; c++) {
        if (*c == ' ') {
            *c = '+';
        }
    }
    return strchr(value, ' ') != NULL && um_address_check(repaired, pool) == NULL;
}

static int read_common(um_listing_request_t *listing, um_common_t which, const char *value)
{
    switch (which) {
    case LIMIT:
        return read_limit(listing, value);
    case AFTER:
        return read_place(&listing->list.after, value);
    case BEFORE:
        return read_place(&listing->list.before, value);
    case COUNT:
        return read_count(listing, value);
    case ORDER:
        return read_order(listing, value);
    default:
        return read_key(&listing->single, value);
    }
}

static int read_filter(um_listing_request_t *listing, const um_list_filter_t *filter,
                       const char *value, apr_pool_t *pool)
{
    um_list_t *list = &listing->list;

    switch (filter->value) {
    case UM_LIST_INSTANT:
    case UM_LIST_INSTANT_UP:
        return read_instant(list, filter, value, pool);
    case UM_LIST_CHOICE:
        return read_choice(listing, filter->choices, value, pool);
    case UM_LIST_NAME_OR_EMAIL:
        return read_name_or_email(list, filter->condition, value, pool);
    case UM_LIST_ADDRESS:
        return !has_lost_plus(value, pool) && read_identity(list, filter->condition, value, pool);
    case UM_LIST_IDENTITY:
        return read_identity(list, filter->condition, value, pool);
    case UM_LIST_FOLDED_NAME:
        value = um_text_fold_name(value, pool);
        break;
    case UM_LIST_TEXT:
        break;
    }
    add_condition(list, filter->condition, value, pool);
    return *value != '\0';
}

/* ---- parameters ---- */

/* The number of the parameter of that name: a common one, or a filter behind these; -1 where
 * there is none. Each is a bit of a word. */
static int find_parameter(const um_listing_kind_t *kind, const char *name)
{
    const um_list_filter_t *filters = kind->source->filters;

    for (int i = 0; i < COMMON_COUNT; i++) {
        const char *common = common_name(kind, (um_common_t)i);

        if (common != NULL && strcmp(common, name) == 0) {
            return i;
        }
    }
    for (int i = 0; filters != NULL && filters[i].name != NULL; i++) {
        if (strcmp(filters[i].name, name) == 0) {
            return COMMON_COUNT + i;
        }
    }
    return -1;
}

/* NULL, or what the value must be. */
static const char *read_parameter(um_listing_request_t *listing, int number, const char *value,
                                  apr_pool_t *pool)
{
    const um_list_filter_t *filter;

    if (number < COMMON_COUNT) {
        return read_common(listing, (um_common_t)number, value)
                   ? NULL
                   : common_detail(listing->kind, (um_common_t)number, pool);
    }
    filter = &listing->kind->source->filters[number - COMMON_COUNT];
    return read_filter(listing, filter, value, pool) ? NULL : filter_detail(filter, pool);
}

static void read_given(um_listing_request_t *listing, unsigned *seen, um_request_t *request,
                       const um_query_parameter_t *given)
{
    int number = find_parameter(listing->kind, given->name);
    const char *detail;

    if (number < 0) {
        um_faults_add(&request->faults, given->name, "unknown_parameter",
                      "This request has no such parameter.");
        return;
    }
    if ((*seen & (1u << number)) != 0) {
        um_faults_add(&request->faults, given->name, "duplicate_parameter",
                      "It may be given once.");
        return;
    }
    *seen |= 1u << number;
    detail = read_parameter(listing, number, given->value, request->pool);
    if (detail != NULL) {
        um_faults_add(&request->faults, given->name, "invalid_value", detail);
    }
}

static void read_fallbacks(um_listing_request_t *listing, unsigned seen, apr_pool_t *pool)
{
    const um_list_filter_t *filters = listing->kind->source->filters;

    for (int i = 0; filters != NULL && filters[i].name != NULL; i++) {
        if (filters[i].fallback != NULL && (seen & (1u << (COMMON_COUNT + i))) == 0) {
            read_filter(listing, &filters[i], filters[i].fallback, pool);
        }
    }
}

/* What a cursor is of, by names that stay: a list and its order, in either direction. */
static const char *name_of_order(const um_listing_request_t *listing, apr_pool_t *pool)
{
    const char *name = listing->kind->source->orders[listing->list.order].name;

    return apr_pstrcat(pool, listing->kind->member, "/", name != NULL ? name : "", NULL);
}

/* Is a value one that a column of numbers can have? */
static int is_number(const char *value, apr_pool_t *pool)
{
    return strcmp(um_db_int(apr_strtoi64(value, NULL, 10), pool), value) == 0;
}

/* Read a cursor out of the text that stands for its key. */
static void read_cursor(um_cursor_t *cursor, const um_listing_request_t *listing,
                        const char *name, um_request_t *request)
{
    const um_list_t *list = &listing->list;
    const char *of = NULL;

    if (cursor->key == NULL || !um_cursor_is_one(cursor->key)) {
        return;
    }
    if (!um_cursor_read(&of, cursor, cursor->key, request->pool)) {
        um_faults_add(&request->faults, name, "invalid_cursor",
                      "It is not a whole cursor: take next_cursor or prev_cursor as they are.");
    } else if (list->order == 0 || strcmp(of, name_of_order(listing, request->pool)) != 0) {
        um_faults_add(&request->faults, name, "cursor_mismatch",
                      "The cursor is of another list or another order_by.");
    } else if (um_list_sql_orders_by_number(list) && !is_number(cursor->value, request->pool)) {
        um_faults_add(&request->faults, name, "invalid_cursor", "Its value is not a number.");
    }
}

void um_listing_read(um_listing_request_t *listing, um_request_t *request,
                     const um_listing_kind_t *kind)
{
    const um_host_t *host = um_store_host(request->store);
    unsigned seen = 0;

    memset(listing, 0, sizeof(*listing));
    request->faults.place = "query";
    listing->kind = kind;
    listing->list.source = kind->source;
    listing->list.limit = LIMIT_DEFAULT;
    listing->wants_count = 1;
    listing->now = apr_time_as_msec(host->now(host->baton));
    for (int i = 0; i < request->parameters->nelts; i++) {
        read_given(listing, &seen, request,
                   &APR_ARRAY_IDX(request->parameters, i, um_query_parameter_t));
    }
    read_fallbacks(listing, seen, request->pool);
    if (listing->single != NULL && request->parameters->nelts > 1) {
        um_faults_add(&request->faults, kind->key, "invalid_value",
                      "It asks for one entry, so it can't be combined with other parameters.");
    }
    read_cursor(&listing->list.after, listing, "start_after_id", request);
    read_cursor(&listing->list.before, listing, "end_before_id", request);
    listing->list.backwards = listing->list.before.key != NULL && listing->list.after.key == NULL;
}

/* ---- cursors ---- */

/* The values of cursors that are keys. UM_EREFUSED, and answer is a problem, if one is unknown.
 */
static apr_status_t find_cursors(um_answer_t *answer, um_request_t *request, um_db_t *db,
                                 um_list_t *list)
{
    struct {
        const char *name;
        um_cursor_t *cursor;
    } cursors[] = { { "start_after_id", &list->after }, { "end_before_id", &list->before } };

    for (int i = 0; i < 2; i++) {
        apr_status_t status;

        if (cursors[i].cursor->key == NULL || cursors[i].cursor->value != NULL) {
            continue;
        }
        status = um_store_lists_find_cursor(cursors[i].cursor, db, request->caller.org_id, list,
                                            request->pool);
        if (status == UM_ENOTFOUND) {
            um_faults_add(&request->faults, cursors[i].name, "unknown_cursor",
                          "There is no entry with this key; this order needs one that exists.");
        } else if (status != APR_SUCCESS) {
            return status;
        }
    }
    return request->faults.list != NULL ? um_problem_answer_faults(answer, &request->faults)
                                        : APR_SUCCESS;
}

/* The cursor at a row of the list, in pool. */
static void take_cursor(um_cursor_t *cursor, const um_row_t *row, const um_list_t *list,
                        apr_pool_t *pool)
{
    um_cursor_t at;

    um_store_lists_read_cursor(&at, row, list);
    cursor->key = apr_pstrdup(pool, at.key);
    cursor->value = at.value == at.key ? cursor->key : apr_pstrdup(pool, at.value);
}

/* ---- reading ---- */

/* How many of the wanted rows to read next, by the size of the entries so far and by the room
 * that is left. */
static apr_int64_t rows_to_read(apr_int64_t wanted, apr_size_t room, apr_int64_t count,
                                apr_size_t bytes)
{
    apr_int64_t fit = count == 0 ? READ_FIRST
                                 : (apr_int64_t)(room / (bytes / (apr_size_t)count + 1)) + 1;

    if (fit > READ_MAX) {
        fit = READ_MAX;
    }
    return wanted < fit ? wanted : fit;
}

/* Read rows in a pool of their own, because they are large, and not needed once they are taken.
 */
static apr_status_t read_rows(um_db_t *db, um_row_fn_t *take, void *baton,
                              const um_request_t *request, const um_list_t *list)
{
    apr_pool_t *pool;
    apr_status_t status;

    um_memory_pool(&pool, request->pool);
    status = um_store_lists_get(db, take, baton, request->caller.org_id, list, pool);
    apr_pool_destroy(pool);
    return status;
}

/* Make a list continue after a row. */
static void go_on(um_list_t *list, const um_cursor_t *last)
{
    *(list->backwards ? &list->before : &list->after) = *last;
}

/* ---- pages ---- */

/* A page that is being written. */
typedef struct um_page_t {
    const um_listing_request_t *listing;
    /* The part of the list to read next. */
    um_list_t list;
    um_buffer_t *buffer;
    /* Where the entries start in the buffer; where each entry starts, and where the last one
     * ends. */
    apr_size_t start;
    apr_size_t starts[LIMIT_MAX + 1];
    int count;
    /* How many rows the last statement read. */
    apr_int64_t rows;
    /* The first and the last entry, in the order in which they were read. */
    um_cursor_t first;
    um_cursor_t last;
    /* There is a further entry that does not fit, because of the limit or the bytes. */
    int more;
    /* Whether there are entries behind the last, and before the first, in the list's order. */
    int has_next;
    int has_prev;
    /* Where to go on in these directions, as clients see it; NULL where there is nothing. */
    const char *next_cursor;
    const char *prev_cursor;
    apr_pool_t *pool;
} um_page_t;

static void take_entry(const um_row_t *row, void *baton)
{
    um_page_t *page = baton;
    um_buffer_t *buffer = page->buffer;
    apr_size_t end = buffer->length;

    page->rows++;
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
    take_cursor(&page->last, row, &page->list, page->pool);
    if (page->count == 1) {
        page->first = page->last;
    }
}

/* Read entries until the page is full or there are no more. */
static apr_status_t read_entries(um_page_t *page, const um_request_t *request, um_db_t *db)
{
    apr_status_t status;

    page->start = page->buffer->length;
    do {
        apr_size_t bytes = page->buffer->length - page->start;

        page->list.limit = rows_to_read(page->listing->list.limit + 1 - page->count,
                                        PAGE_BYTES - bytes, page->count, bytes);
        page->rows = 0;
        status = read_rows(db, take_entry, page, request, &page->list);
        if (page->count > 0) {
            go_on(&page->list, &page->last);
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

/* One entry more was read on the side to which the list was read; what is on the other is
 * asked for where the client came from there. */
static apr_status_t find_neighbours(um_page_t *page, um_db_t *db, const um_request_t *request)
{
    const um_list_t *list = &page->listing->list;
    apr_status_t status = APR_SUCCESS;

    if (page->count == 0) {
        return APR_SUCCESS;
    }
    page->has_next = page->more && !list->backwards;
    page->has_prev = page->more && list->backwards;
    if (!page->has_next && list->before.key != NULL) {
        status = is_anything(&page->has_next, db, request, list, &page->last, NULL);
    }
    if (status == APR_SUCCESS && !page->has_prev && list->after.key != NULL) {
        status = is_anything(&page->has_prev, db, request, list, NULL, &page->first);
    }
    return status;
}

/* In the order of keys a key is a cursor by itself. */
static const char *cursor_at(const um_page_t *page, const um_cursor_t *at)
{
    const um_listing_request_t *listing = page->listing;

    return listing->list.order == 0
               ? at->key
               : um_cursor_write(name_of_order(listing, page->pool), at, page->pool);
}

/* A reference relative to the list that was asked for: behind a proxy or a rewriting rule
 * only the client knows its path. */
static void put_link(um_buffer_t *link, const um_request_t *request, const char *parameter,
                     const char *cursor, const char *key, const char *relation)
{
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
    /* A query that would be too long can do with the key, as long as there is its row. */
    um_buffer_puts(link, link->length - start + strlen(cursor) > UM_QUERY_MAX ? key : cursor);
    um_buffer_puts(link, ">; rel=\"");
    um_buffer_puts(link, relation);
    um_buffer_putc(link, '"');
}

/* The Link header's value; an empty text for none. */
static void put_links(um_buffer_t *link, const um_request_t *request, const um_page_t *page)
{
    if (page->has_next) {
        put_link(link, request, "start_after_id", page->next_cursor, page->last.key, "next");
    }
    if (page->has_prev) {
        put_link(link, request, "end_before_id", page->prev_cursor, page->first.key, "prev");
    }
}

static void put_key(um_buffer_t *buffer, const char *name, const char *key)
{
    um_json_put_any_name(buffer, name);
    um_json_put_string_or_null(buffer, key);
}

/* Count, where that is wanted, and read the entries. */
static apr_status_t put_entries(um_page_t *page, um_request_t *request, um_db_t *db)
{
    const um_listing_request_t *listing = page->listing;
    um_buffer_t *buffer = page->buffer;
    apr_int64_t org_id = request->caller.org_id;
    apr_int64_t count = 0;
    apr_status_t status = APR_SUCCESS;

    um_buffer_putc(buffer, '{');
    if (listing->wants_count) {
        status = um_store_lists_count(&count, db, org_id, &listing->list, request->pool);
        um_json_put_member_int(buffer, "query_count", count);
    }
    um_json_put_any_name(buffer, listing->kind->member);
    um_buffer_putc(buffer, '[');
    if (status == APR_SUCCESS && listing->wants_count) {
        um_store_lists_use_count(&page->list, count);
    }
    if (status == APR_SUCCESS && (!listing->wants_count || count > 0)) {
        status = read_entries(page, request, db);
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
    page->next_cursor = page->has_next ? cursor_at(page, &page->last) : NULL;
    page->prev_cursor = page->has_prev ? cursor_at(page, &page->first) : NULL;
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
    /* The links say no more than the members that they are made of. */
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

/* Write the page in a pool of its own, and copy the text, because writing takes more memory than
 * the text that a slow client keeps. */
static apr_status_t answer_with_page(um_answer_t *answer, um_request_t *request, um_db_t *db,
                                     const um_listing_request_t *listing)
{
    um_buffer_t body;
    um_buffer_t link;
    um_page_t page = { .listing = listing, .list = listing->list, .buffer = &body };
    apr_status_t status;

    um_memory_pool(&page.pool, request->pool);
    um_buffer_init(&body, 4096, page.pool);
    um_buffer_init(&link, 256, request->pool);
    status = put_page(&page, request, db);
    if (status == APR_SUCCESS) {
        put_links(&link, request, &page);
        answer_page(answer, request, &body, &link);
    }
    apr_pool_destroy(page.pool);
    return status;
}

/* ---- streams ---- */

/* A text whose memory is used again for other texts. */
typedef struct um_text_t {
    char *text;
    apr_size_t size;
} um_text_t;

static const char *overwrite(um_text_t *old, const char *text, apr_pool_t *pool)
{
    apr_size_t size = strlen(text) + 1;

    if (size > old->size) {
        old->size = size * 2;
        old->text = apr_palloc(pool, old->size);
    }
    return memcpy(old->text, text, size);
}

/* A stream between two batches. */
typedef struct um_stream_t {
    const um_listing_kind_t *kind;
    um_list_t list;
    apr_int64_t now;
    /* When the caller's role was last checked. */
    apr_time_t checked_at;
    /* How many more entries are wanted; -1 for all. */
    apr_int64_t left;
    int done;
    /* One batch: its text, and a pool that is cleared before the next. */
    um_buffer_t buffer;
    apr_pool_t *pool;
    apr_int64_t count;
    /* Rows that were read for it. Its text may have no room for more than count of them. */
    apr_int64_t rows;
    int is_full;
    /* The cursor of the last entry, and copies of its texts outside the batch's pool. */
    um_cursor_t last;
    um_text_t key;
    um_text_t value;
} um_stream_t;

static void take_line(const um_row_t *row, void *baton)
{
    um_stream_t *stream = baton;
    apr_size_t end = stream->buffer.length;

    stream->rows++;
    if (stream->is_full) {
        return;
    }
    stream->kind->put(&stream->buffer, row, stream->now);
    um_buffer_putc(&stream->buffer, '\n');
    if (stream->count > 0 && stream->buffer.length > STREAM_BYTES) {
        stream->buffer.length = end;
        stream->is_full = 1;
        return;
    }
    stream->count++;
    take_cursor(&stream->last, row, &stream->list, stream->pool);
}

/* The next batch starts after the last entry of this one. */
static void advance(um_stream_t *stream, apr_pool_t *request_pool)
{
    stream->list.after.key = overwrite(&stream->key, stream->last.key, request_pool);
    stream->list.after.value = overwrite(&stream->value, stream->last.value, request_pool);
}

static apr_status_t read_batch(um_stream_t *stream, um_request_t *request, um_db_t *db)
{
    apr_int64_t wanted = stream->left >= 0 ? stream->left : READ_MAX;
    apr_status_t status;

    stream->list.limit = rows_to_read(wanted, STREAM_BYTES, stream->count, stream->buffer.length);
    apr_pool_clear(stream->pool);
    um_buffer_init(&stream->buffer, STREAM_BYTES + STREAM_ENTRY_BYTES, stream->pool);
    stream->count = stream->rows = stream->is_full = 0;
    status = read_rows(db, take_line, stream, request, &stream->list);
    if (status != APR_SUCCESS) {
        return status;
    }
    if (stream->left >= 0) {
        stream->left -= stream->count;
    }
    stream->done = (!stream->is_full && stream->rows < stream->list.limit) || stream->left == 0;
    if (stream->count > 0) {
        advance(stream, request->pool);
    }
    return APR_SUCCESS;
}

static apr_status_t read_next_batch(um_stream_t *stream, um_request_t *request)
{
    int is_search = um_store_lists_is_search(&stream->list, 0);
    um_db_t *db = NULL;
    apr_pool_t *pool;
    apr_status_t status = um_permission_check_configured(&stream->checked_at, request);

    if (status == APR_SUCCESS && is_search) {
        status = um_store_begin_search(request->store, SEARCH_WAIT_STREAM);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    apr_pool_create(&pool, request->pool);
    status = is_search ? um_store_open_search(&db, request->store, pool)
                       : um_store_open(&db, request->store, pool);
    if (status == APR_SUCCESS) {
        status = um_permission_check_stored(request, db, pool);
    }
    if (status == APR_SUCCESS) {
        status = read_batch(stream, request, db);
    }
    um_db_close(db);
    apr_pool_destroy(pool);
    if (is_search) {
        um_store_end_search(request->store);
    }
    return status;
}

/* It holds a connection while it reads a batch, not while the client receives it. */
static apr_status_t write_stream(um_sink_t *sink, um_request_t *request, void *baton)
{
    um_stream_t *stream = baton;
    apr_status_t status = sink->write(sink->baton, stream->buffer.data, stream->buffer.length);

    while (status == APR_SUCCESS && !stream->done) {
        status = read_next_batch(stream, request);
        if (status == APR_SUCCESS) {
            status = sink->write(sink->baton, stream->buffer.data, stream->buffer.length);
        }
    }
    return status;
}

static void take_position(const um_row_t *row, void *baton)
{
    um_stream_t *stream = baton;

    stream->rows++;
    take_cursor(&stream->last, row, &stream->list, stream->pool);
}

/* For the last entries before a cursor, with a limit: find where they start. */
static apr_status_t find_start(um_stream_t *stream, um_request_t *request, um_db_t *db)
{
    um_list_t back = stream->list;
    apr_int64_t wanted = stream->left + 1;
    apr_status_t status;

    back.backwards = 1;
    do {
        back.limit = wanted < READ_MAX ? wanted : READ_MAX;
        stream->rows = 0;
        status = read_rows(db, take_position, stream, request, &back);
        wanted -= stream->rows;
        if (stream->rows > 0) {
            go_on(&back, &stream->last);
        }
    } while (status == APR_SUCCESS && wanted > 0 && stream->rows == back.limit);
    if (status == APR_SUCCESS && wanted == 0) {
        advance(stream, request->pool);
    }
    return status;
}

/* If all entries fit into one batch, it is no stream: httpd sends it while its worker serves
 * other requests. */
static apr_status_t answer_first_batch(um_answer_t *answer, um_request_t *request,
                                       um_stream_t *stream)
{
    if (!stream->done && !request->server->begin_stream(request)) {
        um_answer_set_header(answer, "Retry-After", STREAM_RETRY_SECONDS);
        return um_problem_answer(answer, 503, "too_many_streams", request->pool,
                                 "The largest number of streams is being sent; try again, or ask "
                                 "for pages.");
    }
    um_answer_json(answer, 200, &stream->buffer);
    answer->content_type = UM_NDJSON;
    if (!stream->done) {
        answer->stream = write_stream;
        answer->stream_baton = stream;
    }
    return APR_SUCCESS;
}

static apr_status_t answer_with_stream(um_answer_t *answer, um_request_t *request, um_db_t *db,
                                       const um_listing_request_t *listing)
{
    um_stream_t *stream = apr_pcalloc(request->pool, sizeof(*stream));
    apr_status_t status = APR_SUCCESS;

    um_memory_pool(&stream->pool, request->pool);
    um_buffer_init(&stream->buffer, 1024, stream->pool);
    stream->kind = listing->kind;
    stream->list = listing->list;
    stream->now = listing->now;
    stream->checked_at = apr_time_from_msec(listing->now);
    stream->left = listing->has_limit ? listing->list.limit : -1;
    stream->list.backwards = 0;
    if (listing->list.backwards && listing->has_limit) {
        status = find_start(stream, request, db);
    }
    if (status == APR_SUCCESS) {
        status = read_batch(stream, request, db);
    }
    return status == APR_SUCCESS ? answer_first_batch(answer, request, stream) : status;
}

/* ---- either ---- */

static apr_status_t answer_list(um_answer_t *answer, um_request_t *request,
                                um_listing_request_t *listing, int is_search)
{
    um_db_t *db = NULL;
    apr_status_t status = is_search ? um_store_open_search(&db, request->store, request->pool)
                                    : um_store_open(&db, request->store, request->pool);
    if (status == APR_SUCCESS) {
        status = find_cursors(answer, request, db, &listing->list);
    }
    if (status == APR_SUCCESS) {
        status = um_store_lists_plan(&listing->list, db, request->caller.org_id,
                                     listing->wants_count && !request->wants_ndjson,
                                     request->pool);
    }
    if (status == APR_SUCCESS) {
        status = request->wants_ndjson ? answer_with_stream(answer, request, db, listing)
                                       : answer_with_page(answer, request, db, listing);
    }
    um_db_close(db);
    return status;
}

apr_status_t um_listing_answer(um_answer_t *answer, um_request_t *request,
                               um_listing_request_t *listing)
{
    int is_counted = listing->wants_count && !request->wants_ndjson;
    apr_status_t status;

    if (request->faults.list != NULL) {
        return um_problem_answer_faults(answer, &request->faults);
    }
    if (!um_store_lists_is_search(&listing->list, is_counted)) {
        return answer_list(answer, request, listing, 0);
    }
    status = um_store_begin_search(request->store, SEARCH_WAIT);
    if (status == APR_SUCCESS) {
        status = answer_list(answer, request, listing, 1);
        um_store_end_search(request->store);
    }
    return status;
}

apr_status_t um_listing_handle(um_answer_t *answer, um_request_t *request,
                               const um_listing_kind_t *kind)
{
    um_listing_request_t listing;

    um_listing_read(&listing, request, kind);
    return um_listing_answer(answer, request, &listing);
}
