/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_rules.c What the members of a user may be. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "../../mod_usermgmt/core/rules.h"

#define E_ACUTE "\xc3\xa9"
#define EMOJI "\xf0\x9f\x98\x80"
/* Folded it is 18 characters of 33 bytes. */
#define U_FDFA "\xef\xb7\xba"

typedef const um_violation_t *check_t(const char *text);

static apr_pool_t *pool;

static int set_up(void **state)
{
    (void)state;
    return apr_pool_create(&pool, NULL) == APR_SUCCESS ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}

/* A text so many times. */
static const char *times(int count, const char *text)
{
    char *result = apr_pstrdup(pool, "");

    while (count-- > 0) {
        result = apr_pstrcat(pool, result, text, NULL);
    }
    return result;
}

static const char *join(const char *a, const char *b)
{
    return apr_pstrcat(pool, a, b, NULL);
}

/* code is NULL where the text is good. */
static void assert_code(check_t *check, const char *text, const char *code)
{
    const um_violation_t *violation = check(text);
    const char *found = violation != NULL ? violation->code : "good";

    if (strcmp(found, code != NULL ? code : "good") != 0) {
        fail_msg("\"%s\": %s instead of %s", text, found, code != NULL ? code : "good");
    }
    if (violation != NULL) {
        assert_int_equal(violation->detail[strlen(violation->detail) - 1], '.');
    }
}

static void good_addresses(void **state)
{
    static const char *const emails[] = {
        "a@b", "a@b.co", "user@localhost", "user@example.com", "User@Example.COM",
        "first.last@example.com", "a.b.c.d@example.com", "user+tag@example.com",
        "o'neil@example.com", "a!#$%&'*+-/=?^_`{|}~@example.org", "-@example.com",
        "_@example.com", "1@example.com", "0123456789@example.com", "a@1.2.3.4", "a@123",
        "a@xn--bcher-kva.example", "a@a-b.example", "a@a--b.example", "a@1a.example", "a@a.b.c.d.e",
        "\xc3\xbcml\xc3\xa4ut@ex\xc3\xa4mple.de",
        "\xe7\x94\xa8\xe6\x88\xb7@\xe4\xbe\x8b\xe5\xad\x90.\xe5\xb9\xbf\xe5\x91\x8a", EMOJI "@b.co",
        "a@" EMOJI ".example", "a." E_ACUTE "@b.co", "a@[192.0.2.1]", "a@[0.0.0.0]",
        "a@[255.255.255.255]", "a@[IPv6:2001:db8::1]", "a@[ipv6:::1]", "a@[IPV6:::]",
        "a@[IPv6:::ffff:192.0.2.1]",
        "a@[IPv6:2001:0db8:1111:2222:3333:4444:5555:6666]",
        "a@[IPv6:ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(emails) / sizeof(emails[0]); i++) {
        assert_code(um_rules_check_email, emails[i], NULL);
    }
}

