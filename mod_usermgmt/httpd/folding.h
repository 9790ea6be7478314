/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_FOLDING_H
#define UM_HTTPD_FOLDING_H

/**
 * @file folding.h
 * One process of the server folds changes into the counts of organizations, on
 * databases where each change leaves a row of its own.
 */

#include <httpd.h>

/** Have it done for the servers that use a database; in post_config, after
 *  um_watchdog_init(). Without mod_watchdog requests do it, see
 *  um_store_set_folding(). Logged where it fails. */
apr_status_t um_folding_init(apr_pool_t *pconf, server_rec *server);

#endif
