/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file listing.c Lists of resources, see listing.h. */

#include "listing.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/digest.h"
#include "../base/memory.h"
#include "../base/ticks.h"
#include "../core/list_places.h"
#include "../core/store_lists.h"
#include "../db/filter_sql.h"
#include "../db/list_path.h"
#include "cursor.h"
#include "error.h"
#include "search.h"

/* Rows that are read at once. */
#define READ_MAX 250

/* The list of one kind. */
typedef struct um_part_t {
    const um_scim_list_kind_t *kind;
    um_scim_projection_t projection;
    um_list_t list;
    /* The filter is not for this kind. */
    int is_empty;
    apr_int64_t total;
} um_part_t;

/* A page that is being made. */
typedef struct um_page_t {
    um_request_t *request;
    um_scim_search_t search;
    um_db_t *db;
    um_part_t parts[UM_SCIM_KINDS_MAX];
    int part_count;
    apr_int64_t total;
    /* Where it begins: the part, and so many entries of it before. By cursor that is not
     * known. */
    int part;
    apr_int64_t index;
    /* Everything in which lists differ. */
    const char *query;
    /* The resources, in a pool of the page. */
    um_buffer_t resources;
    apr_int64_t count;
    /* There are more resources than fit. */
    int has_more;
    /* The last entry, and its part. A part behind may have been read without any that fitted. */
    um_cursor_t last;
    int last_part;
    apr_pool_t *pool;
} um_page_t;

/* ---- the query ---- */

static int order_of(const um_scim_list_kind_t *kind, const char *attribute)
{
    /* The attribute may have the URN of its schema. */
    const char *urn = kind->type->schema->urn;
    apr_size_t length = strlen(urn);

    if (strncasecmp(attribute, urn, length) == 0 && attribute[length] == ':') {
        attribute += length + 1;
    }
    for (const um_scim_order_t *at = kind->orders; at->attribute != NULL; at++) {
        if (um_filter_same_name(at->attribute, attribute)) {
            return at->order;
        }
    }
    return 0;
}

static void init_part(um_part_t *part, const um_scim_list_kind_t *kind, const um_page_t *page)
{
    const um_scim_search_t *search = &page->search;

    memset(part, 0, sizeof(*part));
    part->kind = kind;
    part->list.source = kind->source;
    if (search->sort_by != NULL) {
        part->list.order = order_of(kind, search->sort_by);
        part->list.descending = search->is_descending && part->list.order != 0;
    }
    um_scim_projection_make(&part->projection, search->attributes, search->excluded_attributes,
                            kind->type, page->request->pool);
}

/* The reader is named too: what one reader has read says nothing of where another one is. */
static const char *query_of(const um_page_t *page)
{
    const um_request_t *request = page->request;
    const um_scim_search_t *search = &page->search;
    char *query = apr_psprintf(request->pool, "%" APR_INT64_T_FMT " %s %s",
                               request->caller.org_id, request->caller.identity,
                               page->part_count > 1 ? "*" : "");

    for (int i = 0; i < page->part_count; i++) {
        const um_part_t *part = &page->parts[i];

        query = apr_psprintf(request->pool, "%s %s %d %d", query, part->kind->type->name,
                             part->list.order, part->list.descending);
    }
    return apr_pstrcat(request->pool, query, " ", search->filter, NULL);
}

/* Put a part under the client's filter. */
static apr_status_t apply_filter(um_part_t *part, um_filter_error_t *error,
                                 const um_filter_t *filter, const um_request_t *request)
{
    if (part->kind->source->attributes == NULL) {
        error->detail = "These resources can't be filtered.";
        return UM_EINVALID;
    }
    part->list.time_limit = request->settings->filter_timeout;
    return um_filter_sql_apply(&part->list, error, filter, um_store_dialect(request->store),
                               request->pool);
}

/* If a list has several kinds, a filter may name attributes that only one of them has. Then it
 * finds nothing of the others, which are left out. */
static apr_status_t filter_parts(um_page_t *page, um_answer_t *answer)
{
    const um_request_t *request = page->request;
    um_filter_error_t error = { NULL, 0 };
    um_filter_t *filter = NULL;
    apr_status_t status = um_filter_parse(&filter, &error, page->search.filter, request->pool);
    int understood = 0;

    for (int i = 0; status == APR_SUCCESS && i < page->part_count; i++) {
        page->parts[i].is_empty = apply_filter(&page->parts[i], &error, filter, request)
                                  != APR_SUCCESS;
        understood |= !page->parts[i].is_empty;
    }
    return understood ? APR_SUCCESS
                      : um_scim_error_refuse(answer, 400, UM_SCIM_INVALID_FILTER, request->pool,
                                             "%s", error.detail);
}

