/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file dialect.c The differences between the databases, see dialect.h. */

#include "dialect.h"

#include <stddef.h>
#include <string.h>

#include "schema.h"

static const um_setting_t nothing[] = { { NULL, 0 } };

/* ---- SQLite ---- */

/* No busy_timeout, because it would sleep inside the driver's mutex and stop the whole process.
 * If another program writes to the database (a backup, a person with sqlite3), the driver
 * itself retries, outside of that mutex. */
static const um_setting_t sqlite_settings[] = {
    { "PRAGMA journal_mode = WAL", 1 },
    { "PRAGMA synchronous = FULL", 0 },
    { "PRAGMA foreign_keys = ON", 0 },
    /* What is deleted is written over, so that it is not in the file any more. */
    { "PRAGMA secure_delete = ON", 1 },
    { "PRAGMA cache_size = -8000", 0 },
    /* Savepoints, and statements with triggers, keep the old pages. They keep them in memory,
     * because a temporary file would get thirty times as many bytes as the log. */
    { "PRAGMA temp_store = MEMORY", 0 },
    { NULL, 0 },
};

/* Random changes touch all leaves of an index. So the leaves stay in memory, and the log is
 * copied to the database only once for many changes. */
static const um_setting_t sqlite_bulk_settings[] = {
    { "PRAGMA cache_size = -131072", 0 },
    { "PRAGMA wal_autocheckpoint = 32768", 1 },
    { NULL, 0 },
};

/* Copy the log now. Otherwise the next commit would have to copy all of it. */
static const um_setting_t sqlite_bulk_end[] = {
    { "PRAGMA wal_checkpoint(PASSIVE)", 1 },
    { NULL, 0 },
};

static const um_stamp_sql_t sqlite_stamp = { "PRAGMA user_version", "PRAGMA application_id = %d",
                                             "PRAGMA user_version = %d" };

/* The row of an element of an array has a number as its key, that of a member of an object has a
 * text, and that of a single value has none. */
static const um_json_sql_t sqlite_json = {
    .rows = "json_each(@, %s)",
    .row_columns = "",
    .member = "json_extract(@, '$.?')",
    .named = "json_object('formatted', @,"
             " 'familyName', substr(@, 1 + length(rtrim(@, replace(@, ' ', '')))),"
             " 'givenName', COALESCE(NULLIF(rtrim(rtrim(@, replace(@, ' ', '')), ' '), ''), @))",
    .element = "CASE WHEN m.type = 'object' THEN m.value END",
    .is_text = "typeof(e.key) <> 'text' AND e.type = 'text'",
    .text = "lower(e.value)",
    .is_number = "typeof(e.key) <> 'text' AND e.type IN ('integer', 'real')",
    .integer = "e.value ? CAST(%s AS NUMERIC)",
    .number = "e.value ? CAST(%s AS REAL)",
    .is_truth = "typeof(e.key) <> 'text' AND e.type = %s",
    .is_present = "(typeof(e.key) = 'text' OR e.type IN ('integer', 'real', 'true', 'false')"
                  " OR (e.type = 'text' AND e.value <> '')"
                  " OR (e.type = 'object' AND e.value <> '{}'))",
    .is_object = "m.type = 'object'",
    .contains = "instr(@, %s) > 0",
    .begins = "instr(@, %s) = 1",
    .ends = "substr(@, -length(%s)) = %s",
    .indexes_expressions = 1,
};

/* ---- PostgreSQL ---- */

/* The time limits end statements that would block others; a change is then retried. Shorter
 * limits from the parameters or DBDInitSQL stay. No statement reads so many rows that it should
 * be compiled, which takes 100 ms and more, or be spread over processors that other requests
 * need. */
static const um_setting_t postgresql_settings[] = {
    { "SET client_encoding = 'UTF8';"
      " SET default_transaction_isolation = 'read committed';"
      " SET jit = off; SET max_parallel_workers_per_gather = 0",
      0 },
    { "SELECT set_config(s.name, CASE WHEN CAST(s.setting AS INTEGER) BETWEEN 1 AND l.most"
      " THEN s.setting ELSE CAST(l.most AS TEXT) END, FALSE) FROM pg_settings s"
      " JOIN (VALUES ('statement_timeout', 10000), ('lock_timeout', 2000),"
      " ('idle_in_transaction_session_timeout', 30000)) l (name, most) ON l.name = s.name",
      1 },
    { NULL, 0 },
};

