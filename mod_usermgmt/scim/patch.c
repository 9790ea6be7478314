/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file patch.c Applies the operations of PATCH to a resource, see patch.h. */

#include "patch.h"

#include <string.h>

#include <apr_strings.h>

#include "match.h"
#include "value.h"

#define VALUE "value"
#define PRIMARY "primary"

/* Elements that are compared and values that are copied in one request, so that no body makes it
 * take seconds or gigabytes. */
#define STEPS_MAX 1000000

/* A resource that is being changed. */
typedef struct um_patch_t {
    um_json_t *resource;
    const um_scim_resource_type_t *type;
    um_scim_error_t *error;
    apr_pool_t *pool;
    /* For texts that are compared; cleared after each operation. */
    apr_pool_t *scratch;
    /* Of STEPS_MAX, those that are left. */
    apr_size_t steps;
} um_patch_t;

static apr_status_t refuse_large(const um_patch_t *patch)
{
    return um_scim_error_set(patch->error, 413, NULL, patch->pool,
                             "The operations make too many values.");
}

static apr_status_t refuse_target(const um_patch_t *patch, const um_scim_operation_t *operation)
{
    return um_scim_error_set(patch->error, 400, UM_SCIM_NO_TARGET, patch->pool,
                             "Nothing matches the path %s.", operation->path);
}

static apr_status_t spend(um_patch_t *patch, apr_size_t steps)
{
    if (steps > patch->steps) {
        return refuse_large(patch);
    }
    patch->steps -= steps;
    return APR_SUCCESS;
}

/* A copy of a value for one place in the tree. */
static apr_status_t copy(um_json_t **made, um_patch_t *patch, const um_json_t *value)
{
    apr_status_t status = spend(patch, um_json_count(value, patch->steps));

    if (status == APR_SUCCESS) {
        *made = um_json_copy(value, patch->pool);
    }
    return status;
}

static apr_status_t set_copy(um_patch_t *patch, um_json_t *object, const char *name,
                             const um_json_t *value)
{
    um_json_t *made = NULL;
    apr_status_t status;

    if (value == NULL) {
        um_json_remove(object, name);
        return APR_SUCCESS;
    }
    status = copy(&made, patch, value);
    if (status == APR_SUCCESS) {
        um_json_set(object, name, made);
    }
    return status;
}

static um_json_t *open_object(um_json_t *object, const char *name, apr_pool_t *pool)
{
    um_json_t *found = um_json_open_member(object, name);

    if (found == NULL || um_json_type(found) != UM_JSON_OBJECT) {
        found = um_json_new_object(pool);
        um_json_set(object, name, found);
    }
    return found;
}

/* The object that has the attribute of an operation. */
static um_json_t *open_holder(const um_patch_t *patch, const um_scim_operation_t *operation)
{
    const um_scim_schema_t *extension = operation->target.extension;

    return extension != NULL ? open_object(patch->resource, extension->urn, patch->pool)
                             : patch->resource;
}

/* ---- objects ---- */

/* An object that gets the members of another one. */
typedef struct um_merge_t {
    um_patch_t *patch;
    um_json_t *object;
    const um_scim_attribute_t *attribute;
    apr_status_t status;
} um_merge_t;

static void merge_member(const char *name, const um_json_t *value, void *baton)
{
    um_merge_t *merge = baton;

    if (merge->status == APR_SUCCESS) {
        merge->status = set_copy(merge->patch, merge->object, name, value);
    }
}

/* A null as it came unassigns a sub-attribute, and none is left in the value as it was read. */
static void unassign_null(const char *name, const um_json_t *value, void *baton)
{
    const um_merge_t *merge = baton;
    const um_scim_attribute_t *sub = um_scim_find_sub(merge->attribute, name);

    if (sub != NULL && sub->mutability != UM_SCIM_READ_ONLY
        && um_json_type(value) == UM_JSON_NULL) {
        um_json_remove(merge->object, sub->name);
    }
}

/* Set the members of an object that an operation has.
 * @param given as it came; NULL if its nulls mean nothing */
static apr_status_t merge_object(um_patch_t *patch, um_json_t *object,
                                 const um_scim_attribute_t *attribute, const um_json_t *value,
                                 const um_json_t *given)
{
    um_merge_t merge = { patch, object, attribute, APR_SUCCESS };

    if (given != NULL && um_json_type(given) == UM_JSON_OBJECT) {
        um_json_each(given, unassign_null, &merge);
    }
    if (value != NULL) {
        um_json_each(value, merge_member, &merge);
    }
    return merge.status;
}

