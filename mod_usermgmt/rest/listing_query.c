/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file listing_query.c The query of a list, see listing.h. */

#include "listing_parts.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "../base/address.h"
#include "../base/instant.h"
#include "../base/text.h"
#include "../base/ticks.h"
#include "../core/store_lists.h"
#include "../db/filter_sql.h"
#include "cursor.h"
#include "query.h"

#define LIMIT_DEFAULT 5

/* The parameters that every list has, apart from its filters. */
typedef enum um_common_t {
    LIMIT,
    AFTER,
    BEFORE,
    COUNT,
    /* For a list that has other orders than that of keys. */
    ORDER,
    /* For a list whose entries can have more members. */
    INCLUDE,
    /* The key of one entry, which is the answer instead of a list. */
    SINGLE,
    /* For a list whose source has attributes. */
    FILTER,
    /* For a list that has streams. */
    FORMAT,
    COLUMNS,
    COMMON_COUNT
} um_common_t;

/* The parameters that came are bits of a number. */
_Static_assert(COMMON_COUNT + UM_LIST_FILTERS_MAX <= UM_LIST_BITS_MAX,
               "a list can have more parameters than a number has bits");

/* SINGLE has the name of the key. */
static const char *const common_names[COMMON_COUNT] = {
    [LIMIT] = "limit",   [AFTER] = "start_after_id", [BEFORE] = "end_before_id",
    [COUNT] = "count",   [ORDER] = "order_by",       [INCLUDE] = "include",
    [FILTER] = "filter", [FORMAT] = "format",        [COLUMNS] = "columns",
};

/* Columns that can be named at once. */
#define COLUMNS_MAX 100

static const char *common_name(const um_listing_kind_t *kind, um_common_t which)
{
    if (which == SINGLE) {
        return kind->has_single ? kind->key : NULL;
    }
    if (which == INCLUDE) {
        return kind->include != NULL ? common_names[which] : NULL;
    }
    if (which == FILTER && kind->source->attributes == NULL) {
        return NULL;
    }
    if ((which == FORMAT || which == COLUMNS) && kind->columns == NULL) {
        return NULL;
    }
    return which == ORDER && kind->source->orders[0].name == NULL ? NULL : common_names[which];
}

/* ---- the details of faults ---- */

/* Write a name of a choice, with the separator that comes before it. */
static void put_name(um_buffer_t *buffer, const char *name, int is_first, int is_last)
{
    if (!is_first) {
        um_buffer_puts(buffer, is_last ? " or " : ", ");
    }
    um_buffer_puts(buffer, name);
}

/* The number of orders that a URL can name. */
static int count_orders(const um_list_source_t *source)
{
    int count = source->order_count;

    while (count > 0 && source->orders[count - 1].name == NULL) {
        count--;
    }
    return count;
}

