-- mod_usermgmt on PostgreSQL 13 or later, schema version 2, on top of version 1.
-- The invitations of an organization in the order in which they end: those that
-- ended long ago are deleted, and those that hold are counted, without a look at
-- all the others.

CREATE INDEX invitations_by_expires_at ON invitations (org_id, expires_at, status);

INSERT INTO schema_version (version, applied_at)
VALUES (2, CAST(EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000 AS BIGINT));
