/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_problem.c Problems: every answer that is no success. */

#include "unit.h"

#include "../../mod_usermgmt/rest/problem.h"

static um_answer_t answer;

static int set_up(void **state)
{
    make_pool(state);
    um_answer_init(&answer, pool);
    return 0;
}

static const um_json_t *body(void)
{
    um_json_error_t error;
    um_json_t *json = NULL;

    assert_int_equal(strlen(answer.body), answer.length);
    assert_int_equal(um_json_parse(&json, &error, answer.body, answer.length, pool), APR_SUCCESS);
    return json;
}

static const char *text(const char *name)
{
    const um_json_t *member = um_json_member(body(), name);

    return member != NULL ? um_json_string(member) : NULL;
}

static void a_problem_says_what_is_wrong(void **state)
{
    (void)state;
    assert_int_equal(um_problem_answer(&answer, 409, "email_exists", pool, "The %s \"%s\" is %d.",
                                       "email", E_ACUTE "\n", 1),
                     UM_EREFUSED);
    assert_int_equal(answer.status, 409);
    assert_string_equal(answer.content_type, "application/problem+json");
    assert_string_equal(answer.code, "email_exists");
    assert_string_equal(answer.body,
                        "{\"type\":\"about:blank\",\"title\":\"Conflict\",\"status\":409,"
                        "\"detail\":\"The email \\\"" E_ACUTE "\\n\\\" is 1.\","
                        "\"code\":\"email_exists\"}");
}

static void a_403_names_the_permission(void **state)
{
    (void)state;
    assert_int_equal(um_problem_answer_forbidden(&answer, "sub_admin", "users:delete", pool),
                     UM_EREFUSED);
    assert_int_equal(answer.status, 403);
    assert_string_equal(answer.code, "forbidden");
    assert_string_equal(text("detail"),
                        "Your role, sub_admin, does not have the permission users:delete.");
    assert_string_equal(text("permission"), "users:delete");
    assert_int_equal(um_problem_answer_forbidden(&answer, "none", NULL, pool), UM_EREFUSED);
    assert_string_equal(text("detail"), "Your role, none, does not allow this.");
    assert_null(text("permission"));
}

static void a_403_of_nobody_names_the_login(void **state)
{
    (void)state;
    assert_int_equal(um_problem_answer_unidentified(&answer, "users:read", pool), UM_EREFUSED);
    assert_int_equal(answer.status, 403);
    assert_string_equal(answer.code, "forbidden");
    assert_string_equal(text("detail"),
                        "Nobody is signed in: httpd asked for no login here, or UserMgmtIdentity "
                        "gives no name.");
    assert_string_equal(text("permission"), "users:read");
}

static void all_faults_are_told_in_their_order(void **state)
{
    static const um_violation_t violation = { "too_long", "It is too long." };
    um_faults_t faults = { .pool = pool };
    char field[] = "a\"" E_ACUTE;

    (void)state;
    um_faults_add_violation(&faults, "x", NULL);
    assert_null(faults.list);
    um_faults_add(&faults, field, "required", "It must be given.");
    memset(field, 'z', sizeof(field) - 1);
    faults.place = "query";
    um_faults_add_violation(&faults, "", &violation);
    assert_int_equal(um_problem_answer_faults(&answer, &faults), UM_EREFUSED);
    assert_int_equal(answer.status, 400);
    assert_string_equal(answer.code, "validation_failed");
    assert_string_equal(answer.body,
                        "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
                        "\"detail\":\"Several things are wrong with the request; see errors.\","
                        "\"code\":\"validation_failed\",\"errors\":["
                        "{\"field\":\"a\\\"" E_ACUTE "\",\"code\":\"required\","
                        "\"detail\":\"It must be given.\"},"
                        "{\"field\":\"\",\"in\":\"query\",\"code\":\"too_long\",\"detail\":\"It "
                        "is too long.\"}]}");
    body();
}

static void one_fault_is_told_as_one(void **state)
{
    um_faults_t faults = { .pool = pool };

    (void)state;
    um_faults_add(&faults, "email", "required", "It must be given.");
    assert_int_equal(um_problem_answer_faults(&answer, &faults), UM_EREFUSED);
    assert_string_equal(text("detail"), "One thing is wrong with the request; see errors.");
    assert_int_equal(um_json_size(um_json_member(body(), "errors")), 1);
}

static void many_faults(void **state)
{
    um_faults_t faults = { .pool = pool };

    (void)state;
    for (int i = 0; i < 5000; i++) {
        um_faults_add(&faults, apr_psprintf(pool, "f%d", i), "invalid_name", "It is wrong.");
    }
    assert_int_equal(um_problem_answer_faults(&answer, &faults), UM_EREFUSED);
    assert_int_equal(um_json_size(um_json_member(body(), "errors")), UM_FAULTS_MAX);
}

