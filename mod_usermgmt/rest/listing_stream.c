/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file listing_stream.c A list as a stream of NDJSON or CSV, a line for each entry; see
 *  listing_parts.h. */

#include "listing_parts.h"

#include <string.h>

#include <apr_strings.h>

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
    const um_listing_request_t *listing;
    um_list_t list;
    int is_csv;
    /* When the caller's role was last checked, by um_ticks(). */
    apr_time_t checked_at;
    /* How many more entries are wanted; -1 for all. */
    apr_int64_t left;
    int done;
    /* Whether the header line of CSV is written. */
    int has_header;
    /* One batch: its text, and a pool that is cleared before the next. */
    um_buffer_t buffer;
    apr_pool_t *pool;
    /* The JSON of the entry that becomes a line of CSV. */
    um_buffer_t entry;
    apr_int64_t count;
    /* Rows that were read for it. Its text may have no room for more than count of them. */
    apr_int64_t rows;
    int is_full;
    /* The cursor of the last entry, and copies of its texts outside the batch's pool. */
    um_cursor_t last;
    um_text_t key;
    um_text_t value;
} um_stream_t;

static void put_line(um_stream_t *stream, const um_row_t *row)
{
    const um_listing_request_t *listing = stream->listing;

    if (!stream->is_csv) {
        listing->kind->put(&stream->buffer, row, listing->now);
        um_buffer_putc(&stream->buffer, '\n');
        return;
    }
    stream->entry.length = 0;
    listing->kind->put(&stream->entry, row, listing->now);
    um_csv_put_line(&stream->buffer, &listing->csv, stream->entry.data, stream->pool);
}

static void take_line(const um_row_t *row, void *baton)
{
    um_stream_t *stream = baton;
    apr_size_t end = stream->buffer.length;

    stream->rows++;
    if (stream->is_full) {
        return;
    }
    put_line(stream, row);
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
    um_buffer_init(&stream->entry, 1024, stream->pool);
    if (stream->is_csv && !stream->has_header) {
        um_csv_put_header(&stream->buffer, &stream->listing->csv);
        stream->has_header = 1;
    }
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

/* A link to the entries after the last one, if the limit has ended the stream. Only of a stream
 * that is sent whole the last one is known before the header is sent. */
static apr_status_t put_next_link(um_answer_t *answer, const um_request_t *request, um_db_t *db,
                                  const um_stream_t *stream)
{
    um_list_t beyond = stream->list;
    int exist = 0;
    um_buffer_t link;
    apr_status_t status;

    if (stream->left != 0 || stream->count == 0 || !stream->done) {
        return APR_SUCCESS;
    }
    status = um_store_lists_exist(&exist, db, request->caller.org_id, &beyond, request->pool);
    if (status == APR_SUCCESS && exist) {
        um_buffer_init(&link, 256, request->pool);
        um_listing_put_link(&link, request, "start_after_id",
                            um_listing_cursor(stream->listing, &stream->list.after,
                                              request->pool),
                            stream->list.after.key, "next");
        um_answer_set_header(answer, "Link", link.data);
    }
    return status;
}

/* The type, and the name of the file that a browser makes of it. */
static void set_type(um_answer_t *answer, const um_request_t *request,
                     const um_listing_request_t *listing)
{
    int is_csv = request->media == UM_MEDIA_CSV;

    answer->content_type = is_csv ? UM_CSV "; charset=utf-8" : UM_NDJSON;
    if (is_csv || listing->has_format) {
        um_answer_set_header(answer, "Content-Disposition",
                             apr_psprintf(request->pool, "attachment; filename=\"%s.%s\"",
                                          listing->kind->member, is_csv ? "csv" : "ndjson"));
    }
}

void um_listing_answer_one(um_answer_t *answer, um_request_t *request,
                           const um_listing_request_t *listing, const char *json)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 1024, request->pool);
    if (request->media == UM_MEDIA_CSV) {
        um_csv_put_header(&buffer, &listing->csv);
        um_csv_put_line(&buffer, &listing->csv, json, request->pool);
    } else {
        um_buffer_puts(&buffer, json);
        um_buffer_putc(&buffer, '\n');
    }
    um_answer_json(answer, 200, &buffer);
    set_type(answer, request, listing);
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
    set_type(answer, request, stream->listing);
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
    um_listing_request_t *kept = apr_pmemdup(request->pool, listing, sizeof(*listing));
    apr_status_t status = APR_SUCCESS;

    um_memory_pool(&stream->pool, request->pool);
    um_buffer_init(&stream->buffer, 1024, stream->pool);
    stream->listing = kept;
    stream->list = listing->list;
    stream->is_csv = request->media == UM_MEDIA_CSV;
    stream->checked_at = listing->came_at;
    stream->left = listing->has_limit ? listing->list.limit : -1;
    stream->list.backwards = 0;
    if (listing->list.backwards && listing->has_limit) {
        status = find_start(stream, request, db);
    }
    if (status == APR_SUCCESS) {
        status = read_batch(stream, request, db);
    }
    if (status == APR_SUCCESS) {
        status = put_next_link(answer, request, db, stream);
    }
    return status == APR_SUCCESS ? answer_first_batch(answer, request, stream) : status;
}
