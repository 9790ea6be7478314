/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_DISCOVERY_H
#define UM_SCIM_DISCOVERY_H

/** @file discovery.h What the service can do, for clients to read. */

#include "../rest/request.h"

/** GET /ServiceProviderConfig. */
apr_status_t um_scim_discovery_service_provider_config(um_answer_t *answer,
                                                       um_request_t *request);

#endif
