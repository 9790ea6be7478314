/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_ERROR_H
#define UM_SCIM_ERROR_H

/**
 * @file error.h
 * SCIM's errors (RFC 7644 section 3.12). Every problem of the service is told in this form; a
 * problem of the rooms below becomes one by its status and code.
 */

#include "../rest/problem.h"

/* Types of RFC 7644's table 9. */
#define UM_SCIM_UNIQUENESS "uniqueness"
#define UM_SCIM_MUTABILITY "mutability"
#define UM_SCIM_INVALID_SYNTAX "invalidSyntax"
#define UM_SCIM_INVALID_PATH "invalidPath"
#define UM_SCIM_NO_TARGET "noTarget"
#define UM_SCIM_INVALID_VALUE "invalidValue"
#define UM_SCIM_INVALID_FILTER "invalidFilter"
#define UM_SCIM_TOO_MANY "tooMany"
/* Of RFC 9865. */
#define UM_SCIM_INVALID_CURSOR "invalidCursor"
#define UM_SCIM_EXPIRED_CURSOR "expiredCursor"

/** An error of SCIM that a function has found. */
typedef struct um_scim_error_t {
    int status;
    /** Of RFC 7644's table, such as UM_SCIM_INVALID_PATH; NULL if none of them applies. */
    const char *type;
    const char *detail;
} um_scim_error_t;

/** Set an error; type may be NULL, and format gives the detail, in pool. Returns UM_EINVALID. */
apr_status_t um_scim_error_set(um_scim_error_t *error, int status, const char *type,
                               apr_pool_t *pool, const char *format, ...) UM_MUST_USE
    __attribute__((format(printf, 5, 6)));

/** Answer with an error. Returns UM_EREFUSED. */
apr_status_t um_scim_error_answer(um_answer_t *answer, const um_scim_error_t *error,
                                  apr_pool_t *pool) UM_MUST_USE;

/** The same; type may be NULL, and format gives the detail. Returns UM_EREFUSED. */
apr_status_t um_scim_error_refuse(um_answer_t *answer, int status, const char *type,
                                  apr_pool_t *pool, const char *format, ...) UM_MUST_USE
    __attribute__((format(printf, 5, 6)));

/** Append a problem as an error of SCIM: put_problem of the service. */
void um_scim_error_put(um_buffer_t *buffer, const um_problem_t *problem);

#endif
