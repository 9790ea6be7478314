/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_REST_ROUTER_H
#define UM_REST_ROUTER_H

/**
 * @file router.h
 * From a request to its handler: finds the route, and makes the checks of every request in
 * the order of docs/api.md.
 */

#include "request.h"

/** The handler of a route. It returns APR_SUCCESS if answer is a success; UM_EREFUSED if answer
 *  is a problem; or the error of a store function, and the router answers. */
typedef apr_status_t um_handler_t(um_answer_t *answer, um_request_t *request);

/** The largest number of values in a body that has the bodies of many requests, or all members of
 *  a group. */
#define UM_ROUTE_VALUES_MAX 300000

/** One line of the route table. */
typedef struct um_route_t {
    const char *method;
    /** Segments; "*" is the variable one. */
    const char *path;
    um_permission_t permission;
    const char *action;
    um_handler_t *handler;
    /** Features of the route, in addition to a JSON answer without parameters. A stream is NDJSON
     *  or CSV. A public route needs no caller where um_settings_t.public_routes is set. A body
     *  with many values has up to UM_ROUTE_VALUES_MAX. */
    enum {
        UM_ROUTE_HAS_PARAMETERS = 1 << 0,
        UM_ROUTE_HAS_STREAMS = 1 << 1,
        UM_ROUTE_IS_PUBLIC = 1 << 2,
        UM_ROUTE_HAS_MANY_VALUES = 1 << 3
    } features;
    /** The largest number of bytes of a body; 0 if none is read. UserMgmtMaxBody also applies. */
    apr_int64_t max_body;
} um_route_t;

/** A service: an API that has a handler of httpd of its own. */
struct um_service_t {
    /** The last one has a NULL method. A path with fixed segments comes before a path with a
     *  variable segment that matches it too. */
    const um_route_t *routes;
    /** The type of its answers. Bodies may have it or be application/json, and so may Accept. */
    const char *media_type;
    /** The type of its problems, and a function that appends one; NULL for RFC 9457. */
    const char *problem_type;
    void (*put_problem)(um_buffer_t *buffer, const um_problem_t *problem);
    /** Whether parameters that a route does not know are ignored; otherwise they are faults. */
    int ignores_parameters;
    /** Whether an entity tag with W/ matches in If-Match. */
    int takes_weak_etags;
};

/** Handle a request for request->service. answer is always filled in. */
void um_router_handle(um_answer_t *answer, um_request_t *request);

/** Handle one of the requests that a request consists of. Its method, path, query, headers and
 * body are filled in; the rest is a copy of the whole request, which has passed its checks.
 * answer is always filled in, in the form of the service. */
void um_router_handle_part(um_answer_t *answer, um_request_t *part);

/** Tell whether a request to read a path is for a route of a service that can be public. */
int um_router_is_public(const um_service_t *service, const char *path, apr_pool_t *pool);

/** The body of a problem that the server itself made, as um_problem_body() but in the form of the
 *  service. */
const char *um_router_problem_body(const um_service_t *service, int status,
                                   const char *request_id, apr_pool_t *pool);

#endif
