/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file handler.c From a request_rec to the API and back, see handler.h. */

#include "handler.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

#include "../base/metrics.h"
#include "../base/ticks.h"
#include "../rest/query.h"
#include "../rest/router.h"
#include "caller.h"
#include "config.h"
#include "config_mail.h"
#include "cors.h"
#include "etags.h"
#include "list_memory.h"
#include "log.h"
#include "module.h"
#include "runtime.h"
#include "streams.h"
#include "trace.h"

/* The beginning of r->filename, because there is no file; for %f in logs. */
#define NO_FILE_PREFIX "usermgmt:"

/* The body is read in pieces of this size. */
#define READ_BYTES 65536

/* The times of a connection's beginning, and then of its latest header, are by um_ticks(),
 * because the time that httpd notes jumps if the clock is set. A connection has one request at a
 * time; a stream of HTTP/2 has a conn_rec of its own. */
int um_handler_note_connection(conn_rec *c, void *socket)
{
    apr_time_t *began = apr_palloc(c->pool, sizeof(*began));

    (void)socket;
    *began = um_ticks();
    ap_set_module_config(c->conn_config, &usermgmt_module, began);
    return DECLINED;
}

int um_handler_note_header(request_rec *r)
{
    apr_time_t *read_at = ap_get_module_config(r->connection->conn_config, &usermgmt_module);

    if (!ap_is_initial_req(r)) {
        return DECLINED;
    }
    if (read_at == NULL) {
        um_handler_note_connection(r->connection, NULL);
    } else {
        *read_at = um_ticks();
    }
    return DECLINED;
}

apr_interval_time_t um_handler_age(const request_rec *r)
{
    const apr_time_t *read_at = ap_get_module_config(r->connection->conn_config,
                                                     &usermgmt_module);

    return read_at != NULL ? um_ticks() - *read_at : 0;
}

int um_handler_translate_name(request_rec *r)
{
    if (!um_config_is_ours(r)) {
        return DECLINED;
    }
    r->filename = apr_pstrcat(r->pool, NO_FILE_PREFIX, r->uri, NULL);
    return OK;
}

int um_handler_map_to_storage(request_rec *r)
{
    /* The Location's configuration is not in r->per_dir_config at this stage. */
    return r->filename != NULL
                   && strncmp(r->filename, NO_FILE_PREFIX, strlen(NO_FILE_PREFIX)) == 0
               ? OK
               : DECLINED;
}

/* ---- the functions of um_server_t ---- */

static apr_status_t identify(um_caller_t *caller, um_request_t *request)
{
    return um_caller_identify(caller, request->server_baton);
}

static apr_status_t append_brigade(um_buffer_t *buffer, int *ended, apr_bucket_brigade *brigade,
                                   apr_int64_t max)
{
    apr_bucket *bucket;

    for (bucket = APR_BRIGADE_FIRST(brigade); bucket != APR_BRIGADE_SENTINEL(brigade);
         bucket = APR_BUCKET_NEXT(bucket)) {
        const char *bytes;
        apr_size_t length;
        apr_status_t status;

        if (APR_BUCKET_IS_EOS(bucket)) {
            *ended = 1;
            break;
        }
        if (APR_BUCKET_IS_METADATA(bucket)) {
            continue;
        }
        status = apr_bucket_read(bucket, &bytes, &length, APR_BLOCK_READ);
        if (status != APR_SUCCESS) {
            return status;
        }
        if ((apr_int64_t)(buffer->length + length) > max) {
            return UM_ETOOLARGE;
        }
        um_buffer_append(buffer, bytes, length);
    }
    return APR_SUCCESS;
}

/* httpd reports its own limit (LimitRequestBody) and an incomplete body by its own statuses. */
static apr_status_t read_error(apr_status_t status, request_rec *r)
{
    int http_status = ap_map_http_request_error(status, HTTP_BAD_REQUEST);

    r->connection->keepalive = AP_CONN_CLOSE;
    um_log_request(r, BODY_NOT_READ, status);
    if (APR_STATUS_IS_TIMEUP(status) || http_status == HTTP_REQUEST_TIME_OUT) {
        return APR_TIMEUP;
    }
    return http_status == HTTP_REQUEST_ENTITY_TOO_LARGE ? UM_ETOOLARGE : APR_EGENERAL;
}

/* Read the next piece of a body, which must arrive by a time of um_ticks(). A stream of an HTTP/2
 * connection has no socket of its own, so there a read waits as long as Timeout says. */
