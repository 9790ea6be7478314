/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_CONFIG_KEEP_H
#define UM_HTTPD_CONFIG_KEEP_H

/**
 * @file config_keep.h
 * UserMgmtKeep: for how long data is kept. Databases are shared, and an organization can have
 * several Locations, so this file also finds what holds for an organization of a database.
 */

#include <apr_hash.h>

#include "../core/store_prune.h"
#include "config.h"
#include "runtime.h"

/** The value of what is never deleted. */
#define UM_KEEP_FOREVER (-1)

/** Microseconds of each kind, or UM_KEEP_FOREVER. */
typedef struct um_keep_t {
    apr_interval_time_t times[UM_PRUNE_KIND_COUNT];
} um_keep_t;

/** Take an argument of UserMgmtKeep. Returns NULL, or the error for configtest. */
const char *um_config_keep_set(cmd_parms *cmd, void *directory, const char *argument);

/** What a configuration says, completed with defaults. */
const um_keep_t *um_config_keep(const um_config_directory_t *config);

/** What holds for the organizations of a database. */
typedef struct um_keeps_t {
    /** The names of organizations that have a Location of their own, to their um_keep_t. */
    apr_hash_t *named;
    /** For all others. */
    um_keep_t others;
    /** For kept answers, which are not deleted by organization: the longest of all. */
    apr_interval_time_t answers;
    /** Nothing but kept answers is ever deleted. */
    int keeps_rest;
} um_keeps_t;

/** Find what holds for a database; in post_config. If several Locations or servers differ about
 *  an organization, the longest time holds. */
void um_config_keep_find(um_keeps_t *keeps, const um_runtime_database_t *database,
                         apr_pool_t *pool);

/** What holds for an organization. */
const um_keep_t *um_config_keep_of(const um_keeps_t *keeps, const char *organization);

#endif
