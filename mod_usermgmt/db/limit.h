/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_LIMIT_H
#define UM_DB_LIMIT_H

/**
 * @file limit.h
 * A limit on how many threads do the same expensive work at a time. Other threads wait for
 * a bounded time, in the order of their arrival.
 *
 * A limit has a number of places, and a thread that finds none gives up after a while. A gate
 * (gate.h) has no number: readers pass it freely, and wait only while the writer has closed it.
 */

#include <apr_pools.h>
#include <apr_time.h>

#include "../base/status.h"

typedef struct um_limit_t um_limit_t;

/** Make a limit with this number of places, at least one, in pool. APR_SUCCESS, or why a
 *  mutex can't be made. */
apr_status_t um_limit_create(um_limit_t **limit, unsigned places, apr_pool_t *pool);

/** Take a place, and wait for it if necessary. APR_SUCCESS, or UM_EBUSY if none became free
 *  in that time. */
apr_status_t um_limit_enter(um_limit_t *limit, apr_interval_time_t wait);

/** Give the place back. */
void um_limit_leave(um_limit_t *limit);

/** Give no place until um_limit_resume(), and wait until all places are free. Returns
 *  non-zero if they are, and 0 if they are not after that time. Only one thread at a time
 *  may call it. */
int um_limit_drain(um_limit_t *limit, apr_interval_time_t wait);
/** Give places again, after um_limit_drain(), also if that returned 0. */
void um_limit_resume(um_limit_t *limit);

#endif
