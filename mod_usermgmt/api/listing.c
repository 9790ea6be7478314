/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file listing.c Lists, pages and streams, see listing.h. */

#include "listing.h"

#include <stdlib.h>
#include <string.h>

#include <apr_siphash.h>
#include <apr_strings.h>

#include "../core/instant.h"
#include "../core/text.h"
#include "negotiate.h"
#include "query.h"

#define LIMIT_DEFAULT 5
#define LIMIT_MAX 1000
/* Rows of a stream that are read at once: memory for a connection less often. */
#define STREAM_BATCH 500

/* ---- the query ---- */

/* Reads one parameter's value; non-zero where it is good. */
typedef int um_parameter_read_t(um_listing_request_t *listing, const char *value,
                                apr_pool_t *pool);

static int read_limit(um_listing_request_t *listing, const char *value, apr_pool_t *pool)
{
    apr_int64_t limit = 0;

    (void)pool;
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

static int read_after(um_listing_request_t *listing, const char *value, apr_pool_t *pool)
{
    (void)pool;
    listing->list.after.uid = value;
    return um_rules_check_uid(value) == NULL;
}

static int read_before(um_listing_request_t *listing, const char *value, apr_pool_t *pool)
{
    (void)pool;
    listing->list.before.uid = value;
    return um_rules_check_uid(value) == NULL;
}

static int read_count(um_listing_request_t *listing, const char *value, apr_pool_t *pool)
{
    (void)pool;
    listing->wants_count = strcmp(value, "none") != 0;
    return !listing->wants_count || strcmp(value, "exact") == 0;
}

static int read_user_uid(um_listing_request_t *listing, const char *value, apr_pool_t *pool)
{
    (void)pool;
    listing->user_uid = value;
    return um_rules_check_uid(value) == NULL;
}

static int read_order(um_listing_request_t *listing, const char *value, apr_pool_t *pool)
{
    static const char *const names[] = {
        [UM_ORDER_UID] = "user_uid",
        [UM_ORDER_CREATED_AT] = "created_at",
        [UM_ORDER_EMAIL] = "email",
        [UM_ORDER_DISPLAY_NAME] = "display_name",
    };

    (void)pool;
    if (*value == '-') {
        listing->list.descending = 1;
        value++;
    }
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(value, names[i]) == 0) {
            listing->list.order = (um_order_t)i;
            return 1;
        }
    }
    return 0;
}

static int read_email(um_listing_request_t *listing, const char *value, apr_pool_t *pool)
{
    listing->list.filter.email_folded = um_text_fold(value, pool);
    return *value != '\0';
}

static int read_phone(um_listing_request_t *listing, const char *value, apr_pool_t *pool)
{
    (void)pool;
    listing->list.filter.phone = value;
    return *value != '\0';
}

static int read_role(um_listing_request_t *listing, const char *value, apr_pool_t *pool)
{
    (void)pool;
    if (strcmp(value, "user") == 0) {
        listing->list.filter.role = UM_ROLE_IS_USER;
    } else if (strcmp(value, "sub_admin") == 0) {
        listing->list.filter.role = UM_ROLE_IS_SUB_ADMIN;
    }
    return listing->list.filter.role != UM_ROLE_ANY;
}

static int read_display_name(um_listing_request_t *listing, const char *value, apr_pool_t *pool)
{
    listing->list.filter.name_prefix = um_text_fold(value, pool);
    return *value != '\0';
}

static int read_q(um_listing_request_t *listing, const char *value, apr_pool_t *pool)
{
    listing->list.filter.name_or_email_prefix = um_text_fold(value, pool);
    return *value != '\0';
}

static int read_created_after(um_listing_request_t *listing, const char *value, apr_pool_t *pool)
{
    (void)pool;
    listing->list.filter.has_created_after = 1;
    return um_instant_parse(&listing->list.filter.created_after, value);
}

static int read_created_before(um_listing_request_t *listing, const char *value,
                               apr_pool_t *pool)
{
    (void)pool;
    listing->list.filter.has_created_before = 1;
    return um_instant_parse(&listing->list.filter.created_before, value);
}

