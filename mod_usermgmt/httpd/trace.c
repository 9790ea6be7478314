/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file trace.c What a request is called in logs, see trace.h. */

#include "trace.h"

#include <string.h>

#include <apr_strings.h>
#include <http_log.h>

#include "../base/trace.h"

#define TRACE_NOTE "usermgmt-trace"

/* A longer one, or one with other characters, is no header's value: another module may make the
 * ids. */
#define REQUEST_ID_MAX 128

static int is_usable(const char *id)
{
    return id[0] != '\0' && strlen(id) <= REQUEST_ID_MAX
           && strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~+/@=")
                  == strlen(id);
}

/* httpd makes the id when it first logs something about the request. */
static const char *request_id(request_rec *r)
{
    if (r->log_id == NULL) {
        ap_run_generate_log_id(r->connection, r, &r->log_id);
    }
    return r->log_id != NULL && is_usable(r->log_id) ? r->log_id : NULL;
}

static const char *trace_id(request_rec *r)
{
    char id[UM_TRACE_ID_LENGTH + 1];

    return um_trace_parse(id, apr_table_get(r->headers_in, "traceparent"))
               ? apr_pstrdup(r->pool, id)
               : NULL;
}

void um_trace_begin(um_trace_t *trace, request_rec *r)
{
    trace->request_id = request_id(r);
    trace->trace_id = trace_id(r);
    if (trace->request_id != NULL) {
        apr_table_setn(r->err_headers_out, "Request-Id", trace->request_id);
    }
    if (trace->trace_id != NULL) {
        apr_table_setn(r->notes, TRACE_NOTE, trace->trace_id);
    }
}
