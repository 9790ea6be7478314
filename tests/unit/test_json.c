/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_json.c JSON text to values and back. */

#include <stdio.h>
#include <time.h>

#include "unit.h"

#include "../../mod_usermgmt/base/json.h"
#include "../../mod_usermgmt/base/status.h"

/* Digits that tell every double. */
#define DIGITS_MAX 17

static uint64_t random_state;

static int set_up(void **state)
{
    random_state = 0x9E3779B97F4A7C15u;
    return make_pool(state);
}

/* xorshift64*: the same numbers in every run. */
static uint64_t next_random(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545F4914F6CDD1Du;
}

static unsigned below(unsigned end)
{
    return (unsigned)(next_random() % end);
}

static const char *join(const char *a, const char *b, const char *c)
{
    return apr_pstrcat(pool, a, b, c, NULL);
}

/* The bytes are copied to where a read behind them is seen. */
static um_json_t *parse_bytes(um_json_error_t *error, const char *text, size_t length)
{
    char *exact = malloc(length > 0 ? length : 1);
    um_json_t *json = NULL;
    apr_status_t status;

    memcpy(exact, text, length);
    memset(error, 0, sizeof(*error));
    status = um_json_parse(&json, error, exact, length, pool);
    free(exact);
    assert_true(status == APR_SUCCESS || status == UM_EINVALID);
    assert_true((status == APR_SUCCESS) == (json != NULL));
    return json;
}

static um_json_t *parse(const char *text)
{
    um_json_error_t error;
    um_json_t *json = parse_bytes(&error, text, strlen(text));

    if (json == NULL) {
        fail_msg("%s: %s", text, error.detail);
    }
    return json;
}

static const char *put(const um_json_t *json)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 4, pool);
    um_json_put_value(&buffer, json);
    assert_int_equal(strlen(buffer.data), buffer.length);
    return buffer.data;
}

static void assert_refused_bytes(const char *text, size_t length, const char *code)
{
    um_json_error_t error;

    if (parse_bytes(&error, text, length) != NULL) {
        fail_msg("%s is taken", text);
    }
    if (strcmp(error.code, code) != 0) {
        fail_msg("%s: %s instead of %s", text, error.code, code);
    }
    assert_true(error.line >= 1 && error.column >= 0);
    assert_non_null(strstr(error.detail,
                           apr_psprintf(pool, "line %d, column %d", error.line, error.column)));
    assert_int_equal(error.detail[strlen(error.detail) - 1], '.');
}

static void assert_refused(const char *text, const char *code)
{
    assert_refused_bytes(text, strlen(text), code);
}

static void assert_put(const char *text, const char *expected)
{
    assert_string_equal(put(parse(text)), expected);
}

/* ---- texts ---- */

static void what_is_short_already_comes_back_the_same(void **state)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        "\"\"",
        "null",
        "true",
        "false",
        "0",
        "1",
        "-1",
        "0.95",
        "0.91",
        "175",
        "1.0",
        "-0.0",
        "\"23\"",
        "[null,true,false,{\"a\":[[]]}]",
        "{\"z\":1,\"a\":2,\"Z\":3,\"\":4,\"10\":5,\"9\":6}",
        "\"" E_ACUTE EMOJI "\"",
        "\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\"",
        "\"\x7f\xc2\x80\xe2\x80\xa8\"",
        "9223372036854775807",
        "-9223372036854775808",
        "\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f/\"",
        "{\"\\\"\\n\":\"\\u0000x\"}",
    };

    (void)state;
    for (size_t i = 0; i + 1 < COUNT(texts); i++) {
        assert_put(texts[i], texts[i]);
    }
    assert_refused(texts[COUNT(texts) - 1], "null_character");
}

static void what_can_be_shorter_comes_back_shorter(void **state)
{
    (void)state;
    assert_put(" \t\r\n{ \"a\" : [ 1 , 2 ] } ", "{\"a\":[1,2]}");
    assert_put("\"\\u00e9\\ud83d\\uDE00\\/\\u0041\\u007f\\u001F\"",
               "\"" E_ACUTE EMOJI "/A\x7f\\u001f\"");
    assert_put("[1e2,1E+2,1e-2,100.0,0.010]", "[100.0,100.0,0.01,100.0,0.01]");
    assert_put("-0", "0");
}

static void malformed_texts_are_refused(void **state)
{
    static const char *const texts[] = {
        "",          " ",           "{",         "}",
        "[",         "]",           "[1,]",      "{\"a\":1,}",
        "{,}",       "[,1]",        "{\"a\"}",   "{\"a\":}",
        "{a:1}",     "{'a':1}",     "{1:2}",     "[1 2]",
        "{} {}",     "{}x",         "nul",       "Null",
        "NaN",       "Infinity",    "-Infinity", "-",
        "+1",        ".5",          "1.",        "01",
        "-01",       "1e",          "1e+",       "0x10",
        "1_0",       "\"",          "\"\\",      "\"\\x\"",
        "\"\\u12\"", "\"\\u12G4\"", "\"\n\"",    "\"\t\"",
        "\"\x01\"",  "/**/{}",      "//\n{}",    "\xEF\xBB\xBF{}",
        "tru",       "truefalse",   "[1]]",      "\xC2\xA0{}",
        "\v{}",      "\f{}",
    };
    static const char nul[] = "{}\0";
    static const char nul_inside[] = "{\"a\0b\":1}";

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_refused(texts[i], "malformed_json");
    }
    assert_refused_bytes(nul, 3, "malformed_json");
    assert_refused_bytes(nul_inside, sizeof(nul_inside) - 1, "malformed_json");
    assert_refused_bytes("{}}", 3, "malformed_json");
    assert_put("[\"{]\\\"[\"]", "[\"{]\\\"[\"]");
}

