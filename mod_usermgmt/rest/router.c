/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file router.c Finds routes, and makes the checks before a handler, see router.h. */

#include "router.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/memory.h"
#include "../base/text.h"
#include "../base/ticks.h"
#include "negotiate.h"
#include "permission.h"
#include "problem.h"
#include "query.h"

/* Tell whether a path (without the slashes at its ends) matches a route; *id is set to its
 * variable segment, in pool, if the route has one. */
static int path_matches(const char **id, const char *path, const char *route, apr_pool_t *pool)
{
    const char *star = strchr(route, '*');
    apr_size_t fixed = star != NULL ? (apr_size_t)(star - route) : strlen(route);
    apr_size_t length;

    if (strncmp(path, route, fixed) != 0) {
        return 0;
    }
    if (star == NULL) {
        return path[fixed] == '\0';
    }
    path += fixed;
    length = strcspn(path, "/");
    /* A segment that is not UTF-8 can't be a key, and some databases refuse it. */
    if (length == 0 || strcmp(path + length, star + 1) != 0 || !um_text_is_utf8(path, length)) {
        return 0;
    }
    *id = apr_pstrmemdup(pool, path, length);
    return 1;
}

static int method_matches(const char *method, const char *route)
{
    return strcmp(method, route) == 0
           || (strcmp(method, "HEAD") == 0 && strcmp(route, "GET") == 0);
}

/* A path without its first slash, and without the last one if it has one. */
static const char *trim_path(const char *path, apr_pool_t *pool)
{
    apr_size_t length;

    path += path[0] == '/' ? 1 : 0;
    length = strlen(path);
    if (length > 0 && path[length - 1] == '/') {
        length--;
    }
    return apr_pstrmemdup(pool, path, length);
}

/* The first route that a path matches, and its variable segment; NULL if there is none. Routes
 * with fixed segments come first in the table. */
static const char *find_path(const char **id, const char *path, const um_route_t *route,
                             apr_pool_t *pool)
{
    while (route->method != NULL && !path_matches(id, path, route->path, pool)) {
        route++;
    }
    return route->path;
}

/* The methods of a path, for Allow. */
static const char *find_allowed(const char *path, const um_route_t *route, apr_pool_t *pool)
{
    const char *allow = NULL;

    for (; route->method != NULL; route++) {
        if (strcmp(path, route->path) == 0) {
            allow = allow == NULL ? route->method
                                  : apr_pstrcat(pool, allow, ", ", route->method, NULL);
            if (strcmp(route->method, "GET") == 0) {
                allow = apr_pstrcat(pool, allow, ", HEAD", NULL);
            }
        }
    }
    return apr_pstrcat(pool, allow, ", OPTIONS", NULL);
}

/* Find the route of a request. *route stays NULL if the request is complete without one:
 * OPTIONS. */
static apr_status_t find_route(const um_route_t **route, um_answer_t *answer,
                               um_request_t *request)
{
    const um_route_t *routes = request->service->routes;
    const char *id = NULL;
    const char *path = find_path(&id, trim_path(request->path, request->pool), routes,
                                 request->pool);

    if (path == NULL) {
        return um_problem_answer(answer, 404, "not_found", request->pool,
                                 "There is no such path.");
    }
    for (const um_route_t *at = routes; at->method != NULL; at++) {
        if (strcmp(path, at->path) == 0 && method_matches(request->method, at->method)) {
            request->id = id;
            request->target = id;
            request->action = at->action;
            request->permission = at->permission;
            *route = at;
            return APR_SUCCESS;
        }
    }
    um_answer_set_header(answer, "Allow", find_allowed(path, routes, request->pool));
    if (strcmp(request->method, "OPTIONS") == 0) {
        request->action = "options";
        answer->status = 204;
        return APR_SUCCESS;
    }
    return um_problem_answer(answer, 405, "method_not_allowed", request->pool,
                             "This path does not have the method; Allow names those that it "
                             "has.");
}

int um_router_is_public(const um_service_t *service, const char *path, apr_pool_t *pool)
{
    const char *id = NULL;
    const char *found = find_path(&id, trim_path(path, pool), service->routes, pool);

    for (const um_route_t *at = service->routes; found != NULL && at->method != NULL; at++) {
        if (strcmp(found, at->path) == 0 && strcmp(at->method, "GET") == 0) {
            return (at->features & UM_ROUTE_IS_PUBLIC) != 0;
        }
    }
    return 0;
}

