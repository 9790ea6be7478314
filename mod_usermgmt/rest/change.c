/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file change.c Requests that change something, see change.h. */

#include "change.h"

#include <string.h>

#include "../base/digest.h"
#include "../core/store_records.h"
#include "negotiate.h"
#include "permission.h"
#include "problem.h"
#include "router.h"

#define KEY_HEADER "Idempotency-Key"
#define KEY_MAX 255
/* The time of a change is at most this microsecond of its millisecond, so that each of its events
 * can have a microsecond of its own in the same millisecond. Many users in one request can have
 * events in the next millisecond, too. */
#define LATEST_MICROSECOND 990

typedef struct um_run_t {
    um_change_t change;
    um_answer_t *answer;
    um_change_make_t *make;
    void *baton;
    /* NULL if the request has none. */
    const char *key;
    char request_sha256[UM_SHA256_HEX_LENGTH + 1];
} um_run_t;

/* Answers of this time or earlier have expired. */
static apr_int64_t expired_until(const um_run_t *run)
{
    apr_int64_t keep = run->change.request->settings->idempotency_keep;

    return keep < 0 ? -1 : run->change.now_ms - keep;
}

/* The body of a kept answer, with all elements of the array at its end. */
static void join_body(um_answer_t *answer, const um_kept_answer_t *kept, apr_pool_t *pool)
{
    um_buffer_t buffer;

    answer->body = kept->body;
    answer->length = strlen(kept->body);
    if (kept->rest == NULL) {
        return;
    }
    um_buffer_init(&buffer, answer->length, pool);
    um_buffer_append(&buffer, kept->body, answer->length - strlen("]}"));
    for (int i = 0; i < kept->rest->nelts; i++) {
        const char *text = APR_ARRAY_IDX(kept->rest, i, const char *);

        um_buffer_putc(&buffer, ',');
        um_buffer_append(&buffer, text + 1, strlen(text) - strlen("[]"));
    }
    um_buffer_puts(&buffer, "]}");
    answer->body = buffer.data;
    answer->length = buffer.length;
}

