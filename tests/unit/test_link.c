/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_link.c Which links to a platform are taken. */

#include "unit.h"

#include "../../mod_usermgmt/core/link.h"

static void expect_good(const char *const *links)
{
    for (; *links != NULL; links++) {
        const um_violation_t *violation = um_link_check(*links, pool);

        if (violation != NULL) {
            fail_msg("%s: %s", *links, violation->detail);
        }
    }
}

static void expect_bad(const char *const *links)
{
    for (; *links != NULL; links++) {
        const um_violation_t *violation = um_link_check(*links, pool);

        if (violation == NULL) {
            fail_msg("%s was taken", *links);
        }
        assert_string_equal(violation->code, "invalid_link");
    }
}

static void good_links(void **state)
{
    /* clang-format off */
    static const char *const links[] = {
        "https://app.example.com",
        "https://app.example.com/",
        "https://app.example.com:8443/join?team=1&x=%2Fhome#top",
        "HTTPS://App.Example.COM/a/b;c=1/~x/%C3%A9",
        "https://xn--bcher-kva.example/",
        "https://192.0.2.1/",
        "https://[2001:db8::1]:444/a",
        "https://app.example.com?x",
        "https://app.example.com#/route",
        "https://a/.well-known/x...y/..z",
        "https://a//b",
        "https://a/@me",
        "http://localhost",
        "http://LOCALHOST:3000/x",
        "http://127.0.0.1:3000/",
        "http://127.9.9.9/",
        "http://[::1]:3000/",
        NULL,
    };
    /* clang-format on */

    (void)state;
    expect_good(links);
}

static void links_that_lead_elsewhere(void **state)
{
    /* clang-format off */
    static const char *const links[] = {
        "",
        "/join",
        "//app.example.com/",
        "app.example.com",
        "https:",
        "https:app.example.com",
        "https:/app.example.com",
        "https://",
        "https:///app",
        "https://:443/",
        "http://app.example.com/",
        "http://localhost.example.com/",
        "http://127.0.0.1.example.com/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.0.0.1/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "ftp://app.example.com/",
        "javascript:alert(1)",
        "javascript://localhost/%0aalert(1)",
        "data:text/html,x",
        "https://me@app.example.com/",
        "https://me:pw@app.example.com/",
        "https://app.example.com@evil.example/",
        "https://@app.example.com/",
        "https://app.example.com:443@evil.example/",
        NULL,
    };
    /* clang-format on */

    (void)state;
    expect_bad(links);
}

static void hosts_that_are_none(void **state)
{
    /* clang-format off */
    static const char *const links[] = {
        "https://app.example.com:/",
        "https://app.example.com:0/",
        "https://app.example.com:65536/",
        "https://app.example.com:-1/",
        "https://app.example.com:80:90/",
        "https://app.example.com:8o/",
        "https://app..example.com/",
        "https://.example.com/",
        "https://app.example.com./",
        "https://-app.example.com/",
        "https://app-.example.com/",
        "https://app_1.example.com/",
        "https://app%2eexample.com/",
        "https://ev%69l.example/",
        "https://*.example.com/",
        "https://a,b/",
        "https://256.1.1.1/",
        "https://1.2.3/",
        "https://3232235777/",
        "https://[::1/",
        "https://::1/",
        "https://[::1%25eth0]/",
        "https://[v1.x]/",
        "https://[1.2.3.4]/",
        "https://[::1]x/",
        "https://a[b]/",
        NULL,
    };
    /* clang-format on */
    char name[300];

    (void)state;
    expect_bad(links);
    memset(name, 'a', sizeof(name));
    name[64] = '\0';
    assert_non_null(um_link_check(apr_pstrcat(pool, "https://", name, "/", NULL), pool));
    assert_null(um_link_check(apr_pstrcat(pool, "https://", name + 1, "/", NULL), pool));
}

static void characters_that_have_no_place(void **state)
{
    /* clang-format off */
    static const char *const links[] = {
        " https://a/",
        "https://a/ ",
        "https://a/a b",
        "https://a/\tb",
        "https://a/\r\nBcc: x",
        "https://a/\x01",
        "https://a/\x7f",
        "https://a\\@evil.example/",
        "https:\\\\a/",
        "https://a/\\..\\x",
        "https://a/\"x",
        "https://a/<script>",
        "https://a/{x}",
        "https://a/|",
        "https://a/^",
        "https://a/`",
        "https://a/[x]",
        "https://a/?x[]=1",
        "https://a/#a#b",
        "https://a/%",
        "https://a/%4",
        "https://a/%zz",
        "https://b\xc3\xbc" "cher.example/",
        "https://a/\xc3\xa9",
        "https://\xd0\xb0pp.example/",
        "https://app\xe3\x80\x82" "example/",
        "https://app\xef\xbc\x8f" "evil.example/",
        NULL,
    };
    /* clang-format on */

    (void)state;
    expect_bad(links);
}

