/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_negotiate.c Headers that choose or guard a representation. */

#include "unit.h"

#include "../../mod_usermgmt/rest/negotiate.h"

#define JSON "application/json"
#define NDJSON "application/x-ndjson"
#define CSV "text/csv"

/* ---- Accept ---- */

static void assert_accept(const char *accept, um_media_t with_ndjson, um_media_t without)
{
    um_media_t with = um_negotiate_accept(accept, 1);
    um_media_t json_only = um_negotiate_accept(accept, 0);

    if (with != with_ndjson || json_only != without) {
        fail_msg("%s: %d and %d", accept != NULL ? accept : "no header", (int)with,
                 (int)json_only);
    }
}

static void assert_json(const char *accept)
{
    assert_accept(accept, UM_MEDIA_JSON, UM_MEDIA_JSON);
}

static void assert_nothing(const char *accept)
{
    assert_accept(accept, UM_MEDIA_NONE, UM_MEDIA_NONE);
}

static void no_header_accepts_everything(void **state)
{
    (void)state;
    assert_json(NULL);
    assert_json("");
    assert_json(" \t ");
}

static void ranges_match_whatever_their_case(void **state)
{
    static const char *const ranges[] = {
        "*/*",
        JSON,
        "APPLICATION/JSON",
        "Application/*",
        "application/json;charset=utf-8",
        "application/json ; charset=\"a,b;c\\\"d\"",
        "application/json;q=1",
        "*/*;q=0.001",
        "text/html, */*",
        "text/html;q=1, application/json;q=0.1",
        "application/json, text/html",
        "  application/json  ",
        "\tapplication/json\t;\tq=0.5\t",
        ",application/json",
        ", ,*/*,,",
        "application/json;",
        "application/json;;q=0.3;",
        "application/json;v=1;q=0.3;ext=x",
        "text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(ranges); i++) {
        assert_json(ranges[i]);
    }
}

static void other_types_cannot_be_had(void **state)
{
    static const char *const ranges[] = {
        "text/html",
        "application/xml",
        "application/jsonx",
        "application/jso",
        "xapplication/json",
        "application/json-seq",
        "application/problem+json",
        "*/json",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(ranges); i++) {
        assert_nothing(ranges[i]);
    }
}

static void the_greater_weight_wins_and_json_a_tie(void **state)
{
    (void)state;
    assert_accept(NDJSON, UM_MEDIA_NDJSON, UM_MEDIA_NONE);
    assert_accept("APPLICATION/X-NDJSON", UM_MEDIA_NDJSON, UM_MEDIA_NONE);
    assert_accept(NDJSON ";q=0.001", UM_MEDIA_NDJSON, UM_MEDIA_NONE);
    assert_accept(NDJSON ", " JSON ";q=0.999", UM_MEDIA_NDJSON, UM_MEDIA_JSON);
    assert_accept(NDJSON ", */*;q=0.1", UM_MEDIA_NDJSON, UM_MEDIA_JSON);
    assert_accept(JSON ";q=0.5, " NDJSON ";q=0.51", UM_MEDIA_NDJSON, UM_MEDIA_JSON);
    assert_accept(JSON ";q=0, */*", UM_MEDIA_NDJSON, UM_MEDIA_NONE);
    assert_accept(JSON ";q=0, application/*;q=0.2", UM_MEDIA_NDJSON, UM_MEDIA_NONE);
    assert_json(JSON ", " NDJSON);
    assert_json(NDJSON ", " JSON);
    assert_json(NDJSON ";q=1.000, " JSON ";q=1");
    assert_json(NDJSON ";q=0.5, " JSON ";q=0.500");
    assert_json("application/*");
}

static void csv_is_asked_for_by_name(void **state)
{
    (void)state;
    assert_accept(CSV, UM_MEDIA_CSV, UM_MEDIA_NONE);
    assert_accept("text/*", UM_MEDIA_CSV, UM_MEDIA_NONE);
    assert_accept(CSV ";q=0.5, " NDJSON ";q=0.6", UM_MEDIA_NDJSON, UM_MEDIA_NONE);
    assert_accept(CSV ", " NDJSON, UM_MEDIA_NDJSON, UM_MEDIA_NONE);
    assert_accept(CSV ", " JSON ";q=0.9", UM_MEDIA_CSV, UM_MEDIA_JSON);
    assert_accept("text/html, */*;q=0.8", UM_MEDIA_JSON, UM_MEDIA_JSON);
    assert_json(CSV ", " JSON);
}

