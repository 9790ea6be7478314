/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file print_scim.c Reads filters and applies PATCH operations, to compare them with other
 *  programs. Each line of its input is a JSON object, and each line of its output the result:
 *
 *      {"filter": TEXT}                            the tree, or null if it is refused
 *      {"resource": USER, "operations": [...]}     for each operation, applied to the result of
 *                                                  the one before: the user, or a text that says
 *                                                  why it is refused
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

#include "../../mod_usermgmt/base/filter.h"
#include "../../mod_usermgmt/scim/patch.h"

/* ---- filters ---- */

static void put_value(um_buffer_t *buffer, const um_filter_value_t *value)
{
    um_json_put_name(buffer, "compValue");
    switch (value->type) {
    case UM_FILTER_TEXT:
    case UM_FILTER_TOKEN:
        um_json_put_string(buffer, value->text);
        break;
    case UM_FILTER_NUMBER:
        um_buffer_puts(buffer, value->text);
        break;
    case UM_FILTER_TRUE:
        um_buffer_puts(buffer, "true");
        break;
    case UM_FILTER_FALSE:
        um_buffer_puts(buffer, "false");
        break;
    case UM_FILTER_NULL:
        um_buffer_puts(buffer, "null");
        break;
    }
}

static void put_filter(um_buffer_t *buffer, const um_filter_t *filter);

static void put_terms(um_buffer_t *buffer, const char *op, const um_filter_t *filter)
{
    um_json_put_member(buffer, "op", op);
    um_json_put_name(buffer, "filters");
    um_buffer_putc(buffer, '[');
    for (const um_filter_t *term = filter->first; term != NULL; term = term->next) {
        um_buffer_puts(buffer, term != filter->first ? "," : "");
        put_filter(buffer, term);
    }
    um_buffer_putc(buffer, ']');
}

static void put_filter(um_buffer_t *buffer, const um_filter_t *filter)
{
    um_buffer_putc(buffer, '{');
    switch (filter->kind) {
    case UM_FILTER_AND:
        put_terms(buffer, "and", filter);
        break;
    case UM_FILTER_OR:
        put_terms(buffer, "or", filter);
        break;
    case UM_FILTER_NOT:
        um_json_put_member(buffer, "op", "not");
        um_json_put_name(buffer, "filter");
        put_filter(buffer, filter->first);
        break;
    case UM_FILTER_ELEMENT:
        um_json_put_member(buffer, "op", "[]");
        um_json_put_member(buffer, "attrPath", filter->path.text);
        um_json_put_name(buffer, "valFilter");
        put_filter(buffer, filter->first);
        break;
    case UM_FILTER_PRESENT:
        um_json_put_member(buffer, "op", "pr");
        um_json_put_member(buffer, "attrPath", filter->path.text);
        break;
    case UM_FILTER_COMPARE:
        um_json_put_member(buffer, "op", um_filter_operator(filter->operation));
        um_json_put_member(buffer, "attrPath", filter->path.text);
        put_value(buffer, &filter->value);
        break;
    }
    um_buffer_putc(buffer, '}');
}

static void print_filter(um_buffer_t *buffer, const char *text, apr_pool_t *pool)
{
    um_filter_error_t error;
    um_filter_t *filter = NULL;

    if (um_filter_parse(&filter, &error, text, pool) == APR_SUCCESS) {
        put_filter(buffer, filter);
    } else {
        um_buffer_puts(buffer, "null");
    }
}

/* ---- PATCH ---- */

/* Apply one operation; returns the resource, or the new one. */
static const um_json_t *apply(um_buffer_t *buffer, const um_json_t *resource,
                              const um_json_t *operation, apr_pool_t *pool)
{
    um_json_t *request = um_json_new_object(pool);
    um_json_t *list = um_json_new_array(pool);
    um_json_t *patched = NULL;
    um_scim_error_t error;

    um_json_append(list, um_json_copy(operation, pool));
    um_json_set(request, "Operations", list);
    if (um_scim_patch_apply(&patched, resource, request, &um_scim_user_type, &error, pool)
        != APR_SUCCESS) {
        um_json_put_string(buffer, error.type != NULL ? error.type : "none");
        return resource;
    }
    um_json_put_value(buffer, patched);
    return patched;
}

static void print_patches(um_buffer_t *buffer, const um_json_t *resource,
                          const um_json_t *operations, apr_pool_t *pool)
{
    um_buffer_putc(buffer, '[');
    for (apr_size_t i = 0; i < um_json_size(operations); i++) {
        um_buffer_puts(buffer, i > 0 ? "," : "");
        resource = apply(buffer, resource, um_json_element(operations, i), pool);
    }
    um_buffer_putc(buffer, ']');
}

static int print_line(const char *line, apr_size_t length, apr_pool_t *pool)
{
    um_json_error_t error;
    um_json_t *json = NULL;
    um_buffer_t buffer;

    if (um_json_parse(&json, &error, line, length, pool) != APR_SUCCESS) {
        fprintf(stderr, "print_scim: %s\n", error.detail);
        return 0;
    }
    um_buffer_init(&buffer, 1024, pool);
    if (um_json_member(json, "filter") != NULL) {
        print_filter(&buffer, um_json_string(um_json_member(json, "filter")), pool);
    } else {
        print_patches(&buffer, um_json_member(json, "resource"),
                      um_json_member(json, "operations"), pool);
    }
    puts(buffer.data);
    return 1;
}

int main(void)
{
    apr_pool_t *pool = NULL;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    int good = apr_initialize() == APR_SUCCESS && apr_pool_create(&pool, NULL) == APR_SUCCESS;

    while (good && (length = getline(&line, &capacity, stdin)) > 0) {
        good = print_line(line, (apr_size_t)length, pool);
        apr_pool_clear(pool);
    }
    free(line);
    apr_terminate();
    return good && fflush(stdout) == 0 ? 0 : 1;
}
