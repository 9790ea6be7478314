/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_address.c Which texts are addresses, and which of them are the same. */

#include "unit.h"

#include "../../mod_usermgmt/base/address.h"

#define KELVIN "\xe2\x84\xaa"
#define SHARP_S "\xc3\x9f"
#define ZERO_WIDTH_SPACE "\xe2\x80\x8b"
#define FULL_WIDTH_GREATER "\xef\xbc\x9e"

static const char *join(const char *a, const char *b)
{
    return apr_pstrcat(pool, a, b, NULL);
}

/* code is NULL where the address is good. */
static void assert_code(const char *address, const char *code)
{
    const um_violation_t *violation = um_address_check(address, pool);
    const char *key = um_address_key(address, pool);
    const char *found = violation != NULL ? violation->code : "good";

    if (strcmp(found, code != NULL ? code : "good") != 0) {
        fail_msg("\"%s\": %s instead of %s", address, found, code != NULL ? code : "good");
    }
    assert_int_equal(key == NULL, violation != NULL);
    if (violation != NULL) {
        assert_int_equal(violation->detail[strlen(violation->detail) - 1], '.');
        assert_null(um_address_for_mail(address, pool));
        return;
    }
    /* A key may be longer than an address may be. */
    if (strchr(key, '@') - key <= UM_EMAIL_LOCAL_MAX) {
        assert_string_equal(um_address_key(key, pool), key);
    }
    assert_string_equal(um_address_identity_key(address, pool), key);
    assert_true(strlen(key) <= UM_ADDRESS_KEY_MAX);
    assert_string_equal(um_address_key(um_address_for_mail(address, pool), pool), key);
}

static void good_addresses(void **state)
{
    /* clang-format off */
    static const char *const emails[] = {
        "a@b", "a@b.co", "user@localhost", "user@example.com", "User@Example.COM",
        "first.last@example.com", "a.b.c.d@example.com", "user+tag@example.com",
        "o'neil@example.com", "a!#$%&'*+-/=?^_`{|}~@example.org", "-@example.com",
        "_@example.com", "1@example.com", "0123456789@example.com", "a@1.2.3.4a", "a@1.b",
        "a@xn--bcher-kva.example", "a@a-b.example", "a@a--b.example", "a@1a.example", "a@a.b.c.d.e",
        "\xc3\xbcml\xc3\xa4ut@ex\xc3\xa4mple.de",
        "\xe7\x94\xa8\xe6\x88\xb7@\xe4\xbe\x8b\xe5\xad\x90.\xe5\xb9\xbf\xe5\x91\x8a", EMOJI "@b.co",
        "a." E_ACUTE "@b.co", "a@\xd7\x90" "1.co", "a@\xe0\xb4\xb0\xe0\xb5\x8d\xe2\x80\x8d.co",
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(emails); i++) {
        assert_code(emails[i], NULL);
    }
}

