/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file schema.c Looks up the attributes of SCIM, see schema.h. */

#include "schema.h"

#include <apr_strings.h>

#include "../base/status.h"

/* What an open schema has. */
static const um_scim_attribute_t any = { .type = UM_SCIM_ANY };

static const um_scim_attribute_t *find(const um_scim_attribute_t *attributes, const char *name)
{
    for (const um_scim_attribute_t *at = attributes; at != NULL && at->name != NULL; at++) {
        if (um_filter_same_name(at->name, name)) {
            return at;
        }
    }
    return NULL;
}

const um_scim_attribute_t *um_scim_find_sub(const um_scim_attribute_t *attribute,
                                            const char *name)
{
    return find(attribute->sub_attributes, name);
}

int um_scim_needs_value(const um_scim_attribute_t *attribute)
{
    return attribute->is_multi_valued && um_scim_find_sub(attribute, "value") != NULL;
}

const um_scim_attribute_t *um_scim_find_in_schema(const um_scim_schema_t *schema,
                                                  const char *name)
{
    const um_scim_attribute_t *found = find(schema->attributes, name);

    return found == NULL && schema->is_open ? &any : found;
}

const um_scim_attribute_t *um_scim_find_attribute(const um_scim_resource_type_t *type,
                                                  const char *name)
{
    const um_scim_attribute_t *common = find(um_scim_common_attributes, name);

    return common != NULL ? common : um_scim_find_in_schema(type->schema, name);
}

const um_scim_schema_t *um_scim_find_schema(const um_scim_resource_type_t *type, const char *urn)
{
    if (um_filter_same_name(type->schema->urn, urn)) {
        return type->schema;
    }
    for (const um_scim_schema_t *const *at = type->extensions; *at != NULL; at++) {
        if (um_filter_same_name((*at)->urn, urn)) {
            return *at;
        }
    }
    return NULL;
}

static apr_status_t find_sub(um_scim_target_t *target, const char *sub, apr_pool_t *pool)
{
    if (target->attribute->type == UM_SCIM_ANY) {
        target->sub_name = apr_pstrdup(pool, sub);
        return APR_SUCCESS;
    }
    target->sub = um_scim_find_sub(target->attribute, sub);
    if (target->sub == NULL) {
        return UM_EINVALID;
    }
    target->sub_name = target->sub->name;
    return APR_SUCCESS;
}

/* The schema that a path names; NULL if it names none, and that of the type. */
static apr_status_t find_extension(const um_scim_schema_t **extension,
                                   const um_scim_resource_type_t *type, const char *urn)
{
    const um_scim_schema_t *schema = urn != NULL ? um_scim_find_schema(type, urn) : type->schema;

    *extension = schema != type->schema ? schema : NULL;
    return schema != NULL ? APR_SUCCESS : UM_ENOTFOUND;
}

apr_status_t um_scim_find_path(um_scim_target_t *target, const um_scim_resource_type_t *type,
                               const um_filter_path_t *path, const char *sub, apr_pool_t *pool)
{
    um_scim_target_t found = { NULL, NULL, NULL, NULL, NULL };
    const um_scim_schema_t *whole = um_scim_find_schema(type, path->text);
    apr_status_t status;

    if (whole != NULL) {
        found.extension = whole != type->schema ? whole : NULL;
        *target = found;
        return APR_SUCCESS;
    }
    status = find_extension(&found.extension, type, path->schema);
    if (status != APR_SUCCESS) {
        return status;
    }
    found.attribute = found.extension != NULL
                          ? um_scim_find_in_schema(found.extension, path->attribute)
                          : um_scim_find_attribute(type, path->attribute);
    if (found.attribute == NULL) {
        return UM_EINVALID;
    }
    found.name = found.attribute->name != NULL ? found.attribute->name
                                               : apr_pstrdup(pool, path->attribute);
    status = sub != NULL ? find_sub(&found, sub, pool) : APR_SUCCESS;
    if (status == APR_SUCCESS) {
        *target = found;
    }
    return status;
}
