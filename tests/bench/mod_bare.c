/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/**
 * @file mod_bare.c
 * The yardstick of build/bench: a handler that answers 300 fixed bytes and does
 * nothing else. No part of the product.
 */

#include <httpd.h>
#include <http_config.h>
#include <http_protocol.h>

#define LENGTH 300

static int handle(request_rec *r)
{
    static char text[LENGTH];
    apr_bucket_brigade *brigade;
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;

    if (strcmp(r->handler, "bare") != 0) {
        return DECLINED;
    }
    memset(text, 'x', sizeof(text));
    ap_set_content_type(r, "application/json");
    ap_set_content_length(r, LENGTH);
    brigade = apr_brigade_create(r->pool, alloc);
    APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_immortal_create(text, LENGTH, alloc));
    APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(alloc));
    ap_pass_brigade(r->output_filters, brigade);
    return OK;
}

static int keep_from_files(request_rec *r)
{
    if (strncmp(r->uri, "/bare", 5) != 0) {
        return DECLINED;
    }
    r->filename = r->uri;
    return OK;
}

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_translate_name(keep_from_files, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_map_to_storage(keep_from_files, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_handler(handle, NULL, NULL, APR_HOOK_FIRST);
}

AP_DECLARE_MODULE(bare) = { STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL,
                            register_hooks,          0 };