static void the_most_specific_range_decides(void **state)
{
    (void)state;
    assert_accept(JSON ";q=0, " NDJSON ";q=0, */*;q=1", UM_MEDIA_CSV, UM_MEDIA_NONE);
    assert_accept("*/*;q=1, " JSON ";q=0", UM_MEDIA_NDJSON, UM_MEDIA_NONE);
    assert_accept("*/*;q=1, application/*;q=0", UM_MEDIA_CSV, UM_MEDIA_NONE);
    assert_accept("application/*;q=0, */*;q=1", UM_MEDIA_CSV, UM_MEDIA_NONE);
    assert_json("*/*;q=0, " JSON ";q=0.001");
    assert_accept("application/*;q=0, */*;q=1, " JSON ";q=0.001", UM_MEDIA_CSV, UM_MEDIA_JSON);
    assert_accept("*/*, application/*;q=0.1, " NDJSON ";q=0.2", UM_MEDIA_CSV, UM_MEDIA_JSON);
    assert_json("*/*;q=0.1, " NDJSON ";q=0.05");
}

static void weight_zero_excludes(void **state)
{
    static const char *const zeros[] = { "0", "0.", "0.0", "0.00", "0.000" };

    (void)state;
    for (size_t i = 0; i < COUNT(zeros); i++) {
        assert_nothing(apr_pstrcat(pool, "*/*;q=", zeros[i], NULL));
        assert_nothing(apr_pstrcat(pool, JSON "; Q=", zeros[i], NULL));
    }
}

static void weights_have_three_digits_and_end_at_one(void **state)
{
    static const char *const good[] = {
        "1", "1.", "1.0", "1.00", "1.000", "0.1", "0.12", "0.123", "0.001",
    };
    static const char *const bad[] = {
        "",        "2",    "1.001", "1.1", "0.1234", "1.0000", "0.0000", ".5",
        "-1",      "+1",   "00",    "01",  "10",     "0,5",    "0.5x",   "x",
        "\"0.5\"", "0..5", "0.5.",  "1e0", " 0.5",   "=1",     "0x1",    "\"\"",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_json(apr_pstrcat(pool, JSON ";q=", good[i], NULL));
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_nothing(apr_pstrcat(pool, JSON ";q=", bad[i], NULL));
        assert_nothing(apr_pstrcat(pool, JSON ", text/html;q=", bad[i], NULL));
    }
    assert_nothing(JSON ";q=2;q=1");
    assert_nothing(JSON ";q");
    assert_nothing(JSON "; q =1");
}

static void what_cannot_be_read_accepts_nothing(void **state)
{
    static const char *const headers[] = {
        "json",
        "*",
        "/",
        "*/",
        "/json",
        "application/",
        "application /json",
        "application/ json",
        JSON " text/html",
        JSON ";charset",
        JSON ";=utf-8",
        JSON ";charset=",
        JSON ";a=\"b",
        JSON ";a=\"b\\",
        JSON ";a=\"b\"c",
        JSON ", json",
        JSON ";a=b c",
        JSON "/x",
        "a/b/c",
        JSON "; q=1 x",
        JSON "@",
        "\x01/*",
        "\xc3\xa9/*",
        "(*/*)",
        JSON ";a=\"\\\"",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(headers); i++) {
        assert_nothing(headers[i]);
    }
}

/* ---- Accept-Language ---- */

static void the_language_with_the_greatest_weight_wins(void **state)
{
    static const char *const languages[] = { "en", "de", NULL };
    static const char *const german[] = { "de",
                                          "de-AT",
                                          "DE-ch-1996",
                                          "fr-FR, de, en",
                                          "en;q=0.8, de-DE;q=0.9, *;q=0.1",
                                          ",de\t;\tq=0.5 ,, ",
                                          "*, de;q=0.5",
                                          "en;q=0, de;q=0.001" };
    static const char *const english[] = { "", "  ", "*", "fr, es", "en-US,en;q=0.9,de;q=0.8",
                                           "en, de", "d, deu, de_DE", "de;q=0",
                                           /* These can't be read. */
                                           "de;q=2", "de, \"", "de en", "de;q" };

    (void)state;
    for (size_t i = 0; i < COUNT(german); i++) {
        assert_string_equal(um_negotiate_language(german[i], languages), "de");
    }
    for (size_t i = 0; i < COUNT(english); i++) {
        assert_string_equal(um_negotiate_language(english[i], languages), "en");
    }
    assert_string_equal(um_negotiate_language(NULL, languages), "en");
}

