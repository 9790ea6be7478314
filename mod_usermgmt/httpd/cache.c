/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file cache.c The cache of callers, see cache.h. */

#include "cache.h"

#include "../base/metrics.h"
#include "../base/ticks.h"
#include "log.h"
#include "module.h"
#include "runtime.h"

/* Of this process. */
static um_caller_cache_t *cache;

void um_cache_init_child(apr_pool_t *pool, server_rec *server)
{
    apr_status_t status = um_caller_cache_create(&cache, pool);

    if (status != APR_SUCCESS) {
        cache = NULL;
        um_log_server(server, NO_CACHE, status);
    }
}

/* The database is a part of the key, so servers that share a database share the cached
 * callers. */
static um_caller_key_t key_of(const server_rec *server, const char *organization,
                              const char *identity_key)
{
    um_caller_key_t key = { um_runtime_database_of(server), organization, identity_key };

    return key;
}

um_caller_record_t *um_cache_get(um_caller_stamp_t *now, const server_rec *server,
                                 const char *organization, const char *identity_key,
                                 apr_interval_time_t ttl, apr_pool_t *pool)
{
    um_caller_key_t key = key_of(server, organization, identity_key);
    um_caller_record_t *record = NULL;

    now->generation = um_runtime_generation();
    now->read_at = um_ticks();
    if (cache != NULL) {
        record = um_caller_cache_get(cache, &key, now, ttl, pool);
    }
    um_metrics_count(record != NULL ? UM_COUNTER_CALLERS_HIT : UM_COUNTER_CALLERS_MISSED);
    return record;
}

void um_cache_put(const server_rec *server, const char *organization, const char *identity_key,
                  const um_caller_record_t *record, const um_caller_stamp_t *stamp)
{
    um_caller_key_t key = key_of(server, organization, identity_key);

    if (cache != NULL) {
        um_caller_cache_put(cache, &key, record, stamp);
    }
}
