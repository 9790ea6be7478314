/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file listing_stream.c A list as a stream, a line for each entry; see listing_parts.h. */

#include "listing_parts.h"

#include <string.h>

#include "../base/memory.h"
#include "../core/store_lists.h"
#include "negotiate.h"
#include "permission.h"

/* Bytes that a stream writes at once. */
#define STREAM_BYTES 262144
/* Bytes of an entry; only few entries have more. */
#define STREAM_ENTRY_BYTES 49152
/* When to try again if there are too many streams. */
#define STREAM_RETRY_SECONDS "5"

/* How long an expensive list waits for its turn. A stream waits longer, because after its
 * beginning the client can't be asked to try again. */
#define SEARCH_WAIT_STREAM apr_time_from_sec(30)

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
    /* When the caller's role was last checked, by um_ticks(). */
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
    um_listing_take_cursor(&stream->last, row, &stream->list, stream->pool);
}

/* The next batch starts after the last entry of this one. */
static void advance(um_stream_t *stream, apr_pool_t *request_pool)
{
    stream->list.after.key = overwrite(&stream->key, stream->last.key, request_pool);
    stream->list.after.value = overwrite(&stream->value, stream->last.value, request_pool);
}

static apr_status_t read_batch(um_stream_t *stream, um_request_t *request, um_db_t *db)
{
    apr_int64_t wanted = stream->left >= 0 ? stream->left : UM_LISTING_READ_MAX;
    apr_status_t status;

    stream->list.limit = um_listing_rows_to_read(wanted, STREAM_BYTES, stream->count,
                                                 stream->buffer.length);
    apr_pool_clear(stream->pool);
    um_buffer_init(&stream->buffer, STREAM_BYTES + STREAM_ENTRY_BYTES, stream->pool);
    stream->count = stream->rows = stream->is_full = 0;
    status = um_listing_read_rows(db, take_line, stream, request, &stream->list);
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
    um_listing_take_cursor(&stream->last, row, &stream->list, stream->pool);
}

/* Find the start of the last entries before a cursor: with a limit, lines are written from there
 * in the list's order. */
static apr_status_t find_start(um_stream_t *stream, um_request_t *request, um_db_t *db)
{
    um_list_t back = stream->list;
    apr_int64_t wanted = stream->left + 1;
    apr_status_t status;

    back.backwards = 1;
    do {
        back.limit = wanted < UM_LISTING_READ_MAX ? wanted : UM_LISTING_READ_MAX;
        stream->rows = 0;
        status = um_listing_read_rows(db, take_position, stream, request, &back);
        wanted -= stream->rows;
        if (stream->rows > 0) {
            um_listing_go_on(&back, &stream->last);
        }
    } while (status == APR_SUCCESS && wanted > 0 && stream->rows == back.limit);
    if (status == APR_SUCCESS && wanted == 0) {
        advance(stream, request->pool);
    }
    return status;
}

/* If all entries fit into one batch, the answer is sent whole, because then the worker is free
 * for other requests while httpd sends it. */
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

apr_status_t um_listing_answer_stream(um_answer_t *answer, um_request_t *request, um_db_t *db,
                                      const um_listing_request_t *listing)
{
    um_stream_t *stream = apr_pcalloc(request->pool, sizeof(*stream));
    apr_status_t status = APR_SUCCESS;

    um_memory_pool(&stream->pool, request->pool);
    um_buffer_init(&stream->buffer, 1024, stream->pool);
    stream->kind = listing->kind;
    stream->list = listing->list;
    stream->now = listing->now;
    stream->checked_at = listing->came_at;
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