/* Each check returns APR_SUCCESS if the request may continue; otherwise UM_EREFUSED, and answer
 * is a problem. */
typedef apr_status_t um_check_t(um_answer_t *answer, um_request_t *request,
                                const um_route_t *route);

/* The configuration gives roles and permissions. If there is a newer one, only a process that has
 * it can decide. */
static apr_status_t check_configuration(um_answer_t *answer, um_request_t *request)
{
    if (!request->server->is_outdated(request)) {
        return APR_SUCCESS;
    }
    um_answer_set_header(answer, "Retry-After", "0");
    return um_problem_answer(answer, 503, "unavailable", request->pool,
                             "The server got a new configuration while the request came; send it "
                             "again.");
}

static apr_status_t check_caller(um_answer_t *answer, um_request_t *request,
                                 const um_route_t *route)
{
    apr_status_t status = check_configuration(answer, request);

    if (status != APR_SUCCESS) {
        return status;
    }
    if ((route->features & UM_ROUTE_IS_PUBLIC) != 0 && request->settings->public_routes) {
        request->caller.identity = "";
        return APR_SUCCESS;
    }
    status = request->server->identify(&request->caller, request);
    if (status == UM_ENOTFOUND) {
        return um_problem_answer(answer, 403, "no_organization", request->pool,
                                 "Your organization does not exist.");
    }
    if (status == UM_EREFUSED) {
        return um_problem_answer_bad_key(answer, request->pool);
    }
    if (status != APR_SUCCESS) {
        return um_problem_answer_status(answer, status, request->pool);
    }
    return um_permission_check(answer, request);
}

static int changes(const um_request_t *request)
{
    return strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0;
}

static apr_status_t check_origin(um_answer_t *answer, um_request_t *request,
                                 const um_route_t *route)
{
    (void)route;
    /* A browser sends no API key by itself, so a page of another site can't use one. */
    if (!changes(request) || request->caller.key_id != NULL
        || um_negotiate_origin_allowed(apr_table_get(request->headers, "Origin"),
                                       apr_table_get(request->headers, "Sec-Fetch-Site"),
                                       request->own_origin, request->settings->allowed_origins,
                                       request->pool)) {
        return APR_SUCCESS;
    }
    return um_problem_answer(answer, 403, "cross_site", request->pool,
                             "The request comes from another site; UserMgmtAllowOrigin can allow "
                             "it.");
}

static apr_status_t check_accept(um_answer_t *answer, um_request_t *request,
                                 const um_route_t *route)
{
    int streams = (route->features & UM_ROUTE_HAS_STREAMS) != 0;
    const char *accept = apr_table_get(request->headers, "Accept");

    request->media = um_negotiate_accept(accept, streams);
    if (request->media == UM_MEDIA_NONE
        && !um_negotiate_accepts(accept, request->service->media_type)) {
        return um_problem_answer(answer, 406, "not_acceptable", request->pool,
                                 "The answer is %s%s, which Accept does not allow.",
                                 request->service->media_type,
                                 streams ? ", application/x-ndjson or text/csv" : "");
    }
    if (streams) {
        um_answer_set_header(answer, "Vary", "Accept");
    }
    return APR_SUCCESS;
}

static apr_status_t check_body_type(um_answer_t *answer, um_request_t *request,
                                    const um_route_t *route)
{
    const char *encoding = apr_table_get(request->headers, "Content-Encoding");
    const char *type = apr_table_get(request->headers, "Content-Type");
    const char *own = request->service->media_type;

    (void)route;
    if (!request->has_body || !changes(request)) {
        return APR_SUCCESS;
    }
    if (encoding != NULL && apr_strnatcasecmp(encoding, "identity") != 0) {
        return um_problem_answer(answer, 415, "unsupported_media_type", request->pool,
                                 "The body must not be encoded.");
    }
    if (!um_negotiate_is_type(type, UM_JSON) && !um_negotiate_is_type(type, own)) {
        return um_problem_answer(answer, 415, "unsupported_media_type", request->pool,
                                 "The body must be %s in UTF-8.", own);
    }
    return APR_SUCCESS;
}

/* If a body takes longer than this, the caller is identified again, because a role may be gone.
 */
#define FRESH_TIME apr_time_from_sec(1)

