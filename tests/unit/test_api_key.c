/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_api_key.c API keys: their text, their status, their networks, and the store. */

#include "unit.h"

#include "../../mod_usermgmt/core/api_key.h"
#include "../../mod_usermgmt/core/store_api_keys.h"
#include "../../mod_usermgmt/core/store_callers.h"
#include "../../mod_usermgmt/core/store_organizations.h"
#include "sqlite_host.h"

/* Computed with Python's zlib and hashlib. */
#define KEY "umk_2z5BFJGvlcnd0123456789abcdefghijABCDEFGHIJKL3yWqFD"
#define KEY_ID "2z5BFJGvlcnd"

static sqlite_host_t *host;
static um_db_t *db;
static apr_int64_t org;

static int set_up(void **state)
{
    make_pool(state);
    host = sqlite_host_create(pool);
    db = sqlite_host_open_org(&org, host);
    return db != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    um_db_close(db);
    apr_pool_destroy(pool);
    return 0;
}

/* ---- the text ---- */

/* Random bytes that count up from the baton's. */
static apr_status_t count_up(unsigned char *bytes, apr_size_t length, void *baton)
{
    unsigned char *next = baton;

    for (apr_size_t i = 0; i < length; i++) {
        bytes[i] = (*next)++;
    }
    return APR_SUCCESS;
}

static apr_status_t no_bytes(unsigned char *bytes, apr_size_t length, void *baton)
{
    (void)bytes;
    (void)length;
    (void)baton;
    return APR_ENOTIMPL;
}

static void an_id_is_its_time_and_chance(void **state)
{
    unsigned char zero = 0;
    unsigned char ones = 0xff;
    const um_random_t random = { count_up, &zero };
    const um_random_t none = { no_bytes, NULL };
    char id[UM_API_KEY_ID_LENGTH + 1];
    char later[UM_API_KEY_ID_LENGTH + 1];

    (void)state;
    /* The bytes 0, 1, 2, 3, of which 16 bits are used. */
    assert_int_equal(um_api_key_make_id(id, 1764440000000123, &random), APR_SUCCESS);
    assert_string_equal(id, "2H533g5hxozw");
    assert_true(um_api_key_is_id(id));
    assert_int_equal(um_api_key_make_id(later, 1764440000000124,
                                        &(um_random_t){ count_up, &ones }),
                     APR_SUCCESS);
    assert_true(strcmp(id, later) < 0);
    /* Times that do not fit become the nearest ones. */
    assert_int_equal(um_api_key_make_id(id, -1, &random), APR_SUCCESS);
    assert_memory_equal(id, "00000", 5);
    assert_int_equal(um_api_key_make_id(id, APR_INT64_MAX, &random), APR_SUCCESS);
    assert_memory_equal(id, "jNHIIMG", 7);
    assert_int_equal(um_api_key_make_id(id, 1, &none), APR_ENOTIMPL);
}

static void a_made_key_is_read_again(void **state)
{
    um_api_key_text_t made;
    um_api_key_text_t other;
    um_api_key_text_t read;
    const um_random_t *random;

    set_up(state);
    random = &um_db_host(db)->random;
    assert_int_equal(um_api_key_make(&made, KEY_ID, random), APR_SUCCESS);
    assert_int_equal(um_api_key_make(&other, KEY_ID, random), APR_SUCCESS);
    assert_int_equal(strlen(made.text), UM_API_KEY_LENGTH);
    assert_string_not_equal(made.text, other.text);
    assert_string_not_equal(made.secret_sha256, other.secret_sha256);
    assert_int_equal(um_api_key_parse(&read, made.text), APR_SUCCESS);
    assert_string_equal(read.id, KEY_ID);
    assert_string_equal(read.text, made.text);
    assert_string_equal(read.secret_sha256, made.secret_sha256);
    assert_null(strstr(made.text, made.secret_sha256));
    assert_int_equal(um_api_key_make(&made, KEY_ID, &(um_random_t){ no_bytes, NULL }),
                     APR_ENOTIMPL);
    tear_down(state);
}

