/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_ACCESS_LOG_H
#define UM_HTTPD_ACCESS_LOG_H

/**
 * @file access_log.h
 * The directive %^UM of LogFormat: what is to be logged about a request, as one JSON object.
 * LogFormat's own directives can't make JSON, because httpd escapes what clients send, and notes
 * too, in another way.
 */

#include <httpd.h>

/** Register the directive with mod_log_config, if that is loaded; in pre_config, after it. */
int um_access_log_register(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

#endif
