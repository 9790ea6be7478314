/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file bulk.c Many changes in one request, see bulk.h. */

#include "bulk.h"

#include <string.h>

#include <apr_cstr.h>
#include <apr_hash.h>
#include <apr_strings.h>

#include "../base/memory.h"
#include "../rest/router.h"
#include "error.h"
#include "resource.h"
#include "schema.h"

#define RESPONSE "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
#define REFERENCE "bulkId:"

/* The life of an operation. It waits while it needs another one's id. */
typedef enum um_bulk_state_t { UM_BULK_NEW, UM_BULK_WAITING, UM_BULK_DONE } um_bulk_state_t;

typedef struct um_bulk_operation_t {
    /* In capitals; NULL if it is none of those that are allowed. */
    const char *method;
    const char *path;
    /* NULL if it has none. */
    const char *bulk_id;
    const char *version;
    /* NULL if it has none. */
    const um_json_t *data;
    /* Of const char *: the bulkIds in its path and its data. */
    apr_array_header_t *references;
    /* How many of them have ids, from the first one on. */
    int found;
    um_bulk_state_t state;
    /* What came of it. */
    int status;
    /* The id of the resource that it made; NULL if it made none. */
    const char *id;
    const char *location;
    const char *etag;
    /* The error; NULL for a success. */
    const char *response;
} um_bulk_operation_t;

typedef struct um_bulk_t {
    um_request_t *request;
    um_bulk_operation_t *operations;
    int count;
    /* By bulkId. */
    apr_hash_t *by_id;
    /* How many may fail before the rest is left out; 0 for any number. */
    apr_int64_t fail_on_errors;
    int errors;
    /* Whether the database is away, so that the rest is not tried. */
    int is_unavailable;
    /* The operation at hand, and those that wait for it. */
    um_bulk_operation_t **stack;
    int depth;
} um_bulk_t;

apr_int64_t um_scim_bulk_max_payload(const um_request_t *request)
{
    return request->settings->max_body < UM_SCIM_BULK_PAYLOAD_MAX ? request->settings->max_body
                                                                  : UM_SCIM_BULK_PAYLOAD_MAX;
}

/* ---- reading ---- */

static const um_json_t *find_member(const um_json_t *object, const char *name)
{
    const char *found = um_json_find_name(object, name);
    const um_json_t *value = found != NULL ? um_json_member(object, found) : NULL;

    return value != NULL && um_json_type(value) != UM_JSON_NULL ? value : NULL;
}

static const char *find_text(const um_json_t *object, const char *name)
{
    const um_json_t *value = find_member(object, name);

    return value != NULL ? um_json_string(value) : NULL;
}

/* The bulkId that a text refers to; NULL if it refers to none. */
static const char *find_reference(const char *text)
{
    return strncmp(text, REFERENCE, strlen(REFERENCE)) == 0 ? text + strlen(REFERENCE) : NULL;
}

static void collect_references(apr_array_header_t *references, const um_json_t *value);

static void collect_member(const char *name, const um_json_t *value, void *baton)
{
    (void)name;
    collect_references(baton, value);
}

/* A value is at most UM_JSON_MAX_DEPTH levels deep. */
static void collect_references(apr_array_header_t *references, const um_json_t *value)
{
    const char *text = um_json_string(value);
    const char *reference = text != NULL ? find_reference(text) : NULL;

    if (reference != NULL) {
        APR_ARRAY_PUSH(references, const char *) = reference;
    } else if (um_json_type(value) == UM_JSON_OBJECT) {
        um_json_each(value, collect_member, references);
    } else if (um_json_type(value) == UM_JSON_ARRAY) {
        for (apr_size_t i = 0; i < um_json_size(value); i++) {
            collect_references(references, um_json_element(value, i));
        }
    }
}

static const char *find_method(const char *given)
{
    static const char *const methods[] = { "POST", "PUT", "PATCH", "DELETE" };

    for (apr_size_t i = 0; given != NULL && i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (apr_cstr_casecmp(given, methods[i]) == 0) {
            return methods[i];
        }
    }
    return NULL;
}

