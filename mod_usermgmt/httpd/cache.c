/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file cache.c The cache of callers, see cache.h. */

#include "cache.h"

#include <apr_strings.h>

#include "../base/metrics.h"
#include "../base/ticks.h"
#include "log.h"
#include "module.h"
#include "runtime.h"

/* Of this process. The identity of a record of a membership is the user's uid, a blank, and the
 * group; whether it is active says whether the user is a member. */
static um_caller_cache_t *callers;
static um_caller_cache_t *memberships;

static void create(um_caller_cache_t **cache, apr_pool_t *pool, const server_rec *server)
{
    apr_status_t status = um_caller_cache_create(cache, pool);

    if (status != APR_SUCCESS) {
        *cache = NULL;
        um_log_server(server, NO_CACHE, status);
    }
}

void um_cache_init_child(apr_pool_t *pool, server_rec *server)
{
    create(&callers, pool, server);
    create(&memberships, pool, server);
}

/* The database is a part of the key, so servers that share a database share the cached
 * callers. */
static um_caller_key_t key_of(const server_rec *server, const char *organization,
                              const char *identity_key)
{
    um_caller_key_t key = { um_runtime_database_of(server), organization, identity_key };

    return key;
}

static um_caller_record_t *get(um_caller_stamp_t *now, um_caller_cache_t *cache,
                               const um_caller_key_t *key, apr_interval_time_t ttl,
                               apr_pool_t *pool)
{
    um_caller_record_t *record = NULL;

    now->generation = um_runtime_generation();
    now->read_at = um_ticks();
    if (cache != NULL) {
        record = um_caller_cache_get(cache, key, now, ttl, pool);
    }
    um_metrics_count(record != NULL ? UM_COUNTER_CALLERS_HIT : UM_COUNTER_CALLERS_MISSED);
    return record;
}

um_caller_record_t *um_cache_get(um_caller_stamp_t *now, const server_rec *server,
                                 const char *organization, const char *identity_key,
                                 apr_interval_time_t ttl, apr_pool_t *pool)
{
    um_caller_key_t key = key_of(server, organization, identity_key);

    return get(now, callers, &key, ttl, pool);
}

void um_cache_put(const server_rec *server, const char *organization, const char *identity_key,
                  const um_caller_record_t *record, const um_caller_stamp_t *stamp)
{
    um_caller_key_t key = key_of(server, organization, identity_key);

    if (callers != NULL) {
        um_caller_cache_put(callers, &key, record, stamp);
    }
}

static um_caller_key_t key_of_membership(const server_rec *server,
                                         const um_membership_t *membership, apr_pool_t *pool)
{
    return key_of(server, membership->organization,
                  apr_pstrcat(pool, membership->user_uid, " ", membership->group, NULL));
}

int um_cache_get_membership(int *is_member, um_caller_stamp_t *now, const server_rec *server,
                            const um_membership_t *membership, apr_interval_time_t ttl,
                            apr_pool_t *pool)
{
    um_caller_key_t key = key_of_membership(server, membership, pool);
    const um_caller_record_t *record = get(now, memberships, &key, ttl, pool);

    if (record != NULL) {
        *is_member = record->is_active;
    }
    return record != NULL;
}

void um_cache_put_membership(const server_rec *server, const um_membership_t *membership,
                             int is_member, const um_caller_stamp_t *stamp, apr_pool_t *pool)
{
    um_caller_key_t key = key_of_membership(server, membership, pool);
    um_caller_record_t record = { .is_active = is_member };

    if (memberships != NULL) {
        um_caller_cache_put(memberships, &key, &record, stamp);
    }
}
