/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/**
 * @file fuzz_request.c
 * A whole request, through the router to a real SQLite and back: its path, its
 * query with filters, order and cursors, its headers and its body. An input is
 *
 *     METHOD PATH[?QUERY]
 *     Name: value
 *
 *     body
 *
 * where the header Role says who asks: admin unless it is sub_admin or none.
 */

#include "../../mod_usermgmt/api/routes.h"
#include "../../mod_usermgmt/base/digest.h"
#include "../../mod_usermgmt/core/store_callers.h"
#include "../unit/sqlite_host.h"
#include "fuzz.h"

#define BODY_MAX 4096

static apr_pool_t *parent;
static um_store_t *store;
static apr_int64_t org_id;

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    sqlite_host_t *host;
    um_caller_record_t *record = NULL;
    um_db_t *db = NULL;
    char digest[UM_SHA256_HEX_LENGTH + 1];

    (void)count;
    (void)arguments;
    /* libcrypto has itself cleaned up at the end, which is to be after the pools'
     * end, as the writer's thread uses it: so it has to be used first. */
    REQUIRE(um_digest_sha256(digest, NULL, 0) == APR_SUCCESS);
    parent = fuzz_start();
    host = sqlite_host_create(parent);
    store = sqlite_host_make_store(host);
    REQUIRE(store != NULL && um_store_open(&db, store, parent) == APR_SUCCESS);
    REQUIRE(um_store_callers_get(&record, db, "default", "x", parent) == APR_SUCCESS);
    org_id = record->org_id;
    um_db_close(db);
    return 0;
}

/* ---- what a server does ---- */

static apr_status_t identify(um_caller_t *caller, um_request_t *request)
{
    const char *role = apr_table_get(request->headers, "Role");

    caller->identity = "caller@example.com";
    caller->identity_key = caller->identity;
    caller->remote_addr = "127.0.0.1";
    caller->organization = "default";
    caller->org_id = org_id;
    caller->role = role == NULL                     ? UM_ROLE_ADMIN
                   : strcmp(role, "sub_admin") == 0 ? UM_ROLE_SUB_ADMIN
                                                    : UM_ROLE_NONE;
    caller->uid = caller->role != UM_ROLE_NONE ? "000000000000000000zz" : NULL;
    return APR_SUCCESS;
}

static apr_status_t read_body(const char **body, apr_size_t *length, um_request_t *request,
                              apr_int64_t max)
{
    *body = request->server_baton;
    *length = (apr_size_t)request->content_length;
    return request->content_length <= max ? APR_SUCCESS : UM_ETOOLARGE;
}

static int is_outdated(um_request_t *request)
{
    (void)request;
    return 0;
}

static int begin_stream(um_request_t *request)
{
    (void)request;
    return 1;
}

static void forget_roles(um_request_t *request)
{
    (void)request;
}

/* A table in the memory of this process. */
static um_list_places_t *list_places(void)
{
    static um_list_places_t *places;

    if (places == NULL) {
        places = calloc(1, um_list_places_size());
    }
    return places;
}

static const um_server_t server = {
    .identify = identify,
    .read_body = read_body,
    .is_outdated = is_outdated,
    .begin_stream = begin_stream,
    .forget_roles = forget_roles,
    .list_places = list_places,
};

static const um_settings_t settings = {
    .sub_admin_permissions = UM_PERMIT_DEFAULT | UM_PERMIT_USERS_DELETE,
    .max_body = BODY_MAX,
    .invitation_ttl = 86400000,
    .invitation_match = 1,
    .key_max_age = 86400000,
    .idempotency_keep = 86400000,
};

/* ---- the request ---- */

/* Cuts a line off; NULL where there is none any more. */
static char *next_line(char **rest)
{
    char *line = *rest;
    char *end = line != NULL ? strchr(line, '\n') : NULL;

    if (end != NULL) {
        *end++ = '\0';
    }
    *rest = end;
    return line;
}

