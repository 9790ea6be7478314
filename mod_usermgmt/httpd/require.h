/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_REQUIRE_H
#define UM_HTTPD_REQUIRE_H

/** @file require.h Questions to authorization providers, by the lines of UserMgmtAdmin and
 *  UserMgmtSubAdmin. */

#include <httpd.h>
#include <mod_auth.h>

#include "config.h"

/**
 * A hook for fixups: ask the lines whose provider can't be asked later, and keep the answers.
 * mod_authnz_ldap gives back its connection in its own fixups, and after these it would use
 * memory that is freed (httpd 2.4.71).
 * @return DECLINED
 */
int um_require_ask_early(request_rec *r);

/** Does a line grant the caller of the request its role? The answer of um_require_ask_early() is
 *  used, if there is one. */
authz_status um_require_ask(const um_require_t *line, request_rec *r);

#endif
