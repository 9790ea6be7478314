/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_scim_bulk.c Bulk requests of SCIM, for a service that only writes a list of its
 *  calls. */

#include "unit.h"

#include "../../mod_usermgmt/base/status.h"
#include "../../mod_usermgmt/rest/router.h"
#include "../../mod_usermgmt/scim/bulk.h"
#include "../../mod_usermgmt/scim/error.h"

/* What was called, in its order. */
static um_buffer_t calls;
static int made;

static apr_status_t answer_call(um_answer_t *answer, um_request_t *request, int status,
                                const char *id)
{
    um_buffer_t body;

    um_buffer_init(&body, 64, request->pool);
    um_buffer_puts(&body, "{}");
    um_answer_json(answer, status, &body);
    um_answer_set_header(answer, "ETag", apr_psprintf(request->pool, "\"%s\"", id));
    um_answer_set_header(answer, "Location",
                         apr_pstrcat(request->pool, "https://x", request->path, NULL));
    request->target = id;
    return APR_SUCCESS;
}

static void note(const um_request_t *request)
{
    const char *match = apr_table_get(request->headers, "If-Match");

    assert_null(apr_table_get(request->headers, "Idempotency-Key"));
    um_buffer_puts(&calls, request->method);
    um_buffer_puts(&calls, request->path);
    um_buffer_puts(&calls, match != NULL ? match : "");
    um_buffer_puts(&calls, um_json_size(request->body) > 0
                               ? um_json_text(request->body, request->pool)
                               : "");
    um_buffer_putc(&calls, ' ');
}

static int fails(const um_request_t *request)
{
    return um_json_member(request->body, "fail") != NULL;
}

static apr_status_t create(um_answer_t *answer, um_request_t *request)
{
    note(request);
    if (fails(request)) {
        return um_scim_error_refuse(answer, 409, "uniqueness", request->pool, "Taken.");
    }
    return answer_call(answer, request, 201, apr_psprintf(request->pool, "id%d", ++made));
}

static apr_status_t change(um_answer_t *answer, um_request_t *request)
{
    note(request);
    return fails(request) ? UM_EUNAVAILABLE : answer_call(answer, request, 200, request->id);
}

static apr_status_t delete (um_answer_t *answer, um_request_t *request)
{
    note(request);
    answer->status = 204;
    return APR_SUCCESS;
}

/* clang-format off */
static const um_route_t routes[] = {
    { "POST", "Users", UM_PERMIT_SCIM, "users.create", create, 0, 1000 },
    { "PUT", "Users/*", UM_PERMIT_SCIM, "users.update", change, 0, 1000 },
    { "PATCH", "Users/*", UM_PERMIT_SCIM, "users.update", change, 0, 1000 },
    { "DELETE", "Users/*", UM_PERMIT_USERS_DELETE, "users.delete", delete, 0, 1000 },
    { "POST", "Groups", UM_PERMIT_SCIM, "groups.create", create, 0, 1000 },
    { "PATCH", "Groups/*", UM_PERMIT_SCIM, "groups.update", change, 0, 1000 },
    { NULL, NULL, 0, NULL, NULL, 0, 0 },
};
/* clang-format on */

static const um_service_t service = {
    .routes = routes,
    .media_type = "application/scim+json",
    .problem_type = "application/scim+json",
    .put_problem = um_scim_error_put,
    .ignores_parameters = 1,
};

static const um_settings_t settings = { .max_body = 1000 };
static um_request_t request;

static int set_up(void **state)
{
    int result = make_pool(state);
    apr_table_t *headers = apr_table_make(pool, 4);

    apr_table_setn(headers, "Idempotency-Key", "k");
    apr_table_setn(headers, "If-Match", "\"outer\"");
    memset(&request, 0, sizeof(request));
    request.pool = pool;
    request.service = &service;
    request.settings = &settings;
    request.headers = headers;
    request.method = "POST";
    request.own_origin = "https://x";
    request.base = "/scim";
    request.path = "/Bulk";
    request.caller.role = UM_ROLE_NONE;
    request.caller.key_id = "k";
    request.caller.key_permissions = UM_PERMIT_SCIM;
    um_buffer_init(&calls, 256, pool);
    made = 0;
    return result;
}

