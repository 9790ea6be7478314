/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file resource.c URLs and meta of resources, see resource.h. */

#include "resource.h"

#include <apr_strings.h>

const char *um_scim_url(const um_request_t *request, const char *path, const char *id)
{
    return apr_pstrcat(request->pool, request->own_origin, request->base, "/", path,
                       id != NULL ? "/" : NULL, id, NULL);
}

void um_scim_put_meta(um_buffer_t *buffer, const char *type, const char *location)
{
    um_json_put_name(buffer, "meta");
    um_buffer_putc(buffer, '{');
    um_json_put_member(buffer, "resourceType", type);
    um_json_put_member(buffer, "location", location);
    um_buffer_putc(buffer, '}');
}
