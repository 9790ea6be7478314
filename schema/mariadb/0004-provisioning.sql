-- mod_usermgmt on MariaDB 10.6 or later and MySQL 8.0.17 or later, schema version 4,
-- on top of version 3.
-- Each statement that changes the schema commits by itself, so all of them can be
-- run again, and the version comes last. (MySQL has no IF NOT EXISTS for columns: there
-- those that were added are to be dropped first.)
-- What an identity provider keeps of users, and groups with their members.

-- A user whose user_name is NULL has the email as its name. The key is that of a login name, so
-- a name that is an address has the address's key. scim is a JSON object: the members of SCIM
-- that have no column of their own.
-- No two users have the same name, whether it is a name of its own or the email. The column
-- for that is stored, as invitations.pending_email_key is.
ALTER TABLE users
    ADD COLUMN /*M! IF NOT EXISTS */ user_name VARBINARY(256) CHECK (LENGTH(user_name) >= 1),
    ADD COLUMN /*M! IF NOT EXISTS */ user_name_key VARBINARY(352)
        CHECK ((user_name_key IS NULL) = (user_name IS NULL)),
    ADD COLUMN /*M! IF NOT EXISTS */ external_id VARBINARY(512) CHECK (LENGTH(external_id) >= 1),
    ADD COLUMN /*M! IF NOT EXISTS */ scim VARBINARY(8192) CHECK (LENGTH(scim) >= 2),
    ADD COLUMN /*M! IF NOT EXISTS */ user_name_or_email_key VARBINARY(352)
        AS (COALESCE(user_name_key, email_key)) STORED,
    ADD UNIQUE INDEX /*M! IF NOT EXISTS */ users_by_user_name (org_id, user_name_or_email_key),
    ADD INDEX /*M! IF NOT EXISTS */ users_by_external_id (org_id, external_id);