/* Each character is as likely: bytes above the last multiple of 62 are not used. */
static void a_secret_has_fair_characters(void **state)
{
    unsigned char start = 240;
    um_api_key_text_t made;

    (void)state;
    assert_int_equal(um_api_key_make(&made, KEY_ID, &(um_random_t){ count_up, &start }),
                     APR_SUCCESS);
    /* 240 to 247 give s to z; 248 to 255 are left out; then come 0 to 23. */
    assert_memory_equal(made.text + 16,
                        "stuvwxyz"
                        "0123456789ABCDEFGHIJKLMN",
                        32);
}

static void a_known_key_has_that_checksum(void **state)
{
    um_api_key_text_t read;

    (void)state;
    assert_int_equal(um_api_key_parse(&read, KEY), APR_SUCCESS);
    assert_string_equal(read.id, KEY_ID);
    assert_string_equal(read.secret_sha256,
                        "b201c11b51c4fd768ec688dfaf387e20d34c65a50e3bbc69d5c2fc30eb1c9b19");
}

static void any_changed_character_is_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i < UM_API_KEY_LENGTH; i++) {
        char text[] = KEY;
        um_api_key_text_t read;

        text[i] = text[i] == 'x' ? 'y' : 'x';
        assert_int_equal(um_api_key_parse(&read, text), UM_EINVALID);
        /* Two neighbours that changed places. */
        memcpy(text, KEY, sizeof(text));
        text[i] = KEY[i + 1];
        text[i + 1] = KEY[i];
        if (text[i] != text[i + 1]) {
            assert_int_equal(um_api_key_parse(&read, text), UM_EINVALID);
        }
    }
}

static void what_has_not_the_form_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "umk_",
        "umk",
        "x",
        "2z5BFJGvlcnd",
        "UMK_2z5BFJGvlcnd0123456789abcdefghijABCDEFGHIJKL3yWqFD",
        " " KEY,
        KEY " ",
        KEY "0",
        "umk_2z5BFJGvlcnd0123456789abcdefghijABCDEFGHIJKL3yWqF",
        "umk-2z5BFJGvlcnd0123456789abcdefghijABCDEFGHIJKL3yWqFD",
        "umk_2z5BFJGvlcn_0123456789abcdefghijABCDEFGHIJKL3yWqFD",
        "umk_2z5BFJGvlcnd0123456789abcdefghijABCDEFGHIJKL3yWq" E_ACUTE,
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        um_api_key_text_t read;

        assert_int_equal(um_api_key_parse(&read, bad[i]), UM_EINVALID);
    }
    assert_false(um_api_key_is_id(""));
    assert_false(um_api_key_is_id("2z5BFJGvlcn"));
    assert_false(um_api_key_is_id("2z5BFJGvlcndd"));
    assert_false(um_api_key_is_id("2z5BFJGvlcn-"));
}

/* ---- the status ---- */

static const char *status_at(const um_api_key_t *key, apr_int64_t now)
{
    return um_api_key_status_name(um_api_key_status(key, now));
}

static void the_status_changes_at_the_exact_time(void **state)
{
    um_api_key_t key = { .old_until = 1500, .expires_at = 2000 };

    (void)state;
    assert_string_equal(status_at(&key, 1499), "rotating");
    assert_string_equal(status_at(&key, 1500), "active");
    assert_string_equal(status_at(&key, 1999), "active");
    assert_string_equal(status_at(&key, 2000), "expired");
    key.old_until = 3000;
    assert_string_equal(status_at(&key, 2000), "expired");
    key.expires_at = 0;
    assert_string_equal(status_at(&key, 2000), "rotating");
    assert_string_equal(status_at(&key, APR_INT64_MAX), "active");
    key.revoked_at = 9000;
    assert_string_equal(status_at(&key, 2000), "revoked");
}

