-- Licensed under the Apache License, Version 2.0; see the file LICENSE.
--
-- API keys. They came with version 3 of the schema. The row that a change decides by is locked,
-- but not on SQLite, which has one writer at a time. A number that may be NULL is given as a text.

-- types: org_id int, created_at int, now int, last_used_at int

-- The order of columns is that of um_store_api_keys_read() in core/store_api_keys.c.
-- fragment: api_key_columns
k.key_id, k.name, k.role, k.permissions, COALESCE(k.allow_from, ''), k.created_at, k.created_by,
COALESCE(k.expires_at, 0), COALESCE(k.revoked_at, 0), COALESCE(k.old_until, 0),
COALESCE(k.last_used_at, 0), COALESCE(k.last_used_addr, '')

-- fragment: api_key_with_secrets
SELECT {api_key_columns}, k.secret_sha256, COALESCE(k.old_secret_sha256, ''), k.org_id,
    (SELECT o.name FROM organizations o WHERE o.org_id = k.org_id)
FROM api_keys k

-- name: api_key_find
-- since: 3
{api_key_with_secrets}
WHERE k.key_id = :key_id

-- fragment: api_key_of_organization
{api_key_with_secrets}
WHERE k.org_id = :org_id AND k.key_id = :key_id

-- name: api_key_get
-- since: 3
{api_key_of_organization} FOR UPDATE

-- name: api_key_get (sqlite)
-- since: 3
{api_key_of_organization}

-- It waits for its turn, see api_key_wait.
-- name: api_key_get (postgresql)
-- since: 3
{api_key_with_secrets}
CROSS JOIN LATERAL pg_advisory_xact_lock(hashtextextended(k.key_id, 0)) turn
WHERE k.org_id = :org_id AND k.key_id = :key_id
FOR UPDATE OF k

-- A change that comes with a key waits until no change of the key is under way, and keeps new ones
-- waiting. On PostgreSQL a row lock would do that too, but such changes could follow each other
-- without end, and the change of the key would wait for ever; see wait_for_turn in users.sql.
-- Writing the last uses would wait with it.
-- name: api_key_wait (sqlite)
{not_here}

-- name: api_key_wait (postgresql)
-- since: 3
SELECT 1 FROM pg_advisory_xact_lock_shared(hashtextextended(:key_id, 0)) turn

-- name: api_key_wait (mariadb)
-- since: 3
SELECT 1 FROM api_keys WHERE key_id = :key_id LOCK IN SHARE MODE

-- fragment: api_key_stored
org_id, key_id, name, role, permissions, secret_sha256, allow_from, created_at, created_by,
expires_at

-- fragment: api_key_values
:key_id, :name, :role, :permissions, :secret_sha256, :allow_from, :created_at, :created_by

-- name: api_key_insert
-- since: 3
INSERT INTO api_keys ({api_key_stored})
VALUES (:org_id, {api_key_values}, CAST(:expires_at AS BIGINT))
ON CONFLICT DO NOTHING

-- name: api_key_insert (mariadb)
-- since: 3
INSERT INTO api_keys ({api_key_stored})
WITH n ({api_key_stored}) AS
(SELECT CAST(:org_id AS SIGNED), {api_key_values}, :expires_at)
SELECT * FROM n
WHERE NOT EXISTS (SELECT 1 FROM api_keys k WHERE k.key_id = n.key_id)

-- fragment: api_key_to_change
WHERE org_id = :org_id AND key_id = :key_id AND revoked_at IS NULL

-- name: api_key_update
-- since: 3
UPDATE api_keys SET
    name = :name, role = :role, permissions = :permissions, allow_from = :allow_from
{api_key_to_change}

-- fragment: api_key_with_new_secret
UPDATE api_keys SET
    secret_sha256 = :secret_sha256, old_secret_sha256 = :old_secret_sha256,

-- name: api_key_rotate
-- since: 3
{api_key_with_new_secret}
    old_until = CAST(:old_until AS BIGINT)
{api_key_to_change}

-- name: api_key_rotate (mariadb)
-- since: 3
{api_key_with_new_secret}
    old_until = :old_until
{api_key_to_change}

-- name: api_key_revoke
-- since: 3
UPDATE api_keys SET revoked_at = :now
{api_key_to_change}

-- One use, for SQLite: many of these are one transaction.
-- name: api_key_note_use (sqlite)
-- since: 3
UPDATE api_keys SET last_used_at = :last_used_at, last_used_addr = :last_used_addr
WHERE key_id = :key_id AND (last_used_at IS NULL OR last_used_at < :last_used_at)

-- name: api_key_note_use (postgresql, mariadb)
{not_here}

-- uses is a JSON array of objects. PostgreSQL finds the members of an array by the index, while
-- for a subquery it may read all keys.
-- name: api_keys_note_uses (postgresql)
-- since: 3
UPDATE api_keys k SET last_used_at = u.at, last_used_addr = u.addr
FROM json_to_recordset(CAST(:uses AS JSON)) AS u (key_id TEXT, at BIGINT, addr TEXT)
WHERE k.key_id = ANY
(ARRAY(SELECT i.key_id FROM json_to_recordset(CAST(:uses AS JSON)) AS i (key_id TEXT)))
AND k.key_id = u.key_id AND COALESCE(k.last_used_at, 0) < u.at

-- name: api_keys_note_uses (sqlite)
{not_here}

-- name: api_keys_note_uses (mariadb)
-- since: 3
UPDATE JSON_TABLE(:uses, '$[*]' COLUMNS
(key_id VARCHAR(12) PATH '$.key_id', at BIGINT PATH '$.at', addr VARCHAR(64) PATH '$.addr')) u
STRAIGHT_JOIN api_keys k ON k.key_id = u.key_id
SET k.last_used_at = u.at, k.last_used_addr = u.addr
WHERE COALESCE(k.last_used_at, 0) < u.at
