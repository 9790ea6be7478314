-- Licensed under the Apache License, Version 2.0; see the file LICENSE.
--
-- Organizations and their counts. The rows of an organization in organization_counts add
-- up to its counts. The row with its own number, made negative, is the sum of those that
-- were folded; those with a number above 0 are changes. SQLite has one row, and folds none.

-- types: org_id int, created_at int, now int, limit int, count_id int, *_count int, from int, *_from int, until int

-- fragment: organization_columns
org_id, name, payment_type, created_at

-- name: organization_get
SELECT {organization_columns} FROM organizations
WHERE name = :name

-- name: organization_list
SELECT {organization_columns} FROM organizations
WHERE name > :after
ORDER BY name
LIMIT :limit

-- name: organization_insert
INSERT INTO organizations (name, created_at)
SELECT :name, :created_at
WHERE NOT EXISTS (SELECT 1 FROM organizations WHERE name = :name)

-- name: organization_set_payment_type
UPDATE organizations SET payment_type = :payment_type
WHERE org_id = :org_id

-- name: organization_counts_waiting
SELECT 1 FROM organization_counts
WHERE count_id > 0
ORDER BY count_id
LIMIT 1

-- name: organization_counts_waiting (sqlite)
{not_here}

-- Without the rows that others are folding, or have not committed.
-- name: organization_counts_lock
SELECT count_id, org_id, user_count, sub_admin_count, session_count
FROM organization_counts
WHERE count_id > 0
ORDER BY count_id
LIMIT :limit
FOR UPDATE SKIP LOCKED

-- name: organization_counts_lock (sqlite)
{not_here}

-- count_ids is a JSON array. PostgreSQL finds the members of an array by the index, while for a
-- subquery it may read all counts of all organizations.
-- name: organization_counts_delete
DELETE FROM organization_counts
WHERE count_id = ANY
(ARRAY(SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(:count_ids AS JSON))))

-- name: organization_counts_delete (sqlite)
{not_here}

-- name: organization_counts_delete (mariadb)
DELETE c FROM JSON_TABLE(:count_ids, '$[*]' COLUMNS (count_id BIGINT PATH '$')) j
STRAIGHT_JOIN organization_counts c ON c.count_id = j.count_id

-- name: organization_counts_put
INSERT INTO organization_counts AS c
(count_id, org_id, user_count, sub_admin_count, session_count)
VALUES (:count_id, :org_id, :user_count, :sub_admin_count, :session_count)
ON CONFLICT (count_id) DO UPDATE SET
    user_count = c.user_count + excluded.user_count,
    sub_admin_count = c.sub_admin_count + excluded.sub_admin_count,
    session_count = c.session_count + excluded.session_count

-- name: organization_counts_put (sqlite)
{not_here}

-- name: organization_counts_put (mariadb)
INSERT INTO organization_counts
(count_id, org_id, user_count, sub_admin_count, session_count)
VALUES (:count_id, :org_id, :user_count, :sub_admin_count, :session_count)
ON DUPLICATE KEY UPDATE
    user_count = user_count + VALUES(user_count),
    sub_admin_count = sub_admin_count + VALUES(sub_admin_count),
    session_count = session_count + VALUES(session_count)

-- The organization, and the activities that were used most recently, without a payment_type: a
-- row each. The caller sorts them, because nothing promises that a UNION keeps an order.
-- name: organization_status
SELECT o.name, o.payment_type, c.user_count, c.sub_admin_count, c.session_count,
    (SELECT COUNT(*) FROM invitations i
    WHERE i.org_id = o.org_id AND i.status = 'pending' AND i.expires_at > :now)
FROM organizations o
CROSS JOIN
    (SELECT COALESCE(SUM(user_count), 0) AS user_count,
    COALESCE(SUM(sub_admin_count), 0) AS sub_admin_count,
    COALESCE(SUM(session_count), 0) AS session_count
    FROM organization_counts WHERE org_id = :org_id) c
WHERE o.org_id = :org_id
UNION ALL
SELECT a.activity, NULL, a.last_used_at, 0, 0, 0
FROM
    (SELECT activity, last_used_at FROM activities
    WHERE org_id = :org_id
    ORDER BY last_used_at DESC, activity
    LIMIT 100) a

