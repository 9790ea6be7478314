-- Licensed under the Apache License, Version 2.0; see the file LICENSE.
--
-- The connection and the version of the schema.

-- name: alive
SELECT 1

-- Which build of SQLite the driver has. Only SQLite's library can be another than the
-- module's.
-- name: library
{not_here}

-- name: library (sqlite)
SELECT sqlite_source_id()

-- name: schema_exists
SELECT 1 FROM information_schema.tables
WHERE table_schema = CURRENT_SCHEMA AND table_name = 'schema_version'

-- name: schema_exists (sqlite)
SELECT 1 FROM sqlite_master
WHERE type = 'table' AND name = 'schema_version'

-- name: schema_exists (mariadb)
SELECT 1 FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_name = 'schema_version'

-- name: schema_version
SELECT MAX(version) FROM schema_version

-- Keeps other upgrades of this database away: until the transaction ends, or on MariaDB,
-- whose transactions end at the first change of the schema, until the connection ends.
-- SQLite has one writer at a time.
-- name: schema_lock (sqlite)
{not_here}

-- name: schema_lock (postgresql)
SELECT 1 FROM pg_advisory_xact_lock(1970106733)

-- name: schema_lock (mariadb)
SELECT GET_LOCK(CONCAT('usermgmt.', MD5(DATABASE())), 2)