/* Sets replayed, and fills in the answer, if the key was used before. */
static apr_status_t replay(int *replayed, um_run_t *run, um_db_t *db, apr_pool_t *pool)
{
    const um_caller_t *caller = &run->change.request->caller;
    um_kept_answer_t *kept = NULL;
    apr_status_t status;

    *replayed = 0;
    status = um_store_idempotency_get(&kept, db, caller->org_id, caller->identity_key, run->key,
                                      expired_until(run), pool);
    if (status == UM_ENOTFOUND) {
        return APR_SUCCESS;
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    *replayed = 1;
    if (strcmp(kept->request_sha256, run->request_sha256) != 0) {
        return um_problem_answer(run->answer, 409, "idempotency_key_reused", pool,
                                 "This " KEY_HEADER " was used with another path or body.");
    }
    run->answer->status = kept->status;
    run->answer->content_type = UM_JSON;
    join_body(run->answer, kept, pool);
    um_answer_set_header(run->answer, "Idempotency-Replayed", "true");
    if (kept->location != NULL) {
        um_answer_set_header(run->answer, "Location", kept->location);
    }
    if (kept->etag != NULL) {
        um_answer_set_header(run->answer, "ETag", kept->etag);
    }
    return APR_SUCCESS;
}

static apr_status_t keep(um_run_t *run, um_db_t *db, apr_pool_t *pool)
{
    const um_caller_t *caller = &run->change.request->caller;
    const um_answer_t *answer = run->answer;
    um_kept_answer_t kept = {
        run->request_sha256,
        answer->status,
        apr_table_get(answer->headers, "Location"),
        apr_table_get(answer->headers, "ETag"),
        answer->kept_body != NULL ? answer->kept_body : answer->body,
        answer->kept_rest,
    };

    return um_store_idempotency_update(db, caller->org_id, caller->identity_key, run->key, &kept,
                                       run->change.now_ms, pool);
}

/* Take the key, or give the stored answer. If two requests have the same key, the second one
 * waits until the first has ended, and then finds its answer. */
static apr_status_t take_key(int *replayed, um_run_t *run, um_db_t *db, apr_pool_t *pool)
{
    const um_caller_t *caller = &run->change.request->caller;
    apr_status_t status = replay(replayed, run, db, pool);

    if (status == APR_SUCCESS && !*replayed) {
        status = um_store_idempotency_insert(db, caller->org_id, caller->identity_key, run->key,
                                             run->request_sha256, run->change.now_ms,
                                             expired_until(run), pool);
    }
    return status == UM_ECONFLICT ? replay(replayed, run, db, pool) : status;
}

/* The present. The first events of a change have the same millisecond. */
static apr_time_t now_with_room(const um_host_t *host)
{
    apr_time_t now = host->now(host->baton);
    apr_time_t over = now % 1000 - LATEST_MICROSECOND;

    return over > 0 ? now - over : now;
}

static apr_status_t run_in_transaction(um_db_t *db, void *baton, apr_pool_t *pool)
{
    um_run_t *run = baton;
    const um_host_t *host = um_db_host(db);
    apr_status_t status;
    int replayed = 0;

    um_answer_init(run->answer, pool);
    run->change.now = now_with_room(host);
    run->change.now_ms = apr_time_as_msec(run->change.now);
    run->change.events = 0;
    status = um_permission_check_change(run->answer, run->change.request, db);
    if (status == APR_SUCCESS && run->key != NULL) {
        status = take_key(&replayed, run, db, pool);
    }
    if (status == APR_SUCCESS && !replayed) {
        status = run->make(run->answer, &run->change, db, run->baton);
    }
    if (status == APR_SUCCESS && run->key != NULL && !replayed) {
        status = keep(run, db, pool);
    }
    return status;
}

static apr_size_t ends_with_slash(const char *path)
{
    apr_size_t length = strlen(path);

    return length > 0 && path[length - 1] == '/' ? 1 : 0;
}

static int is_good_key(const char *key)
{
    apr_size_t length = strlen(key);

    for (const char *c = key; *c != '\0'; c++) {
        if (*c < 0x20 || *c > 0x7e) {
            return 0;
        }
    }
    return length >= 1 && length <= KEY_MAX;
}

/* Read the key, and the digest of path and body, which identifies the request. */
static apr_status_t read_key(um_run_t *run)
{
    um_request_t *request = run->change.request;
    const char *key = apr_table_get(request->headers, KEY_HEADER);
    um_digest_part_t parts[] = {
        { request->path, strlen(request->path) - ends_with_slash(request->path) },
        { request->body_text != NULL ? request->body_text : "", request->body_length },
    };

    if (key == NULL || strcmp(request->method, "POST") != 0) {
        return APR_SUCCESS;
    }
    if (!is_good_key(key)) {
        request->faults.place = "header";
        um_faults_add(&request->faults, KEY_HEADER, "invalid_value",
                      "It must be 1 to 255 visible ASCII characters.");
        return UM_EINVALID;
    }
    run->key = key;
    return um_digest_sha256(run->request_sha256, parts, 2);
}

apr_status_t um_change_run(um_answer_t *answer, um_request_t *request, um_change_make_t *make,
                           void *baton)
{
    um_run_t run = { { request, 0, 0, 0 }, answer, make, baton, NULL, "" };
    apr_status_t status = read_key(&run);

    if (request->faults.list != NULL) {
        return um_problem_answer_faults(answer, &request->faults);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    status = um_store_change(request->store, run_in_transaction, &run, request->pool);
    /* UM_EUNAVAILABLE may mean that it is unknown whether the change was made. */
    if ((status == APR_SUCCESS || status == UM_EUNAVAILABLE) && answer->changes_roles) {
        request->server->forget_roles(request);
    }
    return status;
}

um_audit_event_t um_change_event(um_change_t *change, const char *action, const char *target,
                                 const char *before, const char *after)
{
    const um_caller_t *caller = &change->request->caller;
    /* A microsecond apart, so that the events of a change keep their order. */
    um_audit_event_t event = {
        change->now + change->events++,
        caller->identity,
        caller->uid,
        um_role_name(caller->role),
        caller->remote_addr,
        action,
        target,
        before,
        after,
        change->request->request_id,
        change->request->trace_id,
    };

    return event;
}

apr_status_t um_change_audit_as(um_change_t *change, um_db_t *db, const char *action,
                                const char *target, const char *before, const char *after)
{
    const um_request_t *request = change->request;
    um_audit_event_t event = um_change_event(change, action, target, before, after);

    return um_store_audit_insert(db, request->caller.org_id, &event, request->pool);
}

apr_status_t um_change_audit(um_change_t *change, um_db_t *db, const char *target,
                             const char *before, const char *after)
{
    return um_change_audit_as(change, db, change->request->action, target, before, after);
}

apr_status_t um_change_check_match(um_answer_t *answer, const um_change_t *change,
                                   const char *etag)
{
    const um_request_t *request = change->request;
    const char *match = apr_table_get(request->headers, "If-Match");
    const char *none_match = apr_table_get(request->headers, "If-None-Match");
    const char *detail = NULL;

    if (none_match != NULL && um_negotiate_etag_matches(none_match, etag, 1)) {
        detail = "If-None-Match has its ETag.";
    }
    if (match != NULL
        && !um_negotiate_etag_matches(match, etag, request->service->takes_weak_etags)) {
        detail = etag != NULL ? "It was changed: its ETag is another."
                              : "It does not exist yet, so If-Match can't have its ETag.";
    }
    if (detail == NULL) {
        return APR_SUCCESS;
    }
    if (etag != NULL) {
        um_answer_set_header(answer, "ETag", etag);
    }
    return um_problem_answer(answer, 412, "precondition_failed", request->pool, "%s", detail);
}
