/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_key_cache.c The cache of API keys: which keys it keeps, and for how long. */

#include "unit.h"

#include "../../mod_usermgmt/core/key_cache.h"

#define READ_AT apr_time_from_sec(1000)
#define ID "0123456789Ab"

static um_key_cache_t *cache;
static char digest[UM_SHA256_HEX_LENGTH + 1];
static char old_digest[UM_SHA256_HEX_LENGTH + 1];

static int set_up(void **state)
{
    memset(digest, 'a', UM_SHA256_HEX_LENGTH);
    memset(old_digest, 'b', UM_SHA256_HEX_LENGTH);
    return make_pool(state) != 0 || um_key_cache_create(&cache, pool) != APR_SUCCESS ? -1 : 0;
}

static um_cached_key_t sample(void)
{
    um_cached_key_t cached = { .permissions = 5 };

    cached.key.id = ID;
    cached.key.name = "a name";
    cached.key.permissions = "users:read";
    cached.key.organization = "org";
    cached.key.org_id = APR_INT64_C(5000000000);
    cached.key.secret_sha256 = digest;
    cached.key.expires_at = 7;
    return cached;
}

static void put_at(const um_cached_key_t *key, apr_time_t read_at)
{
    const um_caller_stamp_t stamp = { 7, read_at };

    um_key_cache_put(cache, 0, key, &stamp);
}

static um_cached_key_t *get(int database, const char *id, apr_uint32_t generation, apr_time_t now,
                            int max_age)
{
    const um_caller_stamp_t stamp = { generation, now };

    return um_key_cache_get(cache, database, id, &stamp, apr_time_from_sec(max_age), pool);
}

static um_cached_key_t *get_now(const char *id)
{
    return get(0, id, 7, READ_AT, 1);
}

static void a_key_comes_back(void **state)
{
    um_cached_key_t key = sample();
    const um_cached_key_t *found;

    (void)state;
    assert_null(get_now(ID));
    put_at(&key, READ_AT);
    found = get_now(ID);
    assert_non_null(found);
    assert_string_equal(found->key.id, ID);
    assert_string_equal(found->key.secret_sha256, digest);
    assert_null(found->key.old_secret_sha256);
    assert_null(found->key.allow_from);
    assert_null(found->key.name);
    assert_string_equal(found->key.organization, "org");
    assert_true(found->key.org_id == key.key.org_id && found->key.expires_at == 7);
    assert_int_equal(found->permissions, 5);
}

static void a_later_one_takes_its_place(void **state)
{
    um_cached_key_t key = sample();
    const um_cached_key_t *found;

    (void)state;
    put_at(&key, READ_AT);
    key.key.old_secret_sha256 = old_digest;
    key.key.allow_from = "192.0.2.0/24 2001:db8::/32";
    key.key.revoked_at = 8;
    put_at(&key, READ_AT + 1);
    /* What was read before it does not. */
    key.key.revoked_at = 9;
    put_at(&key, READ_AT);
    found = get(0, ID, 7, READ_AT + 1, 1);
    assert_non_null(found);
    assert_string_equal(found->key.old_secret_sha256, old_digest);
    assert_string_equal(found->key.allow_from, "192.0.2.0/24 2001:db8::/32");
    assert_true(found->key.revoked_at == 8);
}

static void it_is_kept_for_a_time(void **state)
{
    um_cached_key_t key = sample();

    (void)state;
    put_at(&key, READ_AT);
    assert_non_null(get(0, ID, 7, READ_AT + apr_time_from_sec(5) - 1, 5));
    assert_null(get(0, ID, 7, READ_AT + apr_time_from_sec(5), 5));
    assert_null(get(0, ID, 7, READ_AT - 1, 5));
    assert_null(get(0, ID, 8, READ_AT, 5));
    assert_null(get(1, ID, 7, READ_AT, 5));
    assert_null(get_now("0123456789aB"));
}

static void what_is_too_long_is_not_kept(void **state)
{
    um_cached_key_t key = sample();

    (void)state;
    key.key.allow_from = times(UM_KEY_CACHE_TEXTS_MAX - 5, "1");
    put_at(&key, READ_AT);
    assert_non_null(get_now(ID));
    assert_string_equal(get_now(ID)->key.allow_from, key.key.allow_from);
    key.key.id = "other6789012";
    key.key.allow_from = times(UM_KEY_CACHE_TEXTS_MAX - 4, "1");
    put_at(&key, READ_AT);
    assert_null(get_now("other6789012"));
}

static void the_oldest_are_replaced(void **state)
{
    um_cached_key_t key = sample();
    int found = 0;

    (void)state;
    for (int i = 0; i < 4 * UM_KEY_CACHE_SIZE; i++) {
        key.key.id = apr_psprintf(pool, "%012d", i);
        put_at(&key, READ_AT + i);
        assert_non_null(get(0, key.key.id, 7, READ_AT + i, 1));
    }
    for (int i = 0; i < 4 * UM_KEY_CACHE_SIZE; i++) {
        found += get(0, apr_psprintf(pool, "%012d", i), 7, READ_AT + i, 1) != NULL;
    }
    assert_true(found > UM_KEY_CACHE_SIZE / 2 && found <= UM_KEY_CACHE_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SET_UP(a_key_comes_back),        WITH_SET_UP(a_later_one_takes_its_place),
        WITH_SET_UP(it_is_kept_for_a_time),   WITH_SET_UP(what_is_too_long_is_not_kept),
        WITH_SET_UP(the_oldest_are_replaced),
    };

    return RUN("key_cache", tests);
}