static const struct {
    const char *name;
    um_parameter_read_t *read;
    /* What a value must be. */
    const char *detail;
    int for_sub_admins;
} parameters[] = {
    { "limit", read_limit, "It must be a whole number from 1 to 1000.", 1 },
    { "start_after_id", read_after, "It must be a user_uid.", 1 },
    { "end_before_id", read_before, "It must be a user_uid.", 1 },
    { "count", read_count, "It must be none or exact.", 1 },
    { "user_uid", read_user_uid, "It must be a user_uid.", 0 },
    { "order_by", read_order,
      "It must be user_uid, created_at, email or display_name, with - in front for the reverse.",
      0 },
    { "email", read_email, "It must not be empty.", 0 },
    { "phone", read_phone, "It must not be empty.", 0 },
    { "role", read_role, "It must be user or sub_admin.", 0 },
    { "display_name", read_display_name, "It must not be empty.", 0 },
    { "q", read_q, "It must not be empty.", 0 },
    { "created_after", read_created_after,
      "It must be an RFC 3339 date-time; a + in it is written %2B.", 0 },
    { "created_before", read_created_before,
      "It must be an RFC 3339 date-time; a + in it is written %2B.", 0 },
};

#define PARAMETER_COUNT (sizeof(parameters) / sizeof(parameters[0]))

void um_listing_read(um_listing_request_t *listing, um_request_t *request,
                     const um_listing_kind_t *kind)
{
    unsigned seen = 0;

    memset(listing, 0, sizeof(*listing));
    listing->list.limit = LIMIT_DEFAULT;
    listing->list.sub_admins = kind->sub_admins;
    listing->wants_count = 1;
    for (int i = 0; i < request->parameters->nelts; i++) {
        const um_query_parameter_t *given = &APR_ARRAY_IDX(request->parameters, i,
                                                           um_query_parameter_t);
        unsigned at = 0;

        while (at < PARAMETER_COUNT
               && (strcmp(parameters[at].name, given->name) != 0
                   || (kind->sub_admins && !parameters[at].for_sub_admins))) {
            at++;
        }
        if (at == PARAMETER_COUNT) {
            um_faults_add(&request->faults, given->name, "unknown_parameter",
                          "There is no such parameter here.");
        } else if ((seen & (1u << at)) != 0) {
            um_faults_add(&request->faults, given->name, "duplicate_parameter",
                          "It may be given once.");
        } else if (!parameters[at].read(listing, given->value, request->pool)) {
            um_faults_add(&request->faults, given->name, "invalid_value", parameters[at].detail);
        }
        seen |= at < PARAMETER_COUNT ? 1u << at : 0;
    }
    if (listing->user_uid != NULL && request->parameters->nelts > 1) {
        um_faults_add(&request->faults, "user_uid", "invalid_value",
                      "It names a single user and can't be joined with other parameters.");
    }
    listing->list.backwards = listing->list.before.uid != NULL && listing->list.after.uid == NULL;
}

/* ---- cursors ---- */

/* Both cursors' keys. Unknown ones become faults, and the answer is theirs. */
static apr_status_t find_cursors(um_answer_t *answer, um_request_t *request, um_db_t *db,
                                 um_user_list_t *list)
{
    struct {
        const char *name;
        um_cursor_t *cursor;
    } cursors[] = { { "start_after_id", &list->after }, { "end_before_id", &list->before } };

    for (int i = 0; i < 2; i++) {
        apr_status_t status;

        if (cursors[i].cursor->uid == NULL) {
            continue;
        }
        status = um_store_users_find_cursor(cursors[i].cursor, db, request->caller.org_id,
                                            list->order, request->pool);
        if (status == UM_ENOTFOUND) {
            um_faults_add(&request->faults, cursors[i].name, "unknown_cursor",
                          "There is no such user; this order needs one that exists.");
        } else if (status != APR_SUCCESS) {
            return status;
        }
    }
    if (request->faults.list != NULL) {
        um_problem_answer_faults(answer, &request->faults);
    }
    return APR_SUCCESS;
}

/* A cursor at a user of the list. */
static void set_cursor(um_cursor_t *cursor, const um_user_t *user, um_order_t order,
                       apr_pool_t *pool)
{
    cursor->uid = apr_pstrdup(pool, user->uid);
    switch (order) {
    case UM_ORDER_UID:
        cursor->key = cursor->uid;
        break;
    case UM_ORDER_CREATED_AT:
        cursor->key = um_db_int(user->created_at, pool);
        break;
    case UM_ORDER_EMAIL:
        cursor->key = um_text_fold(user->email, pool);
        break;
    case UM_ORDER_DISPLAY_NAME:
        cursor->key = um_text_fold(user->display_name, pool);
        break;
    }
}

