/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_FOLDING_H
#define UM_HTTPD_FOLDING_H

/**
 * @file folding.h
 * One process of the server folds changes into the counts of organizations, on
 * databases where each change leaves a row of its own.
 */

#include <httpd.h>

/** Start the folding for all databases that need it; in post_config, after
 *  um_watchdog_init(). Without mod_watchdog, requests fold the counts, see
 *  um_store_set_folding(). A failure is logged. */
apr_status_t um_folding_init(apr_pool_t *pconf, server_rec *server);

#endif