static void read_operation(um_bulk_operation_t *operation, const um_json_t *given,
                           apr_pool_t *pool)
{
    const char *last;

    operation->method = find_method(find_text(given, "method"));
    operation->path = find_text(given, "path");
    operation->bulk_id = find_text(given, "bulkId");
    operation->version = find_text(given, "version");
    operation->data = find_member(given, "data");
    operation->references = apr_array_make(pool, 2, sizeof(const char *));
    last = operation->path != NULL ? strrchr(operation->path, '/') : NULL;
    if (last != NULL && find_reference(last + 1) != NULL) {
        APR_ARRAY_PUSH(operation->references, const char *) = find_reference(last + 1);
    }
    if (operation->data != NULL) {
        collect_references(operation->references, operation->data);
    }
}

static apr_status_t refuse(um_answer_t *answer, const um_bulk_t *bulk, const char *detail)
{
    return um_scim_error_refuse(answer, 400, UM_SCIM_INVALID_SYNTAX, bulk->request->pool, "%s",
                                detail);
}

static apr_status_t read_operations(um_bulk_t *bulk, um_answer_t *answer, const um_json_t *list)
{
    apr_pool_t *pool = bulk->request->pool;

    for (int i = 0; i < bulk->count; i++) {
        const um_json_t *given = um_json_element(list, (apr_size_t)i);
        um_bulk_operation_t *operation = &bulk->operations[i];

        if (um_json_type(given) != UM_JSON_OBJECT) {
            return refuse(answer, bulk, "Each of the Operations must be an object.");
        }
        read_operation(operation, given, pool);
        if (operation->bulk_id == NULL) {
            continue;
        }
        if (apr_hash_get(bulk->by_id, operation->bulk_id, APR_HASH_KEY_STRING) != NULL) {
            return refuse(answer, bulk, "Two operations have the same bulkId.");
        }
        apr_hash_set(bulk->by_id, operation->bulk_id, APR_HASH_KEY_STRING, operation);
    }
    return APR_SUCCESS;
}

static apr_status_t read_fail_on_errors(um_bulk_t *bulk, um_answer_t *answer)
{
    const um_json_t *given = find_member(bulk->request->body, "failOnErrors");

    if (given == NULL) {
        return APR_SUCCESS;
    }
    if (um_json_type(given) != UM_JSON_INTEGER || um_json_integer(given) < 0) {
        return refuse(answer, bulk, "failOnErrors must be an integer from 0 on.");
    }
    bulk->fail_on_errors = um_json_integer(given);
    return APR_SUCCESS;
}

static apr_status_t read_bulk(um_bulk_t *bulk, um_answer_t *answer)
{
    apr_pool_t *pool = bulk->request->pool;
    const um_json_t *list = find_member(bulk->request->body, "Operations");
    apr_status_t status = read_fail_on_errors(bulk, answer);

    if (status != APR_SUCCESS) {
        return status;
    }
    if (list == NULL || um_json_type(list) != UM_JSON_ARRAY) {
        return refuse(answer, bulk, "Operations must be an array.");
    }
    if (um_json_size(list) > UM_SCIM_BULK_OPERATIONS_MAX) {
        return um_scim_error_refuse(answer, 413, NULL, pool,
                                    "There are more than %d operations (maxOperations).",
                                    UM_SCIM_BULK_OPERATIONS_MAX);
    }
    bulk->count = (int)um_json_size(list);
    bulk->operations = apr_pcalloc(pool, sizeof(um_bulk_operation_t) * (apr_size_t)bulk->count);
    bulk->stack = apr_pcalloc(pool, sizeof(um_bulk_operation_t *) * (apr_size_t)bulk->count);
    bulk->by_id = apr_hash_make(pool);
    return read_operations(bulk, answer, list);
}

/* ---- references ---- */

static um_bulk_operation_t *find_operation(const um_bulk_t *bulk, const char *bulk_id)
{
    return apr_hash_get(bulk->by_id, bulk_id, APR_HASH_KEY_STRING);
}

