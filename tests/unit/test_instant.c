/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_instant.c RFC 3339, written and read. */

#define _DEFAULT_SOURCE /* timegm */

#include <stdio.h>
#include <time.h>

#include "unit.h"

#include "../../mod_usermgmt/base/instant.h"

#define DAY INT64_C(86400000)
#define FIRST INT64_C(-62167219200000)
#define LAST INT64_C(253402300799999)
#define DAYS 3652425

static void assert_written(apr_int64_t ms, const char *expected)
{
    char text[UM_INSTANT_LENGTH + 2];

    memset(text, '#', sizeof(text));
    um_instant_format(text, ms);
    assert_string_equal(text, expected);
    assert_int_equal(text[UM_INSTANT_LENGTH + 1], '#');
}

static void assert_read(const char *text, apr_int64_t expected)
{
    apr_int64_t ms = ~expected;

    if (!um_instant_parse(&ms, text)) {
        fail_msg("refused: %s", text);
    }
    if (ms != expected) {
        fail_msg("%s read as %lld, not %lld", text, (long long)ms, (long long)expected);
    }
}

static void assert_refused(const char *text)
{
    apr_int64_t ms = 42;

    if (um_instant_parse(&ms, text)) {
        fail_msg("taken: %s", text);
    }
    assert_int_equal(ms, 42);
}

static void known_instants_are_written(void **state)
{
    (void)state;
    assert_written(0, "1970-01-01T00:00:00.000Z");
    assert_written(1733167050371, "2024-12-02T19:17:30.371Z");
    assert_written(-1, "1969-12-31T23:59:59.999Z");
    assert_written(951782400000, "2000-02-29T00:00:00.000Z");
    assert_written(951868800000, "2000-03-01T00:00:00.000Z");
    assert_written(FIRST, "0000-01-01T00:00:00.000Z");
    assert_written(LAST, "9999-12-31T23:59:59.999Z");
}

static void instants_outside_are_the_nearest_inside(void **state)
{
    (void)state;
    assert_written(FIRST - 1, "0000-01-01T00:00:00.000Z");
    assert_written(INT64_MIN, "0000-01-01T00:00:00.000Z");
    assert_written(LAST + 1, "9999-12-31T23:59:59.999Z");
    assert_written(INT64_MAX, "9999-12-31T23:59:59.999Z");
}

/* A calendar that goes on day by day. */
typedef struct calendar_t {
    int year;
    int month;
    int day;
} calendar_t;

static int month_length(int year, int month)
{
    if (month == 2) {
        return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
    }
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

static void go_on(calendar_t *date)
{
    if (++date->day > month_length(date->year, date->month)) {
        date->day = 1;
        if (++date->month > 12) {
            date->month = 1;
            date->year++;
        }
    }
}

static void put(char *text, int number, int digits)
{
    for (text += digits; digits > 0; digits--, number /= 10) {
        *--text = (char)('0' + number % 10);
    }
}

static void every_day_is_written_and_read(void **state)
{
    calendar_t date = { 0, 1, 1 };
    char expected[] = "0000-00-00T23:59:59.999Z";
    char text[UM_INSTANT_LENGTH + 1];

    (void)state;
    for (int day = 0; day < DAYS; day++, go_on(&date)) {
        apr_int64_t last = FIRST + (day + 1) * DAY - 1;
        apr_int64_t ms = 0;

        put(expected, date.year, 4);
        put(expected + 5, date.month, 2);
        put(expected + 8, date.day, 2);
        um_instant_format(text, last);
        if (strcmp(text, expected) != 0 || !um_instant_parse(&ms, text) || ms != last) {
            fail_msg("%s is written as %s and read as %lld", expected, text, (long long)ms);
        }
    }
    assert_int_equal(date.year, 10000);
}

static void every_ms_of_a_second_is_written_and_read(void **state)
{
    static const apr_int64_t second = INT64_C(-11670953104000);
    char expected[] = "1600-02-29T12:34:56.000Z";

    (void)state;
    for (int ms = 0; ms < 1000; ms++) {
        put(expected + 20, ms, 3);
        assert_written(second + ms, expected);
        assert_read(expected, second + ms);
    }
}

static void it_agrees_with_the_c_library(void **state)
{
    uint64_t seed = 88172645463325252;

    (void)state;
    for (int i = 0; i < 300000; i++) {
        apr_int64_t ms;
        apr_int64_t read = 0;
        time_t seconds;
        struct tm tm;
        char expected[100];
        char text[UM_INSTANT_LENGTH + 1];

        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        ms = FIRST + (apr_int64_t)(seed % (uint64_t)(LAST - FIRST + 1));
        seconds = (time_t)((ms - FIRST) / 1000 + FIRST / 1000);
        assert_non_null(gmtime_r(&seconds, &tm));
        snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                 (int)((ms - FIRST) % 1000));
        um_instant_format(text, ms);
        assert_string_equal(text, expected);
        assert_true(um_instant_parse(&read, text));
        assert_int_equal(read, ms);
        assert_int_equal(read, timegm(&tm) * INT64_C(1000) + (ms - FIRST) % 1000);
    }
}

