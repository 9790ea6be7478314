/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_REST_ROUTER_H
#define UM_REST_ROUTER_H

/**
 * @file router.h
 * From a request to its handler: the routes matched, and the checks that every
 * request goes through, in the order docs/api.md gives.
 */

#include "request.h"

/** Does what a route is for. APR_SUCCESS with answer filled in (a problem
 *  included), or the error of a store function. */
typedef apr_status_t um_handler_t(um_answer_t *answer, um_request_t *request);

/** One line of the route table. */
typedef struct um_route_t {
    const char *method;
    /** Segments; "*" stands for the variable one. */
    const char *path;
    um_permission_t permission;
    const char *action;
    um_handler_t *handler;
    /** What else than a plain JSON answer without parameters the route has. */
    enum {
        UM_ROUTE_PLAIN = 0,
        UM_ROUTE_HAS_PARAMETERS = 1 << 0,
        UM_ROUTE_HAS_NDJSON = 1 << 1
    } features;
    /** Bytes that a body may have; 0 where none is read. UserMgmtMaxBody holds besides. */
    apr_int64_t max_body;
} um_route_t;

/**
 * Handle a request: answer is filled in, whatever happens.
 * @param routes the service's, ended by one with a NULL method; a path with fixed
 *               segments stands before one with a variable segment that it matches
 */
void um_router_handle(um_answer_t *answer, um_request_t *request, const um_route_t *routes);

#endif
