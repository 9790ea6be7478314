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

/** One line of the route table. */
typedef struct um_route_t {
    const char *method;
    /** Segments; "*" is the variable one. */
    const char *path;
    um_permission_t permission;
    const char *action;
    um_handler_t *handler;
    /** Features of the route, in addition to a JSON answer without parameters. */
    enum { UM_ROUTE_HAS_PARAMETERS = 1 << 0, UM_ROUTE_HAS_NDJSON = 1 << 1 } features;
    /** The largest number of bytes of a body; 0 if none is read. UserMgmtMaxBody also applies. */
    apr_int64_t max_body;
} um_route_t;

/**
 * Handle a request. answer is always filled in.
 * @param routes the routes of the service; the last one has a NULL method. A path with fixed
 *               segments comes before a path with a variable segment that matches it too
 */
void um_router_handle(um_answer_t *answer, um_request_t *request, const um_route_t *routes);

#endif
