/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_TESTS_UNIT_H
#define UM_TESTS_UNIT_H

/**
 * @file unit.h
 * What all unit tests need: cmocka with its headers, a pool for each test, and small helpers.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_strings.h>

/* How many elements an array has. */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Characters of two and of four bytes. */
#define E_ACUTE "\xc3\xa9"
#define EMOJI "\xf0\x9f\x98\x80"

/* Of the test that runs. */
static apr_pool_t *pool;

static inline int make_pool(void **state)
{
    (void)state;
    return apr_pool_create(&pool, NULL) == APR_SUCCESS ? 0 : -1;
}

static inline int destroy_pool(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}

/* A test that finds a new pool; one whose file makes more than that in set_up(); and one whose
 * file has a tear_down() as well. */
#define WITH_POOL(test) cmocka_unit_test_setup_teardown(test, make_pool, destroy_pool)
#define WITH_SET_UP(test) cmocka_unit_test_setup_teardown(test, set_up, destroy_pool)
#define WITH_TEAR_DOWN(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* Runs an array of tests. Its value is for main() to return. */
#define RUN(name, tests)                                                                         \
    (apr_initialize(), atexit(apr_terminate),                                                    \
     cmocka_run_group_tests_name(name, tests, NULL, NULL))

/* A text so many times, in the pool of the test. */
static inline const char *times(int count, const char *text)
{
    size_t length = strlen(text);
    char *result = apr_palloc(pool, (size_t)count * length + 1);

    for (int i = 0; i < count; i++) {
        memcpy(result + (size_t)i * length, text, length);
    }
    result[(size_t)count * length] = '\0';
    return result;
}

#endif
