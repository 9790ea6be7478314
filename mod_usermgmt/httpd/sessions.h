/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_SESSIONS_H
#define UM_HTTPD_SESSIONS_H

/**
 * @file sessions.h
 * Counts sessions where UserMgmtActivity is set. They are counted in memory that all processes
 * share, in the logging phase of requests. One process regularly writes them to the database.
 */

#include <httpd.h>

/** Register the mutex with httpd; in pre_config. */
apr_status_t um_sessions_register(apr_pool_t *pconf);

/** If sessions are to be counted, tell whether that is possible; in check_config. If not, it is
 *  logged. */
int um_sessions_check(server_rec *server);

/** If sessions are to be counted, make the table, and have it written regularly; in post_config.
 *  A failure is logged. */
apr_status_t um_sessions_init(apr_pool_t *pconf, server_rec *server);

/** Open the table in a child process; pool is the child's. */
void um_sessions_init_child(apr_pool_t *pool, server_rec *server);

/** Count a request that has been answered: log_transaction. */
int um_sessions_count(request_rec *r);

/** The sessions in memory, and how many there is room for; 0 of 0 if none are counted. */
void um_sessions_get_use(apr_size_t *used, apr_size_t *size);

#endif
