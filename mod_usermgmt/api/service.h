/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_API_SERVICE_H
#define UM_API_SERVICE_H

/** @file service.h The index of the API, its description, and me/: the caller with role and
 *  permissions. */

#include "../rest/router.h"

um_handler_t um_service_index, um_service_me, um_service_openapi;

/** docs/openapi.json, which the build embeds. */
extern const char um_openapi[];

#endif