static void what_may_pass_says_when_to_try_again(void **state)
{
    static const apr_status_t statuses[] = { UM_EUNAVAILABLE, UM_ESCHEMA };

    (void)state;
    for (int i = 0; i < 2; i++) {
        um_answer_init(&answer, pool);
        assert_int_equal(um_problem_answer_status(&answer, statuses[i], pool), UM_EREFUSED);
        assert_int_equal(answer.status, 503);
        assert_string_equal(answer.code, "unavailable");
        assert_in_range(atoi(apr_table_get(answer.headers, "Retry-After")), 1, 60);
    }
}

static void other_failures_are_the_servers(void **state)
{
    static const apr_status_t statuses[] = {
        APR_EGENERAL, UM_EREFUSED, UM_ENOTFOUND, UM_ECONFLICT, UM_EINVALID, APR_ENOMEM,
    };

    (void)state;
    for (size_t i = 0; i < COUNT(statuses); i++) {
        um_answer_init(&answer, pool);
        assert_int_equal(um_problem_answer_status(&answer, statuses[i], pool), UM_EREFUSED);
        assert_int_equal(answer.status, 500);
        assert_string_equal(answer.code, "internal_error");
        assert_null(apr_table_get(answer.headers, "Retry-After"));
    }
}

static void every_error_status_has_a_body(void **state)
{
    (void)state;
    for (int status = 400; status < 600; status++) {
        answer.body = um_problem_body(status, NULL, pool);
        answer.length = strlen(answer.body);
        assert_string_equal(text("title"), um_problem_title(status));
        assert_string_equal(text("code"), um_problem_code(status));
        assert_null(text("detail"));
        assert_int_equal(strspn(um_problem_code(status), "abcdefghijklmnopqrstuvwxyz_"),
                         strlen(um_problem_code(status)));
    }
}

static void known_kinds(void **state)
{
    (void)state;
    assert_string_equal(um_problem_title(404), "Not Found");
    assert_string_equal(um_problem_code(401), "unauthorized");
    assert_string_equal(um_problem_code(413), "body_too_large");
    assert_string_equal(um_problem_title(418), "Client Error");
    assert_string_equal(um_problem_code(418), "client_error");
    assert_string_equal(um_problem_title(599), "Server Error");
    assert_string_equal(um_problem_code(599), "server_error");
    assert_string_equal(um_problem_body(404, "id", pool),
                        "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
                        "\"code\":\"not_found\"}");
}

static void the_server_s_errors_name_the_request(void **state)
{
    const char *body;

    (void)state;
    assert_string_equal(um_problem_body(502, "a+b/c", pool),
                        "{\"type\":\"about:blank\",\"title\":\"Bad Gateway\",\"status\":502,"
                        "\"code\":\"bad_gateway\",\"request_id\":\"a+b/c\"}");
    assert_int_equal(um_problem_answer_status(&answer, UM_EUNAVAILABLE, pool), UM_EREFUSED);
    body = answer.body;
    um_problem_add_request_id(&answer, NULL, pool);
    assert_string_equal(answer.body, body);
    um_problem_add_request_id(&answer, "id", pool);
    assert_string_equal(text("request_id"), "id");
    assert_string_equal(text("code"), "unavailable");
    assert_int_equal(answer.length, strlen(body) + strlen(",\"request_id\":\"id\""));
    /* Not those of the client, and no success. */
    assert_int_equal(um_problem_answer(&answer, 404, "x", pool, "No."), UM_EREFUSED);
    um_problem_add_request_id(&answer, "id", pool);
    assert_null(text("request_id"));
    um_answer_init(&answer, pool);
    um_answer_message(&answer, "Done.", pool);
    um_problem_add_request_id(&answer, "id", pool);
    assert_string_equal(answer.body, "{\"message\":\"Done.\"}");
}

static void a_message_is_an_object(void **state)
{
    (void)state;
    um_answer_message(&answer, "Done \"" E_ACUTE "\".", pool);
    assert_int_equal(answer.status, 200);
    assert_null(answer.code);
    assert_string_equal(answer.content_type, "application/json");
    assert_string_equal(answer.body, "{\"message\":\"Done \\\"" E_ACUTE "\\\".\"}");
    assert_int_equal(strlen(answer.body), answer.length);
}

static void roles_have_names(void **state)
{
    (void)state;
    assert_string_equal(um_role_name(UM_ROLE_NONE), "none");
    assert_string_equal(um_role_name(UM_ROLE_SUB_ADMIN), "sub_admin");
    assert_string_equal(um_role_name(UM_ROLE_ADMIN), "admin");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_SET_UP(a_problem_says_what_is_wrong),
        WITH_SET_UP(a_403_names_the_permission),
        WITH_SET_UP(a_403_of_nobody_names_the_login),
        WITH_SET_UP(all_faults_are_told_in_their_order),
        WITH_SET_UP(one_fault_is_told_as_one),
        WITH_SET_UP(many_faults),
        WITH_SET_UP(what_may_pass_says_when_to_try_again),
        WITH_SET_UP(other_failures_are_the_servers),
        WITH_SET_UP(every_error_status_has_a_body),
        WITH_SET_UP(known_kinds),
        WITH_SET_UP(the_server_s_errors_name_the_request),
        WITH_SET_UP(a_message_is_an_object),
        WITH_SET_UP(roles_have_names),
    };

    return RUN("problem", tests);
}
