/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_caller_cache.c The cache of callers: which records it keeps, and for how long. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "../../mod_usermgmt/base/ticks.h"
#include "../../mod_usermgmt/core/caller_cache.h"
#include "../../mod_usermgmt/core/store_callers.h"

#define READ_AT apr_time_from_sec(1000)

static apr_pool_t *pool;
static um_caller_cache_t *cache;

static int set_up(void **state)
{
    (void)state;
    return apr_pool_create(&pool, NULL) != APR_SUCCESS
           || um_caller_cache_create(&cache, pool) != APR_SUCCESS;
}

static int tear_down(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}

static const um_caller_key_t karl = { 0, "org", "karl@example.com" };

static void put_at(const um_caller_key_t *key, const um_caller_record_t *record,
                   apr_time_t read_at)
{
    const um_caller_stamp_t stamp = { 7, read_at };

    um_caller_cache_put(cache, key, record, &stamp);
}

static const um_caller_record_t *get(const um_caller_key_t *key, apr_uint32_t generation,
                                     apr_time_t now, int max_age)
{
    const um_caller_stamp_t stamp = { generation, now };

    return um_caller_cache_get(cache, key, &stamp, apr_time_from_sec(max_age), pool);
}

static void a_record_comes_back(void **state)
{
    const um_caller_record_t whole = { APR_INT64_C(5000000000), "user", 1, 1, "seen", "admin" };
    const um_caller_record_t empty = { 1, NULL, 0, 0, NULL, NULL };
    const um_caller_record_t *found;

    (void)state;
    assert_null(get(&karl, 7, READ_AT, 1));
    put_at(&karl, &whole, READ_AT);
    found = get(&karl, 7, READ_AT, 1);
    assert_non_null(found);
    assert_true(found->org_id == whole.org_id);
    assert_true(found->is_active && found->is_sub_admin);
    assert_string_equal(found->user_uid, "user");
    assert_string_equal(found->seen_uid, "seen");
    assert_string_equal(found->seen_role, "admin");
    put_at(&karl, &empty, READ_AT + 1);
    found = get(&karl, 7, READ_AT + 1, 1);
    assert_non_null(found);
    assert_false(found->is_active || found->is_sub_admin);
    assert_null(found->user_uid);
    assert_null(found->seen_uid);
    assert_null(found->seen_role);
}

static void one_that_was_read_earlier_replaces_none(void **state)
{
    const um_caller_record_t early = { 1, "early", 1, 1, NULL, NULL };
    const um_caller_record_t late = { 1, "late", 1, 1, NULL, NULL };

    (void)state;
    put_at(&karl, &late, READ_AT);
    put_at(&karl, &early, READ_AT - 1);
    assert_string_equal(get(&karl, 7, READ_AT, 1)->user_uid, "late");
}

static void each_caller_has_its_own(void **state)
{
    const um_caller_key_t others[] = {
        { 1, "org", "karl@example.com" },
        { 0, "other", "karl@example.com" },
        { 0, "org", "karla@example.com" },
        { 0, "orgkarl@example.com", "" },
    };
    const um_caller_record_t record = { 1, "karl", 1, 1, NULL, NULL };

    (void)state;
    put_at(&karl, &record, READ_AT);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_null(get(&others[i], 7, READ_AT, 1));
    }
    assert_non_null(get(&karl, 7, READ_AT, 1));
}

static void the_oldest_give_way(void **state)
{
    enum { CALLERS = 3 * UM_CALLER_CACHE_SIZE };
    int kept = 0;
    int late = 0;

    (void)state;
    for (int i = 0; i < CALLERS; i++) {
        const char *name = apr_psprintf(pool, "%d@example.com", i);
        const um_caller_key_t key = { 0, "org", name };
        const um_caller_record_t record = { i, name, 1, 0, NULL, NULL };

        put_at(&key, &record, READ_AT + i);
    }
    for (int i = 0; i < CALLERS; i++) {
        const char *name = apr_psprintf(pool, "%d@example.com", i);
        const um_caller_key_t key = { 0, "org", name };
        const um_caller_record_t *record = get(&key, 7, READ_AT + CALLERS, 3600);

        assert_true(record == NULL || record->org_id == i);
        kept += record != NULL;
        late += record != NULL && i >= CALLERS - UM_CALLER_CACHE_SIZE / 2;
    }
    /* The sets are not filled evenly. */
    assert_in_range(kept, UM_CALLER_CACHE_SIZE * 8 / 10, UM_CALLER_CACHE_SIZE);
    assert_in_range(late, UM_CALLER_CACHE_SIZE * 4 / 10, UM_CALLER_CACHE_SIZE / 2);
}