static void bad_addresses(void **state)
{
    /* clang-format off */
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
        "a@b+c.co", "a@(b).co", "a@*.co", "a@\"b\"", "a@b~.co", "a@b%c.co", "a@b'.co",
        /* white space and control characters */
        " ", " a@b.co", "a@b.co ", "a b@b.co", "a@b .co", "a @b.co", "a@ b.co", "a@b.co\n",
        "a@b.co\r\nBcc: c@d.co", "\ta@b.co", "a\x01@b.co", "a\x7f@b.co", "a\xc2\x80@b.co",
        "a\xc2\x85@b.co", "a\xc2\xa0@b.co", "a@b\xc2\xa0.co", "a\xe1\x9a\x80@b.co",
        "a\xe2\x80\x83@b.co", "a\xe2\x80\xa8@b.co", "a@b\xe2\x80\xa9.co", "a\xe2\x80\xaf@b.co",
        "a\xe2\x81\x9f@b.co", "a@b.co\xe3\x80\x80", "a@b.co\x7f", "a@b.co\xc2\x85",
        /* what can't be seen: zero width, soft hyphen, marks of direction, fillers, selectors */
        "a" ZERO_WIDTH_SPACE "@b.co", ZERO_WIDTH_SPACE "@b.co", "a\xc2\xad@b.co",
        "a\xe2\x80\xae@b.co", "a\xe2\x81\xa0@b.co", "a\xe3\x85\xa4@b.co", "a\xe1\x85\x9f@b.co",
        "a\xef\xb8\x8f@b.co", "a\xef\xbb\xbf@b.co", "a\xe2\xa0\x80@b.co", "a\xf3\xa0\x80\xa1@b.co",
        /* what NFKC replaces: compatibility characters, and what is not composed */
        KELVIN "arl@b.co", "\xef\xbd\x81@b.co", "\xef\xac\x81@b.co", "a\xef\xbc\xa0@b.co",
        "a\xc2\xb2@b.co", "e\xcc\x81@b.co", "a\xef\xbc\x9e@b.co", "\xe2\x84\xab@b.co",
        /* more than an address */
        "<a@b.co>", "A <a@b.co>", "A<a@b.co>", "mailto:a@b.co", "a@b.co,c@d.co", "a@b.co;c@d.co",
        "a@b.co, c@d.co", "a@b.co(comment)", "(comment)a@b.co", "a%b@c@d.co", "@relay:a@b.co",
        /* addresses of hosts, in brackets or not */
        "a@[", "a@]", "a@[]", "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]", "a@[192.0.2.1", "a@[x]",
        "a@192.0.2.1]", "a@1.2.3.4", "a@123", "a@b.1", "a@2001:db8::1",
        "a@\xef\xbc\x91.\xef\xbc\x92",
        /* domains that UTS #46 maps to no name in DNS */
        "bob@a" FULL_WIDTH_GREATER "b.example.com", "a@b\xef\xbc\x9c" "c.co",
        "a@b\xef\xbc\xa0" "c.co",
        "a@b\xef\xbc\x8f" "c.co", "a@b\xe2\x84\x80" "c.co", "a@b\xe2\x92\x88" "co",
        "a@b\xef\xbc\x8e.co", "a@\xc2\xad.co", "a@" ZERO_WIDTH_SPACE, "a@b\xe3\x80\x80" "c.co",
        "a@b\xe2\x89\xae.co", "a@b\xe2\x89\xaf.co", "a@b\xe2\x89\xa0.co", "a@b<\xcc\xb8.co",
        "a@xn--a-ngo.com", "a@\xc3\xbc_b.co", "a@\xc3\xbc" FULL_WIDTH_GREATER ".co",
        "a@" EMOJI ".example", "a@b\xe2\x80\xae.co", "a@\xd7\x90" "a.co", "a@\xcc\x81.co",
        /* labels that are none of IDNA */
        "a@xn--abc.example", "a@xn--a.com", "a@xn--.com", "a@xn--example-.com",
        "a@xn--55555577.com", "a@ab--cd.com", "a@XN--a.com", "a@b.xn--a",
        "a@xn--\xc3\xbc.co",
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(emails); i++) {
        assert_code(emails[i], "invalid_email");
    }
    assert_code("", "required");
}

