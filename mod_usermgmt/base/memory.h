/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_MEMORY_H
#define UM_BASE_MEMORY_H

/**
 * @file memory.h
 * Pools for what is large and soon over: a parsed body, rows, the text of a page. A pool of
 * httpd's keeps what it had once, for its connection; these give it back to the system, but
 * for a few megabytes that all of them in a process share.
 */

#include <apr_pools.h>

/** Once in a process that serves, before its threads start. APR_SUCCESS, or why there is no
 *  mutex. Without it the pools below are ordinary ones. */
apr_status_t um_memory_init(void);

/** Make a pool below another. */
void um_memory_pool(apr_pool_t **pool, apr_pool_t *parent);

#endif
