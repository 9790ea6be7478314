/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file match.c Elements that match a filter, see match.h. */

#include "match.h"

#include <stdlib.h>
#include <string.h>

#include <apr_cstr.h>

#include "../base/text.h"

#define VALUE "value"

/* ---- comparisons ---- */

/* By their bytes, or without case. */
static int compare_texts(const char *a, const char *b, int is_case_exact, apr_pool_t *pool)
{
    if (is_case_exact || strcmp(a, b) == 0) {
        return strcmp(a, b);
    }
    if (um_text_is_ascii(a) && um_text_is_ascii(b)) {
        return apr_cstr_casecmp(a, b);
    }
    return strcmp(um_text_fold(a, pool), um_text_fold(b, pool));
}

/* The texts of a search, without case if both are to be folded. */
static int matches_part(um_filter_operation_t operation, const char *text, const char *part)
{
    apr_size_t length = strlen(text);
    apr_size_t part_length = strlen(part);

    if (operation == UM_FILTER_CO) {
        return strstr(text, part) != NULL;
    }
    if (part_length > length) {
        return 0;
    }
    return operation == UM_FILTER_SW ? strncmp(text, part, part_length) == 0
                                     : strcmp(text + length - part_length, part) == 0;
}

static int matches_order(um_filter_operation_t operation, int order)
{
    switch (operation) {
    case UM_FILTER_EQ:
        return order == 0;
    case UM_FILTER_NE:
        return order != 0;
    case UM_FILTER_GT:
        return order > 0;
    case UM_FILTER_GE:
        return order >= 0;
    case UM_FILTER_LT:
        return order < 0;
    case UM_FILTER_LE:
        return order <= 0;
    case UM_FILTER_CO:
    case UM_FILTER_SW:
    case UM_FILTER_EW:
        break;
    }
    return 0;
}

static int matches_text(const um_filter_t *term, const char *text, int is_case_exact,
                        apr_pool_t *pool)
{
    const char *wanted = term->value.text;

    switch (term->operation) {
    case UM_FILTER_CO:
    case UM_FILTER_SW:
    case UM_FILTER_EW:
        return is_case_exact ? matches_part(term->operation, text, wanted)
                             : matches_part(term->operation, um_text_fold(text, pool),
                                            um_text_fold(wanted, pool));
    default:
        return matches_order(term->operation, compare_texts(text, wanted, is_case_exact, pool));
    }
}

static int matches_number(const um_filter_t *term, double number)
{
    double wanted = strtod(term->value.text, NULL);

    return term->value.type == UM_FILTER_NUMBER
               ? matches_order(term->operation, (number > wanted) - (number < wanted))
               : term->operation == UM_FILTER_NE;
}

/* Clients send "True" as well. */
static int matches_truth(const um_filter_t *term, int truth)
{
    return matches_order(term->operation,
                         apr_cstr_casecmp(term->value.text, truth ? "true" : "false") != 0);
}

static int matches_value(const um_filter_t *term, const um_json_t *value, int is_case_exact,
                         apr_pool_t *pool)
{
    if (term->value.type == UM_FILTER_NULL) {
        return term->operation == UM_FILTER_NE;
    }
    switch (um_json_type(value)) {
    case UM_JSON_STRING:
        return matches_text(term, um_json_string(value), is_case_exact, pool);
    case UM_JSON_INTEGER:
    case UM_JSON_REAL:
        return matches_number(term, um_json_number(value));
    case UM_JSON_TRUE:
    case UM_JSON_FALSE:
        return matches_truth(term, um_json_type(value) == UM_JSON_TRUE);
    default:
        return 0;
    }
}

/* ---- elements ---- */

/* The value of a sub-attribute; NULL if the element has none. */
static const um_json_t *find_value(const um_json_t *element, const char *name)
{
    const char *found;

    if (um_json_type(element) != UM_JSON_OBJECT) {
        return um_filter_same_name(name, VALUE) ? element : NULL;
    }
    found = um_json_find_name(element, name);
    return found != NULL ? um_json_member(element, found) : NULL;
}

static int matches_compare(const um_filter_t *term, const um_json_t *element,
                           const um_scim_attribute_t *attribute, apr_pool_t *pool)
{
    const um_json_t *value = find_value(element, term->path.name);
    const um_scim_attribute_t *sub = um_scim_find_sub(attribute, term->path.name);

    if (value == NULL) {
        return (term->operation == UM_FILTER_EQ) == (term->value.type == UM_FILTER_NULL)
               && (term->operation == UM_FILTER_EQ || term->operation == UM_FILTER_NE);
    }
    return matches_value(term, value, sub != NULL && sub->is_case_exact, pool);
}

int um_scim_match(const um_filter_t *filter, const um_json_t *element,
                  const um_scim_attribute_t *attribute, apr_pool_t *pool)
{
    int is_and = filter->kind == UM_FILTER_AND;

    switch (filter->kind) {
    case UM_FILTER_AND:
    case UM_FILTER_OR:
        for (const um_filter_t *term = filter->first; term != NULL; term = term->next) {
            if (um_scim_match(term, element, attribute, pool) != is_and) {
                return !is_and;
            }
        }
        return is_and;
    case UM_FILTER_NOT:
        return !um_scim_match(filter->first, element, attribute, pool);
    case UM_FILTER_PRESENT:
        return find_value(element, filter->path.name) != NULL;
    case UM_FILTER_COMPARE:
        return matches_compare(filter, element, attribute, pool);
    case UM_FILTER_ELEMENT:
        break;
    }
    /* No element has elements. */
    return 0;
}

/* Are the texts of a sub-attribute the same? -1 if one of the elements has none. */
static int same_sub(const um_json_t *a, const um_json_t *b, const um_scim_attribute_t *attribute,
                    const char *name, apr_pool_t *pool)
{
    const um_scim_attribute_t *sub = um_scim_find_sub(attribute, name);
    const um_json_t *values[] = { find_value(a, name), find_value(b, name) };

    if (sub == NULL || values[0] == NULL || values[1] == NULL
        || um_json_type(values[0]) != UM_JSON_STRING
        || um_json_type(values[1]) != UM_JSON_STRING) {
        return -1;
    }
    return compare_texts(um_json_string(values[0]), um_json_string(values[1]), sub->is_case_exact,
                         pool)
           == 0;
}

int um_scim_match_same(const um_json_t *a, const um_json_t *b,
                       const um_scim_attribute_t *attribute, apr_pool_t *pool)
{
    if (!um_scim_needs_value(attribute)) {
        return um_json_equal(a, b);
    }
    return same_sub(a, b, attribute, VALUE, pool) == 1
           && same_sub(a, b, attribute, "type", pool) != 0;
}