/* Autovacuum may come a minute later. Until then each list would read the counts' dead rows, and
 * the planner would know nothing of the new users. A role that does not own the tables skips
 * this, and so does one that would have to wait for another vacuum. */
static const um_setting_t postgresql_bulk_end[] = {
    { "SET statement_timeout = 0; SET client_min_messages = error", 0 },
    { "VACUUM (SKIP_LOCKED, ANALYZE) organization_counts", 0 },
    { "ANALYZE (SKIP_LOCKED) users, sub_admins, audit_events", 0 },
    { NULL, 0 },
};

/* The rows that were folded are dead. A role that does not own the table skips this, with a
 * warning. Empty pages stay, because to give them back takes a lock that everybody waits for. */
static const um_setting_t postgresql_fold_end[] = {
    { "SET client_min_messages = error", 0 },
    { "VACUUM (SKIP_LOCKED, TRUNCATE FALSE) organization_counts", 0 },
    { "RESET client_min_messages", 0 },
    { NULL, 0 },
};

/* Limits for a server that does not answer. The user's parameters come after them and win. */
#define POSTGRESQL_PARAMS                                                                        \
    "connect_timeout=5 tcp_user_timeout=15000"                                                   \
    " keepalives_idle=30 keepalives_interval=10 keepalives_count=3 "

static const um_json_sql_t postgresql_json = {
    .rows = "jsonb_path_query(CAST(@ AS jsonb), CAST(%s || '[*]' AS jsonpath))",
    .row_columns = "(v)",
    .member = "CAST(@ AS jsonb) -> '?'",
    .named = "jsonb_build_object('formatted', @,"
             " 'familyName', substr(@, 1 + length(rtrim(@, replace(@, ' ', '')))),"
             " 'givenName', COALESCE(NULLIF(rtrim(rtrim(@, replace(@, ' ', '')), ' '), ''), @))",
    .element = "m.v",
    .is_text = "jsonb_typeof(e.v) = 'string'",
    .text = "lower((e.v #>> '{}') COLLATE \"C\")",
    .is_number = "jsonb_typeof(e.v) = 'number'",
    .integer = "e.v ? CAST(%s AS jsonb)",
    .number = "e.v ? CAST(%s AS jsonb)",
    .is_truth = "e.v = CAST(%s AS jsonb)",
    .is_present = "jsonb_typeof(e.v) <> 'array'"
                  " AND e.v <> ALL (ARRAY[jsonb 'null', jsonb '\"\"', jsonb '{}'])",
    .is_object = "jsonb_typeof(m.v) = 'object'",
    .contains = "strpos(@, %s) > 0",
    .begins = "strpos(@, %s) = 1",
    .ends = "right(@, length(%s)) = %s",
    .indexes_expressions = 1,
};

static const um_array_sql_t postgresql_arrays = {
    .before_rows = "VALUES ",
    .before_arrays = "SELECT ",
    .of_ints = "unnest(CAST(%s AS BIGINT[]))",
    .of_texts = "unnest(CAST(%s AS TEXT[]))",
};

/* ---- MariaDB ---- */

/* In MySQL LEAST() of a variable and a number is a DECIMAL, and a variable can't be set to a
 * DECIMAL. Its only limit on statements is in milliseconds, and for SELECT only. */
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

/* A number with an exponent alone has the type INTEGER. The columns are bytes, and JSON is text.
 * LOWER() would change letters beyond ASCII, too, and not those that other databases change.
 * TIS-620 has no letters beyond ASCII with a lower case, and each byte is a character in it. A
 * path with [*] finds nothing in a value that is no array, so both paths are given; the array
 * itself is no value then. */
