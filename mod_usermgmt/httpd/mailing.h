/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_MAILING_H
#define UM_HTTPD_MAILING_H

/**
 * @file mailing.h
 * One process of the server sends the mail of all its virtual hosts.
 */

#include <httpd.h>

/** Check the directives for mail of all servers; in check_config. Returns 0 after an error,
 *  which is logged. */
int um_mailing_check(server_rec *server);

/** Start to send mail for all databases whose servers send mail; in post_config, after
 *  um_watchdog_init(). A failure is logged. */
apr_status_t um_mailing_init(apr_pool_t *pconf, server_rec *server);

#endif
