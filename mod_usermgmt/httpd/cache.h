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

#include "../core/caller_record.h"

/** Register the mutex with httpd; in pre_config. */
apr_status_t um_cache_register(apr_pool_t *pconf);

/** Make the cache; in post_config. Logged where it fails. */
apr_status_t um_cache_init(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *server);

/** Open it in a child process; pool is the child's. */
void um_cache_init_child(apr_pool_t *pool, server_rec *server);

/**
 * Look a caller up.
 * @param now set to the stamp that um_cache_put() is to be told, so that a record
 *            read before a change is not remembered behind it
 * @param ttl how old the record may be, in microseconds
 * @return the record in pool, or NULL
 */
um_caller_record_t *um_cache_get(um_caller_stamp_t *now, server_rec *server,
                                 const char *organization, const char *identity,
                                 apr_interval_time_t ttl, apr_pool_t *pool);

/** Remember a caller for ttl microseconds; others may find the record too old before. */
void um_cache_put(server_rec *server, const char *organization, const char *identity,
                  const um_caller_record_t *record, const um_caller_stamp_t *stamp,
                  apr_interval_time_t ttl, apr_pool_t *pool);

#endif
