/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_CACHE_H
#define UM_HTTPD_CACHE_H

/**
 * @file cache.h
 * A cache of the database's records of callers, for a limited time and for all processes of
 * the server (mod_socache_shmcb). A change of roles drops the whole cache at once. Without a
 * cache provider nothing is cached, and everything works.
 */

#include <httpd.h>

#include "../core/caller_record.h"
#include "../core/store_organizations.h"

/** Register the mutex with httpd; in pre_config. */
apr_status_t um_cache_register(apr_pool_t *pconf);

/** Make the cache; in post_config. A failure is logged. */
apr_status_t um_cache_init(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *server);

/** Open it in a child process; pool is the child's. */
void um_cache_init_child(apr_pool_t *pool, server_rec *server);

/**
 * Look up a caller.
 * @param now set to the stamp for um_cache_put(), so that a record that was read before a
 *            change is not used after it
 * @param ttl how old the record may be, in microseconds
 * @return the record in pool, or NULL
 */
um_caller_record_t *um_cache_get(um_caller_stamp_t *now, server_rec *server,
                                 const char *organization, const char *identity,
                                 apr_interval_time_t ttl, apr_pool_t *pool);

/** Store a caller for ttl microseconds. Other Locations may find the record too old earlier. */
void um_cache_put(server_rec *server, const char *organization, const char *identity,
                  const um_caller_record_t *record, const um_caller_stamp_t *stamp,
                  apr_interval_time_t ttl, apr_pool_t *pool);

#endif