static void a_secret_holds_in_its_time(void **state)
{
    um_api_key_text_t current;
    um_api_key_text_t old;
    um_api_key_t key = { .old_until = 1500, .expires_at = 2000 };
    unsigned char zero = 0;
    const um_random_t random = { count_up, &zero };

    (void)state;
    um_api_key_make(&current, KEY_ID, &random);
    um_api_key_make(&old, KEY_ID, &random);
    key.secret_sha256 = current.secret_sha256;
    key.old_secret_sha256 = old.secret_sha256;
    assert_true(um_api_key_accepts(&key, current.secret_sha256, 1499));
    assert_true(um_api_key_accepts(&key, old.secret_sha256, 1499));
    assert_true(um_api_key_accepts(&key, current.secret_sha256, 1500));
    assert_false(um_api_key_accepts(&key, old.secret_sha256, 1500));
    assert_true(um_api_key_accepts(&key, current.secret_sha256, 1999));
    assert_false(um_api_key_accepts(&key, current.secret_sha256, 2000));
    key.old_until = 3000;
    assert_false(um_api_key_accepts(&key, old.secret_sha256, 2000));
    key.revoked_at = 1;
    assert_false(um_api_key_accepts(&key, current.secret_sha256, 10));
    assert_false(um_api_key_accepts(&key, old.secret_sha256, 10));
    key.revoked_at = 0;
    key.old_secret_sha256 = NULL;
    assert_false(um_api_key_accepts(&key, old.secret_sha256, 10));
    current.secret_sha256[63] = current.secret_sha256[63] == '0' ? '1' : '0';
    assert_false(um_api_key_accepts(&key, old.secret_sha256, 10));
}

/* ---- networks ---- */

static int allows(const char *allow_from, const char *address)
{
    apr_sockaddr_t *from = NULL;

    assert_int_equal(apr_sockaddr_info_get(&from, address, APR_UNSPEC, 0, 0, pool), APR_SUCCESS);
    return um_api_key_is_allowed_from(um_api_key_networks(allow_from, pool), from);
}

static void networks_are_checked(void **state)
{
    static const char *const good[] = { "192.0.2.1",     "192.0.2.0/24",    "128.0.0.0/1", "::1",
                                        "2001:db8::/32", "2001:db8::1/128", "10.1.2.3/8" };
    static const char *const bad[] = { "",
                                       "/",
                                       "10",
                                       "10.1",
                                       "10.0.0.0/",
                                       "10.0.0.0/33",
                                       "0.0.0.0/0",
                                       "::/0",
                                       "10.0.0.0/-1",
                                       "10.0.0.0/255.0.0.0",
                                       "10.0.0.0/8/8",
                                       "::1/129",
                                       "[::1]",
                                       "localhost",
                                       "example.com",
                                       "10.0.0.0/0008",
                                       "10.0.0.0/a",
                                       "10.0.0.0 /8",
                                       "1e1" };

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_null(um_api_key_check_network(good[i], pool));
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_non_null(um_api_key_check_network(bad[i], pool));
    }
}

static void only_networks_of_a_key_are_allowed(void **state)
{
    (void)state;
    assert_true(allows(NULL, "203.0.113.9"));
    assert_true(allows("192.0.2.0/24", "192.0.2.255"));
    assert_false(allows("192.0.2.0/24", "192.0.3.0"));
    assert_true(allows("192.0.2.1", "192.0.2.1"));
    assert_false(allows("192.0.2.1", "192.0.2.2"));
    assert_true(allows("192.0.2.1 2001:db8::/32", "2001:db8:1::5"));
    assert_false(allows("192.0.2.1 2001:db8::/32", "2001:db9::"));
    assert_false(allows("128.0.0.0/1", "8000::1"));
    /* None of these is one, so nothing is allowed. */
    assert_false(allows("", "192.0.2.1"));
    assert_false(allows("nonsense", "192.0.2.1"));
    assert_true(allows("nonsense 192.0.2.1", "192.0.2.1"));
}

static void a_name_has_rules(void **state)
{
    (void)state;
    assert_null(um_api_key_check_name("nightly import"));
    assert_null(um_api_key_check_name(times(UM_API_KEY_NAME_MAX, E_ACUTE)));
    assert_string_equal(um_api_key_check_name(times(UM_API_KEY_NAME_MAX + 1, "x"))->code,
                        "too_long");
    assert_string_equal(um_api_key_check_name("")->code, "required");
    assert_string_equal(um_api_key_check_name("\xe2\x80\x8b")->code, "required");
    assert_string_equal(um_api_key_check_name("a\nb")->code, "control_character");
}

