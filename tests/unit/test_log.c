/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_log.c Lines that are logged once in a while only. */

#include "unit.h"

#include "../../mod_usermgmt/base/log.h"

#define PAUSE 2

static void the_first_line_is_due(void **state)
{
    volatile apr_uint32_t logged_at = 0;

    (void)state;
    /* Longer than any machine runs. */
    assert_true(um_log_is_due(&logged_at, 2000000000));
    assert_false(um_log_is_due(&logged_at, 2000000000));
}

static void the_next_line_is_due_after_the_pause(void **state)
{
    volatile apr_uint32_t logged_at = 0;

    (void)state;
    assert_true(um_log_is_due(&logged_at, PAUSE));
    for (int i = 0; i < 10; i++) {
        assert_false(um_log_is_due(&logged_at, PAUSE));
    }
    apr_sleep(apr_time_from_sec(PAUSE));
    assert_true(um_log_is_due(&logged_at, PAUSE));
    assert_false(um_log_is_due(&logged_at, PAUSE));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_line_is_due),
        cmocka_unit_test(the_next_line_is_due_after_the_pause),
    };

    return RUN("log", tests);
}
