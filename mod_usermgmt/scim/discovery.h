/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_DISCOVERY_H
#define UM_SCIM_DISCOVERY_H

/** @file discovery.h What the service can do, for clients to read: RFC 7644, 4. */

#include "../rest/request.h"

/** The largest number of entries of a list. */
#define UM_SCIM_PAGE_MAX 1000

/** GET /ServiceProviderConfig. */
apr_status_t um_scim_discovery_config(um_answer_t *answer, um_request_t *request);

/** GET /ResourceTypes. */
apr_status_t um_scim_discovery_types(um_answer_t *answer, um_request_t *request);

/** GET /ResourceTypes/{name}. */
apr_status_t um_scim_discovery_type(um_answer_t *answer, um_request_t *request);

/** GET /Schemas. */
apr_status_t um_scim_discovery_schemas(um_answer_t *answer, um_request_t *request);

/** GET /Schemas/{urn}. */
apr_status_t um_scim_discovery_schema(um_answer_t *answer, um_request_t *request);

#endif