static um_json_t *parse_text(const char *text)
{
    um_json_error_t error;
    um_json_t *json = NULL;

    if (um_json_parse_up_to(&json, &error, text, strlen(text), 1000000, pool) != APR_SUCCESS) {
        fail_msg("%s: %s", text, error.detail);
    }
    return json;
}

/* The same; ' stands for ". */
static um_json_t *parse(const char *text)
{
    char *quoted = apr_pstrdup(pool, text);

    for (char *c = quoted; *c != '\0'; c++) {
        *c = (char)(*c == '\'' ? '"' : *c);
    }
    return parse_text(quoted);
}

/* The results, each as "status" and in brackets the scimType. */
static const char *results(const um_answer_t *answer)
{
    const um_json_t *list = um_json_member(parse_text(answer->body), "Operations");
    const char *text = "";

    for (apr_size_t i = 0; i < um_json_size(list); i++) {
        const um_json_t *each = um_json_element(list, i);
        const um_json_t *response = um_json_member(each, "response");
        const char *status = um_json_string(um_json_member(each, "status"));

        assert_true((response != NULL) == (status[0] >= '4'));
        if (response != NULL) {
            assert_string_equal(um_json_string(um_json_member(response, "status")), status);
        }
        text = apr_pstrcat(pool, text, i > 0 ? " " : "", status, NULL);
    }
    return text;
}

static void run(um_answer_t *answer, const char *body)
{
    request.body = parse(body);
    um_answer_init(answer, pool);
    assert_int_equal(um_scim_bulk(answer, &request), APR_SUCCESS);
    assert_int_equal(answer->status, 200);
}

static void assert_runs(const char *operations, const char *called, const char *statuses)
{
    um_answer_t answer;

    calls.length = 0;
    calls.data[0] = '\0';
    made = 0;
    run(&answer, apr_pstrcat(pool, "{'Operations':[", operations, "]}", NULL));
    assert_string_equal(calls.data, called);
    assert_string_equal(results(&answer), statuses);
}

static void operations_run_in_their_order(void **state)
{
    (void)state;
    assert_runs("{'method':'POST','path':'/Users','bulkId':'a','data':{'n':1}},"
                "{'method':'put','path':'/Users/7','data':{'n':2}},"
                "{'method':'PATCH','path':'/Groups/8','version':'W/\\'5\\'','data':{'n':3}},"
                "{'method':'DELETE','path':'/Users/9'}",
                "POST/Users{\"n\":1} PUT/Users/7{\"n\":2} PATCH/Groups/8W/\"5\"{\"n\":3} ",
                "201 200 200 403");
    request.caller.key_permissions |= UM_PERMIT_USERS_DELETE;
    assert_runs("{'method':'DELETE','path':'/Users/9'}", "DELETE/Users/9 ", "204");
    assert_runs("", "", "");
}

