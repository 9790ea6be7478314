/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_ADVICE_H
#define UM_HTTPD_ADVICE_H

/**
 * @file advice.h
 * Warnings about Locations that httpd accepts, but that can't serve anybody. They are given
 * only where the configuration leaves no doubt; a configuration that works gets none.
 */

#include <httpd.h>

/** Log a warning for each such Location of all servers, once the configuration is read. */
void um_advice_log(server_rec *server, apr_pool_t *ptemp);

#endif
