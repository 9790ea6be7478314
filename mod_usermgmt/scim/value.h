/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_VALUE_H
#define UM_SCIM_VALUE_H

/**
 * @file value.h
 * Values as clients send them, made to values of the schema: names as the table has them, a
 * boolean that came as "True" a boolean, a manager that came as a bare string an object. No null
 * is left, because null stands for no value (RFC 7643, 2.5).
 */

#include "../base/json.h"
#include "error.h"
#include "schema.h"

/**
 * Read the value of an attribute or sub-attribute. Sub-attributes that nobody can write, and
 * those that there are not, are left out.
 * @param value     the value in pool; NULL if there is none: null, an empty array, an object that
 *                  has nothing. A multi-valued attribute has an array, even if one value came
 *                  alone
 * @param given     stays as it is
 * @param error     set if UM_EINVALID is returned
 * @return APR_SUCCESS, or UM_EINVALID if a value has the wrong type
 */
apr_status_t um_scim_value_read(um_json_t **value, um_scim_error_t *error, const um_json_t *given,
                                const um_scim_attribute_t *attribute, const char *name,
                                apr_pool_t *pool);

/** The same for one value of an attribute, whether it is multi-valued or not. */
apr_status_t um_scim_value_read_one(um_json_t **value, um_scim_error_t *error,
                                    const um_json_t *given, const um_scim_attribute_t *attribute,
                                    const char *name, apr_pool_t *pool);

/**
 * Read a resource that came in POST or PUT. Read-only attributes, passwords, unknown attributes
 * and unknown extensions are left out. It has the schemas of the attributes that it has.
 * Required attributes are not asked for.
 * @param resource a tree in pool
 * @param given    an object
 * @return as um_scim_value_read()
 */
apr_status_t um_scim_resource_read(um_json_t **resource, um_scim_error_t *error,
                                   const um_json_t *given, const um_scim_resource_type_t *type,
                                   apr_pool_t *pool);

/** Set the member "schemas" of a resource by what it has: the URN of its type, and those of the
 *  extensions that it has attributes of. Empty extensions are removed. */
void um_scim_resource_set_schemas(um_json_t *resource, const um_scim_resource_type_t *type,
                                  apr_pool_t *pool);

#endif