static void a_text_ends_where_its_length_says(void **state)
{
    um_json_error_t error;

    (void)state;
    assert_string_equal(put(parse_bytes(&error, "123456", 3)), "123");
    assert_string_equal(put(parse_bytes(&error, "1.5e99", 3)), "1.5");
    assert_string_equal(put(parse_bytes(&error, "{}}", 2)), "{}");
    assert_null(parse_bytes(&error, "true", 3));
}

static void surrogates_come_in_pairs(void **state)
{
    static const char *const texts[] = {
        "\"\\ud800\"",
        "\"\\udbff\"",
        "\"\\udc00\"",
        "\"\\udfff\"",
        "\"\\ud800x\"",
        "\"\\ud800\\n\"",
        "\"\\ud800\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\\ud800\"",
        "\"\\udc00\\udc00\"",
        "{\"\\ud800\":1}",
        "{\"\\udc00\":1}",
        "\"\\ud83d\\ude00\\ud83d\"",
        "\"\\ud800\\udbff\"",
        "\"\\ud800\\ue000\"",
        "\"\\ud800",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_refused(texts[i], "malformed_json");
    }
    assert_put("\"\\ud800\\udc00\\udbff\\udfff\"", "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"");
    assert_put("\"\\ud7ff\\ue000\"", "\"\xed\x9f\xbf\xee\x80\x80\"");
    assert_put("\"\\uffff\\ufffe\"", "\"\xef\xbf\xbf\xef\xbf\xbe\"");
}

static void bytes_must_be_utf_8(void **state)
{
    static const char *const texts[] = {
        "\"\x80\"",
        "\"\xBF\"",
        "\"\xC0\x80\"",
        "\"\xC1\xBF\"",
        "\"\xC3\"",
        "\"\xE0\x80\xAF\"",
        "\"\xE2\x82\"",
        "\"\xED\xA0\x80\"",
        "\"\xED\xBF\xBF\"",
        "\"\xF0\x80\x80\x80\"",
        "\"\xF4\x90\x80\x80\"",
        "\"\xF5\x80\x80\x80\"",
        "\"\xFE\"",
        "\"\xFF\"",
        "\xFF",
        "{\"\xC3(\":1}",
        "\"\xF0\x9F\x98\"",
        "[\x80]",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_refused(texts[i], "invalid_utf8");
    }
}

static void the_null_character_is_refused(void **state)
{
    (void)state;
    assert_refused("\"\\u0000\"", "null_character");
    assert_refused("\"a\\u0000b\"", "null_character");
    assert_refused("{\"\\u0000\":1}", "null_character");
    assert_refused("{\"a\\u0000b\":1}", "null_character");
    assert_refused("{\"a\":[{\"b\":\"\\u0000\"}]}", "null_character");
    assert_put("\"\\\\u0000\"", "\"\\\\u0000\"");
}

static void names_come_once(void **state)
{
    (void)state;
    assert_refused("{\"a\":1,\"a\":1}", "duplicate_key");
    assert_refused("{\"a\":1,\"b\":2,\"\\u0061\":3}", "duplicate_key");
    assert_refused("{\"\":1,\"\":2}", "duplicate_key");
    assert_refused("[[{\"x\":{\"a\":null,\"a\":null}}]]", "duplicate_key");
    assert_refused("{\"" E_ACUTE "\":1,\"\\u00e9\":2}", "duplicate_key");
    assert_put("{\"a\":{\"a\":{\"a\":1}},\"A\":2}", "{\"a\":{\"a\":{\"a\":1}},\"A\":2}");
    /* Composed and decomposed are two names. */
    assert_put("{\"\\u00e9\":1,\"e\\u0301\":2}", "{\"" E_ACUTE "\":1,\"e\xcc\x81\":2}");
}

static void levels_are_counted_from_the_outermost_value(void **state)
{
    const char *arrays = join(times(32, "["), "", times(32, "]"));
    const char *objects = join(times(32, "{\"a\":"), "1", times(32, "}"));

    (void)state;
    assert_put(arrays, arrays);
    assert_put(objects, objects);
    assert_refused(join("[", arrays, "]"), "nesting_too_deep");
    assert_refused(join("{\"a\":", objects, "}"), "nesting_too_deep");
    assert_refused(join("[1,{\"a\":", objects, "}]"), "nesting_too_deep");
    assert_refused(join(times(100000, "["), "", times(100000, "]")), "nesting_too_deep");
    assert_refused(times(100000, "["), "nesting_too_deep");
    /* Beside one another is not inside one another, and text is no bracket. */
    parse(join("[", times(100, "[],{},"), "[]]"));
    parse(join("[\"", times(100, "[{\\\"[{"), "\"]"));
}

static void values_are_counted_before_they_are_made(void **state)
{
    const int max = UM_JSON_MAX_VALUES;
    const char *exact[] = {
        join("[", times(max - 2, "1,"), "1]"),
        join("[", times(max - 2, "{},"), "[ \n]]"),
        join("{\"a\":[", times(max - 3, "null,"), "\"[{,\\\"\"]}"),
        join("[", times((max - 2) / 2, "[0],"), "1]"),
    };
    static const char *const enclosures[][2] = {
        { "[", ",1]" },
        { "[1,", "]" },
        { "{\"a\":1,\"b\":", "}" },
        { "[[],", "]" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(exact); i++) {
        parse(exact[i]);
        for (size_t j = 0; j < COUNT(enclosures); j++) {
            assert_refused(join(enclosures[j][0], exact[i], enclosures[j][1]), "too_many_values");
        }
    }
    parse(join("\"", times(100000, "[,{"), "\""));
    parse(join("{\"a\":\"", times(100000, "\\\","), "\"}"));
    assert_refused(times(100000, "[],"), "too_many_values");
    assert_refused(times(100000, "{\"a\":[],\"b\":"), "nesting_too_deep");
    assert_refused(times(100000, ","), "too_many_values");
    assert_refused(join("\"", times(100000, ","), ""), "malformed_json");
}

static void assert_place(const char *text, const char *code, int line, int column)
{
    um_json_error_t error;

    assert_null(parse_bytes(&error, text, strlen(text)));
    assert_string_equal(error.code, code);
    assert_int_equal(error.line, line);
    assert_int_equal(error.column, column);
}

static void more_values_can_be_allowed(void **state)
{
    const char *text = apr_pstrcat(pool, "[", times(99, ",1") + 1, "]", NULL);
    um_json_error_t error;
    um_json_t *json = NULL;

    (void)state;
    assert_int_equal(um_json_parse_up_to(&json, &error, text, strlen(text), 100, pool),
                     APR_SUCCESS);
    assert_int_equal(um_json_size(json), 99);
    assert_int_equal(um_json_parse_up_to(&json, &error, text, strlen(text), 99, pool),
                     UM_EINVALID);
    assert_string_equal(error.code, "too_many_values");
    assert_string_equal(error.detail,
                        "There are too many values, at line 1, column 197: at most 99 "
                        "are taken.");
}

static void errors_tell_where_they_are(void **state)
{
    (void)state;
    assert_place("{\"a\":x}", "malformed_json", 1, 6);
    assert_place("{\n\n  \"a\": x}", "malformed_json", 3, 8);
    assert_place("{\"" E_ACUTE EMOJI "\":x}", "malformed_json", 1, 7);
    assert_place(join(times(32, "["), "\n\"" E_ACUTE "\",[", ""), "malformed_json", 2, 5);
    assert_place(join(times(32, "["), "\n\"" E_ACUTE "\",[", times(33, "]")), "nesting_too_deep",
                 2, 5);
    assert_place("{\n\"a\": 1e-999}", "number_out_of_range", 2, 6);
    assert_place("[\r\n" E_ACUTE "]", "malformed_json", 2, 1);
}

static void an_error_quotes_nothing_of_the_text(void **state)
{
    static const char *const texts[] = {
        "{\"password\": hunter2}",       "[\"hunter2",      "hunter2",
        "{\"hunter2\":1,\"hunter2\":2}", "{\"hunter2\" 1}", "[1, hunter2 near hunter2]",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        um_json_error_t error;

        assert_null(parse_bytes(&error, texts[i], strlen(texts[i])));
        assert_null(strstr(error.detail, "hunter2"));
    }
}

/* ---- numbers ---- */

static void integers_have_64_bits(void **state)
{
    (void)state;
    assert_int_equal(um_json_type(parse("9007199254740993")), UM_JSON_INTEGER);
    assert_put("9007199254740993", "9007199254740993");
    assert_refused("9223372036854775808", "number_out_of_range");
    assert_refused("-9223372036854775809", "number_out_of_range");
    assert_refused("18446744073709551616", "number_out_of_range");
    assert_refused(times(400, "9"), "number_out_of_range");
    assert_refused(join("-", times(400, "9"), ""), "number_out_of_range");
}

static void reals_stay_in_range(void **state)
{
    (void)state;
    assert_put("1.7976931348623157e308", "1.7976931348623157e308");
    assert_put("-1.7976931348623157E+308", "-1.7976931348623157e308");
    assert_put("4.9e-324", "5e-324");
    assert_put("5e-324", "5e-324");
    assert_put("-5e-324", "-5e-324");
    assert_put("2.5e-324", "5e-324");
    assert_refused("1e309", "number_out_of_range");
    assert_refused("-1e309", "number_out_of_range");
    assert_refused("1.7976931348623159e308", "number_out_of_range");
    assert_refused("1e99999999999999999999", "number_out_of_range");
    assert_refused(join(times(400, "9"), ".5", ""), "number_out_of_range");
    assert_refused("2.4e-324", "number_out_of_range");
    assert_refused("-2.4e-324", "number_out_of_range");
    assert_refused("1e-400", "number_out_of_range");
    assert_refused("1E-400", "number_out_of_range");
    assert_refused("1e-99999999999999999999", "number_out_of_range");
    assert_refused("[1,2,{\"a\":[0.5,3e-500]}]", "number_out_of_range");
}

static void zero_is_no_number_rounded_to_zero(void **state)
{
    (void)state;
    assert_put("0.0", "0.0");
    assert_put("-0.0", "-0.0");
    assert_put("0e-999", "0.0");
    assert_put("-0e-999", "-0.0");
    assert_put("0.000e-1", "0.0");
    assert_put("[0e-9,1]", "[0.0,1]");
    assert_put(join("0.", times(400, "0"), ""), "0.0");
    assert_put(join("0.", times(400, "0"), "e5"), "0.0");
    assert_put(join("0.", times(400, "0"), "1e401"), "1.0");
}

static void a_long_number_can_be_rounded_to_zero_without_an_exponent(void **state)
{
    (void)state;
    assert_put(join("0.", times(307, "0"), "1"), "1e-308");
    assert_put(join("0.", times(323, "0"), "5"), "5e-324");
    assert_refused(join("0.", times(323, "0"), "2"), "number_out_of_range");
    assert_refused(join("0.", times(400, "0"), "1"), "number_out_of_range");
    assert_refused(join("-0.", times(400, "0"), "1e5"), "number_out_of_range");
    assert_refused(join("-0.", times(400, "0"), "1E+5"), "number_out_of_range");
    assert_refused(join("[1,-0.", times(400, "0"), "1]"), "number_out_of_range");
    /* What comes behind a number is no part of it. */
    assert_put(join("[0.", times(400, "0"), ",1e-5,\"1e-999\"]"), "[0.0,1e-5,\"1e-999\"]");
}

static double double_of(uint64_t bits)
{
    double number;

    memcpy(&number, &bits, sizeof(number));
    return number;
}

static uint64_t bits_of(double number)
{
    uint64_t bits;

    memcpy(&bits, &number, sizeof(bits));
    return bits;
}

static int is_finite(uint64_t bits)
{
    return (bits >> 52 & 0x7FF) != 0x7FF;
}

/* The digits of a number's mantissa, zeros at both ends aside. */
static int count_digits(const char *text)
{
    int count = 0;
    int zeros = 0;

    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text == '0') {
            zeros += count > 0;
        } else if (*text >= '1' && *text <= '9') {
            count += zeros + 1;
            zeros = 0;
        }
    }
    return count;
}

