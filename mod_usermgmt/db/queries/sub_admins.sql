-- Licensed under the Apache License, Version 2.0; see the file LICENSE.
--
-- Sub-admins: users with an additional entry.

-- types: org_id int, *_at int

-- fragment: user_of_sub_admin
users u ON u.org_id = s.org_id AND u.user_uid = s.user_uid

-- The order of columns is that of um_store_sub_admins_read() in core/store_users.c.
-- fragment: sub_admin_columns
{user_columns}, s.added_by, s.created_at

-- fragment: sub_admin_columns_older
{user_columns_older}, s.added_by, s.created_at

-- fragment: sub_admin_of_uid
FROM sub_admins s JOIN {user_of_sub_admin}
WHERE s.org_id = :org_id AND s.user_uid = :user_uid

-- name: sub_admin_get
-- since: 4
SELECT {sub_admin_columns} {sub_admin_of_uid}

-- name: sub_admin_get_older
SELECT {sub_admin_columns_older} {sub_admin_of_uid}

-- fragment: users_with_that_email
WHERE u.org_id = :org_id AND u.email_key = :email_key AND u.active = 1

-- A sub-admin who is not suspended.
-- fragment: sub_admin_by_email
SELECT 1 FROM users u JOIN {sub_admin_of_user}
{users_with_that_email}

-- Both rows are locked, so they can't change until the transaction ends.
-- The user is locked first, as in a change of the user: locks in another order would end in
-- a deadlock. On PostgreSQL it waits for its turn, see user_lock.
-- name: sub_admin_lock (sqlite)
{sub_admin_by_email}

-- name: sub_admin_lock (postgresql)
SELECT 1 FROM users u JOIN {sub_admin_of_user}
CROSS JOIN LATERAL {wait_for_shared_turn}
{users_with_that_email}
FOR SHARE OF u, s

-- name: sub_admin_lock (mariadb)
{sub_admin_by_email} LOCK IN SHARE MODE

-- name: sub_admin_insert
INSERT INTO sub_admins (org_id, user_uid, added_by, created_at)
VALUES (:org_id, :user_uid, :added_by, :created_at)
ON CONFLICT DO NOTHING

-- name: sub_admin_insert (mariadb)
INSERT INTO sub_admins (org_id, user_uid, added_by, created_at)
WITH n (org_id, user_uid, added_by, created_at)
AS (SELECT CAST(:org_id AS SIGNED), :user_uid, :added_by, :created_at)
SELECT * FROM n
WHERE NOT EXISTS
(SELECT 1 FROM sub_admins s WHERE s.org_id = n.org_id AND s.user_uid = n.user_uid)

-- name: sub_admin_delete
DELETE FROM sub_admins
WHERE org_id = :org_id AND user_uid = :user_uid