/* Has an object as it came a value? */
static int has_value(const um_json_t *given)
{
    return um_json_type(given) != UM_JSON_OBJECT || um_json_find_name(given, VALUE) != NULL;
}

/* A new manager takes the place of the old one, but a new part of a name is merged. An object
 * without anything that can be written changes nothing. */
static apr_status_t apply_complex(um_patch_t *patch, const um_scim_operation_t *operation,
                                  um_json_t *holder)
{
    const um_scim_attribute_t *attribute = operation->target.attribute;
    const char *name = operation->target.name;
    int is_whole = um_scim_find_sub(attribute, VALUE) != NULL;

    if (operation->target.sub != NULL) {
        return set_copy(patch, open_object(holder, name, patch->pool), operation->target.sub_name,
                        operation->value);
    }
    if (operation->given == NULL || (is_whole && has_value(operation->given))) {
        return set_copy(patch, holder, name, operation->value);
    }
    return merge_object(patch, open_object(holder, name, patch->pool), attribute,
                        operation->value, operation->given);
}

/* ---- elements ---- */

/* The elements that an operation is for. */
typedef struct um_elements_t {
    um_json_t *array;
    /* Of apr_size_t: their indices, in their order. */
    apr_array_header_t *found;
} um_elements_t;

static um_json_t *open_array(um_json_t *holder, const char *name, apr_pool_t *pool)
{
    um_json_t *array = um_json_open_member(holder, name);

    if (array == NULL || um_json_type(array) != UM_JSON_ARRAY) {
        array = um_json_new_array(pool);
        um_json_set(holder, name, array);
    }
    return array;
}

static apr_size_t count_terms(const um_filter_t *filter)
{
    apr_size_t count = 1;

    for (const um_filter_t *term = filter->first; term != NULL; term = term->next) {
        count += count_terms(term);
    }
    return count;
}

static apr_status_t find_elements(um_elements_t *elements, um_patch_t *patch,
                                  const um_scim_operation_t *operation, um_json_t *array)
{
    const um_filter_t *filter = operation->filter;
    apr_size_t size = um_json_size(array);
    apr_status_t status = spend(patch, size * (filter != NULL ? count_terms(filter) : 1));

    elements->array = array;
    elements->found = apr_array_make(patch->pool, 4, sizeof(apr_size_t));
    for (apr_size_t i = 0; status == APR_SUCCESS && i < size; i++) {
        if (filter == NULL
            || um_scim_match(filter, um_json_element(array, i), operation->target.attribute,
                             patch->scratch)) {
            APR_ARRAY_PUSH(elements->found, apr_size_t) = i;
        }
    }
    return status;
}

/* The value of an element that a term asks for. */
static um_json_t *make_wanted(const um_filter_value_t *value, const um_scim_attribute_t *sub,
                              apr_pool_t *pool)
{
    if (sub->type == UM_SCIM_BOOLEAN) {
        return um_json_new_boolean(apr_strnatcasecmp(value->text, "true") == 0);
    }
    return um_json_new_string(value->text, pool);
}

/* Give an element what a filter asks for: type eq "work". 0 if the filter asks for something
 * else, and so does not tell of one element. */
static int fill_element(um_json_t *element, const um_filter_t *filter,
                        const um_scim_attribute_t *attribute, apr_pool_t *pool)
{
    const um_scim_attribute_t *sub;

    if (filter->kind == UM_FILTER_AND) {
        const um_filter_t *term = filter->first;

        while (term != NULL && fill_element(element, term, attribute, pool)) {
            term = term->next;
        }
        return term == NULL;
    }
    if (filter->kind != UM_FILTER_COMPARE || filter->operation != UM_FILTER_EQ
        || filter->value.type == UM_FILTER_NULL) {
        return 0;
    }
    sub = um_scim_find_sub(attribute, filter->path.name);
    if (sub == NULL || sub->mutability == UM_SCIM_READ_ONLY) {
        return 0;
    }
    um_json_set(element, sub->name, make_wanted(&filter->value, sub, pool));
    return 1;
}

