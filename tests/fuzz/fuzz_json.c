/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file fuzz_json.c A text to a value: what is written of it reads the same. */

#include "../../mod_usermgmt/base/json.h"
#include "../../mod_usermgmt/base/status.h"
#include "../../mod_usermgmt/base/text.h"
#include "fuzz.h"

static apr_pool_t *parent;

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    parent = fuzz_start();
    return 0;
}

static void check_error(const um_json_error_t *error)
{
    REQUIRE(error->code != NULL && error->detail != NULL);
    REQUIRE(error->line >= 1 && error->column >= 0);
    REQUIRE(um_text_is_utf8(error->detail, strlen(error->detail)));
}

static void check_value(const um_json_t *value, apr_pool_t *pool)
{
    um_json_error_t error;
    um_json_t *again = NULL;
    um_buffer_t first;
    um_buffer_t second;

    um_buffer_init(&first, 1, pool);
    um_json_put_value(&first, value);
    REQUIRE(um_text_is_utf8(first.data, first.length));
    REQUIRE(um_json_parse(&again, &error, first.data, first.length, pool) == APR_SUCCESS);
    REQUIRE(um_json_equal(value, again));
    um_buffer_init(&second, 1, pool);
    um_json_put_value(&second, again);
    REQUIRE(strcmp(first.data, second.data) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    um_json_error_t error = { 0 };
    um_json_t *value = NULL;
    apr_pool_t *pool = NULL;

    apr_pool_create(&pool, parent);
    if (um_json_parse(&value, &error, (const char *)data, size, pool) == APR_SUCCESS) {
        check_value(value, pool);
    } else {
        check_error(&error);
    }
    apr_pool_destroy(pool);
    return 0;
}
