/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_API_ORGANIZATION_H
#define UM_API_ORGANIZATION_H

/** @file organization.h The resource organization-status/. */

#include "../rest/router.h"

um_handler_t um_organization_status;
um_handler_t um_organization_history;

#endif