static void addresses_have_a_size(void **state)
{
    const char *label = times(63, "a");
    const char *long_domain = apr_psprintf(pool, "@%s.%s.%s", label, label, label);
    const char *local = times(62, "x");
    const char *wide = times(9, "\xc3\xa9.");

    (void)state;
    assert_code(join(times(64, "a"), "@b.co"), NULL);
    assert_code(join(times(65, "a"), "@b.co"), "too_long");
    assert_code(join(times(32, E_ACUTE), "@b.co"), NULL);
    assert_code(join(times(32, E_ACUTE), "a@b.co"), "too_long");
    assert_code(join(times(33, E_ACUTE), "@b.co"), "too_long");
    /* Folded it has a byte more for each letter: U+023A becomes U+2C65. */
    assert_code(join(times(32, "\xc8\xba"), "@b.co"), NULL);
    assert_int_equal(strlen(um_address_key(join(times(32, "\xc8\xba"), "@b.co"), pool)),
                     96 + strlen("@b.co"));
    assert_code(join("a@", label), NULL);
    assert_code(join(join("a@", label), "a"), "invalid_email");
    assert_code(join(join("a@b.", label), "a.co"), "invalid_email");
    assert_code(join("a@", times(60, E_ACUTE)), "invalid_email");
    assert_code(join(join("a@", times(31, E_ACUTE)), "a"), NULL);
    assert_int_equal(strlen(join(local, long_domain)), 254);
    assert_code(join(local, long_domain), NULL);
    assert_code(join(join("y", local), long_domain), "too_long");
    assert_code(times(3000, "a"), "too_long");
    /* In DNS each of its labels has 7 bytes. */
    assert_code(apr_pstrcat(pool, "a@", times(3, wide), "co", NULL), NULL);
    assert_code(apr_pstrcat(pool, "a@", times(7, wide), "co", NULL), "invalid_email");
    assert_code(apr_pstrcat(pool, local, "@", times(3, wide), "co", NULL), "too_long");
}

static void a_refusal_says_what_is_wrong(void **state)
{
    static const struct {
        const char *email;
        const char *told;
        /* clang-format off */
    } samples[] = {
        { "\"a b\"@b.co", "quoted" },       { "a" ZERO_WIDTH_SPACE "b@b.co", "U+200B" },
        { "a b@b.co", "U+0020" },           { "a\x01@b.co", "U+0001" },
        { "\xe1\xb2\x80\xd0\xb0@b.co", "U+1C80" }, { "\xe1\xb2\x88@b.co", "U+1C88" },
        { KELVIN "arl@b.co", "U+212A" },    { "a\xf3\xa0\x80\xa1@b.co", "U+E0021" },
        { "e\xcc\x81@b.co", "marks" },      { "a@[192.0.2.1]", "brackets" },
        { "a@b_c.co", "domain" },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        const um_violation_t *violation = um_address_check(samples[i].email, pool);

        assert_non_null(violation);
        if (strstr(violation->detail, samples[i].told) == NULL) {
            fail_msg("%s: %s", samples[i].email, violation->detail);
        }
    }
}

static void keys(void **state)
{
    static const struct {
        const char *email;
        const char *key;
        /* clang-format off */
    } samples[] = {
        { "Ann.B+c@Example.COM", "ann.b+c@example.com" },
        { "\xc3\x84nn@b.co", "\xc3\xa4nn@b.co" },
        { "stra" SHARP_S "e@b.co", "stra" SHARP_S "e@b.co" },
        { "STRA\xe1\xba\x9e" "E@b.co", "stra" SHARP_S "e@b.co" },
        { "strasse@b.co", "strasse@b.co" },
        { "\xc4\xb0@b.co", "\xc4\xb0@b.co" },
        { "\xc4\xb1@b.co", "\xc4\xb1@b.co" },
        { "\xce\xa3\xcf\x82@b.co", "\xcf\x83\xcf\x83@b.co" },
        { "J\xcc\x8c@b.co", "\xc7\xb0@b.co" },
        { "a@B\xc3\xbc" "cher.example", "a@xn--bcher-kva.example" },
        { "a@b\xc3\x9c" "CHER.example", "a@xn--bcher-kva.example" },
        { "a@bu\xcc\x88" "cher.example", "a@xn--bcher-kva.example" },
        { "a@XN--BCHER-KVA.example", "a@xn--bcher-kva.example" },
        /* not transitional */
        { "a@fa" SHARP_S ".de", "a@xn--fa-hia.de" },
        { "a@fass.de", "a@fass.de" },
        { "a@\xef\xbd\x85xample.com", "a@example.com" },
        { "a@" KELVIN ".com", "a@k.com" },
        { "a@b\xe3\x80\x82" "example", "a@b.example" },
        { "a@exam\xc2\xadple.com", "a@example.com" },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        assert_code(samples[i].email, NULL);
        assert_string_equal(um_address_key(samples[i].email, pool), samples[i].key);
    }
}

