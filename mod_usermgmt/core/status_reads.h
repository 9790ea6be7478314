/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_STATUS_READS_H
#define UM_CORE_STATUS_READS_H

/**
 * @file status_reads.h
 * Reads of the status of an organization. On a database server those of many threads are
 * answered together (shared_reads.h): one statement is the answer to all.
 */

#include "store.h"
#include "store_organizations.h"

/** Read a status outside of a change. UM_ENOTFOUND if there is no such organization. */
apr_status_t um_status_reads_get(um_organization_status_t **organization, um_store_t *store,
                                 apr_int64_t org_id, apr_pool_t *pool);

#endif
