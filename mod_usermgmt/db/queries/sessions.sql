-- Licensed under the Apache License, Version 2.0; see the file LICENSE.
--
-- Sessions and their activities.

-- types: org_id int, earliest int, latest int, *_at int

-- The order of columns is that of um_store_sessions_read() in core/store_sessions.c.
-- fragment: session_columns
e.session_uid, e.user_uid, e.activity, e.started_at, e.last_used_at

-- name: session_continue
UPDATE sessions SET last_used_at = :last_used_at
WHERE org_id = :org_id AND user_uid = :user_uid AND activity = :activity AND reported = 0
AND last_used_at > :earliest AND last_used_at < :last_used_at

-- name: session_begin
INSERT INTO sessions
(org_id, session_uid, user_uid, activity, started_at, last_used_at, reported)
SELECT :org_id, :session_uid, :user_uid, :activity, :started_at, :last_used_at, 0
WHERE NOT EXISTS
(SELECT 1 FROM sessions
WHERE org_id = :org_id AND user_uid = :user_uid AND activity = :activity AND reported = 0
AND last_used_at > :earliest AND started_at < :latest)

-- name: session_insert
INSERT INTO sessions
(org_id, session_uid, user_uid, activity, started_at, last_used_at, reported)
VALUES (:org_id, :session_uid, :user_uid, :activity, :started_at, :last_used_at, 1)

-- name: activity_update
UPDATE activities SET last_used_at = :last_used_at
WHERE org_id = :org_id AND activity = :activity AND last_used_at < :last_used_at

-- name: activity_insert
INSERT INTO activities (org_id, activity, last_used_at)
SELECT :org_id, :activity, :last_used_at
WHERE NOT EXISTS
(SELECT 1 FROM activities WHERE org_id = :org_id AND activity = :activity)
