/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_CALLER_H
#define UM_HTTPD_CALLER_H

/** @file caller.h Who asks: identity, organization and role of a request's caller. */

#include <httpd.h>

#include "../rest/request.h"

/**
 * Find out what a request's caller and its organization are called, by the
 * directives that hold where it goes; the database is not asked.
 * @param identity     NULL for nobody, or a name that can't be anybody's
 * @param organization NULL where the name can't be one's
 * @return APR_SUCCESS, or APR_EGENERAL where an expression failed (logged)
 */
apr_status_t um_caller_name(const char **identity, const char **organization, request_rec *r);

/**
 * Find out who asks, by the directives that hold where the request goes.
 * A caller with a role by configuration who was not seen before is noted.
 * @param caller filled, in r's pool
 * @return APR_SUCCESS; UM_ENOTFOUND where the organization does not exist;
 *         UM_EUNAVAILABLE; APR_EGENERAL where a line could not be decided and
 *         no other gave a role, or an expression failed (logged)
 */
apr_status_t um_caller_identify(um_caller_t *caller, request_rec *r);

/**
 * Find out whether the caller is a user of the organization who is not suspended; roles play
 * no part.
 * @return as um_caller_identify() does
 */
apr_status_t um_caller_is_active(int *is_active, request_rec *r);

#endif
