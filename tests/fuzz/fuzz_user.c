/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file fuzz_user.c A body to a user: made from it, and changed by it. */

#include "../../mod_usermgmt/api/user_json.h"
#include "../../mod_usermgmt/base/address.h"
#include "fuzz.h"

static apr_pool_t *parent;

static const um_user_t stored_user = {
    .uid = "000000000000000000ab",
    .email = "a@b.co",
    .display_name = "A",
    .phone = "123",
    .created_at = 1733167050371,
    .updated_at = 1733167050372,
    .version = 7,
    .attributes = "{\"height\":175,\"age\":\"23\",\"tree\":{\"a\":[0.95]}}",
};

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    parent = fuzz_start();
    return 0;
}

/* A user as it is written: sent back, it changes nothing. */
static void check_round_trip(const um_user_t *user, apr_pool_t *pool)
{
    const char *text = um_user_json(user, pool);
    um_faults_t faults = { .pool = pool };
    um_json_error_t error;
    um_json_t *body = NULL;
    um_user_input_t input;
    um_user_t updated;
    int changed = 1;

    REQUIRE(um_json_parse(&body, &error, text, strlen(text), pool) == APR_SUCCESS);
    um_user_input_read(&input, body);
    um_user_input_check_update(&input, &faults);
    REQUIRE(faults.list == NULL);
    REQUIRE(um_user_input_update(&updated, &changed, user, &input, &faults) == APR_SUCCESS);
    REQUIRE(faults.list == NULL && !changed);
}

static void check_user(const um_user_t *user, apr_pool_t *pool)
{
    REQUIRE(um_address_check(user->email, pool) == NULL);
    REQUIRE(um_rules_check_display_name(user->display_name) == NULL);
    REQUIRE(strlen(user->attributes) <= UM_ATTRIBUTES_MAX_BYTES);
    check_round_trip(user, pool);
}

static void check_faults(const um_faults_t *faults, apr_pool_t *pool)
{
    um_answer_t answer;
    um_json_error_t error;
    um_json_t *body = NULL;

    um_answer_init(&answer, pool);
    REQUIRE(um_problem_answer_faults(&answer, faults) == UM_EREFUSED);
    REQUIRE(um_json_parse(&body, &error, answer.body, answer.length, pool) == APR_SUCCESS);
}

static void create(um_user_input_t *input, apr_pool_t *pool)
{
    um_faults_t faults = { .pool = pool };
    um_user_t user = stored_user;

    user.phone = NULL;
    um_user_input_create(&user, input, &faults);
    if (faults.list == NULL) {
        check_user(&user, pool);
    } else {
        check_faults(&faults, pool);
    }
}

static void update(um_user_input_t *input, apr_pool_t *pool)
{
    um_faults_t faults = { .pool = pool };
    um_user_t updated;
    int changed = 0;

    um_user_input_check_update(input, &faults);
    if (faults.list == NULL) {
        REQUIRE(um_user_input_update(&updated, &changed, &stored_user, input, &faults)
                == APR_SUCCESS);
    }
    if (faults.list == NULL) {
        check_user(&updated, pool);
    } else {
        check_faults(&faults, pool);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    um_json_error_t error;
    um_json_t *body = NULL;
    apr_pool_t *pool = NULL;
    um_user_input_t input;

    apr_pool_create(&pool, parent);
    if (um_json_parse(&body, &error, (const char *)data, size, pool) == APR_SUCCESS
        && um_json_type(body) == UM_JSON_OBJECT) {
        um_user_input_read(&input, body);
        create(&input, pool);
        update(&input, pool);
    }
    apr_pool_destroy(pool);
    return 0;
}