/* Clients write to emails[type eq "work"].value although there is no such element: it is made.
 * But a value that is to be replaced must be there. */
static apr_status_t add_element(um_elements_t *elements, um_patch_t *patch,
                                const um_scim_operation_t *operation)
{
    um_json_t *element = um_json_new_object(patch->pool);
    const um_scim_attribute_t *attribute = operation->target.attribute;

    if (operation->value == NULL) {
        return APR_SUCCESS;
    }
    if (attribute->type != UM_SCIM_COMPLEX
        || (operation->filter != NULL
            && !fill_element(element, operation->filter, attribute, patch->pool))
        || (operation->kind == UM_SCIM_REPLACE && um_json_member(element, VALUE) != NULL)) {
        return refuse_target(patch, operation);
    }
    APR_ARRAY_PUSH(elements->found, apr_size_t) = um_json_size(elements->array);
    um_json_append(elements->array, element);
    return APR_SUCCESS;
}

static void remove_elements(const um_elements_t *elements)
{
    for (int i = elements->found->nelts - 1; i >= 0; i--) {
        um_json_remove_element(elements->array, APR_ARRAY_IDX(elements->found, i, apr_size_t));
    }
}

static apr_status_t change_element(um_patch_t *patch, const um_scim_operation_t *operation,
                                   const um_elements_t *elements, apr_size_t index)
{
    const um_scim_attribute_t *attribute = operation->target.attribute;
    um_json_t *element = um_json_open_element(elements->array, index);
    um_json_t *made = NULL;
    apr_status_t status;

    if (attribute->type == UM_SCIM_COMPLEX && operation->target.sub == NULL) {
        return merge_object(patch, element, attribute, operation->value, operation->given);
    }
    if (operation->target.sub_name != NULL && um_json_type(element) == UM_JSON_OBJECT) {
        return set_copy(patch, element, operation->target.sub_name, operation->value);
    }
    if (operation->value == NULL) {
        return APR_SUCCESS;
    }
    status = copy(&made, patch, operation->value);
    if (status == APR_SUCCESS) {
        um_json_set_element(elements->array, index, made);
    }
    return status;
}

/* The operation is for elements that match, or for a sub-attribute of all. */
static apr_status_t apply_to_elements(um_patch_t *patch, const um_scim_operation_t *operation,
                                      um_json_t *array)
{
    int removes = operation->kind == UM_SCIM_REMOVE || operation->given == NULL;
    um_elements_t elements;
    apr_status_t status = find_elements(&elements, patch, operation, array);

    if (status == APR_SUCCESS && elements.found->nelts == 0 && !removes) {
        status = add_element(&elements, patch, operation);
    }
    if (status == APR_SUCCESS && removes && operation->target.sub_name == NULL) {
        remove_elements(&elements);
        return APR_SUCCESS;
    }
    for (int i = 0; status == APR_SUCCESS && i < elements.found->nelts; i++) {
        status = change_element(patch, operation, &elements,
                                APR_ARRAY_IDX(elements.found, i, apr_size_t));
    }
    return status;
}

/* ---- lists of values ---- */

/* The index of the element that stands for the same value; the size if there is none. */
static apr_size_t find_same(um_patch_t *patch, const um_json_t *array, const um_json_t *value,
                            const um_scim_attribute_t *attribute)
{
    apr_size_t i = 0;

    while (i < um_json_size(array)
           && !um_scim_match_same(um_json_element(array, i), value, attribute, patch->scratch)) {
        i++;
    }
    return i;
}

static apr_status_t add_value(um_patch_t *patch, const um_scim_attribute_t *attribute,
                              um_json_t *array, const um_json_t *value)
{
    apr_size_t same = find_same(patch, array, value, attribute);
    um_json_t *made = NULL;
    apr_status_t status;

    if (same < um_json_size(array)) {
        return um_json_type(value) == UM_JSON_OBJECT
                   ? merge_object(patch, um_json_open_element(array, same), attribute, value,
                                  NULL)
                   : APR_SUCCESS;
    }
    status = copy(&made, patch, value);
    if (status == APR_SUCCESS) {
        um_json_append(array, made);
    }
    return status;
}

