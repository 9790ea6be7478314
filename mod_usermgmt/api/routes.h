/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_API_ROUTES_H
#define UM_API_ROUTES_H

/** @file routes.h The routes of the native API: methods, paths, permissions, handlers. */

#include "../rest/router.h"

/** All routes, ended by one with a NULL method. */
extern const um_route_t um_api_routes[];

/** The native API. */
extern const um_service_t um_api_service;

#endif