static void all_forms_are_read(void **state)
{
    (void)state;
    assert_read("1970-01-01T00:00:00Z", 0);
    assert_read("1970-01-01t00:00:00z", 0);
    assert_read("1970-01-01T00:00:00.1Z", 100);
    assert_read("1970-01-01T00:00:00.12Z", 120);
    assert_read("1970-01-01T00:00:00.129999999999999999999999Z", 129);
    assert_read("1970-01-01T00:00:00.0009Z", 0);
    assert_read("1969-12-31T23:59:59.9999Z", -1);
    assert_read("1970-01-01T00:00:00+00:00", 0);
    assert_read("1970-01-01T00:00:00-00:00", 0);
    assert_read("1970-01-01T05:30:00+05:30", 0);
    assert_read("1969-12-31T16:00:00-08:00", 0);
    assert_read("1970-01-01T23:59:00.5+23:59", 500);
    assert_read("1969-12-31T00:01:00-23:59", 0);
    assert_read("2000-02-29T00:00:00Z", 951782400000);
    assert_read("0000-02-29T00:00:00Z", FIRST + 59 * DAY);
    /* An instant of the year -1, and one of the year 10000. */
    assert_read("0000-01-01T00:00:00+00:01", FIRST - 60000);
    assert_read("9999-12-31T23:59:59.999-00:01", LAST + 60000);
}

static void what_is_finer_is_cut_off_or_rounded_up(void **state)
{
    static const struct {
        const char *text;
        apr_int64_t down;
        apr_int64_t up;
        /* clang-format off */
    } texts[] = {
        { "1970-01-01T00:00:00.123Z", 123, 123 },  { "1970-01-01T00:00:00.1230Z", 123, 123 },
        { "1970-01-01T00:00:00.1231Z", 123, 124 }, { "1970-01-01T00:00:00.12300001Z", 123, 124 },
        { "1970-01-01T00:00:00.9999Z", 999, 1000 }, { "1970-01-01T00:00:00Z", 0, 0 },
        { "1969-12-31T23:59:59.9995Z", -1, 0 },
    };
    /* clang-format on */
    apr_int64_t ms;

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_true(um_instant_parse(&ms, texts[i].text));
        assert_int_equal(ms, texts[i].down);
        assert_true(um_instant_parse_up(&ms, texts[i].text));
        assert_int_equal(ms, texts[i].up);
    }
    assert_false(um_instant_parse_up(&ms, "1970-01-01T00:00:00.Z"));
}

static void leap_seconds_count_as_the_second_behind(void **state)
{
    (void)state;
    assert_read("2016-12-31T23:59:60Z", 1483228800000);
    assert_read("2016-12-31T23:59:60.5Z", 1483228800500);
    assert_read("2015-06-30T23:59:60Z", 1435708800000);
    assert_read("1990-12-31T15:59:60-08:00", 662688000000);
    assert_read("2017-01-01T05:29:60+05:30", 1483228800000);
    assert_read("9999-12-31T23:59:60Z", LAST + 1);
    /* Leap seconds are at the end of a month of UTC only. */
    assert_refused("2016-12-31T12:00:60Z");
    assert_refused("2016-12-30T23:59:60Z");
    assert_refused("2016-12-31T23:58:60Z");
    assert_refused("2016-12-31T23:59:60+01:00");
    assert_refused("0000-01-01T00:00:60+00:02");
    assert_refused("2016-12-31T23:59:61Z");
}

