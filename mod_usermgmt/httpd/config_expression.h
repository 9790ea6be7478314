/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_CONFIG_EXPRESSION_H
#define UM_HTTPD_CONFIG_EXPRESSION_H

/**
 * @file config_expression.h
 * The directives whose value is an expression. An expression that does not use the request has
 * the same value for all requests. So it is evaluated when the configuration is read, and refused
 * if that value can't be intended.
 */

#include "config.h"

/** UserMgmtIdentity. Returns NULL, or the error for configtest. */
const char *um_config_expression_set_identity(cmd_parms *cmd, void *directory, const char *text);
/** UserMgmtOrganization. Returns NULL, or the error for configtest. */
const char *um_config_expression_set_organization(cmd_parms *cmd, void *directory,
                                                  const char *text);

/** These directives for um_config_directives[]. */
/* clang-format off */
#define UM_CONFIG_EXPRESSION_DIRECTIVES                                                           \
    AP_INIT_TAKE1("UserMgmtIdentity", um_config_expression_set_identity, NULL,                    \
                  RSRC_CONF | ACCESS_CONF,                                                        \
                  "an expression that gives the caller's identity, normally an email address"),   \
    AP_INIT_TAKE1("UserMgmtOrganization", um_config_expression_set_organization, NULL,            \
                  RSRC_CONF | ACCESS_CONF,                                                        \
                  "an expression that gives the caller's organization"),
/* clang-format on */

#endif
