/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file error.c SCIM's errors, see error.h. */

#include "error.h"

#include <stdarg.h>
#include <string.h>

#include <apr_strings.h>

#include "../rest/problem.h"

#define SCHEMA "urn:ietf:params:scim:api:messages:2.0:Error"

/* A scimType has one code for logs and metrics, and stands for the codes of rooms below, too. The
 * first code of a type is its own. */
static const struct {
    const char *code;
    const char *type;
} types[] = {
    { "uniqueness", "uniqueness" },
    { "email_exists", "uniqueness" },
    { "user_name_taken", "uniqueness" },
    { "too_many", "tooMany" },
    { "mutability", "mutability" },
    { "invalid_filter", "invalidFilter" },
    { "invalid_path", "invalidPath" },
    { "no_target", "noTarget" },
    { "invalid_value", "invalidValue" },
    { "validation_failed", "invalidValue" },
    { "invalid_version", "invalidVers" },
    { "invalid_cursor", UM_SCIM_INVALID_CURSOR },
    { "expired_cursor", UM_SCIM_EXPIRED_CURSOR },
    { "sensitive", "sensitive" },
    { "invalid_syntax", "invalidSyntax" },
    { "body_incomplete", "invalidSyntax" },
    { "malformed_json", "invalidSyntax" },
    { "duplicate_key", "invalidSyntax" },
    { "number_out_of_range", "invalidSyntax" },
    { "nesting_too_deep", "invalidSyntax" },
    { "too_many_values", "invalidSyntax" },
    { "invalid_utf8", "invalidSyntax" },
    { "null_character", "invalidSyntax" },
};

#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))

/* The type of a code; NULL if it has none. */
static const char *type_of(const char *code)
{
    for (apr_size_t i = 0; i < TYPE_COUNT; i++) {
        if (strcmp(types[i].code, code) == 0) {
            return types[i].type;
        }
    }
    return NULL;
}

/* The code of an error. */
static const char *code_of(int status, const char *type)
{
    for (apr_size_t i = 0; type != NULL && i < TYPE_COUNT; i++) {
        if (strcmp(types[i].type, type) == 0) {
            return types[i].code;
        }
    }
    return um_problem_code(status);
}

apr_status_t um_scim_error_set(um_scim_error_t *error, int status, const char *type,
                               apr_pool_t *pool, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    error->detail = apr_pvsprintf(pool, format, arguments);
    va_end(arguments);
    error->status = status;
    error->type = type;
    return UM_EINVALID;
}

apr_status_t um_scim_error_answer(um_answer_t *answer, const um_scim_error_t *error,
                                  apr_pool_t *pool)
{
    return um_problem_answer(answer, error->status, code_of(error->status, error->type), pool,
                             "%s", error->detail);
}

apr_status_t um_scim_error_refuse(um_answer_t *answer, int status, const char *type,
                                  apr_pool_t *pool, const char *format, ...)
{
    um_scim_error_t error = { status, type, NULL };
    va_list arguments;

    va_start(arguments, format);
    error.detail = apr_pvsprintf(pool, format, arguments);
    va_end(arguments);
    return um_scim_error_answer(answer, &error, pool);
}

/* All faults in one text: "emails: It must …; displayName: It must …". */
static void put_faults(um_buffer_t *buffer, const apr_array_header_t *faults)
{
    um_buffer_t text;

    um_buffer_init(&text, 256, faults->pool);
    for (int i = 0; i < faults->nelts; i++) {
        const um_fault_t *fault = &APR_ARRAY_IDX(faults, i, um_fault_t);

        um_buffer_puts(&text, i > 0 ? " " : "");
        um_buffer_puts(&text, fault->field);
        um_buffer_puts(&text, ": ");
        um_buffer_puts(&text, fault->detail);
    }
    um_json_put_member(buffer, "detail", text.data);
}

void um_scim_error_put(um_buffer_t *buffer, const um_problem_t *problem)
{
    char status[16];

    apr_snprintf(status, sizeof(status), "%d", problem->status);
    um_buffer_puts(buffer, "{\"schemas\":[\"" SCHEMA "\"]");
    um_json_put_member(buffer, "status", status);
    um_json_put_member_if(buffer, "scimType", type_of(problem->code));
    if (problem->faults != NULL) {
        put_faults(buffer, problem->faults);
    } else {
        um_json_put_member(buffer, "detail",
                           problem->detail != NULL ? problem->detail
                                                   : um_problem_title(problem->status));
    }
    um_buffer_putc(buffer, '}');
}
