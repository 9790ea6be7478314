/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/**
 * @file errors.c
 * Below the Location, an error that httpd or another module makes (401, 404, 413 …) keeps its
 * status and headers, and its page is replaced by a problem.
 */

#include "errors.h"

#include <http_core.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "../base/metrics.h"
#include "../rest/problem.h"
#include "../rest/router.h"
#include "config.h"
#include "handler.h"
#include "trace.h"

#define FILTER_NAME "USERMGMT_ERRORS"

/* The last status that httpd knows: 511 Network Authentication Required. */
#define LAST_STATUS 511

/* A document in place of an ErrorDocument. It must not look like a path, because httpd redirects
 * to a path. The filter replaces it. */
#define NO_DOCUMENT "a problem"

/* Replace the first brigade of the page by the whole problem, and drop the rest. */
static apr_status_t filter_page(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    request_rec *r = filter->r;
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;
    const um_service_t *service = um_config_service(r);
    um_trace_t trace;
    const char *body;
    apr_size_t length;

    apr_brigade_cleanup(brigade);
    if (filter->ctx != NULL) {
        return APR_SUCCESS;
    }
    filter->ctx = filter;
    um_trace_begin(&trace, r);
    body = um_router_problem_body(service, r->status, trace.request_id, r->pool);
    length = strlen(body);
    ap_set_content_type(r, service->problem_type);
    ap_set_content_length(r, (apr_off_t)length);
    APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_pool_create(body, length, r->pool, alloc));
    APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(alloc));
    return ap_pass_brigade(filter->next, brigade);
}

void um_errors_register(void)
{
    ap_register_output_filter(FILTER_NAME, filter_page, NULL, AP_FTYPE_RESOURCE);
}

/* A document that is registered for the request has priority over ErrorDocument. */
void um_errors_drop_documents(request_rec *r)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);

    if (!um_config_is_ours(r)
        || (core->response_code_exprs == NULL && core->response_code_strings == NULL)) {
        return;
    }
    for (int status = HTTP_BAD_REQUEST; status <= LAST_STATUS; status++) {
        ap_custom_response(r, status, NO_DOCUMENT);
    }
}

int um_errors_restore_documents(request_rec *r)
{
    core_request_config *core = ap_get_core_module_config(r->request_config);

    if (um_config_base(r) == NULL || um_config_is_ours(r)
        || core->response_code_strings == NULL) {
        return DECLINED;
    }
    for (int status = HTTP_BAD_REQUEST; status <= LAST_STATUS; status++) {
        char **text = &core->response_code_strings[ap_index_of_response(status)];

        /* httpd's core stores a text with a quote before it. */
        if (*text != NULL && strcmp(*text, "\"" NO_DOCUMENT) == 0) {
            *text = NULL;
        }
    }
    return DECLINED;
}

void um_errors_insert_filter(request_rec *r)
{
    um_trace_t trace;

    if (!um_config_is_ours(r) || r->status < HTTP_BAD_REQUEST) {
        return;
    }
    um_trace_begin(&trace, r);
    um_metrics_count_request(NULL, r->status, um_problem_code(r->status), um_handler_age(r));
    apr_table_setn(r->err_headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    if (apr_table_get(r->notes, "usermgmt-outcome") == NULL) {
        apr_table_setn(r->notes, "usermgmt-outcome", um_problem_code(r->status));
    }
    ap_add_output_filter(FILTER_NAME, NULL, r, r->connection);
}
