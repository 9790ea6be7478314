/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file caller_cache.c The records of callers that a process has read, see caller_cache.h. */

#include "caller_cache.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>

#define WAYS 4
#define SETS (UM_CALLER_CACHE_SIZE / WAYS)
#define LOCKS 16

/* The texts of an entry: two of its key, three of its record. Each ends with a NUL; a text
 * that the record does not have is empty. */
enum { ORGANIZATION, IDENTITY_KEY, USER_UID, SEEN_UID, SEEN_ROLE, TEXTS };

typedef struct um_entry_t {
    um_caller_stamp_t stamp;
    int database;
    apr_int64_t org_id;
    int is_active;
    int is_sub_admin;
    apr_size_t length;
    char texts[UM_CALLER_CACHE_TEXTS_MAX];
} um_entry_t;

struct um_caller_cache_t {
    apr_pool_t *pool;
    /* The lock i protects the sets whose number modulo LOCKS is i. */
    apr_thread_mutex_t *locks[LOCKS];
    /* Protects the pool. */
    apr_thread_mutex_t *pool_lock;
    /* A caller can be in one set only, in any of its ways. NULL where nothing was put yet. */
    um_entry_t *entries[SETS][WAYS];
};

apr_status_t um_caller_cache_create(um_caller_cache_t **cache, apr_pool_t *pool)
{
    um_caller_cache_t *created = apr_pcalloc(pool, sizeof(*created));
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

static unsigned find_set(const um_caller_key_t *key)
{
    apr_ssize_t length = APR_HASH_KEY_STRING;
    unsigned hash = apr_hashfunc_default(key->identity_key, &length);

    length = APR_HASH_KEY_STRING;
    hash = hash * 33 + apr_hashfunc_default(key->organization, &length);
    hash = hash * 33 + (unsigned)key->database;
    return (hash ^ (hash >> 16)) % SETS;
}

/* The text after this one. */
static const char *next(const char *text)
{
    return text + strlen(text) + 1;
}

static int is_of(const um_entry_t *entry, const um_caller_key_t *key)
{
    return entry != NULL && entry->database == key->database
           && strcmp(entry->texts, key->organization) == 0
           && strcmp(next(entry->texts), key->identity_key) == 0;
}

int um_caller_stamp_is_fresh(const um_caller_stamp_t *stamp, const um_caller_stamp_t *now,
                             apr_interval_time_t max_age)
{
    return stamp->generation == now->generation && stamp->read_at <= now->read_at
           && now->read_at - stamp->read_at < max_age;
}

static const char *text_or_null(const char *text)
{
    return *text != '\0' ? text : NULL;
}

static um_caller_record_t *copy(const um_entry_t *entry, apr_pool_t *pool)
{
    um_caller_record_t *record = apr_pcalloc(pool, sizeof(*record));
    const char *text = next(next(apr_pmemdup(pool, entry->texts, entry->length)));

    record->org_id = entry->org_id;
    record->is_active = entry->is_active;
    record->is_sub_admin = entry->is_sub_admin;
    record->user_uid = text_or_null(text);
    text = next(text);
    record->seen_uid = text_or_null(text);
    record->seen_role = text_or_null(next(text));
    return record;
}

um_caller_record_t *um_caller_cache_get(um_caller_cache_t *cache, const um_caller_key_t *key,
                                        const um_caller_stamp_t *now, apr_interval_time_t max_age,
                                        apr_pool_t *pool)
{
    unsigned set = find_set(key);
    apr_thread_mutex_t *lock = cache->locks[set % LOCKS];
    um_caller_record_t *record = NULL;

    apr_thread_mutex_lock(lock);
    for (int way = 0; way < WAYS; way++) {
        const um_entry_t *entry = cache->entries[set][way];

        if (is_of(entry, key)) {
            record = um_caller_stamp_is_fresh(&entry->stamp, now, max_age) ? copy(entry, pool)
                                                                           : NULL;
            break;
        }
    }
    apr_thread_mutex_unlock(lock);
    return record;
}

/* The place for a caller: its own, else an empty one, else the one read longest ago. */
static um_entry_t **find_place(um_entry_t **ways, const um_caller_key_t *key)
{
    um_entry_t **place = &ways[0];

    for (int way = 0; way < WAYS; way++) {
        if (is_of(ways[way], key)) {
            return &ways[way];
        }
        if (*place != NULL
            && (ways[way] == NULL || ways[way]->stamp.read_at < (*place)->stamp.read_at)) {
            place = &ways[way];
        }
    }
    return place;
}

static um_entry_t *make_entry(um_caller_cache_t *cache)
{
    um_entry_t *entry;

    apr_thread_mutex_lock(cache->pool_lock);
    entry = apr_pcalloc(cache->pool, sizeof(*entry));
    apr_thread_mutex_unlock(cache->pool_lock);
    return entry;
}

/* Write the texts one after the other. Returns their length, or 0 if they don't fit. */
static apr_size_t put_texts(char *to, const um_caller_key_t *key,
                            const um_caller_record_t *record)
{
    const char *texts[TEXTS] = {
        [ORGANIZATION] = key->organization, [IDENTITY_KEY] = key->identity_key,
        [USER_UID] = record->user_uid,      [SEEN_UID] = record->seen_uid,
        [SEEN_ROLE] = record->seen_role,
    };
    apr_size_t length = 0;

    for (int i = 0; i < TEXTS; i++) {
        const char *text = texts[i] != NULL ? texts[i] : "";
        apr_size_t size = strlen(text) + 1;

        if (length + size > UM_CALLER_CACHE_TEXTS_MAX) {
            return 0;
        }
        memcpy(to + length, text, size);
        length += size;
    }
    return length;
}

void um_caller_cache_put(um_caller_cache_t *cache, const um_caller_key_t *key,
                         const um_caller_record_t *record, const um_caller_stamp_t *stamp)
{
    char texts[UM_CALLER_CACHE_TEXTS_MAX];
    apr_size_t length = put_texts(texts, key, record);
    unsigned set = find_set(key);
    apr_thread_mutex_t *lock = cache->locks[set % LOCKS];
    um_entry_t **place;

    if (length == 0) {
        return;
    }
    apr_thread_mutex_lock(lock);
    place = find_place(cache->entries[set], key);
    if (*place == NULL) {
        *place = make_entry(cache);
    }
    if ((*place)->stamp.read_at <= stamp->read_at) {
        (*place)->stamp = *stamp;
        (*place)->database = key->database;
        (*place)->org_id = record->org_id;
        (*place)->is_active = record->is_active;
        (*place)->is_sub_admin = record->is_sub_admin;
        (*place)->length = length;
        memcpy((*place)->texts, texts, length);
    }
    apr_thread_mutex_unlock(lock);
}
