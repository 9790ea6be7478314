/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_SCHEMA_H
#define UM_DB_SCHEMA_H

/**
 * @file schema.h
 * The version of the database's schema, and upgrades. The SQL is in the files below schema/,
 * which build/embed-sql.awk compiles in.
 */

#include "db.h"
#include "list.h"

/** The version that this module makes. */
#define UM_SCHEMA_VERSION 4

/** The oldest version that it works with. So modules can be replaced node by node before the
 *  schema is upgraded. */
#define UM_SCHEMA_OLDEST (UM_SCHEMA_VERSION - 1)

typedef struct um_schema_step_t {
    /** The version the step leads to; 0 ends the list. */
    int version;
    /** Its statements, ended by NULL. */
    const char *const *statements;
} um_schema_step_t;

extern const um_schema_step_t um_schema_sqlite[];
extern const um_schema_step_t um_schema_postgresql[];
extern const um_schema_step_t um_schema_mariadb[];

/** Read the schema's version: 0 if there is no schema. APR_SUCCESS or UM_EUNAVAILABLE. */
apr_status_t um_schema_get_version(int *version, um_db_t *db, apr_pool_t *pool);

/** Tell whether the module works with a version. */
int um_schema_is_usable(int version);

/** The state that an upgrade may start from. */
typedef enum um_schema_from_t {
    UM_SCHEMA_FROM_NOTHING = 1,
    UM_SCHEMA_FROM_OLDER = 2,
    UM_SCHEMA_FROM_ANY = UM_SCHEMA_FROM_NOTHING | UM_SCHEMA_FROM_OLDER
} um_schema_from_t;

/**
 * Bring the schema to UM_SCHEMA_VERSION in one transaction. On MariaDB each change of the
 * schema commits by itself, so an interrupted upgrade can be run again. If several processes
 * try at the same time, one upgrades. The others wait and find it done, or end with
 * UM_EUNAVAILABLE and may try again.
 * @param found the version it had; also set with UM_ESCHEMA and UM_EREFUSED
 * @return APR_SUCCESS, UM_EUNAVAILABLE, UM_ESCHEMA if it is newer, or UM_EREFUSED if an
 *         upgrade may not start from its state
 */
apr_status_t um_schema_upgrade(int *found, um_db_t *db, um_schema_from_t from, apr_pool_t *pool);

/** What came of preparing all statements. */
typedef struct um_schema_trial_t {
    /** How many were tried, and how many of these the database did not take. */
    int tried;
    int failed;
    /** How many were left out, because they need a newer schema. */
    int waiting;
} um_schema_trial_t;

/**
 * Prepare every statement of queries/ that reads or changes, and lists of every kind;
 * those that the database does not take are logged.
 * @param lists ended by NULL
 * @return APR_SUCCESS or UM_EUNAVAILABLE where the version can't be read
 */
apr_status_t um_schema_verify(um_schema_trial_t *trial, um_db_t *db,
                              const um_list_source_t *const *lists, apr_pool_t *pool);

#endif
