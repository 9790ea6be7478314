/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_PARAMS_H
#define UM_DB_PARAMS_H

/**
 * @file params.h
 * The parameters of a database for apr_dbd's drivers (DBDParams): a check whether they can
 * be used at all, and a copy that may be printed.
 */

#include <apr_pools.h>

/** Which paths of SQLite's file are allowed. */
typedef enum um_params_path_t {
    UM_PARAMS_ANY_PATH,
    /** Only a path that does not depend on the working directory. */
    UM_PARAMS_ABSOLUTE_PATH
} um_params_path_t;

/** Tell whether a driver's parameters are the path of a file. driver may be NULL. */
int um_params_are_path(const char *driver);

/**
 * Check the parameters before any connection is made. It refuses a variable ${NAME} that
 * httpd or the tool did not know. For SQLite it refuses everything that is not the path of
 * a file, because then each connection would have an empty database of its own, and all
 * data would be lost.
 * @param driver NULL or "" for none
 * @param params NULL or "" for none
 * @return NULL, or what is wrong and what would be right, in pool. It is said of a
 *         subject that the caller puts in front ("DBDParams ..."), with no secret in it.
 */
const char *um_params_check(const char *driver, const char *params, um_params_path_t allowed,
                            apr_pool_t *pool);

/** Tell whether they are a URI of libpq, and not KEY = VALUE words. */
int um_params_are_uri(const char *params);

/** Tell whether the words have KEY = VALUE with this key; upper and lower case are the same. */
int um_params_have(const char *driver, const char *params, const char *key);

/**
 * A copy that may be printed. SQLite's path stays as it is. For other drivers only the words
 * stay that are known to have no secret; each other word becomes "***".
 * @param driver NULL if it is not known
 */
const char *um_params_mask(const char *driver, const char *params, apr_pool_t *pool);

/** A driver's error text, with "***" for everything that um_params_mask() hides and that has
 *  at least four bytes. */
const char *um_params_redact(const char *text, const char *driver, const char *params,
                             apr_pool_t *pool);

#endif
