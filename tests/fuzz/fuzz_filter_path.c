/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file fuzz_filter_path.c A text to a path of PATCH: what is written of it reads the same. */

#include <apr_strings.h>

#include "../../mod_usermgmt/base/status.h"
#include "../../mod_usermgmt/base/text.h"
#include "../unit/filter_text.h"
#include "fuzz.h"

static apr_pool_t *parent;

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    parent = fuzz_start();
    return 0;
}

static const char *path_text(const um_filter_target_t *target, apr_pool_t *pool)
{
    if (target->filter == NULL) {
        return target->path.text;
    }
    return apr_pstrcat(pool, target->path.text, "[", filter_text(target->filter, pool), "]",
                       target->sub != NULL ? "." : "", target->sub, NULL);
}

static void check_again(const um_filter_target_t *target, apr_pool_t *pool)
{
    const char *text = path_text(target, pool);
    um_filter_error_t error = { 0 };
    um_filter_target_t again;

    if (um_filter_parse_path(&again, &error, text, pool) == APR_SUCCESS) {
        REQUIRE(strcmp(path_text(&again, pool), text) == 0);
        REQUIRE(um_filter_same_name(again.sub, target->sub));
        REQUIRE((again.filter == NULL) == (target->filter == NULL));
    } else {
        REQUIRE(strlen(text) > UM_FILTER_MAX);
    }
}

static void check(const char *text, apr_pool_t *pool)
{
    um_filter_error_t error = { 0 };
    um_filter_target_t target = { .sub = NULL };

    if (um_filter_parse_path(&target, &error, text, pool) == APR_SUCCESS) {
        REQUIRE(target.filter == NULL || target.path.sub == NULL);
        check_again(&target, pool);
    } else {
        REQUIRE(error.detail != NULL && um_text_is_utf8(error.detail, strlen(error.detail)));
        REQUIRE(error.position >= 1 && (size_t)error.position <= strlen(text) + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_with_text(data, size, parent, check);
    return 0;
}
