/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_REST_PROBLEM_H
#define UM_REST_PROBLEM_H

/** @file problem.h Problems (RFC 9457): every answer that is no success. */

#include "../core/rules.h"
#include "request.h"

/** Faults that are told at the most, so that no body is answered by a far longer one. */
#define UM_FAULTS_MAX 100

/** Note a fault, unless UM_FAULTS_MAX are noted. field is copied, code and detail are not. */
void um_faults_add(um_faults_t *faults, const char *field, const char *code, const char *detail);

/** Note a broken rule; fine with NULL. */
void um_faults_add_violation(um_faults_t *faults, const char *field,
                             const um_violation_t *violation);

/** Append the faults, of which there is one at least, as an array of JSON. */
void um_faults_put(um_buffer_t *buffer, const um_faults_t *faults);

/** Answer with a problem; format is that of its detail. */
void um_problem_answer(um_answer_t *answer, int status, const char *code, apr_pool_t *pool,
                       const char *format, ...) __attribute__((format(printf, 5, 6)));

/** Answer 403 forbidden to a caller of that role.
 *  @param permission the name of what is missing; NULL where a role is */
void um_problem_answer_forbidden(um_answer_t *answer, const char *role, const char *permission,
                                 apr_pool_t *pool);

/** Answer 400 validation_failed with all faults. */
void um_problem_answer_faults(um_answer_t *answer, const um_faults_t *faults);

/** Answer for a status that a store function came to an end with: 503 or 500. */
void um_problem_answer_status(um_answer_t *answer, apr_status_t status, apr_pool_t *pool);

/** The reason phrase of a status, as the title of its problem. */
const char *um_problem_title(int status);

/** The body of a problem that the server itself made, in pool; code is derived
 *  from the status. */
const char *um_problem_body(int status, apr_pool_t *pool);

/** The code of a problem that the server itself made. */
const char *um_problem_code(int status);

#endif
