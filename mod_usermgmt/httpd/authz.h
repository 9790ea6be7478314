/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_AUTHZ_H
#define UM_HTTPD_AUTHZ_H

/** @file authz.h The authorization providers: Require usermgmt-role admin sub_admin, Require
 *  usermgmt-permission metrics:read, Require usermgmt-group NAME, and Require usermgmt-active. */

#include <apr_pools.h>

#define UM_AUTHZ_ROLE "usermgmt-role"
#define UM_AUTHZ_PERMISSION "usermgmt-permission"
#define UM_AUTHZ_GROUP "usermgmt-group"
#define UM_AUTHZ_ACTIVE "usermgmt-active"

/** Register the providers; pool is that of the configuration. */
void um_authz_register(apr_pool_t *pool);

#endif
