/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file session_table.c Sessions in shared memory, see session_table.h. */

#include "session_table.h"

#include <string.h>

#include <apr_siphash.h>
#include <apr_strings.h>

#include "../base/status.h"

/* The tag of a slot is the hash of the key of a current session, or one of these. A session
 * that has ended keeps its slot until it is written. */
#define TAG_FREE 0
#define TAG_ENDED 1
#define TAG_FIRST 2

/* The part of a set that requests read without the lock. They use atomic operations on tags
 * and used. written needs the lock; without it, it only tells whether the lock is worth
 * taking. */
typedef struct um_session_set_t {
    apr_uint64_t tags[UM_SESSION_SET];
    apr_time_t used[UM_SESSION_SET];
    apr_time_t written[UM_SESSION_SET];
} um_session_set_t;

/* The rest of a slot, under the lock. It is not touched before its first use, so the system
 * gives no memory for unused slots. */
typedef struct um_session_slot_t {
    apr_uint64_t place;
    apr_time_t started;
    apr_interval_time_t idle;
    char uid[UM_UID_LENGTH + 1];
    /* Organization, identity and activity, each ended by a NUL. */
    char texts[UM_SESSION_TEXTS_MAX];
} um_session_slot_t;

/* The beginning of the memory; the sets follow, then the slots. */
typedef struct um_session_head_t {
    apr_size_t sets;
    unsigned char hash_key[APR_SIPHASH_KSIZE];
} um_session_head_t;

struct um_session_table_t {
    const um_session_head_t *head;
    um_session_set_t *sets;
    um_session_slot_t *slots;
    const um_lock_t *lock;
    const um_random_t *random;
};

/* A request that is being counted. */
typedef struct um_session_use_t {
    const um_session_key_t *key;
    apr_time_t from;
    apr_time_t until;
    apr_interval_time_t idle;
    char texts[UM_SESSION_TEXTS_MAX];
    apr_size_t texts_length;
    apr_uint64_t tag;
    apr_size_t set;
} um_session_use_t;

static apr_size_t count_sets(apr_size_t sessions)
{
    return (sessions + UM_SESSION_SET - 1) / UM_SESSION_SET;
}

apr_size_t um_session_table_size(apr_size_t sessions)
{
    return sizeof(um_session_head_t)
           + count_sets(sessions)
                 * (sizeof(um_session_set_t) + UM_SESSION_SET * sizeof(um_session_slot_t));
}

apr_status_t um_session_table_init(void *memory, apr_size_t sessions, const um_random_t *random)
{
    um_session_head_t *head = memory;

    head->sets = count_sets(sessions);
    return random->fill(head->hash_key, sizeof(head->hash_key), random->baton);
}

um_session_table_t *um_session_table_open(void *memory, const um_lock_t *lock,
                                          const um_random_t *random, apr_pool_t *pool)
{
    um_session_table_t *table = apr_palloc(pool, sizeof(*table));

    table->head = memory;
    table->sets = (void *)((char *)memory + sizeof(um_session_head_t));
    table->slots = (void *)(table->sets + table->head->sets);
    table->lock = lock;
    table->random = random;
    return table;
}

/* ---- counting ---- */

static int append_text(um_session_use_t *use, const char *text, apr_size_t max)
{
    apr_size_t length = strlen(text);

    if (length > max) {
        return 0;
    }
    memcpy(use->texts + use->texts_length, text, length + 1);
    use->texts_length += length + 1;
    return 1;
}

static apr_status_t find_set(um_session_use_t *use, const um_session_table_t *table)
{
    const um_session_key_t *key = use->key;
    apr_uint64_t hash;

    if (!append_text(use, key->organization, UM_ORGANIZATION_MAX)
        || !append_text(use, key->identity, UM_IDENTITY_KEY_MAX)
        || !append_text(use, key->activity, 4 * UM_ACTIVITY_MAX)) {
        return UM_EINVALID;
    }
    /* The hash is used in place of the key. hash_key is secret, so nobody can find two keys
     * with the same hash, and by chance it does not happen. */
    hash = apr_siphash24(use->texts, use->texts_length, table->head->hash_key) ^ key->place;
    use->tag = hash < TAG_FIRST ? hash + TAG_FIRST : hash;
    use->set = (apr_size_t)(hash % table->head->sets);
    return APR_SUCCESS;
}

