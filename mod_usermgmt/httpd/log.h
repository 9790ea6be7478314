/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_LOG_H
#define UM_HTTPD_LOG_H

/**
 * @file log.h
 * Log lines of the module about a server or a request. The messages are those of
 * base/log_messages.h.
 */

#include "../base/log.h"
#include "module.h"

/* Of each message NAME: UM_APLOG_NAME, its level as httpd has it. */
#define UM_APLOG(name, number, level, text) UM_APLOG_##name = APLOG_##level,
#define UM_APLOG_2(name, number, level, lower, text) UM_APLOG_##name = APLOG_##level,
enum { UM_LOG_MESSAGES(UM_APLOG, UM_APLOG_2) };

/** Log a message about a server: um_log_server(server, NAME, status, values…), see um_log(). */
#define um_log_server(server, name, status, ...)                                                 \
    ap_log_error(APLOG_MARK, UM_APLOG_##name, status, server, um_log_text_##name, ##__VA_ARGS__)

/** Log a message about a request: um_log_request(r, NAME, status, values…), see um_log(). */
#define um_log_request(r, name, status, ...)                                                     \
    ap_log_rerror(APLOG_MARK, UM_APLOG_##name, status, r, um_log_text_##name, ##__VA_ARGS__)

#endif