/* ---- Content-Type ---- */

static void json_is_told_from_other_types(void **state)
{
    static const char *const good[] = {
        JSON,
        "Application/JSON",
        JSON ";charset=utf-8",
        JSON "; charset=UTF-8",
        JSON " ; charset=\"utf-8\"",
        JSON ";CHARSET=\"Utf-8\"",
        JSON ";",
        JSON " ; ; ",
        JSON "; charset=utf-8;",
        JSON " ",
    };
    static const char *const bad[] = {
        "",
        "json",
        "text/json",
        "text/plain",
        "application/",
        "application/json5",
        "application/x-json",
        "application/problem+json",
        "application/*",
        "*/*",
        JSON "; charset=latin1",
        JSON "; charset=utf8",
        JSON "; charset=",
        JSON "; charset",
        JSON "; charset=\"utf-8",
        JSON "; charset=utf-8 x",
        JSON "; charset=\"utf-8\"x",
        JSON "; version=1",
        JSON "; charset=utf-8; x=y",
        JSON "; x=utf-8",
        JSON ", " JSON,
        JSON ",",
        JSON " x",
        JSON "; charset=\"\"",
        JSON "; charset = utf-8",
        JSON "; charset=utf-16",
        "multipart/form-data; boundary=" JSON,
        "text/plain;" JSON,
        JSON "\x01",
        "application/x-www-form-urlencoded",
    };

    (void)state;
    assert_false(um_negotiate_is_type(NULL, UM_JSON));
    for (size_t i = 0; i < COUNT(good); i++) {
        if (!um_negotiate_is_type(good[i], UM_JSON)) {
            fail_msg("%s is refused", good[i]);
        }
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (um_negotiate_is_type(bad[i], UM_JSON)) {
            fail_msg("%s is taken", bad[i]);
        }
    }
}

static void a_type_of_its_own_is_accepted(void **state)
{
    static const char *const good[] = { "", "*/*", "application/scim+json",
                                        "text/html, application/*;q=0.1",
                                        "APPLICATION/SCIM+JSON; charset=utf-8" };
    static const char *const bad[] = { "application/json", "application/scim+json;q=0", "text/*",
                                       "application/scim+json; q=x", "," };

    (void)state;
    assert_true(um_negotiate_accepts(NULL, "application/scim+json"));
    for (size_t i = 0; i < COUNT(good); i++) {
        if (!um_negotiate_accepts(good[i], "application/scim+json")) {
            fail_msg("%s is refused", good[i]);
        }
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (um_negotiate_accepts(bad[i], "application/scim+json")) {
            fail_msg("%s is taken", bad[i]);
        }
    }
    assert_true(um_negotiate_is_type("application/SCIM+json", "application/scim+json"));
    assert_false(um_negotiate_is_type(UM_JSON, "application/scim+json"));
}

/* ---- entity tags ---- */

static void assert_tags(const char *list, const char *etag, int strong, int weak)
{
    if (!um_negotiate_etag_matches(list, etag, 0) != !strong
        || !um_negotiate_etag_matches(list, etag, 1) != !weak) {
        fail_msg("%s and %s are compared wrongly", list, etag != NULL ? etag : "nothing");
    }
}

static void tags_are_compared_byte_by_byte(void **state)
{
    (void)state;
    assert_tags("\"a\"", "\"a\"", 1, 1);
    assert_tags("\"A\"", "\"a\"", 0, 0);
    assert_tags("\"\"", "\"\"", 1, 1);
    assert_tags("\"ab\"", "\"a\"", 0, 0);
    assert_tags("\"a\"", "\"ab\"", 0, 0);
    assert_tags("\" a\"", "\"a\"", 0, 0);
    assert_tags("\"a\\\"", "\"a\\\"", 1, 1);
    assert_tags("W/\"a\"", "\"a\"", 0, 1);
    assert_tags("  \"a\"  ", "\"a\"", 1, 1);
    assert_tags("\"W/\"", "\"W/\"", 1, 1);
}

