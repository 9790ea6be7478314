/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_CALLER_CACHE_H
#define UM_CORE_CALLER_CACHE_H

/**
 * @file caller_cache.h
 * The records of callers that a process has read from the database. A record is stamped with
 * the time at which it was read, and each reader says how old a record may be: Locations
 * differ in that, and share the cache. Any thread may use it; threads that look for different
 * callers seldom wait for each other.
 */

#include "store_callers.h"

/** At most this many records are kept. A new one replaces the oldest of those that have the same
 *  few places, so some are replaced before the cache is full. */
#define UM_CALLER_CACHE_SIZE 4096

/** A record whose texts, with those of its key, take more bytes is not kept. */
#define UM_CALLER_CACHE_TEXTS_MAX 1024

typedef struct um_caller_cache_t um_caller_cache_t;

/** The caller that a record is about. */
typedef struct um_caller_key_t {
    /** The number of the database. */
    int database;
    const char *organization;
    /** See um_address_identity_key(). */
    const char *identity_key;
} um_caller_key_t;

/** When a record was read. */
typedef struct um_caller_stamp_t {
    /** Increased by each change of roles. */
    apr_uint32_t generation;
    /** um_ticks() before the record was read. */
    apr_time_t read_at;
} um_caller_stamp_t;

/** Tell whether a record of that stamp still holds for a reader. max_age is in microseconds. */
int um_caller_stamp_is_fresh(const um_caller_stamp_t *stamp, const um_caller_stamp_t *now,
                             apr_interval_time_t max_age);

/**
 * Create an empty cache.
 * @param cache lives in pool, with the records; it grows as it is filled
 * @return APR_SUCCESS, or APR's error if there are no mutexes
 */
apr_status_t um_caller_cache_create(um_caller_cache_t **cache, apr_pool_t *pool);

/**
 * Look up a caller.
 * @param now     the generation and the time of the reader
 * @param max_age microseconds
 * @return a copy of the record in pool; NULL if there is none, or if it is of another
 *         generation, as old as max_age, or from a time that has not come yet
 */
um_caller_record_t *um_caller_cache_get(um_caller_cache_t *cache, const um_caller_key_t *key,
                                        const um_caller_stamp_t *now, apr_interval_time_t max_age,
                                        apr_pool_t *pool);

/** Keep a copy of a record that was read at that stamp, in place of an older one. */
void um_caller_cache_put(um_caller_cache_t *cache, const um_caller_key_t *key,
                         const um_caller_record_t *record, const um_caller_stamp_t *stamp);

#endif