/* The fewest digits that tell a double, found by trying. */
static int fewest_digits(double number)
{
    char text[64];

    for (int digits = 1; digits < DIGITS_MAX; digits++) {
        snprintf(text, sizeof(text), "%.*e", digits - 1, number);
        if (bits_of(strtod(text, NULL)) == bits_of(number)) {
            return count_digits(text);
        }
    }
    return DIGITS_MAX;
}

static void assert_double_survives(uint64_t bits)
{
    double number = double_of(bits);
    char text[64];
    const char *written;

    snprintf(text, sizeof(text), "%.*e", DIGITS_MAX - 1, number);
    written = put(parse(text));
    if (bits_of(strtod(written, NULL)) != bits) {
        fail_msg("%s became %s", text, written);
    }
    if (strpbrk(written, ".e") == NULL) {
        fail_msg("%s became an integer, %s", text, written);
    }
    if (count_digits(written) > fewest_digits(number)) {
        fail_msg("%s has digits that it can do without", written);
    }
    assert_int_equal(um_json_type(parse(written)), UM_JSON_REAL);
}

static void odd_doubles_survive(void **state)
{
    static const double numbers[] = {
        0.0,
        -0.0,
        0.1,
        0.2,
        0.3,
        0.1 + 0.2,
        0.95,
        0.91,
        1.0 / 3,
        2.0 / 3,
        1e15,
        1e16,
        1e17,
        1e21,
        1e22,
        1e23,
        9007199254740992.0,
        9007199254740994.0,
        123456789012345678.0,
        5e-324,
        1e-323,
        2.2250738585072009e-308,
        2.2250738585072011e-308,
        2.2250738585072014e-308,
        1.7976931348623157e308,
        4.35,
        0.000001,
        0.0001,
        1e-5,
        1e-7,
        8.41e21,
        9.5e-322,
        5.0e-320,
        2.0e-308,
        5.764607523034235e39,
        1.152921504606847e40,
        299792458.0,
        3.141592653589793,
        2.718281828459045,
        1e100,
        1e-100,
    };

    (void)state;
    for (size_t i = 0; i < COUNT(numbers); i++) {
        assert_double_survives(bits_of(numbers[i]));
        assert_double_survives(bits_of(-numbers[i]));
    }
}

