-- Licensed under the Apache License, Version 2.0; see the file LICENSE.
--
-- Users.

-- types: org_id int, version int, active int, at int, *_at int, user_count int

-- The order of columns is that of um_store_users_read() in core/store_users.c. These are all that
-- lists of the native API show.
-- fragment: user_shown_columns
u.user_uid, u.email, u.display_name, COALESCE(u.phone, ''),
CASE WHEN s.user_uid IS NULL THEN 0 ELSE 1 END,
u.created_at, u.updated_at, u.attributes, u.active

-- fragment: user_first_columns
{user_shown_columns}, u.version

-- fragment: user_columns
{user_first_columns}, u.user_name, u.external_id, u.scim

-- Statements whose names end in _older are for version 3 of the schema.
-- fragment: user_columns_older
{user_first_columns}, NULL, NULL, NULL

-- fragment: sub_admin_of_user
sub_admins s ON s.org_id = u.org_id AND s.user_uid = u.user_uid

-- fragment: users_with_role
FROM users u LEFT JOIN {sub_admin_of_user}

-- fragment: user_of_uid
{users_with_role}
WHERE u.org_id = :org_id AND u.user_uid = :user_uid

-- name: user_get
-- since: 4
SELECT {user_columns} {user_of_uid}

-- name: user_get_older
SELECT {user_columns_older} {user_of_uid}

-- fragment: wanted_users
FROM k JOIN users u ON u.org_id = k.org_id AND u.user_uid = k.user_uid
LEFT JOIN {sub_admin_of_user}

-- Of many users, see core/user_reads.h.
-- name: users_get
-- since: 4
WITH k (org_id, user_uid) AS (VALUES [(:org_id, :user_uid)])
SELECT {user_columns}, u.org_id {wanted_users}

-- name: users_get (mariadb)
{not_here}

-- name: users_get_older
WITH k (org_id, user_uid) AS (VALUES [(:org_id, :user_uid)])
SELECT {user_columns_older}, u.org_id {wanted_users}

-- name: users_get_older (mariadb)
{not_here}

-- fragment: user_of_email
{users_with_role}
WHERE u.org_id = :org_id AND u.email_key = :email_key

-- name: user_get_by_email
-- since: 4
SELECT {user_columns} {user_of_email}

-- name: user_get_by_email_older
SELECT {user_columns_older} {user_of_email}

-- By the name, which is the email for most.
-- name: user_get_by_user_name
-- since: 4
SELECT {user_columns} {users_with_role}
WHERE u.org_id = :org_id AND COALESCE(u.user_name_key, u.email_key) = :name_key

-- name: user_get_by_user_name (mariadb)
SELECT {user_columns} {users_with_role}
WHERE u.org_id = :org_id AND u.user_name_or_email_key = :name_key

-- The uid of the user with an address, NULL if there is none, for each of a JSON array of keys.
-- fragment: uid_of_key
k.email_key,
(SELECT u.user_uid FROM users u WHERE u.org_id = :org_id AND u.email_key = k.email_key)

-- name: users_of_emails (sqlite)
SELECT {uid_of_key} FROM (SELECT j.value AS email_key FROM json_each(:email_keys) j) k

-- name: users_of_emails (postgresql)
SELECT {uid_of_key} FROM json_array_elements_text(CAST(:email_keys AS JSON)) AS k (email_key)

-- name: users_of_emails (mariadb)
SELECT {uid_of_key} FROM JSON_TABLE(:email_keys, '$[*]' COLUMNS (email_key VARCHAR(352) PATH '$')) k

