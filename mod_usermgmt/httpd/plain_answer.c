/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file plain_answer.c Answers of the handlers beside the API, see plain_answer.h. */

#include "plain_answer.h"

#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

#include "trace.h"

int um_plain_answer_allows(request_rec *r)
{
    ap_allow_standard_methods(r, REPLACE_ALLOW, M_GET, -1);
    return r->method_number == M_GET;
}

int um_plain_answer_send(request_rec *r, int status, const char *type, const um_buffer_t *text)
{
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;
    apr_bucket_brigade *brigade = apr_brigade_create(r->pool, alloc);
    um_trace_t trace;

    um_trace_begin(&trace, r);
    if (apr_table_get(r->headers_in, "Content-Length") != NULL
        || apr_table_get(r->headers_in, "Transfer-Encoding") != NULL) {
        /* Otherwise httpd would wait for the body, which nobody reads. */
        r->connection->keepalive = AP_CONN_CLOSE;
    }
    r->status = status;
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    ap_set_content_type(r, type);
    ap_set_content_length(r, (apr_off_t)text->length);
    APR_BRIGADE_INSERT_TAIL(brigade,
                            apr_bucket_pool_create(text->data, text->length, r->pool, alloc));
    APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(alloc));
    ap_pass_brigade(r->output_filters, brigade);
    return OK;
}
