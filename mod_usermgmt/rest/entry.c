/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file entry.c Answers with one entry of a list, see entry.h. */

#include "entry.h"

#include <string.h>

#include <apr_strings.h>

#include "../core/store_lists.h"

/* An entry that is read from its row and written as JSON. */
typedef struct um_entry_t {
    const um_listing_kind_t *kind;
    apr_int64_t now;
    um_buffer_t json;
} um_entry_t;

static void take_entry(const um_row_t *row, void *baton)
{
    um_entry_t *entry = baton;

    entry->kind->put(&entry->json, row, entry->now);
}

void um_entry_answer_json(um_answer_t *answer, int status, const um_listing_kind_t *kind,
                          const char *json, apr_pool_t *pool)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, strlen(json) + 32, pool);
    um_buffer_putc(&buffer, '{');
    um_json_put_any_name(&buffer, kind->entry);
    um_buffer_puts(&buffer, json);
    um_buffer_putc(&buffer, '}');
    um_answer_json(answer, status, &buffer);
    um_answer_set_header(answer, "ETag", um_answer_etag(json, pool));
}

apr_status_t um_entry_answer_not_found(um_answer_t *answer, const um_listing_kind_t *kind,
                                       apr_pool_t *pool)
{
    return um_problem_answer(answer, 404, kind->not_found.code, pool, "%s",
                             kind->not_found.detail);
}

apr_status_t um_entry_answer(um_answer_t *answer, const um_request_t *request,
                             const um_listing_kind_t *kind)
{
    const um_host_t *host = um_store_host(request->store);
    um_entry_t entry = { .kind = kind, .now = apr_time_as_msec(host->now(host->baton)) };
    um_db_t *db = NULL;
    apr_status_t status;

    um_buffer_init(&entry.json, 512, request->pool);
    status = um_store_open(&db, request->store, request->pool);
    if (status == APR_SUCCESS) {
        status = um_store_lists_get_entry(db, take_entry, &entry, request->caller.org_id,
                                          kind->source, request->id, request->pool);
    }
    um_db_close(db);
    if (status != APR_SUCCESS) {
        return status;
    }
    if (entry.json.length == 0) {
        return um_entry_answer_not_found(answer, kind, request->pool);
    }
    um_entry_answer_json(answer, 200, kind, entry.json.data, request->pool);
    um_answer_revalidate(answer, request);
    return APR_SUCCESS;
}

void um_entry_set_location(um_answer_t *answer, const um_request_t *request, const char *path,
                           const char *key)
{
    um_answer_set_header(answer, "Location",
                         apr_pstrcat(request->pool, request->base, "/", path, "/", key, NULL));
}