static int is_going_on(const um_session_use_t *use, apr_time_t used)
{
    return use->from - used < use->idle;
}

/* The slot of the session with that tag, or UM_SESSION_SET if there is none. */
static int find_tag(const um_session_set_t *set, apr_uint64_t tag)
{
    int way = 0;

    while (way < UM_SESSION_SET && __atomic_load_n(&set->tags[way], __ATOMIC_ACQUIRE) != tag) {
        way++;
    }
    return way;
}

/* Continue a session; 0 if there is none to continue. If another session takes the slot
 * meanwhile, its time of use changes, so the exchange fails. */
static int go_on(um_session_set_t *set, const um_session_use_t *use)
{
    for (;;) {
        int way = find_tag(set, use->tag);
        apr_time_t used;

        if (way == UM_SESSION_SET) {
            return 0;
        }
        used = __atomic_load_n(&set->used[way], __ATOMIC_RELAXED);
        if (!is_going_on(use, used)) {
            return 0;
        }
        if (use->until <= used
            || __atomic_compare_exchange_n(&set->used[way], &used, use->until, 0,
                                           __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            return 1;
        }
    }
}

static int is_written(const um_session_set_t *set, int way)
{
    return __atomic_load_n(&set->used[way], __ATOMIC_RELAXED)
           <= __atomic_load_n(&set->written[way], __ATOMIC_RELAXED);
}

static void end_session(um_session_set_t *set, int way)
{
    __atomic_store_n(&set->tags[way], TAG_ENDED, __ATOMIC_RELEASE);
}

/* A slot that can be taken without a loss: a free one, one whose session has ended, or the
 * least recently used one. UM_SESSION_SET if all have sessions that are not written. */
static int find_slot(const um_session_set_t *set)
{
    int found = UM_SESSION_SET;
    apr_time_t oldest = 0;

    for (int way = 0; way < UM_SESSION_SET; way++) {
        apr_uint64_t tag = __atomic_load_n(&set->tags[way], __ATOMIC_RELAXED);
        apr_time_t used = tag == TAG_ENDED ? 0 : set->used[way];

        if (tag == TAG_FREE) {
            return way;
        }
        if (is_written(set, way) && (found == UM_SESSION_SET || used < oldest)) {
            found = way;
            oldest = used;
        }
    }
    return found;
}

/* The tag is set last. So if the process is killed here, the slot is free and has no partial
 * session. */
static apr_status_t fill_slot(um_session_table_t *table, const um_session_use_t *use, int way)
{
    um_session_set_t *set = &table->sets[use->set];
    um_session_slot_t *slot = &table->slots[use->set * UM_SESSION_SET + (apr_size_t)way];
    apr_status_t status;

    __atomic_store_n(&set->tags[way], TAG_FREE, __ATOMIC_RELEASE);
    status = um_uid_make(slot->uid, use->from, table->random);
    if (status != APR_SUCCESS) {
        return status;
    }
    slot->place = use->key->place;
    slot->started = use->from;
    slot->idle = use->idle;
    memcpy(slot->texts, use->texts, use->texts_length);
    __atomic_store_n(&set->written[way], 0, __ATOMIC_RELAXED);
    __atomic_store_n(&set->used[way], use->until, __ATOMIC_RELAXED);
    __atomic_store_n(&set->tags[way], use->tag, __ATOMIC_RELEASE);
    return APR_SUCCESS;
}

/* Under the lock. */
static apr_status_t begin(um_session_table_t *table, const um_session_use_t *use)
{
    um_session_set_t *set = &table->sets[use->set];
    int way;

    if (go_on(set, use)) {
        return APR_SUCCESS;
    }
    way = find_tag(set, use->tag);
    if (way < UM_SESSION_SET) {
        end_session(set, way);
    }
    way = find_slot(set);
    return way < UM_SESSION_SET ? fill_slot(table, use, way) : APR_ENOSPC;
}

apr_status_t um_session_table_count(um_session_table_t *table, const um_session_key_t *key,
                                    apr_time_t from, apr_time_t until, apr_interval_time_t idle)
{
    const um_lock_t *lock = table->lock;
    um_session_use_t use = {
        .key = key, .from = from, .until = until > from ? until : from, .idle = idle
    };
    apr_status_t status = find_set(&use, table);

    if (status != APR_SUCCESS || go_on(&table->sets[use.set], &use)) {
        return status;
    }
    status = lock->enter(lock->baton);
    if (status == APR_SUCCESS) {
        status = begin(table, &use);
        lock->leave(lock->baton);
    }
    return status;
}

/* ---- writing ---- */

static int is_to_be_written(const um_session_set_t *set, int way)
{
    return __atomic_load_n(&set->tags[way], __ATOMIC_ACQUIRE) != TAG_FREE
           && !is_written(set, way);
}

static void copy_session(apr_array_header_t *sessions, const um_session_table_t *table,
                         apr_size_t number, int way)
{
    apr_size_t index = number * UM_SESSION_SET + (apr_size_t)way;
    const um_session_slot_t *slot = &table->slots[index];
    um_session_entry_t *session = &APR_ARRAY_PUSH(sessions, um_session_entry_t);
    const char *text = slot->texts;

    session->key.place = slot->place;
    session->key.organization = apr_pstrdup(sessions->pool, text);
    text += strlen(text) + 1;
    session->key.identity = apr_pstrdup(sessions->pool, text);
    text += strlen(text) + 1;
    session->key.activity = apr_pstrdup(sessions->pool, text);
    memcpy(session->uid, slot->uid, sizeof(session->uid));
    session->started_at = slot->started;
    session->last_used_at = __atomic_load_n(&table->sets[number].used[way], __ATOMIC_RELAXED);
    session->idle = slot->idle;
    session->slot = index;
}

static apr_status_t collect_set(apr_array_header_t *sessions, const um_session_table_t *table,
                                apr_size_t number)
{
    const um_session_set_t *set = &table->sets[number];
    const um_lock_t *lock = table->lock;
    apr_status_t status;
    int worth_it = 0;

    for (int way = 0; way < UM_SESSION_SET; way++) {
        worth_it = worth_it || is_to_be_written(set, way);
    }
    if (!worth_it) {
        return APR_SUCCESS;
    }
    status = lock->enter(lock->baton);
    if (status != APR_SUCCESS) {
        return status;
    }
    for (int way = 0; way < UM_SESSION_SET; way++) {
        if (is_to_be_written(set, way)) {
            copy_session(sessions, table, number, way);
        }
    }
    lock->leave(lock->baton);
    return APR_SUCCESS;
}

apr_status_t um_session_table_collect(apr_array_header_t **sessions, apr_size_t *position,
                                      um_session_table_t *table, apr_size_t max, apr_pool_t *pool)
{
    apr_size_t number = *position;
    apr_status_t status = APR_SUCCESS;

    *sessions = apr_array_make(pool, 32, sizeof(um_session_entry_t));
    while (status == APR_SUCCESS && number < table->head->sets
           && (apr_size_t)(*sessions)->nelts < max) {
        status = collect_set(*sessions, table, number);
        number++;
    }
    *position = number < table->head->sets ? number : 0;
    return status;
}

apr_status_t um_session_table_written(um_session_table_t *table,
                                      const apr_array_header_t *sessions)
{
    const um_lock_t *lock = table->lock;
    apr_status_t status = lock->enter(lock->baton);

    if (status != APR_SUCCESS) {
        return status;
    }
    for (int i = 0; i < sessions->nelts; i++) {
        const um_session_entry_t *session = &APR_ARRAY_IDX(sessions, i, um_session_entry_t);
        um_session_set_t *set = &table->sets[session->slot / UM_SESSION_SET];
        apr_size_t way = session->slot % UM_SESSION_SET;

        /* If the uid differs, another session has taken the slot. */
        if (strcmp(table->slots[session->slot].uid, session->uid) == 0
            && set->written[way] < session->last_used_at) {
            __atomic_store_n(&set->written[way], session->last_used_at, __ATOMIC_RELAXED);
        }
    }
    lock->leave(lock->baton);
    return APR_SUCCESS;
}

void um_session_table_get_use(apr_size_t *used, apr_size_t *size, const um_session_table_t *table)
{
    *used = 0;
    *size = table->head->sets * UM_SESSION_SET;
    for (apr_size_t i = 0; i < *size; i++) {
        const apr_uint64_t *tag = &table->sets[i / UM_SESSION_SET].tags[i % UM_SESSION_SET];

        *used += __atomic_load_n(tag, __ATOMIC_RELAXED) != TAG_FREE;
    }
}
