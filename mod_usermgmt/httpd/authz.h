/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_AUTHZ_H
#define UM_HTTPD_AUTHZ_H

/** @file authz.h The authorization provider: Require usermgmt-role admin sub_admin. */

#include <apr_pools.h>

#define UM_AUTHZ_PROVIDER "usermgmt-role"

/** Register the provider; pool is that of the configuration. */
void um_authz_register(apr_pool_t *pool);

#endif