static void an_answer_says_what_came_of_each(void **state)
{
    um_answer_t answer;

    (void)state;
    run(&answer, "{'Operations':[{'method':'POST','path':'/Users','bulkId':'a','data':{}},"
                 "{'method':'POST','path':'/Users','bulkId':'b','data':{'fail':1}},"
                 "{'method':'PUT','path':'/Users/7','data':{}},"
                 "{'method':'PATCH','path':'/Users','data':{}}]}");
    assert_string_equal(
        answer.body,
        "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:BulkResponse\"],\"Operations\":["
        "{\"method\":\"POST\",\"bulkId\":\"a\",\"version\":\"\\\"id1\\\"\","
        "\"location\":\"https://x/Users\",\"status\":\"201\"},"
        "{\"method\":\"POST\",\"bulkId\":\"b\",\"status\":\"409\",\"response\":"
        "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:Error\"],\"status\":\"409\","
        "\"scimType\":\"uniqueness\",\"detail\":\"Taken.\"}},"
        "{\"method\":\"PUT\",\"version\":\"\\\"7\\\"\",\"location\":\"https://x/scim/Users/7\","
        "\"status\":\"200\"},"
        "{\"method\":\"PATCH\",\"status\":\"400\",\"response\":"
        "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:Error\"],\"status\":\"400\","
        "\"scimType\":\"invalidValue\",\"detail\":\"The path of a POST must be /Users or "
        "/Groups, and others need an id behind it.\"}}]}");
}

static void references_are_resolved_in_both_directions(void **state)
{
    (void)state;
    assert_runs("{'method':'POST','path':'/Users','bulkId':'u','data':{'n':1}},"
                "{'method':'POST','path':'/Groups','bulkId':'g','data':{'members':"
                "[{'value':'bulkId:u'},{'value':'x'}]}}",
                "POST/Users{\"n\":1} "
                "POST/Groups{\"members\":[{\"value\":\"id1\"},{\"value\":\"x\"}]} ",
                "201 201");
    /* What is needed runs first, and nothing else does. */
    assert_runs("{'method':'POST','path':'/Groups','bulkId':'g','data':{'members':"
                "[{'value':'bulkId:u'}],'m':['bulkId:v']}},"
                "{'method':'POST','path':'/Users','data':{'n':1}},"
                "{'method':'POST','path':'/Users','bulkId':'u','data':{'n':2}},"
                "{'method':'POST','path':'/Users','bulkId':'v','data':{'manager':'bulkId:u'}}",
                "POST/Users{\"n\":2} POST/Users{\"manager\":\"id1\"} "
                "POST/Groups{\"members\":[{\"value\":\"id1\"}],\"m\":[\"id2\"]} "
                "POST/Users{\"n\":1} ",
                "201 201 201 201");
    assert_runs("{'method':'PATCH','path':'/Users/bulkId:u','data':{'n':1}},"
                "{'method':'POST','path':'/Users','bulkId':'u','data':{}}",
                "POST/Users PATCH/Users/id1{\"n\":1} ", "200 201");
}

static void references_that_lead_nowhere_are_errors(void **state)
{
    (void)state;
    assert_runs("{'method':'POST','path':'/Groups','data':{'m':'bulkId:x'}}", "", "400");
    assert_runs("{'method':'POST','path':'/Groups','bulkId':'g','data':{'m':'bulkId:g'}}", "",
                "409");
    assert_runs("{'method':'POST','path':'/Groups','bulkId':'g','data':{'m':'bulkId:h'}},"
                "{'method':'POST','path':'/Groups','bulkId':'h','data':{'m':'bulkId:i'}},"
                "{'method':'POST','path':'/Groups','bulkId':'i','data':{'m':'bulkId:g'}},"
                "{'method':'POST','path':'/Users','data':{}}",
                "POST/Users ", "409 409 409 201");
    assert_runs("{'method':'POST','path':'/Groups','data':{'m':'bulkId:u'}},"
                "{'method':'POST','path':'/Users','bulkId':'u','data':{'fail':1}}",
                "POST/Users{\"fail\":1} ", "409 409");
    assert_runs("{'method':'PATCH','path':'/Users/bulkId:u','data':{'m':1}},"
                "{'method':'PUT','path':'/Users/7','bulkId':'u','data':{}}",
                "PUT/Users/7 ", "409 200");
}

