/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_DURATION_H
#define UM_BASE_DURATION_H

/** @file duration.h Lengths of time as text, such as "90d". */

#include <apr_pools.h>

#define UM_MS_PER_HOUR (APR_INT64_C(3600) * 1000)
#define UM_MS_PER_DAY (24 * UM_MS_PER_HOUR)

/**
 * Read a number with a unit: ms, s, min, h or d, in small letters. "0" needs none.
 * @return non-zero and *ms set, or 0 if text is no length of time, or one of more than 100,000
 *         days
 */
int um_duration_parse(apr_int64_t *ms, const char *text);

/** Write a length of time, of 0 or more, in the largest unit that gives a whole number, in pool:
 *  um_duration_parse() reads it. */
const char *um_duration_format(apr_int64_t ms, apr_pool_t *pool);

#endif
