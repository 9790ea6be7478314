/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file service.c The index of the API, and what the caller is and may do (me/). */

#include "service.h"

#include <string.h>

#include <apr_strings.h>

#include "../rest/permission.h"
#include "../rest/problem.h"
#include "routes.h"

static void put_text(um_buffer_t *buffer, const char *name, const char *text)
{
    um_buffer_puts(buffer, name);
    um_json_put_string_or_null(buffer, text);
}

/* ---- the index ---- */

/* Is a route a resource that this caller may read, and no single entry of one? */
static int is_link(const um_route_t *route, const um_request_t *request)
{
    return strcmp(route->method, "GET") == 0 && route->path[0] != '\0'
           && strchr(route->path, '*') == NULL
           && um_permission_allows(route->permission, &request->caller, request->settings);
}

/* A link is named as members are, and relative to the index, as Link headers are relative. */
static void put_link(um_buffer_t *buffer, const char *path, apr_pool_t *pool)
{
    char *name = apr_pstrdup(pool, path);

    for (char *c = name; *c != '\0'; c++) {
        if (*c == '-') {
            *c = '_';
        }
    }
    um_json_put_string(buffer, name);
    um_buffer_putc(buffer, ':');
    um_json_put_string(buffer, apr_pstrcat(pool, path, "/", NULL));
}

static void put_links(um_buffer_t *buffer, const um_request_t *request)
{
    int count = 0;

    um_buffer_puts(buffer, ",\"links\":{");
    for (const um_route_t *route = um_api_routes; route->method != NULL; route++) {
        if (is_link(route, request)) {
            if (count++ > 0) {
                um_buffer_putc(buffer, ',');
            }
            put_link(buffer, route->path, request->pool);
        }
    }
    um_buffer_putc(buffer, '}');
}

apr_status_t um_service_index(um_answer_t *answer, um_request_t *request)
{
    um_buffer_t buffer;

    if (request->faults.list != NULL) {
        um_problem_answer_faults(answer, &request->faults);
        return APR_SUCCESS;
    }
    um_buffer_init(&buffer, 512, request->pool);
    put_text(&buffer, "{\"service\":", "mod_usermgmt");
    put_text(&buffer, ",\"version\":", UM_VERSION);
    put_text(&buffer, ",\"organization\":", request->caller.organization);
    put_links(&buffer, request);
    um_buffer_putc(&buffer, '}');
    um_answer_json(answer, 200, &buffer);
    return APR_SUCCESS;
}

/* ---- the caller ---- */

static void put_permissions(um_buffer_t *buffer, unsigned permissions)
{
    int count = 0;

    um_buffer_puts(buffer, ",\"permissions\":[");
    for (const um_permission_entry_t *at = um_permissions; at->name != NULL; at++) {
        if ((permissions & at->permission) != 0) {
            if (count++ > 0) {
                um_buffer_putc(buffer, ',');
            }
            um_json_put_string(buffer, at->name);
        }
    }
    um_buffer_putc(buffer, ']');
}

apr_status_t um_service_me(um_answer_t *answer, um_request_t *request)
{
    const um_caller_t *caller = &request->caller;
    um_buffer_t buffer;

    if (request->faults.list != NULL) {
        um_problem_answer_faults(answer, &request->faults);
        return APR_SUCCESS;
    }
    um_buffer_init(&buffer, 512, request->pool);
    put_text(&buffer, "{\"identity\":", caller->identity);
    put_text(&buffer, ",\"user_uid\":", caller->uid);
    put_text(&buffer, ",\"role\":", um_role_name(caller->role));
    put_permissions(&buffer, um_permission_of_caller(caller, request->settings));
    put_text(&buffer, ",\"organization\":", caller->organization);
    um_buffer_puts(&buffer, request->settings->sends_mail ? ",\"features\":[\"mail\"]}"
                                                          : ",\"features\":[]}");
    um_answer_json(answer, 200, &buffer);
    return APR_SUCCESS;
}
