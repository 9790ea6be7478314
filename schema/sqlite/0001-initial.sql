-- mod_usermgmt on SQLite 3.26 or later, schema version 1.
-- A statement ends where a blank line follows. Times are milliseconds since
-- 1970-01-01T00:00:00Z. Text compares by bytes (BINARY is SQLite's default).

CREATE TABLE schema_version (
    version    INTEGER NOT NULL PRIMARY KEY,
    applied_at INTEGER NOT NULL
);

CREATE TABLE organizations (
    org_id       INTEGER NOT NULL PRIMARY KEY,
    name         TEXT    NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 255),
    payment_type TEXT    NOT NULL DEFAULT 'free' CHECK (length(payment_type) BETWEEN 1 AND 64),
    created_at   INTEGER NOT NULL
);

-- An organization's counts, kept by the triggers below, whoever makes the
-- change. One row each: there is one writer at a time.
CREATE TABLE organization_counts (
    org_id          INTEGER NOT NULL PRIMARY KEY REFERENCES organizations (org_id),
    user_count      INTEGER NOT NULL DEFAULT 0 CHECK (user_count >= 0),
    sub_admin_count INTEGER NOT NULL DEFAULT 0 CHECK (sub_admin_count >= 0),
    session_count   INTEGER NOT NULL DEFAULT 0 CHECK (session_count >= 0)
);

CREATE TRIGGER organizations_inserted AFTER INSERT ON organizations BEGIN
    INSERT INTO organization_counts (org_id) VALUES (NEW.org_id);
END;

CREATE TABLE users (
    org_id              INTEGER NOT NULL REFERENCES organizations (org_id),
    user_uid            TEXT    NOT NULL CHECK (length(user_uid) BETWEEN 1 AND 128),
    email               TEXT    NOT NULL CHECK (length(CAST(email AS BLOB)) BETWEEN 3 AND 254),
    email_key           TEXT    NOT NULL,
    display_name        TEXT    NOT NULL CHECK (length(display_name) BETWEEN 1 AND 256),
    display_name_folded TEXT    NOT NULL,
    phone               TEXT    CHECK (length(phone) BETWEEN 3 AND 32),
    attributes          TEXT    NOT NULL CHECK (length(CAST(attributes AS BLOB)) BETWEEN 2 AND 16384),
    active              INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL,
    version             INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (org_id, user_uid)
) WITHOUT ROWID;

CREATE UNIQUE INDEX users_by_email ON users (org_id, email_key);

CREATE INDEX users_by_display_name ON users (org_id, display_name_folded, user_uid);

CREATE INDEX users_by_created_at ON users (org_id, created_at, user_uid);

CREATE INDEX users_by_updated_at ON users (org_id, updated_at, user_uid);

CREATE INDEX users_by_phone ON users (org_id, phone) WHERE phone IS NOT NULL;

CREATE INDEX users_by_active ON users (org_id, active, user_uid);

CREATE TRIGGER users_inserted AFTER INSERT ON users BEGIN
    UPDATE organization_counts SET user_count = user_count + 1 WHERE org_id = NEW.org_id;
END;

CREATE TRIGGER users_deleted AFTER DELETE ON users BEGIN
    UPDATE organization_counts SET user_count = user_count - 1 WHERE org_id = OLD.org_id;
END;

CREATE TABLE sub_admins (
    org_id     INTEGER NOT NULL,
    user_uid   TEXT    NOT NULL,
    added_by   TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, user_uid),
    FOREIGN KEY (org_id, user_uid) REFERENCES users (org_id, user_uid) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE TRIGGER sub_admins_inserted AFTER INSERT ON sub_admins BEGIN
    UPDATE organization_counts SET sub_admin_count = sub_admin_count + 1 WHERE org_id = NEW.org_id;
END;

CREATE TRIGGER sub_admins_deleted AFTER DELETE ON sub_admins BEGIN
    UPDATE organization_counts SET sub_admin_count = sub_admin_count - 1 WHERE org_id = OLD.org_id;
END;

-- Callers who have their role from the server's configuration: the key of the
-- identity, the uid that stands for it, the highest role it came with.
CREATE TABLE admins_seen (
    org_id        INTEGER NOT NULL REFERENCES organizations (org_id),
    identity      TEXT    NOT NULL,
    user_uid      TEXT    NOT NULL,
    role          TEXT    NOT NULL CHECK (role IN ('admin', 'sub_admin', 'none')),
    first_seen_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, identity)
) WITHOUT ROWID;

