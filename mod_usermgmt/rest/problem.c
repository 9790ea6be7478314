/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file problem.c Problems, see problem.h. */

#include "problem.h"

#include <stdarg.h>

#include <apr_strings.h>

#include "../base/status.h"

#define RETRY_AFTER_SECONDS "2"
/* From this status on the fault is the server's. */
#define FIRST_SERVER_ERROR 500

static const struct {
    int status;
    const char *title;
    const char *code;
} kinds[] = {
    { 400, "Bad Request", "bad_request" },
    { 401, "Unauthorized", "unauthorized" },
    { 403, "Forbidden", "forbidden" },
    { 404, "Not Found", "not_found" },
    { 405, "Method Not Allowed", "method_not_allowed" },
    { 406, "Not Acceptable", "not_acceptable" },
    { 408, "Request Timeout", "request_timeout" },
    { 409, "Conflict", "conflict" },
    { 411, "Length Required", "length_required" },
    { 412, "Precondition Failed", "precondition_failed" },
    { 413, "Content Too Large", "body_too_large" },
    { 414, "URI Too Long", "uri_too_long" },
    { 415, "Unsupported Media Type", "unsupported_media_type" },
    { 417, "Expectation Failed", "expectation_failed" },
    { 429, "Too Many Requests", "too_many_requests" },
    { 431, "Request Header Fields Too Large", "header_too_large" },
    { 500, "Internal Server Error", "internal_error" },
    { 501, "Not Implemented", "not_implemented" },
    { 502, "Bad Gateway", "bad_gateway" },
    { 503, "Service Unavailable", "unavailable" },
    { 504, "Gateway Timeout", "gateway_timeout" },
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static apr_size_t find_kind(int status)
{
    apr_size_t i = 0;

    while (i < KIND_COUNT && kinds[i].status != status) {
        i++;
    }
    return i;
}

const char *um_problem_title(int status)
{
    apr_size_t i = find_kind(status);

    return i < KIND_COUNT ? kinds[i].title : status < 500 ? "Client Error" : "Server Error";
}

const char *um_problem_code(int status)
{
    apr_size_t i = find_kind(status);

    return i < KIND_COUNT ? kinds[i].code : status < 500 ? "client_error" : "server_error";
}

void um_faults_add(um_faults_t *faults, const char *field, const char *code, const char *detail)
{
    um_fault_t *fault;

    if (faults->list == NULL) {
        faults->list = apr_array_make(faults->pool, 4, sizeof(um_fault_t));
    }
    if (faults->list->nelts == UM_FAULTS_MAX) {
        return;
    }
    fault = apr_array_push(faults->list);
    fault->field = apr_pstrdup(faults->pool, field);
    fault->place = faults->place;
    fault->code = code;
    fault->detail = detail;
}

void um_faults_add_violation(um_faults_t *faults, const char *field,
                             const um_violation_t *violation)
{
    if (violation != NULL) {
        um_faults_add(faults, field, violation->code, violation->detail);
    }
}

void um_faults_put(um_buffer_t *buffer, const apr_array_header_t *faults)
{
    um_buffer_putc(buffer, '[');
    for (int i = 0; i < faults->nelts; i++) {
        const um_fault_t *fault = &APR_ARRAY_IDX(faults, i, um_fault_t);

        if (i > 0) {
            um_buffer_putc(buffer, ',');
        }
        um_buffer_putc(buffer, '{');
        um_json_put_member(buffer, "field", fault->field);
        um_json_put_member_if(buffer, "in", fault->place);
        um_json_put_member(buffer, "code", fault->code);
        um_json_put_member(buffer, "detail", fault->detail);
        um_buffer_putc(buffer, '}');
    }
    um_buffer_putc(buffer, ']');
}

void um_problem_put(um_buffer_t *buffer, const um_problem_t *problem)
{
    um_buffer_putc(buffer, '{');
    um_json_put_member(buffer, "type", "about:blank");
    um_json_put_member(buffer, "title", um_problem_title(problem->status));
    um_json_put_member_int(buffer, "status", problem->status);
    um_json_put_member_if(buffer, "detail", problem->detail);
    um_json_put_member(buffer, "code", problem->code);
    um_json_put_member_if(buffer, "permission", problem->permission);
    if (problem->faults != NULL) {
        um_json_put_name(buffer, "errors");
        um_faults_put(buffer, problem->faults);
    }
    um_buffer_putc(buffer, '}');
}

/* Add the id to an object that is complete: before its last bracket. */
static void put_request_id(um_buffer_t *buffer, const char *request_id)
{
    if (request_id != NULL) {
        buffer->length--;
        um_json_put_member(buffer, "request_id", request_id);
        um_buffer_putc(buffer, '}');
    }
}

/* status and code are filled in. */
static apr_status_t answer_problem(um_answer_t *answer, int status, const char *code,
                                   um_problem_t *problem, apr_pool_t *pool)
{
    um_buffer_t buffer;

    problem->status = status;
    problem->code = code;
    um_buffer_init(&buffer, 512, pool);
    um_problem_put(&buffer, problem);
    um_answer_json(answer, status, &buffer);
    answer->content_type = "application/problem+json";
    answer->code = code;
    answer->problem = apr_pmemdup(pool, problem, sizeof(*problem));
    return UM_EREFUSED;
}

apr_status_t um_problem_answer(um_answer_t *answer, int status, const char *code,
                               apr_pool_t *pool, const char *format, ...)
{
    um_problem_t problem = { 0 };
    va_list arguments;

    va_start(arguments, format);
    problem.detail = apr_pvsprintf(pool, format, arguments);
    va_end(arguments);
    return answer_problem(answer, status, code, &problem, pool);
}

apr_status_t um_problem_answer_forbidden(um_answer_t *answer, const char *role,
                                         const char *permission, apr_pool_t *pool)
{
    um_problem_t problem = { .permission = permission };

    problem.detail = permission != NULL
                         ? apr_psprintf(pool, "Your role, %s, does not have the permission %s.",
                                        role, permission)
                         : apr_psprintf(pool, "Your role, %s, does not allow this.", role);
    return answer_problem(answer, 403, "forbidden", &problem, pool);
}

apr_status_t um_problem_answer_forbidden_key(um_answer_t *answer, const char *permission,
                                             apr_pool_t *pool)
{
    um_problem_t problem = { .permission = permission };

    problem.detail = permission != NULL
                         ? apr_psprintf(pool, "This API key does not have the permission %s.",
                                        permission)
                         : "This API key has no permissions.";
    return answer_problem(answer, 403, "forbidden", &problem, pool);
}

apr_status_t um_problem_answer_bad_key(um_answer_t *answer, apr_pool_t *pool)
{
    um_answer_set_header(answer, "WWW-Authenticate", "Bearer error=\"invalid_token\"");
    return um_problem_answer(answer, 401, "unauthorized", pool,
                             "The API key does not hold any more.");
}

apr_status_t um_problem_answer_unidentified(um_answer_t *answer, const char *permission,
                                            apr_pool_t *pool)
{
    um_problem_t problem = {
        .permission = permission,
        .detail = "Nobody is signed in: httpd asked for no login here, or UserMgmtIdentity gives "
                  "no name.",
    };

    return answer_problem(answer, 403, "forbidden", &problem, pool);
}

apr_status_t um_problem_answer_faults(um_answer_t *answer, const um_faults_t *faults)
{
    um_problem_t problem = { .faults = faults->list };

    problem.detail = faults->list->nelts == 1
                         ? "One thing is wrong with the request; see errors."
                         : "Several things are wrong with the request; see errors.";
    return answer_problem(answer, 400, "validation_failed", &problem, faults->pool);
}

apr_status_t um_problem_answer_status(um_answer_t *answer, apr_status_t status, apr_pool_t *pool)
{
    if (status == UM_EUNAVAILABLE || status == UM_ESCHEMA) {
        um_answer_set_header(answer, "Retry-After", RETRY_AFTER_SECONDS);
        return um_problem_answer(answer, 503, "unavailable", pool,
                                 "The service can't reach its data at the moment; try again.");
    }
    if (status == UM_EBUSY) {
        um_answer_set_header(answer, "Retry-After", RETRY_AFTER_SECONDS);
        return um_problem_answer(answer, 503, "busy", pool,
                                 "Too many lists are read at the moment, or this one takes too "
                                 "long; try again, or ask for less.");
    }
    return um_problem_answer(answer, 500, "internal_error", pool,
                             "The server failed; the reason is in its error log.");
}

const char *um_problem_body(int status, const char *request_id, apr_pool_t *pool)
{
    um_problem_t problem = { .status = status, .code = um_problem_code(status) };
    um_buffer_t buffer;

    um_buffer_init(&buffer, 256, pool);
    um_problem_put(&buffer, &problem);
    if (status >= FIRST_SERVER_ERROR) {
        put_request_id(&buffer, request_id);
    }
    return buffer.data;
}

void um_problem_add_request_id(um_answer_t *answer, const char *request_id, apr_pool_t *pool)
{
    um_buffer_t buffer;

    if (answer->code == NULL || answer->status < FIRST_SERVER_ERROR) {
        return;
    }
    um_buffer_init(&buffer, answer->length + 64, pool);
    um_buffer_append(&buffer, answer->body, answer->length);
    put_request_id(&buffer, request_id);
    answer->body = buffer.data;
    answer->length = buffer.length;
}
