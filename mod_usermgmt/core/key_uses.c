/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file key_uses.c The last uses of API keys in shared memory, see key_uses.h. */

#include "key_uses.h"

#include <string.h>

#include <apr_siphash.h>
#include <apr_strings.h>

#include "../base/ticks.h"

#define SETS 256
#define WAYS 16

/* Whoever has held a slot for longer was killed, because filling one takes no time. */
#define HELD_TIME apr_time_from_sec(1)

/* The tag of a slot without a key. */
#define TAG_FREE 0

/* tag, used, written and held are only used by atomic operations. The rest belongs to the one who
 * holds the slot. */
typedef struct um_key_slot_t {
    /* The hash of place and key. */
    apr_uint64_t tag;
    apr_time_t used;
    /* The last use that is written. */
    apr_time_t written;
    /* By um_ticks(): since when somebody fills or reads the slot; 0 if nobody does. */
    apr_time_t held;
    apr_uint64_t place;
    char key_id[UM_API_KEY_ID_LENGTH + 1];
    char address[UM_KEY_USES_ADDRESS];
} um_key_slot_t;

struct um_key_uses_t {
    unsigned char hash_key[APR_SIPHASH_KSIZE];
    um_key_slot_t slots[SETS * WAYS];
};

apr_size_t um_key_uses_size(void)
{
    return sizeof(um_key_uses_t);
}

apr_status_t um_key_uses_init(um_key_uses_t *uses, const um_random_t *random)
{
    return random->fill(uses->hash_key, sizeof(uses->hash_key), random->baton);
}

static apr_uint64_t load_tag(const um_key_slot_t *slot)
{
    return __atomic_load_n(&slot->tag, __ATOMIC_ACQUIRE);
}

static apr_time_t load(const apr_time_t *time)
{
    return __atomic_load_n(time, __ATOMIC_RELAXED);
}

/* If not, then the tag of its key can be seen, too, see fill(). */
static int is_written(const um_key_slot_t *slot)
{
    return __atomic_load_n(&slot->used, __ATOMIC_ACQUIRE) == load(&slot->written);
}

/* Hold a slot; 0 if somebody else does. */
static int hold(um_key_slot_t *slot)
{
    apr_time_t now = um_ticks();
    apr_time_t held = load(&slot->held);

    return (held == 0 || now - held > HELD_TIME)
           && __atomic_compare_exchange_n(&slot->held, &held, now, 0, __ATOMIC_ACQUIRE,
                                          __ATOMIC_RELAXED);
}

static void leave(um_key_slot_t *slot)
{
    __atomic_store_n(&slot->held, 0, __ATOMIC_RELEASE);
}

static apr_uint64_t hash(const um_key_uses_t *uses, apr_uint64_t place, const char *key_id)
{
    apr_uint64_t tag = apr_siphash24(key_id, UM_API_KEY_ID_LENGTH, uses->hash_key) ^ place;

    return tag != TAG_FREE ? tag : 1;
}

static um_key_slot_t *find_tag(um_key_slot_t *set, apr_uint64_t tag)
{
    for (int way = 0; way < WAYS; way++) {
        if (load_tag(&set[way]) == tag) {
            return &set[way];
        }
    }
    return NULL;
}

/* The slot that can be taken without a loss, the least recently used one; NULL if there is none.
 */
static um_key_slot_t *find_written(um_key_slot_t *set)
{
    um_key_slot_t *found = NULL;

    for (int way = 0; way < WAYS; way++) {
        if (is_written(&set[way])
            && (found == NULL || load(&set[way].used) < load(&found->used))) {
            found = &set[way];
        }
    }
    return found;
}

static void fill(um_key_slot_t *slot, const um_key_use_t *use, apr_uint64_t tag)
{
    slot->place = use->place;
    memcpy(slot->key_id, use->key_id, sizeof(slot->key_id));
    memcpy(slot->address, use->address, sizeof(slot->address));
    __atomic_store_n(&slot->tag, tag, __ATOMIC_RELEASE);
    __atomic_store_n(&slot->used, use->used_at, __ATOMIC_RELEASE);
}

/* The slot of a tag, or one that can be taken for it; NULL if there is none. The tag is looked
 * for again at the end, because its first use may be noted by two threads at once. One of them
 * sees then that the slot which both would take is not written any more. */
static um_key_slot_t *find_slot(um_key_slot_t *set, apr_uint64_t tag)
{
    um_key_slot_t *slot = find_tag(set, tag);
    um_key_slot_t *written = slot == NULL ? find_written(set) : NULL;

    if (slot == NULL) {
        slot = find_tag(set, tag);
    }
    return slot != NULL ? slot : written;
}

/* Copy a text, or nothing if it is too long. */
static void copy_text(char *to, const char *from, apr_size_t size)
{
    apr_cpystrn(to, strlen(from) < size ? from : "", size);
}

/* Is it too soon to note a use? A time before the last use is noted, because the clock was set.
 */
static int is_too_soon(const um_key_slot_t *slot, apr_time_t now)
{
    apr_time_t used = load(&slot->used);

    return now >= used && now - used < UM_KEY_USES_PAUSE;
}

void um_key_uses_note(um_key_uses_t *uses, apr_uint64_t place, const char *key_id,
                      const char *address, apr_time_t now)
{
    apr_uint64_t tag = hash(uses, place, key_id);
    um_key_slot_t *set = &uses->slots[tag % SETS * WAYS];
    um_key_slot_t *slot = find_slot(set, tag);
    um_key_use_t use = { .place = place, .used_at = now };

    if (slot == NULL || (load_tag(slot) == tag && is_too_soon(slot, now)) || !hold(slot)) {
        return;
    }
    /* Somebody may have taken it for another key meanwhile. */
    if (load_tag(slot) == tag || is_written(slot)) {
        copy_text(use.key_id, key_id, sizeof(use.key_id));
        copy_text(use.address, address, sizeof(use.address));
        fill(slot, &use, tag);
    }
    leave(slot);
}

/* ---- writing ---- */

static void collect(apr_array_header_t *collected, um_key_uses_t *uses, apr_size_t index)
{
    um_key_slot_t *slot = &uses->slots[index];
    um_key_use_t *use;

    if (load_tag(slot) == TAG_FREE || is_written(slot) || !hold(slot)) {
        return;
    }
    use = apr_array_push(collected);
    use->place = slot->place;
    memcpy(use->key_id, slot->key_id, sizeof(use->key_id));
    memcpy(use->address, slot->address, sizeof(use->address));
    use->used_at = load(&slot->used);
    use->slot = index;
    leave(slot);
}

apr_array_header_t *um_key_uses_collect(apr_size_t *position, um_key_uses_t *uses, int max,
                                        apr_pool_t *pool)
{
    apr_array_header_t *collected = apr_array_make(pool, 32, sizeof(um_key_use_t));
    apr_size_t index = *position;

    while (index < SETS * WAYS && collected->nelts < max) {
        collect(collected, uses, index);
        index++;
    }
    *position = index < SETS * WAYS ? index : 0;
    return collected;
}

void um_key_uses_written(um_key_uses_t *uses, const apr_array_header_t *collected)
{
    for (int i = 0; i < collected->nelts; i++) {
        const um_key_use_t *use = &APR_ARRAY_IDX(collected, i, um_key_use_t);
        um_key_slot_t *slot = &uses->slots[use->slot];

        /* Another key can't have taken the slot, because this use was not written. */
        __atomic_store_n(&slot->written, use->used_at, __ATOMIC_RELAXED);
    }
}