/* The id that a text refers to; NULL if it refers to none. All references are known. */
static const char *find_id(const um_bulk_t *bulk, const char *text)
{
    const char *reference = find_reference(text);

    return reference != NULL ? find_operation(bulk, reference)->id : NULL;
}

/* Names of an object, to change their values. */
static void collect_name(const char *name, const um_json_t *value, void *baton)
{
    (void)value;
    APR_ARRAY_PUSH((apr_array_header_t *)baton, const char *) = name;
}

static um_json_t *resolve(const um_bulk_t *bulk, um_json_t *value, apr_pool_t *pool);

static void resolve_members(const um_bulk_t *bulk, um_json_t *object, apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_make(pool, 16, sizeof(const char *));

    um_json_each(object, collect_name, names);
    for (int i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        um_json_set(object, name, resolve(bulk, um_json_open_member(object, name), pool));
    }
}

/* Put ids in the place of references, and return the value, or what takes its place. */
static um_json_t *resolve(const um_bulk_t *bulk, um_json_t *value, apr_pool_t *pool)
{
    const char *text = um_json_string(value);
    const char *id = text != NULL ? find_id(bulk, text) : NULL;

    if (id != NULL) {
        return um_json_new_string(id, pool);
    }
    if (um_json_type(value) == UM_JSON_OBJECT) {
        resolve_members(bulk, value, pool);
    } else if (um_json_type(value) == UM_JSON_ARRAY) {
        for (apr_size_t i = 0; i < um_json_size(value); i++) {
            um_json_set_element(value, i, resolve(bulk, um_json_open_element(value, i), pool));
        }
    }
    return value;
}

/* The path of an operation, with an id for a reference at its end. */
static const char *resolve_path(const um_bulk_t *bulk, const char *path, apr_pool_t *pool)
{
    const char *last = strrchr(path, '/');
    const char *id = last != NULL ? find_id(bulk, last + 1) : NULL;

    return id != NULL
               ? apr_pstrcat(pool, apr_pstrmemdup(pool, path, (apr_size_t)(last + 1 - path)), id,
                             NULL)
               : path;
}

/* ---- one operation ---- */

/* Tell whether a path is a resource, or for POST a list of resources. */
static int is_path(const char *path, const char *method)
{
    for (int i = 0; um_scim_resource_types[i] != NULL; i++) {
        const char *endpoint = um_scim_resource_types[i]->endpoint;
        apr_size_t length = strlen(endpoint);

        if (strncmp(path, endpoint, length) == 0) {
            return strcmp(method, "POST") == 0 ? path[length] == '\0'
                                               : path[length] == '/' && path[length + 1] != '\0'
                                                     && strpbrk(path + length + 1, "/?") == NULL;
        }
    }
    return 0;
}

/* Where the resource of an operation is; NULL if that is not known. */
static const char *locate(const um_bulk_t *bulk, const um_bulk_operation_t *operation)
{
    const um_bulk_operation_t *made;
    const char *reference;

    if (operation->method == NULL || operation->path == NULL
        || strcmp(operation->method, "POST") == 0
        || !is_path(operation->path, operation->method)) {
        return NULL;
    }
    reference = find_reference(strrchr(operation->path, '/') + 1);
    made = reference != NULL ? find_operation(bulk, reference) : NULL;
    if (reference != NULL && (made == NULL || made->id == NULL)) {
        return NULL;
    }
    return um_scim_url(bulk->request,
                       resolve_path(bulk, operation->path, bulk->request->pool) + 1, NULL);
}

static void count_result(um_bulk_t *bulk, const um_bulk_operation_t *operation)
{
    bulk->errors += operation->response != NULL;
    if (operation->status == 503) {
        bulk->is_unavailable = 1;
    }
}

