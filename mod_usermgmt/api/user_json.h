/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_API_USER_JSON_H
#define UM_API_USER_JSON_H

/** @file user_json.h The user as JSON: reads bodies, writes answers. */

#include "../core/user.h"
#include "../rest/problem.h"

/** A body that makes or changes a user. */
typedef struct um_user_input_t {
    /** The members as they were sent; NULL if not given. */
    const um_json_t *uid;
    const um_json_t *email;
    const um_json_t *display_name;
    const um_json_t *phone;
    const um_json_t *role;
    const um_json_t *active;
    const um_json_t *created_at;
    const um_json_t *updated_at;
    /** The whole body; its other members are attributes. */
    const um_json_t *body;
    /** Of an import: UM_USER_SCIM. Nothing else can set it here. */
    const um_json_t *scim;

    /* Filled in once, by the checks, so that a transaction has less to do. */
    /** The display name without white space at its ends. */
    const char *trimmed_name;
    /** Of um_json_member_text_t: the attributes that are not null, as they are stored; not all
     *  of them if they break the limits. */
    const apr_array_header_t *attributes;
} um_user_input_t;

/** Tell whether a member of a user with that name is no attribute. */
int um_user_input_is_member(const char *name);

/** Find the members of a body; nothing is checked yet. */
void um_user_input_read(um_user_input_t *input, const um_json_t *body);

/**
 * Check a body that makes a user, and fill in user from it; uid, times and version are not
 * changed.
 * @param faults gets everything that is wrong
 */
void um_user_input_create(um_user_t *user, um_user_input_t *input, um_faults_t *faults);

/**
 * Check a record of an import, and fill in user from it. Unlike a body it may have the uid,
 * the role, the times, and what an identity provider has set; missing ones are NULL or 0.
 */
void um_user_input_import(um_user_t *user, um_user_input_t *input, um_faults_t *faults);

/** Check a body that changes a user, as far as this is possible without the stored user. The
 *  names of attributes that are null are not checked yet. */
void um_user_input_check_update(um_user_input_t *input, um_faults_t *faults);

/**
 * Apply a checked body to a stored user.
 * @param updated filled with the stored user and the changes of the body
 * @param changed set to whether anything differs
 * @param faults  gets read_only members that differ, attributes that break the limits, and bad
 *                names of attributes to remove that the user does not have
 * @return APR_SUCCESS, or APR_EGENERAL if the stored attributes can't be read
 */
apr_status_t um_user_input_update(um_user_t *updated, int *changed, const um_user_t *stored,
                                  const um_user_input_t *input, um_faults_t *faults);

/** The columns of a user as CSV, with commas between, and the one of them that has all further
 *  attributes. */
#define UM_USER_COLUMNS                                                                          \
    "user_uid,email,display_name,phone,role,active,created_at,updated_at," UM_USER_ATTRIBUTES
#define UM_USER_ATTRIBUTES "attributes"

/** Tell whether a member of the JSON of a user with that name is no attribute. */
int um_user_json_is_member(const char *name);

/** Append a user as a JSON object. */
void um_user_json_put(um_buffer_t *buffer, const um_user_t *user);

/** What a user's object has of what an identity provider has set: a member UM_USER_SCIM, an
 * object with the members that SCIM names, such as userName and externalId. */
typedef enum um_user_form_t {
    /** Nothing, as in most answers. */
    UM_USER_NATIVE,
    /** What is stored, if there is something: for exports, and for the audit trail. */
    UM_USER_AS_STORED,
    /** Always, and always with a userName, which is the email if no other is stored. */
    UM_USER_WITH_SCIM
} um_user_form_t;

#define UM_USER_SCIM "scim"

/** As um_user_json_put(), in a form. */
void um_user_json_put_as(um_buffer_t *buffer, const um_user_t *user, um_user_form_t form);

/** The member UM_USER_SCIM of a user as it is stored, in pool; an empty text for none. */
const char *um_user_json_scim(const um_user_t *user, apr_pool_t *pool);

/** A user as JSON text, in pool. */
const char *um_user_json(const um_user_t *user, apr_pool_t *pool);

/** The same in a form. */
const char *um_user_json_as(const um_user_t *user, um_user_form_t form, apr_pool_t *pool);

/** Answer with {"userData": user} and its ETag. */
void um_user_json_answer(um_answer_t *answer, int status, const um_user_t *user,
                         apr_pool_t *pool);

/** The same with status 200 and the user in a form. */
void um_user_json_answer_as(um_answer_t *answer, const um_user_t *user, um_user_form_t form,
                            apr_pool_t *pool);

/** The text of the user in an answer that um_user_json_answer() has made, copied to pool. */
const char *um_user_json_of_answer(const um_answer_t *answer, apr_pool_t *pool);

/** Answer 200 with {"message": message, "userData": user} and the user's ETag; without the
 *  user if the caller may not read it. */
void um_user_json_answer_updated(um_answer_t *answer, const char *message, const um_user_t *user,
                                 int may_read, apr_pool_t *pool);

/** The strong entity tag of a user, with its quotes, in pool. */
const char *um_user_etag(const um_user_t *user, apr_pool_t *pool);

#endif