/* httpd lets no control character pass. */
static int is_field(const char *line)
{
    for (; *line != '\0'; line++) {
        if (((unsigned char)*line < 0x20 && *line != '\t') || *line == 0x7F) {
            return 0;
        }
    }
    return 1;
}

static void read_headers(apr_table_t *headers, char **rest)
{
    char *line;

    while ((line = next_line(rest)) != NULL && *line != '\0') {
        char *colon = strchr(line, ':');

        if (colon != NULL && is_field(line)) {
            *colon++ = '\0';
            apr_table_mergen(headers, line, colon + strspn(colon, " \t"));
        }
    }
}

static void read_target(um_request_t *request, char *line)
{
    char *path = strchr(line, ' ');
    char *query;

    request->method = line;
    request->path = "";
    if (path != NULL) {
        *path++ = '\0';
        query = strchr(path, '?');
        if (query != NULL) {
            *query++ = '\0';
            request->query = query;
        }
        request->path = path;
    }
}

static void read_request(um_request_t *request, char *text, apr_pool_t *pool)
{
    apr_table_t *headers = apr_table_make(pool, 4);
    char *rest = text;

    request->pool = pool;
    request->server = &server;
    request->settings = &settings;
    request->store = store;
    request->service = &um_api_service;
    request->base = "/user-management";
    request->own_origin = "http://example.com";
    request->headers = headers;
    read_target(request, next_line(&rest));
    read_headers(headers, &rest);
    if (rest != NULL && *rest != '\0') {
        request->has_body = 1;
        request->server_baton = rest;
        request->content_length = (apr_int64_t)strlen(rest);
        if (apr_table_get(headers, "Content-Type") == NULL) {
            apr_table_setn(headers, "Content-Type", "application/json");
        }
    }
}

/* ---- the answer ---- */

/* An answer wraps a user, whose attributes may have all the levels there are. */
static void check_json(const char *text, apr_size_t length, apr_pool_t *pool)
{
    um_json_error_t error;
    um_json_t *json = NULL;

    REQUIRE(um_json_parse(&json, &error, text, length, pool) == APR_SUCCESS
            || strcmp(error.code, "nesting_too_deep") == 0);
}

static int check_header(void *baton, const char *name, const char *value)
{
    (void)baton;
    REQUIRE(is_field(name) && is_field(value));
    return 1;
}

static apr_status_t take_lines(void *baton, const char *bytes, apr_size_t length)
{
    const char *end = bytes + length;

    while (bytes < end) {
        const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));

        REQUIRE(newline != NULL);
        check_json(bytes, (apr_size_t)(newline - bytes), baton);
        bytes = newline + 1;
    }
    return APR_SUCCESS;
}

static void check_answer(const um_answer_t *answer, um_request_t *request)
{
    um_sink_t sink = { take_lines, request->pool };

    REQUIRE(answer->status >= 200 && answer->status < 500);
    REQUIRE((answer->status >= 400) == (answer->code != NULL));
    REQUIRE((answer->content_type == NULL) == (answer->status == 204 || answer->status == 304));
    REQUIRE(apr_table_get(answer->headers, "Cache-Control") != NULL);
    apr_table_do(check_header, NULL, answer->headers, NULL);
    if (answer->stream != NULL) {
        REQUIRE(answer->stream(&sink, request, answer->stream_baton) == APR_SUCCESS);
    } else if (answer->content_type != NULL) {
        REQUIRE(strlen(answer->body) == answer->length);
        if (strcmp(answer->content_type, "application/x-ndjson") == 0) {
            take_lines(request->pool, answer->body, answer->length);
            return;
        }
        check_json(answer->body, answer->length, request->pool);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    um_request_t request = { 0 };
    um_answer_t answer;
    apr_pool_t *pool = NULL;

    if (text != NULL) {
        apr_pool_create(&pool, parent);
        read_request(&request, text, pool);
        um_router_handle(&answer, &request);
        check_answer(&answer, &request);
        apr_pool_destroy(pool);
        free(text);
    }
    return 0;
}
