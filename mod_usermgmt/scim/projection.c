/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file projection.c Which attributes are answered, see projection.h. */

#include "projection.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "../rest/query.h"

/* ---- names ---- */

static void add_target(apr_array_header_t *targets, const char *name,
                       const um_scim_resource_type_t *type)
{
    um_filter_target_t path;
    um_filter_error_t error;
    um_scim_target_t target;

    /* A client may send emails[type eq "work"]: then emails is meant. */
    if (um_filter_parse_path(&path, &error, name, targets->pool) == APR_SUCCESS
        && um_scim_find_path(&target, type, &path.path, path.sub, targets->pool) == APR_SUCCESS) {
        APR_ARRAY_PUSH(targets, um_scim_target_t) = target;
    }
}

/* Commas in brackets are not between names. */
static char *end_of_name(char *name)
{
    int depth = 0;

    for (; *name != '\0' && (*name != ',' || depth > 0); name++) {
        depth += (*name == '[') - (*name == ']');
    }
    return name;
}

/* Without white space at both ends. */
static const char *trimmed(char *name, char *end)
{
    while (end > name && apr_isspace(end[-1])) {
        *--end = '\0';
    }
    while (apr_isspace(*name)) {
        name++;
    }
    return name;
}

static void add_targets(apr_array_header_t *targets, const char *names,
                        const um_scim_resource_type_t *type)
{
    char *rest = apr_pstrdup(targets->pool, names);

    while (*rest != '\0') {
        char *end = end_of_name(rest);
        int is_last = *end == '\0';

        *end = '\0';
        add_target(targets, trimmed(rest, end), type);
        rest = is_last ? end : end + 1;
    }
}

static const apr_array_header_t *targets_of(const apr_array_header_t *names,
                                            const um_scim_resource_type_t *type, apr_pool_t *pool)
{
    apr_array_header_t *targets = NULL;

    for (int i = 0; names != NULL && i < names->nelts; i++) {
        if (targets == NULL) {
            targets = apr_array_make(pool, 8, sizeof(um_scim_target_t));
        }
        add_targets(targets, APR_ARRAY_IDX(names, i, const char *), type);
    }
    return targets;
}

void um_scim_projection_make(um_scim_projection_t *projection, const apr_array_header_t *wanted,
                             const apr_array_header_t *excluded,
                             const um_scim_resource_type_t *type, apr_pool_t *pool)
{
    projection->type = type;
    projection->wanted = targets_of(wanted, type, pool);
    projection->excluded = targets_of(excluded, type, pool);
}

/* The values of a parameter that are not empty. */
static const apr_array_header_t *values_of(const um_request_t *request, const char *name)
{
    apr_array_header_t *values = apr_array_make(request->pool, 1, sizeof(const char *));

    for (int i = 0; request->parameters != NULL && i < request->parameters->nelts; i++) {
        const um_query_parameter_t *given = &APR_ARRAY_IDX(request->parameters, i,
                                                           um_query_parameter_t);

        if (um_filter_same_name(given->name, name) && *given->value != '\0') {
            APR_ARRAY_PUSH(values, const char *) = given->value;
        }
    }
    return values;
}

void um_scim_projection_read(um_scim_projection_t *projection, const um_request_t *request,
                             const um_scim_resource_type_t *type)
{
    um_scim_projection_make(projection, values_of(request, "attributes"),
                            values_of(request, "excludedAttributes"), type, request->pool);
}

int um_scim_projection_is_whole(const um_scim_projection_t *projection)
{
    return projection->wanted == NULL && projection->excluded == NULL;
}

/* ---- decisions ---- */

/* How much of an attribute a list of targets names. */
typedef enum um_share_t { UM_SHARE_NONE, UM_SHARE_PART, UM_SHARE_ALL } um_share_t;

/* What is looked at: an attribute of an extension, or of the type's own schema and the common
 * ones. */
typedef struct um_at_t {
    const um_scim_schema_t *extension;
    /* NULL for all of the extension. */
    const char *name;
} um_at_t;

static int is_in(const um_scim_target_t *target, const um_at_t *at)
{
    return target->extension == at->extension
           && (target->attribute == NULL || at->name == NULL
               || um_filter_same_name(target->name, at->name));
}

static um_share_t share_of(const apr_array_header_t *targets, const um_at_t *at)
{
    um_share_t share = UM_SHARE_NONE;

    for (int i = 0; i < targets->nelts; i++) {
        const um_scim_target_t *target = &APR_ARRAY_IDX(targets, i, um_scim_target_t);

        if (!is_in(target, at)) {
            continue;
        }
        if (target->attribute == NULL || (at->name != NULL && target->sub_name == NULL)) {
            return UM_SHARE_ALL;
        }
        share = UM_SHARE_PART;
    }
    return share;
}

/* Does a list name that sub-attribute? */
static int names_sub(const apr_array_header_t *targets, const um_at_t *at, const char *sub)
{
    for (int i = 0; i < targets->nelts; i++) {
        const um_scim_target_t *target = &APR_ARRAY_IDX(targets, i, um_scim_target_t);

        if (target->attribute != NULL && is_in(target, at)
            && um_filter_same_name(target->sub_name, sub)) {
            return 1;
        }
    }
    return 0;
}

static int is_always(const um_scim_projection_t *projection, const um_at_t *at)
{
    const um_scim_attribute_t *attribute = at->name != NULL && at->extension == NULL
                                               ? um_scim_find_attribute(projection->type,
                                                                        at->name)
                                               : NULL;

    return attribute != NULL && attribute->returned == UM_SCIM_RETURNED_ALWAYS;
}

