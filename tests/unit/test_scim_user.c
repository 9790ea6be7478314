/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_scim_user.c The user as a resource of SCIM, and back; and errors of SCIM. */

#include "unit.h"

#include "../../mod_usermgmt/scim/error.h"
#include "../../mod_usermgmt/scim/schema.h"
#include "../../mod_usermgmt/scim/user.h"
#include "../../mod_usermgmt/scim/value.h"

#define MAIN "\"emails\":[{\"value\":\"a@b.co\",\"type\":\"work\",\"primary\":true}]"
#define NAME "\"name\":{\"formatted\":\"Ann Lee\",\"familyName\":\"Lee\",\"givenName\":\"Ann\"}"

static um_faults_t faults;

static int set_up(void **state)
{
    make_pool(state);
    faults.pool = pool;
    faults.list = NULL;
    return 0;
}

static um_user_t ann(void)
{
    um_user_t user = { .uid = "u1",
                       .email = "a@b.co",
                       .display_name = "Ann Lee",
                       .version = 3,
                       .attributes = "{}" };

    return user;
}

static um_json_t *parse(const char *text)
{
    um_json_error_t error;
    um_json_t *json = NULL;

    if (um_json_parse(&json, &error, text, strlen(text), pool) != APR_SUCCESS) {
        fail_msg("%s: %s", text, error.detail);
    }
    return json;
}

static const char *tree_of(const um_user_t *user)
{
    um_json_t *tree = NULL;

    assert_int_equal(um_scim_user_tree(&tree, user, pool), APR_SUCCESS);
    return um_json_text(tree, pool);
}

/* Read a body as POST and PUT do. */
static um_user_t read_body(const char *body, const um_user_t *stored, int keeps)
{
    um_json_t *resource = NULL;
    um_scim_error_t error;
    um_user_t user;

    assert_int_equal(um_scim_resource_read(&resource, &error, parse(body), &um_scim_user_type,
                                           pool),
                     APR_SUCCESS);
    assert_int_equal(um_scim_user_read(&user, &faults, resource, stored, keeps), APR_SUCCESS);
    return user;
}

static void a_user_is_a_resource(void **state)
{
    um_user_t user = ann();

    (void)state;
    assert_string_equal(tree_of(&user),
                        "{\"schemas\":[\"" UM_SCIM_URN_USER "\"],\"id\":\"u1\","
                        "\"userName\":\"a@b.co\"," NAME ",\"displayName\":\"Ann Lee\","
                        "\"active\":true," MAIN "}");
    user.phone = "555";
    user.is_suspended = 1;
    user.user_name = "ann";
    user.external_id = "e\"1";
    user.attributes = "{\"height\":170}";
    user.scim =
        "{\"name\":{\"givenName\":\"A\"},\"title\":\"T\",\"mainEmail\":{\"type\":\"home\"},"
        "\"emails\":[{\"value\":\"c@d.co\"}],\"workPhone\":{\"display\":\"d\"},"
        "\"phoneNumbers\":[{\"value\":\"1\"}],"
        "\"" UM_SCIM_URN_ENTERPRISE "\":{\"department\":\"D\"}}";
    assert_string_equal(
        tree_of(&user),
        "{\"schemas\":[\"" UM_SCIM_URN_USER "\",\"" UM_SCIM_URN_ENTERPRISE
        "\",\"" UM_SCIM_URN_CUSTOM "\"],\"id\":\"u1\",\"externalId\":\"e\\\"1\","
        "\"userName\":\"ann\",\"displayName\":\"Ann Lee\",\"active\":false,"
        "\"emails\":[{\"value\":\"a@b.co\",\"type\":\"home\",\"primary\":true},"
        "{\"value\":\"c@d.co\"}],"
        "\"phoneNumbers\":[{\"value\":\"555\",\"display\":\"d\"},{\"value\":\"1\"}],"
        "\"name\":{\"givenName\":\"A\"},\"title\":\"T\","
        "\"" UM_SCIM_URN_ENTERPRISE "\":{\"department\":\"D\"},"
        "\"" UM_SCIM_URN_CUSTOM "\":{\"height\":170}}");
}

static void elements_without_sub_attributes(void **state)
{
    um_user_t user = ann();

    (void)state;
    user.phone = "555";
    user.scim = "{\"mainEmail\":{},\"workPhone\":{}}";
    assert_non_null(strstr(tree_of(&user), "\"emails\":[{\"value\":\"a@b.co\",\"primary\":true}],"
                                           "\"phoneNumbers\":[{\"value\":\"555\"}]"));
    user.phone = NULL;
    user.scim = "{\"phoneNumbers\":[{\"value\":\"1\"}]}";
    assert_non_null(strstr(tree_of(&user), "\"phoneNumbers\":[{\"value\":\"1\"}]"));
}

