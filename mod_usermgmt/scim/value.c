/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file value.c Values as clients send them, see value.h. */

#include "value.h"

#include <string.h>

#include <apr_cstr.h>

#define VALUE "value"
#define PRIMARY "primary"

static apr_status_t refuse_type(um_scim_error_t *error, const char *name, const char *wanted,
                                apr_pool_t *pool)
{
    return um_scim_error_set(error, 400, UM_SCIM_INVALID_VALUE, pool, "%s must be %s.", name,
                             wanted);
}

/* ---- simple values ---- */

/* Some clients send "True". */
static apr_status_t read_boolean(um_json_t **value, um_scim_error_t *error,
                                 const um_json_t *given, const char *name, apr_pool_t *pool)
{
    const char *text = um_json_string(given);
    um_json_type_t type = um_json_type(given);

    if (type == UM_JSON_TRUE || (text != NULL && apr_cstr_casecmp(text, "true") == 0)) {
        *value = um_json_new_boolean(1);
    } else if (type == UM_JSON_FALSE || (text != NULL && apr_cstr_casecmp(text, "false") == 0)) {
        *value = um_json_new_boolean(0);
    } else {
        return refuse_type(error, name, "true or false", pool);
    }
    return APR_SUCCESS;
}

/* Some clients send an employeeNumber as a number. */
static apr_status_t read_text(um_json_t **value, um_scim_error_t *error, const um_json_t *given,
                              const char *name, apr_pool_t *pool)
{
    um_json_type_t type = um_json_type(given);

    if (type != UM_JSON_STRING && type != UM_JSON_INTEGER) {
        return refuse_type(error, name, "a string", pool);
    }
    *value = um_json_new_string(type == UM_JSON_STRING ? um_json_string(given)
                                                       : um_json_text(given, pool),
                                pool);
    return APR_SUCCESS;
}

/* ---- complex values ---- */

/* The sub-attributes of an object that are being read. */
typedef struct um_sub_read_t {
    um_json_t *object;
    const um_scim_attribute_t *attribute;
    um_scim_error_t *error;
    apr_pool_t *pool;
    apr_status_t status;
} um_sub_read_t;

static void read_sub(const char *name, const um_json_t *given, void *baton)
{
    um_sub_read_t *read = baton;
    const um_scim_attribute_t *sub = um_scim_find_sub(read->attribute, name);
    um_json_t *value = NULL;

    if (read->status != APR_SUCCESS || sub == NULL || sub->mutability == UM_SCIM_READ_ONLY) {
        return;
    }
    read->status = um_scim_value_read(&value, read->error, given, sub, sub->name, read->pool);
    if (read->status == APR_SUCCESS && value != NULL) {
        um_json_set(read->object, sub->name, value);
    }
}

/* Has an element only an empty text for a value? Clients send that to remove a manager. */
static int is_blank(const um_json_t *object, const um_scim_attribute_t *attribute)
{
    const um_json_t *value = um_json_member(object, VALUE);
    const char *text = value != NULL ? um_json_string(value) : NULL;

    return um_json_size(object) == 0
           || (um_scim_find_sub(attribute, VALUE) != NULL && text != NULL && text[0] == '\0');
}

/* An object, or the value alone. */
static apr_status_t read_complex(um_json_t **value, um_scim_error_t *error,
                                 const um_json_t *given, const um_scim_attribute_t *attribute,
                                 const char *name, apr_pool_t *pool)
{
    um_json_type_t type = um_json_type(given);
    um_sub_read_t read = { um_json_new_object(pool), attribute, error, pool, APR_SUCCESS };

    if (type == UM_JSON_OBJECT) {
        um_json_each(given, read_sub, &read);
    } else if (type == UM_JSON_ARRAY || um_scim_find_sub(attribute, VALUE) == NULL) {
        return refuse_type(error, name, "an object", pool);
    } else {
        read_sub(VALUE, given, &read);
    }
    if (read.status == APR_SUCCESS && !is_blank(read.object, attribute)) {
        *value = read.object;
    }
    return read.status;
}

