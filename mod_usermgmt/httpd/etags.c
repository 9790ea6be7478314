/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file etags.c The ETag of a 304, see etags.h. */

#include "etags.h"

#include <http_protocol.h>
#include <util_filter.h>

#define FILTER_NAME "usermgmt-etag"

/* After all filters that change content, before the header is written. */
#define FILTER_TYPE ((ap_filter_type)(AP_FTYPE_PROTOCOL - 1))

static apr_status_t set_etag(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    request_rec *r = filter->r;
    const char *vary = apr_table_get(r->headers_out, "Vary");

    apr_table_setn(r->headers_out, "ETag", filter->ctx);
    if (vary == NULL || !ap_find_list_item(r->pool, vary, "accept-encoding")) {
        apr_table_mergen(r->headers_out, "Vary", "Accept-Encoding");
    }
    ap_remove_output_filter(filter);
    return ap_pass_brigade(filter->next, brigade);
}

void um_etags_register(void)
{
    ap_register_output_filter(FILTER_NAME, set_etag, NULL, FILTER_TYPE);
}

void um_etags_keep(request_rec *r, const char *etag)
{
    ap_add_output_filter(FILTER_NAME, (void *)(apr_uintptr_t)etag, r, r->connection);
}