-- SQLite would make two tables for it: of the counts, which are one row, and to sort with a limit.
-- Each takes it as long as all the rest. Where there are more than 100 activities, those that were
-- used as long ago as the last of 100 come too; the caller leaves them out.
-- name: organization_status (sqlite)
SELECT o.name, o.payment_type, c.user_count, c.sub_admin_count, c.session_count,
    (SELECT COUNT(*) FROM invitations i
    WHERE i.org_id = o.org_id AND i.status = 'pending' AND i.expires_at > :now)
FROM organizations o
JOIN organization_counts c ON c.org_id = o.org_id
WHERE o.org_id = :org_id
UNION ALL
SELECT activity, NULL, last_used_at, 0, 0, 0 FROM activities
WHERE org_id = :org_id AND last_used_at >=
    CASE WHEN (SELECT COUNT(*) FROM (SELECT 1 FROM activities WHERE org_id = :org_id LIMIT 101)) > 100
    THEN (SELECT last_used_at FROM activities WHERE org_id = :org_id
    ORDER BY last_used_at DESC LIMIT 1 OFFSET 99)
    ELSE 0 END

-- The history of an organization: users (0) and sessions (1) by the day in UTC on which they came,
-- from the begin of a day until the end of another one. The first statement finds the newest row
-- of each that is too many to count, so that the second one counts days without it. It reads
-- nothing of an organization that has no more than that.
-- name: history_too_many
SELECT 0, u.created_at
FROM
    (SELECT created_at FROM users
    WHERE org_id = :org_id AND created_at >= :from AND created_at < :until
    AND (SELECT SUM(user_count) FROM organization_counts WHERE org_id = :org_id) > :limit
    ORDER BY created_at DESC
    LIMIT 1 OFFSET :limit) u
UNION ALL
SELECT 1, s.started_at
FROM
    (SELECT started_at FROM sessions
    WHERE org_id = :org_id AND started_at >= :from AND started_at < :until
    AND (SELECT SUM(session_count) FROM organization_counts WHERE org_id = :org_id) > :limit
    ORDER BY started_at DESC
    LIMIT 1 OFFSET :limit) s

-- Each day is counted by itself, because the databases would sort all rows to group them.
-- name: history
WITH RECURSIVE
user_days (day) AS
    (SELECT :users_from WHERE :users_from < :until
    UNION ALL SELECT day + 86400000 FROM user_days WHERE day + 86400000 < :until),
session_days (day) AS
    (SELECT :sessions_from WHERE :sessions_from < :until
    UNION ALL SELECT day + 86400000 FROM session_days WHERE day + 86400000 < :until)
SELECT 0, day,
    (SELECT COUNT(*) FROM users
    WHERE org_id = :org_id AND created_at >= day AND created_at < day + 86400000)
FROM user_days
UNION ALL
SELECT 1, day,
    (SELECT COUNT(*) FROM sessions
    WHERE org_id = :org_id AND started_at >= day AND started_at < day + 86400000)
FROM session_days

-- It finds no days of another table by an index, and it groups without sorting. Without FORCE it may
-- read all users of the organization, because that takes less time where most of them are new.
-- name: history (mariadb)
SELECT 0, created_at - MOD(created_at, 86400000), COUNT(*)
FROM users FORCE INDEX (users_by_created_at)
WHERE org_id = :org_id AND created_at >= :users_from AND created_at < :until
GROUP BY 2
UNION ALL
SELECT 1, started_at - MOD(started_at, 86400000), COUNT(*)
FROM sessions FORCE INDEX (sessions_by_started_at)
WHERE org_id = :org_id AND started_at >= :sessions_from AND started_at < :until
GROUP BY 2

-- The three stored counts. They also give the count of a list without conditions.
-- name: user_count
SELECT COALESCE(SUM(user_count), 0) FROM organization_counts
WHERE org_id = :org_id

-- name: sub_admin_count
SELECT COALESCE(SUM(sub_admin_count), 0) FROM organization_counts
WHERE org_id = :org_id

-- name: session_count
SELECT COALESCE(SUM(session_count), 0) FROM organization_counts
WHERE org_id = :org_id

-- A change without an effect: it adds a row of zeros. The row belongs to an organization that
-- surely exists, because the organization of the witness may have been lost. SQLite needs no
-- such change: the outcome of its COMMIT is always known.
-- name: barrier
INSERT INTO organization_counts (org_id)
SELECT MIN(org_id) FROM organizations

-- name: barrier (sqlite)
{not_here}
