/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_THROTTLE_H
#define UM_CORE_THROTTLE_H

/**
 * @file throttle.h
 * How often an address has failed in a minute, in memory that all processes of a server share.
 * Only failures are counted, and nothing else asks the table, so whoever does not fail is neither
 * slowed down nor refused. No lock is taken. The table has a fixed size: if there are more
 * addresses than it holds, it forgets those whose minute began first.
 */

#include <apr_errno.h>
#include <apr_time.h>

#include "../base/random.h"

/** So many failures of an address in a minute are only failures; the next ones are too many. */
#define UM_THROTTLE_FAILURES 10
#define UM_THROTTLE_TIME apr_time_from_sec(60)

/** The table; it has no pointers. */
typedef struct um_throttle_t um_throttle_t;

/** The bytes of memory that a table takes. */
apr_size_t um_throttle_size(void);

/**
 * Make memory, all zero, an empty table.
 * @param random for the key of the hashes, so that nobody can foresee which addresses share
 * places
 * @return APR_SUCCESS, or the error of the source of random bytes
 */
apr_status_t um_throttle_init(um_throttle_t *throttle, const um_random_t *random);

/**
 * Count a failure.
 * @param address the bytes of an IP address, in the order of the network. Addresses of IPv6
 *                whose first 64 bits are the same count as one; an address of IPv4 that is
 *                written as one of IPv6 counts as what it is
 * @param length  4 or 16; addresses of other lengths count as one
 * @param now     by um_ticks()
 * @return 0; or, if these are too many, how long until failures are counted anew
 */
apr_interval_time_t um_throttle_fail(um_throttle_t *throttle, const void *address,
                                     apr_size_t length, apr_time_t now);

#endif