apr_status_t um_scim_value_read_one(um_json_t **value, um_scim_error_t *error,
                                    const um_json_t *given, const um_scim_attribute_t *attribute,
                                    const char *name, apr_pool_t *pool)
{
    *value = NULL;
    if (um_json_type(given) == UM_JSON_NULL) {
        return APR_SUCCESS;
    }
    switch (attribute->type) {
    case UM_SCIM_BOOLEAN:
        return read_boolean(value, error, given, name, pool);
    case UM_SCIM_COMPLEX:
        return read_complex(value, error, given, attribute, name, pool);
    case UM_SCIM_ANY:
        *value = um_json_copy(given, pool);
        return APR_SUCCESS;
    case UM_SCIM_STRING:
    case UM_SCIM_DATE_TIME:
    case UM_SCIM_BINARY:
    case UM_SCIM_REFERENCE:
        break;
    }
    return read_text(value, error, given, name, pool);
}

/* ---- many values ---- */

static int is_primary(const um_json_t *element)
{
    const um_json_t *primary = um_json_type(element) == UM_JSON_OBJECT
                                   ? um_json_member(element, PRIMARY)
                                   : NULL;

    return primary != NULL && um_json_type(primary) == UM_JSON_TRUE;
}

static apr_status_t check_primary(um_scim_error_t *error, const um_json_t *array,
                                  const char *name, apr_pool_t *pool)
{
    int count = 0;

    for (apr_size_t i = 0; i < um_json_size(array); i++) {
        count += is_primary(um_json_element(array, i));
    }
    return count <= 1 ? APR_SUCCESS
                      : um_scim_error_set(error, 400, UM_SCIM_INVALID_VALUE, pool,
                                          "Only one of the %s can be primary.", name);
}

/* An element without a value is left out, unless its schema requires one: who sends members
 * without a value does not mean that the group has none. */
static apr_status_t check_value(um_scim_error_t *error, const um_json_t *element,
                                const um_json_t *given, const um_scim_attribute_t *attribute,
                                const char *name, apr_pool_t *pool)
{
    const um_scim_attribute_t *value = um_scim_find_sub(attribute, VALUE);

    if (value == NULL || !value->is_required || um_json_type(given) == UM_JSON_NULL
        || (element != NULL && um_json_member(element, VALUE) != NULL)) {
        return APR_SUCCESS;
    }
    return um_scim_error_set(error, 400, UM_SCIM_INVALID_VALUE, pool,
                             "Each of the %s must have a value.", name);
}

static apr_status_t read_many(um_json_t **value, um_scim_error_t *error, const um_json_t *given,
                              const um_scim_attribute_t *attribute, const char *name,
                              apr_pool_t *pool)
{
    int is_array = um_json_type(given) == UM_JSON_ARRAY;
    int needs_value = um_scim_needs_value(attribute);
    apr_size_t count = is_array ? um_json_size(given) : 1;
    um_json_t *array = um_json_new_array(pool);
    apr_status_t status = APR_SUCCESS;

    for (apr_size_t i = 0; status == APR_SUCCESS && i < count; i++) {
        const um_json_t *one = is_array ? um_json_element(given, i) : given;
        um_json_t *element = NULL;

        status = um_scim_value_read_one(&element, error, one, attribute, name, pool);
        if (status == APR_SUCCESS) {
            status = check_value(error, element, one, attribute, name, pool);
        }
        if (status == APR_SUCCESS && element != NULL
            && (!needs_value || um_json_member(element, VALUE) != NULL)) {
            um_json_append(array, element);
        }
    }
    if (status == APR_SUCCESS) {
        status = check_primary(error, array, name, pool);
    }
    if (status == APR_SUCCESS && um_json_size(array) > 0) {
        *value = array;
    }
    return status;
}

