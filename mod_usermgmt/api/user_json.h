/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_API_USER_JSON_H
#define UM_API_USER_JSON_H

/** @file user_json.h The user as JSON: bodies read, answers written. */

#include "../rest/problem.h"

/** A body that makes or changes a user. */
typedef struct um_user_input_t {
    /** The members as they were sent; NULL where not named. */
    const um_json_t *uid;
    const um_json_t *email;
    const um_json_t *display_name;
    const um_json_t *phone;
    const um_json_t *role;
    const um_json_t *active;
    const um_json_t *created_at;
    const um_json_t *updated_at;
    /** The whole body; what is not named above is an attribute. */
    const um_json_t *body;

    /* Filled in by the checks, once, so that little is left for a transaction. */
    /** The display name without white space at its ends. */
    const char *trimmed_name;
    /** Of um_json_member_text_t: the attributes that are not null, as they are
     *  stored; not all of them where they break the limits. */
    const apr_array_header_t *attributes;
} um_user_input_t;

/** Tell whether a user's member of that name is no attribute. */
int um_user_input_is_member(const char *name);

/** Sort the members of a body; nothing is checked yet. */
void um_user_input_read(um_user_input_t *input, const um_json_t *body);

/**
 * Check a body that makes a user and fill in all of user that it tells; uid,
 * times and version are left alone.
 * @param faults gets all that is wrong
 */
void um_user_input_create(um_user_t *user, um_user_input_t *input, um_faults_t *faults);

/**
 * Check a record of an import and fill in all of user that it tells. Unlike a
 * body it may bring the uid, the role and the times; what it does not bring is
 * NULL or 0.
 */
void um_user_input_import(um_user_t *user, um_user_input_t *input, um_faults_t *faults);

/** Check a body that changes a user, as far as it can be done without the
 *  stored user. */
void um_user_input_check_update(um_user_input_t *input, um_faults_t *faults);

/**
 * Apply a checked body to a stored user.
 * @param updated filled with stored and what the body changes
 * @param changed set to whether anything differs
 * @param faults  gets read_only members that differ, and attributes past their limits
 * @return APR_SUCCESS, or APR_EGENERAL where the stored attributes can't be read
 */
apr_status_t um_user_input_update(um_user_t *updated, int *changed, const um_user_t *stored,
                                  const um_user_input_t *input, um_faults_t *faults);

/** Append a user as a JSON object. */
void um_user_json_put(um_buffer_t *buffer, const um_user_t *user);

/** A user as JSON text, in pool. */
const char *um_user_json(const um_user_t *user, apr_pool_t *pool);

/** Answer with {"userData": user} and its ETag. */
void um_user_json_answer(um_answer_t *answer, int status, const um_user_t *user,
                         apr_pool_t *pool);

/** Answer 200 with {"message": message, "userData": user} and the user's ETag; without the
 *  user where the caller may not read it. */
void um_user_json_answer_updated(um_answer_t *answer, const char *message, const um_user_t *user,
                                 int may_read, apr_pool_t *pool);

/** The strong entity tag of a user, with its quotes, in pool. */
const char *um_user_etag(const um_user_t *user, apr_pool_t *pool);

#endif