/* What is kept of a body. */
static const char *kept(const char *members)
{
    um_user_t user = read_body(apr_pstrcat(pool, "{\"userName\":\"a@b.co\",", members, "}", NULL),
                               NULL, 0);

    assert_null(faults.list);
    return user.scim != NULL ? user.scim : "";
}

static void what_has_no_place_is_kept(void **state)
{
    (void)state;
    assert_string_equal(kept(MAIN), "");
    assert_string_equal(kept("\"title\":\"T\",\"x\":1,\"password\":\"p\",\"id\":\"i\""),
                        "{\"title\":\"T\"}");
    assert_string_equal(kept("\"emails\":[{\"value\":\"a@b.co\"}]"), "{\"mainEmail\":{}}");
    assert_string_equal(kept("\"emails\":[{\"value\":\"a@b.co\",\"type\":\"home\"},"
                             "{\"value\":\"c@d.co\",\"type\":\"work\"}]"),
                        "{\"emails\":[{\"value\":\"a@b.co\",\"type\":\"home\"}]}");
    assert_string_equal(kept("\"emails\":[{\"value\":\"c@d.co\",\"type\":\"work\"},"
                             "{\"value\":\"a@b.co\",\"primary\":true,\"display\":\"d\"}]"),
                        "{\"mainEmail\":{\"display\":\"d\"},"
                        "\"emails\":[{\"value\":\"c@d.co\",\"type\":\"work\"}]}");
    assert_string_equal(kept("\"phoneNumbers\":[{\"value\":\"call me\",\"type\":\"work\"},"
                             "{\"value\":\"555\",\"type\":\"WORK\"}]"),
                        "{\"workPhone\":{\"type\":\"WORK\"},"
                        "\"phoneNumbers\":[{\"value\":\"call me\",\"type\":\"work\"}]}");
    /* A name that is given is kept, so that it can be found. */
    assert_string_equal(kept(NAME), "{" NAME "}");
}

static void what_is_written_is_read_as_the_same(void **state)
{
    static const char *const bodies[] = {
        "{\"userName\":\"a@b.co\"}",
        "{\"userName\":\"ann\",\"emails\":[{\"value\":\"a@b.co\"},{\"value\":\"c@d.co\"}]}",
        "{\"userName\":\"ann\",\"emails\":[{\"value\":\"a@b.co\",\"type\":\"home\"},"
        "{\"value\":\"c@d.co\",\"type\":\"Work\",\"display\":\"d\"}],\"externalId\":\"e\"}",
        "{\"userName\":\"a@b.co\",\"displayName\":\"" E_ACUTE " \\\"x\\\\ y\"}",
        "{\"userName\":\"a@b.co\",\"name\":{\"givenName\":\"A\"},\"active\":\"False\"}",
        "{\"userName\":\"a@b.co\",\"phoneNumbers\":[{\"value\":\"555\",\"type\":\"work\","
        "\"primary\":true},{\"value\":\"556\",\"type\":\"work\"},{\"value\":\"x\"}]}",
        "{\"userName\":\"a@b.co\",\"" UM_SCIM_URN_ENTERPRISE "\":{\"manager\":\"m\"},"
        "\"" UM_SCIM_URN_CUSTOM "\":{\"b\":[1.5,{\"c\":null}],\"a\":\"\\u00e9\"}}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bodies); i++) {
        um_user_t made = read_body(bodies[i], NULL, 0);
        um_user_t again;

        assert_null(faults.list);
        made.uid = "u1";
        again = read_body(tree_of(&made), &made, 0);
        if (um_scim_user_differs(&again, &made)) {
            fail_msg("%s: %s", bodies[i], tree_of(&again));
        }
    }
}

static void a_derived_name_is_not_kept(void **state)
{
    static const char *const body = "{\"userName\":\"a@b.co\",\"displayName\":\"New\"," NAME "}";
    um_user_t user = ann();
    um_user_t read;

    (void)state;
    read = read_body(body, &user, 0);
    assert_null(read.scim);
    assert_string_equal(read.display_name, "New");
    user.display_name = "Other";
    read = read_body(body, &user, 0);
    assert_string_equal(read.scim, "{" NAME "}");
    /* One that is stored stays, even if it could be derived. */
    user.display_name = "Ann Lee";
    user.scim = "{" NAME "}";
    read = read_body(body, &user, 0);
    assert_ptr_equal(read.scim, user.scim);
}

