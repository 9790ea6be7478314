/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_KEY_DOOR_H
#define UM_HTTPD_KEY_DOOR_H

/**
 * @file key_door.h
 * The authenticator for API keys, for any Location with UserMgmtKeys On. It answers for requests
 * with "Authorization: Bearer umk_…" or "API-KEY umk_…"; all others go to the Location's own
 * authenticator.
 *
 * A key that came with a request belongs to its subrequests and internal redirects too. As soon
 * as the header was read, it is replaced by one that has the id alone, and in a Location with
 * keys its text is overwritten. So no log, no script and no backend gets the secret.
 */

#include <httpd.h>

#include "../rest/request.h"

/** The AuthType of a Location that takes keys and nothing else. */
#define UM_AUTH_TYPE_KEY "usermgmt-key"

/** Take the key out of the header of a request: post_read_request, before another module can see
 * or replace it. */
int um_key_door_note(request_rec *r);

/** Overwrite the key; or give it back, if the request's place accepts no keys: header_parser,
 * before all others. */
int um_key_door_settle(request_rec *r);

/** Authenticate a request that has a key: check_authn. */
int um_key_door_check(request_rec *r);

/** A key is checked also where httpd needs no login (Require all granted): force_authn. */
int um_key_door_force(request_rec *r);

/** Say what is missing, if a key may not have what it asks for: note_auth_failure. */
int um_key_door_note_failure(request_rec *r, const char *auth_type);

/** Tell whether the caller of a request is a key that was accepted. */
int um_key_door_is_caller(const request_rec *r);

/**
 * Fill in the caller of such a request. A key that does not hold any more has no permission.
 * @return as um_caller_identify()
 */
apr_status_t um_key_door_identify(um_caller_t *caller, request_rec *r);

#endif
