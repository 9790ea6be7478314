-- mod_usermgmt on SQLite 3.26 or later, schema version 4, on top of version 3.
-- What an identity provider keeps of users, and groups with their members.

-- A user whose user_name is NULL has the email as its name. The key is that of a login name, so
-- a name that is an address has the address's key. scim is a JSON object: the members of SCIM
-- that have no column of their own.
ALTER TABLE users ADD COLUMN user_name TEXT
    CHECK (length(CAST(user_name AS BLOB)) BETWEEN 1 AND 256);

ALTER TABLE users ADD COLUMN user_name_key TEXT
    CHECK ((user_name_key IS NULL) = (user_name IS NULL));

ALTER TABLE users ADD COLUMN external_id TEXT
    CHECK (length(CAST(external_id AS BLOB)) BETWEEN 1 AND 512);

ALTER TABLE users ADD COLUMN scim TEXT
    CHECK (length(CAST(scim AS BLOB)) BETWEEN 2 AND 8192);

-- No two users have the same name, whether it is a name of its own or the email.
CREATE UNIQUE INDEX users_by_user_name ON users (org_id, COALESCE(user_name_key, email_key));

CREATE INDEX users_by_external_id ON users (org_id, external_id) WHERE external_id IS NOT NULL;

CREATE TABLE user_groups (
    org_id           INTEGER NOT NULL REFERENCES organizations (org_id),
    group_id         TEXT    NOT NULL CHECK (length(group_id) BETWEEN 1 AND 128),
    display_name     TEXT    NOT NULL CHECK (length(display_name) BETWEEN 1 AND 256),
    display_name_key TEXT    NOT NULL,
    external_id      TEXT    CHECK (length(CAST(external_id AS BLOB)) BETWEEN 1 AND 512),
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    version          INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (org_id, group_id)
) WITHOUT ROWID;

CREATE UNIQUE INDEX user_groups_by_display_name ON user_groups (org_id, display_name_key);

CREATE INDEX user_groups_by_external_id ON user_groups (org_id, external_id)
    WHERE external_id IS NOT NULL;

CREATE TABLE group_members (
    org_id     INTEGER NOT NULL,
    group_id   TEXT    NOT NULL,
    user_uid   TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, group_id, user_uid),
    FOREIGN KEY (org_id, group_id) REFERENCES user_groups (org_id, group_id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, user_uid) REFERENCES users (org_id, user_uid) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE INDEX group_members_by_user ON group_members (org_id, user_uid, group_id);

-- The addresses beside the email, which stand in scim, so that an index finds who has one: with
-- ASCII letters in lower case, and cut to 256 characters. Triggers keep them, so that no
-- statement that writes a user has to.
CREATE TABLE user_emails (
    org_id    INTEGER NOT NULL,
    email_key TEXT    NOT NULL,
    user_uid  TEXT    NOT NULL,
    PRIMARY KEY (org_id, email_key, user_uid),
    FOREIGN KEY (org_id, user_uid) REFERENCES users (org_id, user_uid) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE INDEX user_emails_by_user ON user_emails (org_id, user_uid);

CREATE TRIGGER users_with_emails_inserted AFTER INSERT ON users
WHEN NEW.scim IS NOT NULL BEGIN
    INSERT INTO user_emails (org_id, email_key, user_uid)
    SELECT DISTINCT NEW.org_id, substr(lower(json_extract(NEW.scim, e.fullkey || '.value')), 1, 256),
        NEW.user_uid
    FROM json_each(NEW.scim, '$.emails') e
    WHERE json_type(NEW.scim, e.fullkey || '.value') = 'text';
END;

CREATE TRIGGER users_with_emails_updated AFTER UPDATE OF scim ON users
WHEN NEW.scim IS NOT OLD.scim
    AND json_extract(NEW.scim, '$.emails') IS NOT json_extract(OLD.scim, '$.emails') BEGIN
    DELETE FROM user_emails WHERE org_id = OLD.org_id AND user_uid = OLD.user_uid;
    INSERT INTO user_emails (org_id, email_key, user_uid)
    SELECT DISTINCT NEW.org_id, substr(lower(json_extract(NEW.scim, e.fullkey || '.value')), 1, 256),
        NEW.user_uid
    FROM json_each(NEW.scim, '$.emails') e
    WHERE json_type(NEW.scim, e.fullkey || '.value') = 'text';
END;

-- Each organization has a group whose members are its sub-admins. Who they are stands in their
-- own table.
INSERT INTO user_groups
    (org_id, group_id, display_name, display_name_key, created_at, updated_at)
SELECT org_id, 'sub-admins', 'Sub-admins', 'sub-admins', created_at, created_at
FROM organizations;

CREATE TRIGGER organizations_grouped AFTER INSERT ON organizations BEGIN
    INSERT INTO user_groups
        (org_id, group_id, display_name, display_name_key, created_at, updated_at)
    VALUES (NEW.org_id, 'sub-admins', 'Sub-admins', 'sub-admins', NEW.created_at, NEW.created_at);
END;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('users', 'users_by_user_name', '1000000 1000000 1'),
    ('users', 'users_by_external_id', '1000000 1000000 2'),
    ('user_groups', 'user_groups', '10000 10000 1'),
    ('user_groups', 'user_groups_by_display_name', '10000 10000 1'),
    ('user_groups', 'user_groups_by_external_id', '10000 10000 2'),
    ('group_members', 'group_members', '1000000 1000000 1000 1'),
    ('group_members', 'group_members_by_user', '1000000 1000000 10 1'),
    ('user_emails', 'user_emails', '1000000 1000000 2 1'),
    ('user_emails', 'user_emails_by_user', '1000000 1000000 2');

ANALYZE sqlite_master;

INSERT INTO schema_version (version, applied_at)
VALUES (4, CAST(strftime('%s', 'now') AS INTEGER) * 1000);