-- For lists of users under a filter: the organization and conditions on both tables follow, behind
-- each part. The table between the two is there because MariaDB looks at each user for a UNION
-- in IN.
-- fragment: user_has_email
u.user_uid IN (SELECT k.user_uid FROM (SELECT a.user_uid FROM users a WHERE a.org_id =

-- fragment: or_another_email
UNION ALL SELECT o.user_uid FROM user_emails o WHERE o.org_id =

-- Only the lock. Joined rows that it finds may be out of date after waiting, because PostgreSQL
-- reads only the locked row again. So the next statement reads the data that a change decides
-- by. SQLite has one writer at a time, so nothing is locked.
--
-- On PostgreSQL a lock of a row for sharing does not wait behind a lock for update that waits. So
-- many transactions that share the row, one after the other, could keep a change of it waiting
-- without end. Advisory locks are given in the order in which they are asked for. So whoever
-- locks a user, in either way, first takes an advisory lock for its address in the same way. It
-- is there for that order only: the row's own lock protects the row.
-- fragment: wait_for_turn
pg_advisory_xact_lock(hashtextextended(u.email_key, u.org_id)) turn

-- fragment: wait_for_shared_turn
pg_advisory_xact_lock_shared(hashtextextended(u.email_key, u.org_id)) turn

-- fragment: lock_of_user
SELECT user_uid FROM users
WHERE org_id = :org_id AND user_uid = :user_uid
FOR UPDATE

-- name: user_lock
{lock_of_user}

-- name: user_lock (sqlite)
{not_here}

-- name: user_lock (postgresql)
SELECT u.user_uid FROM users u CROSS JOIN LATERAL {wait_for_turn}
WHERE u.org_id = :org_id AND u.user_uid = :user_uid
FOR UPDATE OF u

-- In a transaction that locks many users: without the turn, see um_db_set_locks_many().
-- name: user_lock_at_once
{lock_of_user}

-- name: user_lock_at_once (sqlite)
{not_here}

-- name: user_lock_by_email
SELECT user_uid FROM users
WHERE org_id = :org_id AND email_key = :email_key
FOR UPDATE

-- name: user_lock_by_email (sqlite)
{not_here}

-- name: user_lock_by_email (postgresql)
SELECT u.user_uid FROM users u CROSS JOIN LATERAL {wait_for_turn}
WHERE u.org_id = :org_id AND u.email_key = :email_key
FOR UPDATE OF u

-- The user can't be deleted until the transaction ends.
-- name: user_lock_shared (sqlite)
SELECT 1 FROM users
WHERE org_id = :org_id AND user_uid = :user_uid

-- name: user_lock_shared (postgresql)
SELECT 1 FROM users u CROSS JOIN LATERAL {wait_for_shared_turn}
WHERE u.org_id = :org_id AND u.user_uid = :user_uid
FOR KEY SHARE OF u

-- name: user_lock_shared (mariadb)
SELECT 1 FROM users
WHERE org_id = :org_id AND user_uid = :user_uid
LOCK IN SHARE MODE

-- A sub-admin, or a caller who was seen with a role by configuration.
-- name: user_has_role
SELECT 1 FROM users u LEFT JOIN {sub_admin_of_user}
WHERE u.org_id = :org_id AND u.user_uid = :user_uid
AND (s.user_uid IS NOT NULL
OR EXISTS
(SELECT 1 FROM admins_seen a
WHERE a.org_id = u.org_id AND a.identity = u.email_key AND a.role IN ('admin', 'sub_admin')))

-- fragment: active_by_email
SELECT active FROM users
WHERE org_id = :org_id AND email_key = :email_key

-- If there is such a user, it is locked, so its state can't change until the transaction ends.
-- name: user_active_by_email (sqlite)
{active_by_email}

-- name: user_active_by_email (postgresql)
SELECT u.active FROM users u CROSS JOIN LATERAL {wait_for_shared_turn}
WHERE u.org_id = :org_id AND u.email_key = :email_key
FOR SHARE OF u

-- name: user_active_by_email (mariadb)
{active_by_email} LOCK IN SHARE MODE

-- fragment: user_stored_older
org_id, user_uid, email, email_key, display_name, display_name_folded, phone, attributes,
active, created_at, updated_at

-- fragment: user_stored
{user_stored_older}, user_name, user_name_key, external_id, scim

-- fragment: user_values_older
:user_uid, :email, :email_key, :display_name, :display_name_folded, :phone, :attributes,
:active, :created_at, :updated_at

-- fragment: user_values
{user_values_older}, :user_name, :user_name_key, :external_id, :scim

-- name: user_insert
-- since: 4
INSERT INTO users ({user_stored})
VALUES (:org_id, {user_values})
ON CONFLICT DO NOTHING

-- fragment: and_user_is_new
SELECT * FROM n
WHERE NOT EXISTS
(SELECT 1 FROM users u WHERE u.org_id = n.org_id AND u.user_uid = n.user_uid)
AND NOT EXISTS
(SELECT 1 FROM users u WHERE u.org_id = n.org_id AND u.email_key = n.email_key)

-- name: user_insert (mariadb)
INSERT INTO users ({user_stored})
WITH n ({user_stored}) AS (SELECT CAST(:org_id AS SIGNED), {user_values})
{and_user_is_new}
AND NOT EXISTS
(SELECT 1 FROM users u
WHERE u.org_id = n.org_id
AND u.user_name_or_email_key = COALESCE(n.user_name_key, n.email_key))

-- name: user_insert_older
INSERT INTO users ({user_stored_older})
VALUES (:org_id, {user_values_older})
ON CONFLICT DO NOTHING

-- name: user_insert_older (mariadb)
INSERT INTO users ({user_stored_older})
WITH n ({user_stored_older}) AS (SELECT CAST(:org_id AS SIGNED), {user_values_older})
{and_user_is_new}

-- Of many users. On MariaDB a user who is there is changed, so that the number of changed rows
-- tells that there was one, whatever the flags of the connection. The caller undoes it.
-- name: users_insert
-- since: 4
INSERT INTO users ({user_stored})
VALUES [(:org_id, {user_values})]
ON CONFLICT DO NOTHING

-- name: users_insert (mariadb)
INSERT INTO users ({user_stored})
VALUES [(:org_id, {user_values})]
ON DUPLICATE KEY UPDATE version = version + 1

-- They are counted at once, before. Then the trigger passes over so many of them.
-- name: users_count (mariadb)
-- since: 4
INSERT INTO organization_counts (org_id, user_count)
VALUES (:org_id, :user_count)

-- name: users_count
{not_here}

-- name: users_counted (mariadb)
-- since: 4
SET @usermgmt_counted = CAST(:user_count AS SIGNED)

-- name: users_counted
{not_here}

-- name: users_insert_older
INSERT INTO users ({user_stored_older})
VALUES [(:org_id, {user_values_older})]
ON CONFLICT DO NOTHING

-- name: users_insert_older (mariadb)
INSERT INTO users ({user_stored_older})
VALUES [(:org_id, {user_values_older})]
ON DUPLICATE KEY UPDATE version = version + 1

-- Users, each with the event of its creation; gives the events' uids. Rows of NULL are left out.
-- name: user_create (postgresql)
-- since: 4
WITH given ({user_stored}, event_uid, actor_identity, actor_key, actor_uid, actor_role,
    remote_addr, action, after_json, request_id, trace_id) AS
    (VALUES [(CAST(:org_id AS BIGINT), :user_uid, :email, :email_key, :display_name,
    :display_name_folded, :phone, :attributes, CAST(:active AS SMALLINT),
    CAST(:created_at AS BIGINT), CAST(:updated_at AS BIGINT), :user_name, :user_name_key,
    :external_id, :scim, :event_uid, :actor_identity, :actor_key, :actor_uid, :actor_role,
    :remote_addr, :action, :after_json, :request_id, :trace_id)]),
created AS
    (INSERT INTO users ({user_stored})
    SELECT {user_stored} FROM given
    WHERE user_uid IS NOT NULL
    ON CONFLICT DO NOTHING
    RETURNING org_id, user_uid)
INSERT INTO audit_events
(org_id, event_uid, at, actor_identity, actor_key, actor_uid, actor_role, remote_addr, action,
target, after_json, request_id, trace_id)
SELECT org_id, event_uid, created_at, actor_identity, actor_key, actor_uid, actor_role,
    remote_addr, action, user_uid, after_json, request_id, trace_id
FROM created JOIN given USING (org_id, user_uid)
RETURNING event_uid

-- name: user_create (sqlite)
{not_here}

-- name: user_create (mariadb)
{not_here}

-- fragment: user_set_older
email = :email, email_key = :email_key,
display_name = :display_name, display_name_folded = :display_name_folded,
phone = :phone, attributes = :attributes, active = :active,
updated_at = :updated_at, version = version + 1

-- fragment: user_set
{user_set_older}, user_name = :user_name, user_name_key = :user_name_key,
external_id = :external_id, scim = :scim

-- fragment: same_version
WHERE org_id = :org_id AND user_uid = :user_uid AND version = :version

-- fragment: others_with_email
users other
WHERE other.org_id = :org_id AND other.email_key = :email_key AND other.user_uid <> :user_uid

-- name: user_update
-- since: 4
UPDATE users SET {user_set} {same_version}
AND NOT EXISTS (SELECT 1 FROM {others_with_email})
AND NOT EXISTS
(SELECT 1 FROM users named
WHERE named.org_id = :org_id AND COALESCE(named.user_name_key, named.email_key) = :name_key
AND named.user_uid <> :user_uid)

-- In MySQL an update can read other rows of its table only from a derived table, which is
-- stored first.
-- name: user_update (mariadb)
UPDATE users SET {user_set} {same_version}
AND NOT EXISTS
(SELECT 1 FROM /*!80017 (SELECT 1 FROM */ {others_with_email} /*!80017 LIMIT 1) aside */)
AND NOT EXISTS
(SELECT 1 FROM /*!80017 (SELECT 1 FROM */ users named
WHERE named.org_id = :org_id AND named.user_name_or_email_key = :name_key
AND named.user_uid <> :user_uid /*!80017 LIMIT 1) aside */)

-- Leaves the columns of version 4 as they are.
-- name: user_update_older
UPDATE users SET {user_set_older} {same_version}
AND NOT EXISTS (SELECT 1 FROM {others_with_email})

-- name: user_update_older (mariadb)
UPDATE users SET {user_set_older} {same_version}
AND NOT EXISTS
(SELECT 1 FROM /*!80017 (SELECT 1 FROM */ {others_with_email} /*!80017 LIMIT 1) aside */)

-- Of the attributes alone, which most updates are of. SQLite writes the entries of all indexes that
-- have a column of SET, even if its value is the same.
-- name: user_update_attributes
UPDATE users SET attributes = :attributes, updated_at = :updated_at, version = version + 1
{same_version}

-- Changes of users that keep addresses, names of identity providers and states, each with its
-- event; gives the events' uids. It waits for no lock, because others of its group would wait with it
-- and those who wait for these: users that are locked are left out, as are those of another version
-- and rows of NULL.
-- name: user_change (postgresql)
-- since: 4
WITH given (org_id, user_uid, email_key, version, display_name, display_name_folded, phone,
    attributes, updated_at, event_uid, at, actor_identity, actor_key, actor_uid, actor_role,
    remote_addr, action, before_json, after_json, request_id, trace_id) AS
    (VALUES [(CAST(:org_id AS BIGINT), :user_uid, :email_key, CAST(:version AS BIGINT),
    :display_name, :display_name_folded, :phone, :attributes, CAST(:updated_at AS BIGINT),
    :event_uid, CAST(:at AS BIGINT), :actor_identity, :actor_key, :actor_uid, :actor_role,
    :remote_addr, :action, :before_json, :after_json, :request_id, :trace_id)]),
free AS
    (SELECT g.event_uid AS free_uid
    FROM given g CROSS JOIN LATERAL
        pg_try_advisory_xact_lock(hashtextextended(g.email_key, g.org_id)) turn
    JOIN users u ON u.org_id = g.org_id AND u.user_uid = g.user_uid AND u.version = g.version
    WHERE turn
    FOR NO KEY UPDATE OF u SKIP LOCKED),
changed AS
    (UPDATE users u SET display_name = g.display_name,
        display_name_folded = g.display_name_folded, phone = g.phone,
        attributes = g.attributes, updated_at = g.updated_at, version = u.version + 1
    FROM given g JOIN free ON g.event_uid = free.free_uid
    WHERE u.org_id = g.org_id AND u.user_uid = g.user_uid AND u.version = g.version
    RETURNING g.*)
INSERT INTO audit_events ({audit_event_stored}, request_id, trace_id)
SELECT org_id, event_uid, at, actor_identity, actor_key, actor_uid, actor_role, remote_addr,
    action, user_uid, before_json, after_json, request_id, trace_id
FROM changed
RETURNING event_uid

-- name: user_change (sqlite)
{not_here}

-- name: user_change (mariadb)
{not_here}

-- name: user_touch
UPDATE users SET version = version + 1
WHERE org_id = :org_id AND user_uid = :user_uid

-- name: user_delete
DELETE FROM users
WHERE org_id = :org_id AND user_uid = :user_uid AND version = :version