static void remove_value(um_patch_t *patch, const um_scim_attribute_t *attribute,
                         um_json_t *array, const um_json_t *value)
{
    apr_size_t same = find_same(patch, array, value, attribute);

    while (same < um_json_size(array)) {
        um_json_remove_element(array, same);
        same = find_same(patch, array, value, attribute);
    }
}

/* Add a list of values to those that are there, or remove them. */
static apr_status_t apply_values(um_patch_t *patch, const um_scim_operation_t *operation,
                                 um_json_t *array)
{
    const um_scim_attribute_t *attribute = operation->target.attribute;
    apr_size_t count = um_json_size(operation->value);
    apr_status_t status = spend(patch, count * (um_json_size(array) + count));

    for (apr_size_t i = 0; status == APR_SUCCESS && i < count; i++) {
        const um_json_t *value = um_json_element(operation->value, i);

        if (operation->kind == UM_SCIM_ADD) {
            status = add_value(patch, attribute, array, value);
        } else {
            remove_value(patch, attribute, array, value);
        }
    }
    return status;
}

static int is_primary(const um_json_t *element)
{
    const um_json_t *primary = um_json_type(element) == UM_JSON_OBJECT
                                   ? um_json_member(element, PRIMARY)
                                   : NULL;

    return primary != NULL && um_json_type(primary) == UM_JSON_TRUE;
}

/* The element that is primary; NULL if there is none. */
static um_json_t *find_primary(um_json_t *array)
{
    apr_size_t i = 0;

    while (i < um_json_size(array) && !is_primary(um_json_element(array, i))) {
        i++;
    }
    return um_json_open_element(array, i);
}

/* If an operation made another element primary, the one before is no longer (RFC 7644, 3.5.2). */
static apr_status_t keep_one_primary(const um_patch_t *patch,
                                     const um_scim_operation_t *operation, um_json_t *array,
                                     const um_json_t *before)
{
    int count = 0;

    for (apr_size_t i = 0; i < um_json_size(array); i++) {
        count += is_primary(um_json_element(array, i));
    }
    for (apr_size_t i = 0; count > 1 && i < um_json_size(array); i++) {
        um_json_t *element = um_json_open_element(array, i);

        if (element == before) {
            um_json_set(element, PRIMARY, um_json_new_boolean(0));
            count--;
        }
    }
    return count <= 1
               ? APR_SUCCESS
               : um_scim_error_set(patch->error, 400, UM_SCIM_INVALID_VALUE, patch->pool,
                                   "Only one of the %s can be primary.", operation->target.name);
}

/* An attribute with many values. */
static apr_status_t apply_many(um_patch_t *patch, const um_scim_operation_t *operation,
                               um_json_t *holder)
{
    const char *name = operation->target.name;
    int is_whole = operation->filter == NULL && operation->target.sub_name == NULL;
    um_json_t *array;
    const um_json_t *before;
    apr_status_t status;

    if (is_whole && operation->kind == UM_SCIM_ADD && operation->value == NULL) {
        return APR_SUCCESS;
    }
    if (is_whole && (operation->kind == UM_SCIM_REPLACE || operation->value == NULL)) {
        return set_copy(patch, holder, name, operation->value);
    }
    array = open_array(holder, name, patch->pool);
    before = find_primary(array);
    status = is_whole ? apply_values(patch, operation, array)
                      : apply_to_elements(patch, operation, array);
    return status == APR_SUCCESS ? keep_one_primary(patch, operation, array, before) : status;
}

/* ---- custom attributes ---- */

/* The name of a custom attribute as the resource has it; else as the client wrote it. */
static const char *find_custom(const um_json_t *holder, const char *name)
{
    const char *found = um_json_find_name(holder, name);

    return found != NULL ? found : name;
}

/* Values of any type: only what is added to an array is not simply set. */
static apr_status_t set_custom(um_patch_t *patch, const um_scim_operation_t *operation,
                               um_json_t *holder, const char *name)
{
    um_json_t *stored = um_json_open_member(holder, name);

    if (operation->kind == UM_SCIM_ADD && operation->value != NULL && stored != NULL
        && um_json_type(stored) == UM_JSON_ARRAY
        && um_json_type(operation->value) == UM_JSON_ARRAY) {
        return apply_values(patch, operation, stored);
    }
    return set_copy(patch, holder, name, operation->value);
}