static apr_status_t read_piece(apr_bucket_brigade *brigade, request_rec *r, apr_time_t end)
{
    apr_socket_t *socket = r->connection->master == NULL ? ap_get_conn_socket(r->connection)
                                                         : NULL;
    apr_interval_time_t left = end - um_ticks();
    apr_interval_time_t timeout = -1;
    apr_status_t status;

    if (left <= 0) {
        return APR_TIMEUP;
    }
    if (socket != NULL && apr_socket_timeout_get(socket, &timeout) == APR_SUCCESS
        && (timeout < 0 || timeout > left)) {
        apr_socket_timeout_set(socket, left);
    }
    status = ap_get_brigade(r->input_filters, brigade, AP_MODE_READBYTES, APR_BLOCK_READ,
                            READ_BYTES);
    if (socket != NULL) {
        apr_socket_timeout_set(socket, timeout);
    }
    return status;
}

static apr_status_t read_body(const char **body, apr_size_t *length, um_request_t *request,
                              apr_int64_t max)
{
    request_rec *r = request->server_baton;
    apr_time_t end = um_ticks() + request->settings->body_timeout;
    apr_bucket_brigade *brigade = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_int64_t announced = request->content_length;
    um_buffer_t buffer;
    apr_status_t status = APR_SUCCESS;
    int ended = 0;

    um_buffer_init(&buffer, announced > 0 && announced <= max ? (apr_size_t)announced : 1024,
                   r->pool);
    while (!ended && status == APR_SUCCESS) {
        status = read_piece(brigade, r, end);
        if (status != APR_SUCCESS) {
            status = read_error(status, r);
        } else {
            status = append_brigade(&buffer, &ended, brigade, max);
        }
        apr_brigade_cleanup(brigade);
    }
    if (status == UM_ETOOLARGE) {
        /* Don't read the rest. */
        r->connection->keepalive = AP_CONN_CLOSE;
    }
    *body = buffer.data;
    *length = buffer.length;
    return status;
}

/* How long a request may take by a configuration that has been replaced, and how long an old
 * process may still take new connections. */
#define OUTDATED_TIME apr_time_from_sec(1)

/* Is a request the first of its connection? mod_http2 counts each stream as a later request
 * (keepalives is 1). So on HTTP/2 it is stream 1, or any stream of a connection that an old
 * process has taken after the configuration was replaced. */
static int is_first(const request_rec *r, apr_time_t replaced_at)
{
    const conn_rec *master = r->connection->master;
    const apr_time_t *began;
    const char *stream;

    if (master == NULL) {
        return r->connection->keepalives == 0;
    }
    began = ap_get_module_config(master->conn_config, &usermgmt_module);
    stream = apr_table_get(r->subprocess_env, "H2_STREAM_ID");
    return (began != NULL && *began > replaced_at)
           || (stream != NULL && strcmp(stream, "1") == 0);
}

/* After a graceful restart an old process finishes its requests by its old configuration. That
 * is right for a request that was there when the configuration was replaced, and for the first
 * one of a connection, because an old process accepts connections until it notices that it has
 * to end. It is wrong for a request that comes later (pipelined after another), or whose header
 * or body came slowly. */
static int is_outdated(um_request_t *request)
{
    const request_rec *r = request->server_baton;
    const apr_time_t *read_at = ap_get_module_config(r->connection->conn_config,
                                                     &usermgmt_module);
    apr_time_t replaced_at = um_runtime_replaced_at();
    apr_time_t latest;

    if (replaced_at == 0) {
        return 0;
    }
    latest = is_first(r, replaced_at) ? replaced_at + OUTDATED_TIME : replaced_at;
    return read_at == NULL || *read_at > latest || um_ticks() - *read_at > OUTDATED_TIME;
}

static void forget_roles(um_request_t *request)
{
    (void)request;
    um_runtime_raise_generation();
}

static int begin_stream(um_request_t *request)
{
    return um_streams_begin(request->server_baton);
}

static const um_server_t server = { identify,     read_body,    is_outdated,
                                    begin_stream, forget_roles, um_list_memory_places };

/* ---- request ---- */

static const char *own_origin(const um_config_directory_t *config, request_rec *r)
{
    const char *host = apr_table_get(r->headers_in, "Host");

    if (config->public_origin != NULL) {
        return config->public_origin;
    }
    if (host == NULL || host[0] == '\0') {
        host = ap_get_server_name_for_url(r);
    }
    return apr_pstrcat(r->pool, ap_http_scheme(r), "://", host, NULL);
}