static void powers_and_their_neighbours_survive(void **state)
{
    (void)state;
    for (uint64_t exponent = 0; exponent < 0x7FF; exponent++) {
        uint64_t power = exponent << 52;

        assert_double_survives(power);
        assert_double_survives(power + 1);
        if (power > 0) {
            assert_double_survives(power - 1);
        }
        apr_pool_clear(pool);
    }
    for (int bit = 0; bit < 52; bit++) {
        assert_double_survives((uint64_t)1 << bit);
        assert_double_survives(((uint64_t)1 << bit) + 1);
    }
    for (int exponent = -323; exponent <= 308; exponent++) {
        char text[16];

        snprintf(text, sizeof(text), "1e%d", exponent);
        assert_double_survives(bits_of(strtod(text, NULL)));
    }
}

static void random_doubles_survive(void **state)
{
    int count = 0;

    (void)state;
    while (count < 20000) {
        uint64_t bits = next_random();

        /* Every eighth is subnormal. */
        if (count % 8 == 0) {
            bits &= 0x800FFFFFFFFFFFFFu;
        }
        if (is_finite(bits)) {
            assert_double_survives(bits);
            count++;
        }
        if (count % 256 == 0) {
            apr_pool_clear(pool);
        }
    }
}

static void random_decimals_come_back_as_they_were(void **state)
{
    (void)state;
    for (int i = 0; i < 5000; i++) {
        char text[32];
        unsigned whole = below(1000000);
        unsigned part = 1 + below(99999);

        while (part % 10 == 0) {
            part /= 10;
        }
        snprintf(text, sizeof(text), "%s%u.%u", i % 2 != 0 ? "-" : "", whole + 1, part);
        assert_put(text, text);
    }
}

/* ---- trees ---- */

static void put_random(um_buffer_t *buffer, int levels);

static void put_random_string(um_buffer_t *buffer)
{
    static const char *const pieces[] = {
        "a", "\\n", "\\u0001", E_ACUTE, "\\u00e9", EMOJI, "\\ud83d\\ude00", "\\\"", "\\\\", "{",
        "}", "[",   "]",       ",",     ":",       "0",   "-1e-999",        "\x7f", "\\/",  " ",
    };

    um_buffer_putc(buffer, '"');
    for (unsigned i = below(8); i > 0; i--) {
        um_buffer_puts(buffer, pieces[below(COUNT(pieces))]);
    }
    um_buffer_putc(buffer, '"');
}

static void put_random_number(um_buffer_t *buffer)
{
    uint64_t bits = next_random();

    if (below(2) == 0) {
        um_buffer_put_int(buffer, (apr_int64_t)(bits >> below(64)));
    } else if (is_finite(bits)) {
        um_buffer_puts(buffer, apr_psprintf(pool, "%.16e", double_of(bits)));
    } else {
        um_buffer_puts(buffer, "0.5");
    }
}

