/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_digest.c Digests of several parts, and their comparison. */

#include "unit.h"

#include "../../mod_usermgmt/base/digest.h"

typedef char um_hex_t[UM_SHA256_HEX_LENGTH + 1];

static void digest(um_hex_t hex, const char *first, const char *second)
{
    um_digest_part_t parts[] = { { first, strlen(first) }, { second, strlen(second) } };

    assert_int_equal(um_digest_sha256(hex, parts, 2), APR_SUCCESS);
    assert_int_equal(strlen(hex), UM_SHA256_HEX_LENGTH);
    assert_int_equal(strspn(hex, "0123456789abcdef"), UM_SHA256_HEX_LENGTH);
}

static void equal_parts_have_equal_digests(void **state)
{
    um_hex_t one;
    um_hex_t other;

    (void)state;
    digest(one, "/users/", "{}");
    digest(other, "/users/", "{}");
    assert_true(um_digest_equal(one, other));
}

/* Where a part ends counts, too. */
static void other_parts_have_other_digests(void **state)
{
    static const char *const others[][2] = {
        { "a", "bc" }, { "abc", "" }, { "", "abc" }, { "ab", "d" }, { "ab", "" }
    };
    um_hex_t one;
    um_hex_t other;

    (void)state;
    digest(one, "ab", "c");
    for (size_t i = 0; i < COUNT(others); i++) {
        digest(other, others[i][0], others[i][1]);
        assert_false(um_digest_equal(one, other));
    }
}

static void each_digit_counts(void **state)
{
    um_hex_t one;
    um_hex_t other;

    (void)state;
    digest(one, "a", "b");
    for (int i = 0; i < UM_SHA256_HEX_LENGTH; i++) {
        memcpy(other, one, sizeof(one));
        other[i] = other[i] == '0' ? '1' : '0';
        assert_false(um_digest_equal(one, other));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_POOL(equal_parts_have_equal_digests),
        WITH_POOL(other_parts_have_other_digests),
        WITH_POOL(each_digit_counts),
    };

    return RUN("digest", tests);
}