static void keep_answer(um_bulk_t *bulk, um_bulk_operation_t *operation,
                        const um_answer_t *answer, const um_request_t *part)
{
    apr_pool_t *pool = bulk->request->pool;

    operation->state = UM_BULK_DONE;
    operation->status = answer->status;
    operation->etag = apr_pstrdup(pool, apr_table_get(answer->headers, "ETag"));
    if (answer->code != NULL) {
        operation->response = apr_pstrmemdup(pool, answer->body, answer->length);
        operation->etag = NULL;
    } else if (strcmp(operation->method, "POST") == 0) {
        operation->id = apr_pstrdup(pool, part->target);
        operation->location = apr_pstrdup(pool, apr_table_get(answer->headers, "Location"));
    }
    if (operation->location == NULL) {
        operation->location = locate(bulk, operation);
    }
    count_result(bulk, operation);
}

/* End an operation that was not tried. */
static void fail(um_bulk_t *bulk, um_bulk_operation_t *operation, int status, const char *type,
                 const char *detail)
{
    um_problem_t problem = { 0 };
    um_answer_t answer;
    um_buffer_t buffer;

    um_answer_init(&answer, bulk->request->pool);
    if (um_scim_error_refuse(&answer, status, type, bulk->request->pool, "%s", detail)
        == UM_EREFUSED) {
        problem = *answer.problem;
    }
    um_buffer_init(&buffer, 256, bulk->request->pool);
    um_scim_error_put(&buffer, &problem);
    operation->state = UM_BULK_DONE;
    operation->status = status;
    operation->response = buffer.data;
    operation->location = locate(bulk, operation);
    count_result(bulk, operation);
}

/* The headers of a part: those of the request, but what is for one resource. */
static apr_table_t *make_headers(const um_bulk_t *bulk, const um_bulk_operation_t *operation,
                                 apr_pool_t *pool)
{
    apr_table_t *headers = apr_table_copy(pool, bulk->request->headers);

    apr_table_unset(headers, "Idempotency-Key");
    apr_table_unset(headers, "If-None-Match");
    apr_table_unset(headers, "If-Match");
    if (operation->version != NULL) {
        apr_table_setn(headers, "If-Match", operation->version);
    }
    return headers;
}

static void run_part(um_bulk_t *bulk, um_bulk_operation_t *operation, apr_pool_t *pool)
{
    um_request_t part = *bulk->request;
    um_answer_t answer;
    um_json_t *data = NULL;

    part.pool = pool;
    part.method = operation->method;
    part.path = resolve_path(bulk, operation->path, pool);
    part.query = NULL;
    part.headers = make_headers(bulk, operation, pool);
    part.id = part.target = NULL;
    part.body_text = NULL;
    part.body_length = 0;
    if (operation->data != NULL) {
        data = um_json_copy(operation->data, pool);
        resolve(bulk, data, pool);
    } else {
        data = um_json_new_object(pool);
    }
    part.body = data;
    um_router_handle_part(&answer, &part);
    keep_answer(bulk, operation, &answer, &part);
}

/* Run an operation whose references have ids. */
static void run_operation(um_bulk_t *bulk, um_bulk_operation_t *operation)
{
    apr_pool_t *pool = NULL;

    if (operation->method == NULL || operation->path == NULL
        || (operation->data != NULL && um_json_type(operation->data) != UM_JSON_OBJECT)) {
        fail(bulk, operation, 400, UM_SCIM_INVALID_SYNTAX,
             "An operation needs a method (POST, PUT, PATCH or DELETE), a path, and, for all but "
             "DELETE, data that is an object.");
    } else if (!is_path(operation->path, operation->method)) {
        fail(bulk, operation, 400, UM_SCIM_INVALID_VALUE,
             "The path of a POST must be /Users or /Groups, and others need an id behind it.");
    } else if (operation->data != NULL && !um_json_is_bounded(operation->data)) {
        fail(bulk, operation, 413, NULL, "The data of the operation has too many values.");
    } else if (bulk->is_unavailable) {
        fail(bulk, operation, 503, NULL,
             "The service can't reach its data at the moment, so this was not tried.");
    } else {
        um_memory_pool(&pool, bulk->request->pool);
        run_part(bulk, operation, pool);
        apr_pool_destroy(pool);
    }
}