static void put_random_object(um_buffer_t *buffer, int levels)
{
    um_buffer_putc(buffer, '{');
    for (unsigned i = 0, count = below(6); i < count; i++) {
        um_buffer_puts(buffer, i > 0 ? " , \"" : "\"");
        um_buffer_putc(buffer, (char)('a' + (count * 7 + i) % 26));
        um_buffer_puts(buffer, "\": ");
        put_random(buffer, levels - 1);
    }
    um_buffer_putc(buffer, '}');
}

static void put_random_array(um_buffer_t *buffer, int levels)
{
    um_buffer_putc(buffer, '[');
    for (unsigned i = 0, count = below(6); i < count; i++) {
        um_buffer_puts(buffer, i > 0 ? "\n,\t" : "");
        put_random(buffer, levels - 1);
    }
    um_buffer_putc(buffer, ']');
}

static void put_random(um_buffer_t *buffer, int levels)
{
    static const char *const words[] = { "null", "true", "false" };
    unsigned kind = below(levels > 0 ? 7 : 3);

    if (kind >= 5) {
        put_random_object(buffer, levels);
    } else if (kind >= 3) {
        put_random_array(buffer, levels);
    } else if (kind == 2) {
        put_random_string(buffer);
    } else if (kind == 1) {
        put_random_number(buffer);
    } else {
        um_buffer_puts(buffer, words[below(COUNT(words))]);
    }
}

static void random_trees_survive(void **state)
{
    (void)state;
    for (int i = 0; i < 3000; i++) {
        um_buffer_t buffer;
        um_json_t *first;
        const char *written;
        um_json_t *second;

        um_buffer_init(&buffer, 64, pool);
        put_random(&buffer, 6);
        first = parse(buffer.data);
        written = put(first);
        second = parse(written);
        if (!um_json_equal(first, second) || strcmp(put(second), written) != 0) {
            fail_msg("%s became %s", buffer.data, written);
        }
        apr_pool_clear(pool);
    }
}

static void damaged_trees_do_no_harm(void **state)
{
    int refused = 0;

    (void)state;
    for (int i = 0; i < 5000; i++) {
        um_json_error_t error;
        um_buffer_t buffer;
        um_json_t *json;

        um_buffer_init(&buffer, 64, pool);
        put_random(&buffer, 5);
        for (unsigned n = 1 + below(3); n > 0 && buffer.length > 0; n--) {
            buffer.data[below((unsigned)buffer.length)] = (char)next_random();
        }
        json = parse_bytes(&error, buffer.data, buffer.length - below(2));
        if (json != NULL) {
            parse(put(json));
        } else {
            refused++;
        }
        apr_pool_clear(pool);
    }
    assert_in_range(refused, 1000, 4999);
}

/* The processor's time that a list of many pieces before a long text takes to be read. */
static double time_to_parse(const char *piece, size_t bytes)
{
    int count = UM_JSON_MAX_VALUES - 2;
    const char *text = join("[", times(count, piece), join("\"", times((int)bytes, "x"), "\"]"));
    clock_t start = clock();
    um_json_t *json = parse(text);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;

    assert_int_equal(um_json_size(json), count + 1);
    apr_pool_clear(pool);
    return seconds;
}

static void long_texts_take_time_by_their_length(void **state)
{
    static const char *const pieces[] = { "1,", "0e-0,", "0.5,", "-0,", "1e-9,", "\"\\\\\"," };

    (void)state;
    for (size_t i = 0; i < COUNT(pieces); i++) {
        double less = time_to_parse(pieces[i], 1 << 16);
        double more = time_to_parse(pieces[i], 1 << 20);

        /* Where each piece looks at all, it takes seconds. */
        if (more > 0.2 + less * 16) {
            fail_msg("%s: %f s, 16 times as much %f s", pieces[i], less, more);
        }
    }
}

/* ---- values ---- */

