/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file dialect.c How the databases differ, see dialect.h. */

#include "dialect.h"

#include <stddef.h>
#include <string.h>

#include "schema.h"

static const um_setting_t nothing[] = { { NULL, 0 } };

/* ---- SQLite ---- */

/* No busy_timeout: it would sleep inside the driver's mutex and stall the whole
 * process. The driver's own retries, outside of that mutex, bear with strangers
 * who write to the database (a backup, a person with sqlite3). */
static const um_setting_t sqlite_settings[] = {
    { "PRAGMA journal_mode = WAL", 1 },
    { "PRAGMA synchronous = FULL", 0 },
    { "PRAGMA foreign_keys = ON", 0 },
    { "PRAGMA cache_size = -8000", 0 },
    /* Savepoints, and each statement that has a trigger, keep the pages as they were
     * before: in memory, or a temporary file gets thirty times what the log gets. */
    { "PRAGMA temp_store = MEMORY", 0 },
    { NULL, 0 },
};

/* The leaves of the indexes that are changed all over stay in memory, and are copied
 * out of the log once for many changes. */
static const um_setting_t sqlite_bulk_settings[] = {
    { "PRAGMA cache_size = -131072", 0 },
    { "PRAGMA wal_autocheckpoint = 32768", 1 },
    { NULL, 0 },
};

/* The log is copied here, or whoever commits next would have to do all of it. */
static const um_setting_t sqlite_bulk_end[] = {
    { "PRAGMA wal_checkpoint(PASSIVE)", 1 },
    { NULL, 0 },
};

static const um_stamp_sql_t sqlite_stamp = { "PRAGMA user_version", "PRAGMA application_id = %d",
                                             "PRAGMA user_version = %d" };

/* ---- PostgreSQL ---- */

/* The time limits end what would hold up others; a change is tried again after.
 * Shorter ones, of the parameters or DBDInitSQL, stay. */
static const um_setting_t postgresql_settings[] = {
    { "SET client_encoding = 'UTF8';"
      " SET default_transaction_isolation = 'read committed'",
      0 },
    { "SELECT set_config(s.name, CASE WHEN CAST(s.setting AS INTEGER) BETWEEN 1 AND l.most"
      " THEN s.setting ELSE CAST(l.most AS TEXT) END, FALSE) FROM pg_settings s"
      " JOIN (VALUES ('statement_timeout', 10000), ('lock_timeout', 2000),"
      " ('idle_in_transaction_session_timeout', 30000)) l (name, most) ON l.name = s.name",
      1 },
    { NULL, 0 },
};

/* For a server that does not answer. What DBDParams says comes later and counts. */
#define POSTGRESQL_PARAMS                                                                        \
    "connect_timeout=5 tcp_user_timeout=15000"                                                   \
    " keepalives_idle=30 keepalives_interval=10 keepalives_count=3 "

/* ---- MariaDB ---- */

/* MySQL takes LEAST() of a variable and a number for a DECIMAL, and no DECIMAL for a
 * variable. Its one limit on statements counts milliseconds, and SELECT alone. */
static const um_setting_t mariadb_settings[] = {
    { "SET NAMES utf8mb4, sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', autocommit = 1,"
      " innodb_lock_wait_timeout = CAST(LEAST(@@innodb_lock_wait_timeout, 2) AS SIGNED),"
      " lock_wait_timeout = CAST(LEAST(@@lock_wait_timeout, 2) AS SIGNED)"
      " /*M! , max_statement_time ="
      " IF(@@max_statement_time > 0, LEAST(@@max_statement_time, 10), 10),"
      " idle_write_transaction_timeout = IF(@@idle_write_transaction_timeout > 0,"
      " LEAST(@@idle_write_transaction_timeout, 30), 30) */"
      " /*!80017 , max_execution_time = CAST(IF(@@max_execution_time > 0,"
      " LEAST(@@max_execution_time, 10000), 10000) AS SIGNED) */",
      0 },
    { "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", 0 },
    { NULL, 0 },
};

/* ---- all ---- */

static const um_dialect_traits_t traits[UM_DIALECT_COUNT] = {
    [UM_DIALECT_SQLITE] = {
        .driver = "sqlite3",
        .is_file = 1,
        .reads_past_driver = 1,
        .needs_paths = 1,
        .compares_pairs = 1,
        .has_single_writer = 1,
        .makes_schema = 1,
        .read_only_text = "readonly database",
        .settings = sqlite_settings,
        .bulk_settings = sqlite_bulk_settings,
        .bulk_end = sqlite_bulk_end,
        .stamp = &sqlite_stamp,
        .schema = um_schema_sqlite,
    },
    [UM_DIALECT_POSTGRESQL] = {
        .driver = "pgsql",
        .splits_at_space = 1,
        .params_before = { POSTGRESQL_PARAMS, "service" },
        .compares_pairs = 1,
        .folds_counts = 1,
        .has_standbys = 1,
        .random_access = 1,
        .settings = postgresql_settings,
        .bulk_settings = nothing,
        .bulk_end = nothing,
        .upgrade_setting = "SET LOCAL statement_timeout = 0",
        .schema = um_schema_postgresql,
    },
    [UM_DIALECT_MARIADB] = {
        .driver = "mysql",
        /* Else the driver connects anew by itself, and the settings are lost. */
        .params_after = { ",reconnect=0", "reconnect" },
        .folds_counts = 1,
        .has_standbys = 1,
        .reconnects_silently = 1,
        .settings = mariadb_settings,
        .bulk_settings = nothing,
        .bulk_end = nothing,
        /* Who waits for a table's lock has all others wait behind it: not for long. */
        .upgrade_setting = "SET lock_wait_timeout = 2 /*M! , max_statement_time = 0 */",
        .schema = um_schema_mariadb,
    },
};

const um_dialect_traits_t *um_dialect_traits(um_dialect_t dialect)
{
    return &traits[dialect];
}

const um_dialect_traits_t *um_dialect_of_driver(um_dialect_t *dialect, const char *driver)
{
    for (int i = 0; driver != NULL && i < UM_DIALECT_COUNT; i++) {
        if (strcmp(driver, traits[i].driver) == 0) {
            if (dialect != NULL) {
                *dialect = (um_dialect_t)i;
            }
            return &traits[i];
        }
    }
    return NULL;
}