static void errors_end_the_request_where_it_says_so(void **state)
{
    um_answer_t answer;
    const char *body = "{'failOnErrors':%d,'Operations':["
                       "{'method':'POST','path':'/Users','data':{'fail':1}},"
                       "{'method':'POST','path':'/Users','data':{}},"
                       "{'method':'POST','path':'/Users','data':{'fail':2}},"
                       "{'method':'POST','path':'/Users','data':{}}]}";
    static const char *const statuses[] = { "409 201 409 201", "409", "409 201 409",
                                            "409 201 409 201" };

    (void)state;
    for (int i = 0; i < (int)COUNT(statuses); i++) {
        run(&answer, apr_psprintf(pool, body, i));
        assert_string_equal(results(&answer), statuses[i]);
    }
}

static void nothing_is_tried_while_the_database_is_away(void **state)
{
    (void)state;
    assert_runs("{'method':'PUT','path':'/Users/7','data':{'fail':1}},"
                "{'method':'POST','path':'/Users','data':{}}",
                "PUT/Users/7{\"fail\":1} ", "503 503");
}

static void only_changes_of_resources_are_operations(void **state)
{
    static const char *const bad[] = {
        "{}",
        "{'method':'POST'}",
        "{'path':'/Users'}",
        "{'method':'GET','path':'/Users/7'}",
        "{'method':'POST','path':'/Bulk','data':{}}",
        "{'method':'POST','path':'/Users/.search','data':{}}",
        "{'method':'POST','path':'Users','data':{}}",
        "{'method':'POST','path':'/Users','data':[]}",
        "{'method':'PUT','path':'/Users/7?x=y','data':{}}",
        "{'method':'PUT','path':'/Users/','data':{}}",
        "{'method':'PUT','path':'/Users/7/8','data':{}}",
        "{'method':'PUT','path':'/UsersX','data':{}}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_runs(bad[i], "", "400");
    }
}

static void assert_refused(const char *body, int status, const char *code)
{
    um_answer_t answer;

    request.body = parse(body);
    um_answer_init(&answer, pool);
    assert_int_equal(um_scim_bulk(&answer, &request), UM_EREFUSED);
    assert_int_equal(answer.status, status);
    assert_string_equal(answer.code, code);
    assert_int_equal(calls.length, 0);
}

static void a_request_that_makes_no_sense_is_refused(void **state)
{
    const char *one = ",{'method':'POST','path':'/Users','data':{}}";

    (void)state;
    assert_refused("{}", 400, "invalid_syntax");
    assert_refused("{'Operations':{}}", 400, "invalid_syntax");
    assert_refused("{'Operations':[1]}", 400, "invalid_syntax");
    assert_refused("{'Operations':[],'failOnErrors':-1}", 400, "invalid_syntax");
    assert_refused("{'Operations':[],'failOnErrors':'1'}", 400, "invalid_syntax");
    assert_refused("{'Operations':[{'bulkId':'a'},{'bulkId':'a'}]}", 400, "invalid_syntax");
    assert_refused(apr_pstrcat(pool, "{'Operations':[", times(1001, one) + 1, "]}", NULL), 413,
                   "body_too_large");
}

static void data_is_bounded(void **state)
{
    (void)state;
    assert_runs(apr_pstrcat(pool, "{'method':'POST','path':'/Users','data':{'a':[",
                            times(10000, ",1") + 1, "]}},{'method':'POST','path':'/Users'}",
                            NULL),
                "POST/Users ", "413 201");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_SET_UP(operations_run_in_their_order),
        WITH_SET_UP(an_answer_says_what_came_of_each),
        WITH_SET_UP(references_are_resolved_in_both_directions),
        WITH_SET_UP(references_that_lead_nowhere_are_errors),
        WITH_SET_UP(errors_end_the_request_where_it_says_so),
        WITH_SET_UP(nothing_is_tried_while_the_database_is_away),
        WITH_SET_UP(only_changes_of_resources_are_operations),
        WITH_SET_UP(a_request_that_makes_no_sense_is_refused),
        WITH_SET_UP(data_is_bounded),
    };

    return RUN("scim_bulk", tests);
}