static void paths_with_tricks(void **state)
{
    /* clang-format off */
    static const char *const links[] = {
        "https://a/.",        "https://a/..",          "https://a/app/../x",
        "https://a/app/./x",  "https://a/app/..;/x",   "https://a/app/.;x=1/y",
        "https://a/%2e%2e/x", "https://a/app/%2E./x",  "https://a/app%2fx",
        "https://a/app%5Cx",  "https://a/%252e%252e/", "https://a/%00",
        "https://a/%0d%0aX",  "https://a/%7f",         NULL,
    };
    /* clang-format on */

    (void)state;
    expect_bad(links);
}

static void a_token_of_its_own(void **state)
{
    /* clang-format off */
    static const char *const links[] = {
        "https://a/?accept_token=x",       "https://a/?x=1&accept_token",
        "https://a/?accept%5Ftoken=x",     "https://a/?x;accept_token=1",
        "https://a/?%61ccept_token=1&y=2", NULL,
    };
    static const char *const fine[] = {
        "https://a/?accept_tokens=x", "https://a/?x=accept_token", "https://a/accept_token",
        "https://a/#accept_token=x", NULL,
    };
    /* clang-format on */

    (void)state;
    expect_bad(links);
    expect_good(fine);
}

static void the_longest(void **state)
{
    char *link = memset(apr_pcalloc(pool, UM_LINK_MAX + 2), 'x', UM_LINK_MAX + 1);

    (void)state;
    memcpy(link, "https://a/", 10);
    assert_string_equal(um_link_check(link, pool)->code, "too_long");
    link[UM_LINK_MAX] = '\0';
    assert_null(um_link_check(link, pool));
}

static int is_below(const char *link, const char *prefix)
{
    apr_array_header_t *prefixes = apr_array_make(pool, 2, sizeof(const char *));

    assert_null(um_link_check(link, pool));
    assert_null(um_link_check_prefix(prefix, pool));
    APR_ARRAY_PUSH(prefixes, const char *) = "https://unrelated.example/";
    APR_ARRAY_PUSH(prefixes, const char *) = prefix;
    return um_link_is_below(link, prefixes, pool);
}

static void below_a_prefix(void **state)
{
    (void)state;
    assert_true(is_below("https://a.example.com", "https://a.example.com"));
    assert_true(is_below("https://a.example.com", "https://a.example.com/"));
    assert_true(is_below("https://a.example.com/x?y#z", "https://a.example.com"));
    assert_true(is_below("HTTPS://A.Example.com:443/x", "https://a.example.com"));
    assert_true(is_below("https://a.example.com/x", "https://A.EXAMPLE.com:443/"));
    assert_true(is_below("https://a.example.com/app", "https://a.example.com/app"));
    assert_true(is_below("https://a.example.com/app?x=/other", "https://a.example.com/app"));
    assert_true(is_below("https://a.example.com/app#x", "https://a.example.com/app"));
    assert_true(is_below("https://a.example.com/app/x", "https://a.example.com/app"));
    assert_true(is_below("https://a.example.com/app/x", "https://a.example.com/app/"));
    assert_true(is_below("http://[::1]:80/x", "http://[::1]/"));
}

static void not_below_a_prefix(void **state)
{
    (void)state;
    assert_false(is_below("https://a.example.com.evil.org/", "https://a.example.com"));
    assert_false(is_below("https://evil-a.example.com/", "https://a.example.com"));
    assert_false(is_below("https://b.a.example.com/", "https://a.example.com"));
    assert_false(is_below("https://example.com/", "https://a.example.com"));
    assert_false(is_below("https://a.example.com:444/", "https://a.example.com"));
    assert_false(is_below("https://a.example.com/", "https://a.example.com:444"));
    assert_false(is_below("http://localhost/", "https://localhost"));
    assert_false(is_below("http://localhost:443/", "https://localhost"));
    assert_false(is_below("https://a.example.com/apple", "https://a.example.com/app"));
    assert_false(is_below("https://a.example.com/app;x/y", "https://a.example.com/app"));
    assert_false(is_below("https://a.example.com/app", "https://a.example.com/app/"));
    assert_false(is_below("https://a.example.com/APP/x", "https://a.example.com/app"));
    assert_false(is_below("https://a.example.com/%61pp/x", "https://a.example.com/app"));
    assert_false(is_below("https://a.example.com//app", "https://a.example.com/app"));
    assert_false(is_below("https://a.example.com/?/app", "https://a.example.com/app"));
}

