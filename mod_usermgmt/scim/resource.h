/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_RESOURCE_H
#define UM_SCIM_RESOURCE_H

/** @file resource.h What all resources of SCIM have in common: URLs, bodies and answers. */

#include "../rest/problem.h"
#include "schema.h"

/** The absolute URL of a resource, in the request's pool.
 *  @param path "Users"; id NULL for the path alone */
const char *um_scim_url(const um_request_t *request, const char *path, const char *id);

/** Append the member "meta" of a resource that has no times.
 *  @param type its resourceType */
void um_scim_put_meta(um_buffer_t *buffer, const char *type, const char *location);

/** Read the body of a request as a resource of that type, in the request's pool. UM_EREFUSED, and
 *  answer is a problem, if a value has the wrong type. */
apr_status_t um_scim_read_body(um_json_t **resource, um_answer_t *answer,
                               const um_request_t *request,
                               const um_scim_resource_type_t *type) UM_MUST_USE;

#endif
