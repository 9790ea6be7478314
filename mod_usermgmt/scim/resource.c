/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file resource.c URLs, bodies and meta of resources, see resource.h. */

#include "resource.h"

#include "error.h"
#include "value.h"

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

apr_status_t um_scim_read_body(um_json_t **resource, um_answer_t *answer,
                               const um_request_t *request, const um_scim_resource_type_t *type)
{
    um_scim_error_t error = { 0 };
    apr_status_t status = um_scim_resource_read(resource, &error, request->body, type,
                                                request->pool);

    return status == APR_SUCCESS ? status : um_scim_error_answer(answer, &error, request->pool);
}
