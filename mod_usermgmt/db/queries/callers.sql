-- Licensed under the Apache License, Version 2.0; see the file LICENSE.
--
-- Callers: users by their identity, and callers that have a role by configuration.

-- types: org_id int, *_at int

-- name: caller_get
SELECT o.org_id, COALESCE(u.user_uid, ''),
    CASE WHEN s.user_uid IS NULL THEN 0 ELSE 1 END,
    COALESCE(u.active, 0), COALESCE(a.user_uid, ''), COALESCE(a.role, '')
FROM organizations o
LEFT JOIN users u ON u.org_id = o.org_id AND u.email_key = :identity_key
LEFT JOIN sub_admins s ON s.org_id = u.org_id AND s.user_uid = u.user_uid
LEFT JOIN admins_seen a ON a.org_id = o.org_id AND a.identity = :identity_key
WHERE o.name = :organization

-- name: caller_insert
INSERT INTO admins_seen (org_id, identity, user_uid, role, first_seen_at)
SELECT :org_id, :identity_key, :user_uid, :role, :first_seen_at
WHERE NOT EXISTS
(SELECT 1 FROM admins_seen WHERE org_id = :org_id AND identity = :identity_key)

-- name: caller_update
UPDATE admins_seen SET role = :role
WHERE org_id = :org_id AND identity = :identity_key

-- name: caller_has_role
SELECT 1 FROM admins_seen
WHERE org_id = :org_id AND identity = :identity_key AND role IN ('admin', 'sub_admin')
