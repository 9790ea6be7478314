/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file cache.c The cache of callers, see cache.h. */

#include "cache.h"

#include <ap_provider.h>
#include <ap_socache.h>
#include <apr_strings.h>
#include <util_mutex.h>

#include "../base/ticks.h"
#include "../core/store_organizations.h"
#include "module.h"
#include "runtime.h"

#define MUTEX_TYPE "usermgmt-cache"

/* A caller with a longer key is not cached. */
#define KEY_MAX 1024

#define LOCK_WAIT apr_time_from_msec(100)

static const ap_socache_provider_t *provider;
static ap_socache_instance_t *instance;
/* NULL if the provider has a lock of its own. */
static apr_global_mutex_t *mutex;

apr_status_t um_cache_register(apr_pool_t *pconf)
{
    return ap_mutex_register(pconf, MUTEX_TYPE, NULL, APR_LOCK_DEFAULT, 0);
}

static apr_status_t destroy(void *data)
{
    provider->destroy(instance, data);
    instance = NULL;
    return APR_SUCCESS;
}

apr_status_t um_cache_init(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *server)
{
    struct ap_socache_hints hints = { 64, 96, apr_time_from_sec(5) };
    const char *error;
    apr_status_t status;

    instance = NULL;
    mutex = NULL;
    provider = ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, "shmcb",
                                  AP_SOCACHE_PROVIDER_VERSION);
    if (provider == NULL) {
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, server,
                     "UM0050: mod_socache_shmcb is not loaded: the roles of callers are read "
                     "from the database at every request");
        return APR_SUCCESS;
    }
    if ((provider->flags & AP_SOCACHE_FLAG_NOTMPSAFE) != 0) {
        /* It logs failures itself. */
        status = ap_global_mutex_create(&mutex, NULL, MUTEX_TYPE, NULL, server, pconf, 0);
        if (status != APR_SUCCESS) {
            return status;
        }
    }
    error = provider->create(&instance, NULL, ptemp, pconf);
    if (error != NULL) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server, "UM0051: no cache: %s", error);
        return APR_EGENERAL;
    }
    status = provider->init(instance, "usermgmt", &hints, server, pconf);
    if (status != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, status, server, "UM0052: no cache");
        return status;
    }
    apr_pool_cleanup_register(pconf, server, destroy, apr_pool_cleanup_null);
    return APR_SUCCESS;
}

void um_cache_init_child(apr_pool_t *pool, server_rec *server)
{
    apr_status_t status;

    if (mutex == NULL) {
        return;
    }
    status = apr_global_mutex_child_init(&mutex, apr_global_mutex_lockfile(mutex), pool);
    if (status != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, status, server, "UM0053: no cache");
        instance = NULL;
    }
}

/* The database is a part of the key, so servers that share a database share the cached callers.
 * Returns the key's length, 0 if it is too long. */
static unsigned make_key(char *key, const server_rec *server, const char *organization,
                         const char *identity)
{
    int length = apr_snprintf(key, KEY_MAX, "%d%c%s%c%s", um_runtime_database_of(server), 0,
                              organization, 0, identity);

    return length < KEY_MAX - 1 ? (unsigned)length : 0;
}

/* The wait is bounded, because the process that holds the lock may be stopped. If it times out,
 * the database is asked. */
static int lock(void)
{
    return mutex == NULL || um_runtime_lock(mutex, LOCK_WAIT) == APR_SUCCESS;
}

um_caller_record_t *um_cache_get(um_caller_stamp_t *now, server_rec *server,
                                 const char *organization, const char *identity,
                                 apr_interval_time_t ttl, apr_pool_t *pool)
{
    char key[KEY_MAX];
    char packed[UM_CALLER_RECORD_MAX];
    unsigned key_length = make_key(key, server, organization, identity);
    unsigned length = sizeof(packed);
    apr_status_t status;

    now->generation = um_runtime_generation();
    now->read_at = um_ticks();
    if (instance == NULL || key_length == 0) {
        return NULL;
    }
    if (!lock()) {
        return NULL;
    }
    status = provider->retrieve(instance, server, (unsigned char *)key, key_length,
                                (unsigned char *)packed, &length, pool);
    if (mutex != NULL) {
        apr_global_mutex_unlock(mutex);
    }
    return status == APR_SUCCESS ? um_caller_record_unpack(packed, now, ttl, pool) : NULL;
}

void um_cache_put(server_rec *server, const char *organization, const char *identity,
                  const um_caller_record_t *record, const um_caller_stamp_t *stamp,
                  apr_interval_time_t ttl, apr_pool_t *pool)
{
    char key[KEY_MAX];
    char packed[UM_CALLER_RECORD_MAX];
    unsigned key_length = make_key(key, server, organization, identity);
    apr_size_t length = um_caller_record_pack(packed, record, stamp);

    if (instance == NULL || key_length == 0 || length == 0 || ttl <= 0) {
        return;
    }
    if (!lock()) {
        return;
    }
    /* A full or failed cache costs only time. */
    provider->store(instance, server, (unsigned char *)key, key_length, apr_time_now() + ttl,
                    (unsigned char *)packed, (unsigned)length, pool);
    if (mutex != NULL) {
        apr_global_mutex_unlock(mutex);
    }
}
