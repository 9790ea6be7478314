/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_PATCH_H
#define UM_SCIM_PATCH_H

/**
 * @file patch.h
 * PATCH of SCIM (RFC 7644, 3.5.2), as real clients send it. A request is read into a list of
 * operations, each with one target, and these are applied to a resource as a JSON tree.
 *
 * The members of a group are too many for a tree. Whoever changes them takes the operations on
 * "members" out of the list, and applies them itself.
 */

#include <apr_tables.h>

#include "../base/json.h"
#include "error.h"
#include "schema.h"

/** The largest number of operations that a request may have; an object without a path counts as
 *  one for each of its members. */
#define UM_SCIM_OPERATIONS_MAX 1000

typedef enum um_scim_operation_kind_t {
    UM_SCIM_ADD,
    UM_SCIM_REPLACE,
    UM_SCIM_REMOVE
} um_scim_operation_kind_t;

/** One operation on one target. */
typedef struct um_scim_operation_t {
    um_scim_operation_kind_t kind;
    /** As the client wrote it: the path, or the name of a member of a value without a path. */
    const char *path;
    /** Whether the client sent it as a path. */
    int has_path;
    /** Its attribute is NULL if a whole extension is removed. */
    um_scim_target_t target;
    /** What elements of a multi-valued attribute must match; NULL if all are meant. */
    const um_filter_t *filter;
    /** The value as it came; NULL if there was none, or null. */
    const um_json_t *given;
    /** The value by the schema, see value.h: for "members" an array of objects with a "value".
     *  NULL for none: if the operation is no removal, it unassigns its target, except that to add
     *  nothing to many values changes nothing. A removal has a value if it removes these values
     *  alone, and not all. It must not be changed, because a change may run twice. */
    const um_json_t *value;
} um_scim_operation_t;

/**
 * Read the operations of a PATCH request. Operations on schemas that the type does not have are
 * left out; and so are unknown attributes in values without a path.
 * @param operations of um_scim_operation_t, in pool, in their order
 * @param error      set if UM_EINVALID is returned
 * @param request    the body, an object; it lives as long as the operations are used
 * @return APR_SUCCESS or UM_EINVALID
 */
apr_status_t um_scim_patch_read(apr_array_header_t **operations, um_scim_error_t *error,
                                const um_json_t *request, const um_scim_resource_type_t *type,
                                apr_pool_t *pool);

/**
 * Apply operations to a resource, all of them or none.
 * @param patched    a new tree in pool. It is equal to resource (um_json_equal()) if the
 *                   operations change nothing
 * @param error      set if UM_EINVALID is returned
 * @param resource   an object with names as the schema has them; it stays as it is
 * @param operations of um_scim_operation_t
 * @return APR_SUCCESS or UM_EINVALID
 */
apr_status_t um_scim_patch_run(um_json_t **patched, um_scim_error_t *error,
                               const um_json_t *resource, const apr_array_header_t *operations,
                               const um_scim_resource_type_t *type, apr_pool_t *pool);

/** Read a request, and apply its operations to a resource: um_scim_patch_read(), and then
 *  um_scim_patch_run(). */
apr_status_t um_scim_patch_apply(um_json_t **patched, const um_json_t *resource,
                                 const um_json_t *request, const um_scim_resource_type_t *type,
                                 um_scim_error_t *error, apr_pool_t *pool);

#endif
