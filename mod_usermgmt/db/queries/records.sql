-- Licensed under the Apache License, Version 2.0; see the file LICENSE.
--
-- Records that a change writes in its transaction: the answer that is kept for an
-- Idempotency-Key, and the event of the audit trail.

-- types: org_id int, status int, at int, until int, *_at int

-- name: idempotency_get
SELECT request_sha256, status, COALESCE(location, ''), COALESCE(etag, ''), body
FROM idempotency_keys
WHERE org_id = :org_id AND identity = :identity_key
AND idempotency_key = :idempotency_key AND created_at > :until

-- name: idempotency_insert
INSERT INTO idempotency_keys
(org_id, identity, idempotency_key, request_sha256, status, body, created_at)
SELECT :org_id, :identity_key, :idempotency_key, :request_sha256, 0, '', :created_at
WHERE NOT EXISTS
(SELECT 1 FROM idempotency_keys
WHERE org_id = :org_id AND identity = :identity_key AND idempotency_key = :idempotency_key)

-- name: idempotency_update
UPDATE idempotency_keys SET
    status = :status, location = :location, etag = :etag, body = :body
WHERE org_id = :org_id AND identity = :identity_key AND idempotency_key = :idempotency_key

-- name: idempotency_expire
DELETE FROM idempotency_keys
WHERE org_id = :org_id AND identity = :identity_key AND idempotency_key = :idempotency_key
AND created_at <= :until

-- The order of columns is that of um_store_audit_read() in core/store_records.c.
-- fragment: audit_event_columns
e.event_uid, e.at, e.actor_identity, COALESCE(e.actor_uid, ''), e.actor_role,
e.remote_addr, e.action, e.target, COALESCE(e.before_json, ''), COALESCE(e.after_json, '')

-- fragment: audit_event_ids
COALESCE(e.request_id, ''), COALESCE(e.trace_id, '')

-- fragment: audit_event_stored
org_id, event_uid, at, actor_identity, actor_key, actor_uid, actor_role, remote_addr, action,
target, before_json, after_json

-- fragment: audit_event_values
:org_id, :event_uid, :at, :actor_identity, :actor_key, :actor_uid, :actor_role, :remote_addr,
:action, :target, :before_json, :after_json

-- name: audit_insert
INSERT INTO audit_events ({audit_event_stored})
VALUES [({audit_event_values})]

-- Of a request.
-- name: audit_insert_traced
-- since: 3
INSERT INTO audit_events ({audit_event_stored}, request_id, trace_id)
VALUES [({audit_event_values}, :request_id, :trace_id)]

-- name: audit_event_exists
SELECT 1 FROM audit_events
WHERE org_id = :org_id AND event_uid = :event_uid

-- Waits for the transaction that writes the event, if it has not ended yet. This statement runs
-- in a transaction that is rolled back. PostgreSQL waits if the same event is inserted. If the
-- other transaction also made the organization, and is lost, this event needs an organization
-- with the same number. Its name is the event's uid, which no other organization has.
-- name: audit_event_wait
SELECT 1 FROM audit_events
WHERE org_id = :org_id AND event_uid = :event_uid
FOR UPDATE

-- name: audit_event_wait (sqlite)
{not_here}

-- name: audit_event_wait (postgresql)
WITH event AS
    (SELECT CAST(:org_id AS BIGINT) AS org_id, CAST(:event_uid AS TEXT) AS event_uid),
owner AS
    (INSERT INTO organizations (org_id, name, created_at)
    SELECT org_id, event_uid, 0 FROM event
    ON CONFLICT DO NOTHING),
probe AS
    (INSERT INTO audit_events
    (org_id, event_uid, at, actor_identity, actor_key, actor_role, remote_addr, action, target)
    SELECT org_id, event_uid, 0, '', '', '', '', '', '' FROM event
    ON CONFLICT DO NOTHING
    RETURNING 1)
SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM probe)
