/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_BULK_H
#define UM_SCIM_BULK_H

/**
 * @file bulk.h
 * Many changes in one request (RFC 7644, 3.7). Each is a change of its own, with its own
 * transaction and audit event, so one that fails takes nothing else with it.
 */

#include "../rest/request.h"

/** The largest number of operations in a request. */
#define UM_SCIM_BULK_OPERATIONS_MAX 1000
/** The largest number of bytes of a request; UserMgmtMaxBody applies as well. */
#define UM_SCIM_BULK_PAYLOAD_MAX 4194304

/** The largest number of bytes that a bulk request can have with these settings. */
apr_int64_t um_scim_bulk_max_payload(const um_request_t *request);

/** POST /Bulk. */
apr_status_t um_scim_bulk(um_answer_t *answer, um_request_t *request);

#endif
