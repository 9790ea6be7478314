/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_key_uses.c The last uses of API keys: what is noted, collected and kept. */

#include "unit.h"

#include <apr_thread_proc.h>

#include "../../mod_usermgmt/core/key_uses.h"

#define NOW apr_time_from_sec(1700000000)
#define KEY "0123456789Ab"
#define ADDRESS "192.0.2.1"
#define ALL 100000
/* More keys than the table has slots. */
#define MANY 20000

static um_key_uses_t *uses;

static apr_status_t fill(unsigned char *bytes, apr_size_t length, void *baton)
{
    memset(bytes, 7, length);
    return *(const apr_status_t *)baton;
}

static apr_status_t random_status;
static const um_random_t source = { fill, &random_status };

static int set_up(void **state)
{
    if (make_pool(state) != 0) {
        return -1;
    }
    uses = apr_pcalloc(pool, um_key_uses_size());
    random_status = APR_SUCCESS;
    return um_key_uses_init(uses, &source) == APR_SUCCESS ? 0 : -1;
}

static apr_array_header_t *collect(void)
{
    apr_size_t position = 0;
    apr_array_header_t *collected = um_key_uses_collect(&position, uses, ALL, pool);

    assert_true(position == 0);
    return collected;
}

static const um_key_use_t *only(const apr_array_header_t *collected)
{
    assert_int_equal(collected->nelts, 1);
    return &APR_ARRAY_IDX(collected, 0, um_key_use_t);
}

static void a_use_comes_back_until_it_is_written(void **state)
{
    const um_key_use_t *use;
    apr_array_header_t *collected;

    (void)state;
    assert_int_equal(collect()->nelts, 0);
    um_key_uses_note(uses, 3, KEY, ADDRESS, NOW);
    use = only(collect());
    assert_true(use->place == 3);
    assert_string_equal(use->key_id, KEY);
    assert_string_equal(use->address, ADDRESS);
    assert_true(use->used_at == NOW);
    collected = collect();
    only(collected);
    um_key_uses_written(uses, collected);
    assert_int_equal(collect()->nelts, 0);
}

static void a_use_within_a_second_is_not_noted(void **state)
{
    (void)state;
    um_key_uses_note(uses, 3, KEY, ADDRESS, NOW);
    um_key_uses_note(uses, 3, KEY, "192.0.2.2", NOW + UM_KEY_USES_PAUSE - 1);
    assert_string_equal(only(collect())->address, ADDRESS);
    um_key_uses_note(uses, 3, KEY, "192.0.2.2", NOW + UM_KEY_USES_PAUSE);
    assert_string_equal(only(collect())->address, "192.0.2.2");
    assert_true(only(collect())->used_at == NOW + UM_KEY_USES_PAUSE);
}

static void a_use_after_the_collection_is_not_lost(void **state)
{
    apr_array_header_t *collected;

    (void)state;
    um_key_uses_note(uses, 3, KEY, ADDRESS, NOW);
    collected = collect();
    um_key_uses_note(uses, 3, KEY, ADDRESS, NOW + UM_KEY_USES_PAUSE);
    um_key_uses_written(uses, collected);
    assert_true(only(collect())->used_at == NOW + UM_KEY_USES_PAUSE);
}

static void the_clock_may_be_set_back(void **state)
{
    (void)state;
    um_key_uses_note(uses, 3, KEY, ADDRESS, NOW);
    um_key_uses_written(uses, collect());
    um_key_uses_note(uses, 3, KEY, ADDRESS, NOW - apr_time_from_sec(3600));
    assert_true(only(collect())->used_at == NOW - apr_time_from_sec(3600));
}

static void keys_of_two_databases_differ(void **state)
{
    (void)state;
    um_key_uses_note(uses, 3, KEY, ADDRESS, NOW);
    um_key_uses_note(uses, 4, KEY, ADDRESS, NOW);
    assert_int_equal(collect()->nelts, 2);
}

