/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_cursor.c Cursors as clients see them. */

#include "unit.h"

#include "../../mod_usermgmt/rest/cursor.h"

#define UNRESERVED "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
#define KEY "2z5BF6Oo6co4nh2YCDiy"

static const char *made_of(const char *key, const char *value)
{
    um_cursor_t cursor = { key, value };

    return um_cursor_write("users/display_name", &cursor, pool);
}

static int reads(const char *text)
{
    const char *of = NULL;
    um_cursor_t cursor;

    return um_cursor_read(&of, &cursor, text, pool);
}

static void what_is_written_is_read(void **state)
{
    const char *values[] = { "",
                             " ",
                             "anna",
                             "anna maria ",
                             "  x",
                             "1700000000000",
                             "-1",
                             "%s",
                             "\xc3\xa9\xf0\x9f\x98\x80",
                             "a=b&c",
                             "\n",
                             "~",
                             NULL };

    (void)state;
    for (int i = 0; values[i] != NULL; i++) {
        for (int length = 1; length <= 128; length += 127) {
            char *key = apr_psprintf(pool, "%0*d", length, 0);
            const char *text = made_of(key, values[i]);
            const char *of = NULL;
            um_cursor_t cursor = { NULL, NULL };

            assert_true(um_cursor_is_one(text));
            assert_int_equal(strspn(text, UNRESERVED), strlen(text));
            assert_true(um_cursor_read(&of, &cursor, text, pool));
            assert_string_equal(of, "users/display_name");
            assert_string_equal(cursor.key, key);
            assert_string_equal(cursor.value, values[i]);
        }
    }
}

/* A character, so often. */
static const char *many(char c, int count)
{
    char *text = apr_pcalloc(pool, (apr_size_t)count + 1);

    memset(text, c, (apr_size_t)count);
    return text;
}

static const char *beside(const char *key, int upwards)
{
    return um_cursor_key_beside(key, upwards, pool);
}

static void no_key_is_between_neighbours(void **state)
{
    const char *longest = apr_pstrcat(pool, "a", many('z', 127), NULL);

    (void)state;
    assert_string_equal(beside(KEY, 1), KEY "-");
    assert_string_equal(beside("a-", 0), "a");
    assert_string_equal(beside("b", 0), longest);
    assert_string_equal(beside(longest, 1), "b");
    assert_string_equal(beside("A", 0), apr_pstrcat(pool, "9", many('z', 127), NULL));
    assert_string_equal(beside("_", 0), apr_pstrcat(pool, "Z", many('z', 127), NULL));
    assert_string_equal(beside(apr_pstrcat(pool, "Z", many('z', 127), NULL), 1), "_");
    assert_null(beside("-", 0));
    assert_null(beside(many('z', 128), 1));
}

static void no_address_is_between_neighbours(void **state)
{
    (void)state;
    assert_string_equal(um_cursor_email_beside("a@b.c", 1, pool), "a@b.c!");
    assert_string_equal(um_cursor_email_beside("a@b.c", 0, pool), "a@b.b~");
    assert_string_equal(um_cursor_email_beside("a@b.xn--0", 0, pool), "a@b.xn--/~");
    /* A cursor that somebody made by hand can have any text. */
    assert_null(um_cursor_email_beside("", 0, pool));
    assert_null(um_cursor_email_beside("a@\xc3\xa9", 0, pool));
}

static void a_key_is_none(void **state)
{
    (void)state;
    assert_false(um_cursor_is_one(KEY));
    assert_false(um_cursor_is_one(""));
    assert_false(reads(KEY));
    assert_false(reads(""));
}

static void none_that_is_damaged_is_read(void **state)
{
    const char *text = made_of(KEY, "anna");
    apr_size_t length = strlen(text);

    (void)state;
    for (apr_size_t i = 0; i < length; i++) {
        char *other = apr_pstrdup(pool, text);

        assert_false(reads(apr_pstrmemdup(pool, text, i)));
        for (const char *c = UNRESERVED "%=+/ "; *c != '\0'; c++) {
            other[i] = *c;
            assert_int_equal(reads(other), *c == text[i]);
        }
    }
    assert_false(reads(apr_pstrcat(pool, text, "A", NULL)));
    assert_false(reads(apr_pstrcat(pool, text, "=", NULL)));
    assert_false(reads("~"));
    assert_false(reads("~~"));
    assert_false(reads("~AAAA"));
}

static void one_that_nobody_wrote_is_refused(void **state)
{
    (void)state;
    /* The sum is right, but the key is none, or the text is none. */
    assert_true(reads(made_of(KEY, "x")));
    assert_false(reads(made_of("", "x")));
    assert_false(reads(made_of("a.b", "x")));
    assert_false(reads(made_of(apr_psprintf(pool, "%0129d", 0), "x")));
    assert_false(reads(made_of(KEY, "\xff")));
    assert_false(reads(made_of(KEY, "\xed\xa0\x80")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_POOL(what_is_written_is_read),          WITH_POOL(no_key_is_between_neighbours),
        WITH_POOL(no_address_is_between_neighbours), WITH_POOL(a_key_is_none),
        WITH_POOL(none_that_is_damaged_is_read),     WITH_POOL(one_that_nobody_wrote_is_refused),
    };

    return RUN("cursor", tests);
}
