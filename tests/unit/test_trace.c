/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_trace.c The header traceparent. */

#include "unit.h"

#include "../../mod_usermgmt/base/trace.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"
#define ZEROS "00000000000000000000000000000000"

static void good_ones_are_read(void **state)
{
    static const char *const headers[] = {
        "00-" TRACE "-" PARENT "-01",      "00-" TRACE "-" PARENT "-00",
        "00-" TRACE "-" PARENT "-ff",      "cc-" TRACE "-" PARENT "-01",
        "01-" TRACE "-" PARENT "-01-more", "fe-" TRACE "-" PARENT "-01-",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(headers); i++) {
        char id[UM_TRACE_ID_LENGTH + 1] = "";

        assert_true(um_trace_parse(id, headers[i]));
        assert_string_equal(id, TRACE);
    }
}

static void all_others_are_ignored(void **state)
{
    static const char *const headers[] = {
        NULL,
        "",
        "00",
        TRACE,
        "ff-" TRACE "-" PARENT "-01",
        "0g-" TRACE "-" PARENT "-01",
        "0-" TRACE "-" PARENT "-01",
        "00_" TRACE "-" PARENT "-01",
        "00-" TRACE "_" PARENT "-01",
        "00-" TRACE "-" PARENT "_01",
        "00-" ZEROS "-" PARENT "-01",
        "00-" TRACE "-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01",
        "00-" TRACE "-00F067AA0BA902B7-01",
        "00-" TRACE "-" PARENT "-0x",
        "00-" TRACE "-" PARENT "-1",
        "00-" TRACE "-" PARENT "-",
        "00-" TRACE "-" PARENT "-01-more",
        "00-" TRACE "-" PARENT "-01 ",
        " 00-" TRACE "-" PARENT "-01",
        "01-" TRACE "-" PARENT "-01more",
        "00-" TRACE "-" PARENT "-01, 00-" TRACE "-" PARENT "-01",
        "00-" TRACE "\"-" PARENT "-01",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(headers); i++) {
        char id[UM_TRACE_ID_LENGTH + 1] = "none";

        if (um_trace_parse(id, headers[i]) || strcmp(id, "none") != 0) {
            fail_msg("it was read: %s", headers[i]);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones_are_read),
        cmocka_unit_test(all_others_are_ignored),
    };

    return RUN("trace", tests);
}
