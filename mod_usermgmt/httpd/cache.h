/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_CACHE_H
#define UM_HTTPD_CACHE_H

/**
 * @file cache.h
 * What the database knows of callers, remembered for a bounded time by all
 * processes of the server (mod_socache_shmcb). A change of roles drops all of
 * it at once. Without a cache provider nothing is remembered, and all works.
 */

#include <httpd.h>

#include "../core/store.h"

/** Register the mutex with httpd; in pre_config. */
apr_status_t um_cache_register(apr_pool_t *pconf);

/** Make the cache; in post_config. Logged where it fails. */
apr_status_t um_cache_init(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *server);

/** Open it in a child process; pool is the child's. */
void um_cache_init_child(apr_pool_t *pool, server_rec *server);

/**
 * Look a caller up.
 * @param generation set to what um_cache_put() is to be told, so that a record
 *                   read before a change is not remembered behind it
 * @return the record in pool, or NULL
 */
um_caller_record_t *um_cache_get(apr_uint32_t *generation, server_rec *server,
                                 const char *organization, const char *identity,
                                 apr_pool_t *pool);

/** Remember a caller for ttl microseconds. */
void um_cache_put(server_rec *server, const char *organization, const char *identity,
                  const um_caller_record_t *record, apr_uint32_t generation,
                  apr_interval_time_t ttl, apr_pool_t *pool);

#endif
