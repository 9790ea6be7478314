/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_MEMORY_H
#define UM_BASE_MEMORY_H

/**
 * @file memory.h
 * Pools for large data that is needed for a short time: a parsed body, rows, the text of a
 * page. A pool of httpd's keeps its memory until the connection ends. These pools give it back
 * to the system, except for a few megabytes that all of them in a process share.
 */

#include <apr_pools.h>

/** Call it once in each serving process, before its threads start. Without this call the pools
 *  below are ordinary ones. Returns APR_SUCCESS, or why a mutex can't be made. */
apr_status_t um_memory_init(void);

/** Make a pool below another. */
void um_memory_pool(apr_pool_t **pool, apr_pool_t *parent);

#endif
