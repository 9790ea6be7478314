/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file fuzz_scim_patch.c The operations of a PATCH of SCIM, applied to a user; and a user as
 * POST has it. */

#include "../../mod_usermgmt/base/status.h"
#include "../../mod_usermgmt/scim/patch.h"
#include "../../mod_usermgmt/scim/value.h"
#include "fuzz.h"

#define CUSTOM "\"" UM_SCIM_URN_CUSTOM "\""
#define ENTERPRISE "\"" UM_SCIM_URN_ENTERPRISE "\""

static const char stored[] =
    "{\"schemas\":[\"" UM_SCIM_URN_USER "\"," ENTERPRISE "," CUSTOM "],\"id\":\"1\","
    "\"userName\":\"ann\",\"name\":{\"familyName\":\"X\"},\"active\":true,"
    "\"emails\":[{\"value\":\"a@x\",\"type\":\"work\",\"primary\":true},{\"value\":\"b@x\"}],"
    "\"addresses\":[{\"locality\":\"Rome\"}]," ENTERPRISE
    ":{\"manager\":{\"value\":\"7\"}}," CUSTOM
    ":{\"a\":[1,\"x\",{\"b\":2}],\"c.d\":null,\"e\":{\"f\":1}}}";

static apr_pool_t *parent;

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    parent = fuzz_start();
    return 0;
}

static um_json_t *parse(const char *text, size_t size, apr_pool_t *pool)
{
    um_json_error_t error;
    um_json_t *json = NULL;

    return um_json_parse(&json, &error, text, size, pool) == APR_SUCCESS ? json : NULL;
}

static void check_error(const um_scim_error_t *error)
{
    REQUIRE(error->status == 400 || error->status == 413);
    REQUIRE((error->status == 400) == (error->type != NULL));
    REQUIRE(error->detail != NULL && error->detail[0] != '\0');
}

static void check_primary(const um_json_t *user, const char *name)
{
    const um_json_t *array = um_json_member(user, name);
    int count = 0;

    for (apr_size_t i = 0; array != NULL && i < um_json_size(array); i++) {
        const um_json_t *primary = um_json_member(um_json_element(array, i), "primary");

        count += primary != NULL && um_json_type(primary) == UM_JSON_TRUE;
    }
    REQUIRE(count <= 1);
}

/* A user by the schema: read again, nothing but what nobody can write is lost. */
static void check_user(const um_json_t *user, apr_pool_t *pool)
{
    um_scim_error_t error = { 0, NULL, NULL };
    um_json_t *expected = um_json_copy(user, pool);
    um_json_t *again = NULL;

    REQUIRE(um_json_is_bounded(user));
    check_primary(user, "emails");
    check_primary(user, "phoneNumbers");
    REQUIRE(um_scim_resource_read(&again, &error, user, &um_scim_user_type, pool) == APR_SUCCESS);
    um_json_remove(expected, "id");
    REQUIRE(um_json_member(user, UM_SCIM_URN_CUSTOM) != NULL || um_json_equal(again, expected));
}

static void patch(const um_json_t *request, apr_pool_t *pool)
{
    const um_json_t *user = parse(stored, sizeof(stored) - 1, pool);
    um_json_t *before = um_json_copy(user, pool);
    apr_array_header_t *operations = NULL;
    um_json_t *patched[2] = { NULL, NULL };
    um_scim_error_t error = { 0, NULL, NULL };

    if (um_scim_patch_read(&operations, &error, request, &um_scim_user_type, pool)
        != APR_SUCCESS) {
        check_error(&error);
        return;
    }
    for (int i = 0; i < 2; i++) {
        if (um_scim_patch_run(&patched[i], &error, user, operations, &um_scim_user_type, pool)
            != APR_SUCCESS) {
            check_error(&error);
            REQUIRE(patched[0] == NULL);
        }
    }
    REQUIRE(um_json_equal(user, before));
    if (patched[0] != NULL) {
        REQUIRE(um_json_equal(patched[0], patched[1]));
        REQUIRE(um_json_member(patched[0], "userName") != NULL);
        check_user(patched[0], pool);
    }
}

static void read_resource(const um_json_t *given, apr_pool_t *pool)
{
    um_scim_error_t error = { 0, NULL, NULL };
    um_json_t *user = NULL;

    if (um_scim_resource_read(&user, &error, given, &um_scim_user_type, pool) == APR_SUCCESS) {
        check_user(user, pool);
    } else {
        check_error(&error);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = NULL;
    um_json_t *request;

    apr_pool_create(&pool, parent);
    request = parse((const char *)data, size, pool);
    if (request != NULL && um_json_type(request) == UM_JSON_OBJECT) {
        patch(request, pool);
        read_resource(request, pool);
    }
    apr_pool_destroy(pool);
    return 0;
}