/* The name behind the URN can have dots of its own, or one before a member of an object. */
static apr_status_t set_custom_sub(um_patch_t *patch, const um_scim_operation_t *operation,
                                   um_json_t *holder, const char *name)
{
    const char *sub = operation->target.sub_name;
    const char *whole = um_json_find_name(holder, apr_pstrcat(patch->pool, name, ".", sub, NULL));
    const um_json_t *stored = um_json_member(holder, name);

    if (whole != NULL) {
        return set_custom(patch, operation, holder, whole);
    }
    if (stored == NULL && operation->value == NULL) {
        return APR_SUCCESS;
    }
    if (stored != NULL && um_json_type(stored) != UM_JSON_OBJECT) {
        return refuse_target(patch, operation);
    }
    holder = open_object(holder, name, patch->pool);
    return set_custom(patch, operation, holder, find_custom(holder, sub));
}

static apr_status_t apply_custom(um_patch_t *patch, const um_scim_operation_t *operation,
                                 um_json_t *holder)
{
    const char *name = find_custom(holder, operation->target.name);
    const char *sub = operation->target.sub_name;
    um_json_t *stored = um_json_open_member(holder, name);

    if (operation->filter != NULL) {
        return stored != NULL && um_json_type(stored) == UM_JSON_ARRAY
                   ? apply_to_elements(patch, operation, stored)
                   : refuse_target(patch, operation);
    }
    return sub != NULL ? set_custom_sub(patch, operation, holder, name)
                       : set_custom(patch, operation, holder, name);
}

/* ---- operations ---- */

/* Is a read-only value the one that the resource has? Some clients send the id with a change. */
static int is_unchanged(const um_patch_t *patch, const um_scim_operation_t *operation)
{
    const um_json_t *stored = um_json_member(patch->resource, operation->target.name);

    if (stored != NULL && operation->target.sub != NULL
        && um_json_type(stored) == UM_JSON_OBJECT) {
        stored = um_json_member(stored, operation->target.sub_name);
    }
    return stored != NULL && operation->given != NULL && um_json_equal(stored, operation->given);
}

static int is_read_only(const um_scim_operation_t *operation)
{
    const um_scim_target_t *target = &operation->target;

    return target->attribute->mutability == UM_SCIM_READ_ONLY
           || (target->sub != NULL && target->sub->mutability == UM_SCIM_READ_ONLY);
}

/* Tell whether an operation has nothing to do: passwords are not kept, "schemas" follows from the
 * attributes, and who sends a whole resource back sends what can't be written as well. */
static int is_ignored(const um_patch_t *patch, const um_scim_operation_t *operation)
{
    const um_scim_attribute_t *attribute = operation->target.attribute;

    if (!is_read_only(operation)) {
        return attribute->mutability == UM_SCIM_WRITE_ONLY;
    }
    return strcmp(attribute->name, "schemas") == 0 || is_unchanged(patch, operation)
           || (!operation->has_path && strcmp(attribute->name, "id") != 0);
}

static apr_status_t apply_to_attribute(um_patch_t *patch, const um_scim_operation_t *operation,
                                       um_json_t *holder)
{
    const um_scim_attribute_t *attribute = operation->target.attribute;

    if (attribute->type == UM_SCIM_ANY) {
        return apply_custom(patch, operation, holder);
    }
    if (attribute->is_multi_valued) {
        return apply_many(patch, operation, holder);
    }
    if (attribute->type == UM_SCIM_COMPLEX) {
        return apply_complex(patch, operation, holder);
    }
    return set_copy(patch, holder, operation->target.name, operation->value);
}

/* The target is all of a schema. */
static apr_status_t remove_schema(const um_patch_t *patch, const um_scim_operation_t *operation)
{
    if (operation->target.extension == NULL) {
        return um_scim_error_set(patch->error, 400, UM_SCIM_MUTABILITY, patch->pool,
                                 "The attributes of %s can't all be removed.", operation->path);
    }
    um_json_remove(patch->resource, operation->target.extension->urn);
    return APR_SUCCESS;
}

static apr_status_t apply_operation(um_patch_t *patch, const um_scim_operation_t *operation)
{
    if (operation->target.attribute == NULL) {
        return remove_schema(patch, operation);
    }
    if (is_ignored(patch, operation)) {
        return APR_SUCCESS;
    }
    if (is_read_only(operation)) {
        return um_scim_error_set(patch->error, 400, UM_SCIM_MUTABILITY, patch->pool,
                                 "%s can only be read.", operation->path);
    }
    return apply_to_attribute(patch, operation, open_holder(patch, operation));
}

