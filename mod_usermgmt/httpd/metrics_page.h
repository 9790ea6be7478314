/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_METRICS_PAGE_H
#define UM_HTTPD_METRICS_PAGE_H

/**
 * @file metrics_page.h
 * The metrics of the server: their memory, SetHandler usermgmt-metrics, and a section on
 * mod_status' page.
 */

#include <httpd.h>

/** Make the memory that all processes share; in post_config. A failure is logged, and nothing is
 *  counted then. It survives a graceful restart. */
void um_metrics_page_init(server_rec *server);

/** Give a child process its place; pool is the child's. */
void um_metrics_page_init_child(apr_pool_t *pool);

/** Register the section of mod_status' page; with the other hooks. */
void um_metrics_page_register(void);

/** Answer a request: handler. */
int um_metrics_page_handle(request_rec *r);

#endif
