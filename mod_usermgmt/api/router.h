/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_API_ROUTER_H
#define UM_API_ROUTER_H

/**
 * @file router.h
 * From a request to its handler: the route table and the checks that every
 * request goes through, in the order docs/api.md gives.
 */

#include "../rest/request.h"

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

/** All routes, ended by one with a NULL method. */
extern const um_route_t um_router_routes[];

/** Handle a request: answer is filled in, whatever happens. */
void um_router_handle(um_answer_t *answer, um_request_t *request);

/* users.c */
um_handler_t um_users_create, um_users_list, um_users_get, um_users_update, um_users_delete;
/* sub_admins.c */
um_handler_t um_sub_admins_list, um_sub_admins_create, um_sub_admins_delete;
/* invitations.c */
um_handler_t um_invitations_list, um_invitations_create, um_invitations_resend,
    um_invitations_accept, um_invitations_delete;
/* sessions.c */
um_handler_t um_sessions_list, um_sessions_create;
/* audit_events.c */
um_handler_t um_audit_events_list;
/* organization.c */
um_handler_t um_organization_status;

#endif
