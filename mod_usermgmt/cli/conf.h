/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CLI_CONF_H
#define UM_CLI_CONF_H

/**
 * @file conf.h
 * The database of an httpd.conf: its DBDriver and DBDParams, Include followed.
 * Sections play no part but to tell servers with databases of their own apart;
 * what <IfModule>, <IfDefine> and <If> hold counts.
 */

#include <apr_pools.h>

/**
 * Read the two directives.
 * @return NULL, or what is wrong: a file that can't be read, none of them, or
 *         several that differ, a line each. It is safe for a terminal.
 */
const char *um_conf_read(const char **driver, const char **params, const char *file,
                         apr_pool_t *pool);

#endif
