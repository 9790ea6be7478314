-- Licensed under the Apache License, Version 2.0; see the file LICENSE.
--
-- The queue of outgoing mail. An invitation has one mail; a new one replaces it.

-- types: org_id int, limit int, attempts int, now int, latest int, *_at int

-- name: mail_insert
INSERT INTO outgoing_mail (org_id, invite_token, mail_uid, created_at, next_attempt_at)
VALUES (:org_id, :invite_token, :mail_uid, :created_at, :created_at)
ON CONFLICT (org_id, invite_token) DO UPDATE SET
    mail_uid = excluded.mail_uid, created_at = excluded.created_at,
    next_attempt_at = excluded.next_attempt_at, attempts = 0

-- name: mail_insert (mariadb)
INSERT INTO outgoing_mail (org_id, invite_token, mail_uid, created_at, next_attempt_at)
VALUES (:org_id, :invite_token, :mail_uid, :created_at, :created_at)
ON DUPLICATE KEY UPDATE
    mail_uid = VALUES(mail_uid), created_at = VALUES(created_at),
    next_attempt_at = VALUES(next_attempt_at), attempts = 0

-- name: mail_due
SELECT m.org_id, m.invite_token, m.mail_uid, m.created_at, m.attempts, o.name
FROM outgoing_mail m
JOIN organizations o ON o.org_id = m.org_id
WHERE m.next_attempt_at <= :now
ORDER BY m.next_attempt_at
LIMIT :limit

-- name: mail_too_late
SELECT m.org_id, m.invite_token, m.mail_uid, m.created_at, m.attempts, o.name
FROM outgoing_mail m
JOIN organizations o ON o.org_id = m.org_id
WHERE m.next_attempt_at > :latest
ORDER BY m.next_attempt_at
LIMIT :limit

-- name: mail_next
SELECT MIN(next_attempt_at),
    (SELECT COUNT(*) FROM (SELECT org_id FROM outgoing_mail LIMIT 10000) m)
FROM outgoing_mail

-- name: mail_claim
UPDATE outgoing_mail SET attempts = attempts + 1, next_attempt_at = :next_attempt_at
WHERE org_id = :org_id AND invite_token = :invite_token AND mail_uid = :mail_uid
AND attempts = :attempts

-- name: mail_postpone
UPDATE outgoing_mail SET next_attempt_at = :next_attempt_at
WHERE org_id = :org_id AND invite_token = :invite_token AND mail_uid = :mail_uid
AND attempts = :attempts

-- name: mail_delete
DELETE FROM outgoing_mail
WHERE org_id = :org_id AND invite_token = :invite_token AND mail_uid = :mail_uid