static void suffixes_of_httpd_s_filters_are_passed_over(void **state)
{
    (void)state;
    assert_tags("\"a-gzip\"", "\"a\"", 1, 1);
    assert_tags("\"a-br\"", "\"a\"", 1, 1);
    assert_tags("\"x\", \"a-br\"", "\"a\"", 1, 1);
    assert_tags("W/\"a-gzip\"", "\"a\"", 0, 1);
    assert_tags("\"-gzip\"", "\"\"", 1, 1);
    assert_tags("\"a-gzip-gzip\"", "\"a\"", 0, 0);
    assert_tags("\"a-gzi\"", "\"a\"", 0, 0);
    assert_tags("\"a-GZIP\"", "\"a\"", 0, 0);
    assert_tags("\"a-deflate\"", "\"a\"", 0, 0);
    assert_tags("\"ab-gzip\"", "\"a\"", 0, 0);
    assert_tags("\"-gzip\"", "\"a\"", 0, 0);
    assert_tags("\"a\"", "\"a-gzip\"", 0, 0);
    assert_tags("\"a-gzip\"", "", 0, 0);
}

static void assert_matched(const char *list, const char *etag, const char *expected)
{
    const char *matched = um_negotiate_matched_etag(list, etag, pool);

    if ((matched == NULL) != (expected == NULL)
        || (matched != NULL && strcmp(matched, expected) != 0)) {
        fail_msg("%s in %s gives %s", etag, list, matched != NULL ? matched : "nothing");
    }
}

static void the_matched_tag_is_told_as_it_was_sent(void **state)
{
    (void)state;
    assert_matched("\"a\"", "\"a\"", "\"a\"");
    assert_matched("\"x\", W/\"a-gzip\" ", "\"a\"", "\"a-gzip\"");
    assert_matched("*", "\"a\"", "\"a\"");
    assert_matched("\"b-gzip\"", "\"a\"", NULL);
    assert_matched("\"a-gzip\", x", "\"a\"", NULL);
}

static void one_of_a_list_is_enough(void **state)
{
    (void)state;
    assert_tags("\"a\", \"b\"", "\"b\"", 1, 1);
    assert_tags("\"a\",\"b\",\"c\"", "\"c\"", 1, 1);
    assert_tags("\"a\"\t,\t\"b\"", "\"b\"", 1, 1);
    assert_tags(",, \"a\" ,, \"b\" ,", "\"b\"", 1, 1);
    assert_tags("W/\"b\", \"b\"", "\"b\"", 1, 1);
    assert_tags("\"a\", W/\"b\"", "\"b\"", 0, 1);
    assert_tags("\"a\", \"b\"", "\"c\"", 0, 0);
    assert_tags("\"a,b\"", "\"b\"", 0, 0);
    assert_tags("\"x, \", \"a\"", "\"a\"", 1, 1);
    assert_tags("\"x, \", \"a\"", "\", \"", 0, 0);
}

static void a_star_matches_what_exists(void **state)
{
    (void)state;
    assert_tags("*", "\"a\"", 1, 1);
    assert_tags(" * ", "\"a\"", 1, 1);
    assert_tags("*", NULL, 0, 0);
    assert_tags("\"a\"", NULL, 0, 0);
    assert_tags("\"*\"", "\"a\"", 0, 0);
    assert_tags("**", "\"a\"", 0, 0);
    assert_tags("*, \"a\"", "\"a\"", 0, 0);
    assert_tags("\"b\", *", "\"a\"", 0, 0);
    assert_tags("W/*", "\"a\"", 0, 0);
}

static void malformed_lists_match_nothing(void **state)
{
    static const char *const lists[] = {
        "",
        " ",
        ",",
        "a",
        "\"a",
        "a\"",
        "'a'",
        "w/\"a\"",
        "W/ \"a\"",
        "W\"a\"",
        "W/a",
        "W/",
        "\"b\" \"a\"",
        "\"b\"\"a\"",
        "x, \"a\"",
        "\"b\"; \"a\"",
        "\"",
        "W/\"",
        "\"b\", \"a",
        "\"a\" \"b\"",
        "\"a\"b",
        "\"a\", b",
        "\"a\", \"b",
        "\"a\", *",
        "\"a\";",
        "\"a\n\"",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(lists); i++) {
        assert_tags(lists[i], "\"a\"", 0, 0);
    }
}

