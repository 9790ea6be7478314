/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_scim_projection.c attributes and excludedAttributes, on a user and a group. */

#include "unit.h"

#include "../../mod_usermgmt/scim/projection.h"

#define CORE "urn:ietf:params:scim:schemas:core:2.0:User"
#define ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define ALWAYS "{\"schemas\":[\"s\"],\"id\":\"1\""

static const char *const user = ALWAYS
    ",\"userName\":\"anna\",\"name\":{\"formatted\":\"Anna Li\",\"familyName\":\"Li\"},"
    "\"emails\":[{\"value\":\"a@x.org\",\"type\":\"work\"},{\"value\":\"b@x.org\"}],"
    "\"active\":true,\"" ENTERPRISE "\":{\"department\":\"IT\",\"manager\":{\"value\":\"2\","
    "\"displayName\":\"Bo\"}},\"meta\":{\"resourceType\":\"User\",\"version\":\"v\"}}";

static const apr_array_header_t *list_of(const char *name)
{
    apr_array_header_t *names = apr_array_make(pool, 1, sizeof(const char *));

    if (name == NULL) {
        return NULL;
    }
    APR_ARRAY_PUSH(names, const char *) = name;
    return names;
}

static const char *projected(const char *wanted, const char *excluded)
{
    um_scim_projection_t projection;
    um_json_error_t error;
    um_json_t *resource = NULL;

    assert_int_equal(um_json_parse(&resource, &error, user, strlen(user), pool), APR_SUCCESS);
    um_scim_projection_make(&projection, list_of(wanted), list_of(excluded), &um_scim_user_type,
                            pool);
    um_scim_projection_apply(resource, &projection, pool);
    return um_json_text(resource, pool);
}

static void without_names_all_is_answered(void **state)
{
    (void)state;
    assert_string_equal(projected(NULL, NULL), user);
}

static void what_is_wanted_is_answered_alone(void **state)
{
    static const struct {
        const char *names;
        const char *members;
    } rows[] = {
        { "userName", ",\"userName\":\"anna\"" },
        { "USERNAME , active", ",\"userName\":\"anna\",\"active\":true" },
        { "name.familyName", ",\"name\":{\"familyName\":\"Li\"}" },
        { "name.familyName,name", ",\"name\":{\"formatted\":\"Anna Li\",\"familyName\":\"Li\"}" },
        { "emails.type", ",\"emails\":[{\"type\":\"work\"}]" },
        { "emails[type eq \"work\" and value co \",\"].value",
          ",\"emails\":[{\"value\":\"a@x.org\"},{\"value\":\"b@x.org\"}]" },
        { "emails.display", "" },
        { CORE ":userName", ",\"userName\":\"anna\"" },
        { ENTERPRISE, ",\"" ENTERPRISE "\":{\"department\":\"IT\",\"manager\":{\"value\":\"2\","
                      "\"displayName\":\"Bo\"}}" },
        { ENTERPRISE ":manager.displayName",
          ",\"" ENTERPRISE "\":{\"manager\":{\"displayName\":\"Bo\"}}" },
        { ENTERPRISE ":costCenter", "" },
        { "meta.version", ",\"meta\":{\"version\":\"v\"}" },
        { "department", "" },
        { "nothing", "" },
        { ",", "" },
        { "id", "" },
        { "urn:x:y:z", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_string_equal(projected(rows[i].names, NULL),
                            apr_pstrcat(pool, ALWAYS, rows[i].members, "}", NULL));
    }
}

static void what_is_excluded_is_left_out(void **state)
{
    (void)state;
    assert_string_equal(projected(NULL, "userName,name,emails,active,meta," ENTERPRISE),
                        ALWAYS "}");
    assert_string_equal(projected(NULL, CORE "," ENTERPRISE ",meta"), ALWAYS "}");
    assert_string_equal(projected(NULL,
                                  "id,schemas,name.formatted,EMAILS.value,active,meta," ENTERPRISE
                                  ":manager.value," ENTERPRISE ":department"),
                        ALWAYS ",\"userName\":\"anna\",\"name\":{\"familyName\":\"Li\"},"
                               "\"emails\":[{\"type\":\"work\"}],\"" ENTERPRISE
                               "\":{\"manager\":{\"displayName\":\"Bo\"}}}");
    assert_string_equal(projected(NULL, "nothing"), user);
}

static void both_together_leave_the_rest(void **state)
{
    (void)state;
    assert_string_equal(projected("name,userName", "name.formatted,userName"),
                        ALWAYS ",\"name\":{\"familyName\":\"Li\"}}");
}

static int has(const char *wanted, const char *excluded)
{
    um_scim_projection_t projection;

    um_scim_projection_make(&projection, list_of(wanted), list_of(excluded), &um_scim_group_type,
                            pool);
    return um_scim_projection_has(&projection, "members");
}

static void members_cost_nothing_if_left_out(void **state)
{
    (void)state;
    assert_true(has(NULL, NULL));
    assert_true(has("displayName,Members.value", NULL));
    assert_true(has(NULL, "members.display"));
    assert_false(has("displayName", NULL));
    assert_false(has(NULL, "Members"));
    assert_false(has("members", "members"));
    assert_false(has(NULL, "urn:ietf:params:scim:schemas:core:2.0:Group:members"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_POOL(without_names_all_is_answered),    WITH_POOL(what_is_wanted_is_answered_alone),
        WITH_POOL(what_is_excluded_is_left_out),     WITH_POOL(both_together_leave_the_rest),
        WITH_POOL(members_cost_nothing_if_left_out),
    };

    return RUN("scim projection", tests);
}