static const um_json_sql_t mariadb_json = {
    .rows = "JSON_TABLE(JSON_EXTRACT(CONVERT(@ USING utf8mb4), %s, CONCAT(%s, '[*]')),"
            " '$[*]' COLUMNS (v JSON PATH '$'))",
    .row_columns = "",
    .member = "JSON_EXTRACT(CONVERT(@ USING utf8mb4), '$.?')",
    .named = "JSON_OBJECT('formatted', @, 'familyName', SUBSTRING_INDEX(@, ' ', -1),"
             " 'givenName', COALESCE(NULLIF(RTRIM(LEFT(@, CHAR_LENGTH(@)"
             " - CHAR_LENGTH(SUBSTRING_INDEX(@, ' ', -1)))), ''), @))",
    .element = "m.v",
    .is_text = "JSON_TYPE(e.v) = 'STRING'",
    .text = "CAST(LOWER(CONVERT(CAST(JSON_UNQUOTE(e.v) AS BINARY) USING tis620)) AS BINARY)",
    .is_number = "JSON_TYPE(e.v) IN ('INTEGER', 'UNSIGNED INTEGER', 'DOUBLE', 'DECIMAL')",
    .integer = "CASE WHEN e.v REGEXP '[.eE]' THEN CAST(e.v AS DOUBLE) ? CAST(%s AS DOUBLE)"
               " ELSE CAST(e.v AS DECIMAL(20)) ? CAST(%s AS DECIMAL(20)) END",
    .number = "CAST(e.v AS DOUBLE) ? CAST(%s AS DOUBLE)",
    .is_truth = "e.v = %s",
    .is_present = "JSON_TYPE(e.v) <> 'ARRAY' AND e.v NOT IN ('null', '\"\"', '{}')",
    .is_object = "JSON_TYPE(m.v) = 'OBJECT'",
    .contains = "INSTR(@, %s) > 0",
    .begins = "INSTR(@, %s) = 1",
    .ends = "RIGHT(@, LENGTH(%s)) = %s",
};

/* ---- all ---- */

static const um_dialect_traits_t traits[UM_DIALECT_COUNT] = {
    [UM_DIALECT_SQLITE] = {
        .driver = "sqlite3",
        .is_file = 1,
        .reads_past_driver = 1,
        .needs_paths = 1,
        .index_before = " INDEXED BY ",
        .index_after = "",
        .compares_pairs = 1,
        .has_single_writer = 1,
        .makes_schema = 1,
        .read_only_text = "readonly database",
        .settings = sqlite_settings,
        .bulk_settings = sqlite_bulk_settings,
        .bulk_end = sqlite_bulk_end,
        .fold_end = nothing,
        .json = &sqlite_json,
        .stamp = &sqlite_stamp,
        .schema = um_schema_sqlite,
    },
    [UM_DIALECT_POSTGRESQL] = {
        .driver = "pgsql",
        .splits_at_space = 1,
        .params_before = { POSTGRESQL_PARAMS, "service" },
        .keeps_plans = 1,
        .joins_reads = 1,
        .arrays = &postgresql_arrays,
        .changes_in_ctes = 1,
        .compares_pairs = 1,
        .folds_counts = 1,
        .has_standbys = 1,
        .random_access = 1,
        .settings = postgresql_settings,
        .bulk_settings = nothing,
        .bulk_end = postgresql_bulk_end,
        .fold_end = postgresql_fold_end,
        .upgrade_setting = "SET LOCAL statement_timeout = 0",
        .json = &postgresql_json,
        /* A shorter limit stays. */
        .limit_setting = "SELECT set_config('statement_timeout', CASE"
                         " WHEN s.setting <> '0' AND CAST(s.setting AS INTEGER) < %d"
                         " THEN s.setting ELSE '%d' END, TRUE)"
                         " FROM pg_settings s WHERE s.name = 'statement_timeout'",
        .schema = um_schema_postgresql,
    },
    [UM_DIALECT_MARIADB] = {
        .driver = "mysql",
        /* Otherwise the driver reconnects by itself, and the settings are lost. */
        .params_after = { ",reconnect=0", "reconnect" },
        .index_before = " FORCE INDEX (",
        .index_after = ")",
        .primary_key = "PRIMARY",
        .estimates_ranges = 1,
        .overlooks_indexes = 1,
        .folds_counts = 1,
        .counts_rows = 1,
        .has_standbys = 1,
        .reconnects_silently = 1,
        .settings = mariadb_settings,
        .bulk_settings = nothing,
        .bulk_end = nothing,
        .fold_end = nothing,
        /* Short, because all others wait behind a statement that waits for a table's lock. */
        .upgrade_setting = "SET lock_wait_timeout = 2 /*M! , max_statement_time = 0 */",
        .json = &mariadb_json,
        .select_limit = "/*M! SET STATEMENT max_statement_time = %d.%03d FOR */"
                        " SELECT /*+ MAX_EXECUTION_TIME(%d) */",
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
