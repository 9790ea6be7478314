/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_REST_BODY_H
#define UM_REST_BODY_H

/** @file body.h Members of a request's body that most resources have. */

#include "request.h"

/** A member of the body; NULL where there is none. A null stands for none. */
const um_json_t *um_body_member(const um_request_t *request, const char *name);

/** The text of a member; NULL where there is none, or, with a fault noted, where
 *  it is no string. */
const char *um_body_text(um_request_t *request, const char *name);

/**
 * The identifier of what a request is about: in its path, or as the member of
 * that name in its body.
 * @return it, or NULL with a fault noted
 */
const char *um_body_id(um_request_t *request, const char *name);

/** Note a fault for every member besides those named; NULL ends the names. */
void um_body_refuse_others(um_request_t *request, ...) __attribute__((sentinel));

#endif
