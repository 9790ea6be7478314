/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file key_memory.c What processes know about API keys, see key_memory.h. */

#include "key_memory.h"

#include <apr_shm.h>
#include <apr_siphash.h>
#include <apr_strings.h>

#include "../base/ticks.h"
#include "../core/key_uses.h"
#include "../core/store_api_keys.h"
#include "../core/throttle.h"
#include "config_number.h"
#include "log.h"
#include "module.h"
#include "runtime.h"
#include "watchdog.h"

#define WORK "usermgmt-keys"
/* Change this name whenever the layout of one of the tables changes, because a graceful restart
 * may load a newer module. */
#define RETAINED_KEY "usermgmt-keys-1"

/* So many uses are written in one transaction, because other changes wait for it. */
#define BATCH 500

/* It survives a graceful restart, with the uses that are not written yet. */
typedef struct um_shared_keys_t {
    apr_shm_t *shm;
} um_shared_keys_t;

/* In shared memory. NULL if no keys are accepted. */
static um_throttle_t *throttle;
static um_key_uses_t *uses;

/* By the index of a database: a number that identifies it also after the configuration was read
 * again. */
static apr_uint64_t *places;

/* Of this process. */
static um_key_cache_t *cache;

/* ---- all processes ---- */

int um_key_memory_is_used(void)
{
    return uses != NULL;
}

static int are_accepted(const server_rec *server)
{
    while (server != NULL && um_config_server(server)->keys != 1) {
        server = server->next;
    }
    return server != NULL;
}

static apr_status_t make_shared(um_shared_keys_t *made, server_rec *server)
{
    apr_size_t size = um_throttle_size() + um_key_uses_size();
    /* Memory without a name is all zero, and is freed with the last process. */
    apr_status_t status = apr_shm_create(&made->shm, size, NULL, server->process->pool);

    if (status == APR_SUCCESS) {
        throttle = apr_shm_baseaddr_get(made->shm);
        uses = (void *)((char *)apr_shm_baseaddr_get(made->shm) + um_throttle_size());
        status = um_throttle_init(throttle, &um_runtime_random);
    }
    if (status == APR_SUCCESS) {
        status = um_key_uses_init(uses, &um_runtime_random);
    }
    if (status != APR_SUCCESS) {
        um_log_server(server, KEYS_NO_MEMORY, status);
    }
    return status;
}

static void find_places(apr_pool_t *pconf)
{
    static const unsigned char hash_key[APR_SIPHASH_KSIZE] = "usermgmt-places";
    int count = um_runtime_database_count();

    places = apr_pcalloc(pconf, ((apr_size_t)count + 1) * sizeof(*places));
    for (int i = 0; i < count; i++) {
        const char *params = um_runtime_database(i)->database.params;

        places[i] = apr_siphash24(params, strlen(params), hash_key);
    }
}

static um_watchdog_work_t write_uses;

apr_status_t um_key_memory_init(apr_pool_t *pconf, server_rec *server)
{
    um_shared_keys_t *shared = ap_retained_data_get(RETAINED_KEY);
    apr_status_t status = APR_SUCCESS;

    throttle = NULL;
    uses = NULL;
    if (!are_accepted(server)) {
        return APR_SUCCESS;
    }
    find_places(pconf);
    if (shared == NULL) {
        shared = ap_retained_data_create(RETAINED_KEY, sizeof(*shared));
        status = make_shared(shared, server);
    } else {
        throttle = apr_shm_baseaddr_get(shared->shm);
        uses = (void *)((char *)apr_shm_baseaddr_get(shared->shm) + um_throttle_size());
    }
    if (status == APR_SUCCESS) {
        status = um_watchdog_add(WORK, write_uses, NULL,
                                 um_config_number(um_config_server(server), UM_SESSION_FLUSH),
                                 server, pconf);
    }
    return status;
}

void um_key_memory_init_child(apr_pool_t *pool, server_rec *server)
{
    apr_status_t status;

    cache = NULL;
    if (!um_key_memory_is_used()) {
        return;
    }
    status = um_key_cache_create(&cache, pool);
    if (status != APR_SUCCESS) {
        cache = NULL;
        um_log_server(server, KEYS_NO_CACHE, status);
    }
}

