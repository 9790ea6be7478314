/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_REST_PROBLEM_H
#define UM_REST_PROBLEM_H

/** @file problem.h Problems (RFC 9457): all answers that are errors. */

#include "../core/rules.h"
#include "request.h"

/** The largest number of faults in an answer, so that a body can't cause a much longer answer. */
#define UM_FAULTS_MAX 100

/** Add a fault, unless there are UM_FAULTS_MAX. field is copied, code and detail are not. */
void um_faults_add(um_faults_t *faults, const char *field, const char *code, const char *detail);

/** Add a broken rule as a fault; NULL adds nothing. */
void um_faults_add_violation(um_faults_t *faults, const char *field,
                             const um_violation_t *violation);

/** Append the faults, at least one, as a JSON array. */
void um_faults_put(um_buffer_t *buffer, const um_faults_t *faults);

/** Answer with a problem; format gives its detail. */
void um_problem_answer(um_answer_t *answer, int status, const char *code, apr_pool_t *pool,
                       const char *format, ...) __attribute__((format(printf, 5, 6)));

/** Answer 403 forbidden to a caller of that role.
 *  @param permission the name of what is missing; NULL where a role is */
void um_problem_answer_forbidden(um_answer_t *answer, const char *role, const char *permission,
                                 apr_pool_t *pool);

/** Answer 400 validation_failed with all faults. */
void um_problem_answer_faults(um_answer_t *answer, const um_faults_t *faults);

/** Answer for the error of a store function: 503 or 500. */
void um_problem_answer_status(um_answer_t *answer, apr_status_t status, apr_pool_t *pool);

/** The reason phrase of a status, as the title of its problem. */
const char *um_problem_title(int status);

/** The body of a problem that the server itself made, in pool. Its code comes from the status. */
const char *um_problem_body(int status, apr_pool_t *pool);

/** The code of a problem that the server itself made. */
const char *um_problem_code(int status);

#endif
