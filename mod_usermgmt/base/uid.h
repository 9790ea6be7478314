/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_UID_H
#define UM_BASE_UID_H

/**
 * @file uid.h
 * The identifiers that the server makes: 20 characters of [0-9A-Za-z] that
 * encode a number of 119 bits in base 62, most significant digit first: 45 bits
 * of milliseconds since 1970, 10 bits of microseconds within that millisecond,
 * 64 random bits. They sort by bytes in the order of their time, and can't be guessed.
 */

#include <apr_time.h>

#include "random.h"

#define UM_UID_LENGTH 20

/**
 * Make an identifier.
 * @param uid filled with UM_UID_LENGTH characters and a NUL
 * @param now the time of creation, in microseconds since 1970
 * @return APR_SUCCESS, or the error of the source of random bytes
 */
apr_status_t um_uid_make(char uid[UM_UID_LENGTH + 1], apr_time_t now, const um_random_t *random);

/**
 * The smallest identifier that can be made at a time. All that were made earlier are
 * smaller.
 * @param uid filled with UM_UID_LENGTH characters and a NUL
 * @param ms  milliseconds since 1970
 */
void um_uid_first(char uid[UM_UID_LENGTH + 1], apr_int64_t ms);

#endif
