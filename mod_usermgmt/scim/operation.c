/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file operation.c Reads the operations of a PATCH request, see patch.h. */

#include <string.h>

#include <apr_cstr.h>

#include "patch.h"
#include "value.h"

/* A request that is being read. */
typedef struct um_patch_read_t {
    apr_array_header_t *operations;
    const um_scim_resource_type_t *type;
    um_scim_error_t *error;
    apr_pool_t *pool;
    /* Of the operation at hand. */
    um_scim_operation_kind_t kind;
    apr_status_t status;
} um_patch_read_t;

static apr_status_t refuse_path(const um_patch_read_t *read, const char *path, const char *reason)
{
    return um_scim_error_set(read->error, 400, UM_SCIM_INVALID_PATH, read->pool,
                             "The path %s: %s", path, reason);
}

static apr_status_t refuse_syntax(const um_patch_read_t *read, const char *detail)
{
    return um_scim_error_set(read->error, 400, UM_SCIM_INVALID_SYNTAX, read->pool, "%s", detail);
}

/* ---- one target ---- */

/* Are the paths of a filter sub-attributes of the attribute? */
static int has_known_paths(const um_filter_t *filter, const um_scim_attribute_t *attribute)
{
    if (filter->kind == UM_FILTER_PRESENT || filter->kind == UM_FILTER_COMPARE) {
        return filter->path.schema == NULL
               && (attribute->type == UM_SCIM_ANY
                   || um_scim_find_sub(attribute, filter->path.name) != NULL);
    }
    for (const um_filter_t *term = filter->first; term != NULL; term = term->next) {
        if (!has_known_paths(term, attribute)) {
            return 0;
        }
    }
    return filter->kind != UM_FILTER_ELEMENT;
}

static apr_status_t check_filter(const um_patch_read_t *read,
                                 const um_scim_operation_t *operation)
{
    const um_scim_attribute_t *attribute = operation->target.attribute;

    if (operation->filter == NULL) {
        return APR_SUCCESS;
    }
    if (!attribute->is_multi_valued && attribute->type != UM_SCIM_ANY) {
        return refuse_path(read, operation->path,
                           "only attributes with several values can have "
                           "a filter.");
    }
    return has_known_paths(operation->filter, attribute)
               ? APR_SUCCESS
               : refuse_path(read, operation->path,
                             "its filter names something that is no sub-attribute.");
}

/* Read the value for the target of an operation. */
static apr_status_t read_value(um_patch_read_t *read, um_scim_operation_t *operation)
{
    const um_scim_target_t *target = &operation->target;
    const um_scim_attribute_t *attribute = target->sub != NULL ? target->sub : target->attribute;
    um_json_t *value = NULL;
    apr_status_t status;

    /* Values to remove are those of a whole attribute with many values. */
    if (operation->kind == UM_SCIM_REMOVE
        && (operation->filter != NULL || target->sub_name != NULL
            || !target->attribute->is_multi_valued)) {
        operation->given = NULL;
    }
    if (operation->given == NULL) {
        return APR_SUCCESS;
    }
    status = operation->filter != NULL && target->sub_name == NULL
                 ? um_scim_value_read_one(&value, read->error, operation->given, attribute,
                                          operation->path, read->pool)
                 : um_scim_value_read(&value, read->error, operation->given, attribute,
                                      operation->path, read->pool);
    operation->value = value;
    return status;
}

static void push(um_patch_read_t *read, const um_scim_operation_t *operation)
{
    if (read->operations->nelts >= UM_SCIM_OPERATIONS_MAX) {
        read->status = um_scim_error_set(read->error, 413, NULL, read->pool,
                                         "There are more than %d operations.",
                                         UM_SCIM_OPERATIONS_MAX);
        return;
    }
    APR_ARRAY_PUSH(read->operations, um_scim_operation_t) = *operation;
}

