-- mod_usermgmt on SQLite 3.26 or later, schema version 2, on top of version 1.
-- The invitations of an organization in the order in which they end: those that
-- ended long ago are deleted, and those that hold are counted, without a look at
-- all the others.

CREATE INDEX invitations_by_expires_at ON invitations (org_id, expires_at, status);

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('invitations', 'invitations_by_expires_at', '10000 10000 2 1 1');

ANALYZE sqlite_master;

INSERT INTO schema_version (version, applied_at)
VALUES (2, CAST(strftime('%s', 'now') AS INTEGER) * 1000);