static const char *order_detail(const um_list_source_t *source, apr_pool_t *pool)
{
    int count = count_orders(source);
    um_buffer_t buffer;

    um_buffer_init(&buffer, 128, pool);
    um_buffer_puts(&buffer, "It must be ");
    for (int i = 0; i < count; i++) {
        const um_list_order_t *order = &source->orders[i];
        int is_last = i == count - 1;

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
    case INCLUDE:
        return apr_psprintf(pool, "It must be %s.", kind->include);
    case FORMAT:
        return "It must be json, ndjson, csv or excel.";
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
    listing->has_limit = 1;
    return um_query_number(&listing->list.limit, value, 1, UM_LISTING_LIMIT_MAX);
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
    for (int i = 0; i < count_orders(source); i++) {
        const char *alias = source->orders[i].alias;

        if (strcmp(value, source->orders[i].name) == 0
            || (alias != NULL && strcmp(value, alias) == 0)) {
            listing->list.order = i;
            return 1;
        }
    }
    return 0;
}

static int read_include(um_listing_request_t *listing, const char *value)
{
    if (strcmp(value, listing->kind->include) != 0) {
        return 0;
    }
    listing->kind = listing->kind->included;
    listing->list.source = listing->kind->source;
    listing->has_include = 1;
    return 1;
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

/* The format is one of the query because a link has no Accept. */
static int read_format(um_listing_request_t *listing, um_request_t *request, const char *value)
{
    static const struct {
        const char *name;
        um_media_t media;
        int is_excel;
    } formats[] = { { "json", UM_MEDIA_JSON, 0 },
                    { "ndjson", UM_MEDIA_NDJSON, 0 },
                    { "csv", UM_MEDIA_CSV, 0 },
                    { "excel", UM_MEDIA_CSV, 1 } };

    for (apr_size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (strcmp(value, formats[i].name) == 0) {
            request->media = formats[i].media;
            listing->csv.is_excel = formats[i].is_excel;
            listing->has_format = 1;
            return 1;
        }
    }
    return 0;
}

static int read_common(um_listing_request_t *listing, um_common_t which, um_request_t *request,
                       const char *value)
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
    case INCLUDE:
        return read_include(listing, value);
    case FILTER:
        listing->filter = value;
        return 1;
    case FORMAT:
        return read_format(listing, request, value);
    case COLUMNS:
        listing->columns = value;
        return 1;
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
    case UM_LIST_TEXT_OR_CHOICE:
        if (read_choice(listing, filter->choices, value, pool)) {
            return 1;
        }
        break;
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

/* The number of the parameter with that name: the common ones come first, then the filters. -1 if
 * there is none. */
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

/* Read a value. NULL, or the detail of the fault. */
static const char *read_parameter(um_listing_request_t *listing, int number,
                                  um_request_t *request, const char *value)
{
    apr_pool_t *pool = request->pool;
    const um_list_filter_t *filter;

    if (number < COMMON_COUNT) {
        return read_common(listing, (um_common_t)number, request, value)
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
    detail = read_parameter(listing, number, request, given->value);
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

const char *um_listing_order_name(const um_listing_request_t *listing, apr_pool_t *pool)
{
    const char *name = listing->kind->source->orders[listing->list.order].name;

    return apr_pstrcat(pool, listing->kind->member, "/", name != NULL ? name : "", NULL);
}

/* Tell whether a column of numbers can have a value. */
static int is_number(const char *value, apr_pool_t *pool)
{
    return strcmp(um_db_int(apr_strtoi64(value, NULL, 10), pool), value) == 0;
}

/* Read a cursor. Its text was stored as its key, before the order of the list was known. */
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
    } else if (list->order == 0
               || strcmp(of, um_listing_order_name(listing, request->pool)) != 0) {
        um_faults_add(&request->faults, name, "cursor_mismatch",
                      "The cursor is of another list or another order_by.");
    } else if (um_list_sql_orders_by_number(list) && !is_number(cursor->value, request->pool)) {
        um_faults_add(&request->faults, name, "invalid_cursor", "Its value is not a number.");
    }
}

/* The filter comes last, because it must know the list's other conditions. */
static void apply_filter(um_listing_request_t *listing, um_request_t *request)
{
    um_filter_error_t error = { NULL, 0 };
    um_filter_t *filter = NULL;
    apr_status_t status;

    if (listing->filter == NULL) {
        return;
    }
    status = um_filter_parse(&filter, &error, listing->filter, request->pool);
    if (status == APR_SUCCESS) {
        status = um_filter_sql_apply(&listing->list, &error, filter,
                                     um_store_dialect(request->store), request->pool);
    }
    if (status != APR_SUCCESS) {
        um_faults_add(&request->faults, common_names[FILTER], "invalid_filter", error.detail);
    }
    listing->list.time_limit = request->settings->filter_timeout;
}

/* ---- columns ---- */

static int has_name(const apr_array_header_t *names, int count, const char *name)
{
    int i = 0;

    while (i < count && strcmp(APR_ARRAY_IDX(names, i, const char *), name) != 0) {
        i++;
    }
    return i < count;
}

/* What is wrong with a column; NULL if nothing is. usual are the columns of the list. */
static const char *check_column(const um_listing_kind_t *kind, const apr_array_header_t *usual,
                                const apr_array_header_t *columns, int number, apr_pool_t *pool)
{
    const char *column = APR_ARRAY_IDX(columns, number, const char *);
    int is_known = has_name(usual, usual->nelts, column);

    if (has_name(columns, number, column)) {
        return apr_psprintf(pool, "The column %s comes twice.", column);
    }
    if (!is_known && kind->rest != NULL) {
        const char *member = um_csv_member(column, pool);

        is_known = !kind->is_member(member) && um_rules_check_attribute_name(member) == NULL;
    }
    return is_known ? NULL
                    : apr_psprintf(pool, "There is no column %.64s; the usual ones are %s.",
                                   column, kind->columns);
}

/* The columns come last, because they depend on what is included. */
static void read_columns(um_listing_request_t *listing, um_request_t *request)
{
    const um_listing_kind_t *kind = listing->kind;
    const apr_array_header_t *usual;
    const char *detail = NULL;

    if (kind->columns == NULL) {
        return;
    }
    usual = um_csv_columns(kind->columns, request->pool);
    listing->csv.columns = listing->columns == NULL
                               ? usual
                               : um_csv_columns(listing->columns, request->pool);
    listing->csv.rest = kind->rest;
    listing->csv.is_member = kind->is_member;
    if (listing->columns == NULL) {
        return;
    }
    if (request->media != UM_MEDIA_CSV) {
        detail = "It is of use for CSV alone.";
    } else if (listing->csv.columns->nelts > COLUMNS_MAX) {
        detail = "It must have at most 100 columns.";
    }
    for (int i = 0; detail == NULL && i < listing->csv.columns->nelts; i++) {
        detail = check_column(kind, usual, listing->csv.columns, i, request->pool);
    }
    if (detail != NULL) {
        um_faults_add(&request->faults, common_names[COLUMNS], "invalid_value", detail);
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
    listing->came_at = um_ticks();
    for (int i = 0; i < request->parameters->nelts; i++) {
        read_given(listing, &seen, request,
                   &APR_ARRAY_IDX(request->parameters, i, um_query_parameter_t));
    }
    read_fallbacks(listing, seen, request->pool);
    apply_filter(listing, request);
    read_columns(listing, request);
    if (listing->single != NULL
        && request->parameters->nelts
               > 1 + listing->has_include + listing->has_format + (listing->columns != NULL)) {
        um_faults_add(&request->faults, kind->key, "invalid_value",
                      kind->include == NULL
                          ? "It asks for one entry, so it can't be combined with others."
                          : "It asks for one entry, so it can't be combined with others than "
                            "include, format and columns.");
    }
    read_cursor(&listing->list.after, listing, "start_after_id", request);
    read_cursor(&listing->list.before, listing, "end_before_id", request);
    listing->list.backwards = listing->list.before.key != NULL && listing->list.after.key == NULL;
}