-- One that is past expires_at counts as expired whatever its status says.
CREATE TABLE invitations (
    org_id               INTEGER NOT NULL REFERENCES organizations (org_id),
    invite_token         TEXT    NOT NULL,
    email                TEXT    NOT NULL CHECK (length(CAST(email AS BLOB)) BETWEEN 3 AND 254),
    email_key            TEXT    NOT NULL,
    status               TEXT    NOT NULL
                                 CHECK (status IN ('pending', 'accepted', 'revoked', 'expired')),
    platform_link        TEXT    CHECK (length(platform_link) BETWEEN 1 AND 2048),
    inviter_uid          TEXT    NOT NULL,
    inviter_email        TEXT    NOT NULL,
    inviter_display_name TEXT,
    created_at           INTEGER NOT NULL,
    expires_at           INTEGER NOT NULL,
    version              INTEGER NOT NULL DEFAULT 1,
    accepted_at          INTEGER CHECK ((accepted_at IS NOT NULL) = (status = 'accepted')),
    PRIMARY KEY (org_id, invite_token)
) WITHOUT ROWID;

CREATE UNIQUE INDEX invitations_pending ON invitations (org_id, email_key)
    WHERE status = 'pending';

CREATE INDEX invitations_by_status ON invitations (org_id, status, invite_token, expires_at);

CREATE INDEX invitations_by_email ON invitations (org_id, email_key, invite_token);

-- What accepts an invitation, known here by its SHA-256 alone. Each answer and
-- each mail has a secret of its own; all of them hold until the invitation ends.
CREATE TABLE invitation_secrets (
    org_id        INTEGER NOT NULL,
    secret_sha256 TEXT    NOT NULL CHECK (length(secret_sha256) = 64),
    invite_token  TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (org_id, secret_sha256),
    FOREIGN KEY (org_id, invite_token) REFERENCES invitations (org_id, invite_token)
        ON DELETE CASCADE
) WITHOUT ROWID;

CREATE INDEX invitation_secrets_by_invitation ON invitation_secrets (org_id, invite_token);

-- Mail that is to go out, and when it is tried next. It holds no secret: that is
-- made when the mail is written. The number of attempts tells one claim of a row
-- from another.
CREATE TABLE outgoing_mail (
    org_id          INTEGER NOT NULL,
    invite_token    TEXT    NOT NULL,
    mail_uid        TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (org_id, invite_token),
    FOREIGN KEY (org_id, invite_token) REFERENCES invitations (org_id, invite_token)
        ON DELETE CASCADE
) WITHOUT ROWID;

CREATE INDEX outgoing_mail_by_next_attempt ON outgoing_mail (next_attempt_at);

-- reported: 1 where an application told of it, 0 where the server counted it.
-- user_uid is that of a user or of a caller in admins_seen; it stays when the
-- user is deleted.
CREATE TABLE sessions (
    org_id       INTEGER NOT NULL REFERENCES organizations (org_id),
    session_uid  TEXT    NOT NULL,
    user_uid     TEXT    NOT NULL CHECK (length(user_uid) BETWEEN 1 AND 128),
    activity     TEXT    NOT NULL CHECK (length(activity) BETWEEN 1 AND 128),
    started_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL CHECK (last_used_at >= started_at),
    reported     INTEGER NOT NULL DEFAULT 0 CHECK (reported IN (0, 1)),
    PRIMARY KEY (org_id, session_uid)
) WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (org_id, user_uid, activity, last_used_at);

CREATE INDEX sessions_by_activity ON sessions (org_id, activity, session_uid);

CREATE INDEX sessions_by_started_at ON sessions (org_id, started_at, session_uid);

CREATE TRIGGER sessions_inserted AFTER INSERT ON sessions BEGIN
    UPDATE organization_counts SET session_count = session_count + 1 WHERE org_id = NEW.org_id;
END;

CREATE TRIGGER sessions_deleted AFTER DELETE ON sessions BEGIN
    UPDATE organization_counts SET session_count = session_count - 1 WHERE org_id = OLD.org_id;
END;

