/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_LINK_H
#define UM_CORE_LINK_H

/**
 * @file link.h
 * Links to a platform, from users. The checks are strict, so that browsers, mail programs
 * and this module agree where a link leads.
 */

#include <apr_tables.h>

#include "../base/violation.h"

#define UM_LINK_MAX 2048

/**
 * Check a link: an absolute https URL, or http to a loopback host, of at most
 * UM_LINK_MAX bytes, with RFC 3986's characters only; no user info; a host name of
 * letters, digits and hyphens, or an IP address; no dot segments and no encoded
 * separators in its path; no accept_token in its query.
 * @return NULL if it is good, otherwise what is wrong with it
 */
const um_violation_t *um_link_check(const char *link, apr_pool_t *pool);

/** Check a prefix: a link without query and fragment. */
const um_violation_t *um_link_check_prefix(const char *prefix, apr_pool_t *pool);

/** The most bytes of the public URL of a service, so that links below it are not too long. */
#define UM_PUBLIC_URL_MAX 2000
/** Check the public URL of a service: http or https to any host, without query and
 *  fragment. */
const um_violation_t *um_link_check_public_url(const char *url, apr_pool_t *pool);
/** The origin of such a URL: its scheme, host and port. */
const char *um_link_origin(const char *url, apr_pool_t *pool);

/** Check an origin: scheme, host and port as browsers send them, so http or https, in small
 *  letters, without the scheme's own port. */
const um_violation_t *um_link_check_origin(const char *origin, apr_pool_t *pool);

/**
 * Tell whether a link is below one of some prefixes: the same scheme, host and port, and
 * a path that begins with the prefix's whole segments. All must have passed their checks.
 * @param prefixes of const char *
 */
int um_link_is_below(const char *link, const apr_array_header_t *prefixes, apr_pool_t *pool);

#endif
