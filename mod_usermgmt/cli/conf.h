/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CLI_CONF_H
#define UM_CLI_CONF_H

/**
 * @file conf.h
 * The database of an httpd.conf: its UserMgmtDatabase, or its DBDriver and DBDParams, Include
 * followed. Sections play no part but to tell servers with databases of their own apart;
 * what <IfModule>, <IfDefine> and <If> hold counts, but macros are not expanded.
 */

#include <apr_pools.h>

#include "exit.h"

/**
 * Read the directives.
 * @param wrong gets NULL, or what is wrong, safe for a terminal
 * @return UM_EXIT_OK; UM_EXIT_USAGE where there are several databases, which are told a line
 *         each; or UM_EXIT_REFUSED: a file that can't be read, no database, or a variable in
 *         it that is not defined
 */
um_exit_t um_conf_read(const char **driver, const char **params, const char **wrong,
                       const char *file, apr_pool_t *pool);

#endif