static void add_operation(um_patch_read_t *read, um_scim_operation_t *operation)
{
    read->status = check_filter(read, operation);
    if (read->status == APR_SUCCESS) {
        read->status = read_value(read, operation);
    }
    /* A removal of an empty list of values is no removal of all values. */
    if (read->status == APR_SUCCESS
        && (operation->kind != UM_SCIM_REMOVE || operation->given == NULL
            || operation->value != NULL)) {
        push(read, operation);
    }
}

/* ---- the names in a value ---- */

/* A schema whose attributes are being read. */
typedef struct um_schema_read_t {
    um_patch_read_t *read;
    const um_scim_schema_t *schema;
} um_schema_read_t;

static const um_json_t *find_given(const um_json_t *value)
{
    return value != NULL && um_json_type(value) != UM_JSON_NULL ? value : NULL;
}

/* A name in the object of a schema is no path: the name of a custom attribute can have dots. */
static void read_named(const char *name, const um_json_t *value, void *baton)
{
    const um_schema_read_t *schema = baton;
    um_patch_read_t *read = schema->read;
    um_scim_operation_t operation = {
        .kind = read->kind,
        .path = name,
        .given = find_given(value),
        .target.attribute = um_scim_find_in_schema(schema->schema, name),
    };

    if (read->status != APR_SUCCESS || operation.target.attribute == NULL) {
        return;
    }
    operation.target.extension = schema->schema != read->type->schema ? schema->schema : NULL;
    operation.target.name = operation.target.attribute->name != NULL
                                ? operation.target.attribute->name
                                : name;
    add_operation(read, &operation);
}

/* The target of an operation is all of a schema. */
static void read_schema(um_patch_read_t *read, um_scim_operation_t *operation)
{
    um_schema_read_t schema = { read, operation->target.extension };

    if (schema.schema == NULL) {
        schema.schema = read->type->schema;
    }
    if (operation->kind == UM_SCIM_REMOVE || operation->given == NULL) {
        operation->kind = UM_SCIM_REMOVE;
        operation->given = NULL;
        push(read, operation);
    } else if (um_json_type(operation->given) != UM_JSON_OBJECT) {
        read->status = um_scim_error_set(read->error, 400, UM_SCIM_INVALID_VALUE, read->pool,
                                         "%s must be an object.", operation->path);
    } else {
        um_json_each(operation->given, read_named, &schema);
    }
}

/* An unknown schema is ignored, and so is an unknown name that is no path of the client's. */
static void read_path(um_patch_read_t *read, um_scim_operation_t *operation)
{
    um_filter_target_t parsed;
    um_filter_error_t why;

    if (um_filter_parse_path(&parsed, &why, operation->path, read->pool) != APR_SUCCESS) {
        if (operation->has_path || strchr(operation->path, '[') != NULL) {
            read->status = refuse_path(read, operation->path, why.detail);
        }
        return;
    }
    read->status = um_scim_find_path(&operation->target, read->type, &parsed.path, parsed.sub,
                                     read->pool);
    if (read->status == UM_EINVALID && operation->has_path) {
        read->status = refuse_path(read, operation->path, "there is no such attribute.");
    } else if (read->status != APR_SUCCESS) {
        read->status = APR_SUCCESS;
    } else if (operation->target.attribute != NULL) {
        operation->filter = parsed.filter;
        add_operation(read, operation);
    } else {
        read_schema(read, operation);
    }
}

/* A name in a value without a path is a path. */
static void read_member(const char *name, const um_json_t *value, void *baton)
{
    um_patch_read_t *read = baton;
    um_scim_operation_t operation = {
        .kind = read->kind,
        .path = name,
        .given = find_given(value),
    };

    if (read->status == APR_SUCCESS) {
        read_path(read, &operation);
    }
}

/* ---- the request ---- */

static const um_json_t *find_member(const um_json_t *object, const char *name)
{
    const char *found = um_json_find_name(object, name);

    return found != NULL ? um_json_member(object, found) : NULL;
}

