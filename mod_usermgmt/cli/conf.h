/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CLI_CONF_H
#define UM_CLI_CONF_H

/**
 * @file conf.h
 * The database of an httpd.conf and the files that it includes: its UserMgmtDatabase, or its
 * DBDriver and DBDParams. Sections are ignored: lines inside VirtualHost, IfModule,
 * IfDefine and If count like all others. Macros are not expanded.
 */

#include <apr_pools.h>

#include "exit.h"

/**
 * Read the directives.
 * @param wrong gets NULL, or what is wrong, safe for a terminal
 * @return UM_EXIT_OK; UM_EXIT_USAGE if there are several databases, and wrong lists them; or
 *         UM_EXIT_REFUSED: a file can't be read, there is no database, or it has a variable
 *         that is not defined
 */
um_exit_t um_conf_read(const char **driver, const char **params, const char **wrong,
                       const char *file, apr_pool_t *pool);

#endif
