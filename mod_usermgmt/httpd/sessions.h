/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_SESSIONS_H
#define UM_HTTPD_SESSIONS_H

/**
 * @file sessions.h
 * Sessions counted where UserMgmtActivity holds: in memory that all processes
 * share, in the logging phase of requests; and written to the database every so
 * often by one of them.
 */

#include <httpd.h>

/** Register the mutex with httpd; in pre_config. */
apr_status_t um_sessions_register(apr_pool_t *pconf);

/** Tell whether sessions can be counted, where they are to be; in check_config. Logged
 *  where not. */
int um_sessions_check(server_rec *server);

/** Make the table where sessions are counted, and have it written; in
 *  post_config. Logged where it fails. */
apr_status_t um_sessions_init(apr_pool_t *pconf, server_rec *server);

/** Open the table in a child process; pool is the child's. */
void um_sessions_init_child(apr_pool_t *pool, server_rec *server);

/** Count a request that has been answered: log_transaction. */
int um_sessions_count(request_rec *r);

#endif
