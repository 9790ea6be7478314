/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file fuzz_query.c A query to its pairs, and the pairs to a query again. */

#include "../../mod_usermgmt/base/status.h"
#include "../../mod_usermgmt/base/text.h"
#include "../../mod_usermgmt/rest/query.h"

#include <apr_strings.h>

#include "fuzz.h"

static apr_pool_t *parent;

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    parent = fuzz_start();
    return 0;
}

/* Encoded and read again, a pair is the same. */
static void check_pair(const um_query_parameter_t *pair, apr_pool_t *pool)
{
    const char *query = apr_pstrcat(pool, um_query_encode(pair->name, pool), "=",
                                    um_query_encode(pair->value, pool), NULL);
    apr_array_header_t *parameters = NULL;
    um_faults_t faults = { .pool = pool };
    const um_query_parameter_t *again;

    REQUIRE(um_text_is_utf8(pair->name, strlen(pair->name)));
    REQUIRE(um_text_is_utf8(pair->value, strlen(pair->value)));
    if (strlen(query) > UM_QUERY_MAX) {
        return;
    }
    REQUIRE(um_query_parse(&parameters, &faults, query, pool) == APR_SUCCESS);
    REQUIRE(faults.list == NULL);
    REQUIRE(parameters->nelts == 1);
    again = &APR_ARRAY_IDX(parameters, 0, um_query_parameter_t);
    REQUIRE(strcmp(again->name, pair->name) == 0 && strcmp(again->value, pair->value) == 0);
}

static void check(const char *query, apr_pool_t *pool)
{
    apr_array_header_t *parameters = NULL;
    um_faults_t faults = { .pool = pool };
    apr_status_t status = um_query_parse(&parameters, &faults, query, pool);

    REQUIRE((status == UM_ETOOLARGE) == (strlen(query) > UM_QUERY_MAX));
    for (int i = 0; faults.list != NULL && i < faults.list->nelts; i++) {
        const char *field = APR_ARRAY_IDX(faults.list, i, um_fault_t).field;

        REQUIRE(um_text_is_utf8(field, strlen(field)));
    }
    for (int i = 0; status == APR_SUCCESS && i < parameters->nelts; i++) {
        check_pair(&APR_ARRAY_IDX(parameters, i, um_query_parameter_t), pool);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_with_text(data, size, parent, check);
    return 0;
}