/* ---- the store ---- */

static um_api_key_t key_of(const char *id)
{
    return (um_api_key_t){
        .id = id,
        .name = "Import",
        .permissions = "users:read scim",
        .allow_from = "192.0.2.0/24 ::1",
        .created_at = 1000,
        .created_by = "boss@example.com",
        .expires_at = 2000,
        .secret_sha256 = times(64, "a"),
    };
}

static um_api_key_t *find(const char *id)
{
    um_api_key_t *found = NULL;

    assert_int_equal(um_store_api_keys_find(&found, db, id, pool), APR_SUCCESS);
    return found;
}

static void insert(const um_api_key_t *key)
{
    assert_int_equal(um_store_api_keys_insert(db, org, key, pool), APR_SUCCESS);
}

static void what_is_stored_comes_back(void **state)
{
    um_api_key_t key = key_of("000000000001");
    um_api_key_t least = key_of("000000000002");
    um_api_key_t *found = NULL;

    (void)state;
    insert(&key);
    found = find(key.id);
    assert_string_equal(found->id, key.id);
    assert_string_equal(found->name, key.name);
    assert_false(found->is_admin);
    assert_string_equal(found->permissions, key.permissions);
    assert_string_equal(found->allow_from, key.allow_from);
    assert_int_equal(found->created_at, 1000);
    assert_string_equal(found->created_by, key.created_by);
    assert_int_equal(found->expires_at, 2000);
    assert_int_equal(found->revoked_at, 0);
    assert_int_equal(found->old_until, 0);
    assert_int_equal(found->last_used_at, 0);
    assert_null(found->last_used_addr);
    assert_string_equal(found->secret_sha256, key.secret_sha256);
    assert_null(found->old_secret_sha256);
    assert_int_equal(found->org_id, org);
    assert_string_equal(found->organization, "default");
    least.is_admin = 1;
    least.permissions = "";
    least.allow_from = NULL;
    least.expires_at = 0;
    insert(&least);
    found = find(least.id);
    assert_true(found->is_admin);
    assert_null(found->allow_from);
    assert_int_equal(found->expires_at, 0);
    assert_int_equal(um_store_api_keys_find(&found, db, "000000000003", pool), UM_ENOTFOUND);
    assert_int_equal(um_store_api_keys_find(&found, db, "' OR 1=1 --", pool), UM_ENOTFOUND);
}

static void an_id_is_taken_once_in_all_organizations(void **state)
{
    um_organization_t *other = NULL;
    um_api_key_t key = key_of("000000000001");
    um_api_key_t *found = NULL;

    (void)state;
    assert_int_equal(um_store_organizations_insert(db, "other", 1, pool), APR_SUCCESS);
    assert_int_equal(um_store_organizations_get(&other, db, "other", pool), APR_SUCCESS);
    insert(&key);
    assert_int_equal(um_store_api_keys_insert(db, org, &key, pool), UM_ECONFLICT);
    assert_int_equal(um_store_api_keys_insert(db, other->id, &key, pool), UM_ECONFLICT);
    assert_int_equal(um_store_api_keys_get(&found, db, org, key.id, pool), APR_SUCCESS);
    assert_int_equal(um_store_api_keys_get(&found, db, other->id, key.id, pool), UM_ENOTFOUND);
    assert_int_equal(um_store_api_keys_update(db, other->id, &key, pool), UM_ECONFLICT);
    assert_int_equal(um_store_api_keys_rotate(db, other->id, &key, pool), UM_ECONFLICT);
    assert_int_equal(um_store_api_keys_revoke(db, other->id, key.id, 5, pool), UM_ECONFLICT);
    assert_int_equal(find(key.id)->revoked_at, 0);
}