/* ---- pages ---- */

/* A page being written. */
typedef struct um_page_t {
    const um_listing_kind_t *kind;
    /* What is read: one entry more than the limit. */
    const um_user_list_t *list;
    um_buffer_t *buffer;
    /* Where each entry starts in the buffer, and the last one ends. */
    apr_size_t starts[LIMIT_MAX + 1];
    int count;
    /* The first and the last that came, in the order of their coming. */
    um_cursor_t first;
    um_cursor_t last;
    /* There is one more than the limit. */
    int more;
    apr_pool_t *pool;
} um_page_t;

static void take_entry(const um_user_t *user, const char *added_by, apr_int64_t added_at,
                       void *baton)
{
    um_page_t *page = baton;
    int limit = (int)page->list->limit - 1;

    if (page->count == limit) {
        page->more = 1;
        return;
    }
    if (page->count > 0) {
        um_buffer_putc(page->buffer, ',');
    }
    page->starts[page->count++] = page->buffer->length;
    page->kind->put(page->buffer, user, added_by, added_at);
    set_cursor(&page->last, user, page->list->order, page->pool);
    if (page->count == 1) {
        page->first = page->last;
    }
}

/* Turn the entries round: they came from the end of the stretch. */
static void reverse_entries(um_page_t *page)
{
    apr_size_t start = page->starts[0];
    apr_size_t end = page->buffer->length;
    char *copy = apr_pmemdup(page->pool, page->buffer->data + start, end - start);
    um_cursor_t first = page->first;

    page->buffer->length = start;
    for (int i = page->count; i-- > 0;) {
        apr_size_t length = (i + 1 < page->count ? page->starts[i + 1] - 1 : end) - page->starts[i];

        um_buffer_append(page->buffer, copy + (page->starts[i] - start), length);
        if (i > 0) {
            um_buffer_putc(page->buffer, ',');
        }
    }
    page->first = page->last;
    page->last = first;
}

static apr_status_t is_anyone(int *exist, um_db_t *db, const um_request_t *request,
                              const um_user_list_t *list, const um_cursor_t *after,
                              const um_cursor_t *before)
{
    static const um_cursor_t none = { NULL, NULL };
    um_user_list_t beyond = *list;

    beyond.after = after != NULL ? *after : none;
    beyond.before = before != NULL ? *before : none;
    beyond.backwards = after == NULL;
    return um_store_users_exist(exist, db, request->caller.org_id, &beyond, request->pool);
}

static void put_link(um_buffer_t *link, const um_request_t *request,
                     const um_listing_kind_t *kind, const char *cursor, const char *uid,
                     const char *relation)
{
    if (link->length > 0) {
        um_buffer_puts(link, ", ");
    }
    um_buffer_putc(link, '<');
    um_buffer_puts(link, request->base);
    um_buffer_putc(link, '/');
    um_buffer_puts(link, kind->path);
    um_buffer_putc(link, '?');
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
    um_buffer_puts(link, cursor);
    um_buffer_putc(link, '=');
    um_buffer_puts(link, uid);
    um_buffer_puts(link, ">; rel=\"");
    um_buffer_puts(link, relation);
    um_buffer_putc(link, '"');
}

/* The Link header's value; an empty text for none. */
static apr_status_t put_links(um_buffer_t *link, um_request_t *request, um_db_t *db,
                              const um_page_t *page, const um_user_list_t *list)
{
    int next = page->more && !list->backwards;
    int prev = page->more && list->backwards;
    apr_status_t status = APR_SUCCESS;

    if (page->count == 0) {
        return APR_SUCCESS;
    }
    if (!next && list->before.uid != NULL) {
        status = is_anyone(&next, db, request, list, &page->last, NULL);
    }
    if (status == APR_SUCCESS && !prev && list->after.uid != NULL) {
        status = is_anyone(&prev, db, request, list, NULL, &page->first);
    }
    if (status == APR_SUCCESS && next) {
        put_link(link, request, page->kind, "start_after_id", page->last.uid, "next");
    }
    if (status == APR_SUCCESS && prev) {
        put_link(link, request, page->kind, "end_before_id", page->first.uid, "prev");
    }
    return status;
}