CREATE TABLE IF NOT EXISTS user_groups (
    org_id           BIGINT          NOT NULL,
    group_id         VARBINARY(128)  NOT NULL CHECK (group_id <> ''),
    display_name     VARCHAR(256)    NOT NULL CHECK (display_name <> ''),
    display_name_key VARBINARY(2048) NOT NULL,
    external_id      VARBINARY(512)  CHECK (LENGTH(external_id) >= 1),
    created_at       BIGINT          NOT NULL,
    updated_at       BIGINT          NOT NULL,
    version          BIGINT          NOT NULL DEFAULT 1,
    PRIMARY KEY (org_id, group_id),
    UNIQUE INDEX user_groups_by_display_name (org_id, display_name_key),
    INDEX user_groups_by_external_id (org_id, external_id),
    FOREIGN KEY (org_id) REFERENCES organizations (org_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;

CREATE TABLE IF NOT EXISTS group_members (
    org_id     BIGINT         NOT NULL,
    group_id   VARBINARY(128) NOT NULL,
    user_uid   VARBINARY(128) NOT NULL,
    created_at BIGINT         NOT NULL,
    PRIMARY KEY (org_id, group_id, user_uid),
    INDEX group_members_by_user (org_id, user_uid, group_id),
    FOREIGN KEY (org_id, group_id) REFERENCES user_groups (org_id, group_id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, user_uid) REFERENCES users (org_id, user_uid) ON DELETE CASCADE
) ENGINE = InnoDB;

-- The addresses beside the email, which stand in scim, so that an index finds who has one: with
-- ASCII letters in lower case, and cut to 256 characters. Triggers keep them, so that no
-- statement that writes a user has to.
CREATE TABLE IF NOT EXISTS user_emails (
    org_id    BIGINT          NOT NULL,
    email_key VARBINARY(1024) NOT NULL,
    user_uid  VARBINARY(128)  NOT NULL,
    PRIMARY KEY (org_id, email_key, user_uid),
    INDEX user_emails_by_user (org_id, user_uid),
    FOREIGN KEY (org_id, user_uid) REFERENCES users (org_id, user_uid) ON DELETE CASCADE
) ENGINE = InnoDB;

-- Triggers run for rows alone here. So a statement that makes many users adds one row to the
-- counts for all of them, and tells the trigger by this variable how many are counted. No user
-- may be made while there is no trigger: MariaDB replaces it, and on MySQL the table is locked.
/*!80017 LOCK TABLES users WRITE */ /*M! DO 0 */;

DROP TRIGGER IF EXISTS /*M! users_none */ /*!80017 users_inserted */;

CREATE /*M! OR REPLACE */ TRIGGER users_inserted AFTER INSERT ON users FOR EACH ROW
BEGIN
    IF @usermgmt_counted > 0 THEN
        SET @usermgmt_counted = @usermgmt_counted - 1;
    ELSE
        INSERT INTO organization_counts (org_id, user_count) VALUES (NEW.org_id, 1);
    END IF;
END;

/*!80017 UNLOCK TABLES */ /*M! DO 0 */;

DROP TRIGGER IF EXISTS users_with_emails_inserted;

CREATE TRIGGER users_with_emails_inserted AFTER INSERT ON users FOR EACH ROW
BEGIN
    IF INSTR(NEW.scim, '"emails"') > 0 THEN
        INSERT INTO user_emails (org_id, email_key, user_uid)
        SELECT DISTINCT NEW.org_id,
            CAST(LOWER(CONVERT(CAST(LEFT(e.v, 256) AS BINARY) USING tis620)) AS BINARY), NEW.user_uid
        FROM JSON_TABLE(CONVERT(NEW.scim USING utf8mb4), '$.emails[*]'
            COLUMNS (v VARCHAR(8192) CHARACTER SET utf8mb4 PATH '$.value')) AS e
        WHERE e.v IS NOT NULL;
    END IF;
END;

DROP TRIGGER IF EXISTS users_with_emails_updated;

CREATE TRIGGER users_with_emails_updated AFTER UPDATE ON users FOR EACH ROW
BEGIN
    IF NOT (NEW.scim <=> OLD.scim)
        AND NOT (CAST(JSON_EXTRACT(CONVERT(NEW.scim USING utf8mb4), '$.emails') AS BINARY)
            <=> CAST(JSON_EXTRACT(CONVERT(OLD.scim USING utf8mb4), '$.emails') AS BINARY)) THEN
        DELETE FROM user_emails WHERE org_id = OLD.org_id AND user_uid = OLD.user_uid;
        INSERT INTO user_emails (org_id, email_key, user_uid)
        SELECT DISTINCT NEW.org_id,
            CAST(LOWER(CONVERT(CAST(LEFT(e.v, 256) AS BINARY) USING tis620)) AS BINARY), NEW.user_uid
        FROM JSON_TABLE(CONVERT(NEW.scim USING utf8mb4), '$.emails[*]'
            COLUMNS (v VARCHAR(8192) CHARACTER SET utf8mb4 PATH '$.value')) AS e
        WHERE e.v IS NOT NULL;
    END IF;
END;

-- Each organization has a group whose members are its sub-admins. Who they are stands in their
-- own table.
INSERT INTO user_groups
    (org_id, group_id, display_name, display_name_key, created_at, updated_at)
SELECT o.org_id, 'sub-admins', 'Sub-admins', 'sub-admins', o.created_at, o.created_at
FROM organizations o
WHERE NOT EXISTS
    (SELECT 1 FROM user_groups g WHERE g.org_id = o.org_id AND g.group_id = 'sub-admins');

DROP TRIGGER IF EXISTS organizations_grouped;

CREATE TRIGGER organizations_grouped AFTER INSERT ON organizations FOR EACH ROW
INSERT INTO user_groups
    (org_id, group_id, display_name, display_name_key, created_at, updated_at)
VALUES (NEW.org_id, 'sub-admins', 'Sub-admins', 'sub-admins', NEW.created_at, NEW.created_at);

-- An event holds a user with the members of SCIM. (A longer VARBINARY needs no copy of the
-- table, and two of these leave room for the other columns: a row has at most 65,535 bytes.)
ALTER TABLE audit_events
    MODIFY COLUMN before_json VARBINARY(28672),
    MODIFY COLUMN after_json VARBINARY(28672);

INSERT INTO schema_version (version, applied_at)
VALUES (4, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED));