static void each_reader_has_an_age_of_his_own(void **state)
{
    const um_caller_record_t record = { 1, "user", 1, 1, NULL, NULL };

    (void)state;
    put_at(&karl, &record, READ_AT);
    assert_non_null(get(&karl, 7, READ_AT + apr_time_from_sec(1) - 1, 1));
    assert_null(get(&karl, 7, READ_AT + apr_time_from_sec(1), 1));
    assert_non_null(get(&karl, 7, READ_AT + apr_time_from_sec(1), 3600));
    assert_null(get(&karl, 7, READ_AT + apr_time_from_sec(3600), 3600));
    assert_null(get(&karl, 7, READ_AT, 0));
}

static void a_change_of_roles_or_a_clock_that_was_set_back_ends_it(void **state)
{
    const um_caller_record_t record = { 1, "user", 1, 1, NULL, NULL };

    (void)state;
    put_at(&karl, &record, READ_AT);
    assert_null(get(&karl, 8, READ_AT, 3600));
    assert_null(get(&karl, 6, READ_AT, 3600));
    assert_null(get(&karl, 7, READ_AT - 1, 3600));
    assert_null(get(&karl, 7, 0, 3600));
}

/* One that does not fit must not be cut, and must not leave an older one in its place for ever:
 * that one ends by its age. */
static void a_record_that_is_too_long_is_not_kept(void **state)
{
    enum { LONG = UM_CALLER_CACHE_TEXTS_MAX };
    char uid[LONG + 1];
    const um_caller_record_t record = { 1, uid, 1, 1, NULL, NULL };
    int kept = 0;

    (void)state;
    memset(uid, 'x', LONG);
    for (apr_size_t length = LONG; length > LONG - 64; length--) {
        const um_caller_key_t key = { (int)length, "org", "karl@example.com" };
        const um_caller_record_t *found;

        uid[length] = '\0';
        put_at(&key, &record, READ_AT);
        found = get(&key, 7, READ_AT, 1);
        assert_true(found == NULL || strcmp(found->user_uid, uid) == 0);
        kept += found != NULL;
    }
    assert_in_range(kept, 1, 63);
}

typedef struct worker_t {
    apr_thread_t *thread;
    unsigned seed;
    int hits;
} worker_t;

static void *APR_THREAD_FUNC get_and_put(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;
    apr_pool_t *own;

    (void)thread;
    apr_pool_create(&own, NULL);
    for (int i = 0; i < 20000; i++) {
        int number = (int)(worker->seed = worker->seed * 1103515245 + 12345) >> 16 & 1023;
        const char *name = apr_psprintf(own, "%d@example.com", number);
        const um_caller_key_t key = { 0, "org", name };
        const um_caller_record_t record = { number, name, 1, 0, NULL, NULL };
        const um_caller_stamp_t stamp = { 7, READ_AT };
        const um_caller_record_t *found = um_caller_cache_get(cache, &key, &stamp, 1, own);

        if (found != NULL) {
            assert_int_equal(found->org_id, number);
            assert_string_equal(found->user_uid, name);
            worker->hits++;
        } else {
            um_caller_cache_put(cache, &key, &record, &stamp);
        }
        apr_pool_clear(own);
    }
    apr_pool_destroy(own);
    return NULL;
}

static void threads_share_it(void **state)
{
    worker_t workers[8] = { 0 };
    apr_status_t result;

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        workers[i].seed = i + 1;
        assert_int_equal(apr_thread_create(&workers[i].thread, NULL, get_and_put, &workers[i],
                                           pool),
                         APR_SUCCESS);
    }
    for (int i = 0; i < 8; i++) {
        apr_thread_join(&result, workers[i].thread);
        assert_true(workers[i].hits > 10000);
    }
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
        TEST(one_that_was_read_earlier_replaces_none),
        TEST(each_caller_has_its_own),
        TEST(the_oldest_give_way),
        TEST(each_reader_has_an_age_of_his_own),
        TEST(a_change_of_roles_or_a_clock_that_was_set_back_ends_it),
        TEST(a_record_that_is_too_long_is_not_kept),
        TEST(threads_share_it),
        TEST(the_clock_goes_on),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests_name("caller_cache", tests, NULL, NULL);
    apr_terminate();
    return failed;
}
