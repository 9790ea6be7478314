-- Licensed under the Apache License, Version 2.0; see the file LICENSE.
--
-- Groups of users, and their members. They came with version 4 of the schema. A change locks the
-- group first, so changes of the same group follow one another, and each sees the members that the
-- one before it left. uids is a JSON array of texts.

-- types: org_id int, version int, limit int, *_at int

-- The order of columns is that of um_store_groups_read() in core/store_groups.c.
-- fragment: group_columns
g.group_id, g.display_name, COALESCE(g.external_id, ''), g.created_at, g.updated_at, g.version

-- The reserved group has the sub-admins as its members, see core/group.h.
-- fragment: group_member_count
CASE WHEN g.group_id = 'sub-admins'
THEN (SELECT COUNT(*) FROM sub_admins s WHERE s.org_id = g.org_id)
ELSE (SELECT COUNT(*) FROM group_members m
    WHERE m.org_id = g.org_id AND m.group_id = g.group_id) END

-- For lists of users: the id of the group and a parenthesis follow.
-- fragment: user_is_member_of
EXISTS (SELECT 1 FROM group_members m
WHERE m.org_id = u.org_id AND m.user_uid = u.user_uid AND m.group_id =

-- For lists of groups: the uid of a user and a parenthesis follow.
-- fragment: group_is_of_user
EXISTS (SELECT 1 FROM group_members m
WHERE m.org_id = g.org_id AND m.group_id = g.group_id AND m.user_uid =

-- fragment: group_is_of_sub_admin
g.group_id = 'sub-admins' AND EXISTS (SELECT 1 FROM sub_admins s
WHERE s.org_id = g.org_id AND s.user_uid =

-- fragment: group_by_id
SELECT {group_columns} FROM user_groups g
WHERE g.org_id = :org_id AND g.group_id = :group_id

-- name: group_get
-- since: 4
{group_by_id}

-- name: group_lock
-- since: 4
{group_by_id} FOR UPDATE

-- name: group_lock (sqlite)
-- since: 4
{group_by_id}

-- fragment: group_stored
org_id, group_id, display_name, display_name_key, external_id, created_at, updated_at

-- fragment: group_values
:group_id, :display_name, :display_name_key, :external_id, :created_at, :updated_at

-- name: group_insert
-- since: 4
INSERT INTO user_groups ({group_stored})
VALUES (:org_id, {group_values})
ON CONFLICT DO NOTHING

-- name: group_insert (mariadb)
-- since: 4
INSERT INTO user_groups ({group_stored})
WITH n ({group_stored}) AS (SELECT CAST(:org_id AS SIGNED), {group_values})
SELECT * FROM n
WHERE NOT EXISTS
(SELECT 1 FROM user_groups g WHERE g.org_id = n.org_id AND g.group_id = n.group_id)
AND NOT EXISTS
(SELECT 1 FROM user_groups g WHERE g.org_id = n.org_id
AND g.display_name_key = n.display_name_key)

-- fragment: group_set
UPDATE user_groups SET
    display_name = :display_name, display_name_key = :display_name_key,
    external_id = :external_id, updated_at = :updated_at, version = version + 1
WHERE org_id = :org_id AND group_id = :group_id

-- fragment: others_with_group_name
user_groups other
WHERE other.org_id = :org_id AND other.display_name_key = :display_name_key
AND other.group_id <> :group_id

-- name: group_update
-- since: 4
{group_set} AND NOT EXISTS (SELECT 1 FROM {others_with_group_name})

-- In MySQL an update can read other rows of its table only from a derived table, which is
-- stored first.
-- name: group_update (mariadb)
-- since: 4
{group_set} AND NOT EXISTS
(SELECT 1 FROM /*!80017 (SELECT 1 FROM */ {others_with_group_name} /*!80017 LIMIT 1) aside */)

-- A time never goes back.
-- fragment: group_touched
UPDATE user_groups SET
    updated_at = CASE WHEN updated_at < :updated_at THEN :updated_at ELSE updated_at END,
    version = version + 1

-- name: group_touch
-- since: 4
{group_touched}
WHERE org_id = :org_id AND group_id = :group_id

-- The groups of a user who is about to be deleted.
-- name: groups_touch_of_user
-- since: 4
{group_touched}
WHERE org_id = :org_id AND group_id IN
(SELECT m.group_id FROM group_members m WHERE m.org_id = :org_id AND m.user_uid = :user_uid
UNION ALL
SELECT 'sub-admins' FROM sub_admins s WHERE s.org_id = :org_id AND s.user_uid = :user_uid)

-- name: groups_touch_of_user (mariadb)
-- since: 4
UPDATE
(SELECT m.group_id FROM group_members m WHERE m.org_id = :org_id AND m.user_uid = :user_uid
UNION ALL
SELECT 'sub-admins' FROM sub_admins s WHERE s.org_id = :org_id AND s.user_uid = :user_uid) k
STRAIGHT_JOIN user_groups g ON g.org_id = :org_id AND g.group_id = k.group_id
SET
    g.updated_at = CASE WHEN g.updated_at < :updated_at THEN :updated_at ELSE g.updated_at END,
    g.version = g.version + 1

-- name: group_delete
-- since: 4
DELETE FROM user_groups
WHERE org_id = :org_id AND group_id = :group_id

-- ---- members ----

-- At most limit are counted.
-- name: group_member_count
-- since: 4
SELECT COUNT(*) FROM
(SELECT 1 FROM group_members WHERE org_id = :org_id AND group_id = :group_id LIMIT :limit) n

-- name: group_members_after
-- since: 4
SELECT user_uid FROM group_members
WHERE org_id = :org_id AND group_id = :group_id AND user_uid > :after_uid
ORDER BY user_uid
LIMIT :limit

-- name: group_sub_admins_after
SELECT user_uid FROM sub_admins
WHERE org_id = :org_id AND user_uid > :after_uid
ORDER BY user_uid
LIMIT :limit

-- name: group_sub_admin_count
SELECT COUNT(*) FROM (SELECT 1 FROM sub_admins WHERE org_id = :org_id LIMIT :limit) n

-- The elements of uids. On PostgreSQL a subquery that gives one value uses the index, while a
-- join might read all users.
-- fragment: uids_sqlite
SELECT j.value AS uid FROM json_each(:uids) j

-- fragment: uids_postgresql
SELECT uid FROM json_array_elements_text(CAST(:uids AS JSON)) AS j (uid)

-- fragment: uids_mariadb
SELECT j.uid FROM JSON_TABLE(:uids, '$[*]' COLUMNS (uid VARCHAR(128) PATH '$')) j

-- fragment: is_user_or_not
COALESCE((SELECT 1 FROM users u WHERE u.org_id = :org_id AND u.user_uid = k.uid), 0)

-- fragment: membership_or_null
(SELECT 1 FROM group_members m
WHERE m.org_id = :org_id AND m.group_id = :group_id AND m.user_uid = k.uid)

-- Those of uids who are no members, and whether there is such a user.
-- name: group_members_absent (sqlite)
-- since: 4
SELECT k.uid, {is_user_or_not} FROM ({uids_sqlite}) k WHERE {membership_or_null} IS NULL

-- name: group_members_absent (postgresql)
-- since: 4
SELECT k.uid, {is_user_or_not} FROM ({uids_postgresql}) k WHERE {membership_or_null} IS NULL

-- name: group_members_absent (mariadb)
-- since: 4
SELECT k.uid, {is_user_or_not} FROM ({uids_mariadb}) k WHERE {membership_or_null} IS NULL

-- Those who are members.
-- name: group_members_present (sqlite)
-- since: 4
SELECT k.uid FROM ({uids_sqlite}) k WHERE {membership_or_null} IS NOT NULL

-- name: group_members_present (postgresql)
-- since: 4
SELECT k.uid FROM ({uids_postgresql}) k WHERE {membership_or_null} IS NOT NULL

-- name: group_members_present (mariadb)
-- since: 4
SELECT k.uid FROM ({uids_mariadb}) k WHERE {membership_or_null} IS NOT NULL

-- fragment: member_stored
org_id, group_id, user_uid, created_at

-- name: group_members_insert (sqlite)
-- since: 4
INSERT INTO group_members ({member_stored})
SELECT u.org_id, :group_id, u.user_uid, :created_at
FROM json_each(:uids) j
CROSS JOIN users u ON u.org_id = :org_id AND u.user_uid = j.value
WHERE TRUE
ON CONFLICT DO NOTHING

-- The users are locked, so one who is deleted at the same time is no member, rather than the end
-- of the statement. LIMIT has PostgreSQL look for each of them by the index: without statistics
-- it would rather go through all users.
-- name: group_members_insert (postgresql)
-- since: 4
INSERT INTO group_members ({member_stored})
SELECT found.org_id, CAST(:group_id AS TEXT), found.user_uid, CAST(:created_at AS BIGINT)
FROM ({uids_postgresql}) k CROSS JOIN LATERAL
(SELECT u.org_id, u.user_uid FROM users u
WHERE u.org_id = :org_id AND u.user_uid = k.uid
LIMIT 1
FOR KEY SHARE OF u) found
ON CONFLICT DO NOTHING

-- name: group_members_insert (mariadb)
-- since: 4
INSERT INTO group_members ({member_stored})
SELECT u.org_id, :group_id, u.user_uid, :created_at
FROM JSON_TABLE(:uids, '$[*]' COLUMNS (uid VARCHAR(128) PATH '$')) j
STRAIGHT_JOIN users u ON u.org_id = :org_id AND u.user_uid = j.uid
WHERE NOT EXISTS
(SELECT 1 FROM group_members m
WHERE m.org_id = :org_id AND m.group_id = :group_id AND m.user_uid = u.user_uid)

-- fragment: of_group
WHERE org_id = :org_id AND group_id = :group_id

-- name: group_members_delete (sqlite)
-- since: 4
DELETE FROM group_members
{of_group} AND user_uid IN ({uids_sqlite})

-- Each is looked for by the index here, too. A row of members is never updated, so it stays where
-- it was found.
-- name: group_members_delete (postgresql)
-- since: 4
DELETE FROM group_members
WHERE ctid = ANY (ARRAY(SELECT
(SELECT m.ctid FROM group_members m
WHERE m.org_id = :org_id AND m.group_id = :group_id AND m.user_uid = k.uid)
FROM ({uids_postgresql}) k))

-- name: group_members_delete (mariadb)
-- since: 4
DELETE m FROM JSON_TABLE(:uids, '$[*]' COLUMNS (uid VARCHAR(128) PATH '$')) j
STRAIGHT_JOIN group_members m
ON m.org_id = :org_id AND m.group_id = :group_id AND m.user_uid = j.uid

-- The members of a stretch that uids does not name. A member stands in one stretch, so that a
-- list of any length is replaced in short statements.
-- fragment: in_stretch
{of_group} AND user_uid > :after_uid AND user_uid <= :until_uid

-- name: group_members_other (sqlite)
-- since: 4
SELECT user_uid FROM group_members
{in_stretch} AND user_uid NOT IN ({uids_sqlite})
ORDER BY user_uid
LIMIT :limit

-- name: group_members_other (postgresql)
-- since: 4
SELECT user_uid FROM group_members
{in_stretch} AND user_uid NOT IN ({uids_postgresql})
ORDER BY user_uid
LIMIT :limit

-- name: group_members_other (mariadb)
-- since: 4
SELECT user_uid FROM group_members
LEFT JOIN ({uids_mariadb}) k ON k.uid = user_uid
{in_stretch} AND k.uid IS NULL
ORDER BY user_uid
LIMIT :limit

-- name: group_members_delete_other (sqlite)
-- since: 4
DELETE FROM group_members
{in_stretch} AND user_uid NOT IN ({uids_sqlite})

-- name: group_members_delete_other (postgresql)
-- since: 4
DELETE FROM group_members
{in_stretch} AND user_uid NOT IN ({uids_postgresql})

-- name: group_members_delete_other (mariadb)
-- since: 4
DELETE group_members FROM group_members
LEFT JOIN ({uids_mariadb}) k ON k.uid = user_uid
{in_stretch} AND k.uid IS NULL

-- name: group_members_clear
-- since: 4
DELETE FROM group_members
{of_group}

-- ---- of a user ----

-- Is a user in a group that has that id or that name?
-- fragment: has_member
(EXISTS (SELECT 1 FROM group_members m
WHERE m.org_id = g.org_id AND m.group_id = g.group_id AND m.user_uid = :user_uid)
OR (g.group_id = 'sub-admins' AND EXISTS
(SELECT 1 FROM sub_admins s WHERE s.org_id = g.org_id AND s.user_uid = :user_uid)))

-- name: group_has_member
-- since: 4
SELECT 1 FROM user_groups g
WHERE g.org_id = :org_id AND g.group_id = :group_id AND {has_member}
UNION ALL
SELECT 1 FROM user_groups g
WHERE g.org_id = :org_id AND g.display_name_key = :display_name_key AND {has_member}

-- The groups of each of uids. The reserved group's members stand in the table of sub-admins.
-- name: memberships_of_users (sqlite)
-- since: 4
SELECT m.user_uid AS uid, g.group_id AS id, g.display_name
FROM json_each(:uids) j
CROSS JOIN group_members m ON m.org_id = :org_id AND m.user_uid = j.value
CROSS JOIN user_groups g ON g.org_id = m.org_id AND g.group_id = m.group_id
UNION ALL
SELECT s.user_uid, g.group_id, g.display_name
FROM json_each(:uids) j
CROSS JOIN sub_admins s ON s.org_id = :org_id AND s.user_uid = j.value
CROSS JOIN user_groups g ON g.org_id = s.org_id AND g.group_id = 'sub-admins'
ORDER BY uid, id

-- OFFSET has PostgreSQL look for the groups of each user by the index: without statistics it would
-- rather go through all memberships.
-- name: memberships_of_users (postgresql)
-- since: 4
SELECT found.uid, found.id, found.display_name
FROM ({uids_postgresql}) k CROSS JOIN LATERAL
(SELECT m.user_uid AS uid, g.group_id AS id, g.display_name
FROM group_members m CROSS JOIN LATERAL
(SELECT a.group_id, a.display_name FROM user_groups a
WHERE a.org_id = m.org_id AND a.group_id = m.group_id OFFSET 0) g
WHERE m.org_id = :org_id AND m.user_uid = k.uid
UNION ALL
SELECT s.user_uid, g.group_id, g.display_name
FROM sub_admins s
JOIN user_groups g ON g.org_id = s.org_id AND g.group_id = 'sub-admins'
WHERE s.org_id = :org_id AND s.user_uid = k.uid
OFFSET 0) found
ORDER BY uid, id

-- name: memberships_of_users (mariadb)
-- since: 4
SELECT m.user_uid AS uid, g.group_id AS id, g.display_name
FROM ({uids_mariadb}) k
STRAIGHT_JOIN group_members m ON m.org_id = :org_id AND m.user_uid = k.uid
STRAIGHT_JOIN user_groups g ON g.org_id = m.org_id AND g.group_id = m.group_id
UNION ALL
SELECT s.user_uid, g.group_id, g.display_name
FROM ({uids_mariadb}) k
STRAIGHT_JOIN sub_admins s ON s.org_id = :org_id AND s.user_uid = k.uid
STRAIGHT_JOIN user_groups g ON g.org_id = s.org_id AND g.group_id = 'sub-admins'
ORDER BY uid, id
