/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_MAILING_H
#define UM_HTTPD_MAILING_H

/**
 * @file mailing.h
 * One process of the server sends the mail of all its virtual hosts.
 */

#include <httpd.h>

/** Tell whether what is configured can send mail, and log if it can't; in check_config. */
int um_mailing_check(server_rec *server);

/** Have mail sent where it is configured; in post_config, after
 *  um_watchdog_init(). Logged where it fails. */
apr_status_t um_mailing_init(apr_pool_t *pconf, server_rec *server);

#endif