static apr_status_t init_parts(um_page_t *page, um_answer_t *answer,
                               const um_scim_list_kind_t *const *kinds)
{
    while (kinds[page->part_count] != NULL) {
        init_part(&page->parts[page->part_count], kinds[page->part_count], page);
        page->part_count++;
    }
    page->query = query_of(page);
    return page->search.filter != NULL ? filter_parts(page, answer) : APR_SUCCESS;
}

/* ---- cursors ---- */

/* A cursor is signed with the secret of the caller's API key, so that it holds on every server
 * that has the same database. It is of no use to other callers. A person has no key: then it is
 * signed with a secret of this server. */
static um_scim_cursor_seal_t seal_of(const um_page_t *page)
{
    const um_request_t *request = page->request;
    const char *secret = request->caller.key_secret_sha256;

    if (secret != NULL) {
        return (um_scim_cursor_seal_t){ secret, strlen(secret), page->query };
    }
    return (um_scim_cursor_seal_t){ um_list_places_secret(request->server->list_places()),
                                    UM_LIST_PLACES_SECRET, page->query };
}

static apr_int64_t present(const um_request_t *request)
{
    const um_host_t *host = um_store_host(request->store);

    return apr_time_as_msec(host->now(host->baton));
}

/* Begin behind the client's cursor. */
static apr_status_t begin_at_cursor(um_page_t *page, um_answer_t *answer)
{
    um_request_t *request = page->request;
    um_scim_cursor_seal_t seal = seal_of(page);
    um_cursor_t at;
    apr_status_t status;

    if (*page->search.cursor == '\0') {
        return APR_SUCCESS;
    }
    status = um_scim_cursor_read(&page->part, &at, &seal, page->search.cursor, present(request),
                                 request->pool);
    if (status == APR_TIMEUP) {
        return um_scim_error_refuse(answer, 400, UM_SCIM_EXPIRED_CURSOR, request->pool,
                                    "The cursor has expired; begin with an empty one.");
    }
    if (status != APR_SUCCESS || page->part >= page->part_count) {
        return um_scim_error_refuse(answer, 400, UM_SCIM_INVALID_CURSOR, request->pool,
                                    "The cursor is not one of this query.");
    }
    page->parts[page->part].list.after = at;
    return APR_SUCCESS;
}

/* ---- startIndex ---- */

/* The name of a part among the places that are remembered. */
static apr_uint64_t name_of(const um_page_t *page)
{
    const um_list_places_t *places = page->request->server->list_places();

    return um_list_places_name(places, apr_psprintf(page->request->pool, "%d %s", page->part,
                                                    page->query));
}

/* Begin behind so many entries of a part: behind the last place before that is remembered, and
 * those that are between. */
static apr_status_t begin_behind(um_page_t *page, apr_int64_t index)
{
    um_part_t *part = &page->parts[page->part];
    um_request_t *request = page->request;
    um_list_place_t place = { 0 };
    um_cursor_t at = { NULL };
    apr_status_t status;

    page->index = index;
    if (um_list_places_get(&place, request->server->list_places(), name_of(page), index,
                           part->total, um_ticks(), request->pool)) {
        part->list.after = place.at;
    }
    if (place.index == index) {
        return APR_SUCCESS;
    }
    status = um_store_lists_find_place(&at, page->db, request->caller.org_id, &part->list,
                                       index - place.index - 1, request->pool);
    if (status == APR_SUCCESS) {
        part->list.after = at;
    }
    return status;
}

/* Begin at startIndex. UM_ENOTFOUND if the list ends before. */
static apr_status_t begin_at_index(um_page_t *page)
{
    apr_int64_t index = page->search.start_index - 1;

    while (page->part < page->part_count && index >= page->parts[page->part].total) {
        index -= page->parts[page->part++].total;
    }
    if (page->part == page->part_count) {
        return UM_ENOTFOUND;
    }
    return index > 0 ? begin_behind(page, index) : APR_SUCCESS;
}

/* Remember where the page ends. */
static void remember_end(const um_page_t *page, const um_part_t *part, apr_int64_t count)
{
    um_list_place_t place = { name_of(page), page->index + count, part->total, page->last };

    if (page->search.cursor == NULL && count > 0) {
        um_list_places_put(page->request->server->list_places(), &place, um_ticks());
    }
}

/* ---- rows ---- */

/* Rows that were read together. */
typedef struct um_batch_t {
    const um_part_t *part;
    /* Of void *. */
    apr_array_header_t *records;
    /* Of um_cursor_t. */
    apr_array_header_t *cursors;
    apr_pool_t *pool;
} um_batch_t;