static void types_are_told_apart(void **state)
{
    static const struct {
        const char *text;
        um_json_type_t type;
    } values[] = {
        { "{}", UM_JSON_OBJECT }, { "[]", UM_JSON_ARRAY },    { "\"1\"", UM_JSON_STRING },
        { "1", UM_JSON_INTEGER }, { "1.0", UM_JSON_REAL },    { "1e0", UM_JSON_REAL },
        { "true", UM_JSON_TRUE }, { "false", UM_JSON_FALSE }, { "null", UM_JSON_NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        const um_json_t *json = parse(values[i].text);

        assert_int_equal(um_json_type(json), values[i].type);
        assert_int_equal(um_json_string(json) != NULL, values[i].type == UM_JSON_STRING);
        assert_int_equal(um_json_size(json), 0);
        assert_null(um_json_member(json, "a"));
    }
    assert_string_equal(um_json_string(parse("\"x\"")), "x");
    assert_int_equal(um_json_size(parse("{\"a\":1,\"b\":2}")), 2);
    assert_int_equal(um_json_size(parse("[1,[2,3],4]")), 3);
}

static void visit_name(const char *name, const um_json_t *value, void *baton)
{
    um_buffer_puts(baton, name);
    um_json_put_value(baton, value);
}

static void members_are_visited_in_the_order_of_the_text(void **state)
{
    um_json_t *json = parse("{\"c\":3,\"a\":{\"x\":0},\"b\":null,\"0\":\"\"}");
    um_buffer_t buffer;

    (void)state;
    um_buffer_init(&buffer, 1, pool);
    um_json_each(json, visit_name, &buffer);
    assert_string_equal(buffer.data, "c3a{\"x\":0}bnull0\"\"");
    assert_int_equal(um_json_type(um_json_member(json, "b")), UM_JSON_NULL);
    assert_null(um_json_member(json, "x"));
}

/* The members of an object's text as "<name>text" one after the other. */
static const char *split(const char *object)
{
    apr_array_header_t *members = NULL;
    const char *text = "";

    if (um_json_split(&members, object, pool) != APR_SUCCESS) {
        return NULL;
    }
    for (int i = 0; i < members->nelts; i++) {
        const um_json_member_text_t *at = &APR_ARRAY_IDX(members, i, um_json_member_text_t);

        text = apr_pstrcat(pool, text, "<", at->name, ">",
                           apr_pstrmemdup(pool, at->text, at->length), NULL);
    }
    return text;
}

static void a_text_is_split_into_its_members(void **state)
{
    static const char *const broken[] = {
        "",          "{",         "}",          "[]",         "x{}",         "{\"",
        "{\"a",      "{\"a\\",    "{\"a\"",     "{\"a\":",    "{\"a\":1",    "{\"a\":\"}",
        "{\"a\":{}", "{\"a\":[}", "{\"a\":1}}", "{\"a\":1}x", "{\"a\":1,b}",
    };

    (void)state;
    assert_string_equal(split("{}"), "");
    assert_string_equal(split("{\"a\":1}"), "<a>\"a\":1");
    assert_string_equal(split("{\"a\":\"},{\\\"\\\\\",\"b\":{\"c\":[1,{\"d\":\"]\"}]},\"\":[],"
                              "\"e\":-5e-324}"),
                        "<a>\"a\":\"},{\\\"\\\\\"<b>\"b\":{\"c\":[1,{\"d\":\"]\"}]}<>\"\":[]"
                        "<e>\"e\":-5e-324");
    for (size_t i = 0; i < COUNT(broken); i++) {
        if (split(broken[i]) != NULL) {
            fail_msg("%s is taken", broken[i]);
        }
    }
}

static void equal_values(void **state)
{
    static const char *const different[] = {
        "1",     "1.0",   "\"1\"",     "true",         "false",
        "null",  "[]",    "{}",        "[1]",          "[1.0]",
        "[1,2]", "[2,1]", "{\"a\":1}", "{\"a\":null}", "{\"b\":1}",
        "\"\"",  "\"a\"", "\"A\"",     "0.1",          "0.10000000000000002",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(different); i++) {
        for (size_t j = 0; j < COUNT(different); j++) {
            assert_int_equal(um_json_equal(parse(different[i]), parse(different[j])), i == j);
        }
    }
    assert_true(um_json_equal(parse("{\"a\":1,\"b\":[2]}"), parse("{\"b\":[2],\"a\":1}")));
    assert_true(um_json_equal(parse("\"\\u00e9\""), parse("\"" E_ACUTE "\"")));
    assert_true(um_json_equal(parse("100.0"), parse("1e2")));
}

static void a_value_lives_as_long_as_its_pool(void **state)
{
    apr_pool_t *child;
    um_json_error_t error;
    um_json_t *json = NULL;
    char text[] = "{\"a\":\"b\"}";

    (void)state;
    apr_pool_create(&child, pool);
    assert_int_equal(um_json_parse(&json, &error, text, strlen(text), child), APR_SUCCESS);
    memset(text, 'x', sizeof(text));
    assert_string_equal(um_json_string(um_json_member(json, "a")), "b");
    apr_pool_destroy(child);
}

/* ---- texts written ---- */

static void every_character_of_a_string_is_read_back(void **state)
{
    (void)state;
    for (int c = 1; c < 0x80; c++) {
        char text[] = { 'a', (char)c, 'b', '\0' };
        um_buffer_t buffer;

        um_buffer_init(&buffer, 1, pool);
        um_json_put_string(&buffer, text);
        assert_int_equal(strlen(buffer.data), buffer.length);
        assert_string_equal(um_json_string(parse(buffer.data)), text);
        assert_int_equal(buffer.length, c == '"' || c == '\\' || strchr("\b\f\n\r\t", c) != NULL
                                            ? 6
                                        : c < 0x20 ? 10
                                                   : 5);
    }
}

#define EIGHT_AND_MORE E_ACUTE "bcdefgh" E_ACUTE "\x7f[!# ~ab"

/* Eight characters are looked at at once: an escape may be at any place of them. */
static void an_escape_is_found_at_every_place(void **state)
{
    (void)state;
    for (int c = 1; c < 0x80; c++) {
        for (size_t place = 0; place < strlen(EIGHT_AND_MORE); place++) {
            char text[] = EIGHT_AND_MORE;
            um_buffer_t buffer;

            if (((unsigned char)text[place] & 0x80) != 0) {
                continue;
            }
            text[place] = (char)c;
            um_buffer_init(&buffer, 1, pool);
            um_json_put_string(&buffer, text);
            assert_int_equal(strlen(buffer.data), buffer.length);
            assert_string_equal(um_json_string(parse(buffer.data)), text);
        }
    }
}

static void strings_and_instants_are_appended(void **state)
{
    um_buffer_t buffer;

    (void)state;
    um_buffer_init(&buffer, 1, pool);
    um_json_put_string_or_null(&buffer, NULL);
    um_json_put_string_or_null(&buffer, "");
    um_json_put_string(&buffer, "\"" E_ACUTE "\n" EMOJI "\x1f\\");
    um_json_put_instant(&buffer, 1733167050371);
    assert_string_equal(buffer.data, "null\"\"\"\\\"" E_ACUTE "\\n" EMOJI "\\u001f\\\\\""
                                     "\"2024-12-02T19:17:30.371Z\"");
}

static void members_are_appended_with_their_commas(void **state)
{
    apr_array_header_t *texts = apr_array_make(pool, 2, sizeof(const char *));
    um_buffer_t buffer;

    (void)state;
    um_buffer_init(&buffer, 1, pool);
    um_buffer_putc(&buffer, '{');
    um_json_put_member(&buffer, "a", "{");
    um_json_put_member_if(&buffer, "none", NULL);
    um_json_put_member_if(&buffer, "b", "");
    um_json_put_member_or_null(&buffer, "c", NULL);
    um_json_put_member_or_null(&buffer, "d", "\"");
    um_json_put_name(&buffer, "e");
    um_buffer_putc(&buffer, '{');
    um_json_put_member_int(&buffer, "f", -7);
    um_json_put_any_name(&buffer, "\"\n");
    um_buffer_puts(&buffer, "{}}");
    um_json_put_member_bool(&buffer, "g", 2);
    um_json_put_member_bool(&buffer, "h", 0);
    um_json_put_member_instant(&buffer, "i", 0);
    um_json_put_member_strings(&buffer, "j", texts);
    APR_ARRAY_PUSH(texts, const char *) = "x";
    APR_ARRAY_PUSH(texts, const char *) = "\\";
    um_json_put_member_strings(&buffer, "k", texts);
    um_json_put_member_json(&buffer, "l", "[{}]");
    um_json_put_member_json(&buffer, "m", NULL);
    um_buffer_putc(&buffer, '}');
    assert_string_equal(buffer.data,
                        "{\"a\":\"{\",\"b\":\"\",\"c\":null,\"d\":\"\\\"\",\"e\":{\"f\":-7,"
                        "\"\\\"\\n\":{}},\"g\":true,\"h\":false,"
                        "\"i\":\"1970-01-01T00:00:00.000Z\",\"j\":[],\"k\":[\"x\",\"\\\\\"],"
                        "\"l\":[{}],\"m\":null}");
}

static void a_name_may_be_its_object_s_first(void **state)
{
    um_buffer_t buffer;

    (void)state;
    um_buffer_init(&buffer, 1, pool);
    um_buffer_putc(&buffer, '{');
    um_json_put_any_name(&buffer, "a");
    um_buffer_putc(&buffer, '0');
    um_json_put_any_name(&buffer, "b");
    assert_string_equal(buffer.data, "{\"a\":0,\"b\":");
}

static const char *put_up_to(const char *text, apr_size_t max)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 1, pool);
    um_json_put_value_up_to(&buffer, parse(text), max);
    return buffer.data;
}

