/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file body.c Members of a request's body, see body.h. */

#include "body.h"

#include <stdarg.h>
#include <string.h>

#include "problem.h"

const um_json_t *um_body_member(const um_request_t *request, const char *name)
{
    const um_json_t *member = um_json_member(request->body, name);

    return member != NULL && um_json_type(member) != UM_JSON_NULL ? member : NULL;
}

const char *um_body_text(um_request_t *request, const char *name)
{
    const um_json_t *member = um_body_member(request, name);
    const char *text = member != NULL ? um_json_string(member) : NULL;

    if (member != NULL && text == NULL) {
        um_faults_add(&request->faults, name, "invalid_type", "It must be a string.");
    }
    return text;
}

const char *um_body_id(um_request_t *request, const char *name)
{
    const char *id = um_body_text(request, name);

    if (id == NULL && um_body_member(request, name) != NULL) {
        return NULL;
    }
    if (request->id != NULL) {
        if (id != NULL && strcmp(id, request->id) != 0) {
            um_faults_add(&request->faults, name, "read_only",
                          "It must be the same in the body and in the path.");
        }
        return request->id;
    }
    if (id == NULL) {
        um_faults_add(&request->faults, name, "required",
                      "It must be given, in the body or the path.");
        return NULL;
    }
    um_faults_add_violation(&request->faults, name, um_rules_check_uid(id));
    request->target = id;
    return id;
}

/* The names that a body may have, and the faults for other names. */
typedef struct um_refusal_t {
    const apr_array_header_t *names;
    um_faults_t *faults;
} um_refusal_t;

static void refuse_other(const char *name, const um_json_t *value, void *baton)
{
    const um_refusal_t *refusal = baton;
    int i = 0;

    (void)value;
    while (i < refusal->names->nelts
           && strcmp(APR_ARRAY_IDX(refusal->names, i, const char *), name) != 0) {
        i++;
    }
    if (i == refusal->names->nelts) {
        um_faults_add(refusal->faults, name, "unknown_member",
                      "This request has no such member.");
    }
}

void um_body_refuse_others(um_request_t *request, ...)
{
    apr_array_header_t *names = apr_array_make(request->pool, 3, sizeof(const char *));
    um_refusal_t refusal = { names, &request->faults };
    va_list arguments;
    const char *name;

    va_start(arguments, request);
    while ((name = va_arg(arguments, const char *)) != NULL) {
        APR_ARRAY_PUSH(names, const char *) = name;
    }
    va_end(arguments);
    um_json_each(request->body, refuse_other, &refusal);
}