static um_share_t answered_share(const um_scim_projection_t *projection, const um_at_t *at)
{
    um_share_t wanted = projection->wanted != NULL ? share_of(projection->wanted, at)
                                                   : UM_SHARE_ALL;
    um_share_t excluded = projection->excluded != NULL ? share_of(projection->excluded, at)
                                                       : UM_SHARE_NONE;

    if (is_always(projection, at)) {
        return UM_SHARE_ALL;
    }
    if (wanted == UM_SHARE_NONE || excluded == UM_SHARE_ALL) {
        return UM_SHARE_NONE;
    }
    return wanted == UM_SHARE_ALL && excluded == UM_SHARE_NONE ? UM_SHARE_ALL : UM_SHARE_PART;
}

int um_scim_projection_has(const um_scim_projection_t *projection, const char *attribute)
{
    um_at_t at = { NULL, attribute };

    return answered_share(projection, &at) != UM_SHARE_NONE;
}

/* Of an attribute of which a part is answered. */
static int has_sub(const um_scim_projection_t *projection, const um_at_t *at, const char *sub)
{
    return (projection->wanted == NULL || share_of(projection->wanted, at) == UM_SHARE_ALL
            || names_sub(projection->wanted, at, sub))
           && (projection->excluded == NULL || !names_sub(projection->excluded, at, sub));
}

/* ---- trees ---- */

static void add_name(const char *name, const um_json_t *value, void *baton)
{
    (void)value;
    APR_ARRAY_PUSH((apr_array_header_t *)baton, const char *) = name;
}

/* The names of an object's members, in pool, so that these can be removed. */
static apr_array_header_t *names_of(const um_json_t *object, apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_make(pool, 32, sizeof(const char *));

    um_json_each(object, add_name, names);
    for (int i = 0; i < names->nelts; i++) {
        APR_ARRAY_IDX(names, i,
                      const char *) = apr_pstrdup(pool, APR_ARRAY_IDX(names, i, const char *));
    }
    return names;
}

static int is_empty(const um_json_t *value)
{
    um_json_type_t type = um_json_type(value);

    return (type == UM_JSON_OBJECT || type == UM_JSON_ARRAY) && um_json_size(value) == 0;
}

static void reduce_object(um_json_t *object, const um_scim_projection_t *projection,
                          const um_at_t *at, apr_pool_t *pool)
{
    apr_array_header_t *names = names_of(object, pool);

    for (int i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        if (!has_sub(projection, at, name)) {
            um_json_remove(object, name);
        }
    }
}

/* A complex value, or each of several. What has nothing left is removed. */
static void reduce_value(um_json_t *value, const um_scim_projection_t *projection,
                         const um_at_t *at, apr_pool_t *pool)
{
    if (um_json_type(value) == UM_JSON_OBJECT) {
        reduce_object(value, projection, at, pool);
        return;
    }
    for (apr_size_t i = um_json_type(value) == UM_JSON_ARRAY ? um_json_size(value) : 0;
         i-- > 0;) {
        um_json_t *element = um_json_open_element(value, i);

        if (um_json_type(element) == UM_JSON_OBJECT) {
            reduce_object(element, projection, at, pool);
        }
        if (is_empty(element)) {
            um_json_remove_element(value, i);
        }
    }
}

static void reduce_members(um_json_t *object, const um_scim_projection_t *projection,
                           const um_scim_schema_t *extension, apr_pool_t *pool);

/* Returns 0 if nothing of a member is answered. */
static int reduce_member(um_json_t *value, const um_scim_projection_t *projection,
                         const um_scim_schema_t *extension, const char *name, apr_pool_t *pool)
{
    const um_scim_schema_t *schema = extension == NULL
                                         ? um_scim_find_schema(projection->type, name)
                                         : NULL;
    um_at_t at = { schema != NULL ? schema : extension, schema != NULL ? NULL : name };
    um_share_t share = answered_share(projection, &at);

    if (share != UM_SHARE_PART) {
        return share == UM_SHARE_ALL;
    }
    if (schema != NULL) {
        reduce_members(value, projection, schema, pool);
    } else {
        reduce_value(value, projection, &at, pool);
    }
    return !is_empty(value);
}

static void reduce_members(um_json_t *object, const um_scim_projection_t *projection,
                           const um_scim_schema_t *extension, apr_pool_t *pool)
{
    apr_array_header_t *names = names_of(object, pool);

    for (int i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        if (!reduce_member(um_json_open_member(object, name), projection, extension, name,
                           pool)) {
            um_json_remove(object, name);
        }
    }
}

void um_scim_projection_apply(um_json_t *resource, const um_scim_projection_t *projection,
                              apr_pool_t *pool)
{
    if (!um_scim_projection_is_whole(projection)) {
        reduce_members(resource, projection, NULL, pool);
    }
}

void um_scim_projection_put(um_buffer_t *buffer, const um_buffer_t *resource,
                            const um_scim_projection_t *projection, apr_pool_t *pool)
{
    um_json_error_t error;
    um_json_t *tree = NULL;

    /* It was written here, so it can be read. */
    if (um_scim_projection_is_whole(projection)
        || um_json_parse(&tree, &error, resource->data, resource->length, pool) != APR_SUCCESS) {
        um_buffer_append(buffer, resource->data, resource->length);
        return;
    }
    um_scim_projection_apply(tree, projection, pool);
    um_json_put_value(buffer, tree);
}
