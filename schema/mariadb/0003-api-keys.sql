-- mod_usermgmt on MariaDB 10.6 or later and MySQL 8.0.17 or later, schema version 3,
-- on top of version 2.
-- Each statement that changes the schema commits by itself, so all of them can be
-- run again, and the version comes last. (MySQL has no IF NOT EXISTS for columns: there
-- those that were added are to be dropped first.)
-- API keys, and columns that tie an audit event to its request in other logs; a way
-- to delete and change audit events on purpose.

-- A key is found by its id, whichever organization it is of. Its secret is known here by its
-- SHA-256 alone. The old one holds until old_until. Permissions and networks (allow_from) are
-- texts with blanks between; an expires_at of NULL is never. A revoked key keeps its row.
CREATE TABLE IF NOT EXISTS api_keys (
    org_id            BIGINT          NOT NULL,
    key_id            VARBINARY(12)   NOT NULL CHECK (LENGTH(key_id) = 12),
    name              VARCHAR(128)    NOT NULL CHECK (name <> ''),
    role              VARCHAR(16)     NOT NULL CHECK (role IN ('admin', 'none')),
    permissions       VARBINARY(1024) NOT NULL,
    secret_sha256     VARBINARY(64)   NOT NULL CHECK (LENGTH(secret_sha256) = 64),
    old_secret_sha256 VARBINARY(64)   CHECK (LENGTH(old_secret_sha256) = 64),
    old_until         BIGINT,
    allow_from        VARBINARY(2048) CHECK (LENGTH(allow_from) >= 1),
    created_at        BIGINT          NOT NULL,
    created_by        VARCHAR(512)    NOT NULL,
    expires_at        BIGINT,
    revoked_at        BIGINT,
    last_used_at      BIGINT,
    last_used_addr    VARCHAR(64),
    CHECK ((old_until IS NULL) = (old_secret_sha256 IS NULL)),
    PRIMARY KEY (org_id, key_id),
    UNIQUE INDEX api_keys_by_key_id (key_id),
    FOREIGN KEY (org_id) REFERENCES organizations (org_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;

-- NULL in events of before, and where there is none.
ALTER TABLE audit_events
    ADD COLUMN /*M! IF NOT EXISTS */ request_id VARCHAR(128),
    ADD COLUMN /*M! IF NOT EXISTS */ trace_id VARCHAR(32);

-- An audit event is deleted, or what tells of a person is taken out of it, on purpose alone: by
-- a transaction that puts a row here before, and deletes it after. Whoever may
-- write to the tables can do that: it guards against accidents.
-- A row that the constraint refuses ends the statement without it. (The client would cut a
-- trigger with IF at its semicolons.)
CREATE TABLE IF NOT EXISTS audit_permits (
    permit_id BIGINT        NOT NULL PRIMARY KEY,
    purpose   VARBINARY(16) NOT NULL,
    CONSTRAINT `audit events are append-only` CHECK (purpose IN ('prune', 'erase'))
) ENGINE = InnoDB;

DROP TRIGGER IF EXISTS audit_events_not_updated;

CREATE TRIGGER audit_events_not_updated BEFORE UPDATE ON audit_events FOR EACH ROW
INSERT INTO audit_permits (permit_id, purpose)
SELECT -CONNECTION_ID(), 'refused' WHERE NOT EXISTS
(SELECT 1 FROM audit_permits WHERE permit_id = CONNECTION_ID() AND purpose = 'erase');

DROP TRIGGER IF EXISTS audit_events_not_deleted;

CREATE TRIGGER audit_events_not_deleted BEFORE DELETE ON audit_events FOR EACH ROW
INSERT INTO audit_permits (permit_id, purpose)
SELECT -CONNECTION_ID(), 'refused' WHERE NOT EXISTS
(SELECT 1 FROM audit_permits WHERE permit_id = CONNECTION_ID() AND purpose = 'prune');

-- Who invited is erased without a look at all invitations.
CREATE INDEX /*M! IF NOT EXISTS */ invitations_by_inviter
ON invitations (org_id, inviter_uid);

INSERT INTO schema_version (version, applied_at)
VALUES (3, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED));