apr_status_t um_scim_value_read(um_json_t **value, um_scim_error_t *error, const um_json_t *given,
                                const um_scim_attribute_t *attribute, const char *name,
                                apr_pool_t *pool)
{
    *value = NULL;
    return attribute->is_multi_valued
               ? read_many(value, error, given, attribute, name, pool)
               : um_scim_value_read_one(value, error, given, attribute, name, pool);
}

/* ---- resources ---- */

/* A resource, or one of its extensions, that is being read. */
typedef struct um_resource_read_t {
    um_json_t *object;
    const um_scim_resource_type_t *type;
    /* NULL for the resource itself. */
    const um_scim_schema_t *extension;
    um_scim_error_t *error;
    apr_pool_t *pool;
    apr_status_t status;
} um_resource_read_t;

static void read_attribute(um_resource_read_t *read, const um_scim_attribute_t *attribute,
                           const char *name, const um_json_t *given)
{
    um_json_t *value = NULL;

    if (attribute == NULL || attribute->mutability == UM_SCIM_READ_ONLY
        || attribute->mutability == UM_SCIM_WRITE_ONLY) {
        return;
    }
    if (attribute->name != NULL) {
        name = attribute->name;
    }
    read->status = um_scim_value_read(&value, read->error, given, attribute, name, read->pool);
    if (read->status == APR_SUCCESS && value != NULL) {
        um_json_set(read->object, name, value);
    }
}

static void read_extension_member(const char *name, const um_json_t *given, void *baton)
{
    um_resource_read_t *read = baton;

    if (read->status == APR_SUCCESS) {
        read_attribute(read, um_scim_find_in_schema(read->extension, name), name, given);
    }
}

static apr_status_t read_extension(um_resource_read_t *read, const um_scim_schema_t *extension,
                                   const um_json_t *given)
{
    um_resource_read_t inner = *read;

    if (um_json_type(given) == UM_JSON_NULL) {
        return APR_SUCCESS;
    }
    if (um_json_type(given) != UM_JSON_OBJECT) {
        return refuse_type(read->error, extension->urn, "an object", read->pool);
    }
    inner.object = um_json_new_object(read->pool);
    inner.extension = extension;
    um_json_each(given, read_extension_member, &inner);
    if (inner.status == APR_SUCCESS) {
        um_json_set(read->object, extension->urn, inner.object);
    }
    return inner.status;
}

static void read_member(const char *name, const um_json_t *given, void *baton)
{
    um_resource_read_t *read = baton;
    const um_scim_schema_t *schema = um_scim_find_schema(read->type, name);

    if (read->status != APR_SUCCESS) {
        return;
    }
    if (schema != NULL && schema != read->type->schema) {
        read->status = read_extension(read, schema, given);
    } else {
        read_attribute(read, um_scim_find_attribute(read->type, name), name, given);
    }
}

apr_status_t um_scim_resource_read(um_json_t **resource, um_scim_error_t *error,
                                   const um_json_t *given, const um_scim_resource_type_t *type,
                                   apr_pool_t *pool)
{
    um_resource_read_t read = { um_json_new_object(pool), type, NULL, error, pool, APR_SUCCESS };

    um_json_set(read.object, "schemas", um_json_new_array(pool));
    um_json_each(given, read_member, &read);
    if (read.status == APR_SUCCESS) {
        um_scim_resource_set_schemas(read.object, type, pool);
        *resource = read.object;
    }
    return read.status;
}

void um_scim_resource_set_schemas(um_json_t *resource, const um_scim_resource_type_t *type,
                                  apr_pool_t *pool)
{
    um_json_t *schemas = um_json_new_array(pool);

    um_json_append(schemas, um_json_new_string(type->schema->urn, pool));
    for (const um_scim_schema_t *const *at = type->extensions; *at != NULL; at++) {
        const um_json_t *extension = um_json_member(resource, (*at)->urn);

        if (extension != NULL && um_json_size(extension) > 0) {
            um_json_append(schemas, um_json_new_string((*at)->urn, pool));
        } else {
            um_json_remove(resource, (*at)->urn);
        }
    }
    um_json_set(resource, "schemas", schemas);
}
