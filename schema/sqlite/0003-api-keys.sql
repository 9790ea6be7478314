-- mod_usermgmt on SQLite 3.26 or later, schema version 3, on top of version 2.
-- API keys, and columns that tie an audit event to its request in other logs; a way
-- to delete and change audit events on purpose.

-- A key is found by its id, whichever organization it is of. Its secret is known here by its
-- SHA-256 alone. The old one holds until old_until. Permissions and networks (allow_from) are
-- texts with blanks between; an expires_at of NULL is never. A revoked key keeps its row.
CREATE TABLE api_keys (
    org_id            INTEGER NOT NULL REFERENCES organizations (org_id),
    key_id            TEXT    NOT NULL CHECK (length(key_id) = 12),
    name              TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
    role              TEXT    NOT NULL CHECK (role IN ('admin', 'none')),
    permissions       TEXT    NOT NULL CHECK (length(permissions) <= 1024),
    secret_sha256     TEXT    NOT NULL CHECK (length(secret_sha256) = 64),
    old_secret_sha256 TEXT    CHECK (length(old_secret_sha256) = 64),
    old_until         INTEGER CHECK ((old_until IS NULL) = (old_secret_sha256 IS NULL)),
    allow_from        TEXT    CHECK (length(allow_from) BETWEEN 1 AND 2048),
    created_at        INTEGER NOT NULL,
    created_by        TEXT    NOT NULL,
    expires_at        INTEGER,
    revoked_at        INTEGER,
    last_used_at      INTEGER,
    last_used_addr    TEXT,
    PRIMARY KEY (org_id, key_id)
) WITHOUT ROWID;

CREATE UNIQUE INDEX api_keys_by_key_id ON api_keys (key_id);

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('api_keys', 'api_keys', '1000 100 1'),
    ('api_keys', 'api_keys_by_key_id', '1000 1');

-- NULL in events of before, and where there is none.
ALTER TABLE audit_events ADD COLUMN request_id TEXT;

ALTER TABLE audit_events ADD COLUMN trace_id TEXT;

-- An audit event is deleted, or what tells of a person is taken out of it, on purpose alone: by
-- a transaction that puts a row here before, and deletes it after. Whoever may
-- write to the tables can do that: it guards against accidents.
CREATE TABLE audit_permits (
    permit_id INTEGER NOT NULL PRIMARY KEY,
    purpose   TEXT    NOT NULL CHECK (purpose IN ('prune', 'erase'))
);

DROP TRIGGER audit_events_not_updated;

CREATE TRIGGER audit_events_not_updated BEFORE UPDATE ON audit_events
WHEN NOT EXISTS (SELECT 1 FROM audit_permits WHERE purpose = 'erase') BEGIN
    SELECT RAISE(ABORT, 'audit events are append-only');
END;

DROP TRIGGER audit_events_not_deleted;

CREATE TRIGGER audit_events_not_deleted BEFORE DELETE ON audit_events
WHEN NOT EXISTS (SELECT 1 FROM audit_permits WHERE purpose = 'prune') BEGIN
    SELECT RAISE(ABORT, 'audit events are append-only');
END;

-- Who invited is erased without a look at all invitations.
CREATE INDEX invitations_by_inviter ON invitations (org_id, inviter_uid);

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('invitations', 'invitations_by_inviter', '10000 10000 100 1');

ANALYZE sqlite_master;

INSERT INTO schema_version (version, applied_at)
VALUES (3, CAST(strftime('%s', 'now') AS INTEGER) * 1000);