/* ---- the end ---- */

/* Has an element of a multi-valued attribute nothing that counts? */
static int is_void(const um_json_t *element, const um_scim_attribute_t *attribute)
{
    const um_json_t *value;
    const char *text;

    if (um_json_type(element) != UM_JSON_OBJECT || !um_scim_needs_value(attribute)) {
        return um_json_type(element) == UM_JSON_OBJECT && um_json_size(element) == 0;
    }
    value = um_json_member(element, VALUE);
    text = value != NULL ? um_json_string(value) : NULL;
    return value == NULL || (text != NULL && text[0] == '\0');
}

/* Remove the attributes of an object that have nothing left. */
static void prune(um_json_t *object, const um_scim_attribute_t *attributes)
{
    for (const um_scim_attribute_t *at = attributes; at->name != NULL; at++) {
        um_json_t *value = um_json_open_member(object, at->name);

        if (value == NULL || at->type != UM_SCIM_COMPLEX) {
            continue;
        }
        if (um_json_type(value) == UM_JSON_ARRAY) {
            for (apr_size_t i = um_json_size(value); i > 0; i--) {
                if (is_void(um_json_element(value, i - 1), at)) {
                    um_json_remove_element(value, i - 1);
                }
            }
        }
        if (um_json_size(value) == 0) {
            um_json_remove(object, at->name);
        }
    }
}

static void prune_all(const um_patch_t *patch)
{
    prune(patch->resource, patch->type->schema->attributes);
    for (const um_scim_schema_t *const *at = patch->type->extensions; *at != NULL; at++) {
        um_json_t *extension = um_json_open_member(patch->resource, (*at)->urn);

        if (extension != NULL && um_json_type(extension) == UM_JSON_OBJECT) {
            prune(extension, (*at)->attributes);
        }
    }
    um_scim_resource_set_schemas(patch->resource, patch->type, patch->pool);
}

/* A required attribute may be removed and set again, but not be missing in the end. */
static apr_status_t check_required(const um_patch_t *patch, const um_json_t *before)
{
    const um_scim_attribute_t *at = patch->type->schema->attributes;

    for (; at->name != NULL; at++) {
        if (at->is_required && um_json_member(before, at->name) != NULL
            && um_json_member(patch->resource, at->name) == NULL) {
            return um_scim_error_set(patch->error, 400, UM_SCIM_MUTABILITY, patch->pool,
                                     "%s is required, so it can't be removed.", at->name);
        }
    }
    return APR_SUCCESS;
}

apr_status_t um_scim_patch_run(um_json_t **patched, um_scim_error_t *error,
                               const um_json_t *resource, const apr_array_header_t *operations,
                               const um_scim_resource_type_t *type, apr_pool_t *pool)
{
    um_patch_t patch = {
        .resource = um_json_copy(resource, pool),
        .type = type,
        .error = error,
        .pool = pool,
        .steps = STEPS_MAX,
    };
    apr_status_t status = apr_pool_create(&patch.scratch, pool);

    for (int i = 0; status == APR_SUCCESS && i < operations->nelts; i++) {
        status = apply_operation(&patch, &APR_ARRAY_IDX(operations, i, um_scim_operation_t));
        apr_pool_clear(patch.scratch);
    }
    if (status == APR_SUCCESS) {
        prune_all(&patch);
        status = check_required(&patch, resource);
    }
    if (status == APR_SUCCESS && !um_json_is_bounded(patch.resource)) {
        status = refuse_large(&patch);
    }
    if (status == APR_SUCCESS) {
        *patched = patch.resource;
    }
    apr_pool_destroy(patch.scratch);
    return status;
}

apr_status_t um_scim_patch_apply(um_json_t **patched, const um_json_t *resource,
                                 const um_json_t *request, const um_scim_resource_type_t *type,
                                 um_scim_error_t *error, apr_pool_t *pool)
{
    apr_array_header_t *operations = NULL;
    apr_status_t status = um_scim_patch_read(&operations, error, request, type, pool);

    return status == APR_SUCCESS
               ? um_scim_patch_run(patched, error, resource, operations, type, pool)
               : status;
}
