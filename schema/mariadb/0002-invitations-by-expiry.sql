-- mod_usermgmt on MariaDB 10.6 or later and MySQL 8.0.17 or later, schema version 2,
-- on top of version 1.
-- Each statement that changes the schema commits by itself, so all of them can be
-- run again, and the version comes last. (MySQL has no IF NOT EXISTS for it: there
-- the index is to be dropped first.)
-- The invitations of an organization in the order in which they end: those that
-- ended long ago are deleted, and those that hold are counted, without a look at
-- all the others.

CREATE INDEX /*M! IF NOT EXISTS */ invitations_by_expires_at
ON invitations (org_id, expires_at, status);

INSERT INTO schema_version (version, applied_at)
VALUES (2, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED));
