/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_KEY_USES_H
#define UM_CORE_KEY_USES_H

/**
 * @file key_uses.h
 * The last uses of API keys, in memory that all processes of a server share. A request notes its
 * use there without a lock. From time to time one process collects the uses that are new, writes
 * them into the database, and marks them as written. Only then can another key take their slots.
 *
 * Times are microseconds since 1970.
 */

#include <apr_network_io.h>
#include <apr_pools.h>
#include <apr_tables.h>

#include "../base/random.h"
#include "api_key.h"

/** A key that was used less than this after its last noted use is not noted again. */
#define UM_KEY_USES_PAUSE apr_time_from_sec(1)

/** The bytes of the text of an address, with a NUL. */
#define UM_KEY_USES_ADDRESS 64

/** The table; it has no pointers. */
typedef struct um_key_uses_t um_key_uses_t;

/** The last use of a key. */
typedef struct um_key_use_t {
    /** A number of the caller's own; httpd's database. */
    apr_uint64_t place;
    char key_id[UM_API_KEY_ID_LENGTH + 1];
    apr_time_t used_at;
    /** As text; "" if it is too long. */
    char address[UM_KEY_USES_ADDRESS];
    /** Where it is in the table. */
    apr_size_t slot;
} um_key_use_t;

/** The bytes of memory that a table takes. */
apr_size_t um_key_uses_size(void);

/**
 * Make memory, all zero, an empty table.
 * @param random for the key of the hashes
 * @return APR_SUCCESS, or the error of the source of random bytes
 */
apr_status_t um_key_uses_init(um_key_uses_t *uses, const um_random_t *random);

/**
 * Note that a key was used. Nothing is noted if its last use is younger than UM_KEY_USES_PAUSE,
 * if another process notes a use of it at the same moment, or if all slots that it could take
 * have uses that are not written yet.
 * @param key_id UM_API_KEY_ID_LENGTH characters
 */
void um_key_uses_note(um_key_uses_t *uses, apr_uint64_t place, const char *key_id,
                      const char *address, apr_time_t now);

/**
 * Collect uses that are not written.
 * @param position where to continue; 0 at the beginning, and again after the last
 * @return of um_key_use_t, in pool; at most max
 */
apr_array_header_t *um_key_uses_collect(apr_size_t *position, um_key_uses_t *uses, int max,
                                        apr_pool_t *pool);

/** Mark collected uses as written. */
void um_key_uses_written(um_key_uses_t *uses, const apr_array_header_t *collected);

#endif
