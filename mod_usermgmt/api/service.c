/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file service.c The index of the API, its description, and me/; see service.h. */

#include "service.h"

#include <string.h>

#include <apr_strings.h>

#include "../rest/negotiate.h"
#include "../rest/permission.h"
#include "routes.h"

/* ---- the index ---- */

/* Tell whether a route is a list or another resource that this caller may read, and not a single
 * entry of a list. */
static int is_link(const um_route_t *route, const um_request_t *request)
{
    return strcmp(route->method, "GET") == 0 && route->path[0] != '\0'
           && strchr(route->path, '*') == NULL
           && um_permission_allows(route->permission, &request->caller, request->settings);
}

/* The start of links relative to the URL of the request: its last segment, unless it ends with
 * a slash. A colon in it would end a scheme, unless "./" comes first (RFC 3986 section 4.2). */
static const char *start_of_links(const um_request_t *request)
{
    const char *slash = strrchr(request->base, '/');

    if (request->path[0] != '\0' || slash == NULL) {
        return "";
    }
    return apr_pstrcat(request->pool, strchr(slash, ':') != NULL ? "./" : "", slash + 1, "/",
                       NULL);
}

/* A link is named as members are, and relative, as Link headers are. A file has no slash at its
 * end, and its name is that of the link up to the dot. */
static void put_link(um_buffer_t *buffer, const char *start, const char *path, apr_pool_t *pool)
{
    const char *dot = strchr(path, '.');
    char *name = dot != NULL ? apr_pstrmemdup(pool, path, (apr_size_t)(dot - path))
                             : apr_pstrdup(pool, path);

    for (char *c = name; *c != '\0'; c++) {
        if (*c == '-' || *c == '/') {
            *c = '_';
        }
    }
    um_json_put_any_name(buffer, name);
    um_json_put_string(buffer, apr_pstrcat(pool, start, path, dot != NULL ? "" : "/", NULL));
}

static void put_links(um_buffer_t *buffer, const um_request_t *request)
{
    const char *start = start_of_links(request);

    um_json_put_name(buffer, "links");
    um_buffer_putc(buffer, '{');
    for (const um_route_t *route = um_api_routes; route->method != NULL; route++) {
        if (is_link(route, request)) {
            put_link(buffer, start, route->path, request->pool);
        }
    }
    um_buffer_putc(buffer, '}');
}

apr_status_t um_service_index(um_answer_t *answer, um_request_t *request)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 512, request->pool);
    um_buffer_putc(&buffer, '{');
    um_json_put_member(&buffer, "service", "mod_usermgmt");
    um_json_put_member(&buffer, "version", UM_VERSION);
    um_json_put_member(&buffer, "organization", request->caller.organization);
    put_links(&buffer, request);
    um_buffer_putc(&buffer, '}');
    um_answer_json(answer, 200, &buffer);
    return APR_SUCCESS;
}

/* ---- the description ---- */

apr_status_t um_service_openapi(um_answer_t *answer, um_request_t *request)
{
    answer->status = 200;
    answer->content_type = UM_JSON;
    answer->body = um_openapi;
    answer->length = strlen(um_openapi);
    um_answer_set_header(answer, "ETag", um_answer_etag(um_openapi, request->pool));
    um_answer_revalidate(answer, request);
    return APR_SUCCESS;
}

/* ---- the caller ---- */

/* Of const char *. */
static apr_array_header_t *names_of(unsigned permissions, apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_make(pool, 16, sizeof(const char *));

    for (const um_permission_entry_t *at = um_permissions; at->name != NULL; at++) {
        if ((permissions & at->permission) != 0) {
            APR_ARRAY_PUSH(names, const char *) = at->name;
        }
    }
    return names;
}

/* The optional features that are turned on, of const char *. */
static apr_array_header_t *features_of(const um_settings_t *settings, apr_pool_t *pool)
{
    apr_array_header_t *features = apr_array_make(pool, 2, sizeof(const char *));

    if (settings->sends_mail) {
        APR_ARRAY_PUSH(features, const char *) = "mail";
    }
    return features;
}

apr_status_t um_service_me(um_answer_t *answer, um_request_t *request)
{
    const um_caller_t *caller = &request->caller;
    unsigned permissions = um_permission_of_caller(caller, request->settings);
    um_buffer_t buffer;

    um_buffer_init(&buffer, 512, request->pool);
    um_buffer_putc(&buffer, '{');
    um_json_put_member(&buffer, "identity", caller->identity);
    um_json_put_member_or_null(&buffer, "user_uid", caller->uid);
    um_json_put_member(&buffer, "role", um_role_name(caller->role));
    um_json_put_member_strings(&buffer, "permissions", names_of(permissions, request->pool));
    um_json_put_member(&buffer, "organization", caller->organization);
    um_json_put_member_strings(&buffer, "features",
                               features_of(request->settings, request->pool));
    um_buffer_putc(&buffer, '}');
    um_answer_json(answer, 200, &buffer);
    return APR_SUCCESS;
}
