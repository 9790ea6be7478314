/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_ROUTES_H
#define UM_SCIM_ROUTES_H

/** @file routes.h The routes of SCIM: methods, paths, permissions, handlers. */

#include "../rest/router.h"

/** All routes, ended by one with a NULL method. */
extern const um_route_t um_scim_routes[];

/** SCIM 2.0. */
extern const um_service_t um_scim_service;

#endif
