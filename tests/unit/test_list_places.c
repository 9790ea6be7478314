/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_list_places.c Where lists continue: which place is found, and for how long. */

#include "unit.h"

#include "../../mod_usermgmt/core/list_places.h"

#define NOW apr_time_from_sec(50000)
#define TOTAL 5000
/* So many places of one list the table has. */
#define PLACES 16

static um_list_places_t *places;
static apr_uint64_t list;

static apr_status_t fill(unsigned char *bytes, apr_size_t length, void *baton)
{
    memset(bytes, 7, length);
    return *(const apr_status_t *)baton;
}

static int set_up(void **state)
{
    apr_status_t good = APR_SUCCESS;
    um_random_t source = { fill, &good };

    if (make_pool(state) != 0) {
        return -1;
    }
    places = apr_pcalloc(pool, um_list_places_size());
    if (um_list_places_init(places, &source) != APR_SUCCESS) {
        return -1;
    }
    list = um_list_places_name(places, "one");
    return 0;
}

static void put_at(apr_uint64_t name, apr_int64_t index, apr_time_t now)
{
    um_list_place_t place = {
        name, index, TOTAL, { apr_psprintf(pool, "k%" APR_INT64_T_FMT, index), "value" }
    };

    um_list_places_put(places, &place, now);
}

static void put(apr_int64_t index)
{
    put_at(list, index, NOW);
}

/* The index of the place found; -1 for none. Its texts are those that were put. */
static apr_int64_t get_of(apr_int64_t index, apr_int64_t total, apr_time_t now)
{
    um_list_place_t found;

    if (!um_list_places_get(&found, places, list, index, total, now, pool)) {
        return -1;
    }
    assert_string_equal(found.at.key, apr_psprintf(pool, "k%" APR_INT64_T_FMT, found.index));
    assert_string_equal(found.at.value, "value");
    assert_int_equal(found.total, TOTAL);
    return found.index;
}

static apr_int64_t get(apr_int64_t index)
{
    return get_of(index, TOTAL, NOW);
}

static void an_empty_table_knows_no_place(void **state)
{
    (void)state;
    assert_int_equal(get(100), -1);
}

static void the_last_place_up_to_the_index_is_found(void **state)
{
    (void)state;
    put(200);
    put(100);
    put(300);
    assert_int_equal(get(99), -1);
    assert_int_equal(get(100), 100);
    assert_int_equal(get(250), 200);
    assert_int_equal(get(4000), 300);
}

static void another_list_has_places_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < 500; i++) {
        put_at(um_list_places_name(places, apr_psprintf(pool, "other %d", i)), 100, NOW);
    }
    assert_int_equal(get(100), -1);
}

static void if_the_list_has_changed_only_a_reader_goes_on(void **state)
{
    (void)state;
    put(100);
    assert_int_equal(get_of(100, TOTAL + 1, NOW), 100);
    assert_int_equal(get_of(101, TOTAL + 1, NOW), -1);
    assert_int_equal(get_of(100, TOTAL + 1, NOW + UM_LIST_PLACES_READING - 1), 100);
    assert_int_equal(get_of(100, TOTAL + 1, NOW + UM_LIST_PLACES_READING), -1);
}

static void places_are_forgotten_after_an_hour(void **state)
{
    (void)state;
    put(100);
    assert_int_equal(get_of(100, TOTAL, NOW + UM_LIST_PLACES_TIME - 1), 100);
    assert_int_equal(get_of(100, TOTAL, NOW + UM_LIST_PLACES_TIME), -1);
}

/* A reader who comes later must not meet a place from before the first one that it has put. */
static void the_oldest_place_is_overwritten_first(void **state)
{
    (void)state;
    for (int i = 1; i <= PLACES; i++) {
        put_at(list, i * 10, NOW + i);
    }
    assert_int_equal(get(10), 10);
    put_at(list, 5, NOW + PLACES + 1);
    assert_int_equal(get(10), 5);
    assert_int_equal(get(20), 20);
}

static void a_place_that_is_put_again_takes_no_further_slot(void **state)
{
    (void)state;
    put(100);
    for (int i = 0; i < 3 * PLACES; i++) {
        put_at(list, 200, NOW + i + 1);
    }
    assert_int_equal(get(100), 100);
}

static void long_texts_are_not_remembered(void **state)
{
    um_list_place_t place = { list, 100, TOTAL, { "key", times(400, "x") } };

    (void)state;
    um_list_places_put(places, &place, NOW);
    assert_int_equal(get(100), -1);
}

/* Another process may write a slot while this one reads it. */
static void a_damaged_slot_is_no_place(void **state)
{
    char *bytes = (char *)places;
    apr_size_t size = um_list_places_size();

    (void)state;
    put(100);
    for (apr_size_t i = 0; i + 4 < size; i++) {
        if (memcmp(bytes + i, "k100", 4) == 0) {
            bytes[i + 1] = '9';
        }
    }
    assert_int_equal(get(100), -1);
}

static void without_random_bytes_there_is_no_table(void **state)
{
    apr_status_t bad = APR_EGENERAL;
    um_random_t source = { fill, &bad };

    (void)state;
    assert_int_equal(um_list_places_init(places, &source), APR_EGENERAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SET_UP(an_empty_table_knows_no_place),
        WITH_SET_UP(the_last_place_up_to_the_index_is_found),
        WITH_SET_UP(another_list_has_places_of_its_own),
        WITH_SET_UP(if_the_list_has_changed_only_a_reader_goes_on),
        WITH_SET_UP(places_are_forgotten_after_an_hour),
        WITH_SET_UP(the_oldest_place_is_overwritten_first),
        WITH_SET_UP(a_place_that_is_put_again_takes_no_further_slot),
        WITH_SET_UP(long_texts_are_not_remembered),
        WITH_SET_UP(a_damaged_slot_is_no_place),
        WITH_SET_UP(without_random_bytes_there_is_no_table),
    };

    return RUN("list places", tests);
}
