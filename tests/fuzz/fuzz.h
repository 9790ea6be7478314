/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_TESTS_FUZZ_H
#define UM_TESTS_FUZZ_H

/**
 * @file fuzz.h
 * What a fuzz target is to libFuzzer, and to driver.c, which stands in for it:
 * make check replays the corpus, build/check goes on from it with the sanitizers.
 *
 * With libFuzzer instead, from a build made with CC=clang and
 * CFLAGS="-g -O1 -fsanitize=fuzzer-no-link,address,undefined":
 *
 *     clang -fsanitize=fuzzer,address,undefined $(apr-1-config --includes --cppflags)
 *         tests/fuzz/fuzz_json.c .libs/libumapi.a .libs/libumcore.a
 *         $(pkg-config --libs jansson libutf8proc libcrypto) -laprutil-1 -lapr-1
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_pools.h>

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** What must hold, whatever the input. */
#define REQUIRE(condition)                                                                       \
    do {                                                                                         \
        if (!(condition)) {                                                                      \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);        \
            abort();                                                                             \
        }                                                                                        \
    } while (0)

/** Where the program's pools come from; it ends with the program. */
static inline apr_pool_t *fuzz_start(void)
{
    apr_pool_t *pool = NULL;

    REQUIRE(apr_initialize() == APR_SUCCESS);
    atexit(apr_terminate);
    REQUIRE(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    return pool;
}

/** The input as a text of its own: what is read behind it is seen. NULL where it
 *  has a NUL, as what comes as a header or a path never does. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text;

    if (size > 0 && memchr(data, 0, size) != NULL) {
        return NULL;
    }
    text = malloc(size + 1);
    REQUIRE(text != NULL);
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    return text;
}

/** Call check with the input as a text, if it is one, and with a pool below parent. */
static inline void fuzz_with_text(const uint8_t *data, size_t size, apr_pool_t *parent,
                                  void (*check)(const char *text, apr_pool_t *pool))
{
    char *text = fuzz_text(data, size);
    apr_pool_t *pool = NULL;

    if (text != NULL) {
        apr_pool_create(&pool, parent);
        check(text, pool);
        apr_pool_destroy(pool);
        free(text);
    }
}

#endif
