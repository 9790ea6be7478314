-- Licensed under the Apache License, Version 2.0; see the file LICENSE.
--
-- Old rows are deleted in pieces. A _look reads the keys of the next rows, in the order of an
-- index; then the rows up to the last key are deleted. So each statement reads and deletes a
-- bounded number of rows.

-- types: org_id int, limit int, until int, from int, last_at int, is_actor int

-- name: prune_audit_look
-- since: 3
SELECT event_uid FROM audit_events
WHERE org_id = :org_id AND event_uid > :after AND event_uid < :end
ORDER BY event_uid
LIMIT :limit

-- name: prune_audit
-- since: 3
DELETE FROM audit_events
WHERE org_id = :org_id AND event_uid > :after AND event_uid <= :last

-- A session that was used lately stays, although it began long ago.
-- name: prune_sessions_look
SELECT session_uid, started_at, last_used_at FROM sessions
WHERE org_id = :org_id AND started_at >= :from AND started_at <= :until
AND (started_at > :from OR session_uid > :after)
ORDER BY started_at, session_uid
LIMIT :limit

-- name: prune_sessions
DELETE FROM sessions
WHERE org_id = :org_id AND started_at >= :from AND started_at <= :last_at
AND (started_at > :from OR session_uid > :after)
AND (started_at < :last_at OR session_uid <= :last)
AND last_used_at <= :until

-- name: prune_invitations_look
SELECT invite_token, expires_at, status FROM invitations
WHERE org_id = :org_id AND expires_at >= :from AND expires_at <= :until
AND (expires_at > :from OR status > :after_status
OR (status = :after_status AND invite_token > :after))
ORDER BY expires_at, status, invite_token
LIMIT :limit

-- name: prune_invitations
DELETE FROM invitations
WHERE org_id = :org_id AND expires_at >= :from AND expires_at <= :last_at
AND (expires_at > :from OR status > :after_status
OR (status = :after_status AND invite_token > :after))
AND (expires_at < :last_at OR status < :last_status
OR (status = :last_status AND invite_token <= :last))

-- Of all organizations. Answers of one millisecond are deleted together.
-- name: prune_idempotency_look
SELECT created_at FROM idempotency_keys
WHERE created_at > :from AND created_at <= :until
ORDER BY created_at
LIMIT :limit

-- name: prune_idempotency_count
SELECT COUNT(*) FROM idempotency_keys
WHERE created_at > :from AND created_at <= :last_at

-- name: prune_idempotency
DELETE FROM idempotency_keys
WHERE created_at > :from AND created_at <= :last_at

-- What the triggers of audit_events ask for. It ends with the transaction.
-- name: audit_permit
-- since: 3
INSERT INTO audit_permits (permit_id, purpose)
VALUES (1, :purpose)

-- name: audit_permit (postgresql)
SELECT set_config('usermgmt.audit_permit', :purpose, TRUE)

-- name: audit_permit (mariadb)
INSERT INTO audit_permits (permit_id, purpose)
VALUES (CONNECTION_ID(), :purpose)

-- name: audit_permit_end
-- since: 3
DELETE FROM audit_permits
WHERE permit_id = 1

-- name: audit_permit_end (postgresql)
SELECT set_config('usermgmt.audit_permit', '', TRUE)

-- name: audit_permit_end (mariadb)
DELETE FROM audit_permits
WHERE permit_id = CONNECTION_ID()

-- ---- all that is known of one person ----

-- name: person_events
SELECT event_uid, action, COALESCE(before_json, ''), COALESCE(after_json, '') FROM audit_events
WHERE org_id = :org_id AND target = :target AND event_uid > :after
ORDER BY event_uid
LIMIT :limit

-- name: person_seen
SELECT identity, user_uid, role, first_seen_at FROM admins_seen
WHERE org_id = :org_id AND identity = :identity_key

-- name: person_seen_by_uid
SELECT identity, user_uid, role, first_seen_at FROM admins_seen
WHERE org_id = :org_id AND user_uid = :user_uid

-- name: person_sessions
SELECT {session_columns} FROM sessions e
WHERE e.org_id = :org_id AND e.user_uid = :user_uid