static void take_row(const um_row_t *row, void *baton)
{
    um_batch_t *batch = baton;
    um_cursor_t at;

    um_store_lists_read_cursor(&at, row, &batch->part->list);
    at.key = apr_pstrdup(batch->pool, at.key);
    at.value = apr_pstrdup(batch->pool, at.value);
    APR_ARRAY_PUSH(batch->cursors, um_cursor_t) = at;
    APR_ARRAY_PUSH(batch->records, void *) = batch->part->kind->read(row, batch->pool);
}

/* Append a resource. Returns 0 if the page is full. */
static int put_record(um_page_t *page, const um_part_t *part, const void *record,
                      apr_pool_t *pool)
{
    um_buffer_t *resources = &page->resources;
    apr_size_t end = resources->length;

    if (page->count == page->search.count) {
        return 0;
    }
    if (page->count > 0) {
        um_buffer_putc(resources, ',');
    }
    part->kind->put(resources, record, page->request, &part->projection, pool);
    if (page->count > 0 && resources->length > UM_SCIM_PAGE_BYTES) {
        resources->length = end;
        resources->data[end] = '\0';
        return 0;
    }
    page->count++;
    return 1;
}

static void put_records(um_page_t *page, const um_part_t *part, const um_batch_t *batch)
{
    const um_cursor_t *last = NULL;

    for (int i = 0; !page->has_more && i < batch->records->nelts; i++) {
        if (put_record(page, part, APR_ARRAY_IDX(batch->records, i, void *), batch->pool)) {
            last = &APR_ARRAY_IDX(batch->cursors, i, um_cursor_t);
        } else {
            page->has_more = 1;
        }
    }
    if (last != NULL) {
        page->last.key = apr_pstrdup(page->pool, last->key);
        page->last.value = apr_pstrdup(page->pool, last->value);
        page->last_part = page->part;
    }
}

/* Read and write up to so many rows; *rows is the number that was read. */
static apr_status_t read_batch(apr_int64_t *rows, um_page_t *page, um_part_t *part,
                               apr_pool_t *pool)
{
    um_batch_t batch = { part, apr_array_make(pool, READ_MAX, sizeof(void *)),
                         apr_array_make(pool, READ_MAX, sizeof(um_cursor_t)), pool };
    apr_int64_t wanted = page->search.count + 1 - page->count;
    apr_status_t status;

    part->list.limit = wanted < READ_MAX ? wanted : READ_MAX;
    status = um_store_lists_get(page->db, take_row, &batch, page->request->caller.org_id,
                                &part->list, pool);
    if (status == APR_SUCCESS && part->kind->complete != NULL && batch.records->nelts > 0) {
        status = part->kind->complete(batch.records, page->db, page->request, &part->projection,
                                      pool);
    }
    if (status == APR_SUCCESS) {
        put_records(page, part, &batch);
        *rows = batch.records->nelts;
    }
    return status;
}

/* The resources of a part, until the page is full. */
static apr_status_t read_part(um_page_t *page, um_part_t *part)
{
    apr_int64_t before = page->count;
    apr_int64_t rows;
    apr_status_t status;

    do {
        apr_pool_t *pool;

        rows = 0;
        um_memory_pool(&pool, page->request->pool);
        status = read_batch(&rows, page, part, pool);
        apr_pool_destroy(pool);
        if (page->count > before) {
            part->list.after = page->last;
        }
    } while (status == APR_SUCCESS && !page->has_more && rows == part->list.limit);
    if (status == APR_SUCCESS) {
        remember_end(page, part, page->count - before);
    }
    return status;
}

static apr_status_t read_parts(um_page_t *page)
{
    apr_status_t status = APR_SUCCESS;

    while (status == APR_SUCCESS) {
        um_part_t *part = &page->parts[page->part];

        status = part->total > 0 ? read_part(page, part) : APR_SUCCESS;
        if (page->has_more || page->part + 1 == page->part_count) {
            return status;
        }
        if (page->count == page->search.count) {
            page->has_more = page->parts[page->part + 1].total > 0;
            return status;
        }
        page->part++;
        page->index = 0;
    }
    return status;
}

/* ---- the answer ---- */

static void put_page(um_buffer_t *buffer, const um_page_t *page)
{
    um_buffer_puts(buffer, "{\"schemas\":[\"" UM_SCIM_URN_LIST_RESPONSE "\"]");
    um_json_put_member_int(buffer, "totalResults", page->total);
    um_json_put_member_int(buffer, "itemsPerPage", page->count);
    if (page->search.cursor == NULL) {
        um_json_put_member_int(buffer, "startIndex", page->search.start_index);
    } else if (page->has_more && page->count > 0) {
        um_scim_cursor_seal_t seal = seal_of(page);

        um_json_put_member_if(buffer, "nextCursor",
                              um_scim_cursor_write(&seal, page->last_part, &page->last,
                                                   present(page->request), page->pool));
    }
    um_json_put_name(buffer, "Resources");
    um_buffer_putc(buffer, '[');
    um_buffer_append(buffer, page->resources.data, page->resources.length);
    um_buffer_puts(buffer, "]}");
}

