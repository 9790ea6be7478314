/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_permission.c The table of permissions, and what a caller has of it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>

#include "../../mod_usermgmt/rest/permission.h"

static int set_up(void **state)
{
    return apr_pool_create((apr_pool_t **)state, NULL) == APR_SUCCESS ? 0 : -1;
}

static int tear_down(void **state)
{
    apr_pool_destroy(*state);
    return 0;
}

static void each_permission_has_a_name_and_a_bit_of_its_own(void **state)
{
    unsigned seen = 0;
    int count = 0;

    (void)state;
    for (const um_permission_entry_t *at = um_permissions; at->name != NULL; at++, count++) {
        assert_true(at->permission != 0 && (at->permission & (at->permission - 1)) == 0);
        assert_int_equal(seen & at->permission, 0);
        seen |= at->permission;
        assert_ptr_equal(um_permission_find(at->name), at);
        assert_ptr_equal(um_permission_name(at->permission), at->name);
    }
    assert_int_equal(count, 15);
    assert_int_equal(seen & (UM_PERMIT_ROLE | UM_PERMIT_ANYONE), 0);
}

static void names_are_found_without_case(void **state)
{
    (void)state;
    assert_int_equal(um_permission_find("Users:READ")->permission, UM_PERMIT_USERS_READ);
    assert_null(um_permission_find("user:read"));
    assert_null(um_permission_find("none"));
    assert_null(um_permission_find(""));
    assert_null(um_permission_name(UM_PERMIT_ROLE));
    assert_null(um_permission_name(UM_PERMIT_ANYONE));
}

static void some_are_never_a_sub_admin_s(void **state)
{
    const char *names = um_permission_sub_admin_names(*state);

    assert_string_equal(names, "users:read users:create users:update users:delete"
                               " groups:manage invitations:read sub-admins:read"
                               " sessions:read sessions:report metrics:read");
    for (const um_permission_entry_t *at = um_permissions; at->name != NULL; at++) {
        assert_int_equal(strstr(names, at->name) != NULL, at->is_for_sub_admins);
        assert_true(at->is_for_sub_admins || (at->permission & UM_PERMIT_DEFAULT) == 0);
    }
}

static void a_role_gives_permissions(void **state)
{
    um_settings_t settings = { .sub_admin_permissions = UM_PERMIT_USERS_DELETE };
    um_caller_t caller = { .role = UM_ROLE_ADMIN };
    unsigned admin = um_permission_of_caller(&caller, &settings);

    (void)state;
    for (const um_permission_entry_t *at = um_permissions; at->name != NULL; at++) {
        assert_true((admin & at->permission) != 0);
    }
    caller.role = UM_ROLE_SUB_ADMIN;
    assert_int_equal(um_permission_of_caller(&caller, &settings), UM_PERMIT_USERS_DELETE);
    caller.role = UM_ROLE_NONE;
    assert_int_equal(um_permission_of_caller(&caller, &settings), 0);
}

static void names_that_are_stored_are_read_again(void **state)
{
    unsigned all = um_permission_all();

    assert_int_equal(um_permission_read(um_permission_names(all, *state)), all);
    assert_string_equal(um_permission_names(UM_PERMIT_SCIM | UM_PERMIT_USERS_READ, *state),
                        "users:read scim");
    assert_int_equal(um_permission_read("scim users:read"),
                     UM_PERMIT_SCIM | UM_PERMIT_USERS_READ);
    assert_int_equal(um_permission_read(""), 0);
    /* One that a later version has, and the beginning and more of one. */
    assert_int_equal(um_permission_read("users:fly users:rea users:reads Users:Read  scim "),
                     UM_PERMIT_SCIM);
}

/* Those of its list, or all with the role of an admin; but it can't make keys. */
static void a_key_has_its_own_permissions(void **state)
{
    um_settings_t settings = { .sub_admin_permissions = UM_PERMIT_USERS_DELETE };
    um_caller_t caller = { .identity = "key:x", .key_id = "x", .role = UM_ROLE_SUB_ADMIN };

    (void)state;
    caller.key_permissions = UM_PERMIT_SCIM | UM_PERMIT_KEYS_MANAGE;
    assert_int_equal(um_permission_of_caller(&caller, &settings), UM_PERMIT_SCIM);
    assert_false(um_permission_allows(UM_PERMIT_KEYS_MANAGE, &caller, &settings));
    assert_false(um_permission_allows(UM_PERMIT_USERS_DELETE, &caller, &settings));
    assert_true(um_permission_allows(UM_PERMIT_SCIM, &caller, &settings));
    caller.role = UM_ROLE_NONE;
    assert_true(um_permission_allows(UM_PERMIT_SCIM, &caller, &settings));
    caller.role = UM_ROLE_ADMIN;
    caller.key_permissions = 0;
    assert_int_equal(um_permission_of_caller(&caller, &settings),
                     um_permission_all() & ~(unsigned)UM_PERMIT_KEYS_MANAGE);
    assert_false(um_permission_allows(UM_PERMIT_KEYS_MANAGE, &caller, &settings));
}

/* As the index and the status of the organization. */
static void what_needs_a_role_needs_a_permission_of_a_key(void **state)
{
    um_settings_t settings = { 0 };
    um_caller_t caller = { .identity = "key:x", .key_id = "x" };

    (void)state;
    assert_true(um_permission_allows(UM_PERMIT_ANYONE, &caller, &settings));
    assert_false(um_permission_allows(UM_PERMIT_ROLE, &caller, &settings));
    caller.key_permissions = UM_PERMIT_KEYS_MANAGE;
    assert_false(um_permission_allows(UM_PERMIT_ROLE, &caller, &settings));
    caller.key_permissions = UM_PERMIT_SCIM;
    assert_true(um_permission_allows(UM_PERMIT_ROLE, &caller, &settings));
    caller.key_permissions = 0;
    caller.role = UM_ROLE_ADMIN;
    assert_true(um_permission_allows(UM_PERMIT_ROLE, &caller, &settings));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_permission_has_a_name_and_a_bit_of_its_own),
        cmocka_unit_test(names_are_found_without_case),
        cmocka_unit_test_setup_teardown(some_are_never_a_sub_admin_s, set_up, tear_down),
        cmocka_unit_test(a_role_gives_permissions),
        cmocka_unit_test_setup_teardown(names_that_are_stored_are_read_again, set_up, tear_down),
        cmocka_unit_test(a_key_has_its_own_permissions),
        cmocka_unit_test(what_needs_a_role_needs_a_permission_of_a_key),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests_name("permission", tests, NULL, NULL);
    apr_terminate();
    return failed;
}