static const char *page_etag(const um_buffer_t *body, const char *link, apr_pool_t *pool)
{
    static const unsigned char key[APR_SIPHASH_KSIZE] = "usermgmt-pages";
    apr_uint64_t hash = apr_siphash24(body->data, body->length, key);

    hash ^= apr_siphash24(link, strlen(link), key) << 1;
    return apr_psprintf(pool, "\"%" APR_UINT64_T_HEX_FMT "\"", hash);
}

static void put_member(um_buffer_t *buffer, const char *name, const char *text)
{
    um_buffer_puts(buffer, ",\"");
    um_buffer_puts(buffer, name);
    um_buffer_puts(buffer, "\":");
    um_json_put_string_or_null(buffer, text);
}

/* The page's text: everything but its links. */
static apr_status_t put_page(um_page_t *page, um_request_t *request, um_db_t *db,
                             const um_listing_request_t *listing, const um_user_list_t *list)
{
    um_buffer_t *buffer = page->buffer;
    apr_int64_t org_id = request->caller.org_id;
    apr_int64_t count = 0;
    apr_status_t status = APR_SUCCESS;

    um_buffer_putc(buffer, '{');
    if (listing->wants_count) {
        status = um_store_users_count(&count, db, org_id, list, request->pool);
        um_buffer_puts(buffer, "\"query_count\":");
        um_buffer_put_int(buffer, count);
        um_buffer_putc(buffer, ',');
    }
    um_buffer_putc(buffer, '"');
    um_buffer_puts(buffer, page->kind->member);
    um_buffer_puts(buffer, "\":[");
    if (status == APR_SUCCESS) {
        status = um_store_users_list(db, take_entry, page, org_id, page->list, request->pool);
    }
    if (status == APR_SUCCESS && list->backwards && page->count > 0) {
        reverse_entries(page);
    }
    um_buffer_putc(buffer, ']');
    put_member(buffer, "first_uid", page->count > 0 ? page->first.uid : NULL);
    put_member(buffer, "last_uid", page->count > 0 ? page->last.uid : NULL);
    um_buffer_putc(buffer, '}');
    return status;
}

static void answer_page(um_answer_t *answer, const um_request_t *request,
                        const um_buffer_t *body, const um_buffer_t *link)
{
    const char *etag = page_etag(body, link->data, request->pool);
    const char *none_match = apr_table_get(request->headers, "If-None-Match");

    um_answer_set_header(answer, "ETag", etag);
    if (link->length > 0) {
        um_answer_set_header(answer, "Link", link->data);
    }
    if (none_match != NULL && um_negotiate_etag_matches(none_match, etag, 1)) {
        answer->status = 304;
        return;
    }
    um_answer_json(answer, 200, body);
}

apr_status_t um_listing_answer_page(um_answer_t *answer, um_request_t *request,
                                    um_listing_request_t *listing,
                                    const um_listing_kind_t *kind)
{
    um_user_list_t one_more;
    um_buffer_t body;
    um_buffer_t link;
    um_page_t page = { 0 };
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, request->store, request->pool);

    if (status == APR_SUCCESS) {
        status = find_cursors(answer, request, db, &listing->list);
    }
    if (status != APR_SUCCESS || answer->status != 0) {
        goto cleanup;
    }
    um_buffer_init(&body, 4096, request->pool);
    um_buffer_init(&link, 256, request->pool);
    one_more = listing->list;
    one_more.limit++;
    page.kind = kind;
    page.list = &one_more;
    page.buffer = &body;
    page.pool = request->pool;
    status = put_page(&page, request, db, listing, &listing->list);
    if (status == APR_SUCCESS) {
        status = put_links(&link, request, db, &page, &listing->list);
    }
    if (status == APR_SUCCESS) {
        answer_page(answer, request, &body, &link);
    }

cleanup:
    um_db_close(db);
    return status;
}

/* ---- streams ---- */

/* A stream between two batches. */
typedef struct um_stream_t {
    const um_listing_kind_t *kind;
    um_user_list_t list;
    /* Entries still wanted; -1 for all. */
    apr_int64_t left;
    int done;
    /* One batch: its text, and a pool that is cleared before the next. */
    um_buffer_t buffer;
    apr_pool_t *pool;
    int count;
    /* The last user's cursor, copied out of the batch's pool. */
    um_cursor_t last;
    char last_uid[UM_UID_MAX + 1];
    char *last_key;
    apr_size_t last_key_size;
} um_stream_t;

