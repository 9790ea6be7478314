/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file list_places.c Where lists continue, in shared memory; see list_places.h. */

#include "list_places.h"

#include <string.h>

#include <apr_siphash.h>
#include <apr_strings.h>

/* The places of a list are all in one set. A client needs the last one alone, and the one before
 * if it asks for a page again. So many clients can read the same list at the same time. */
#define SETS 128
#define WAYS 16
/* For key and value. */
#define TEXT_SIZE 384

/* It is copied as words. A slot that is read while it is written has a wrong sum. */
typedef struct um_place_slot_t {
    /* The hash of all that follows. It is 0 in an empty slot. */
    apr_uint64_t sum;
    apr_uint64_t list;
    apr_int64_t index;
    apr_int64_t total;
    apr_time_t put_at;
    /* The key, a NUL, the value, a NUL. */
    char text[TEXT_SIZE];
} um_place_slot_t;

#define SLOT_WORDS (sizeof(um_place_slot_t) / sizeof(apr_uint64_t))
_Static_assert(sizeof(um_place_slot_t) % sizeof(apr_uint64_t) == 0, "a slot is whole words");

/* The same slot, as it is in shared memory. */
typedef struct um_place_words_t {
    apr_uint64_t words[SLOT_WORDS];
} um_place_words_t;

struct um_list_places_t {
    unsigned char hash_key[APR_SIPHASH_KSIZE];
    unsigned char secret[UM_LIST_PLACES_SECRET];
    um_place_words_t slots[SETS][WAYS];
};

apr_size_t um_list_places_size(void)
{
    return sizeof(um_list_places_t);
}

apr_status_t um_list_places_init(um_list_places_t *places, const um_random_t *random)
{
    apr_status_t status = random->fill(places->secret, sizeof(places->secret), random->baton);

    return status == APR_SUCCESS
               ? random->fill(places->hash_key, sizeof(places->hash_key), random->baton)
               : status;
}

const unsigned char *um_list_places_secret(const um_list_places_t *places)
{
    return places->secret;
}

apr_uint64_t um_list_places_name(const um_list_places_t *places, const char *text)
{
    return apr_siphash24(text, strlen(text), places->hash_key);
}

static apr_uint64_t sum_of(const um_list_places_t *places, const um_place_slot_t *slot)
{
    apr_uint64_t sum = apr_siphash24((const char *)slot + sizeof(slot->sum),
                                     sizeof(*slot) - sizeof(slot->sum), places->hash_key);

    return sum != 0 ? sum : 1;
}

static void load(um_place_slot_t *slot, const um_place_words_t *from)
{
    um_place_words_t copy = { { 0 } };

    for (apr_size_t i = 0; i < SLOT_WORDS; i++) {
        copy.words[i] = __atomic_load_n(&from->words[i], __ATOMIC_RELAXED);
    }
    memcpy(slot, &copy, sizeof(*slot));
}

static void store(um_place_words_t *to, const um_place_slot_t *slot)
{
    um_place_words_t copy;

    memcpy(&copy, slot, sizeof(copy));
    for (apr_size_t i = 0; i < SLOT_WORDS; i++) {
        __atomic_store_n(&to->words[i], copy.words[i], __ATOMIC_RELAXED);
    }
}

/* Only the numbers of a slot: enough to choose one. They may be torn. */
static void load_numbers(um_place_slot_t *slot, const um_place_words_t *from)
{
    apr_uint64_t numbers[5];

    for (int i = 0; i < 5; i++) {
        numbers[i] = __atomic_load_n(&from->words[i], __ATOMIC_RELAXED);
    }
    memcpy(slot, numbers, sizeof(numbers));
}

static int is_place(const um_place_slot_t *slot, apr_uint64_t list)
{
    return slot->sum != 0 && slot->list == list;
}

/* The slot with the same place, or else the oldest one. The oldest one goes first even if it was
 * read since: so if any place of a list is left, those that were put later are left too, and a
 * client that reads a list does not meet one from before its own. */
static um_place_words_t *slot_for(um_place_words_t *set, const um_list_place_t *place)
{
    um_place_words_t *oldest = &set[0];
    apr_time_t oldest_at = APR_INT64_MAX;

    for (int way = 0; way < WAYS; way++) {
        um_place_slot_t slot;

        load_numbers(&slot, &set[way]);
        if (is_place(&slot, place->list) && slot.index == place->index) {
            return &set[way];
        }
        if (slot.put_at < oldest_at) {
            oldest_at = slot.put_at;
            oldest = &set[way];
        }
    }
    return oldest;
}

void um_list_places_put(um_list_places_t *places, const um_list_place_t *place, apr_time_t now)
{
    um_place_slot_t slot;
    apr_size_t key = strlen(place->at.key) + 1;
    apr_size_t value = strlen(place->at.value) + 1;

    if (key + value > sizeof(slot.text)) {
        return;
    }
    memset(&slot, 0, sizeof(slot));
    slot.list = place->list;
    slot.index = place->index;
    slot.total = place->total;
    slot.put_at = now;
    memcpy(slot.text, place->at.key, key);
    memcpy(slot.text + key, place->at.value, value);
    slot.sum = sum_of(places, &slot);
    store(slot_for(places->slots[place->list % SETS], place), &slot);
}

/* Is a slot of more use than the best one so far? */
static int is_better(const um_place_slot_t *slot, const um_place_slot_t *best)
{
    return best->sum == 0 || slot->index > best->index
           || (slot->index == best->index && slot->put_at > best->put_at);
}

static int holds(const um_place_slot_t *slot, apr_int64_t index, apr_int64_t total,
                 apr_time_t now)
{
    apr_time_t age = now - slot->put_at;

    return slot->index <= index && age < UM_LIST_PLACES_TIME
           && (slot->total == total || (slot->index == index && age < UM_LIST_PLACES_READING));
}

int um_list_places_get(um_list_place_t *found, const um_list_places_t *places, apr_uint64_t list,
                       apr_int64_t index, apr_int64_t total, apr_time_t now, apr_pool_t *pool)
{
    const um_place_words_t *set = places->slots[list % SETS];
    um_place_slot_t best = { 0 };
    char *text;

    for (int way = 0; way < WAYS; way++) {
        um_place_slot_t slot;

        load_numbers(&slot, &set[way]);
        if (!is_place(&slot, list) || !holds(&slot, index, total, now)) {
            continue;
        }
        load(&slot, &set[way]);
        if (slot.sum == sum_of(places, &slot) && is_place(&slot, list)
            && holds(&slot, index, total, now) && is_better(&slot, &best)) {
            best = slot;
        }
    }
    if (best.sum == 0) {
        return 0;
    }
    text = apr_pmemdup(pool, best.text, sizeof(best.text));
    *found = (um_list_place_t){ list, best.index, best.total, { text, text + strlen(text) + 1 } };
    return 1;
}
