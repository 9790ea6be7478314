/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_PROJECTION_H
#define UM_SCIM_PROJECTION_H

/**
 * @file projection.h
 * Which attributes of a resource are answered (RFC 7644, 3.9): attributes and
 * excludedAttributes. Names are compared without case, and names that there are not are ignored.
 * Attributes that are always returned stay.
 */

#include "../base/json.h"
#include "../rest/request.h"
#include "schema.h"

typedef struct um_scim_projection_t {
    const um_scim_resource_type_t *type;
    /** Of um_scim_target_t: those that are wanted alone. NULL for all. */
    const apr_array_header_t *wanted;
    /** Of um_scim_target_t: those that are left out. NULL for none. */
    const apr_array_header_t *excluded;
} um_scim_projection_t;

/**
 * Make a projection.
 * @param wanted, excluded of const char *, each the name of an attribute, or several with commas
 *                         between them; NULL for what was not asked for. If they contradict, what
 *                         is excluded is left out
 */
void um_scim_projection_make(um_scim_projection_t *projection, const apr_array_header_t *wanted,
                             const apr_array_header_t *excluded,
                             const um_scim_resource_type_t *type, apr_pool_t *pool);

/** Make the projection that the parameters of a request ask for. */
void um_scim_projection_read(um_scim_projection_t *projection, const um_request_t *request,
                             const um_scim_resource_type_t *type);

/** Tell whether all attributes are answered. */
int um_scim_projection_is_whole(const um_scim_projection_t *projection);

/** Tell whether anything of an attribute of the type's own schema is answered, so that one that
 *  is left out costs no query. */
int um_scim_projection_has(const um_scim_projection_t *projection, const char *attribute);

/** Remove what is not answered from a resource. */
void um_scim_projection_apply(um_json_t *resource, const um_scim_projection_t *projection,
                              apr_pool_t *pool);

/** Append a resource, as far as it is answered.
 *  @param resource the text of all of it, an object */
void um_scim_projection_put(um_buffer_t *buffer, const um_buffer_t *resource,
                            const um_scim_projection_t *projection, apr_pool_t *pool);

#endif
