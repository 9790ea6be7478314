-- mod_usermgmt on PostgreSQL 13 or later, schema version 4, on top of version 3.
-- What an identity provider keeps of users, and groups with their members.

-- A user whose user_name is NULL has the email as its name. The key is that of a login name, so
-- a name that is an address has the address's key. scim is a JSON object: the members of SCIM
-- that have no column of their own.
ALTER TABLE users
    ADD COLUMN user_name TEXT COLLATE "C" CHECK (octet_length(user_name) BETWEEN 1 AND 256),
    ADD COLUMN user_name_key TEXT COLLATE "C",
    ADD COLUMN external_id TEXT COLLATE "C" CHECK (octet_length(external_id) BETWEEN 1 AND 512),
    ADD COLUMN scim TEXT COLLATE "C" CHECK (octet_length(scim) BETWEEN 2 AND 8192),
    ADD CHECK ((user_name_key IS NULL) = (user_name IS NULL));

-- No two users have the same name, whether it is a name of its own or the email.
CREATE UNIQUE INDEX users_by_user_name ON users (org_id, COALESCE(user_name_key, email_key));

CREATE INDEX users_by_external_id ON users (org_id, external_id) WHERE external_id IS NOT NULL;

CREATE TABLE user_groups (
    org_id           BIGINT NOT NULL REFERENCES organizations (org_id),
    group_id         TEXT COLLATE "C" NOT NULL CHECK (length(group_id) BETWEEN 1 AND 128),
    display_name     TEXT COLLATE "C" NOT NULL CHECK (length(display_name) BETWEEN 1 AND 256),
    display_name_key TEXT COLLATE "C" NOT NULL,
    external_id      TEXT COLLATE "C" CHECK (octet_length(external_id) BETWEEN 1 AND 512),
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    version          BIGINT NOT NULL DEFAULT 1,
    PRIMARY KEY (org_id, group_id)
);

CREATE UNIQUE INDEX user_groups_by_display_name ON user_groups (org_id, display_name_key);

CREATE INDEX user_groups_by_external_id ON user_groups (org_id, external_id)
    WHERE external_id IS NOT NULL;

CREATE TABLE group_members (
    org_id     BIGINT NOT NULL,
    group_id   TEXT COLLATE "C" NOT NULL,
    user_uid   TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, group_id, user_uid),
    FOREIGN KEY (org_id, group_id) REFERENCES user_groups (org_id, group_id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, user_uid) REFERENCES users (org_id, user_uid) ON DELETE CASCADE
);

CREATE INDEX group_members_by_user ON group_members (org_id, user_uid, group_id);

-- The addresses beside the email, which stand in scim, so that an index finds who has one: with
-- ASCII letters in lower case, and cut to 256 characters. Triggers keep them, so that no
-- statement that writes a user has to.
CREATE TABLE user_emails (
    org_id    BIGINT NOT NULL,
    email_key TEXT COLLATE "C" NOT NULL,
    user_uid  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (org_id, email_key, user_uid),
    FOREIGN KEY (org_id, user_uid) REFERENCES users (org_id, user_uid) ON DELETE CASCADE
);

CREATE INDEX user_emails_by_user ON user_emails (org_id, user_uid);

CREATE FUNCTION keep_user_emails() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM user_emails WHERE org_id = OLD.org_id AND user_uid = OLD.user_uid;
    END IF;
    INSERT INTO user_emails (org_id, email_key, user_uid)
    SELECT DISTINCT NEW.org_id, left(lower((e.v ->> 'value') COLLATE "C"), 256), NEW.user_uid
    FROM jsonb_path_query(CAST(NEW.scim AS jsonb), '$.emails[*]') e (v)
    WHERE jsonb_typeof(e.v -> 'value') = 'string';
    RETURN NULL;
END $$;

CREATE TRIGGER users_with_emails_inserted AFTER INSERT ON users FOR EACH ROW
WHEN (strpos(NEW.scim, '"emails"') > 0)
EXECUTE FUNCTION keep_user_emails();

CREATE TRIGGER users_with_emails_updated AFTER UPDATE OF scim ON users FOR EACH ROW
WHEN (NEW.scim IS DISTINCT FROM OLD.scim
    AND CAST(NEW.scim AS jsonb) -> 'emails' IS DISTINCT FROM CAST(OLD.scim AS jsonb) -> 'emails')
EXECUTE FUNCTION keep_user_emails();

-- Each organization has a group whose members are its sub-admins. Who they are stands in their
-- own table.
INSERT INTO user_groups
    (org_id, group_id, display_name, display_name_key, created_at, updated_at)
SELECT org_id, 'sub-admins', 'Sub-admins', 'sub-admins', created_at, created_at
FROM organizations;

CREATE FUNCTION make_reserved_groups() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO user_groups
        (org_id, group_id, display_name, display_name_key, created_at, updated_at)
    SELECT org_id, 'sub-admins', 'Sub-admins', 'sub-admins', created_at, created_at FROM made;
    RETURN NULL;
END $$;

CREATE TRIGGER organizations_grouped AFTER INSERT ON organizations REFERENCING NEW TABLE AS made
FOR EACH STATEMENT EXECUTE FUNCTION make_reserved_groups();

INSERT INTO schema_version (version, applied_at)
VALUES (4, CAST(EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000 AS BIGINT));
