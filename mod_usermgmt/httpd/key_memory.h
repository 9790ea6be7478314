/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_KEY_MEMORY_H
#define UM_HTTPD_KEY_MEMORY_H

/**
 * @file key_memory.h
 * What all processes of the server know about API keys: their last uses, which one process
 * regularly writes to the database, and which addresses have sent keys that do not hold. And the
 * keys that this process has read.
 */

#include <httpd.h>

#include "../core/key_cache.h"

/** If keys are accepted somewhere, make the memory, and have the last uses written regularly; in
 *  post_config. A failure is logged. */
apr_status_t um_key_memory_init(apr_pool_t *pconf, server_rec *server);

/** Make the cache of a child process; pool is the child's. If it fails, that is logged, and
 *  nothing is cached. */
void um_key_memory_init_child(apr_pool_t *pool, server_rec *server);

/** Tell whether keys are accepted anywhere on this server. */
int um_key_memory_is_used(void);

/** Note that a key was used by a request. */
void um_key_memory_note_use(const char *key_id, const request_rec *r);

/** Count a key that does not hold, for the address of a request. Returns 0; or, if these are too
 *  many, how long to wait. */
apr_interval_time_t um_key_memory_fail(const request_rec *r);

/** Look up a key, as um_cache_get() does callers. */
um_cached_key_t *um_key_memory_get(um_caller_stamp_t *now, const request_rec *r,
                                   const char *key_id, apr_interval_time_t ttl);

/** Keep a key in the cache. */
void um_key_memory_put(const request_rec *r, const um_cached_key_t *key,
                       const um_caller_stamp_t *stamp);

#endif
