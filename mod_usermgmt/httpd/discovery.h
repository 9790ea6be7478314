/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_DISCOVERY_H
#define UM_HTTPD_DISCOVERY_H

/**
 * @file discovery.h
 * UserMgmtScimPublicDiscovery: identity providers read what a SCIM service can do before they
 * have a token.
 */

#include <httpd.h>

/** Let a request to read SCIM's discovery pass without a login: check_access_ex. */
int um_discovery_admit(request_rec *r);

/** Stop a request that passed so, if a fixup has given it to another handler: handler, before all
 *  others. */
int um_discovery_guard(request_rec *r);

#endif
