-- Licensed under the Apache License, Version 2.0; see the file LICENSE.
--
-- The statements that control a transaction. PostgreSQL does not prepare them, so
-- `usermgmtctl schema verify` does not try them: no other statement belongs here.

-- The text of a statement that a database does not need. It is never run.
-- fragment: not_here
SELECT 1

-- name: begin
BEGIN

-- name: begin (sqlite)
BEGIN IMMEDIATE

-- name: commit
COMMIT

-- name: rollback
ROLLBACK

-- name: savepoint
SAVEPOINT um_change

-- name: savepoint_release
RELEASE SAVEPOINT um_change

-- name: savepoint_rollback
ROLLBACK TO SAVEPOINT um_change