/* ---- all of them ---- */

/* Look after the references of an operation. Returns the next operation that must run before it;
 * NULL if it can run, or if it has failed. */
static um_bulk_operation_t *find_needed(um_bulk_t *bulk, um_bulk_operation_t *operation)
{
    for (; operation->found < operation->references->nelts; operation->found++) {
        um_bulk_operation_t *needed = find_operation(bulk, APR_ARRAY_IDX(operation->references,
                                                                         operation->found,
                                                                         const char *));

        if (needed == NULL) {
            fail(bulk, operation, 400, UM_SCIM_INVALID_VALUE,
                 "The operation has a bulkId that no operation has.");
            return NULL;
        }
        if (needed->state == UM_BULK_NEW) {
            return needed;
        }
        if (needed->state == UM_BULK_WAITING) {
            fail(bulk, operation, 409, NULL,
                 "The operation refers to one that refers to it, perhaps through others.");
            return NULL;
        }
        if (needed->id == NULL) {
            fail(bulk, operation, 409, NULL,
                 "The operation refers to one that made no resource.");
            return NULL;
        }
    }
    return NULL;
}

static int is_over(const um_bulk_t *bulk)
{
    return bulk->fail_on_errors > 0 && bulk->errors >= bulk->fail_on_errors;
}

/* Run an operation, and before it all that it refers to. */
static void run_with_needed(um_bulk_t *bulk, um_bulk_operation_t *first)
{
    bulk->stack[bulk->depth++] = first;
    first->state = UM_BULK_WAITING;
    while (bulk->depth > 0 && !is_over(bulk)) {
        um_bulk_operation_t *operation = bulk->stack[bulk->depth - 1];
        um_bulk_operation_t *needed = find_needed(bulk, operation);

        if (needed != NULL) {
            needed->state = UM_BULK_WAITING;
            bulk->stack[bulk->depth++] = needed;
            continue;
        }
        if (operation->state != UM_BULK_DONE) {
            run_operation(bulk, operation);
        }
        bulk->depth--;
    }
}

static void put_result(um_buffer_t *buffer, const um_bulk_operation_t *operation)
{
    char status[16];

    apr_snprintf(status, sizeof(status), "%d", operation->status);
    um_buffer_putc(buffer, '{');
    um_json_put_member_if(buffer, "method", operation->method);
    um_json_put_member_if(buffer, "bulkId", operation->bulk_id);
    um_json_put_member_if(buffer, "version", operation->etag);
    um_json_put_member_if(buffer, "location", operation->location);
    um_json_put_member(buffer, "status", status);
    if (operation->response != NULL) {
        um_json_put_member_json(buffer, "response", operation->response);
    }
    um_buffer_putc(buffer, '}');
}

static void answer_bulk(um_answer_t *answer, const um_bulk_t *bulk)
{
    um_buffer_t buffer;
    int count = 0;

    um_buffer_init(&buffer, 4096, bulk->request->pool);
    um_buffer_puts(&buffer, "{\"schemas\":[\"" RESPONSE "\"],\"Operations\":[");
    for (int i = 0; i < bulk->count; i++) {
        if (bulk->operations[i].state == UM_BULK_DONE) {
            um_buffer_puts(&buffer, count++ > 0 ? "," : "");
            put_result(&buffer, &bulk->operations[i]);
        }
    }
    um_buffer_puts(&buffer, "]}");
    um_answer_json(answer, 200, &buffer);
}

apr_status_t um_scim_bulk(um_answer_t *answer, um_request_t *request)
{
    um_bulk_t bulk = { .request = request };
    apr_status_t status = read_bulk(&bulk, answer);

    if (status != APR_SUCCESS) {
        return status;
    }
    for (int i = 0; i < bulk.count && !is_over(&bulk); i++) {
        if (bulk.operations[i].state == UM_BULK_NEW) {
            run_with_needed(&bulk, &bulk.operations[i]);
        }
    }
    answer_bulk(answer, &bulk);
    return APR_SUCCESS;
}