/* httpd has checked both headers before. */
static void set_body(um_request_t *request, const apr_table_t *headers)
{
    const char *length = apr_table_get(headers, "Content-Length");
    int chunked = apr_table_get(headers, "Transfer-Encoding") != NULL;

    request->content_length = -1;
    if (!chunked && length != NULL) {
        request->content_length = apr_strtoi64(length, NULL, 10);
    }
    request->has_body = chunked || request->content_length > 0;
}

const char *um_handler_path(const request_rec *r)
{
    const char *base = um_config_base(r);
    apr_size_t length = strlen(base);

    if (strncmp(r->uri, base, length) != 0 || (r->uri[length] != '/' && r->uri[length] != '\0')) {
        return "/.";
    }
    return r->uri + length;
}

/* The path that the client asked for, decoded and before any rewriting. */
static char *asked_path(request_rec *r)
{
    const char *uri;
    char *path;

    while (r->prev != NULL) {
        r = r->prev;
    }
    uri = r->unparsed_uri;
    if (uri[0] != '/' && strstr(uri, "://") != NULL) {
        uri = strchr(strstr(uri, "://") + 3, '/');
    }
    path = apr_pstrmemdup(r->pool, uri != NULL ? uri : "/", uri != NULL ? strcspn(uri, "?#") : 1);
    if (ap_unescape_url(path) != OK) {
        return NULL;
    }
    ap_getparents(path);
    ap_no2slash(path);
    return path;
}

/* The base as the client sees it: the part before the route's path in the path that the client
 * asked for. If that path does not end with the route's path, the base of the configuration. */
static const char *base_of_client(const um_request_t *request, const char *base, request_rec *r)
{
    char *asked = asked_path(r);
    apr_size_t length = asked != NULL ? strlen(asked) : 0;
    apr_size_t route = strlen(request->path);

    if (asked != NULL && asked[0] == '/' && length >= route
        && strcmp(asked + length - route, request->path) == 0) {
        asked[length - route] = '\0';
        base = asked;
    }
    return ap_os_escape_path(r->pool, base, 1);
}

/* httpd applies LimitRequestBody itself; this makes the limit in error messages right. */
static void limit_body(um_settings_t *settings, const request_rec *r)
{
    apr_off_t limit = ap_get_limit_req_body(r);

    if (limit > 0 && limit < settings->max_body) {
        settings->max_body = limit;
    }
}

static void fill_request(um_request_t *request, um_settings_t *settings, request_rec *r)
{
    const um_config_directory_t *config = um_config_directory(r);
    const char *base = um_config_base(r);
    um_trace_t trace;

    um_trace_begin(&trace, r);
    um_config_settings(settings, config);
    limit_body(settings, r);
    settings->sends_mail = um_config_mail_is_on(um_config_server(r->server));
    request->pool = r->pool;
    request->server = &server;
    request->server_baton = r;
    request->settings = settings;
    request->store = um_runtime_store(r->server);
    request->service = um_config_service(r);
    request->method = r->method;
    request->path = um_handler_path(r);
    request->base = base_of_client(request, base, r);
    request->query = r->args;
    request->headers = r->headers_in;
    set_body(request, r->headers_in);
    request->own_origin = own_origin(config, r);
    request->request_id = trace.request_id;
    request->trace_id = trace.trace_id;
}

static void set_note(request_rec *r, const char *name, const char *value)
{
    if (value != NULL && value[0] != '\0') {
        apr_table_setn(r->notes, name, value);
    }
}

/* Notes for logs. Fields of logs are separated by spaces, so a note has no spaces and no quotes.
 * An identifier that can't be one is not noted. */
static void set_notes(request_rec *r, const um_request_t *request, const um_answer_t *answer)
{
    const char *identity = request->caller.identity;
    const char *organization = request->caller.organization;
    const char *target = request->target;

    set_note(r, "usermgmt-action", request->action);
    set_note(r, "usermgmt-identity",
             identity != NULL ? um_query_encode(identity, r->pool) : NULL);
    set_note(r, "usermgmt-org",
             organization != NULL ? um_query_encode(organization, r->pool) : NULL);
    set_note(r, "usermgmt-role", um_role_name(request->caller.role));
    set_note(r, "usermgmt-target",
             target != NULL && um_rules_check_uid(target) == NULL ? target : NULL);
    set_note(r, "usermgmt-outcome", answer->code != NULL ? answer->code : "ok");
}

/* ---- answer ---- */

