/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_uid.c Identifiers: their form, their order, their chance. */

#include <apr_errno.h>

#include "unit.h"

#include "../../mod_usermgmt/base/uid.h"

#define MANY 100000
/* 2024-12-02T19:17:30.371Z, and some microseconds. */
#define SOME_TIME APR_INT64_C(1733167050371123)

typedef unsigned __int128 number_t;
/* An identifier and its NUL. */
typedef char made_t[UM_UID_LENGTH + 1];

/* What the next random bytes are. */
typedef struct source_t {
    apr_uint64_t next;
    int is_random;
    apr_status_t status;
} source_t;

/* splitmix64: the same numbers in every run. */
static apr_uint64_t step(apr_uint64_t *state)
{
    apr_uint64_t z = *state += APR_UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * APR_UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * APR_UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static apr_status_t fill(unsigned char *bytes, apr_size_t length, void *baton)
{
    source_t *source = baton;
    apr_uint64_t value = source->is_random ? step(&source->next) : source->next;

    assert_int_equal(length, sizeof(value));
    memcpy(bytes, &value, length);
    return source->status;
}

static apr_status_t make_from(made_t uid, apr_time_t now, source_t *source)
{
    const um_random_t random = { fill, source };

    return um_uid_make(uid, now, &random);
}

static void make(made_t uid, apr_time_t now, apr_uint64_t chance)
{
    source_t source = { chance, 0, APR_SUCCESS };

    memset(uid, 'X', UM_UID_LENGTH + 1);
    assert_int_equal(make_from(uid, now, &source), APR_SUCCESS);
    assert_int_equal(strlen(uid), UM_UID_LENGTH);
}

/* The number in an identifier, read digit by digit. */
static number_t decode(const char *uid)
{
    number_t number = 0;

    for (; *uid != '\0'; uid++) {
        unsigned digit;

        if (*uid >= '0' && *uid <= '9') {
            digit = (unsigned)(*uid - '0');
        } else if (*uid >= 'A' && *uid <= 'Z') {
            digit = (unsigned)(*uid - 'A') + 10;
        } else {
            assert_in_range(*uid, 'a', 'z');
            digit = (unsigned)(*uid - 'a') + 36;
        }
        number = number * 62 + digit;
    }
    return number;
}

static void twenty_digits_hold_119_bits(void **state)
{
    number_t range = 1;

    (void)state;
    for (int i = 0; i < UM_UID_LENGTH; i++) {
        range *= 62;
    }
    assert_true(range > (number_t)1 << 119);
}

static void it_is_the_number_of_its_parts(void **state)
{
    static const apr_uint64_t chances[] = {
        0, 1, 61, 62, UINT64_MAX, 0x8000000000000000, 839299365868340223, 839299365868340224
    };
    static const apr_time_t times[] = {
        0, 1, 999, 1000, 1001, SOME_TIME, (INT64_C(1) << 45) * 1000 - 1
    };

    (void)state;
    for (size_t t = 0; t < COUNT(times); t++) {
        for (size_t c = 0; c < COUNT(chances); c++) {
            made_t uid;
            number_t number;

            make(uid, times[t], chances[c]);
            number = decode(uid);
            assert_true((apr_uint64_t)number == chances[c]);
            assert_int_equal((apr_time_t)(number >> 64 & 1023), times[t] % 1000);
            assert_int_equal((apr_time_t)(number >> 74), times[t] / 1000);
        }
    }
}

static void its_digits_are_in_byte_order(void **state)
{
    static const char alphabet[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    (void)state;
    for (unsigned digit = 0; digit < 62; digit++) {
        made_t uid;

        make(uid, 0, digit);
        assert_memory_equal(uid, "0000000000000000000", UM_UID_LENGTH - 1);
        assert_int_equal(uid[UM_UID_LENGTH - 1], alphabet[digit]);
    }
}

/* Whatever chance adds, the later one sorts behind the earlier one. */
static void assert_order(apr_time_t earlier, apr_time_t later)
{
    made_t a;
    made_t b;

    make(a, earlier, UINT64_MAX);
    make(b, later, 0);
    assert_true(strcmp(a, b) < 0);
}

static void they_sort_by_time(void **state)
{
    static const apr_time_t second = 1000000;

    (void)state;
    for (apr_time_t us = 0; us < 3000; us++) {
        assert_order(SOME_TIME + us, SOME_TIME + us + 1);
    }
    for (apr_time_t year = 0; year < 1000; year++) {
        apr_time_t start = year * 31556952 * second;

        assert_order(start, start + 1);
        assert_order(start, start + 1000);
        assert_order(start + 999, start + 1000);
        assert_order(start + second - 1, start + second);
        assert_order(start, start + 31556952 * second);
    }
}

static void a_time_without_room_is_the_nearest(void **state)
{
    made_t last;
    made_t uid;

    (void)state;
    make(uid, -1, 0);
    assert_string_equal(uid, "00000000000000000000");
    make(uid, INT64_MIN, 5);
    assert_string_equal(uid, "00000000000000000005");
    make(last, (INT64_C(1) << 45) * 1000 - 1, 7);
    make(uid, (INT64_C(1) << 45) * 1000, 7);
    assert_string_equal(uid, last);
    make(uid, INT64_MAX, 7);
    assert_string_equal(uid, last);
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void the_first_of_a_time_is_the_least(void **state)
{
    source_t least = { 0, 0, APR_SUCCESS };
    source_t greatest = { ~APR_UINT64_C(0), 0, APR_SUCCESS };
    made_t first, made;

    (void)state;
    um_uid_first(first, SOME_TIME / 1000);
    assert_int_equal(make_from(made, SOME_TIME / 1000 * 1000, &least), APR_SUCCESS);
    assert_string_equal(first, made);
    assert_int_equal(make_from(made, SOME_TIME / 1000 * 1000 - 1, &greatest), APR_SUCCESS);
    assert_true(strcmp(made, first) < 0);
    um_uid_first(first, -1);
    assert_string_equal(first, "00000000000000000000");
    um_uid_first(first, APR_INT64_MAX);
    assert_int_equal(make_from(made, APR_INT64_MAX, &greatest), APR_SUCCESS);
    assert_true(strcmp(made, first) < 0);
}

static void many_of_one_moment_differ(void **state)
{
    made_t *uids = malloc(MANY * sizeof(*uids));
    source_t source = { 1, 1, APR_SUCCESS };

    (void)state;
    assert_non_null(uids);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(make_from(uids[i], SOME_TIME, &source), APR_SUCCESS);
    }
    qsort(uids, MANY, sizeof(*uids), compare);
    for (int i = 1; i < MANY; i++) {
        assert_string_not_equal(uids[i - 1], uids[i]);
    }
    free(uids);
}

static void every_bit_of_chance_counts(void **state)
{
    source_t source = { 2, 1, APR_SUCCESS };
    int ones[64] = { 0 };

    (void)state;
    for (int i = 0; i < MANY; i++) {
        made_t uid;
        apr_uint64_t chance;

        assert_int_equal(make_from(uid, SOME_TIME, &source), APR_SUCCESS);
        chance = (apr_uint64_t)decode(uid);
        for (int bit = 0; bit < 64; bit++) {
            ones[bit] += (int)(chance >> bit & 1);
        }
    }
    /* Five standard deviations. */
    for (int bit = 0; bit < 64; bit++) {
        assert_in_range(ones[bit], MANY / 2 - 800, MANY / 2 + 800);
    }
}

static void no_chance_no_identifier(void **state)
{
    source_t source = { 0, 0, APR_ENOMEM };
    made_t uid;

    (void)state;
    assert_int_equal(make_from(uid, SOME_TIME, &source), APR_ENOMEM);
    source.status = APR_EGENERAL;
    assert_int_equal(make_from(uid, SOME_TIME, &source), APR_EGENERAL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(twenty_digits_hold_119_bits),
        cmocka_unit_test(it_is_the_number_of_its_parts),
        cmocka_unit_test(its_digits_are_in_byte_order),
        cmocka_unit_test(they_sort_by_time),
        cmocka_unit_test(a_time_without_room_is_the_nearest),
        cmocka_unit_test(the_first_of_a_time_is_the_least),
        cmocka_unit_test(many_of_one_moment_differ),
        cmocka_unit_test(every_bit_of_chance_counts),
        cmocka_unit_test(no_chance_no_identifier),
    };

    return RUN("uid", tests);
}
