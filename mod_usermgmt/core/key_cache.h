/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_KEY_CACHE_H
#define UM_CORE_KEY_CACHE_H

/**
 * @file key_cache.h
 * The API keys that a process has read from the database, as caller_cache.h has callers: with the
 * digests of their secrets, never with a secret. Any thread may use it; threads that look for
 * different keys seldom wait for each other.
 */

#include "api_key.h"
#include "caller_cache.h"

/** At most this many keys are kept. A new one replaces the oldest of those that have the same few
 *  places. */
#define UM_KEY_CACHE_SIZE 1024

/** A key whose organization and networks take more bytes is not kept. */
#define UM_KEY_CACHE_TEXTS_MAX 1024

typedef struct um_key_cache_t um_key_cache_t;

/** A key, and its permissions as bits of the reader's own. */
typedef struct um_cached_key_t {
    um_api_key_t key;
    unsigned permissions;
} um_cached_key_t;

/**
 * Create an empty cache.
 * @param cache lives in pool, with the keys; it grows as it is filled
 * @return APR_SUCCESS, or APR's error if there are no mutexes
 */
apr_status_t um_key_cache_create(um_key_cache_t **cache, apr_pool_t *pool);

/**
 * Look up a key.
 * @param database the number of the database
 * @param now      the generation and the time of the reader
 * @param max_age  microseconds
 * @return a copy in pool, without name, permissions' names, creator and last use; NULL if there
 * is none, or if it is of another generation, as old as max_age, or from a time that has not come
 * yet
 */
um_cached_key_t *um_key_cache_get(um_key_cache_t *cache, int database, const char *key_id,
                                  const um_caller_stamp_t *now, apr_interval_time_t max_age,
                                  apr_pool_t *pool);

/** Keep a copy of a key that was read at that stamp, in place of an older one. */
void um_key_cache_put(um_key_cache_t *cache, int database, const um_cached_key_t *key,
                      const um_caller_stamp_t *stamp);

#endif