static void a_key_changes_until_it_is_revoked(void **state)
{
    um_api_key_t key = key_of("000000000001");

    (void)state;
    insert(&key);
    key.name = "Zo\xc3\xab";
    key.permissions = "scim";
    key.allow_from = NULL;
    assert_int_equal(um_store_api_keys_update(db, org, &key, pool), APR_SUCCESS);
    key.old_secret_sha256 = key.secret_sha256;
    key.secret_sha256 = times(64, "b");
    key.old_until = 1500;
    assert_int_equal(um_store_api_keys_rotate(db, org, &key, pool), APR_SUCCESS);
    assert_string_equal(find(key.id)->name, key.name);
    assert_string_equal(find(key.id)->permissions, "scim");
    assert_null(find(key.id)->allow_from);
    assert_int_equal(find(key.id)->expires_at, 2000);
    assert_string_equal(find(key.id)->secret_sha256, times(64, "b"));
    assert_string_equal(find(key.id)->old_secret_sha256, times(64, "a"));
    assert_int_equal(find(key.id)->old_until, 1500);
    key.old_secret_sha256 = NULL;
    key.old_until = 0;
    assert_int_equal(um_store_api_keys_rotate(db, org, &key, pool), APR_SUCCESS);
    assert_null(find(key.id)->old_secret_sha256);
    assert_int_equal(um_store_api_keys_revoke(db, org, key.id, 1200, pool), APR_SUCCESS);
    assert_int_equal(find(key.id)->revoked_at, 1200);
    assert_int_equal(um_store_api_keys_revoke(db, org, key.id, 1300, pool), UM_ECONFLICT);
    assert_int_equal(um_store_api_keys_update(db, org, &key, pool), UM_ECONFLICT);
    assert_int_equal(um_store_api_keys_rotate(db, org, &key, pool), UM_ECONFLICT);
    assert_int_equal(find(key.id)->revoked_at, 1200);
}

static void uses_are_noted_forward_only(void **state)
{
    um_api_key_t one = key_of("000000000001");
    um_api_key_t two = key_of("000000000002");
    const um_api_key_use_t first[] = { { one.id, 1100, "192.0.2.1" },
                                       { "000000000009", 1100, "192.0.2.9" },
                                       { two.id, 1200, "::1" } };
    const um_api_key_use_t then[] = { { one.id, 1099, "192.0.2.2" },
                                      { two.id, 1201, "192.0.2.2" } };

    (void)state;
    insert(&one);
    insert(&two);
    assert_int_equal(um_store_api_keys_note_uses(db, NULL, 0, pool), APR_SUCCESS);
    assert_int_equal(um_store_api_keys_note_uses(db, first, 3, pool), APR_SUCCESS);
    assert_int_equal(find(one.id)->last_used_at, 1100);
    assert_string_equal(find(one.id)->last_used_addr, "192.0.2.1");
    assert_int_equal(um_store_api_keys_note_uses(db, then, 2, pool), APR_SUCCESS);
    assert_int_equal(find(one.id)->last_used_at, 1100);
    assert_string_equal(find(one.id)->last_used_addr, "192.0.2.1");
    assert_int_equal(find(two.id)->last_used_at, 1201);
    assert_string_equal(find(two.id)->last_used_addr, "192.0.2.2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_its_time_and_chance),
        cmocka_unit_test(a_made_key_is_read_again),
        cmocka_unit_test(a_secret_has_fair_characters),
        cmocka_unit_test(a_known_key_has_that_checksum),
        cmocka_unit_test(any_changed_character_is_noticed),
        cmocka_unit_test(what_has_not_the_form_is_refused),
        cmocka_unit_test(the_status_changes_at_the_exact_time),
        cmocka_unit_test(a_secret_holds_in_its_time),
        WITH_POOL(networks_are_checked),
        WITH_POOL(only_networks_of_a_key_are_allowed),
        WITH_POOL(a_name_has_rules),
        WITH_TEAR_DOWN(what_is_stored_comes_back),
        WITH_TEAR_DOWN(an_id_is_taken_once_in_all_organizations),
        WITH_TEAR_DOWN(a_key_changes_until_it_is_revoked),
        WITH_TEAR_DOWN(uses_are_noted_forward_only),
    };

    return RUN("api_key", tests);
}