static void what_is_too_long_is_left_off(void **state)
{
    (void)state;
    assert_string_equal(put_up_to("[1,2,[3,4],5]", 13), "[1,2,[3,4],5]");
    assert_true(strlen(put_up_to("[1,2,3,4,5,6,7,8,9]", 6)) < 12);
    assert_true(strlen(put_up_to("[[[[[[1,2,3],4],5],6],7],8]", 6)) < 16);
    assert_true(strlen(put_up_to("{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5}", 6)) < 16);
    assert_true(strlen(put_up_to("{\"a\":{\"b\":[0,0,0,0,0,0,0,0,0,0]}}", 12)) < 20);
}

/* ---- trees that change ---- */

static void a_tree_is_made_and_changed(void **state)
{
    um_json_t *tree = um_json_new_object(pool);
    um_json_t *list = um_json_new_array(pool);

    (void)state;
    um_json_set(tree, "list", list);
    um_json_set_string(tree, "text", E_ACUTE);
    um_json_set(tree, "number", um_json_new_integer(-7, pool));
    um_json_set(tree, "yes", um_json_new_boolean(2));
    um_json_set(tree, "no", um_json_new_boolean(0));
    um_json_set(tree, "none", um_json_new_null());
    um_json_append(list, um_json_new_string("b", pool));
    um_json_insert(list, 0, um_json_new_string("a", pool));
    um_json_insert(list, 2, um_json_new_string("c", pool));
    assert_string_equal(um_json_text(tree, pool),
                        "{\"list\":[\"a\",\"b\",\"c\"],\"text\":\"" E_ACUTE
                        "\",\"number\":-7,\"yes\":true,\"no\":false,\"none\":null}");
    um_json_remove_element(list, 1);
    um_json_set_element(um_json_open_member(tree, "list"), 1, um_json_new_object(pool));
    um_json_set(um_json_open_element(list, 1), "x", um_json_new_boolean(1));
    um_json_set_string(tree, "text", "t");
    um_json_set_string(tree, "number", NULL);
    um_json_remove(tree, "yes");
    um_json_remove(tree, "not there");
    assert_string_equal(um_json_text(tree, pool),
                        "{\"list\":[\"a\",{\"x\":true}],\"text\":\"t\",\"no\":false,"
                        "\"none\":null}");
    assert_null(um_json_open_member(tree, "yes"));
    assert_null(um_json_open_element(list, 2));
}

static void a_copy_shares_nothing(void **state)
{
    um_json_t *tree = parse("{\"a\":[{\"b\":1}]}");
    um_json_t *copy = um_json_copy(tree, pool);

    (void)state;
    um_json_set(um_json_open_element(um_json_open_member(copy, "a"), 0), "b",
                um_json_new_integer(2, pool));
    assert_string_equal(um_json_text(tree, pool), "{\"a\":[{\"b\":1}]}");
    assert_string_equal(um_json_text(copy, pool), "{\"a\":[{\"b\":2}]}");
}

static void a_value_outlives_its_pool_in_a_tree_of_another(void **state)
{
    um_json_t *tree = um_json_new_array(pool);
    apr_pool_t *other = NULL;

    (void)state;
    apr_pool_create(&other, pool);
    um_json_append(tree, um_json_new_string("kept", other));
    um_json_append(tree, um_json_copy(parse("{\"a\":[1]}"), other));
    apr_pool_destroy(other);
    assert_string_equal(um_json_text(tree, pool), "[\"kept\",{\"a\":[1]}]");
}