/* Some clients write "Add". */
static apr_status_t read_kind(um_patch_read_t *read, const um_json_t *operation)
{
    static const char *const names[] = {
        [UM_SCIM_ADD] = "add",
        [UM_SCIM_REPLACE] = "replace",
        [UM_SCIM_REMOVE] = "remove",
    };
    const um_json_t *op = find_member(operation, "op");
    const char *text = op != NULL ? um_json_string(op) : NULL;

    for (int i = 0; text != NULL && i < (int)(sizeof(names) / sizeof(names[0])); i++) {
        if (apr_cstr_casecmp(text, names[i]) == 0) {
            read->kind = (um_scim_operation_kind_t)i;
            return APR_SUCCESS;
        }
    }
    return refuse_syntax(read, "The op of each operation must be add, replace or remove.");
}

static apr_status_t read_without_path(um_patch_read_t *read, const um_json_t *value)
{
    if (read->kind == UM_SCIM_REMOVE) {
        return um_scim_error_set(read->error, 400, UM_SCIM_NO_TARGET, read->pool,
                                 "A remove needs a path.");
    }
    if (value == NULL || um_json_type(value) != UM_JSON_OBJECT) {
        return um_scim_error_set(read->error, 400, UM_SCIM_INVALID_VALUE, read->pool,
                                 "The value of an operation without a path must be an object.");
    }
    um_json_each(value, read_member, read);
    return read->status;
}

static apr_status_t read_with_path(um_patch_read_t *read, const char *path,
                                   const um_json_t *value)
{
    um_scim_operation_t operation = {
        .kind = read->kind,
        .path = path,
        .has_path = 1,
        .given = find_given(value),
    };

    if (value == NULL && read->kind != UM_SCIM_REMOVE) {
        return um_scim_error_set(read->error, 400, UM_SCIM_INVALID_VALUE, read->pool,
                                 "The operation on %s has no value.", path);
    }
    read_path(read, &operation);
    return read->status;
}

static apr_status_t read_operation(um_patch_read_t *read, const um_json_t *operation)
{
    const um_json_t *path;
    const um_json_t *value;
    apr_status_t status;

    if (um_json_type(operation) != UM_JSON_OBJECT) {
        return refuse_syntax(read, "Each of the Operations must be an object.");
    }
    status = read_kind(read, operation);
    if (status != APR_SUCCESS) {
        return status;
    }
    path = find_given(find_member(operation, "path"));
    value = find_member(operation, "value");
    if (path == NULL) {
        return read_without_path(read, value);
    }
    if (um_json_string(path) == NULL) {
        return um_scim_error_set(read->error, 400, UM_SCIM_INVALID_PATH, read->pool,
                                 "A path must be a string.");
    }
    return um_json_string(path)[0] == '\0' ? read_without_path(read, value)
                                           : read_with_path(read, um_json_string(path), value);
}

apr_status_t um_scim_patch_read(apr_array_header_t **operations, um_scim_error_t *error,
                                const um_json_t *request, const um_scim_resource_type_t *type,
                                apr_pool_t *pool)
{
    um_patch_read_t read = {
        .operations = apr_array_make(pool, 8, sizeof(um_scim_operation_t)),
        .type = type,
        .error = error,
        .pool = pool,
        .status = APR_SUCCESS,
    };
    const um_json_t *list = find_member(request, "Operations");

    if (list == NULL || um_json_type(list) != UM_JSON_ARRAY || um_json_size(list) == 0) {
        return refuse_syntax(&read, "Operations must be an array with at least one operation.");
    }
    for (apr_size_t i = 0; read.status == APR_SUCCESS && i < um_json_size(list); i++) {
        read.status = read_operation(&read, um_json_element(list, i));
    }
    if (read.status == APR_SUCCESS) {
        *operations = read.operations;
    }
    return read.status;
}
