/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file fuzz_filter.c A text to a filter: its tree is within the limits, and what is written of
 *  it reads the same. */

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

static void check_error(const um_filter_error_t *error, const char *text)
{
    REQUIRE(error->detail != NULL && um_text_is_utf8(error->detail, strlen(error->detail)));
    REQUIRE(error->position >= 1 && (size_t)error->position <= strlen(text) + 1);
}

static void check_path(const um_filter_path_t *path)
{
    REQUIRE(path->text != NULL && path->name != NULL && *path->attribute != '\0');
    REQUIRE(path->position >= 1);
    REQUIRE(path->sub == NULL || *path->sub != '\0');
    REQUIRE(strncmp(path->name, path->attribute, strlen(path->attribute)) == 0);
}

/* Returns how many comparisons there are. */
static int check_tree(const um_filter_t *filter, int level, int in_element)
{
    int leaves = 0;
    int terms = 0;

    REQUIRE(level <= UM_FILTER_MAX_LEVELS);
    for (const um_filter_t *term = filter->first; term != NULL; term = term->next) {
        REQUIRE(term->kind != filter->kind || filter->kind == UM_FILTER_NOT);
        leaves += check_tree(term, level + 1, in_element || filter->kind == UM_FILTER_ELEMENT);
        terms++;
    }
    switch (filter->kind) {
    case UM_FILTER_AND:
    case UM_FILTER_OR:
        REQUIRE(terms >= 2);
        return leaves;
    case UM_FILTER_NOT:
        REQUIRE(terms == 1);
        return leaves;
    case UM_FILTER_ELEMENT:
        REQUIRE(terms == 1 && !in_element && filter->path.sub == NULL);
        check_path(&filter->path);
        return leaves;
    default:
        REQUIRE(terms == 0);
        check_path(&filter->path);
        return 1;
    }
}

/* The parentheses that are written may be one more level than those that were read. */
static void check_again(const um_filter_t *filter, apr_pool_t *pool)
{
    const char *text = filter_text(filter, pool);
    um_filter_error_t error = { 0 };
    um_filter_t *again = NULL;

    if (um_filter_parse(&again, &error, text, pool) == APR_SUCCESS) {
        REQUIRE(strcmp(filter_text(again, pool), text) == 0);
    } else {
        REQUIRE(strlen(text) > UM_FILTER_MAX || strstr(error.detail, "16 levels") != NULL);
    }
}

static void check(const char *text, apr_pool_t *pool)
{
    um_filter_error_t error = { 0 };
    um_filter_t *filter = NULL;

    if (um_filter_parse(&filter, &error, text, pool) == APR_SUCCESS) {
        REQUIRE(check_tree(filter, 1, 0) <= UM_FILTER_MAX_TERMS);
        check_again(filter, pool);
    } else {
        REQUIRE(filter == NULL);
        check_error(&error, text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_with_text(data, size, parent, check);
    return 0;
}
