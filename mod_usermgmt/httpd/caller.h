/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_CALLER_H
#define UM_HTTPD_CALLER_H

/** @file caller.h The caller of a request: identity, organization and role. */

#include <httpd.h>

#include "../rest/request.h"

/**
 * Find the names of a request's caller and organization, by the directives that apply to
 * the request. The database is not asked.
 * @param identity     NULL if there is none, or if it can't be an identity, as that of an API key
 * @param organization NULL if it can't be the name of an organization
 * @return APR_SUCCESS, or APR_EGENERAL if an expression failed (logged)
 */
apr_status_t um_caller_name(const char **identity, const char **organization, request_rec *r);

/** The name of the request's organization by the directives, which may be none: "" or a text that
 *  can't be a name. The errors of um_caller_name(). */
apr_status_t um_caller_organization(const char **organization, request_rec *r);

/**
 * Find the caller by the directives that apply to the request, or by its API key. A caller with a
 * role by configuration who was not seen before is stored.
 * @param caller filled, in r's pool
 * @return APR_SUCCESS; UM_ENOTFOUND if the organization does not exist; UM_EREFUSED if the API
 * key does not hold any more; UM_EUNAVAILABLE; APR_EGENERAL if a provider failed and no other
 * line gave a role, or an expression failed (logged)
 */
apr_status_t um_caller_identify(um_caller_t *caller, request_rec *r);

/**
 * Log that a caller was refused who has no role, or whose organization does not exist, and why,
 * at most once a minute in each process. The caller comes from um_caller_identify() for the same
 * request.
 */
void um_caller_log_refusal(const um_caller_t *caller, request_rec *r);

/**
 * Find out whether the caller is a user of the organization who is not suspended, with any
 * role or none, or an API key.
 * @return as um_caller_identify()
 */
apr_status_t um_caller_is_active(int *is_active, request_rec *r);

/**
 * Find out whether the caller is a user of the organization who is not suspended, and a member of
 * one of the groups. No API key is.
 * @param groups of const char *, the ids or the names of groups
 * @return as um_caller_identify()
 */
apr_status_t um_caller_is_member(int *is_member, const apr_array_header_t *groups,
                                 request_rec *r);

#endif
