/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_caller_record.c What is remembered of callers, and for how long. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>

#include "../../mod_usermgmt/base/ticks.h"
#include "../../mod_usermgmt/core/caller_record.h"
#include "../../mod_usermgmt/core/store_organizations.h"

#define READ_AT apr_time_from_sec(1000)

static apr_pool_t *pool;
static char packed[UM_CALLER_RECORD_MAX];

static int set_up(void **state)
{
    (void)state;
    return apr_pool_create(&pool, NULL) != APR_SUCCESS;
}

static int tear_down(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}

static void pack(const um_caller_record_t *record)
{
    const um_caller_stamp_t stamp = { 7, READ_AT };

    assert_true(um_caller_record_pack(packed, record, &stamp) > 0);
}

static const um_caller_record_t *unpack(apr_uint32_t generation, apr_time_t now, int max_age)
{
    const um_caller_stamp_t stamp = { generation, now };

    return um_caller_record_unpack(packed, &stamp, apr_time_from_sec(max_age), pool);
}

static void a_record_comes_back(void **state)
{
    const um_caller_record_t whole = { APR_INT64_C(5000000000), "user", 1, 1, "seen", "admin" };
    const um_caller_record_t empty = { 1, NULL, 0, 0, NULL, NULL };
    const um_caller_record_t *found;

    (void)state;
    pack(&whole);
    found = unpack(7, READ_AT, 1);
    assert_non_null(found);
    assert_true(found->org_id == whole.org_id);
    assert_true(found->is_active && found->is_sub_admin);
    assert_string_equal(found->user_uid, "user");
    assert_string_equal(found->seen_uid, "seen");
    assert_string_equal(found->seen_role, "admin");
    pack(&empty);
    found = unpack(7, READ_AT, 1);
    assert_non_null(found);
    assert_false(found->is_active || found->is_sub_admin);
    assert_null(found->user_uid);
    assert_null(found->seen_uid);
    assert_null(found->seen_role);
}

static void each_reader_has_an_age_of_his_own(void **state)
{
    const um_caller_record_t record = { 1, "user", 1, 1, NULL, NULL };

    (void)state;
    pack(&record);
    assert_non_null(unpack(7, READ_AT + apr_time_from_sec(1) - 1, 1));
    assert_null(unpack(7, READ_AT + apr_time_from_sec(1), 1));
    assert_non_null(unpack(7, READ_AT + apr_time_from_sec(1), 3600));
    assert_null(unpack(7, READ_AT + apr_time_from_sec(3600), 3600));
    assert_null(unpack(7, READ_AT, 0));
}

static void a_change_of_roles_or_a_clock_that_was_set_back_ends_it(void **state)
{
    const um_caller_record_t record = { 1, "user", 1, 1, NULL, NULL };

    (void)state;
    pack(&record);
    assert_null(unpack(8, READ_AT, 3600));
    assert_null(unpack(6, READ_AT, 3600));
    assert_null(unpack(7, READ_AT - 1, 3600));
    assert_null(unpack(7, 0, 3600));
}

static void a_record_that_is_too_long_is_not_packed(void **state)
{
    const um_caller_stamp_t stamp = { 7, READ_AT };
    char uid[UM_CALLER_RECORD_MAX + 1];
    const um_caller_record_t record = { 1, uid, 1, 1, NULL, NULL };

    (void)state;
    memset(uid, 'x', UM_CALLER_RECORD_MAX);
    for (apr_size_t length = UM_CALLER_RECORD_MAX; length > UM_CALLER_RECORD_MAX - 64; length--) {
        apr_size_t taken;

        uid[length] = '\0';
        taken = um_caller_record_pack(packed, &record, &stamp);
        assert_true(taken <= UM_CALLER_RECORD_MAX);
        assert_true(taken == 0 || strcmp(unpack(7, READ_AT, 1)->user_uid, uid) == 0);
    }
    assert_true(um_caller_record_pack(packed, &record, &stamp) > 0);
}

static void the_clock_goes_on(void **state)
{
    apr_time_t start = um_ticks();

    (void)state;
    apr_sleep(1000);
    assert_true(um_ticks() - start >= 1000);
    assert_true(um_ticks() - start < apr_time_from_sec(60));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_record_comes_back),
        TEST(each_reader_has_an_age_of_his_own),
        TEST(a_change_of_roles_or_a_clock_that_was_set_back_ends_it),
        TEST(a_record_that_is_too_long_is_not_packed),
        TEST(the_clock_goes_on),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests_name("caller_record", tests, NULL, NULL);
    apr_terminate();
    return failed;
}