static void bad_addresses(void **state)
{
    static const char *const emails[] = {
        /* not a name, an @ and a domain */
        "a", "@", "a@", "@b", "@b.co", "a@@b.co", "a@b@c.co", "a@b.co@", "user", "example.com",
        /* the name */
        ".a@b.co", "a.@b.co", "a..b@b.co", ".@b.co", "..@b.co", "a,b@b.co", "a;b@b.co",
        "a:b@b.co", "a(b)@b.co", "a[b]@b.co", "a\\b@b.co", "a\"b@b.co", "a<b@b.co", "a>b@b.co",
        "\"a\"@b.co", "\"a b\"@b.co", "\"a@b\"@b.co", "\"\"@b.co", "\"", "\"@b.co",
        /* the domain */
        "a@.", "a@.b", "a@b.", "a@b..co", "a@.b.co", "a@b.co.", "a@-b.co", "a@b-.co", "a@b.-co",
        "a@b.co-", "a@-", "a@b_c.co", "a@b!c.co", "a@b/c.co", "a@b:25", "a@b.co/x", "a@b,c.co",
        "a@b+c.co", "a@(b).co", "a@*.co", "a@\"b\"",
        /* white space and control characters */
        " ", " a@b.co", "a@b.co ", "a b@b.co", "a@b .co", "a @b.co", "a@ b.co", "a@b.co\n",
        "a@b.co\r\nBcc: c@d.co", "\ta@b.co", "a\x01@b.co", "a\x7f@b.co", "a\xc2\x80@b.co",
        "a\xc2\x85@b.co", "a\xc2\xa0@b.co", "a@b\xc2\xa0.co", "a\xe1\x9a\x80@b.co",
        "a\xe2\x80\x83@b.co", "a\xe2\x80\xa8@b.co", "a@b\xe2\x80\xa9.co", "a\xe2\x80\xaf@b.co",
        "a\xe2\x81\x9f@b.co", "a@b.co\xe3\x80\x80",
        /* more than an address */
        "<a@b.co>", "A <a@b.co>", "A<a@b.co>", "mailto:a@b.co", "a@b.co,c@d.co", "a@b.co;c@d.co",
        "a@b.co, c@d.co", "a@b.co(comment)", "(comment)a@b.co", "a%b@c@d.co", "@relay:a@b.co",
        /* address literals */
        "a@[", "a@]", "a@[]", "a@[192.0.2.1", "a@192.0.2.1]", "a@[192.0.2]", "a@[192.0.2.256]",
        "a@[192.0.2.1.1]", "a@[192.0.2.1].co", "a@[192.0.2.1]]", "a@[192.0.2.1x",
        "a@[[192.0.2.1]]", "a@[x]", "a@[192.0.2.-1]", "a@[0x7f.0.0.1]", "a@[2001:db8::1]",
        "a@[IPv6:]", "a@[IPv6:192.0.2.1]", "a@[IPv6:1::2::3]", "a@[IPv6:12345::]",
        "a@[IPv6:fe80::1%lo]", "a@[IPv6 ::1]", "a@[tag:content]", "a@b[192.0.2.1]",
        "a@[IPv6:00000000000000000000000000000000000000000000000000000000000000000000000000::1]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(emails) / sizeof(emails[0]); i++) {
        assert_code(um_rules_check_email, emails[i], "invalid_email");
    }
    assert_code(um_rules_check_email, "", "required");
}

static void addresses_have_a_size(void **state)
{
    const char *label = times(63, "a");
    const char *long_domain = apr_psprintf(pool, "@%s.%s.%s", label, label, label);
    const char *local = times(62, "x");

    (void)state;
    assert_code(um_rules_check_email, join(times(64, "a"), "@b.co"), NULL);
    assert_code(um_rules_check_email, join(times(65, "a"), "@b.co"), "too_long");
    assert_code(um_rules_check_email, join(times(32, E_ACUTE), "@b.co"), NULL);
    assert_code(um_rules_check_email, join(times(32, E_ACUTE), "a@b.co"), "too_long");
    assert_code(um_rules_check_email, join(times(33, E_ACUTE), "@b.co"), "too_long");
    assert_code(um_rules_check_email, join("a@", label), NULL);
    assert_code(um_rules_check_email, join(join("a@", label), "a"), "invalid_email");
    assert_code(um_rules_check_email, join(join("a@b.", label), "a.co"), "invalid_email");
    assert_code(um_rules_check_email, join("a@", times(32, E_ACUTE)), "invalid_email");
    assert_code(um_rules_check_email, join(join("a@", times(31, E_ACUTE)), "a"), NULL);
    assert_int_equal(strlen(join(local, long_domain)), 254);
    assert_code(um_rules_check_email, join(local, long_domain), NULL);
    assert_code(um_rules_check_email, join(join("y", local), long_domain), "too_long");
    assert_code(um_rules_check_email, times(3000, "a"), "too_long");
    label = join("@", join(times(21, U_FDFA), join(".", times(20, U_FDFA))));
    assert_code(um_rules_check_email, join(times(20, U_FDFA), label), NULL);
    assert_code(um_rules_check_email, join(times(21, U_FDFA), label), NULL);
    assert_code(um_rules_check_email, join(times(21, U_FDFA), join(label, U_FDFA)), "too_long");
}

static void a_quoted_name_is_refused_in_words(void **state)
{
    (void)state;
    assert_non_null(strstr(um_rules_check_email("\"a b\"@b.co")->detail, "quoted"));
}