static void names_are_found_without_case(void **state)
{
    const um_json_t *tree = parse("{\"USERNAME\":1,\"userName\":2,\"\u00c9\":3}");

    (void)state;
    assert_string_equal(um_json_find_name(tree, "username"), "USERNAME");
    assert_string_equal(um_json_find_name(tree, "userName"), "userName");
    assert_string_equal(um_json_find_name(tree, "\xc3\x89"), "\xc3\x89");
    assert_null(um_json_find_name(tree, E_ACUTE));
    assert_null(um_json_find_name(tree, "user"));
}

static void numbers_are_told(void **state)
{
    (void)state;
    assert_int_equal(um_json_integer(parse("-12")), -12);
    assert_int_equal(um_json_integer(parse("\"12\"")), 0);
    assert_int_equal(um_json_integer(parse("1.5")), 0);
    assert_true(um_json_number(parse("1.5")) > 1.25);
    assert_true(um_json_number(parse("2")) > 1.75);
}

/* An array of arrays with that many levels. */
static um_json_t *nest(int levels)
{
    um_json_t *tree = um_json_new_array(pool);

    for (int i = 1; i < levels; i++) {
        um_json_t *outer = um_json_new_array(pool);

        um_json_append(outer, tree);
        tree = outer;
    }
    return tree;
}

/* What is bounded can be read again, and what is not is refused. */
static void the_bounds_are_those_of_a_text(void **state)
{
    um_json_t *wide = um_json_new_array(pool);
    um_json_t *pair = um_json_new_array(pool);
    um_json_error_t error;
    um_json_t *read = NULL;
    const char *text;

    (void)state;
    for (int i = 1; i < UM_JSON_MAX_VALUES; i++) {
        um_json_append(wide, um_json_new_null());
    }
    assert_true(um_json_is_bounded(wide));
    assert_int_equal(um_json_count(wide, 1000000), UM_JSON_MAX_VALUES);
    assert_int_equal(um_json_count(wide, 5), 6);
    parse(um_json_text(wide, pool));
    um_json_append(wide, um_json_new_null());
    assert_false(um_json_is_bounded(wide));
    text = um_json_text(wide, pool);
    assert_int_equal(um_json_parse(&read, &error, text, strlen(text), pool), UM_EINVALID);

    assert_true(um_json_is_bounded(nest(UM_JSON_MAX_DEPTH)));
    parse(um_json_text(nest(UM_JSON_MAX_DEPTH), pool));
    assert_false(um_json_is_bounded(nest(UM_JSON_MAX_DEPTH + 1)));
    um_json_append(pair, nest(UM_JSON_MAX_DEPTH - 1));
    um_json_append(pair, nest(UM_JSON_MAX_DEPTH - 1));
    assert_true(um_json_is_bounded(pair));
    um_json_append(pair, nest(UM_JSON_MAX_DEPTH));
    assert_false(um_json_is_bounded(pair));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_SET_UP(what_is_short_already_comes_back_the_same),
        WITH_SET_UP(what_can_be_shorter_comes_back_shorter),
        WITH_SET_UP(malformed_texts_are_refused),
        WITH_SET_UP(a_text_ends_where_its_length_says),
        WITH_SET_UP(surrogates_come_in_pairs),
        WITH_SET_UP(bytes_must_be_utf_8),
        WITH_SET_UP(the_null_character_is_refused),
        WITH_SET_UP(names_come_once),
        WITH_SET_UP(levels_are_counted_from_the_outermost_value),
        WITH_SET_UP(values_are_counted_before_they_are_made),
        WITH_SET_UP(more_values_can_be_allowed),
        WITH_SET_UP(errors_tell_where_they_are),
        WITH_SET_UP(an_error_quotes_nothing_of_the_text),
        WITH_SET_UP(integers_have_64_bits),
        WITH_SET_UP(reals_stay_in_range),
        WITH_SET_UP(zero_is_no_number_rounded_to_zero),
        WITH_SET_UP(a_long_number_can_be_rounded_to_zero_without_an_exponent),
        WITH_SET_UP(odd_doubles_survive),
        WITH_SET_UP(powers_and_their_neighbours_survive),
        WITH_SET_UP(random_doubles_survive),
        WITH_SET_UP(random_decimals_come_back_as_they_were),
        WITH_SET_UP(random_trees_survive),
        WITH_SET_UP(damaged_trees_do_no_harm),
        WITH_SET_UP(long_texts_take_time_by_their_length),
        WITH_SET_UP(types_are_told_apart),
        WITH_SET_UP(members_are_visited_in_the_order_of_the_text),
        WITH_SET_UP(a_text_is_split_into_its_members),
        WITH_SET_UP(equal_values),
        WITH_SET_UP(a_value_lives_as_long_as_its_pool),
        WITH_SET_UP(every_character_of_a_string_is_read_back),
        WITH_SET_UP(an_escape_is_found_at_every_place),
        WITH_SET_UP(strings_and_instants_are_appended),
        WITH_SET_UP(members_are_appended_with_their_commas),
        WITH_SET_UP(a_name_may_be_its_object_s_first),
        WITH_SET_UP(what_is_too_long_is_left_off),
        WITH_SET_UP(a_tree_is_made_and_changed),
        WITH_SET_UP(a_copy_shares_nothing),
        WITH_SET_UP(a_value_outlives_its_pool_in_a_tree_of_another),
        WITH_SET_UP(names_are_found_without_case),
        WITH_SET_UP(numbers_are_told),
        WITH_SET_UP(the_bounds_are_those_of_a_text),
    };

    return RUN("json", tests);
}