static void days_that_do_not_exist_are_refused(void **state)
{
    (void)state;
    assert_refused("2023-02-29T00:00:00Z");
    assert_refused("1900-02-29T00:00:00Z");
    assert_refused("2100-02-29T00:00:00Z");
    assert_refused("2000-02-30T00:00:00Z");
    assert_refused("2024-01-32T00:00:00Z");
    assert_refused("2024-04-31T00:00:00Z");
    assert_refused("2024-06-31T00:00:00Z");
    assert_refused("2024-09-31T00:00:00Z");
    assert_refused("2024-11-31T00:00:00Z");
    assert_refused("2024-00-01T00:00:00Z");
    assert_refused("2024-13-01T00:00:00Z");
    assert_refused("2024-01-00T00:00:00Z");
}

static void everything_else_is_refused(void **state)
{
    /* clang-format off */
    static const char *const texts[] = {
        "", "0", "now", "2024", "2024-12-02", "1733167050371", "2024-12-02T", "2024-12-02T19",
        "2024-12-02T19:17", "2024-12-02T19:17Z", "2024-12-02T19:17:30", "2024-12-02T19:17:30.371",
        "2024-12-02 19:17:30Z", "2024-12-02_19:17:30Z", " 2024-12-02T19:17:30Z",
        "2024-12-02T19:17:30Z ", "2024-12-02T19:17:30Z\n", "2024-12-02T19:17:30ZZ",
        "2024-12-02T19:17:30.Z", "2024-12-02T19:17:30,371Z", "2024-12-02T19:17:30.3.7Z",
        "2024-12-02T24:00:00Z", "2024-12-02T23:60:00Z", "2024-12-02T23:59:99Z",
        "2024-12-02T19:17:30+", "2024-12-02T19:17:30+1", "2024-12-02T19:17:30+01",
        "2024-12-02T19:17:30+0100", "2024-12-02T19:17:30+01:", "2024-12-02T19:17:30+01:0",
        "2024-12-02T19:17:30+24:00", "2024-12-02T19:17:30+01:60", "2024-12-02T19:17:30+-1:00",
        "2024-12-02T19:17:30 01:00", "2024-12-02T19:17:30+01:00Z", "2024-12-02T19:17:30Z+01:00",
        "20241202T191730Z", "2024-1-02T19:17:30Z", "2024-12-2T19:17:30Z", "2024-12-02T9:17:30Z",
        "24-12-02T19:17:30Z", "02024-12-02T19:17:30Z", "12024-12-02T19:17:30Z",
        "+2024-12-02T19:17:30Z", "-2024-12-02T19:17:30Z", "2024/12/02T19:17:30Z",
        "2024-12-02T19.17.30Z", "2024-12-02T-1:17:30Z", "2024-12-02T19:17:3 Z",
        "\xef\xbc\x92" "024-12-02T19:17:30Z", "2024-12-02T19:17:30\xe2\x88\x92" "01:00",
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_refused(texts[i]);
    }
}

/* No byte of a good text can be dropped, nor any but a few be something else. */
static void a_damaged_text_is_refused(void **state)
{
    static const char good[] = "2024-12-02T19:17:30.371+01:30";

    (void)state;
    for (size_t i = 0; i + 1 < sizeof(good); i++) {
        char text[sizeof(good)];

        memcpy(text, good, sizeof(good));
        text[i] = '\0';
        assert_refused(text);
        text[i] = 'x';
        assert_refused(text);
        text[i] = '/';
        assert_refused(text);
        text[i] = ':';
        if (good[i] != ':') {
            assert_refused(text);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_instants_are_written),
        cmocka_unit_test(instants_outside_are_the_nearest_inside),
        cmocka_unit_test(every_day_is_written_and_read),
        cmocka_unit_test(every_ms_of_a_second_is_written_and_read),
        cmocka_unit_test(it_agrees_with_the_c_library),
        cmocka_unit_test(all_forms_are_read),
        cmocka_unit_test(what_is_finer_is_cut_off_or_rounded_up),
        cmocka_unit_test(leap_seconds_count_as_the_second_behind),
        cmocka_unit_test(days_that_do_not_exist_are_refused),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(a_damaged_text_is_refused),
    };

    return RUN("instant", tests);
}