static void a_long_address_is_left_out(void **state)
{
    (void)state;
    um_key_uses_note(uses, 3, KEY, times(UM_KEY_USES_ADDRESS - 1, "x"), NOW);
    assert_string_equal(only(collect())->address, times(UM_KEY_USES_ADDRESS - 1, "x"));
    um_key_uses_note(uses, 3, KEY, times(UM_KEY_USES_ADDRESS, "x"), NOW + UM_KEY_USES_PAUSE);
    assert_string_equal(only(collect())->address, "");
}

static void note_many(int from)
{
    for (int i = from; i < from + MANY; i++) {
        um_key_uses_note(uses, 3, apr_psprintf(pool, "%012d", i), ADDRESS, NOW + i);
    }
}

static void uses_that_are_not_written_keep_their_slots(void **state)
{
    apr_array_header_t *collected;
    int count;

    (void)state;
    note_many(0);
    collected = collect();
    count = collected->nelts;
    assert_true(count > 1000 && count < MANY);
    note_many(MANY);
    assert_int_equal(collect()->nelts, count);
    assert_string_equal(APR_ARRAY_IDX(collect(), 0, um_key_use_t).key_id,
                        APR_ARRAY_IDX(collected, 0, um_key_use_t).key_id);
    um_key_uses_written(uses, collected);
    note_many(MANY);
    collected = collect();
    assert_true(collected->nelts > 1000);
    for (int i = 0; i < collected->nelts; i++) {
        assert_true(atoi(APR_ARRAY_IDX(collected, i, um_key_use_t).key_id) >= MANY);
    }
}

static void they_come_in_parts(void **state)
{
    apr_size_t position = 0;
    int count = 0;
    int all;

    (void)state;
    note_many(0);
    all = collect()->nelts;
    do {
        const apr_array_header_t *part = um_key_uses_collect(&position, uses, 100, pool);

        assert_true(part->nelts <= 100);
        count += part->nelts;
    } while (position != 0);
    assert_int_equal(count, all);
}

/* ---- threads ---- */

#define THREADS 4
#define ROUNDS 20000

static void *APR_THREAD_FUNC note_often(apr_thread_t *thread, void *baton)
{
    const char *address = baton;

    (void)thread;
    for (int i = 0; i < ROUNDS; i++) {
        um_key_uses_note(uses, 3, KEY, address, NOW + i * UM_KEY_USES_PAUSE);
    }
    return NULL;
}

static void addresses_are_never_mixed(void **state)
{
    static char addresses[THREADS][UM_KEY_USES_ADDRESS];
    apr_thread_t *threads[THREADS];
    apr_status_t status;

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        memset(addresses[i], 'a' + i, UM_KEY_USES_ADDRESS - 1);
        assert_int_equal(apr_thread_create(&threads[i], NULL, note_often, addresses[i], pool),
                         APR_SUCCESS);
    }
    for (int i = 0; i < ROUNDS / 10; i++) {
        apr_array_header_t *collected = collect();

        if (collected->nelts == 1) {
            const char *address = only(collected)->address;

            assert_int_equal(strspn(address, apr_psprintf(pool, "%c", address[0])),
                             UM_KEY_USES_ADDRESS - 1);
        }
    }
    for (int i = 0; i < THREADS; i++) {
        apr_thread_join(&status, threads[i]);
    }
    assert_int_equal(collect()->nelts, 1);
}

static void without_random_bytes_there_is_no_table(void **state)
{
    (void)state;
    random_status = APR_EGENERAL;
    assert_int_equal(um_key_uses_init(uses, &source), APR_EGENERAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SET_UP(a_use_comes_back_until_it_is_written),
        WITH_SET_UP(a_use_within_a_second_is_not_noted),
        WITH_SET_UP(a_use_after_the_collection_is_not_lost),
        WITH_SET_UP(the_clock_may_be_set_back),
        WITH_SET_UP(keys_of_two_databases_differ),
        WITH_SET_UP(a_long_address_is_left_out),
        WITH_SET_UP(uses_that_are_not_written_keep_their_slots),
        WITH_SET_UP(they_come_in_parts),
        WITH_SET_UP(addresses_are_never_mixed),
        WITH_SET_UP(without_random_bytes_there_is_no_table),
    };

    return RUN("key_uses", tests);
}
