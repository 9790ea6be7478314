/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_PRUNING_H
#define UM_HTTPD_PRUNING_H

/**
 * @file pruning.h
 * One process of the server deletes data that is older than UserMgmtKeep says, in small pieces
 * (core/store_prune.h).
 */

#include <httpd.h>

/** Start the work for all databases; in post_config, after um_watchdog_init(). Without
 *  mod_watchdog nothing is deleted. A failure is logged. */
apr_status_t um_pruning_init(apr_pool_t *pconf, server_rec *server);

#endif