static void attributes_of_the_organization(void **state)
{
    um_user_t user = ann();
    um_user_t read;

    (void)state;
    user.attributes = "{\"scim\":1,\"b\":2}";
    read = read_body("{\"userName\":\"a@b.co\"}", &user, 1);
    assert_ptr_equal(read.attributes, user.attributes);
    read = read_body("{\"userName\":\"a@b.co\"}", &user, 0);
    assert_string_equal(read.attributes, "{}");
    /* A name of before the rules stays, and the order is nothing. */
    read = read_body("{\"userName\":\"a@b.co\",\"" UM_SCIM_URN_CUSTOM "\":{\"b\":2,\"scim\":1}}",
                     &user, 1);
    assert_ptr_equal(read.attributes, user.attributes);
    assert_null(faults.list);
    read = read_body("{\"userName\":\"a@b.co\",\"" UM_SCIM_URN_CUSTOM
                     "\":{\"email\":2,\"password\":1}}",
                     &user, 1);
    assert_int_equal(faults.list->nelts, 2);
}

static void a_stored_text_that_is_broken_is_an_error(void **state)
{
    um_json_t *tree = NULL;
    um_user_t user = ann();
    um_user_t read;

    (void)state;
    user.attributes = "{\"a\":}";
    assert_int_equal(um_scim_user_tree(&tree, &user, pool), APR_EGENERAL);
    assert_int_equal(um_scim_user_read(&read, &faults, parse("{\"userName\":\"a@b.co\"}"), &user,
                                       1),
                     APR_EGENERAL);
}

/* ---- errors ---- */

static const char *told(const um_answer_t *answer)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 64, pool);
    um_scim_error_put(&buffer, answer->problem);
    return buffer.data;
}

#define ERROR(status)                                                                            \
    "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:Error\"],\"status\":\"" status "\","

static void problems_become_errors(void **state)
{
    um_answer_t answer;

    (void)state;
    um_answer_init(&answer, pool);
    assert_int_equal(um_problem_answer(&answer, 409, "email_exists", pool, "No %d.", 1),
                     UM_EREFUSED);
    assert_string_equal(told(&answer),
                        ERROR("409") "\"scimType\":\"uniqueness\",\"detail\":\"No 1.\"}");
    assert_int_equal(um_problem_answer(&answer, 404, "user_not_found", pool, "No."), UM_EREFUSED);
    assert_string_equal(told(&answer), ERROR("404") "\"detail\":\"No.\"}");
    um_faults_add(&faults, "emails", "required", "It must be given.");
    um_faults_add(&faults, "title", "too_long", "It is too long.");
    assert_int_equal(um_problem_answer_faults(&answer, &faults), UM_EREFUSED);
    assert_string_equal(told(&answer),
                        ERROR("400") "\"scimType\":\"invalidValue\",\"detail\":"
                                     "\"emails: It must be given. title: It is too long.\"}");
}

static void errors_have_codes(void **state)
{
    um_answer_t answer;

    (void)state;
    um_answer_init(&answer, pool);
    assert_int_equal(um_scim_error_refuse(&answer, 400, UM_SCIM_INVALID_PATH, pool, "%s", "x"),
                     UM_EREFUSED);
    assert_int_equal(answer.status, 400);
    assert_string_equal(answer.code, "invalid_path");
    assert_string_equal(told(&answer),
                        ERROR("400") "\"scimType\":\"invalidPath\",\"detail\":\"x\"}");
    assert_int_equal(um_scim_error_refuse(&answer, 501, NULL, pool, "x"), UM_EREFUSED);
    assert_string_equal(answer.code, "not_implemented");
    assert_string_equal(told(&answer), ERROR("501") "\"detail\":\"x\"}");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_SET_UP(a_user_is_a_resource),
        WITH_SET_UP(elements_without_sub_attributes),
        WITH_SET_UP(what_has_no_place_is_kept),
        WITH_SET_UP(what_is_written_is_read_as_the_same),
        WITH_SET_UP(a_derived_name_is_not_kept),
        WITH_SET_UP(attributes_of_the_organization),
        WITH_SET_UP(a_stored_text_that_is_broken_is_an_error),
        WITH_SET_UP(problems_become_errors),
        WITH_SET_UP(errors_have_codes),
    };

    return RUN("scim_user", tests);
}
