-- Licensed under the Apache License, Version 2.0; see the file LICENSE.
--
-- Invitations and their secrets. The rows that a change decides by must not change until it
-- ends, so they are locked, but not on SQLite, which has one writer at a time.

-- types: org_id int, now int, *_at int

-- The order of columns is that of um_store_invitations_read() in core/store_invitations.c.
-- fragment: invitation_columns
i.invite_token, i.email, i.status, COALESCE(i.platform_link, ''), i.inviter_uid,
i.inviter_email, COALESCE(i.inviter_display_name, ''), i.created_at, i.expires_at,
COALESCE(i.accepted_at, 0)

-- fragment: invitation_by_token
SELECT {invitation_columns} FROM invitations i
WHERE i.org_id = :org_id AND i.invite_token = :invite_token

-- name: invitation_look
{invitation_by_token}

-- name: invitation_get
{invitation_by_token} FOR UPDATE

-- name: invitation_get (sqlite)
{invitation_by_token}

-- The pending invitation of an address, which may be over by now. MariaDB has a column for it,
-- and its index finds the row only by that column.
-- fragment: invitation_of_address
SELECT {invitation_columns} FROM invitations i
WHERE i.org_id = :org_id

-- name: invitation_get_pending
{invitation_of_address} AND i.email_key = :email_key AND i.status = 'pending' FOR UPDATE

-- name: invitation_get_pending (sqlite)
{invitation_of_address} AND i.email_key = :email_key AND i.status = 'pending'

-- name: invitation_get_pending (mariadb)
{invitation_of_address} AND i.pending_email_key = :email_key FOR UPDATE

-- name: invitation_find
SELECT invite_token FROM invitation_secrets
WHERE org_id = :org_id AND secret_sha256 = :secret_sha256

-- fragment: invitation_by_secret
SELECT {invitation_columns}, x.secret_sha256
FROM invitation_secrets x
JOIN invitations i ON i.org_id = x.org_id AND i.invite_token = x.invite_token
WHERE x.org_id = :org_id AND x.secret_sha256 = :secret_sha256

-- name: invitation_get_by_secret
{invitation_by_secret} FOR UPDATE

-- name: invitation_get_by_secret (sqlite)
{invitation_by_secret}

-- fragment: invitation_stored
org_id, invite_token, email, email_key, status, platform_link, inviter_uid, inviter_email,
inviter_display_name, created_at, expires_at

-- fragment: invitation_values
:invite_token, :email, :email_key, 'pending', :platform_link, :inviter_uid, :inviter_email,
:inviter_display_name, :created_at, :expires_at

-- name: invitation_insert
INSERT INTO invitations ({invitation_stored})
VALUES (:org_id, {invitation_values})
ON CONFLICT DO NOTHING

-- name: invitation_insert (mariadb)
INSERT INTO invitations ({invitation_stored})
WITH n ({invitation_stored}) AS (SELECT CAST(:org_id AS SIGNED), {invitation_values})
SELECT * FROM n
WHERE NOT EXISTS
(SELECT 1 FROM invitations i
WHERE i.org_id = n.org_id AND i.invite_token = n.invite_token)
AND NOT EXISTS
(SELECT 1 FROM invitations i
WHERE i.org_id = n.org_id AND i.pending_email_key = n.email_key)

-- name: invitation_expire
UPDATE invitations SET status = 'expired'
WHERE org_id = :org_id AND email_key = :email_key AND status = 'pending'
AND expires_at <= :now

-- name: invitation_expire (mariadb)
UPDATE invitations SET status = 'expired'
WHERE org_id = :org_id AND pending_email_key = :email_key AND expires_at <= :now

-- fragment: invitation_renewed
UPDATE invitations SET status = 'pending', platform_link = :platform_link,
    expires_at = :expires_at, version = version + 1
WHERE org_id = :org_id AND invite_token = :invite_token AND status IN ('pending', 'expired')

-- name: invitation_renew
{invitation_renewed} AND NOT EXISTS
(SELECT 1 FROM invitations other
WHERE other.org_id = :org_id AND other.email_key = :email_key AND other.status = 'pending'
AND other.invite_token <> :invite_token)

-- As for user_update.
-- name: invitation_renew (mariadb)
{invitation_renewed} AND NOT EXISTS
(SELECT 1 FROM /*!80017 (SELECT 1 FROM */ invitations other
WHERE other.org_id = :org_id AND other.pending_email_key = :email_key
AND other.invite_token <> :invite_token /*!80017 LIMIT 1) aside */)

-- name: invitation_revoke
UPDATE invitations SET status = 'revoked'
WHERE org_id = :org_id AND invite_token = :invite_token AND status IN ('pending', 'expired')

-- name: invitation_accept
UPDATE invitations SET status = 'accepted', accepted_at = :now
WHERE org_id = :org_id AND invite_token = :invite_token
AND status = 'pending' AND expires_at > :now

-- name: invitation_secret_insert
INSERT INTO invitation_secrets (org_id, secret_sha256, invite_token, created_at)
VALUES (:org_id, :secret_sha256, :invite_token, :created_at)

-- name: invitation_secrets_delete
DELETE FROM invitation_secrets
WHERE org_id = :org_id AND invite_token = :invite_token
