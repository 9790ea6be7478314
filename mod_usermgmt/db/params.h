/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_PARAMS_H
#define UM_DB_PARAMS_H

/**
 * @file params.h
 * The parameters of a database as apr_dbd's drivers take them (DBDParams): whether
 * they are usable at all, and a copy that may be printed.
 */

#include <apr_pools.h>

/** Where SQLite's file may be. */
typedef enum um_params_path_t {
    UM_PARAMS_ANY_PATH,
    /** Only where it does not depend on the working directory. */
    UM_PARAMS_ABSOLUTE_PATH
} um_params_path_t;

/** Tell whether a driver, perhaps NULL, takes the path of a file. */
int um_params_are_path(const char *driver);

/**
 * Check the parameters before any connection is made. Refused are a variable ${NAME}
 * that httpd or the tool did not know, and for SQLite whatever is not the path of a
 * file: without one each connection has an empty database of its own, and all that is
 * written is lost.
 * @param driver NULL or "" for none
 * @param params NULL or "" for none
 * @return NULL, or what is wrong and what would be right, in pool. It is said of a
 *         subject that the caller puts in front ("DBDParams ..."), with no secret in it.
 */
const char *um_params_check(const char *driver, const char *params, um_params_path_t allowed,
                            apr_pool_t *pool);

/** Tell whether they are a URI of libpq's, and not words. */
int um_params_are_uri(const char *params);

/** Tell whether KEY = VALUE with this key, in letters of any case, is among the words. */
int um_params_have(const char *driver, const char *params, const char *key);

/**
 * A copy that may be printed: SQLite's path as it is; for the others only the words that
 * are known to hold no secret, "***" for each other one.
 * @param driver NULL where it is not known
 */
const char *um_params_mask(const char *driver, const char *params, apr_pool_t *pool);

/** A driver's text about a failure, with "***" in the place of all that um_params_mask()
 *  hides, where that has four bytes or more. */
const char *um_params_redact(const char *text, const char *driver, const char *params,
                             apr_pool_t *pool);

#endif
