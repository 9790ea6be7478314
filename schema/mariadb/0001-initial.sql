-- mod_usermgmt on MariaDB 10.6 or later and MySQL 8.0.17 or later, schema version 1.
-- /*M! is for MariaDB alone, /*!80017 for MySQL alone: MariaDB passes over 50700 to
-- 99999.
-- A statement ends where a blank line follows. Times are milliseconds since
-- 1970-01-01T00:00:00Z. Text compares by bytes: what is looked up or ordered by
-- is VARBINARY (UTF-8, as the module writes it), since an index has room for no
-- more than 3,072 bytes and a utf8mb4 character counts as four; the rest has a
-- NO PAD collation, as utf8mb4_bin passes over blanks at the end. No column
-- that the module reads is longer than apr_dbd's buffer or of a type without
-- length.

CREATE TABLE schema_version (
    version    BIGINT NOT NULL PRIMARY KEY,
    applied_at BIGINT NOT NULL
) ENGINE = InnoDB;

CREATE TABLE organizations (
    org_id       BIGINT         NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name         VARBINARY(1020) NOT NULL UNIQUE
                 CHECK (CHAR_LENGTH(CONVERT(name USING utf8mb4)) BETWEEN 1 AND 255),
    payment_type VARCHAR(64)    NOT NULL DEFAULT 'free' CHECK (payment_type <> ''),
    created_at   BIGINT         NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;

-- An organization's counts are the sums of its rows: each change adds a row
-- (the triggers below do, whoever makes the change), so that no row is updated
-- by all; now and then the module makes one row of many.
CREATE TABLE organization_counts (
    count_id        BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    org_id          BIGINT NOT NULL,
    user_count      BIGINT NOT NULL DEFAULT 0,
    sub_admin_count BIGINT NOT NULL DEFAULT 0,
    session_count   BIGINT NOT NULL DEFAULT 0,
    INDEX organization_counts_by_org_id (org_id),
    FOREIGN KEY (org_id) REFERENCES organizations (org_id)
) ENGINE = InnoDB;

CREATE TABLE users (
    org_id              BIGINT           NOT NULL,
    user_uid            VARBINARY(128)   NOT NULL CHECK (user_uid <> ''),
    email               VARCHAR(254)     NOT NULL CHECK (OCTET_LENGTH(email) BETWEEN 3 AND 254),
    email_key           VARBINARY(352)   NOT NULL,
    display_name        VARCHAR(256)     NOT NULL CHECK (display_name <> ''),
    display_name_folded VARBINARY(2048)  NOT NULL,
    phone               VARBINARY(32)    CHECK (LENGTH(phone) >= 3),
    attributes          VARBINARY(16384) NOT NULL CHECK (LENGTH(attributes) >= 2),
    active              TINYINT          NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    created_at          BIGINT           NOT NULL,
    updated_at          BIGINT           NOT NULL,
    version             BIGINT           NOT NULL DEFAULT 1,
    PRIMARY KEY (org_id, user_uid),
    UNIQUE INDEX users_by_email (org_id, email_key),
    INDEX users_by_display_name (org_id, display_name_folded, user_uid),
    INDEX users_by_created_at (org_id, created_at, user_uid),
    INDEX users_by_updated_at (org_id, updated_at, user_uid),
    INDEX users_by_phone (org_id, phone),
    INDEX users_by_active (org_id, active, user_uid),
    FOREIGN KEY (org_id) REFERENCES organizations (org_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;

CREATE TABLE sub_admins (
    org_id     BIGINT         NOT NULL,
    user_uid   VARBINARY(128) NOT NULL,
    added_by   VARCHAR(512)   NOT NULL,
    created_at BIGINT         NOT NULL,
    PRIMARY KEY (org_id, user_uid),
    FOREIGN KEY (org_id, user_uid) REFERENCES users (org_id, user_uid)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;

-- Callers who have their role from the server's configuration: the key of the
-- identity, the uid that stands for it, the role it last came with.
CREATE TABLE admins_seen (
    org_id        BIGINT         NOT NULL,
    identity      VARBINARY(513) NOT NULL,
    user_uid      VARBINARY(128) NOT NULL,
    role          VARCHAR(16)    NOT NULL CHECK (role IN ('admin', 'sub_admin', 'none')),
    first_seen_at BIGINT         NOT NULL,
    PRIMARY KEY (org_id, identity),
    FOREIGN KEY (org_id) REFERENCES organizations (org_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;

-- One that is past expires_at counts as expired whatever its status says. There
-- are no partial indexes: pending_email_key is NULL where it must not clash.
-- It is stored: purge may compute an indexed virtual column before the server is
-- up, and then crashes (MDEV-39261), or never ends (mariadbd --wsrep-recover).
CREATE TABLE invitations (
    org_id               BIGINT          NOT NULL,
    invite_token         VARBINARY(128)  NOT NULL,
    email                VARCHAR(254)    NOT NULL CHECK (OCTET_LENGTH(email) BETWEEN 3 AND 254),
    email_key            VARBINARY(352)  NOT NULL,
    status               VARBINARY(16)   NOT NULL
                         CHECK (status IN ('pending', 'accepted', 'revoked', 'expired')),
    platform_link        VARCHAR(2048)   CHECK (platform_link <> ''),
    inviter_uid          VARBINARY(128)  NOT NULL,
    inviter_email        VARCHAR(512)    NOT NULL,
    inviter_display_name VARCHAR(256),
    created_at           BIGINT          NOT NULL,
    expires_at           BIGINT          NOT NULL,
    version              BIGINT          NOT NULL DEFAULT 1,
    accepted_at          BIGINT,
    pending_email_key    VARBINARY(352)
                         AS (CASE WHEN status = 'pending' THEN email_key END) STORED,
    CHECK ((accepted_at IS NOT NULL) = (status = 'accepted')),
    PRIMARY KEY (org_id, invite_token),
    UNIQUE INDEX invitations_pending (org_id, pending_email_key),
    INDEX invitations_by_status (org_id, status, invite_token, expires_at),
    INDEX invitations_by_email (org_id, email_key, invite_token),
    FOREIGN KEY (org_id) REFERENCES organizations (org_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;

-- What accepts an invitation, known here by its SHA-256 alone. Each answer and
-- each mail has a secret of its own; all of them hold until the invitation ends.
CREATE TABLE invitation_secrets (
    org_id        BIGINT         NOT NULL,
    secret_sha256 VARBINARY(64)  NOT NULL CHECK (LENGTH(secret_sha256) = 64),
    invite_token  VARBINARY(128) NOT NULL,
    created_at    BIGINT         NOT NULL,
    PRIMARY KEY (org_id, secret_sha256),
    INDEX invitation_secrets_by_invitation (org_id, invite_token),
    FOREIGN KEY (org_id, invite_token) REFERENCES invitations (org_id, invite_token)
        ON DELETE CASCADE
) ENGINE = InnoDB;

-- Mail that is to go out, and when it is tried next. It holds no secret: that is
-- made when the mail is written. The number of attempts tells one claim of a row
-- from another.
CREATE TABLE outgoing_mail (
    org_id          BIGINT         NOT NULL,
    invite_token    VARBINARY(128) NOT NULL,
    mail_uid        VARBINARY(128) NOT NULL,
    created_at      BIGINT         NOT NULL,
    next_attempt_at BIGINT         NOT NULL,
    attempts        BIGINT         NOT NULL DEFAULT 0,
    PRIMARY KEY (org_id, invite_token),
    INDEX outgoing_mail_by_next_attempt (next_attempt_at),
    FOREIGN KEY (org_id, invite_token) REFERENCES invitations (org_id, invite_token)
        ON DELETE CASCADE
) ENGINE = InnoDB;

-- reported: 1 where an application told of it, 0 where the server counted it.
-- user_uid is that of a user or of a caller in admins_seen; it stays when the
-- user is deleted.
CREATE TABLE sessions (
    org_id       BIGINT         NOT NULL,
    session_uid  VARBINARY(128) NOT NULL,
    user_uid     VARBINARY(128) NOT NULL CHECK (user_uid <> ''),
    activity     VARBINARY(512) NOT NULL
                 CHECK (CHAR_LENGTH(CONVERT(activity USING utf8mb4)) BETWEEN 1 AND 128),
    started_at   BIGINT         NOT NULL,
    last_used_at BIGINT         NOT NULL,
    reported     BIGINT         NOT NULL DEFAULT 0 CHECK (reported IN (0, 1)),
    CHECK (last_used_at >= started_at),
    PRIMARY KEY (org_id, session_uid),
    INDEX sessions_by_user (org_id, user_uid, activity, last_used_at),
    INDEX sessions_by_activity (org_id, activity, session_uid),
    INDEX sessions_by_started_at (org_id, started_at, session_uid),
    FOREIGN KEY (org_id) REFERENCES organizations (org_id)
) ENGINE = InnoDB;

-- What sessions were in, each once, so that nobody has to look through them all.
CREATE TABLE activities (
    org_id       BIGINT         NOT NULL,
    activity     VARBINARY(512) NOT NULL
                 CHECK (CHAR_LENGTH(CONVERT(activity USING utf8mb4)) BETWEEN 1 AND 128),
    last_used_at BIGINT         NOT NULL,
    PRIMARY KEY (org_id, activity),
    FOREIGN KEY (org_id) REFERENCES organizations (org_id)
) ENGINE = InnoDB;

-- The first answer to a request that came with an Idempotency-Key.
CREATE TABLE idempotency_keys (
    org_id          BIGINT           NOT NULL,
    identity        VARBINARY(513)   NOT NULL,
    idempotency_key VARBINARY(255)   NOT NULL,
    request_sha256  VARBINARY(64)    NOT NULL CHECK (LENGTH(request_sha256) = 64),
    status          BIGINT           NOT NULL,
    location        VARCHAR(2048),
    etag            VARCHAR(255),
    body            VARBINARY(32768) NOT NULL,
    created_at      BIGINT           NOT NULL,
    PRIMARY KEY (org_id, identity, idempotency_key),
    INDEX idempotency_keys_by_created_at (created_at),
    FOREIGN KEY (org_id) REFERENCES organizations (org_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;

-- An event's uid begins with its time. The key of an actor is that of the
-- identity.
CREATE TABLE audit_events (
    org_id         BIGINT         NOT NULL,
    event_uid      VARBINARY(128) NOT NULL,
    at             BIGINT         NOT NULL,
    actor_identity VARCHAR(512)   NOT NULL,
    actor_key      VARBINARY(513) NOT NULL,
    actor_uid      VARBINARY(128),
    actor_role     VARCHAR(16)    NOT NULL,
    remote_addr    VARCHAR(64)    NOT NULL,
    action         VARBINARY(64)  NOT NULL,
    target         VARBINARY(512) NOT NULL,
    before_json    VARBINARY(24576),
    after_json     VARBINARY(24576),
    PRIMARY KEY (org_id, event_uid),
    INDEX audit_events_by_actor (org_id, actor_key, event_uid),
    INDEX audit_events_by_action (org_id, action, event_uid),
    INDEX audit_events_by_target (org_id, target, event_uid),
    FOREIGN KEY (org_id) REFERENCES organizations (org_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;

CREATE TRIGGER users_inserted AFTER INSERT ON users FOR EACH ROW
INSERT INTO organization_counts (org_id, user_count) VALUES (NEW.org_id, 1);

CREATE TRIGGER users_deleted AFTER DELETE ON users FOR EACH ROW
INSERT INTO organization_counts (org_id, user_count) VALUES (OLD.org_id, -1);

-- A foreign key's cascade would pass by the trigger that counts.
CREATE TRIGGER users_deleting BEFORE DELETE ON users FOR EACH ROW
DELETE FROM sub_admins WHERE org_id = OLD.org_id AND user_uid = OLD.user_uid;

CREATE TRIGGER sub_admins_inserted AFTER INSERT ON sub_admins FOR EACH ROW
INSERT INTO organization_counts (org_id, sub_admin_count) VALUES (NEW.org_id, 1);

CREATE TRIGGER sub_admins_deleted AFTER DELETE ON sub_admins FOR EACH ROW
INSERT INTO organization_counts (org_id, sub_admin_count) VALUES (OLD.org_id, -1);

CREATE TRIGGER sessions_inserted AFTER INSERT ON sessions FOR EACH ROW
INSERT INTO organization_counts (org_id, session_count) VALUES (NEW.org_id, 1);

CREATE TRIGGER sessions_deleted AFTER DELETE ON sessions FOR EACH ROW
INSERT INTO organization_counts (org_id, session_count) VALUES (OLD.org_id, -1);

CREATE TRIGGER audit_events_not_updated BEFORE UPDATE ON audit_events FOR EACH ROW
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit events are append-only';

CREATE TRIGGER audit_events_not_deleted BEFORE DELETE ON audit_events FOR EACH ROW
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit events are append-only';

INSERT INTO organizations (name, created_at)
VALUES ('default', CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED));

INSERT INTO schema_version (version, applied_at)
VALUES (1, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED));