-- name: person_has_session
SELECT 1 FROM sessions
WHERE org_id = :org_id AND user_uid = :user_uid
LIMIT 1

-- name: person_groups
-- since: 4
SELECT g.group_id, g.display_name, m.created_at FROM group_members m
JOIN user_groups g ON g.org_id = m.org_id AND g.group_id = m.group_id
WHERE m.org_id = :org_id AND m.user_uid = :user_uid

-- name: person_invitations
SELECT {invitation_columns} FROM invitations i
WHERE i.org_id = :org_id AND i.email_key = :email_key

-- name: person_invited
-- since: 3
SELECT {invitation_columns} FROM invitations i
WHERE i.org_id = :org_id AND i.inviter_uid = :user_uid

-- name: person_mail
SELECT m.invite_token, m.created_at, m.next_attempt_at, m.attempts FROM invitations i
JOIN outgoing_mail m ON m.org_id = i.org_id AND m.invite_token = i.invite_token
WHERE i.org_id = :org_id AND i.email_key = :email_key

-- name: person_answers
SELECT identity, idempotency_key, created_at, status, COALESCE(location, ''), body
FROM idempotency_keys
WHERE org_id = :org_id AND identity >= :identity_key
AND (identity > :identity_key OR idempotency_key > :idempotency_key)
ORDER BY identity, idempotency_key
LIMIT :limit

-- name: person_appointed
SELECT user_uid, added_by FROM sub_admins
WHERE org_id = :org_id AND user_uid > :after
ORDER BY user_uid
LIMIT :limit

-- name: person_keys
-- since: 3
SELECT key_id, created_by FROM api_keys
WHERE org_id = :org_id AND key_id > :after
ORDER BY key_id
LIMIT :limit

-- name: person_trail
-- since: 3
SELECT {audit_event_columns}, {audit_event_ids}, e.actor_key FROM audit_events e
WHERE e.org_id = :org_id AND e.event_uid > :after AND e.event_uid < :end
ORDER BY e.event_uid
LIMIT :limit

-- fragment: one_event
SELECT {audit_event_columns}, {audit_event_ids}, e.actor_key FROM audit_events e
WHERE e.org_id = :org_id AND e.event_uid = :event_uid

-- name: erase_event_lock
-- since: 3
{one_event} FOR UPDATE

-- name: erase_event_lock (sqlite)
{one_event}

-- name: erase_event
-- since: 3
UPDATE audit_events SET
    actor_identity = :actor_identity, actor_key = :actor_key, actor_uid = :actor_uid,
    remote_addr = :remote_addr, target = :target, before_json = :before_json,
    after_json = :after_json,
    request_id = CASE WHEN :is_actor = 1 THEN NULL ELSE request_id END,
    trace_id = CASE WHEN :is_actor = 1 THEN NULL ELSE trace_id END
WHERE org_id = :org_id AND event_uid = :event_uid

-- name: erase_seen
DELETE FROM admins_seen
WHERE org_id = :org_id AND identity = :identity_key

-- name: erase_sessions
DELETE FROM sessions
WHERE org_id = :org_id AND user_uid = :user_uid

-- name: erase_invitations
DELETE FROM invitations
WHERE org_id = :org_id AND email_key = :email_key

-- name: erase_inviter
-- since: 3
UPDATE invitations SET
    inviter_uid = :erased, inviter_email = :erased, inviter_display_name = NULL
WHERE org_id = :org_id AND inviter_uid = :user_uid

-- name: erase_answer
DELETE FROM idempotency_keys
WHERE org_id = :org_id AND identity = :identity_key AND idempotency_key = :idempotency_key

-- name: erase_added_by
UPDATE sub_admins SET added_by = :erased
WHERE org_id = :org_id AND user_uid = :user_uid

-- name: erase_key_maker
-- since: 3
UPDATE api_keys SET created_by = :erased
WHERE org_id = :org_id AND key_id = :key_id

-- Look for damage in a backup.
-- name: integrity
{not_here}

-- name: integrity (sqlite)
PRAGMA integrity_check(1)

-- Copy SQLite's log to the database and make it empty, so that it holds nothing of before.
-- name: log_empty
{not_here}

-- name: log_empty (sqlite)
PRAGMA wal_checkpoint(TRUNCATE)
