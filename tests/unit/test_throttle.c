/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_throttle.c Failures of addresses: how many, for how long, and of whom. */

#include "unit.h"

#include <apr_time.h>

#include "../../mod_usermgmt/core/throttle.h"

#define NOW apr_time_from_sec(5000)
/* More addresses than the table has slots. */
#define MANY 20000

static um_throttle_t *throttle;

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
    throttle = apr_pcalloc(pool, um_throttle_size());
    random_status = APR_SUCCESS;
    return um_throttle_init(throttle, &source) == APR_SUCCESS ? 0 : -1;
}

static const unsigned char one[4] = { 192, 0, 2, 1 };
static const unsigned char other[4] = { 192, 0, 2, 2 };

static apr_interval_time_t fail_at(const unsigned char address[4], apr_time_t now)
{
    return um_throttle_fail(throttle, address, 4, now);
}

static void fail_often(const unsigned char address[4], int count)
{
    for (int i = 0; i < count; i++) {
        assert_true(fail_at(address, NOW) == 0);
    }
}

static void the_eleventh_failure_is_too_many(void **state)
{
    (void)state;
    fail_often(one, UM_THROTTLE_FAILURES);
    assert_true(fail_at(one, NOW) == UM_THROTTLE_TIME);
    assert_true(fail_at(one, NOW + apr_time_from_sec(20)) == apr_time_from_sec(40));
    fail_often(other, UM_THROTTLE_FAILURES);
}

static void after_a_minute_it_begins_anew(void **state)
{
    apr_time_t end = NOW + UM_THROTTLE_TIME;

    (void)state;
    fail_often(one, UM_THROTTLE_FAILURES);
    /* More failures don't make the minute longer, however many. */
    for (int i = 0; i < 1000; i++) {
        assert_true(fail_at(one, end - 1000) == 1000);
    }
    for (int i = 0; i < UM_THROTTLE_FAILURES; i++) {
        assert_true(fail_at(one, end) == 0);
    }
    assert_true(fail_at(one, end) == UM_THROTTLE_TIME);
}

static void another_process_may_be_ahead(void **state)
{
    (void)state;
    fail_often(one, UM_THROTTLE_FAILURES);
    assert_true(fail_at(one, NOW - apr_time_from_sec(1)) > UM_THROTTLE_TIME);
}

static void the_first_64_bits_are_an_address_of_ipv6(void **state)
{
    unsigned char address[16] = { 0x20, 0x01, 0x0d, 0xb8, 1, 2, 3, 4 };

    (void)state;
    for (int i = 0; i < UM_THROTTLE_FAILURES; i++) {
        address[15] = (unsigned char)i;
        address[8] = (unsigned char)(i + 1);
        assert_true(um_throttle_fail(throttle, address, 16, NOW) == 0);
    }
    assert_true(um_throttle_fail(throttle, address, 16, NOW) > 0);
    address[7] = 5;
    assert_true(um_throttle_fail(throttle, address, 16, NOW) == 0);
}

static void an_address_of_ipv4_may_be_written_as_one_of_ipv6(void **state)
{
    unsigned char mapped[16] = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 1 };

    (void)state;
    fail_often(one, UM_THROTTLE_FAILURES);
    assert_true(um_throttle_fail(throttle, mapped, 16, NOW) > 0);
    mapped[15] = 3;
    assert_true(um_throttle_fail(throttle, mapped, 16, NOW) == 0);
}

static void other_addresses_count_as_one(void **state)
{
    (void)state;
    for (int i = 0; i < UM_THROTTLE_FAILURES; i++) {
        assert_true(um_throttle_fail(throttle, "/run/socket", (apr_size_t)i % 4, NOW) == 0);
    }
    assert_true(um_throttle_fail(throttle, NULL, 0, NOW) > 0);
}

static void the_oldest_are_forgotten(void **state)
{
    unsigned char address[4] = { 10 };

    (void)state;
    fail_often(one, UM_THROTTLE_FAILURES);
    for (int i = 0; i < MANY; i++) {
        address[1] = (unsigned char)(i >> 16);
        address[2] = (unsigned char)(i >> 8);
        address[3] = (unsigned char)i;
        assert_true(fail_at(address, NOW + 1000 * (i + 1)) == 0);
    }
    /* The latest one is still there, the first is not. */
    for (int i = 1; i < UM_THROTTLE_FAILURES; i++) {
        assert_true(fail_at(address, NOW + 1000 * MANY) == 0);
    }
    assert_true(fail_at(address, NOW + 1000 * MANY) > 0);
    assert_true(fail_at(one, NOW + 1000 * MANY) == 0);
}

static void without_random_bytes_there_is_no_table(void **state)
{
    (void)state;
    random_status = APR_EGENERAL;
    assert_int_equal(um_throttle_init(throttle, &source), APR_EGENERAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SET_UP(the_eleventh_failure_is_too_many),
        WITH_SET_UP(after_a_minute_it_begins_anew),
        WITH_SET_UP(another_process_may_be_ahead),
        WITH_SET_UP(the_first_64_bits_are_an_address_of_ipv6),
        WITH_SET_UP(an_address_of_ipv4_may_be_written_as_one_of_ipv6),
        WITH_SET_UP(other_addresses_count_as_one),
        WITH_SET_UP(the_oldest_are_forgotten),
        WITH_SET_UP(without_random_bytes_there_is_no_table),
    };

    return RUN("throttle", tests);
}
