/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file access_log.c A request as one JSON object for logs, see access_log.h. */

#include "access_log.h"

#include <apr_optional.h>
#include <apr_strings.h>
#include <http_core.h>
#include <mod_log_config.h>

#include "../base/json.h"
#include "../base/text.h"

/* A text from a client may have any bytes. */
static const char *clean(const char *text, apr_pool_t *pool)
{
    um_buffer_t buffer;
    apr_size_t length = text != NULL ? strlen(text) : 0;

    if (text == NULL || um_text_is_utf8(text, length)) {
        return text;
    }
    um_buffer_init(&buffer, length + 16, pool);
    um_text_escape(&buffer, text, length, 0);
    return buffer.data;
}

/* A note of the handler, decoded. */
static const char *decoded_note(const request_rec *r, const char *name)
{
    const char *note = apr_table_get(r->notes, name);
    char *text = apr_pstrdup(r->pool, note);

    return note != NULL && ap_unescape_url_keep2f(text, 1) == OK ? clean(text, r->pool) : NULL;
}

static void put_request(um_buffer_t *buffer, const request_rec *r, const request_rec *last)
{
    const char *agent = apr_table_get(r->headers_in, "User-Agent");
    const char *host = apr_table_get(r->headers_in, "Host");

    um_json_put_member_instant(buffer, "time", apr_time_as_msec(r->request_time));
    um_json_put_member_if(buffer, "request_id", clean(last->log_id, r->pool));
    um_json_put_member_if(buffer, "trace_id", apr_table_get(last->notes, "usermgmt-trace"));
    um_json_put_member_if(buffer, "remote_addr", clean(r->useragent_ip, r->pool));
    um_json_put_member_if(buffer, "user", clean(last->user, r->pool));
    um_json_put_member_if(buffer, "method", clean(r->method, r->pool));
    um_json_put_member_if(buffer, "host", clean(host, r->pool));
    um_json_put_member_if(buffer, "path", clean(r->uri, r->pool));
    um_json_put_member_if(buffer, "query", clean(r->args, r->pool));
    um_json_put_member_if(buffer, "protocol", clean(r->protocol, r->pool));
    um_json_put_member_if(buffer, "user_agent", clean(agent, r->pool));
}

/* As %D has it. */
static apr_int64_t duration(const request_rec *r)
{
    apr_interval_time_t time = apr_time_now() - r->request_time;

    return time > 0 ? time : 0;
}

static void put_answer(um_buffer_t *buffer, const request_rec *r)
{
    um_json_put_member_int(buffer, "status", r->status);
    um_json_put_member_int(buffer, "bytes", r->bytes_sent);
    um_json_put_member_int(buffer, "duration_us", duration(r));
    um_json_put_member_if(buffer, "action", apr_table_get(r->notes, "usermgmt-action"));
    um_json_put_member_if(buffer, "identity", decoded_note(r, "usermgmt-identity"));
    um_json_put_member_if(buffer, "organization", decoded_note(r, "usermgmt-org"));
    um_json_put_member_if(buffer, "role", apr_table_get(r->notes, "usermgmt-role"));
    um_json_put_member_if(buffer, "target",
                          clean(apr_table_get(r->notes, "usermgmt-target"), r->pool));
    um_json_put_member_if(buffer, "outcome", apr_table_get(r->notes, "usermgmt-outcome"));
}

/* The value of the directive: mod_log_config calls it. After an internal redirect r is the
 * request that was asked for, and the last one has the answer and the notes. */
/* NOLINTNEXTLINE(readability-non-const-parameter): mod_log_config wants a char *. */
static const char *write_request(request_rec *r, char *argument)
{
    const request_rec *last = r;
    um_buffer_t buffer;
    um_buffer_t line;

    (void)argument;
    while (last->next != NULL) {
        last = last->next;
    }
    um_buffer_init(&buffer, 1024, r->pool);
    um_buffer_putc(&buffer, '{');
    put_request(&buffer, r, last);
    put_answer(&buffer, last);
    um_buffer_putc(&buffer, '}');
    /* What a terminal would obey, and other separators of lines, stand in strings only, and
     * become escapes of JSON. */
    um_buffer_init(&line, buffer.length + 1, r->pool);
    um_text_escape(&line, buffer.data, buffer.length, 0);
    return line.data;
}

int um_access_log_register(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    static char name[] = "^UM";
    APR_OPTIONAL_FN_TYPE(ap_register_log_handler) * register_handler;

    (void)plog;
    (void)ptemp;
    register_handler = APR_RETRIEVE_OPTIONAL_FN(ap_register_log_handler);
    if (register_handler != NULL) {
        /* 1: it gets the request that was asked for. */
        register_handler(pconf, name, write_request, 1);
    }
    return OK;
}
