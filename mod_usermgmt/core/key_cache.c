/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file key_cache.c The API keys that a process has read, see key_cache.h. */

#include "key_cache.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>

#define WAYS 4
#define SETS (UM_KEY_CACHE_SIZE / WAYS)
#define LOCKS 16

/* The members of the key that are texts point to those of the entry, or are NULL. */
typedef struct um_key_entry_t {
    um_caller_stamp_t stamp;
    int database;
    um_cached_key_t cached;
    char id[UM_API_KEY_ID_LENGTH + 1];
    char secret_sha256[UM_SHA256_HEX_LENGTH + 1];
    char old_secret_sha256[UM_SHA256_HEX_LENGTH + 1];
    /* The organization, and the networks if there are any. */
    char texts[UM_KEY_CACHE_TEXTS_MAX];
} um_key_entry_t;

struct um_key_cache_t {
    apr_pool_t *pool;
    /* The lock i protects the sets whose number modulo LOCKS is i. */
    apr_thread_mutex_t *locks[LOCKS];
    /* Protects the pool. */
    apr_thread_mutex_t *pool_lock;
    /* A key can be in one set only, in any of its ways. NULL where nothing was put yet. */
    um_key_entry_t *entries[SETS][WAYS];
};

apr_status_t um_key_cache_create(um_key_cache_t **cache, apr_pool_t *pool)
{
    um_key_cache_t *created = apr_pcalloc(pool, sizeof(*created));
    apr_status_t status = apr_thread_mutex_create(&created->pool_lock, APR_THREAD_MUTEX_DEFAULT,
                                                  pool);

    for (int i = 0; status == APR_SUCCESS && i < LOCKS; i++) {
        status = apr_thread_mutex_create(&created->locks[i], APR_THREAD_MUTEX_DEFAULT, pool);
    }
    if (status == APR_SUCCESS) {
        status = apr_pool_create(&created->pool, pool);
    }
    if (status == APR_SUCCESS) {
        *cache = created;
    }
    return status;
}

static unsigned find_set(int database, const char *key_id)
{
    apr_ssize_t length = APR_HASH_KEY_STRING;
    unsigned hash = apr_hashfunc_default(key_id, &length) * 33 + (unsigned)database;

    return (hash ^ (hash >> 16)) % SETS;
}

static int is_of(const um_key_entry_t *entry, int database, const char *key_id)
{
    return entry != NULL && entry->database == database && strcmp(entry->id, key_id) == 0;
}

static um_cached_key_t *copy(const um_key_entry_t *entry, apr_pool_t *pool)
{
    um_cached_key_t *cached = apr_pmemdup(pool, &entry->cached, sizeof(*cached));
    um_api_key_t *key = &cached->key;

    key->id = apr_pstrdup(pool, key->id);
    key->secret_sha256 = apr_pstrdup(pool, key->secret_sha256);
    key->old_secret_sha256 = apr_pstrdup(pool, key->old_secret_sha256);
    key->organization = apr_pstrdup(pool, key->organization);
    key->allow_from = apr_pstrdup(pool, key->allow_from);
    return cached;
}

um_cached_key_t *um_key_cache_get(um_key_cache_t *cache, int database, const char *key_id,
                                  const um_caller_stamp_t *now, apr_interval_time_t max_age,
                                  apr_pool_t *pool)
{
    unsigned set = find_set(database, key_id);
    apr_thread_mutex_t *lock = cache->locks[set % LOCKS];
    um_cached_key_t *found = NULL;

    apr_thread_mutex_lock(lock);
    for (int way = 0; way < WAYS; way++) {
        const um_key_entry_t *entry = cache->entries[set][way];

        if (is_of(entry, database, key_id)) {
            found = um_caller_stamp_is_fresh(&entry->stamp, now, max_age) ? copy(entry, pool)
                                                                          : NULL;
            break;
        }
    }
    apr_thread_mutex_unlock(lock);
    return found;
}

/* The place for a key: its own, else an empty one, else the one read longest ago. */
static um_key_entry_t **find_place(um_key_entry_t **ways, int database, const char *key_id)
{
    um_key_entry_t **place = &ways[0];

    for (int way = 0; way < WAYS; way++) {
        if (is_of(ways[way], database, key_id)) {
            return &ways[way];
        }
        if (*place != NULL
            && (ways[way] == NULL || ways[way]->stamp.read_at < (*place)->stamp.read_at)) {
            place = &ways[way];
        }
    }
    return place;
}

static um_key_entry_t *make_entry(um_key_cache_t *cache)
{
    um_key_entry_t *entry;

    apr_thread_mutex_lock(cache->pool_lock);
    entry = apr_pcalloc(cache->pool, sizeof(*entry));
    apr_thread_mutex_unlock(cache->pool_lock);
    return entry;
}

static const char *put_text(char *to, const char *text, apr_size_t size)
{
    return text != NULL ? (apr_cpystrn(to, text, size), to) : NULL;
}

static void fill(um_key_entry_t *entry, int database, const um_cached_key_t *cached,
                 const um_caller_stamp_t *stamp)
{
    const um_api_key_t *key = &cached->key;
    um_api_key_t *kept = &entry->cached.key;
    apr_size_t length = strlen(key->organization) + 1;

    entry->stamp = *stamp;
    entry->database = database;
    entry->cached = *cached;
    kept->name = kept->permissions = kept->created_by = kept->last_used_addr = NULL;
    kept->id = put_text(entry->id, key->id, sizeof(entry->id));
    kept->secret_sha256 = put_text(entry->secret_sha256, key->secret_sha256,
                                   sizeof(entry->secret_sha256));
    kept->old_secret_sha256 = put_text(entry->old_secret_sha256, key->old_secret_sha256,
                                       sizeof(entry->old_secret_sha256));
    kept->organization = put_text(entry->texts, key->organization, length);
    kept->allow_from = put_text(entry->texts + length, key->allow_from,
                                UM_KEY_CACHE_TEXTS_MAX - length);
}

static int has_room(const um_api_key_t *key)
{
    apr_size_t networks = key->allow_from != NULL ? strlen(key->allow_from) : 0;

    return strlen(key->organization) + networks + 2 <= UM_KEY_CACHE_TEXTS_MAX;
}

void um_key_cache_put(um_key_cache_t *cache, int database, const um_cached_key_t *key,
                      const um_caller_stamp_t *stamp)
{
    unsigned set = find_set(database, key->key.id);
    apr_thread_mutex_t *lock = cache->locks[set % LOCKS];
    um_key_entry_t **place;

    if (!has_room(&key->key)) {
        return;
    }
    apr_thread_mutex_lock(lock);
    place = find_place(cache->entries[set], database, key->key.id);
    if (*place == NULL) {
        *place = make_entry(cache);
    }
    if ((*place)->stamp.read_at <= stamp->read_at) {
        fill(*place, database, key, stamp);
    }
    apr_thread_mutex_unlock(lock);
}
