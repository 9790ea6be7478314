/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_REST_BODY_H
#define UM_REST_BODY_H

/** @file body.h Read members of a request's body that most resources have. */

#include "request.h"

/** A member of the body; NULL if there is none, or if it is null. */
const um_json_t *um_body_member(const um_request_t *request, const char *name);

/** The text of a member; NULL if there is none. If it is no string, NULL too, and a fault is
 *  added. */
const char *um_body_text(um_request_t *request, const char *name);

/**
 * The identifier of the object of a request: from its path, or from the member with that
 * name in its body.
 * @return the identifier, or NULL after a fault was added
 */
const char *um_body_id(um_request_t *request, const char *name);

/** Add a fault for every member that is not named here; NULL ends the names. */
void um_body_refuse_others(um_request_t *request, ...) __attribute__((sentinel));

#endif