static void prefixes_that_are_none(void **state)
{
    /* clang-format off */
    static const char *const prefixes[] = {
        "https://a/?x", "https://a/#", "https://a?", "a.example.com", "http://a.example.com/",
        "https://a/../b", "https://*.example.com/", "https://a@b/", "", NULL,
    };
    /* clang-format on */

    (void)state;
    for (const char *const *prefix = prefixes; *prefix != NULL; prefix++) {
        if (um_link_check_prefix(*prefix, pool) == NULL) {
            fail_msg("%s was taken", *prefix);
        }
    }
}

static void origins_as_browsers_send_them(void **state)
{
    /* clang-format off */
    static const char *const origins[] = {
        "https://a.example.com",
        "http://localhost:8080",
        "http://my_app",
        "http://127.0.0.1:81",
        "https://xn--bcher-kva.example",
        "https://[::1]",
        "http://[2001:db8::1]:8080",
        "http://[::ffff:102:304]",
        "http://a.example.com:443",
        "https://a.example.com:80",
        NULL,
    };
    /* clang-format on */

    (void)state;
    for (const char *const *origin = origins; *origin != NULL; origin++) {
        const um_violation_t *violation = um_link_check_origin(*origin, pool);

        if (violation != NULL) {
            fail_msg("%s: %s", *origin, violation->detail);
        }
    }
}

/* Each with the form that browsers send, or with none. */
static void origins_in_other_forms(void **state)
{
    static const char *const origins[][2] = {
        { "HTTPS://A.example.com", "https://a.example.com" },
        { "https://a.example.com/", "https://a.example.com" },
        { "https://a.example.com/x?y#z", "https://a.example.com" },
        { "https://a.example.com?", "https://a.example.com" },
        { "https://a.example.com#", "https://a.example.com" },
        { "https://a.example.com:443", "https://a.example.com" },
        { "http://a.example.com:80/", "http://a.example.com" },
        { "http://a.example.com:0081", "http://a.example.com:81" },
        { "http://[0:0:0:0:0:0:0:1]", "http://[::1]" },
        { "http://[2001:DB8::1]", "http://[2001:db8::1]" },
        { "http://[::FFFF:1.2.3.4]", "http://[::ffff:102:304]" },
        { "http://[::1.2.3.4]:80", "http://[::102:304]" },
        { "https://*.example.com", NULL },
        { "https://a.example.com.", NULL },
        { "https://a.example.com:0", NULL },
        { "https://a.example.com:99999", NULL },
        { "https://a.example.com:", NULL },
        { "https://a.example.com:x", NULL },
        { "https://a b.example.com", NULL },
        { " https://a.example.com", NULL },
        { "https://b\xc3\xbc"
          "cher.example",
          NULL },
        { "https://me@a.example.com", NULL },
        { "https://me:secret@a.example.com", NULL },
        { "https://10.1", NULL },
        { "https://", NULL },
        { "a.example.com", NULL },
        { "chrome-extension://abc", NULL },
        { "null", NULL },
        { "*", NULL },
        { "", NULL },
    };

    (void)state;
    for (apr_size_t i = 0; i < COUNT(origins); i++) {
        const um_violation_t *violation = um_link_check_origin(origins[i][0], pool);
        const char *sent;

        if (violation == NULL) {
            fail_msg("%s was taken", origins[i][0]);
        }
        sent = strstr(violation->detail, "Browsers send it as ");
        if (origins[i][1] == NULL) {
            assert_null(sent);
        } else {
            assert_non_null(sent);
            assert_string_equal(sent + strlen("Browsers send it as "), origins[i][1]);
            assert_null(um_link_check_origin(origins[i][1], pool));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_POOL(good_links),
        WITH_POOL(links_that_lead_elsewhere),
        WITH_POOL(hosts_that_are_none),
        WITH_POOL(characters_that_have_no_place),
        WITH_POOL(paths_with_tricks),
        WITH_POOL(a_token_of_its_own),
        WITH_POOL(the_longest),
        WITH_POOL(below_a_prefix),
        WITH_POOL(not_below_a_prefix),
        WITH_POOL(prefixes_that_are_none),
        WITH_POOL(origins_as_browsers_send_them),
        WITH_POOL(origins_in_other_forms),
    };

    return RUN("link", tests);
}
