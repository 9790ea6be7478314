-- mod_usermgmt on PostgreSQL 13 or later, schema version 3, on top of version 2.
-- API keys, and columns that tie an audit event to its request in other logs; a way
-- to delete and change audit events on purpose.

-- A key is found by its id, whichever organization it is of. Its secret is known here by its
-- SHA-256 alone. The old one holds until old_until. Permissions and networks (allow_from) are
-- texts with blanks between; an expires_at of NULL is never. A revoked key keeps its row.
-- An id is unique by an index of hashes: one in order would also be taken for lists of an
-- organization, and lead through the keys of all others.
CREATE TABLE api_keys (
    org_id            BIGINT NOT NULL REFERENCES organizations (org_id),
    key_id            TEXT COLLATE "C" NOT NULL CHECK (length(key_id) = 12),
    name              TEXT COLLATE "C" NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
    role              TEXT COLLATE "C" NOT NULL CHECK (role IN ('admin', 'none')),
    permissions       TEXT COLLATE "C" NOT NULL CHECK (length(permissions) <= 1024),
    secret_sha256     TEXT COLLATE "C" NOT NULL CHECK (length(secret_sha256) = 64),
    old_secret_sha256 TEXT COLLATE "C" CHECK (length(old_secret_sha256) = 64),
    old_until         BIGINT,
    allow_from        TEXT COLLATE "C" CHECK (length(allow_from) BETWEEN 1 AND 2048),
    created_at        BIGINT NOT NULL,
    created_by        TEXT COLLATE "C" NOT NULL,
    expires_at        BIGINT,
    revoked_at        BIGINT,
    last_used_at      BIGINT,
    last_used_addr    TEXT COLLATE "C",
    CHECK ((old_until IS NULL) = (old_secret_sha256 IS NULL)),
    PRIMARY KEY (org_id, key_id),
    CONSTRAINT api_keys_by_key_id EXCLUDE USING hash (key_id WITH =)
);

-- NULL in events of before, and where there is none.
ALTER TABLE audit_events
    ADD COLUMN request_id TEXT COLLATE "C",
    ADD COLUMN trace_id TEXT COLLATE "C";

-- An audit event is deleted, or what tells of a person is taken out of it, on purpose alone: by
-- a transaction that sets usermgmt.audit_permit for itself. Whoever may
-- write to the tables can do that: it guards against accidents.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (TG_OP, current_setting('usermgmt.audit_permit', TRUE))
        IN (('DELETE', 'prune'), ('UPDATE', 'erase')) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'audit events are append-only';
END $$;

-- Who invited is erased without a look at all invitations.
CREATE INDEX invitations_by_inviter ON invitations (org_id, inviter_uid);

INSERT INTO schema_version (version, applied_at)
VALUES (3, CAST(EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000 AS BIGINT));