static void display_names(void **state)
{
    static const char *const good[] = { "A", " ", "Zo\xc3\xab O'Neil-Smith, Jr.", "<b>&\"",
                                        EMOJI, "\xc2\xa0", "a\xe2\x80\xa8z", "\xc2\xad" };
    static const char *const control[] = { "a\nb", "\x01", "a\x1f", "a\x7f", "a\xc2\x80",
                                           "\xc2\x85", "a\xc2\x9fz", "\t" };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_code(um_rules_check_display_name, good[i], NULL);
    }
    for (size_t i = 0; i < sizeof(control) / sizeof(control[0]); i++) {
        assert_code(um_rules_check_display_name, control[i], "control_character");
    }
    assert_code(um_rules_check_display_name, "", "required");
    assert_code(um_rules_check_display_name, times(256, "x"), NULL);
    assert_code(um_rules_check_display_name, times(256, E_ACUTE), NULL);
    assert_code(um_rules_check_display_name, times(256, EMOJI), NULL);
    assert_code(um_rules_check_display_name, times(257, "x"), "too_long");
    assert_code(um_rules_check_display_name, times(257, EMOJI), "too_long");
}

static void phones(void **state)
{
    static const char *const good[] = { "123", "+49 (0)30 - 1", "(1)2.3", "1  ", "  1", "--1",
                                        "+1.2", "12345678901234567890123456789012" };
    static const char *const bad[] = {
        "", "1", "12", "123456789012345678901234567890123", "12a", "1;2;3", "123\n", "123\t",
        "\xef\xbc\x91\xef\xbc\x92\xef\xbc\x93", "+++", "   ", "( )", "...", "12\xc2\xa0+",
        "1/23", "#123", "*123", "123x4", "1,23", "1_23",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_code(um_rules_check_phone, good[i], NULL);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_code(um_rules_check_phone, bad[i], "invalid_phone");
    }
}

/* Which single bytes a check takes between two texts. */
static void assert_set(check_t *check, const char *front, const char *back, const char *set,
                       const char *code)
{
    for (int c = 1; c < 256; c++) {
        char byte[] = { (char)c, '\0' };

        assert_code(check, apr_pstrcat(pool, front, byte, back, NULL),
                    strchr(set, c) != NULL ? NULL : code);
    }
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static void attribute_names(void **state)
{
    (void)state;
    assert_set(um_rules_check_attribute_name, "", "", LETTERS "_", "invalid_name");
    assert_set(um_rules_check_attribute_name, "", "a", LETTERS "_", "invalid_name");
    assert_set(um_rules_check_attribute_name, "a", "", LETTERS DIGITS "_.-", "invalid_name");
    assert_set(um_rules_check_attribute_name, "a", "b", LETTERS DIGITS "_.-", "invalid_name");
    assert_code(um_rules_check_attribute_name, "", "invalid_name");
    assert_code(um_rules_check_attribute_name, times(64, "a"), NULL);
    assert_code(um_rules_check_attribute_name, times(65, "a"), "invalid_name");
    assert_code(um_rules_check_attribute_name, "__proto__", NULL);
    assert_code(um_rules_check_attribute_name, "user_uid", NULL);
}

static void uids(void **state)
{
    (void)state;
    assert_set(um_rules_check_uid, "", "", LETTERS DIGITS "_-", "invalid_uid");
    assert_set(um_rules_check_uid, "a", "b", LETTERS DIGITS "_-", "invalid_uid");
    assert_code(um_rules_check_uid, "", "invalid_uid");
    assert_code(um_rules_check_uid, times(128, "-"), NULL);
    assert_code(um_rules_check_uid, times(129, "-"), "invalid_uid");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_addresses),
        cmocka_unit_test(bad_addresses),
        cmocka_unit_test(addresses_have_a_size),
        cmocka_unit_test(a_quoted_name_is_refused_in_words),
        cmocka_unit_test(display_names),
        cmocka_unit_test(phones),
        cmocka_unit_test(attribute_names),
        cmocka_unit_test(uids),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests_name("rules", tests, set_up, tear_down);
    apr_terminate();
    return failed;
}