/* ASCII domains are judged without the library, but as it would. */
static void an_ascii_domain_needs_no_library(void **state)
{
    static const char *const domains[] = {
        "example.com", "Example.COM", "localhost", "a-b.c", "1a.b",  "-a.b", "a-.b", "a..b",
        ".a",          "a.",          "a_b.c",     "a b.c", "a>b.c", "1.2",  "a@b",  "a!.b",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(domains); i++) {
        const char *plain = um_address_key(join("a@", domains[i]), pool);
        const char *converted = um_address_key(apr_pstrcat(pool, "a@\xc3\xbc.", domains[i], NULL),
                                               pool);

        assert_int_equal(plain == NULL, converted == NULL);
        if (plain != NULL) {
            assert_string_equal(converted, join("a@xn--tda.", plain + 2));
        }
    }
}

static void identities(void **state)
{
    static const struct {
        const char *identity;
        const char *key;
        /* clang-format off */
    } samples[] = {
        { "alice", ":alice" },
        { "Alice", ":alice" },
        { ":alice", "::alice" },
        { "CN=Alice,O=Example", ":cn=alice,o=example" },
        { "emailAddress=alice@example.com,CN=Alice", ":emailaddress=alice@example.com,cn=alice" },
        { KELVIN "arl@b.co", ":" KELVIN "arl@b.co" },
        { "karl@b_c.co", ":karl@b_c.co" },
        { "Karl@b.CO", "karl@b.co" },
        { "karl@B\xc3\xbc" "cher.example", "karl@xn--bcher-kva.example" },
        { "\xc3\x84@", ":\xc3\x84@" },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        assert_string_equal(um_address_identity_key(samples[i].identity, pool), samples[i].key);
    }
    assert_int_equal(strlen(um_address_identity_key(times(UM_IDENTITY_MAX, "x"), pool)),
                     UM_IDENTITY_KEY_MAX);
}

static void prefixes(void **state)
{
    static const struct {
        const char *text;
        const char *prefix;
        /* clang-format off */
    } samples[] = {
        { "", "" },
        { "An", "an" },
        { "\xc3\x84", "\xc3\xa4" },
        { "Stra" SHARP_S, "stra" SHARP_S },
        { "ann@Ex", "ann@ex" },
        { "ann@", "ann@" },
        { "@", "@" },
        { "ann@b\xc3\xbc" "cher", "ann@xn--bcher-kva" },
        { "ann@B\xc3\x9c" "CHER.Ex", "ann@xn--bcher-kva.ex" },
        { "ann@www.b\xc3\xbc" "cher.", "ann@www.xn--bcher-kva." },
        { "ann@" EMOJI "X", "ann@" EMOJI "x" },
        { "a b", "a b" },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        assert_string_equal(um_address_key_prefix(samples[i].text, pool), samples[i].prefix);
    }
}

static void mail_goes_to_the_address_as_it_was_sent(void **state)
{
    (void)state;
    assert_string_equal(um_address_for_mail("Ann@Example.COM", pool), "Ann@Example.COM");
    assert_string_equal(um_address_for_mail("\xc3\x84nn@B\xc3\xbc"
                                            "cher.COM",
                                            pool),
                        "\xc3\x84nn@xn--bcher-kva.com");
    assert_null(um_address_for_mail("bob@a" FULL_WIDTH_GREATER "b.example.com", pool));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_POOL(good_addresses),
        WITH_POOL(bad_addresses),
        WITH_POOL(addresses_have_a_size),
        WITH_POOL(a_refusal_says_what_is_wrong),
        WITH_POOL(keys),
        WITH_POOL(an_ascii_domain_needs_no_library),
        WITH_POOL(identities),
        WITH_POOL(prefixes),
        WITH_POOL(mail_goes_to_the_address_as_it_was_sent),
    };

    return RUN("address", tests);
}