/* ---- a request ---- */

void um_key_memory_note_use(const char *key_id, const request_rec *r)
{
    int database = um_runtime_database_of(r->server);

    if (uses != NULL && database != -1) {
        um_key_uses_note(uses, places[database], key_id, r->useragent_ip, apr_time_now());
    }
}

apr_interval_time_t um_key_memory_fail(const request_rec *r)
{
    const apr_sockaddr_t *address = r->useragent_addr;

    return throttle != NULL ? um_throttle_fail(throttle, address->ipaddr_ptr,
                                               (apr_size_t)address->ipaddr_len, um_ticks())
                            : 0;
}

um_cached_key_t *um_key_memory_get(um_caller_stamp_t *now, const request_rec *r,
                                   const char *key_id, apr_interval_time_t ttl)
{
    now->generation = um_runtime_generation();
    now->read_at = um_ticks();
    return cache != NULL ? um_key_cache_get(cache, um_runtime_database_of(r->server), key_id, now,
                                            ttl, r->pool)
                         : NULL;
}

void um_key_memory_put(const request_rec *r, const um_cached_key_t *key,
                       const um_caller_stamp_t *stamp)
{
    if (cache != NULL) {
        um_key_cache_put(cache, um_runtime_database_of(r->server), key, stamp);
    }
}

/* ---- writing ---- */

static apr_status_t put(um_db_t *db, void *baton, apr_pool_t *pool)
{
    const apr_array_header_t *those = baton;

    return um_store_api_keys_note_uses(db, (const um_api_key_use_t *)those->elts, those->nelts,
                                       pool);
}

/* The uses of keys of a database, as the store takes them. */
static apr_array_header_t *uses_of(const apr_array_header_t *batch, apr_uint64_t place)
{
    apr_array_header_t *those = apr_array_make(batch->pool, batch->nelts,
                                               sizeof(um_api_key_use_t));

    for (int i = 0; i < batch->nelts; i++) {
        const um_key_use_t *use = &APR_ARRAY_IDX(batch, i, um_key_use_t);

        if (use->place == place) {
            APR_ARRAY_PUSH(those, um_api_key_use_t) = (um_api_key_use_t){
                use->key_id, apr_time_as_msec(use->used_at), use->address
            };
        }
    }
    return those;
}

/* Mark the uses of a batch as written, except those of databases that could not be written. */
static void mark_written(apr_array_header_t *batch, const char *failed)
{
    int kept = 0;

    for (int i = 0; i < batch->nelts; i++) {
        const um_key_use_t *use = &APR_ARRAY_IDX(batch, i, um_key_use_t);
        int has_failed = 0;

        for (int index = 0; index < um_runtime_database_count(); index++) {
            has_failed = has_failed || (failed[index] && places[index] == use->place);
        }
        if (!has_failed) {
            APR_ARRAY_IDX(batch, kept++, um_key_use_t) = *use;
        }
    }
    batch->nelts = kept;
    um_key_uses_written(uses, batch);
}

static void write_batch(apr_array_header_t *batch, char *failed)
{
    for (int i = 0; i < um_runtime_database_count(); i++) {
        um_store_t *store = um_runtime_database(i)->store;
        apr_array_header_t *those = uses_of(batch, places[i]);

        if (those->nelts > 0 && !failed[i]) {
            failed[i] = store == NULL
                        || um_store_change(store, put, those, batch->pool) != APR_SUCCESS;
        }
    }
    mark_written(batch, failed);
}

/* What could not be written stays in the table for the next turn. */
static void write_uses(int stopping, void *baton, apr_pool_t *pool)
{
    char *failed = apr_pcalloc(pool, (apr_size_t)um_runtime_database_count() + 1);
    apr_size_t position = 0;
    apr_pool_t *scratch;

    (void)baton;
    apr_pool_create(&scratch, pool);
    do {
        apr_pool_clear(scratch);
        write_batch(um_key_uses_collect(&position, uses, BATCH, scratch), failed);
    } while (position != 0 && um_watchdog_stopping() == stopping);
    apr_pool_destroy(scratch);
}