static int set_header(void *baton, const char *name, const char *value)
{
    request_rec *r = baton;

    apr_table_setn(r->headers_out, name, value);
    return 1;
}

static int send_whole(request_rec *r, const um_answer_t *answer)
{
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;
    apr_bucket_brigade *brigade = apr_brigade_create(r->pool, alloc);

    if (answer->body != NULL) {
        ap_set_content_length(r, (apr_off_t)answer->length);
        APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_pool_create(answer->body, answer->length,
                                                                r->pool, alloc));
    }
    APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(alloc));
    ap_pass_brigade(r->output_filters, brigade);
    return OK;
}

/* Each piece is flushed, so that memory stays bounded and the caller can use its buffer again. */
static apr_status_t write_piece(void *baton, const char *bytes, apr_size_t length)
{
    request_rec *r = baton;
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;
    apr_bucket_brigade *brigade = apr_brigade_create(r->pool, alloc);
    apr_status_t status;

    APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_transient_create(bytes, length, alloc));
    APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_flush_create(alloc));
    status = ap_pass_brigade(r->output_filters, brigade);
    apr_brigade_destroy(brigade);
    if (status == APR_SUCCESS && r->connection->aborted) {
        status = APR_ECONNABORTED;
    }
    return status;
}

/* After the header is sent, a failure can only be reported by closing the connection: an error
 * bucket stops the last chunk from being sent. */
static int send_stream(request_rec *r, um_request_t *request, const um_answer_t *answer)
{
    um_sink_t sink = { write_piece, r };
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;
    apr_bucket_brigade *brigade = apr_brigade_create(r->pool, alloc);
    apr_status_t status = APR_SUCCESS;

    if (!r->header_only) {
        status = answer->stream(&sink, request, answer->stream_baton);
    }
    um_streams_end(r);
    if (status != APR_SUCCESS && r->connection->aborted) {
        return OK;
    }
    if (status == UM_EREFUSED) {
        um_log_request(r, STREAM_ROLE_LOST, APR_SUCCESS);
    } else if (status != APR_SUCCESS) {
        um_log_request(r, STREAM_BROKEN, status);
    }
    if (status != APR_SUCCESS) {
        r->connection->keepalive = AP_CONN_CLOSE;
        APR_BRIGADE_INSERT_TAIL(brigade,
                                ap_bucket_error_create(HTTP_BAD_GATEWAY, NULL, r->pool, alloc));
    }
    APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(alloc));
    ap_pass_brigade(r->output_filters, brigade);
    return OK;
}

static int send_answer(request_rec *r, um_request_t *request, const um_answer_t *answer)
{
    r->status = answer->status;
    apr_table_do(set_header, r, answer->headers, NULL);
    if (answer->content_type != NULL) {
        ap_set_content_type(r, answer->content_type);
    }
    if (answer->client_etag != NULL) {
        um_etags_keep(r, answer->client_etag);
    }
    return answer->stream != NULL ? send_stream(r, request, answer) : send_whole(r, answer);
}

/* Would each request of the caller be refused, and not only this one? The role of a caller whose
 * organization does not exist counts for nothing. */
static int is_refused(const um_caller_t *caller, const um_answer_t *answer)
{
    return answer->status == HTTP_FORBIDDEN
           && ((strcmp(answer->code, "forbidden") == 0 && caller->role == UM_ROLE_NONE)
               || strcmp(answer->code, "no_organization") == 0);
}

int um_handler_handle(request_rec *r)
{
    um_request_t request = { 0 };
    um_settings_t settings;
    um_answer_t answer;
    int result;

    if (!um_config_is_api(r->handler)) {
        return DECLINED;
    }
    if (um_config_base(r) == NULL
        || strcmp(r->handler, um_config_directory(r)->api->handler) != 0) {
        um_log_request(r, HANDLER_NOT_IN_LOCATION, APR_SUCCESS);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    um_cors_set_headers(r);
    fill_request(&request, &settings, r);
    um_router_handle(&answer, &request);
    if (request.has_body && request.body_text == NULL) {
        /* Otherwise httpd would wait for the rest of the body, which nobody reads. */
        r->connection->keepalive = AP_CONN_CLOSE;
    }
    if (is_refused(&request.caller, &answer)) {
        um_caller_log_refusal(&request.caller, r);
    }
    set_notes(r, &request, &answer);
    result = send_answer(r, &request, &answer);
    um_metrics_count_request(request.action, answer.status, answer.code, um_handler_age(r));
    return result;
}
