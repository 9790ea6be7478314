/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_duration.c Lengths of time as text. */

#include "unit.h"

#include "../../mod_usermgmt/base/duration.h"

#define DAYS_MAX 100000

static void each_unit_is_read(void **state)
{
    static const struct {
        const char *text;
        apr_int64_t ms;
    } good[] = {
        { "0", 0 },
        { "0d", 0 },
        { "000", 0 },
        { "1ms", 1 },
        { "7s", 7000 },
        { "3min", 180000 },
        { "24h", 86400000 },
        { "90d", 7776000000 },
        { "090d", 7776000000 },
        { "100000d", DAYS_MAX * UM_MS_PER_DAY },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        apr_int64_t ms = -1;

        assert_true(um_duration_parse(&ms, good[i].text));
        assert_int_equal(ms, good[i].ms);
    }
}

static void what_is_none_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "d",
        "1",
        "90",
        "-1d",
        "+1d",
        "1.5h",
        " 1d",
        "1d ",
        "1 d",
        "1D",
        "1m",
        "1w",
        "1y",
        "1dd",
        "1d1h",
        "never",
        "0x1d",
        "100001d",
        "8640000001s",
        "9223372036854775807ms",
        "99999999999999999999999999d",
        "18446744073709551616ms",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        apr_int64_t ms = -1;

        assert_false(um_duration_parse(&ms, bad[i]));
        assert_int_equal(ms, -1);
    }
}

static void the_largest_unit_is_written(void **state)
{
    static const struct {
        apr_int64_t ms;
        const char *text;
    } written[] = {
        { 0, "0" },         { 1, "1ms" },        { 1500, "1500ms" },
        { 60000, "1min" },  { 90000, "90s" },    { 3600000, "1h" },
        { 86400000, "1d" }, { 90000000, "25h" }, { 31622400000, "366d" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(written); i++) {
        apr_int64_t ms = -1;

        assert_string_equal(um_duration_format(written[i].ms, pool), written[i].text);
        assert_true(um_duration_parse(&ms, written[i].text));
        assert_int_equal(ms, written[i].ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_unit_is_read),
        cmocka_unit_test(what_is_none_is_refused),
        WITH_POOL(the_largest_unit_is_written),
    };

    return RUN("duration", tests);
}
