/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file cors.c Cross-origin resource sharing, see cors.h. */

#include "cors.h"

#include <http_protocol.h>

#include "../base/metrics.h"
#include "../rest/negotiate.h"
#include "config.h"
#include "handler.h"
#include "trace.h"

/* The methods that routes have, and the request headers that the API reads. */
#define ALLOWED_METHODS "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
#define ALLOWED_HEADERS                                                                          \
    "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match"

/* The headers that a page may read, in addition to those that any page may read. */
#define EXPOSED_HEADERS "Link, ETag, Location, Retry-After, Request-Id"

/* For this many seconds a browser need not ask again. */
#define MAX_AGE "600"

/* The note of a request that passed without a login. */
#define ADMITTED_NOTE "usermgmt-preflight"

/* The origin of a request's page if UserMgmtAllowOrigin has it, else NULL. */
static const char *allowed_origin(request_rec *r)
{
    const um_config_directory_t *config = um_config_directory(r);
    const char *origin = apr_table_get(r->headers_in, "Origin");

    return um_config_is_ours(r) && origin != NULL
                   && um_negotiate_origin_is_listed(origin, config->allowed_origins, r->pool)
               ? origin
               : NULL;
}

static int is_preflight(request_rec *r)
{
    return r->method_number == M_OPTIONS
           && apr_table_get(r->headers_in, "Access-Control-Request-Method") != NULL
           && allowed_origin(r) != NULL;
}

void um_cors_set_headers(request_rec *r)
{
    const char *origin = allowed_origin(r);

    if (!um_config_is_ours(r) || um_config_directory(r)->allowed_origins == NULL) {
        return;
    }
    /* httpd adds it to the Vary of the answer. */
    apr_table_mergen(r->err_headers_out, "Vary", "Origin");
    if (origin != NULL) {
        apr_table_setn(r->err_headers_out, "Access-Control-Allow-Origin", origin);
        apr_table_setn(r->err_headers_out, "Access-Control-Allow-Credentials", "true");
        apr_table_setn(r->err_headers_out, "Access-Control-Expose-Headers", EXPOSED_HEADERS);
    }
}

int um_cors_admit_preflight(request_rec *r)
{
    if (!is_preflight(r)) {
        return DECLINED;
    }
    apr_table_setn(r->notes, ADMITTED_NOTE, "1");
    return OK;
}

int um_cors_answer_preflight(request_rec *r)
{
    um_trace_t trace;

    if (!is_preflight(r)) {
        /* A fixup may have given the request to another handler, which would then answer it
         * without a login. */
        return apr_table_get(r->notes, ADMITTED_NOTE) != NULL ? HTTP_FORBIDDEN : DECLINED;
    }
    um_trace_begin(&trace, r);
    um_cors_set_headers(r);
    apr_table_setn(r->headers_out, "Access-Control-Allow-Methods", ALLOWED_METHODS);
    apr_table_setn(r->headers_out, "Access-Control-Allow-Headers", ALLOWED_HEADERS);
    apr_table_setn(r->headers_out, "Access-Control-Max-Age", MAX_AGE);
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_setn(r->notes, "usermgmt-action", "options");
    apr_table_setn(r->notes, "usermgmt-outcome", "ok");
    if (apr_table_get(r->headers_in, "Content-Length") != NULL
        || apr_table_get(r->headers_in, "Transfer-Encoding") != NULL) {
        /* Otherwise httpd would wait for the body, which nobody reads. */
        r->connection->keepalive = AP_CONN_CLOSE;
    }
    r->status = HTTP_NO_CONTENT;
    ap_finalize_request_protocol(r);
    um_metrics_count_request("options", r->status, NULL, um_handler_age(r));
    return OK;
}
