/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_scim_cursor.c Cursors of SCIM: whole, changed, of another query, expired. */

#include "unit.h"

#include "../../mod_usermgmt/base/status.h"
#include "../../mod_usermgmt/rest/cursor.h"
#include "../../mod_usermgmt/scim/cursor.h"

#define UNRESERVED "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
#define NOW 1700000000000
#define LAST (NOW + UM_SCIM_CURSOR_SECONDS * 1000 - 1)

static const um_scim_cursor_seal_t seal = { "secret", 6, "1 users userName eq \"a b\"" };
static const um_cursor_t at = { "2z5BF6Oo6co4nh2YCDiy", "anna maria" };

static const char *written(void)
{
    return um_scim_cursor_write(&seal, 1, &at, NOW, pool);
}

static apr_status_t read_by(const um_scim_cursor_seal_t *by, const char *text, apr_int64_t now)
{
    um_cursor_t cursor;
    int part;

    return um_scim_cursor_read(&part, &cursor, by, text, now, pool);
}

static void it_reads_as_it_was_written(void **state)
{
    const char *text = written();
    um_cursor_t cursor = { NULL, NULL };
    int part = 0;

    (void)state;
    assert_int_equal(strspn(text, UNRESERVED), strlen(text));
    assert_int_equal(um_scim_cursor_read(&part, &cursor, &seal, text, NOW, pool), APR_SUCCESS);
    assert_int_equal(part, 1);
    assert_string_equal(cursor.key, at.key);
    assert_string_equal(cursor.value, at.value);
}

static void it_expires_after_an_hour(void **state)
{
    (void)state;
    assert_int_equal(read_by(&seal, written(), LAST), APR_SUCCESS);
    assert_int_equal(read_by(&seal, written(), LAST + 1), APR_TIMEUP);
}

static void it_belongs_to_its_query_and_secret(void **state)
{
    um_scim_cursor_seal_t other = seal;

    (void)state;
    other.query = "1 users userName eq \"a c\"";
    assert_int_equal(read_by(&other, written(), NOW), UM_EINVALID);
    other = seal;
    other.secret = "Secret";
    assert_int_equal(read_by(&other, written(), NOW), UM_EINVALID);
}

static void no_changed_cursor_is_read(void **state)
{
    const char *text = written();

    (void)state;
    for (size_t i = 0; i < strlen(text); i++) {
        char *changed = apr_pstrdup(pool, text);

        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        assert_int_equal(read_by(&seal, changed, NOW), UM_EINVALID);
        changed[i] = '\0';
        assert_int_equal(read_by(&seal, changed, NOW), UM_EINVALID);
    }
}

/* Whoever knows how cursors of the native lists are made can make these, but can't sign them. */
static void no_cursor_of_others_is_read(void **state)
{
    const char *ofs[] = { "users/email",
                          "scim",
                          "scim:",
                          "scim:0:1800000000000",
                          "scim:0:1800000000000:",
                          "scim:0:1800000000000:0000000000000000000000000000000000000000000000000"
                          "000000000000000",
                          "scim::::" };

    (void)state;
    for (size_t i = 0; i < COUNT(ofs); i++) {
        assert_int_equal(read_by(&seal, um_cursor_write(ofs[i], &at, pool), NOW), UM_EINVALID);
    }
    assert_int_equal(read_by(&seal, "2z5BF6Oo6co4nh2YCDiy", NOW), UM_EINVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_POOL(it_reads_as_it_was_written),         WITH_POOL(it_expires_after_an_hour),
        WITH_POOL(it_belongs_to_its_query_and_secret), WITH_POOL(no_changed_cursor_is_read),
        WITH_POOL(no_cursor_of_others_is_read),
    };

    return RUN("scim cursors", tests);
}
