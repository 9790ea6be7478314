/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file search.c What a client asks of a list, see search.h. */

#include "search.h"

#include <errno.h>
#include <string.h>

#include <apr_strings.h>

#include "../base/filter.h"
#include "../rest/query.h"
#include "error.h"

/* ---- values ---- */

static apr_status_t refuse_value(um_answer_t *answer, um_request_t *request, const char *name,
                                 const char *rule)
{
    return um_scim_error_refuse(answer, 400, UM_SCIM_INVALID_VALUE, request->pool, "%s: %s", name,
                                rule);
}

/* Read a whole number. One that 64 bits do not hold is the largest or the smallest. */
static int read_number(apr_int64_t *number, const char *text)
{
    char *end = NULL;

    errno = 0;
    *number = apr_strtoi64(text, &end, 10);
    return end != text && *end == '\0';
}

static apr_int64_t clamp(apr_int64_t number, apr_int64_t least, apr_int64_t most)
{
    return number < least ? least : number > most ? most : number;
}

/* The largest startIndex that a client can ask for; no list is as long. */
#define START_MAX 1000000000000

static apr_status_t set_number(um_scim_search_t *search, const char *name, apr_int64_t number)
{
    if (um_filter_same_name(name, "count")) {
        search->count = clamp(number, 0, UM_SCIM_COUNT_MAX);
    } else {
        search->start_index = clamp(number, 1, START_MAX);
    }
    return APR_SUCCESS;
}

static int is_number(const char *name)
{
    return um_filter_same_name(name, "count") || um_filter_same_name(name, "startIndex");
}

static int has_names(const char *name)
{
    return um_filter_same_name(name, "attributes")
           || um_filter_same_name(name, "excludedAttributes");
}

/* The list of names that a parameter or member is for, if it has names. */
static apr_array_header_t **names_of(um_scim_search_t *search, const char *name)
{
    return um_filter_same_name(name, "attributes") ? &search->attributes
                                                   : &search->excluded_attributes;
}

static void add_names(apr_array_header_t **names, const char *value, apr_pool_t *pool)
{
    if (*value == '\0') {
        return;
    }
    if (*names == NULL) {
        *names = apr_array_make(pool, 4, sizeof(const char *));
    }
    APR_ARRAY_PUSH(*names, const char *) = value;
}

/* A text. Unknown names are ignored. If a filter came twice, one of them would be overlooked. */
static apr_status_t set_text(um_scim_search_t *search, um_answer_t *answer, um_request_t *request,
                             const char *name, const char *value)
{
    apr_int64_t number;

    if (has_names(name)) {
        add_names(names_of(search, name), value, request->pool);
    } else if (is_number(name)) {
        return read_number(&number, value)
                   ? set_number(search, name, number)
                   : refuse_value(answer, request, name, "It must be a whole number.");
    } else if (um_filter_same_name(name, "filter")) {
        if (search->filter != NULL) {
            return um_scim_error_refuse(answer, 400, UM_SCIM_INVALID_FILTER, request->pool,
                                        "There are two filters.");
        }
        search->filter = value;
    } else if (um_filter_same_name(name, "sortBy")) {
        search->sort_by = value;
    } else if (um_filter_same_name(name, "sortOrder")) {
        search->is_descending = um_filter_same_name(value, "descending");
    } else if (um_filter_same_name(name, "cursor")) {
        search->cursor = value;
    }
    return APR_SUCCESS;
}

/* ---- parameters ---- */

/* A parameter that can't be decoded is missing in the list of parameters. If it were ignored, a
 * list could be answered without its filter. */
static apr_status_t refuse_undecoded(um_answer_t *answer, um_request_t *request)
{
    const apr_array_header_t *faults = request->faults.list;

    for (int i = 0; i < faults->nelts; i++) {
        if (um_filter_same_name(APR_ARRAY_IDX(faults, i, um_fault_t).field, "filter")) {
            return um_scim_error_refuse(answer, 400, UM_SCIM_INVALID_FILTER, request->pool,
                                        "The filter must be UTF-8 without NUL, each %% followed "
                                        "by two hex digits.");
        }
    }
    return um_problem_answer_faults(answer, &request->faults);
}

static apr_status_t read_parameters(um_scim_search_t *search, um_answer_t *answer,
                                    um_request_t *request)
{
    apr_status_t status = request->faults.list != NULL ? refuse_undecoded(answer, request)
                                                       : APR_SUCCESS;

    for (int i = 0; status == APR_SUCCESS && i < request->parameters->nelts; i++) {
        const um_query_parameter_t *given = &APR_ARRAY_IDX(request->parameters, i,
                                                           um_query_parameter_t);

        status = set_text(search, answer, request, given->name, given->value);
    }
    return status;
}

/* ---- a body ---- */

typedef struct um_body_t {
    um_scim_search_t *search;
    um_answer_t *answer;
    um_request_t *request;
    apr_status_t status;
} um_body_t;

/* An array of names. */
static apr_status_t set_array(const um_body_t *body, const char *name, const um_json_t *value)
{
    apr_array_header_t **names = names_of(body->search, name);

    for (apr_size_t i = 0; i < um_json_size(value); i++) {
        const char *text = um_json_string(um_json_element(value, i));

        if (text == NULL) {
            return refuse_value(body->answer, body->request, name, "It must have texts alone.");
        }
        add_names(names, text, body->request->pool);
    }
    return APR_SUCCESS;
}

static int is_known(const char *name)
{
    return is_number(name) || has_names(name) || um_filter_same_name(name, "filter")
           || um_filter_same_name(name, "sortBy") || um_filter_same_name(name, "sortOrder")
           || um_filter_same_name(name, "cursor");
}

static void read_member(const char *name, const um_json_t *value, void *baton)
{
    um_body_t *body = baton;
    um_json_type_t type = um_json_type(value);

    if (body->status != APR_SUCCESS || type == UM_JSON_NULL || !is_known(name)) {
        return;
    }
    if (type == UM_JSON_STRING) {
        body->status = set_text(body->search, body->answer, body->request, name,
                                um_json_string(value));
    } else if (type == UM_JSON_INTEGER && is_number(name)) {
        body->status = set_number(body->search, name, um_json_integer(value));
    } else if (type == UM_JSON_ARRAY && has_names(name)) {
        body->status = set_array(body, name, value);
    } else {
        body->status = refuse_value(body->answer, body->request, name,
                                    "The value has the wrong type.");
    }
}

apr_status_t um_scim_search_read(um_scim_search_t *search, um_answer_t *answer,
                                 um_request_t *request)
{
    um_body_t body = { search, answer, request, APR_SUCCESS };

    memset(search, 0, sizeof(*search));
    search->start_index = 1;
    search->count = UM_SCIM_COUNT_DEFAULT;
    if (strcmp(request->method, "POST") != 0) {
        return read_parameters(search, answer, request);
    }
    um_json_each(request->body, read_member, &body);
    return body.status;
}
