/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_REST_PROBLEM_H
#define UM_REST_PROBLEM_H

/**
 * @file problem.h
 * Problems (RFC 9457): all answers that are errors. A function that answers with a problem
 * returns UM_EREFUSED. Its caller returns that too, up to the router, so that nothing else is
 * done, and a transaction on the way is rolled back.
 */

#include "../core/rules.h"
#include "request.h"

/** A function whose result must be used: a refusal that is not returned does not compile. */
#define UM_MUST_USE __attribute__((warn_unused_result))

/** The largest number of faults in an answer, so that a body can't cause a much longer answer. */
#define UM_FAULTS_MAX 100

/** Add a fault, unless there are UM_FAULTS_MAX. field is copied, code and detail are not. */
void um_faults_add(um_faults_t *faults, const char *field, const char *code, const char *detail);

/** Add a broken rule as a fault; NULL adds nothing. */
void um_faults_add_violation(um_faults_t *faults, const char *field,
                             const um_violation_t *violation);

/** Append faults, an array of um_fault_t, as a JSON array. */
void um_faults_put(um_buffer_t *buffer, const apr_array_header_t *faults);

/** Append a problem as a JSON object. */
void um_problem_put(um_buffer_t *buffer, const um_problem_t *problem);

/** Answer with a problem; format gives its detail. Returns UM_EREFUSED. */
apr_status_t um_problem_answer(um_answer_t *answer, int status, const char *code,
                               apr_pool_t *pool, const char *format, ...) UM_MUST_USE
    __attribute__((format(printf, 5, 6)));

/** Answer 403 forbidden to a caller of that role. Returns UM_EREFUSED.
 *  @param permission the name of the missing permission; NULL if a role is missing */
apr_status_t um_problem_answer_forbidden(um_answer_t *answer, const char *role,
                                         const char *permission, apr_pool_t *pool) UM_MUST_USE;

/** Answer 403 forbidden to an API key. Returns UM_EREFUSED.
 *  @param permission the name of the missing permission; NULL if it has none */
apr_status_t um_problem_answer_forbidden_key(um_answer_t *answer, const char *permission,
                                             apr_pool_t *pool) UM_MUST_USE;

/** Answer 401 unauthorized to an API key that does not hold any more. Returns UM_EREFUSED. */
apr_status_t um_problem_answer_bad_key(um_answer_t *answer, apr_pool_t *pool) UM_MUST_USE;

/** Answer 403 forbidden to a caller without an identity. Returns UM_EREFUSED.
 *  @param permission the name of the missing permission; NULL if a role is missing */
apr_status_t um_problem_answer_unidentified(um_answer_t *answer, const char *permission,
                                            apr_pool_t *pool) UM_MUST_USE;

/** Answer 400 validation_failed with all faults. Returns UM_EREFUSED. */
apr_status_t um_problem_answer_faults(um_answer_t *answer, const um_faults_t *faults) UM_MUST_USE;

/** Answer for the error of a store function: 503 or 500. Returns UM_EREFUSED. */
apr_status_t um_problem_answer_status(um_answer_t *answer, apr_status_t status, apr_pool_t *pool);

/** The reason phrase of a status, as the title of its problem. */
const char *um_problem_title(int status);

/** The body of a problem that the server itself made, in pool. Its code comes from the status.
 *  The request's id is for statuses from 500 on; it may be NULL. */
const char *um_problem_body(int status, const char *request_id, apr_pool_t *pool);

/** Add the request's id to an answer that is a problem with a status from 500 on. Others stay as
 *  they are, and all do if the id is NULL. */
void um_problem_add_request_id(um_answer_t *answer, const char *request_id, apr_pool_t *pool);

/** The code of a problem that the server itself made. */
const char *um_problem_code(int status);

#endif