-- What sessions were in, each once, so that nobody has to look through them all.
CREATE TABLE activities (
    org_id       INTEGER NOT NULL REFERENCES organizations (org_id),
    activity     TEXT    NOT NULL CHECK (length(activity) BETWEEN 1 AND 128),
    last_used_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, activity)
) WITHOUT ROWID;

-- The first answer to a request that came with an Idempotency-Key.
CREATE TABLE idempotency_keys (
    org_id         INTEGER NOT NULL REFERENCES organizations (org_id),
    identity       TEXT    NOT NULL,
    idempotency_key TEXT   NOT NULL,
    request_sha256 TEXT    NOT NULL CHECK (length(request_sha256) = 64),
    status         INTEGER NOT NULL,
    location       TEXT,
    etag           TEXT,
    body           TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    PRIMARY KEY (org_id, identity, idempotency_key)
) WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_created_at ON idempotency_keys (created_at);

-- An event's uid begins with its time. The key of an actor is that of the
-- identity.
CREATE TABLE audit_events (
    org_id         INTEGER NOT NULL REFERENCES organizations (org_id),
    event_uid      TEXT    NOT NULL,
    at             INTEGER NOT NULL,
    actor_identity TEXT    NOT NULL,
    actor_key      TEXT    NOT NULL,
    actor_uid      TEXT,
    actor_role     TEXT    NOT NULL,
    remote_addr    TEXT    NOT NULL,
    action         TEXT    NOT NULL,
    target         TEXT    NOT NULL,
    before_json    TEXT,
    after_json     TEXT,
    PRIMARY KEY (org_id, event_uid)
) WITHOUT ROWID;

CREATE INDEX audit_events_by_actor ON audit_events (org_id, actor_key, event_uid);

CREATE INDEX audit_events_by_action ON audit_events (org_id, action, event_uid);

CREATE INDEX audit_events_by_target ON audit_events (org_id, target, event_uid);

CREATE TRIGGER audit_events_not_updated BEFORE UPDATE ON audit_events BEGIN
    SELECT RAISE(ABORT, 'audit events are append-only');
END;

CREATE TRIGGER audit_events_not_deleted BEFORE DELETE ON audit_events BEGIN
    SELECT RAISE(ABORT, 'audit events are append-only');
END;

-- What the planner is to think of the sizes of tables and of how many rows share
-- the first columns of an index. Not knowing it takes every organization for a
-- small one, and looks through all of it rather than use an index and sort.
ANALYZE schema_version;

DELETE FROM sqlite_stat1;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('users', 'users', '1000000 1000000 1'),
    ('users', 'users_by_email', '1000000 1000000 1'),
    ('users', 'users_by_display_name', '1000000 1000000 10 1'),
    ('users', 'users_by_created_at', '1000000 1000000 10 1'),
    ('users', 'users_by_updated_at', '1000000 1000000 10 1'),
    ('users', 'users_by_phone', '1000000 1000000 2'),
    ('users', 'users_by_active', '1000000 1000000 500000 1'),
    ('sub_admins', 'sub_admins', '1000 1000 1'),
    ('invitations', 'invitations', '10000 10000 1'),
    ('invitations', 'invitations_pending', '1000 1000 1'),
    ('invitations', 'invitations_by_status', '10000 10000 1000 1 1'),
    ('invitations', 'invitations_by_email', '10000 10000 2 1'),
    ('sessions', 'sessions', '1000000 1000000 1'),
    ('sessions', 'sessions_by_user', '1000000 1000000 100 10 1 1'),
    ('sessions', 'sessions_by_activity', '1000000 1000000 10000 1'),
    ('sessions', 'sessions_by_started_at', '1000000 1000000 10 1'),
    ('audit_events', 'audit_events', '1000000 1000000 1'),
    ('audit_events', 'audit_events_by_actor', '1000000 1000000 10000 1'),
    ('audit_events', 'audit_events_by_action', '1000000 1000000 100000 1'),
    ('audit_events', 'audit_events_by_target', '1000000 1000000 5 1');

ANALYZE sqlite_master;

INSERT INTO organizations (name, created_at)
VALUES ('default', CAST(strftime('%s', 'now') AS INTEGER) * 1000);

INSERT INTO schema_version (version, applied_at)
VALUES (1, CAST(strftime('%s', 'now') AS INTEGER) * 1000);