/* Read at most max bytes. */
static apr_status_t read_up_to(um_answer_t *answer, um_request_t *request, apr_int64_t max)
{
    apr_status_t status = UM_ETOOLARGE;

    if (request->content_length <= max) {
        status = request->server->read_body(&request->body_text, &request->body_length, request,
                                            max);
    }
    switch (status) {
    case APR_SUCCESS:
        return APR_SUCCESS;
    case UM_ETOOLARGE:
        return um_problem_answer(answer, 413, "body_too_large", request->pool,
                                 "The body must have at most %" APR_INT64_T_FMT " bytes.", max);
    case APR_TIMEUP:
        return um_problem_answer(answer, 408, "request_timeout", request->pool,
                                 "The body came too slowly: it must arrive within "
                                 "%" APR_INT64_T_FMT " ms, or within the time of mod_reqtimeout.",
                                 apr_time_as_msec(request->settings->body_timeout));
    default:
        return um_problem_answer(answer, 400, "body_incomplete", request->pool,
                                 "The connection ended before the end of the body.");
    }
}

static apr_status_t read_body(um_answer_t *answer, um_request_t *request, const um_route_t *route)
{
    apr_time_t started = um_ticks();
    apr_int64_t max = request->settings->max_body < route->max_body ? request->settings->max_body
                                                                    : route->max_body;
    apr_status_t status;

    if (!request->has_body || !changes(request)) {
        return APR_SUCCESS;
    }
    status = read_up_to(answer, request, max);
    if (status == APR_SUCCESS && um_ticks() - started > FRESH_TIME) {
        return check_caller(answer, request, route);
    }
    return status;
}

/* Are parameters that the handler does not ask for faults? */
static int refuses_parameters(const um_request_t *request, const um_route_t *route)
{
    return (route->features & UM_ROUTE_HAS_PARAMETERS) == 0
           && !request->service->ignores_parameters;
}

static apr_status_t parse_query(um_answer_t *answer, um_request_t *request,
                                const um_route_t *route)
{
    apr_array_header_t *parameters = NULL;

    request->faults.place = "query";
    if (um_query_parse(&parameters, &request->faults, request->query, request->pool)
        != APR_SUCCESS) {
        return um_problem_answer(answer, 400, "query_too_long", request->pool,
                                 "The query must have at most %d bytes.", UM_QUERY_MAX);
    }
    request->parameters = parameters;
    if (refuses_parameters(request, route)) {
        for (int i = 0; i < parameters->nelts; i++) {
            um_faults_add(&request->faults,
                          APR_ARRAY_IDX(parameters, i, um_query_parameter_t).name,
                          "unknown_parameter", "This request has no such parameter.");
        }
    }
    request->faults.place = "body";
    /* A list and a change go on, because their handlers add their own faults to these. */
    if (request->faults.list != NULL && !changes(request)
        && (route->features & UM_ROUTE_HAS_PARAMETERS) == 0) {
        return um_problem_answer_faults(answer, &request->faults);
    }
    return APR_SUCCESS;
}

/* In this order; the first one that refuses ends the request. */
static um_check_t *const checks[] = {
    check_caller, check_origin, check_accept, check_body_type, read_body, parse_query,
};

#define CHECK_COUNT (sizeof(checks) / sizeof(checks[0]))

static apr_status_t check(um_answer_t *answer, um_request_t *request, const um_route_t *route)
{
    apr_status_t status = APR_SUCCESS;

    for (apr_size_t i = 0; status == APR_SUCCESS && i < CHECK_COUNT; i++) {
        status = checks[i](answer, request, route);
    }
    return status;
}

static apr_status_t parse_body(um_answer_t *answer, um_request_t *request,
                               const um_route_t *route, apr_pool_t *pool)
{
    int many = (route->features & UM_ROUTE_HAS_MANY_VALUES) != 0;
    const char *text = request->body_length > 0 ? request->body_text : "{}";
    apr_size_t length = request->body_length > 0 ? request->body_length : 2;
    um_json_error_t error;
    um_json_t *body = NULL;

    if (um_json_parse_up_to(&body, &error, text, length,
                            many ? UM_ROUTE_VALUES_MAX : UM_JSON_MAX_VALUES, pool)
        != APR_SUCCESS) {
        return um_problem_answer(answer, 400, error.code, request->pool, "%s", error.detail);
    }
    if (um_json_type(body) != UM_JSON_OBJECT) {
        um_faults_add(&request->faults, "body", "invalid_type", "It must be a JSON object.");
        return um_problem_answer_faults(answer, &request->faults);
    }
    request->body = body;
    return APR_SUCCESS;
}

