/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_SCHEMA_H
#define UM_CORE_SCHEMA_H

/**
 * @file schema.h
 * The version of the database's schema. The texts are the files below schema/,
 * built in by build/embed-sql.awk.
 */

#include "db.h"

/** The version this module works with. */
#define UM_SCHEMA_VERSION 1

typedef struct um_schema_step_t {
    /** The version the step leads to; 0 ends the list. */
    int version;
    /** Its statements, ended by NULL. */
    const char *const *statements;
} um_schema_step_t;

extern const um_schema_step_t um_schema_sqlite[];
extern const um_schema_step_t um_schema_postgresql[];
extern const um_schema_step_t um_schema_mariadb[];

/** Read the schema's version: 0 where there is none. APR_SUCCESS or UM_EUNAVAILABLE. */
apr_status_t um_schema_get_version(int *version, um_db_t *db, apr_pool_t *pool);

/**
 * Make the schema, or bring it to UM_SCHEMA_VERSION, in one transaction. Safe
 * where several processes try at once, provided they exclude each other.
 * @return APR_SUCCESS, UM_EUNAVAILABLE, or UM_ESCHEMA where it is newer
 */
apr_status_t um_schema_upgrade(um_db_t *db, apr_pool_t *pool);

/**
 * Prepare every statement of statements.h that reads or changes; those that the database does not
 * take are logged.
 * @param failed how many were not taken
 * @param tried  how many there are
 */
void um_schema_verify(int *failed, int *tried, um_db_t *db, apr_pool_t *pool);

#endif
