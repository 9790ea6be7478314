-- Licensed under the Apache License, Version 2.0; see the file LICENSE.
--
-- The connection and the version of the schema.

-- name: alive
SELECT 1

-- The build of SQLite that the driver uses. It can be another one than the module's.
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

-- A lock that keeps other upgrades of this database away. It holds until the transaction ends.
-- On MariaDB it holds until the connection ends, because a transaction ends at the first
-- change of the schema. SQLite needs none: it has one writer at a time.
-- name: schema_lock (sqlite)
{not_here}

-- name: schema_lock (postgresql)
SELECT 1 FROM pg_advisory_xact_lock(1970106733)

-- name: schema_lock (mariadb)
SELECT GET_LOCK(CONCAT('usermgmt.', MD5(DATABASE())), 2)
