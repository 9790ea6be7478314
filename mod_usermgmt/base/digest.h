/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_DIGEST_H
#define UM_BASE_DIGEST_H

/** @file digest.h SHA-256 (FIPS 180-4), from libcrypto. */

#include <apr_pools.h>

#define UM_SHA256_HEX_LENGTH 64

/** One part of the input. */
typedef struct um_digest_part_t {
    const void *bytes;
    apr_size_t length;
} um_digest_part_t;

/**
 * The SHA-256 of parts, each preceded by its length, so that different lists of parts
 * have different input.
 * @param hex filled with UM_SHA256_HEX_LENGTH small hex digits and a NUL
 * @return APR_SUCCESS, or APR_EGENERAL where the library fails
 */
apr_status_t um_digest_sha256(char hex[UM_SHA256_HEX_LENGTH + 1], const um_digest_part_t *parts,
                              apr_size_t count);

/** Tell whether two digests are the same, in a time that does not depend on them. */
int um_digest_equal(const char a[UM_SHA256_HEX_LENGTH + 1],
                    const char b[UM_SHA256_HEX_LENGTH + 1]);

/** Overwrite a secret, also where the compiler sees that the memory is not read again. */
void um_digest_wipe(void *bytes, apr_size_t length);

/**
 * Free what libcrypto keeps for the calling thread, whichever library used it there. A
 * thread that may end while the process exits must call this. Otherwise libcrypto may free
 * the memory twice: when the thread ends, and when the process ends.
 */
void um_digest_end_thread(void);

#endif