/* The text is copied into a pool that has its size, because a slow client keeps it for long. */
static void answer_page(um_answer_t *answer, const um_page_t *page)
{
    um_buffer_t body;
    apr_pool_t *pool;

    um_memory_pool(&pool, page->request->pool);
    um_buffer_init(&body, page->resources.length + 1024, pool);
    put_page(&body, page);
    um_answer_json(answer, 200, &body);
}

/* Is there one part, of which at most one resource matches, on this page? Reading it counts it.
 */
static int is_single(const um_page_t *page)
{
    return page->part_count == 1 && page->search.cursor == NULL && page->search.start_index == 1
           && page->search.count > 0 && um_list_path_finds_one(&page->parts[0].list);
}

static apr_status_t count_part(um_part_t *part, const um_page_t *page)
{
    const um_request_t *request = page->request;
    apr_int64_t org_id = request->caller.org_id;
    int is_counted = !is_single(page);
    apr_status_t status = um_store_lists_plan(&part->list, page->db, org_id, is_counted,
                                              request->pool);

    part->total = 1;
    if (status == APR_SUCCESS && is_counted) {
        status = um_store_lists_count(&part->total, page->db, org_id, &part->list, request->pool);
    }
    part->list.limit = page->search.count + 1;
    if (is_counted) {
        um_store_lists_use_count(&part->list, part->total);
    }
    return status;
}

static apr_status_t count_parts(um_page_t *page)
{
    apr_status_t status = APR_SUCCESS;

    for (int i = 0; status == APR_SUCCESS && i < page->part_count; i++) {
        um_part_t *part = &page->parts[i];

        if (!part->is_empty) {
            status = count_part(part, page);
            page->total += part->total;
        }
    }
    return status;
}

static apr_status_t make_page(um_page_t *page, um_answer_t *answer)
{
    apr_status_t status = count_parts(page);

    if (status != APR_SUCCESS || page->search.count == 0) {
        return status;
    }
    status = page->search.cursor != NULL ? begin_at_cursor(page, answer) : begin_at_index(page);
    if (status == UM_ENOTFOUND) {
        return APR_SUCCESS;
    }
    if (status == APR_SUCCESS) {
        status = read_parts(page);
    }
    page->total = is_single(page) ? page->count : page->total;
    return status;
}

static apr_status_t answer_list(um_answer_t *answer, um_page_t *page, int is_search)
{
    um_request_t *request = page->request;
    apr_status_t status = is_search
                              ? um_store_open_search(&page->db, request->store, request->pool)
                              : um_store_open(&page->db, request->store, request->pool);

    um_memory_pool(&page->pool, request->pool);
    um_buffer_init(&page->resources, 4096, page->pool);
    if (status == APR_SUCCESS) {
        status = make_page(page, answer);
    }
    um_db_close(page->db);
    if (status == APR_SUCCESS) {
        answer_page(answer, page);
    }
    apr_pool_destroy(page->pool);
    return status;
}

static int is_search(const um_page_t *page)
{
    int found = 0;

    for (int i = 0; i < page->part_count; i++) {
        found |= um_store_lists_is_search(&page->parts[i].list, 1);
    }
    return found;
}

/* An expensive list. */
static apr_status_t answer_search(um_answer_t *answer, um_page_t *page)
{
    um_request_t *request = page->request;
    apr_status_t status = um_store_begin_search(request->store, UM_STORE_SEARCH_WAIT);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = answer_list(answer, page, 1);
    um_store_end_search(request->store);
    return status;
}

static apr_status_t refuse_slow_filter(um_answer_t *answer, um_request_t *request)
{
    um_answer_init(answer, request->pool);
    return um_scim_error_refuse(answer, 400, UM_SCIM_TOO_MANY, request->pool,
                                "The filter has to look at too many resources: add a comparison "
                                "by eq or sw with id, userName, externalId, emails or "
                                "displayName.");
}

apr_status_t um_scim_listing_answer(um_answer_t *answer, um_request_t *request,
                                    const um_scim_list_kind_t *const *kinds)
{
    um_page_t page = { .request = request };
    apr_status_t status = um_scim_search_read(&page.search, answer, request);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = init_parts(&page, answer, kinds);
    if (status != APR_SUCCESS) {
        return status;
    }
    status = is_search(&page) ? answer_search(answer, &page) : answer_list(answer, &page, 0);
    return status == APR_TIMEUP ? refuse_slow_filter(answer, request) : status;
}