/* Answer for everything that is not a success. UM_EREFUSED counts as answered only if answer is a
 * problem. */
static void answer_status(um_answer_t *answer, apr_status_t status, apr_pool_t *pool)
{
    if (status == APR_SUCCESS || (status == UM_EREFUSED && answer->code != NULL)) {
        return;
    }
    um_answer_init(answer, pool);
    um_problem_answer_status(answer, status, pool);
}

/* Handle a request with a body in a pool of its own. The values of a body are large, so they are
 * freed before the client receives the answer. */
static apr_status_t handle_body(um_answer_t *answer, um_request_t *request,
                                const um_route_t *route)
{
    apr_pool_t *pool = request->pool;
    apr_status_t status;

    if (!changes(request)) {
        /* It has no body: read_body() leaves that of a GET alone. */
        return route->handler(answer, request);
    }
    if (request->body_length > 0) {
        um_memory_pool(&pool, request->pool);
    }
    status = parse_body(answer, request, route, pool);
    if (status == APR_SUCCESS) {
        status = route->handler(answer, request);
    }
    if (pool != request->pool) {
        request->target = apr_pstrdup(request->pool, request->target);
        request->body = NULL;
        apr_pool_destroy(pool);
    }
    return status;
}

/* Give the answer the form of the service. */
static void adapt(um_answer_t *answer, const um_request_t *request)
{
    const um_service_t *service = request->service;
    um_buffer_t buffer;

    if (answer->problem != NULL && service->put_problem != NULL) {
        um_buffer_init(&buffer, 512, request->pool);
        service->put_problem(&buffer, answer->problem);
        answer->body = buffer.data;
        answer->length = buffer.length;
        answer->content_type = service->problem_type;
    } else if (answer->content_type != NULL && strcmp(answer->content_type, UM_JSON) == 0) {
        answer->content_type = service->media_type;
    }
    if (service->put_problem == NULL) {
        um_problem_add_request_id(answer, request->request_id, request->pool);
    }
}

const char *um_router_problem_body(const um_service_t *service, int status,
                                   const char *request_id, apr_pool_t *pool)
{
    um_problem_t problem = { .status = status, .code = um_problem_code(status) };
    um_buffer_t buffer;

    if (service->put_problem == NULL) {
        return um_problem_body(status, request_id, pool);
    }
    um_buffer_init(&buffer, 256, pool);
    service->put_problem(&buffer, &problem);
    return buffer.data;
}

/* Begin with no answer and no faults, and find the route. */
static apr_status_t begin(const um_route_t **route, um_answer_t *answer, um_request_t *request)
{
    um_faults_t none = { .pool = request->pool, .place = "body" };

    um_answer_init(answer, request->pool);
    request->faults = none;
    return find_route(route, answer, request);
}

void um_router_handle_part(um_answer_t *answer, um_request_t *part)
{
    const um_route_t *route = NULL;
    apr_status_t status = begin(&route, answer, part);

    if (status == APR_SUCCESS && route != NULL) {
        status = um_permission_check(answer, part);
    }
    if (status == APR_SUCCESS && route != NULL) {
        status = parse_query(answer, part, route);
    }
    if (status == APR_SUCCESS && route != NULL) {
        status = route->handler(answer, part);
    }
    answer_status(answer, status, part->pool);
    adapt(answer, part);
}

void um_router_handle(um_answer_t *answer, um_request_t *request)
{
    const um_route_t *route = NULL;
    apr_status_t status = begin(&route, answer, request);

    if (route != NULL) {
        status = check(answer, request, route);
        if (status == APR_SUCCESS) {
            status = handle_body(answer, request, route);
        }
    }
    answer_status(answer, status, request->pool);
    adapt(answer, request);
    if (apr_table_get(answer->headers, "Cache-Control") == NULL) {
        int has_etag = apr_table_get(answer->headers, "ETag") != NULL && !changes(request);

        um_answer_set_header(answer, "Cache-Control", has_etag ? "no-cache" : "no-store");
    }
    um_answer_set_header(answer, "X-Content-Type-Options", "nosniff");
}