static void take_line(const um_user_t *user, const char *added_by, apr_int64_t added_at,
                      void *baton)
{
    um_stream_t *stream = baton;

    stream->kind->put(&stream->buffer, user, added_by, added_at);
    um_buffer_putc(&stream->buffer, '\n');
    stream->count++;
    set_cursor(&stream->last, user, stream->list.order, stream->pool);
}

/* The next batch starts behind the last user of this one. */
static void advance(um_stream_t *stream, apr_pool_t *request_pool)
{
    apr_size_t size = strlen(stream->last.key) + 1;

    if (size > stream->last_key_size) {
        stream->last_key_size = size * 2;
        stream->last_key = apr_palloc(request_pool, stream->last_key_size);
    }
    memcpy(stream->last_key, stream->last.key, size);
    apr_cpystrn(stream->last_uid, stream->last.uid, sizeof(stream->last_uid));
    stream->list.after.uid = stream->last_uid;
    stream->list.after.key = stream->last_key;
}

static apr_status_t read_batch(um_stream_t *stream, um_request_t *request, um_db_t *db)
{
    apr_status_t status;

    apr_pool_clear(stream->pool);
    um_buffer_init(&stream->buffer, 65536, stream->pool);
    stream->count = 0;
    stream->list.limit = stream->left >= 0 && stream->left < STREAM_BATCH ? stream->left
                                                                          : STREAM_BATCH;
    status = um_store_users_list(db, take_line, stream, request->caller.org_id, &stream->list,
                                 stream->pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    if (stream->left >= 0) {
        stream->left -= stream->count;
    }
    stream->done = stream->count < stream->list.limit || stream->left == 0;
    if (stream->count > 0) {
        advance(stream, request->pool);
    }
    return APR_SUCCESS;
}

/* A connection is held while a batch is read, not while the client takes it. */
static apr_status_t write_stream(um_sink_t *sink, um_request_t *request, void *baton)
{
    um_stream_t *stream = baton;
    apr_status_t status = sink->write(sink->baton, stream->buffer.data, stream->buffer.length);

    while (status == APR_SUCCESS && !stream->done) {
        um_db_t *db = NULL;
        apr_pool_t *pool;

        apr_pool_create(&pool, request->pool);
        status = um_store_open(&db, request->store, pool);
        if (status == APR_SUCCESS) {
            status = read_batch(stream, request, db);
        }
        um_db_close(db);
        apr_pool_destroy(pool);
        if (status == APR_SUCCESS) {
            status = sink->write(sink->baton, stream->buffer.data, stream->buffer.length);
        }
    }
    return status;
}

/* The last ones before a cursor with a limit: where the stretch starts. */
static apr_status_t find_start(um_stream_t *stream, um_request_t *request, um_db_t *db)
{
    um_user_list_t list = stream->list;
    apr_status_t status;

    list.limit++;
    stream->list = list;
    status = um_store_users_list(db, take_line, stream, request->caller.org_id, &list,
                                 stream->pool);
    if (status == APR_SUCCESS && stream->count == list.limit) {
        advance(stream, request->pool);
    }
    stream->list.backwards = 0;
    return status;
}

apr_status_t um_listing_answer_stream(um_answer_t *answer, um_request_t *request,
                                      um_listing_request_t *listing,
                                      const um_listing_kind_t *kind)
{
    um_stream_t *stream = apr_pcalloc(request->pool, sizeof(*stream));
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, request->store, request->pool);

    if (status == APR_SUCCESS) {
        status = find_cursors(answer, request, db, &listing->list);
    }
    if (status != APR_SUCCESS || answer->status != 0) {
        goto cleanup;
    }
    apr_pool_create(&stream->pool, request->pool);
    um_buffer_init(&stream->buffer, 1024, stream->pool);
    stream->kind = kind;
    stream->list = listing->list;
    stream->left = listing->has_limit ? listing->list.limit : -1;
    stream->list.backwards = 0;
    if (listing->list.backwards && listing->has_limit) {
        stream->list.backwards = 1;
        status = find_start(stream, request, db);
    }
    if (status == APR_SUCCESS) {
        status = read_batch(stream, request, db);
    }
    if (status == APR_SUCCESS) {
        answer->status = 200;
        answer->content_type = "application/x-ndjson";
        answer->stream = write_stream;
        answer->stream_baton = stream;
    }

cleanup:
    um_db_close(db);
    return status;
}
