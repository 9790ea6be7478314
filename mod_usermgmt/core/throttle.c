/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file throttle.c Failures of addresses in shared memory, see throttle.h. */

#include "throttle.h"

#include <string.h>

#include <apr_siphash.h>

#define SETS 1024
#define WAYS 4

/* A state is the millisecond in which the minute began, and the number of failures since. */
#define COUNT_BITS 8
#define COUNT_OF(state) ((unsigned)((state) & ((1u << COUNT_BITS) - 1)))
#define BEGIN_OF(state) ((apr_time_t)((state) >> COUNT_BITS))
#define TIME_MS apr_time_as_msec(UM_THROTTLE_TIME)

/* Both are only used by atomic operations. If two processes take a slot for two addresses at the
 * same time, one of the failures is not counted. */
typedef struct um_throttle_slot_t {
    /* The hash of an address; 0 for a free slot. */
    apr_uint64_t tag;
    apr_uint64_t state;
} um_throttle_slot_t;

struct um_throttle_t {
    unsigned char hash_key[APR_SIPHASH_KSIZE];
    um_throttle_slot_t slots[SETS][WAYS];
};

apr_size_t um_throttle_size(void)
{
    return sizeof(um_throttle_t);
}

apr_status_t um_throttle_init(um_throttle_t *throttle, const um_random_t *random)
{
    return random->fill(throttle->hash_key, sizeof(throttle->hash_key), random->baton);
}

/* Hash the part of an address that is counted. */
static apr_uint64_t hash(const um_throttle_t *throttle, const unsigned char *address,
                         apr_size_t length)
{
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
    apr_uint64_t tag;

    if (length == 16 && memcmp(address, mapped, sizeof(mapped)) == 0) {
        address += sizeof(mapped);
        length = 4;
    } else if (length == 16) {
        length = 8;
    } else if (length != 4) {
        length = 0;
    }
    tag = apr_siphash24(address, length, throttle->hash_key);
    return tag != 0 ? tag : 1;
}

static apr_uint64_t load(const apr_uint64_t *value)
{
    return __atomic_load_n(value, __ATOMIC_RELAXED);
}

/* The slot of an address: its own, or a free one, or the one whose minute began first. */
static um_throttle_slot_t *find_slot(um_throttle_slot_t *set, apr_uint64_t tag)
{
    um_throttle_slot_t *oldest = &set[0];

    for (int way = 0; way < WAYS; way++) {
        if (load(&set[way].tag) == tag) {
            return &set[way];
        }
    }
    for (int way = 1; way < WAYS; way++) {
        if (BEGIN_OF(load(&set[way].state)) < BEGIN_OF(load(&oldest->state))) {
            oldest = &set[way];
        }
    }
    __atomic_store_n(&oldest->state, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&oldest->tag, tag, __ATOMIC_RELAXED);
    return oldest;
}

static apr_uint64_t count(apr_uint64_t state, apr_time_t now_ms)
{
    if (COUNT_OF(state) == 0 || now_ms - BEGIN_OF(state) >= TIME_MS) {
        return ((apr_uint64_t)now_ms << COUNT_BITS) + 1;
    }
    return COUNT_OF(state) <= UM_THROTTLE_FAILURES ? state + 1 : state;
}

apr_interval_time_t um_throttle_fail(um_throttle_t *throttle, const void *address,
                                     apr_size_t length, apr_time_t now)
{
    apr_uint64_t tag = hash(throttle, address, length);
    um_throttle_slot_t *slot = find_slot(throttle->slots[tag % SETS], tag);
    apr_time_t now_ms = apr_time_as_msec(now);
    apr_uint64_t state = load(&slot->state);
    apr_uint64_t next;

    do {
        next = count(state, now_ms);
    } while (!__atomic_compare_exchange_n(&slot->state, &state, next, 0, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return COUNT_OF(next) > UM_THROTTLE_FAILURES
               ? UM_THROTTLE_TIME - (now_ms - BEGIN_OF(next)) * 1000
               : 0;
}