/* ---- where a request comes from ---- */

static const apr_array_header_t *origins(const char *first, const char *second)
{
    apr_array_header_t *array = apr_array_make(pool, 2, sizeof(const char *));

    APR_ARRAY_PUSH(array, const char *) = first;
    if (second != NULL) {
        APR_ARRAY_PUSH(array, const char *) = second;
    }
    return array;
}

static int allowed(const char *origin, const char *site, const char *own)
{
    return um_negotiate_origin_allowed(origin, site, own, NULL, pool);
}

static void a_request_of_no_browser_is_allowed(void **state)
{
    (void)state;
    assert_true(allowed(NULL, NULL, "https://a.example"));
    assert_true(um_negotiate_origin_allowed(NULL, NULL, "https://a.example",
                                            origins("https://b.example", NULL), pool));
}

static void the_own_origin_in_any_spelling(void **state)
{
    static const char *const same[][2] = {
        { "https://a.example", "https://a.example" },
        { "https://a.example", "https://a.example:443" },
        { "https://a.example:443", "https://a.example" },
        { "http://a.example:80", "http://a.example" },
        { "http://a.example", "http://a.example:80" },
        { "HTTPS://A.Example", "https://a.example" },
        { "https://a.example:8443", "https://A.EXAMPLE:8443" },
        { "http://[::1]", "http://[::1]:80" },
        { "https://[2001:DB8::1]:443", "https://[2001:db8::1]" },
        { "http://127.0.0.1:8080", "http://127.0.0.1:8080" },
    };
    static const char *const other[][2] = {
        { "https://b.example", "https://a.example" },
        { "http://a.example", "https://a.example" },
        { "https://a.example:80", "https://a.example" },
        { "http://a.example:443", "http://a.example" },
        { "http://a.example:443", "https://a.example" },
        { "https://a.example:444", "https://a.example" },
        { "https://a.example.evil.test", "https://a.example" },
        { "https://evil.test/https://a.example", "https://a.example" },
        { "https://a.example@evil.test", "https://a.example" },
        { "https://a.example/", "https://a.example" },
        { "https://a.exampl", "https://a.example" },
        { "https://a.example https://a.example", "https://a.example" },
        { "https://a.example, https://a.example", "https://a.example" },
        { "a.example", "https://a.example" },
        { "//a.example", "https://a.example" },
        { "https://a.example4:43", "https://a.example443" },
        { "http://[::1]:8080", "http://[::1]:80" },
        { "null", "https://a.example" },
        { "", "https://a.example" },
        { "https://", "https://a.example" },
        { "https://:443", "https://a.example" },
        { "https://a.example\xc3\xa9", "https://a.example" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(same); i++) {
        if (!allowed(same[i][0], NULL, same[i][1])
            || !allowed(same[i][0], "same-origin", same[i][1])) {
            fail_msg("%s is not %s", same[i][0], same[i][1]);
        }
    }
    for (size_t i = 0; i < COUNT(other); i++) {
        if (allowed(other[i][0], NULL, other[i][1])
            || allowed(other[i][0], "same-origin", other[i][1])) {
            fail_msg("%s is %s", other[i][0], other[i][1]);
        }
    }
}

static void the_site_must_be_the_same_or_none(void **state)
{
    static const char *const refused[] = {
        "cross-site", "same-site", "", "same-origin ", "Same-Origin", "none, none", "x", "no",
    };

    (void)state;
    assert_true(allowed(NULL, "same-origin", "https://a.example"));
    assert_true(allowed(NULL, "none", "https://a.example"));
    assert_false(allowed("https://b.example", "none", "https://a.example"));
    for (size_t i = 0; i < COUNT(refused); i++) {
        assert_false(allowed(NULL, refused[i], "https://a.example"));
        assert_false(allowed("https://a.example", refused[i], "https://a.example"));
    }
}

static void listed_origins_are_allowed_from_any_site(void **state)
{
    const apr_array_header_t *list = origins("https://App.Example:443", "http://[::1]:3000");
    const char *own = "https://a.example";

    (void)state;
    assert_true(um_negotiate_origin_allowed("https://app.example", "cross-site", own, list,
                                            pool));
    assert_true(um_negotiate_origin_allowed("https://app.example", NULL, own, list, pool));
    assert_true(um_negotiate_origin_allowed("http://[::1]:3000", "same-site", own, list, pool));
    assert_true(um_negotiate_origin_allowed("https://a.example", NULL, own, list, pool));
    assert_false(um_negotiate_origin_allowed("http://app.example", NULL, own, list, pool));
    assert_false(um_negotiate_origin_allowed("https://app.example:80", NULL, own, list, pool));
    assert_false(um_negotiate_origin_allowed("http://[::1]", NULL, own, list, pool));
    assert_false(um_negotiate_origin_allowed(NULL, "cross-site", own, list, pool));
    assert_false(um_negotiate_origin_allowed("null", "cross-site", own, list, pool));
    assert_false(um_negotiate_origin_allowed("*", NULL, own, origins("*.example", NULL), pool));
}

static void an_origin_is_listed_in_any_spelling(void **state)
{
    const apr_array_header_t *list = origins("https://App.Example:443", "http://[::1]:3000");

    (void)state;
    assert_true(um_negotiate_origin_is_listed("https://app.example", list, pool));
    assert_true(um_negotiate_origin_is_listed("HTTPS://APP.EXAMPLE:443", list, pool));
    assert_true(um_negotiate_origin_is_listed("http://[::1]:3000", list, pool));
    assert_false(um_negotiate_origin_is_listed("https://app.example.evil", list, pool));
    assert_false(um_negotiate_origin_is_listed("https://app.example:4430", list, pool));
    assert_false(um_negotiate_origin_is_listed("null", list, pool));
    assert_false(um_negotiate_origin_is_listed("", list, pool));
    assert_false(um_negotiate_origin_is_listed("https://app.example", NULL, pool));
}

/* ---- API keys ---- */

static void an_api_key_is_found_in_its_header(void **state)
{
    static const char *const good[] = {
        "Bearer umk_x", "bearer umk_x", "BEARER   umk_x", "API-KEY umk_x", "api-key umk_x",
    };
    static const char *const others[] = {
        "",          "Bearer",        "Bearer ",       "Bearer eyJhbGciOi", "Bearer UMK_x",
        "umk_x",     "Bearerumk_x",   "Basic umk_x",   "Bearer x umk_x",    "API-KEYS umk_x",
        "API-KEY x", "Bearer\tumk_x", " Bearer umk_x",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_string_equal(um_negotiate_api_key(good[i]), "umk_x");
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_null(um_negotiate_api_key(others[i]));
    }
    assert_string_equal(um_negotiate_api_key("Bearer umk_"), "umk_");
    assert_string_equal(um_negotiate_api_key("Bearer umk_a b"), "umk_a b");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_POOL(no_header_accepts_everything),
        WITH_POOL(ranges_match_whatever_their_case),
        WITH_POOL(other_types_cannot_be_had),
        WITH_POOL(the_greater_weight_wins_and_json_a_tie),
        WITH_POOL(csv_is_asked_for_by_name),
        WITH_POOL(the_most_specific_range_decides),
        WITH_POOL(weight_zero_excludes),
        WITH_POOL(weights_have_three_digits_and_end_at_one),
        WITH_POOL(what_cannot_be_read_accepts_nothing),
        WITH_POOL(the_language_with_the_greatest_weight_wins),
        WITH_POOL(json_is_told_from_other_types),
        WITH_POOL(a_type_of_its_own_is_accepted),
        WITH_POOL(tags_are_compared_byte_by_byte),
        WITH_POOL(suffixes_of_httpd_s_filters_are_passed_over),
        WITH_POOL(the_matched_tag_is_told_as_it_was_sent),
        WITH_POOL(one_of_a_list_is_enough),
        WITH_POOL(a_star_matches_what_exists),
        WITH_POOL(malformed_lists_match_nothing),
        WITH_POOL(a_request_of_no_browser_is_allowed),
        WITH_POOL(the_own_origin_in_any_spelling),
        WITH_POOL(the_site_must_be_the_same_or_none),
        WITH_POOL(listed_origins_are_allowed_from_any_site),
        WITH_POOL(an_origin_is_listed_in_any_spelling),
        cmocka_unit_test(an_api_key_is_found_in_its_header),
    };

    return RUN("negotiate", tests);
}
