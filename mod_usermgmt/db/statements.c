/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file statements.c All SQL of the module, see statements.h. */

#include "statements.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/text.h"
#include "../base/uid.h"
#include "list_path.h"

/* The order of columns is that of um_store_users_read() in store_users.c. */
#define USER_COLUMNS                                                                            \
    "u.user_uid, u.email, u.display_name, COALESCE(u.phone, ''),"                               \
    " CASE WHEN s.user_uid IS NULL THEN 0 ELSE 1 END,"                                          \
    " u.created_at, u.updated_at, u.version, u.attributes, u.active"

#define SUB_ADMIN_OF_USER " sub_admins s ON s.org_id = u.org_id AND s.user_uid = u.user_uid"
#define USER_OF_SUB_ADMIN " users u ON u.org_id = s.org_id AND u.user_uid = s.user_uid"

#define USERS_WITH_ROLE " FROM users u LEFT JOIN" SUB_ADMIN_OF_USER
#define SUB_ADMINS " FROM sub_admins s JOIN" USER_OF_SUB_ADMIN

/* The order of columns is that of um_store_invitations_read() in store_invitations.c. */
#define INVITATION_COLUMNS                                                                      \
    "i.invite_token, i.email, i.status, COALESCE(i.platform_link, ''), i.inviter_uid,"           \
    " i.inviter_email, COALESCE(i.inviter_display_name, ''), i.created_at, i.expires_at,"        \
    " COALESCE(i.accepted_at, 0)"

/* The order of columns is that of um_store_audit_read() in store_records.c. */
#define AUDIT_EVENT_COLUMNS                                                                     \
    "e.event_uid, e.at, e.actor_identity, COALESCE(e.actor_uid, ''), e.actor_role,"              \
    " e.remote_addr, e.action, e.target, COALESCE(e.before_json, ''), COALESCE(e.after_json, '')"

#define ORGANIZATION_COLUMNS "org_id, name, payment_type, created_at"

#define USER_BY_UID                                                                             \
    "SELECT " USER_COLUMNS USERS_WITH_ROLE " WHERE u.org_id = %lld AND u.user_uid = %s"

#define USER_ACTIVE_BY_EMAIL                                                                    \
    "SELECT active FROM users WHERE org_id = %lld AND email_key = %s"

/* One who has the rights. */
#define SUB_ADMIN_BY_EMAIL                                                                      \
    "SELECT 1" SUB_ADMINS " WHERE u.org_id = %lld AND u.email_key = %s AND u.active = 1"

#define INVITATION_BY_TOKEN                                                                     \
    "SELECT " INVITATION_COLUMNS " FROM invitations i"                                          \
    " WHERE i.org_id = %lld AND i.invite_token = %s"

#define INVITATION_BY_SECRET                                                                    \
    "SELECT " INVITATION_COLUMNS ", x.secret_sha256"                                            \
    " FROM invitation_secrets x JOIN invitations i"                                             \
    " ON i.org_id = x.org_id AND i.invite_token = x.invite_token"                               \
    " WHERE x.org_id = %lld AND x.secret_sha256 = %s"

/* The invitation in force for an address, if there is one. MariaDB has a column for
 * it, and finds it by that alone. */
#define PENDING_TO(alias) alias "email_key = %s AND " alias "status = 'pending'"

#define EXPIRE_INVITATION(pending)                                                              \
    "UPDATE invitations SET status = 'expired'"                                                 \
    " WHERE org_id = %lld AND " pending " AND expires_at <= %lld"

/* An update that depends on other rows of its table. MySQL takes it only where they
 * are a table of their own, whose rows it puts aside first. */
#define UNLESS(others) " AND NOT EXISTS (SELECT 1 FROM " others ")"
#define ASIDE(rows) "/*!80017 (SELECT 1 FROM */ " rows " /*!80017 LIMIT 1) aside */"

#define UPDATE_USER(others)                                                                     \
    "UPDATE users SET email = %s, email_key = %s,"                                              \
    " display_name = %s, display_name_folded = %s, phone = %s,"                                 \
    " attributes = %s, active = %lld, updated_at = %lld, version = version + 1"                 \
    " WHERE org_id = %lld AND user_uid = %s AND version = %lld" UNLESS(others)

#define OTHERS_WITH_EMAIL                                                                       \
    "users other WHERE other.org_id = %lld AND other.email_key = %s"                            \
    " AND other.user_uid <> %s"

#define RENEW_INVITATION(others)                                                                \
    "UPDATE invitations SET status = 'pending', expires_at = %lld, version = version + 1"       \
    " WHERE org_id = %lld AND invite_token = %s AND status IN ('pending', 'expired')"           \
    UNLESS(others)

#define OTHERS_IN_FORCE(pending)                                                                \
    "invitations other WHERE other.org_id = %lld AND " pending " AND other.invite_token <> %s"

/* What a change decides by must stay until it ends. Not for SQLite, where there
 * is one writer. */
#define FOR_UPDATE " FOR UPDATE"

/* Stands where a database needs no such statement. SQLite's counts are one row, its COMMIT
 * is never in doubt, and it has one writer at a time, so that nothing is locked. Only
 * SQLite's library can be another than that of the module. */
#define NOT_HERE "SELECT 1"

typedef struct um_statement_t {
    const char *name;
    const char *sql;
    /** Texts for the databases that need another. */
    const char *overrides[UM_DIALECT_COUNT];
} um_statement_t;

static const um_statement_t statements[UM_STMT_COUNT] = {
    [UM_STMT_BEGIN] = { "begin",
                        "BEGIN",
                        { [UM_DIALECT_SQLITE] = "BEGIN IMMEDIATE" } },
    [UM_STMT_COMMIT] = { "commit", "COMMIT", { NULL } },
    [UM_STMT_ROLLBACK] = { "rollback", "ROLLBACK", { NULL } },
    [UM_STMT_SAVEPOINT] = { "savepoint", "SAVEPOINT um_change", { NULL } },
    [UM_STMT_SAVEPOINT_RELEASE] = { "savepoint_release", "RELEASE SAVEPOINT um_change", { NULL } },
    [UM_STMT_SAVEPOINT_ROLLBACK] = { "savepoint_rollback", "ROLLBACK TO SAVEPOINT um_change",
                                     { NULL } },
    [UM_STMT_ALIVE] = { "alive", "SELECT 1", { NULL } },
    /* Which build of SQLite it is. */
    [UM_STMT_LIBRARY] = { "library",
                          NOT_HERE,
                          { [UM_DIALECT_SQLITE] = "SELECT sqlite_source_id()" } },
    [UM_STMT_SCHEMA_EXISTS] = { "schema_exists",
                                "SELECT 1 FROM information_schema.tables"
                                " WHERE table_schema = CURRENT_SCHEMA"
                                " AND table_name = 'schema_version'",
                                { [UM_DIALECT_SQLITE] =
                                      "SELECT 1 FROM sqlite_master"
                                      " WHERE type = 'table' AND name = 'schema_version'",
                                  [UM_DIALECT_MARIADB] =
                                      "SELECT 1 FROM information_schema.tables"
                                      " WHERE table_schema = DATABASE()"
                                      " AND table_name = 'schema_version'" } },
    [UM_STMT_SCHEMA_VERSION] = { "schema_version", "SELECT MAX(version) FROM schema_version",
                                 { NULL } },
    /* Keeps other upgrades of this database away: until the transaction ends, or,
     * as MariaDB's do at the first change of the schema, the connection. */
    [UM_STMT_SCHEMA_LOCK] = { "schema_lock",
                              NOT_HERE,
                              { [UM_DIALECT_POSTGRESQL] =
                                    "SELECT 1 FROM pg_advisory_xact_lock(1970106733)",
                                [UM_DIALECT_MARIADB] =
                                    "SELECT GET_LOCK(CONCAT('usermgmt.', MD5(DATABASE())), 2)" } },
    [UM_STMT_ORGANIZATION_GET] = { "organization_get",
                                   "SELECT " ORGANIZATION_COLUMNS " FROM organizations"
                                   " WHERE name = %s",
                                   { NULL } },
    [UM_STMT_ORGANIZATION_LIST] = { "organization_list",
                                    "SELECT " ORGANIZATION_COLUMNS " FROM organizations"
                                    " WHERE name > %s ORDER BY name LIMIT %lld",
                                    { NULL } },
    [UM_STMT_ORGANIZATION_INSERT] = { "organization_insert",
                                      "INSERT INTO organizations (name, created_at)"
                                      " SELECT %s, %lld WHERE NOT EXISTS"
                                      " (SELECT 1 FROM organizations WHERE name = %s)",
                                      { NULL } },
    [UM_STMT_ORGANIZATION_SET_PAYMENT_TYPE] = { "organization_set_payment_type",
                                                "UPDATE organizations SET payment_type = %s"
                                                " WHERE org_id = %lld",
                                                { NULL } },
    /* Of an organization's counts the row with its own number, made negative, is
     * the sum of what was folded; those with a number above 0 are changes. */
    [UM_STMT_ORGANIZATION_COUNTS_WAITING] = { "organization_counts_waiting",
                                              "SELECT 1 FROM organization_counts"
                                              " WHERE count_id > 0 ORDER BY count_id"
                                              " LIMIT 1",
                                              { [UM_DIALECT_SQLITE] = NOT_HERE } },
    /* Not those that others are folding or have not committed. */
    [UM_STMT_ORGANIZATION_COUNTS_LOCK] = { "organization_counts_lock",
                                           "SELECT count_id, org_id, user_count,"
                                           " sub_admin_count, session_count"
                                           " FROM organization_counts"
                                           " WHERE count_id > 0 ORDER BY count_id"
                                           " LIMIT %lld FOR UPDATE SKIP LOCKED",
                                           { [UM_DIALECT_SQLITE] = NOT_HERE } },
    [UM_STMT_ORGANIZATION_COUNTS_DELETE] = { "organization_counts_delete",
                                             "DELETE FROM organization_counts WHERE count_id IN"
                                             " (SELECT CAST(value AS BIGINT)"
                                             " FROM json_array_elements_text(CAST(%s AS JSON)))",
                                             { [UM_DIALECT_SQLITE] = NOT_HERE,
                                               [UM_DIALECT_MARIADB] =
                                                   "DELETE c FROM JSON_TABLE(%s, '$[*]'"
                                                   " COLUMNS (count_id BIGINT PATH '$')) j"
                                                   " STRAIGHT_JOIN organization_counts c"
                                                   " ON c.count_id = j.count_id" } },
    [UM_STMT_ORGANIZATION_COUNTS_PUT] = { "organization_counts_put",
                                          "INSERT INTO organization_counts AS c (count_id,"
                                          " org_id, user_count, sub_admin_count, session_count)"
                                          " VALUES (%lld, %lld, %lld, %lld, %lld)"
                                          " ON CONFLICT (count_id) DO UPDATE SET"
                                          " user_count = c.user_count + excluded.user_count,"
                                          " sub_admin_count ="
                                          " c.sub_admin_count + excluded.sub_admin_count,"
                                          " session_count ="
                                          " c.session_count + excluded.session_count",
                                          { [UM_DIALECT_SQLITE] = NOT_HERE,
                                            [UM_DIALECT_MARIADB] =
                                                "INSERT INTO organization_counts (count_id,"
                                                " org_id, user_count, sub_admin_count,"
                                                " session_count)"
                                                " VALUES (%lld, %lld, %lld, %lld, %lld)"
                                                " ON DUPLICATE KEY UPDATE"
                                                " user_count = user_count + VALUES(user_count),"
                                                " sub_admin_count ="
                                                " sub_admin_count + VALUES(sub_admin_count),"
                                                " session_count ="
                                                " session_count + VALUES(session_count)" } },
    [UM_STMT_ORGANIZATION_STATUS] = { "organization_status",
                                      "SELECT o.name, o.payment_type, c.user_count,"
                                      " c.sub_admin_count, c.session_count,"
                                      " (SELECT COUNT(*) FROM invitations i"
                                      " WHERE i.org_id = o.org_id AND i.status = 'pending'"
                                      " AND i.expires_at > %lld)"
                                      " FROM organizations o CROSS JOIN"
                                      " (SELECT COALESCE(SUM(user_count), 0) AS user_count,"
                                      " COALESCE(SUM(sub_admin_count), 0) AS sub_admin_count,"
                                      " COALESCE(SUM(session_count), 0) AS session_count"
                                      " FROM organization_counts WHERE org_id = %lld) c"
                                      " WHERE o.org_id = %lld",
                                      { NULL } },
    [UM_STMT_ORGANIZATION_ACTIVITIES] = { "organization_activities",
                                          "SELECT activity FROM activities WHERE org_id = %lld"
                                          " ORDER BY last_used_at DESC, activity LIMIT 100",
                                          { NULL } },
    [UM_STMT_CALLER_GET] = { "caller_get",
                             "SELECT o.org_id, COALESCE(u.user_uid, ''),"
                             " CASE WHEN s.user_uid IS NULL THEN 0 ELSE 1 END,"
                             " COALESCE(u.active, 0), COALESCE(a.user_uid, ''), COALESCE(a.role, '')"
                             " FROM organizations o"
                             " LEFT JOIN users u ON u.org_id = o.org_id AND u.email_key = %s"
                             " LEFT JOIN sub_admins s ON s.org_id = u.org_id"
                             " AND s.user_uid = u.user_uid"
                             " LEFT JOIN admins_seen a ON a.org_id = o.org_id AND a.identity = %s"
                             " WHERE o.name = %s",
                             { NULL } },
    [UM_STMT_CALLER_INSERT] = { "caller_insert",
                                "INSERT INTO admins_seen"
                                " (org_id, identity, user_uid, role, first_seen_at)"
                                " SELECT %lld, %s, %s, %s, %lld WHERE NOT EXISTS (SELECT 1 FROM admins_seen"
                                " WHERE org_id = %lld AND identity = %s)",
                                { NULL } },
    [UM_STMT_CALLER_UPDATE] = { "caller_update",
                                "UPDATE admins_seen SET role = %s"
                                " WHERE org_id = %lld AND identity = %s",
                                { NULL } },
    [UM_STMT_USER_GET] = { "user_get",
                           USER_BY_UID,
                           { NULL } },
    /* Only the lock: what was found before waiting for it may be out of date, and
     * PostgreSQL reads none but the locked row again. What a change decides by is read
     * by the next statement. */
    [UM_STMT_USER_LOCK] = { "user_lock",
                            "SELECT user_uid FROM users"
                            " WHERE org_id = %lld AND user_uid = %s FOR UPDATE",
                            { [UM_DIALECT_SQLITE] = NOT_HERE } },
    [UM_STMT_USER_LOCK_BY_EMAIL] = { "user_lock_by_email",
                                     "SELECT user_uid FROM users"
                                     " WHERE org_id = %lld AND email_key = %s FOR UPDATE",
                                     { [UM_DIALECT_SQLITE] = NOT_HERE } },
    [UM_STMT_USER_GET_BY_EMAIL] = { "user_get_by_email",
                                    "SELECT " USER_COLUMNS USERS_WITH_ROLE
                                    " WHERE u.org_id = %lld AND u.email_key = %s",
                                    { NULL } },
    [UM_STMT_USER_ACTIVE_BY_EMAIL] = { "user_active_by_email",
                                       USER_ACTIVE_BY_EMAIL " LOCK IN SHARE MODE",
                                       { [UM_DIALECT_SQLITE] = USER_ACTIVE_BY_EMAIL,
                                         [UM_DIALECT_POSTGRESQL] =
                                             USER_ACTIVE_BY_EMAIL " FOR SHARE" } },
    [UM_STMT_USER_INSERT] = { "user_insert",
                              "INSERT INTO users (org_id, user_uid, email, email_key,"
                              " display_name, display_name_folded, phone, attributes, active,"
                              " created_at, updated_at)"
                              " VALUES (%lld, %s, %s, %s, %s, %s, %s, %s, %lld, %lld, %lld)"
                              " ON CONFLICT DO NOTHING",
                              { [UM_DIALECT_MARIADB] =
                                    "INSERT INTO users (org_id, user_uid, email, email_key,"
                                    " display_name, display_name_folded, phone, attributes, active,"
                                    " created_at, updated_at)"
                                    " WITH n (org_id, user_uid, email, email_key,"
                                    " display_name, display_name_folded, phone, attributes, active,"
                                    " created_at, updated_at) AS (SELECT CAST(%lld AS SIGNED),"
                                    " %s, %s, %s, %s, %s, %s, %s, %lld, %lld, %lld)"
                                    " SELECT * FROM n WHERE NOT EXISTS"
                                    " (SELECT 1 FROM users u WHERE u.org_id = n.org_id"
                                    " AND u.user_uid = n.user_uid) AND NOT EXISTS"
                                    " (SELECT 1 FROM users u WHERE u.org_id = n.org_id"
                                    " AND u.email_key = n.email_key)" } },
    [UM_STMT_USER_UPDATE] = { "user_update",
                              UPDATE_USER(OTHERS_WITH_EMAIL),
                              { [UM_DIALECT_MARIADB] =
                                    UPDATE_USER(ASIDE(OTHERS_WITH_EMAIL)) } },
    [UM_STMT_USER_TOUCH] = { "user_touch",
                             "UPDATE users SET version = version + 1"
                             " WHERE org_id = %lld AND user_uid = %s",
                             { NULL } },
    [UM_STMT_USER_DELETE] = { "user_delete",
                              "DELETE FROM users WHERE org_id = %lld AND user_uid = %s"
                              " AND version = %lld",
                              { NULL } },
    [UM_STMT_USER_IS_ADMIN] = { "user_is_admin",
                                "SELECT 1 FROM admins_seen"
                                " WHERE org_id = %lld AND identity = %s"
                                " AND role IN ('admin', 'sub_admin')",
                                { NULL } },
    [UM_STMT_USER_COUNT] = { "user_count",
                             "SELECT COALESCE(SUM(user_count), 0) FROM organization_counts"
                             " WHERE org_id = %lld",
                             { NULL } },
    [UM_STMT_SUB_ADMIN_INSERT] = { "sub_admin_insert",
                                   "INSERT INTO sub_admins (org_id, user_uid, added_by, created_at)"
                                   " VALUES (%lld, %s, %s, %lld) ON CONFLICT DO NOTHING",
                                   { [UM_DIALECT_MARIADB] =
                                         "INSERT INTO sub_admins"
                                         " (org_id, user_uid, added_by, created_at)"
                                         " WITH n (org_id, user_uid, added_by, created_at) AS"
                                         " (SELECT CAST(%lld AS SIGNED), %s, %s, %lld)"
                                         " SELECT * FROM n WHERE NOT EXISTS"
                                         " (SELECT 1 FROM sub_admins s"
                                         " WHERE s.org_id = n.org_id"
                                         " AND s.user_uid = n.user_uid)" } },
    [UM_STMT_SUB_ADMIN_GET] = { "sub_admin_get",
                                "SELECT " USER_COLUMNS ", s.added_by, s.created_at" SUB_ADMINS
                                " WHERE s.org_id = %lld AND s.user_uid = %s",
                                { NULL } },
    /* Both rows stay as they are until the transaction ends. */
    [UM_STMT_SUB_ADMIN_LOCK] = { "sub_admin_lock",
                                 SUB_ADMIN_BY_EMAIL " LOCK IN SHARE MODE",
                                 { [UM_DIALECT_SQLITE] = SUB_ADMIN_BY_EMAIL,
                                   [UM_DIALECT_POSTGRESQL] = SUB_ADMIN_BY_EMAIL " FOR SHARE" } },
    [UM_STMT_SUB_ADMIN_DELETE] = { "sub_admin_delete",
                                   "DELETE FROM sub_admins WHERE org_id = %lld AND user_uid = %s",
                                   { NULL } },
    [UM_STMT_SUB_ADMIN_COUNT] = { "sub_admin_count",
                                  "SELECT COALESCE(SUM(sub_admin_count), 0)"
                                  " FROM organization_counts WHERE org_id = %lld",
                                  { NULL } },
    [UM_STMT_INVITATION_GET] = { "invitation_get",
                                 INVITATION_BY_TOKEN FOR_UPDATE,
                                 { [UM_DIALECT_SQLITE] = INVITATION_BY_TOKEN } },
    [UM_STMT_INVITATION_GET_BY_SECRET] = { "invitation_get_by_secret",
                                           INVITATION_BY_SECRET FOR_UPDATE,
                                           { [UM_DIALECT_SQLITE] = INVITATION_BY_SECRET } },
    [UM_STMT_INVITATION_INSERT] = { "invitation_insert",
                                    "INSERT INTO invitations (org_id, invite_token, email,"
                                    " email_key, status, platform_link, inviter_uid,"
                                    " inviter_email, inviter_display_name, created_at,"
                                    " expires_at)"
                                    " VALUES (%lld, %s, %s, %s, 'pending', %s, %s, %s, %s,"
                                    " %lld, %lld) ON CONFLICT DO NOTHING",
                                    { [UM_DIALECT_MARIADB] =
                                          "INSERT INTO invitations (org_id, invite_token, email,"
                                          " email_key, status, platform_link, inviter_uid,"
                                          " inviter_email, inviter_display_name, created_at,"
                                          " expires_at)"
                                          " WITH n (org_id, invite_token, email, email_key,"
                                          " status, platform_link, inviter_uid, inviter_email,"
                                          " inviter_display_name, created_at, expires_at) AS"
                                          " (SELECT CAST(%lld AS SIGNED), %s, %s, %s,"
                                          " 'pending', %s, %s, %s, %s, %lld, %lld)"
                                          " SELECT * FROM n WHERE NOT EXISTS"
                                          " (SELECT 1 FROM invitations i"
                                          " WHERE i.org_id = n.org_id"
                                          " AND i.invite_token = n.invite_token)"
                                          " AND NOT EXISTS (SELECT 1 FROM invitations i"
                                          " WHERE i.org_id = n.org_id"
                                          " AND i.pending_email_key = n.email_key)" } },
    [UM_STMT_INVITATION_EXPIRE] = { "invitation_expire",
                                    EXPIRE_INVITATION(PENDING_TO("")),
                                    { [UM_DIALECT_MARIADB] =
                                          EXPIRE_INVITATION("pending_email_key = %s") } },
    [UM_STMT_INVITATION_RENEW] = { "invitation_renew",
                                   RENEW_INVITATION(OTHERS_IN_FORCE(PENDING_TO("other."))),
                                   { [UM_DIALECT_MARIADB] = RENEW_INVITATION(ASIDE(
                                         OTHERS_IN_FORCE("other.pending_email_key = %s"))) } },
    [UM_STMT_INVITATION_REVOKE] = { "invitation_revoke",
                                    "UPDATE invitations SET status = 'revoked'"
                                    " WHERE org_id = %lld AND invite_token = %s"
                                    " AND status IN ('pending', 'expired')",
                                    { NULL } },
    [UM_STMT_INVITATION_ACCEPT] = { "invitation_accept",
                                    "UPDATE invitations SET status = 'accepted',"
                                    " accepted_at = %lld"
                                    " WHERE org_id = %lld AND invite_token = %s"
                                    " AND status = 'pending' AND expires_at > %lld",
                                    { NULL } },
    [UM_STMT_INVITATIONS_PRUNE] = { "invitations_prune",
                                    "DELETE FROM invitations"
                                    " WHERE org_id = %lld AND expires_at <= %lld",
                                    { NULL } },
    [UM_STMT_INVITATION_SECRET_INSERT] = { "invitation_secret_insert",
                                           "INSERT INTO invitation_secrets"
                                           " (org_id, secret_sha256, invite_token, created_at)"
                                           " VALUES (%lld, %s, %s, %lld)",
                                           { NULL } },
    [UM_STMT_INVITATION_SECRETS_DELETE] = { "invitation_secrets_delete",
                                            "DELETE FROM invitation_secrets"
                                            " WHERE org_id = %lld AND invite_token = %s",
                                            { NULL } },
    [UM_STMT_SESSION_CONTINUE] = { "session_continue",
                                   "UPDATE sessions SET last_used_at = %lld WHERE org_id = %lld"
                                   " AND user_uid = %s AND activity = %s AND reported = 0"
                                   " AND last_used_at > %lld AND last_used_at < %lld",
                                   { NULL } },
    [UM_STMT_SESSION_BEGIN] = { "session_begin",
                                "INSERT INTO sessions (org_id, session_uid, user_uid, activity,"
                                " started_at, last_used_at, reported)"
                                " SELECT %lld, %s, %s, %s, %lld, %lld, 0 WHERE NOT EXISTS"
                                " (SELECT 1 FROM sessions WHERE org_id = %lld"
                                " AND user_uid = %s AND activity = %s AND reported = 0"
                                " AND last_used_at > %lld AND started_at < %lld)",
                                { NULL } },
    [UM_STMT_SESSION_INSERT] = { "session_insert",
                                 "INSERT INTO sessions (org_id, session_uid, user_uid, activity,"
                                 " started_at, last_used_at, reported)"
                                 " VALUES (%lld, %s, %s, %s, %lld, %lld, 1)",
                                 { NULL } },
    [UM_STMT_SESSION_COUNT] = { "session_count",
                                "SELECT COALESCE(SUM(session_count), 0) FROM organization_counts"
                                " WHERE org_id = %lld",
                                { NULL } },
    [UM_STMT_ACTIVITY_UPDATE] = { "activity_update",
                                  "UPDATE activities SET last_used_at = %lld WHERE org_id = %lld"
                                  " AND activity = %s AND last_used_at < %lld",
                                  { NULL } },
    [UM_STMT_ACTIVITY_INSERT] = { "activity_insert",
                                  "INSERT INTO activities (org_id, activity, last_used_at)"
                                  " SELECT %lld, %s, %lld"
                                  " WHERE NOT EXISTS (SELECT 1 FROM activities"
                                  " WHERE org_id = %lld AND activity = %s)",
                                  { NULL } },
    [UM_STMT_IDEMPOTENCY_GET] = { "idempotency_get",
                                  "SELECT request_sha256, status, COALESCE(location, ''),"
                                  " COALESCE(etag, ''), body FROM idempotency_keys"
                                  " WHERE org_id = %lld AND identity = %s"
                                  " AND idempotency_key = %s AND created_at > %lld",
                                  { NULL } },
    [UM_STMT_IDEMPOTENCY_INSERT] = { "idempotency_insert",
                                     "INSERT INTO idempotency_keys (org_id, identity,"
                                     " idempotency_key, request_sha256, status, body,"
                                     " created_at)"
                                     " SELECT %lld, %s, %s, %s, 0, '', %lld"
                                     " WHERE NOT EXISTS (SELECT 1 FROM idempotency_keys"
                                     " WHERE org_id = %lld AND identity = %s"
                                     " AND idempotency_key = %s)",
                                     { NULL } },
    [UM_STMT_IDEMPOTENCY_UPDATE] = { "idempotency_update",
                                     "UPDATE idempotency_keys SET status = %lld, location = %s,"
                                     " etag = %s, body = %s WHERE org_id = %lld"
                                     " AND identity = %s AND idempotency_key = %s",
                                     { NULL } },
    [UM_STMT_IDEMPOTENCY_PRUNE] = { "idempotency_prune",
                                    "DELETE FROM idempotency_keys WHERE created_at <= %lld",
                                    { NULL } },
    [UM_STMT_AUDIT_INSERT] = { "audit_insert",
                               "INSERT INTO audit_events (org_id, event_uid, at, actor_identity,"
                               " actor_key, actor_uid, actor_role, remote_addr, action, target,"
                               " before_json, after_json)"
                               " VALUES (%lld, %s, %lld, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                               { NULL } },
    [UM_STMT_AUDIT_HAS] = { "audit_has",
                            "SELECT 1 FROM audit_events WHERE org_id = %lld AND event_uid = %s",
                            { NULL } },
    [UM_STMT_MAIL_INSERT] = { "mail_insert",
                              "INSERT INTO outgoing_mail (org_id, invite_token, mail_uid,"
                              " created_at, next_attempt_at)"
                              " VALUES (%lld, %s, %s, %lld, %lld)"
                              " ON CONFLICT (org_id, invite_token) DO UPDATE SET"
                              " mail_uid = excluded.mail_uid, created_at = excluded.created_at,"
                              " next_attempt_at = excluded.next_attempt_at, attempts = 0",
                              { [UM_DIALECT_MARIADB] =
                                    "INSERT INTO outgoing_mail (org_id, invite_token, mail_uid,"
                                    " created_at, next_attempt_at)"
                                    " VALUES (%lld, %s, %s, %lld, %lld)"
                                    " ON DUPLICATE KEY UPDATE mail_uid = VALUES(mail_uid),"
                                    " created_at = VALUES(created_at),"
                                    " next_attempt_at = VALUES(next_attempt_at),"
                                    " attempts = 0" } },
    [UM_STMT_MAIL_DUE] = { "mail_due",
                           "SELECT m.org_id, m.invite_token, m.mail_uid, m.created_at,"
                           " m.attempts, o.name FROM outgoing_mail m"
                           " JOIN organizations o ON o.org_id = m.org_id"
                           " WHERE m.next_attempt_at <= %lld"
                           " ORDER BY m.next_attempt_at LIMIT %lld",
                           { NULL } },
    [UM_STMT_MAIL_NEXT] = { "mail_next",
                            "SELECT MIN(next_attempt_at) FROM outgoing_mail",
                            { NULL } },
    [UM_STMT_MAIL_CLAIM] = { "mail_claim",
                             "UPDATE outgoing_mail SET attempts = attempts + 1,"
                             " next_attempt_at = %lld"
                             " WHERE org_id = %lld AND invite_token = %s AND mail_uid = %s"
                             " AND attempts = %lld",
                             { NULL } },
    [UM_STMT_MAIL_POSTPONE] = { "mail_postpone",
                                "UPDATE outgoing_mail SET next_attempt_at = %lld"
                                " WHERE org_id = %lld AND invite_token = %s AND mail_uid = %s"
                                " AND attempts = %lld",
                                { NULL } },
    [UM_STMT_MAIL_DELETE] = { "mail_delete",
                              "DELETE FROM outgoing_mail WHERE org_id = %lld"
                              " AND invite_token = %s AND mail_uid = %s",
                              { NULL } },
    /* Changes nothing that is asked for, but is a change: a row of zeros. It is an
     * organization's that is there: the one that is asked about may have been lost. */
    [UM_STMT_BARRIER] = { "barrier",
                          "INSERT INTO organization_counts (org_id)"
                          " SELECT MIN(org_id) FROM organizations",
                          { [UM_DIALECT_SQLITE] = NOT_HERE } },
    /* Waits for the transaction that writes the event, if that has not ended
     * yet; run in one that is rolled back. If that one made the organization too and
     * is lost, PostgreSQL's event needs another of the number; its name is the
     * event's uid, which no other has. */
    [UM_STMT_AUDIT_EXISTS] = { "audit_exists",
                               "SELECT 1 FROM audit_events"
                               " WHERE org_id = %lld AND event_uid = %s FOR UPDATE",
                               { [UM_DIALECT_SQLITE] = NOT_HERE,
                                 [UM_DIALECT_POSTGRESQL] =
                                     "WITH event AS (SELECT CAST(%lld AS BIGINT) AS org_id,"
                                     " CAST(%s AS TEXT) AS event_uid),"
                                     " owner AS (INSERT INTO organizations (org_id, name,"
                                     " created_at) SELECT org_id, event_uid, 0 FROM event"
                                     " ON CONFLICT DO NOTHING),"
                                     " probe AS (INSERT INTO audit_events (org_id,"
                                     " event_uid, at, actor_identity, actor_key, actor_role,"
                                     " remote_addr, action, target)"
                                     " SELECT org_id, event_uid, 0, '', '', '', '', '', ''"
                                     " FROM event ON CONFLICT DO NOTHING RETURNING 1)"
                                     " SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM probe)" } },
};

const um_dialect_traits_t *um_statements_traits(um_dialect_t dialect)
{
    static const um_dialect_traits_t traits[UM_DIALECT_COUNT] = {
        [UM_DIALECT_SQLITE] = { "sqlite3", 1, 1, 1, 0, 0, NULL },
        [UM_DIALECT_POSTGRESQL] = { "pgsql", 0, 0, 0, 1, 0, "SET LOCAL statement_timeout = 0" },
        /* Who waits for a table's lock has all others wait behind it: not for long. */
        [UM_DIALECT_MARIADB] = { "mysql", 0, 0, 0, 0, 1,
                                 "SET lock_wait_timeout = 2 /*M! , max_statement_time = 0 */" },
    };

    return &traits[dialect];
}

const um_stamp_sql_t *um_statements_stamp(um_dialect_t dialect)
{
    static const um_stamp_sql_t sqlite = { "PRAGMA user_version", "PRAGMA application_id = %d",
                                           "PRAGMA user_version = %d" };

    return dialect == UM_DIALECT_SQLITE ? &sqlite : NULL;
}

const char *um_statements_sql(um_statement_id_t id, um_dialect_t dialect)
{
    const char *override = statements[id].overrides[dialect];

    return override != NULL ? override : statements[id].sql;
}

static const um_setting_t settings_none[] = { { NULL, 0 } };

/* No busy_timeout: it would sleep inside the driver's mutex and stall the whole
 * process. The driver's own retries, outside of that mutex, bear with strangers
 * who write to the database (a backup, a person with sqlite3). */
static const um_setting_t settings_sqlite[] = {
    { "PRAGMA journal_mode = WAL", 1 },
    { "PRAGMA synchronous = FULL", 0 },
    { "PRAGMA foreign_keys = ON", 0 },
    { "PRAGMA cache_size = -8000", 0 },
    /* Savepoints, and each statement that has a trigger, keep the pages as they were
     * before: in memory, or a temporary file gets thirty times what the log gets. */
    { "PRAGMA temp_store = MEMORY", 0 },
    { NULL, 0 },
};

/* The time limits end what would hold up others; a change is tried again after.
 * Shorter ones, of the parameters or DBDInitSQL, stay. */
static const um_setting_t settings_postgresql[] = {
    { "SET client_encoding = 'UTF8';"
      " SET default_transaction_isolation = 'read committed'",
      0 },
    { "SELECT set_config(s.name, CASE WHEN CAST(s.setting AS INTEGER) BETWEEN 1 AND l.most"
      " THEN s.setting ELSE CAST(l.most AS TEXT) END, FALSE) FROM pg_settings s"
      " JOIN (VALUES ('statement_timeout', 10000), ('lock_timeout', 2000),"
      " ('idle_in_transaction_session_timeout', 30000)) l (name, most) ON l.name = s.name",
      1 },
    { NULL, 0 },
};

/* MySQL takes LEAST() of a variable and a number for a DECIMAL, and no DECIMAL for a
 * variable. Its one limit on statements counts milliseconds, and SELECT alone. */
static const um_setting_t settings_mariadb[] = {
    { "SET NAMES utf8mb4, sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', autocommit = 1,"
      " innodb_lock_wait_timeout = CAST(LEAST(@@innodb_lock_wait_timeout, 2) AS SIGNED),"
      " lock_wait_timeout = CAST(LEAST(@@lock_wait_timeout, 2) AS SIGNED)"
      " /*M! , max_statement_time ="
      " IF(@@max_statement_time > 0, LEAST(@@max_statement_time, 10), 10),"
      " idle_write_transaction_timeout = IF(@@idle_write_transaction_timeout > 0,"
      " LEAST(@@idle_write_transaction_timeout, 30), 30) */"
      " /*!80017 , max_execution_time = CAST(IF(@@max_execution_time > 0,"
      " LEAST(@@max_execution_time, 10000), 10000) AS SIGNED) */",
      0 },
    { "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", 0 },
    { NULL, 0 },
};

const um_setting_t *um_statements_settings(um_dialect_t dialect)
{
    static const um_setting_t *const settings[UM_DIALECT_COUNT] = {
        [UM_DIALECT_SQLITE] = settings_sqlite,
        [UM_DIALECT_POSTGRESQL] = settings_postgresql,
        [UM_DIALECT_MARIADB] = settings_mariadb,
    };

    return settings[dialect];
}

const um_setting_t *um_statements_bulk_settings(um_dialect_t dialect)
{
    /* The leaves of the indexes that are changed all over stay in memory, and are
     * copied out of the log once for many changes. */
    static const um_setting_t sqlite[] = {
        { "PRAGMA cache_size = -131072", 0 },
        { "PRAGMA wal_autocheckpoint = 32768", 1 },
        { NULL, 0 },
    };

    return dialect == UM_DIALECT_SQLITE ? sqlite : settings_none;
}

const um_setting_t *um_statements_bulk_end(um_dialect_t dialect)
{
    /* The log is copied here, or whoever commits next would have to do all of it. */
    static const um_setting_t sqlite[] = {
        { "PRAGMA wal_checkpoint(PASSIVE)", 1 },
        { NULL, 0 },
    };

    return dialect == UM_DIALECT_SQLITE ? sqlite : settings_none;
}

const char *um_statements_name(um_statement_id_t id)
{
    return statements[id].name;
}

int um_statements_count_parameters(const char *sql)
{
    int count = 0;

    for (const char *at = strchr(sql, '%'); at != NULL; at = strchr(at + 2, '%')) {
        if (at[1] == '\0') {
            break;
        }
        count += at[1] != '%';
    }
    return count;
}

/* ---- lists ---- */

/* A piece of a composed text, and what its placeholder stands for. */
typedef struct um_piece_t {
    const char *sql;
    enum {
        /* There is none. */
        UM_FILL_NONE,
        /* The value of the condition or the cursor. */
        UM_FILL_VALUE,
        /* The least text behind all that start with the value. Where there is
         * no such text the piece is left out. */
        UM_FILL_PREFIX_END,
        /* The value is a time: the least uid of that millisecond, and of the
         * next one. */
        UM_FILL_FIRST_UID,
        UM_FILL_NEXT_UID,
        /* The cursor's key, or the second value of the condition; and the least text
         * behind all that start with it. */
        UM_FILL_KEY,
        UM_FILL_KEY_END
    } fill;
} um_piece_t;

/* Pieces, and others for the databases that need another text. */
typedef struct um_pieces_t {
    const um_piece_t *pieces;
    const um_piece_t *overrides[UM_DIALECT_COUNT];
} um_pieces_t;

#define PIECES(...) (const um_piece_t[]){ __VA_ARGS__, { NULL, UM_FILL_NONE } }
#define SHARED(...) { PIECES(__VA_ARGS__), { NULL } }

#define NO_PIECES { NULL, { NULL } }
#define UNDER(source, ...) { source, SHARED(__VA_ARGS__), NO_PIECES, NO_PIECES }

/* Each condition, and what is listed under it. Where it is met in one of two ways,
 * others is the second: each is read from an index of its own, while for an OR a
 * database reads and sorts all that meet it. Where a row can meet both, exclusion
 * leaves out of the second those that meet the first. */
static const struct {
    um_list_source_t source;
    um_pieces_t pieces;
    um_pieces_t others;
    um_pieces_t exclusion;
} conditions[UM_CONDITION_COUNT] = {
    [UM_IF_USER_EMAIL] = UNDER(UM_LIST_OF_USERS, { " AND u.email_key = %s", UM_FILL_VALUE }),
    [UM_IF_USER_PHONE] = UNDER(UM_LIST_OF_USERS, { " AND u.phone = %s", UM_FILL_VALUE }),
    /* A comparison, since SQLite goes through all users for IS NOT NULL. */
    [UM_IF_USER_IS_SUB_ADMIN] =
        UNDER(UM_LIST_OF_USERS, { " AND s.user_uid <> ''", UM_FILL_NONE }),
    [UM_IF_USER_IS_NO_SUB_ADMIN] =
        UNDER(UM_LIST_OF_USERS, { " AND s.user_uid IS NULL", UM_FILL_NONE }),
    [UM_IF_USER_NAME_STARTS] =
        UNDER(UM_LIST_OF_USERS, { " AND u.display_name_folded >= %s", UM_FILL_VALUE },
              { " AND u.display_name_folded < %s", UM_FILL_PREFIX_END }),
    [UM_IF_USER_NAME_OR_EMAIL_STARTS] = {
        UM_LIST_OF_USERS,
        SHARED({ " AND u.display_name_folded >= %s", UM_FILL_VALUE },
               { " AND u.display_name_folded < %s", UM_FILL_PREFIX_END }),
        SHARED({ " AND u.email_key >= %s", UM_FILL_KEY },
               { " AND u.email_key < %s", UM_FILL_KEY_END }),
        SHARED({ " AND NOT (u.display_name_folded >= %s", UM_FILL_VALUE },
               { " AND u.display_name_folded < %s", UM_FILL_PREFIX_END },
               { ")", UM_FILL_NONE }),
    },
    [UM_IF_USER_IS_ACTIVE] = UNDER(UM_LIST_OF_USERS, { " AND u.active = 1", UM_FILL_NONE }),
    [UM_IF_USER_IS_SUSPENDED] = UNDER(UM_LIST_OF_USERS, { " AND u.active = 0", UM_FILL_NONE }),
    [UM_IF_USER_CREATED_AFTER] =
        UNDER(UM_LIST_OF_USERS, { " AND u.created_at > %lld", UM_FILL_VALUE }),
    [UM_IF_USER_CREATED_BEFORE] =
        UNDER(UM_LIST_OF_USERS, { " AND u.created_at < %lld", UM_FILL_VALUE }),
    [UM_IF_INVITATION_IS_PENDING] =
        UNDER(UM_LIST_OF_INVITATIONS,
              { " AND i.status = 'pending' AND i.expires_at > %lld", UM_FILL_VALUE }),
    [UM_IF_INVITATION_IS_EXPIRED] = {
        UM_LIST_OF_INVITATIONS,
        SHARED({ " AND i.status = 'expired'", UM_FILL_NONE }),
        SHARED({ " AND i.status = 'pending' AND i.expires_at <= %lld", UM_FILL_VALUE }),
        NO_PIECES,
    },
    [UM_IF_INVITATION_IS_ACCEPTED] =
        UNDER(UM_LIST_OF_INVITATIONS, { " AND i.status = 'accepted'", UM_FILL_NONE }),
    [UM_IF_INVITATION_IS_REVOKED] =
        UNDER(UM_LIST_OF_INVITATIONS, { " AND i.status = 'revoked'", UM_FILL_NONE }),
    [UM_IF_SESSION_USER] = UNDER(UM_LIST_OF_SESSIONS, { " AND e.user_uid = %s", UM_FILL_VALUE }),
    [UM_IF_SESSION_ACTIVITY] =
        UNDER(UM_LIST_OF_SESSIONS, { " AND e.activity = %s", UM_FILL_VALUE }),
    [UM_IF_SESSION_STARTED_AFTER] =
        UNDER(UM_LIST_OF_SESSIONS, { " AND e.started_at > %lld", UM_FILL_VALUE }),
    [UM_IF_SESSION_STARTED_BEFORE] =
        UNDER(UM_LIST_OF_SESSIONS, { " AND e.started_at < %lld", UM_FILL_VALUE }),
    [UM_IF_EVENT_ACTOR] =
        UNDER(UM_LIST_OF_AUDIT_EVENTS, { " AND e.actor_key = %s", UM_FILL_VALUE }),
    [UM_IF_EVENT_ACTION] =
        UNDER(UM_LIST_OF_AUDIT_EVENTS, { " AND e.action = %s", UM_FILL_VALUE }),
    [UM_IF_EVENT_TARGET] =
        UNDER(UM_LIST_OF_AUDIT_EVENTS, { " AND e.target = %s", UM_FILL_VALUE }),
    [UM_IF_EVENT_AFTER] =
        UNDER(UM_LIST_OF_AUDIT_EVENTS, { " AND e.event_uid >= %s", UM_FILL_NEXT_UID }),
    [UM_IF_EVENT_BEFORE] =
        UNDER(UM_LIST_OF_AUDIT_EVENTS, { " AND e.event_uid < %s", UM_FILL_FIRST_UID }),
};

/* What a condition's first two pieces say of the column of an order. A cursor says
 * the like, and a database starts from one of them only: the wider one is left out. */
typedef enum um_bound_t {
    UM_BOUND_NONE,
    /* >, >=, < */
    UM_BOUND_ABOVE,
    UM_BOUND_FROM,
    UM_BOUND_BELOW
} um_bound_t;

/* For the first way, and for the second. */
static const struct {
    int order;
    um_bound_t bounds[2];
} bounds_of[UM_CONDITION_COUNT][2] = {
    [UM_IF_USER_NAME_STARTS] = {
        { UM_USERS_BY_DISPLAY_NAME, { UM_BOUND_FROM, UM_BOUND_BELOW } },
        { UM_USERS_BY_DISPLAY_NAME, { UM_BOUND_FROM, UM_BOUND_BELOW } },
    },
    [UM_IF_USER_NAME_OR_EMAIL_STARTS] = {
        { UM_USERS_BY_DISPLAY_NAME, { UM_BOUND_FROM, UM_BOUND_BELOW } },
        { UM_USERS_BY_EMAIL, { UM_BOUND_FROM, UM_BOUND_BELOW } },
    },
    [UM_IF_USER_CREATED_AFTER] = {
        { UM_USERS_BY_CREATED_AT, { UM_BOUND_ABOVE, UM_BOUND_NONE } },
        { UM_USERS_BY_CREATED_AT, { UM_BOUND_ABOVE, UM_BOUND_NONE } },
    },
    [UM_IF_USER_CREATED_BEFORE] = {
        { UM_USERS_BY_CREATED_AT, { UM_BOUND_BELOW, UM_BOUND_NONE } },
        { UM_USERS_BY_CREATED_AT, { UM_BOUND_BELOW, UM_BOUND_NONE } },
    },
    [UM_IF_SESSION_STARTED_AFTER] = {
        { UM_SESSIONS_BY_STARTED_AT, { UM_BOUND_ABOVE, UM_BOUND_NONE } },
    },
    [UM_IF_SESSION_STARTED_BEFORE] = {
        { UM_SESSIONS_BY_STARTED_AT, { UM_BOUND_BELOW, UM_BOUND_NONE } },
    },
    [UM_IF_EVENT_AFTER] = { { UM_AUDIT_EVENTS_BY_UID, { UM_BOUND_FROM, UM_BOUND_NONE } } },
    [UM_IF_EVENT_BEFORE] = { { UM_AUDIT_EVENTS_BY_UID, { UM_BOUND_BELOW, UM_BOUND_NONE } } },
};

/* An order: the column, the conditions that a row lies on one side of a cursor,
 * and how to sort. */
typedef struct um_order_t {
    const char *column;
    um_pieces_t greater;
    um_pieces_t less;
    const char *ascending;
    const char *descending;
    int is_integer;
} um_order_t;

#define ORDER_BY_UNIQUE(column, fill)                                                             \
    {                                                                                             \
        column, SHARED({ " AND " column " > %s", fill }),                                         \
            SHARED({ " AND " column " < %s", fill }), " ORDER BY " column,                        \
            " ORDER BY " column " DESC", 0                                                        \
    }
#define ORDER_BY_KEY(key) ORDER_BY_UNIQUE(key, UM_FILL_KEY)

/* A comparison of pairs; MariaDB would read all rows for it. */
#define BEYOND(column, operator, placeholder, key)                                                \
    {                                                                                             \
        PIECES({ " AND (" column ", " key ") " operator " (" placeholder, UM_FILL_VALUE },        \
               { ", %s)", UM_FILL_KEY }),                                                         \
        {                                                                                         \
            [UM_DIALECT_MARIADB] =                                                                \
                PIECES({ " AND " column " " operator "= " placeholder, UM_FILL_VALUE },           \
                       { " AND (" column " " operator " " placeholder, UM_FILL_VALUE },           \
                       { " OR " key " " operator " %s)", UM_FILL_KEY })                           \
        }                                                                                         \
    }

/* Ties are in the order of the key. */
#define ORDER_BY(column, placeholder, key, is_integer)                                            \
    {                                                                                             \
        column, BEYOND(column, ">", placeholder, key), BEYOND(column, "<", placeholder, key),     \
            " ORDER BY " column ", " key, " ORDER BY " column " DESC, " key " DESC", is_integer   \
    }
#define ORDER_BY_TEXT(column, key) ORDER_BY(column, "%s", key, 0)
#define ORDER_BY_INTEGER(column, key) ORDER_BY(column, "%lld", key, 1)

/* What is listed. */
typedef struct um_row_set_t {
    /* The key is the first. */
    const char *columns;
    /* The table, what is joined to it, and the condition on the organization. */
    const char *from;
    const char *joined;
    const char *where;
    /* A statement that counts all of an organization, where one is cheaper
     * than counting rows; else UM_STMT_COUNT. */
    um_statement_id_t count;
    const um_order_t *orders;
    int order_count;
} um_row_set_t;

#define ORDERS(...)                                                                               \
    (const um_order_t[]){ __VA_ARGS__ },                                                          \
        (int)(sizeof((const um_order_t[]){ __VA_ARGS__ }) / sizeof(um_order_t))

static const um_row_set_t row_sets[UM_LIST_SOURCE_COUNT] = {
    [UM_LIST_OF_USERS] = {
        USER_COLUMNS,
        " FROM users u",
        " LEFT JOIN" SUB_ADMIN_OF_USER,
        " WHERE u.org_id = %lld",
        UM_STMT_USER_COUNT,
        ORDERS([UM_USERS_BY_UID] = ORDER_BY_KEY("u.user_uid"),
               [UM_USERS_BY_CREATED_AT] = ORDER_BY_INTEGER("u.created_at", "u.user_uid"),
               [UM_USERS_BY_EMAIL] = ORDER_BY_UNIQUE("u.email_key", UM_FILL_VALUE),
               [UM_USERS_BY_DISPLAY_NAME] = ORDER_BY_TEXT("u.display_name_folded", "u.user_uid")),
    },
    [UM_LIST_OF_SUB_ADMINS] = {
        USER_COLUMNS ", s.added_by, s.created_at",
        " FROM sub_admins s",
        " JOIN" USER_OF_SUB_ADMIN,
        " WHERE s.org_id = %lld",
        UM_STMT_SUB_ADMIN_COUNT,
        ORDERS([UM_SUB_ADMINS_BY_UID] = ORDER_BY_KEY("s.user_uid")),
    },
    [UM_LIST_OF_INVITATIONS] = {
        INVITATION_COLUMNS,
        " FROM invitations i",
        "",
        " WHERE i.org_id = %lld",
        UM_STMT_COUNT,
        ORDERS([UM_INVITATIONS_BY_TOKEN] = ORDER_BY_KEY("i.invite_token")),
    },
    [UM_LIST_OF_SESSIONS] = {
        "e.session_uid, e.user_uid, e.activity, e.started_at, e.last_used_at",
        " FROM sessions e",
        "",
        " WHERE e.org_id = %lld",
        UM_STMT_SESSION_COUNT,
        ORDERS([UM_SESSIONS_BY_UID] = ORDER_BY_KEY("e.session_uid"),
               [UM_SESSIONS_BY_STARTED_AT] = ORDER_BY_INTEGER("e.started_at", "e.session_uid")),
    },
    [UM_LIST_OF_AUDIT_EVENTS] = {
        AUDIT_EVENT_COLUMNS,
        " FROM audit_events e",
        "",
        " WHERE e.org_id = %lld",
        UM_STMT_COUNT,
        ORDERS([UM_AUDIT_EVENTS_BY_UID] = ORDER_BY_KEY("e.event_uid")),
    },
};

/* What a composition works on: the text, and the values in its order. */
typedef struct um_composition_t {
    um_buffer_t *sql;
    apr_array_header_t *parameters;
    um_dialect_t dialect;
} um_composition_t;

static void add(um_composition_t *to, const char *piece, const char *parameter)
{
    um_buffer_puts(to->sql, piece);
    APR_ARRAY_PUSH(to->parameters, const char *) = parameter;
}

/* The least uid made at a time (milliseconds since 1970 as text) or later. */
static const char *first_uid(const char *time, int later, apr_pool_t *pool)
{
    char *uid = apr_palloc(pool, UM_UID_LENGTH + 1);

    um_uid_first(uid, apr_strtoi64(time, NULL, 10) + later);
    return uid;
}

/* What a piece compares with; NULL where it is to be left out. */
static const char *fill_of(const um_piece_t *piece, const char *value, const char *key,
                           apr_pool_t *pool)
{
    switch (piece->fill) {
    case UM_FILL_PREFIX_END:
        return um_text_prefix_end(value, pool);
    case UM_FILL_KEY_END:
        return um_text_prefix_end(key, pool);
    case UM_FILL_FIRST_UID:
        return first_uid(value, 0, pool);
    case UM_FILL_NEXT_UID:
        return first_uid(value, 1, pool);
    case UM_FILL_KEY:
        return key;
    default:
        return value;
    }
}

static void add_piece(um_composition_t *to, const um_piece_t *piece, const char *value,
                      const char *key)
{
    const char *filled;

    if (piece->fill == UM_FILL_NONE) {
        um_buffer_puts(to->sql, piece->sql);
        return;
    }
    filled = fill_of(piece, value, key, to->sql->pool);
    if (filled != NULL) {
        add(to, piece->sql, filled);
    }
}

static const um_piece_t *pieces_for(const um_composition_t *to, const um_pieces_t *pieces)
{
    return pieces->overrides[to->dialect] != NULL ? pieces->overrides[to->dialect]
                                                  : pieces->pieces;
}

static void add_pieces(um_composition_t *to, const um_pieces_t *pieces, const char *value,
                       const char *key)
{
    for (const um_piece_t *piece = pieces_for(to, pieces); piece->sql != NULL; piece++) {
        add_piece(to, piece, value, key);
    }
}

static const um_pieces_t *pieces_of(um_condition_id_t id, um_list_way_t way)
{
    return way == UM_LIST_SECOND_WAY && conditions[id].others.pieces != NULL
               ? &conditions[id].others
               : &conditions[id].pieces;
}

static int has_condition(const um_list_t *list, um_condition_id_t id)
{
    for (int i = 0; list->conditions != NULL && i < list->conditions->nelts; i++) {
        if (APR_ARRAY_IDX(list->conditions, i, um_condition_t).id == id) {
            return 1;
        }
    }
    return 0;
}

int um_statements_count_ways(const um_list_t *list)
{
    int ways = 1;

    for (int i = 0; list->conditions != NULL && i < list->conditions->nelts; i++) {
        if (conditions[APR_ARRAY_IDX(list->conditions, i, um_condition_t).id].others.pieces
            != NULL) {
            ways = 2;
        }
    }
    return ways;
}

/* Tell whether a row can meet the conditions in both ways. */
static int ways_overlap(const um_list_t *list)
{
    int overlap = 0;

    for (int i = 0; list->conditions != NULL && i < list->conditions->nelts; i++) {
        overlap |= conditions[APR_ARRAY_IDX(list->conditions, i, um_condition_t).id]
                       .exclusion.pieces
                   != NULL;
    }
    return overlap;
}

/* ---- cursors and conditions on the same column ---- */

/* The cursor that bounds a list's rows from below, or from above. */
static const um_cursor_t *cursor_of(const um_list_t *list, int from_below)
{
    return !list->descending == !from_below ? &list->before : &list->after;
}

/* Tell whether a cursor is within a condition's bound, so that all beyond the cursor
 * meets the condition; else all that meets it lies beyond the cursor. */
static int is_within(const um_list_t *list, um_bound_t bound, const char *filled,
                     const um_cursor_t *cursor)
{
    apr_int64_t number = apr_strtoi64(cursor->value, NULL, 10);
    apr_int64_t limit = apr_strtoi64(filled, NULL, 10);
    int order = row_sets[list->source].orders[list->order].is_integer
                    ? (number > limit) - (number < limit)
                    : strcmp(cursor->value, filled);

    return bound == UM_BOUND_ABOVE ? order > 0 : bound == UM_BOUND_FROM ? order >= 0 : order < 0;
}

/* The bound that a condition's piece sets on the column ordered by. */
static um_bound_t bound_of(const um_list_t *list, um_condition_id_t id, um_list_way_t way,
                           int piece)
{
    return piece < 2 && bounds_of[id][way == UM_LIST_SECOND_WAY].order == list->order
               ? bounds_of[id][way == UM_LIST_SECOND_WAY].bounds[piece]
               : UM_BOUND_NONE;
}

/* What a condition's piece bounds its column by, and from which side; NULL for nothing. */
static const char *bounding_of(um_bound_t *bound, const um_composition_t *to,
                               const um_condition_t *condition, um_list_way_t way, int number)
{
    const um_piece_t *piece = pieces_for(to, pieces_of(condition->id, way)) + number;

    *bound = number < 2 ? bounds_of[condition->id][way == UM_LIST_SECOND_WAY].bounds[number]
                        : UM_BOUND_NONE;
    return *bound != UM_BOUND_NONE ? fill_of(piece, condition->value, condition->second_value,
                                                     to->sql->pool) : NULL;
}

/* Tell whether another condition, the first of equal ones, sets a narrower bound of the
 * same kind on the same column. These are texts: no two conditions bound a number from
 * the same side. */
static int is_said_better(const um_composition_t *to, const um_list_t *list,
                          const um_condition_t *condition, um_list_way_t way, int number)
{
    int second = way == UM_LIST_SECOND_WAY;
    um_bound_t bound;
    const char *mine = bounding_of(&bound, to, condition, way, number);

    for (int i = 0; mine != NULL && i < list->conditions->nelts; i++) {
        const um_condition_t *other = &APR_ARRAY_IDX(list->conditions, i, um_condition_t);
        um_bound_t other_bound;
        const char *its = bounding_of(&other_bound, to, other, way, number);
        int order;

        if (other == condition || its == NULL || other_bound != bound
            || bounds_of[other->id][second].order != bounds_of[condition->id][second].order) {
            continue;
        }
        order = bound == UM_BOUND_BELOW ? strcmp(mine, its) : strcmp(its, mine);
        if (order > 0 || (order == 0 && other < condition)) {
            return 1;
        }
    }
    return 0;
}

/* Tell whether a condition's piece says no more than a cursor does. */
static int says_cursor(const um_composition_t *to, const um_list_t *list,
                       const um_condition_t *condition, um_list_way_t way, int number)
{
    const um_piece_t *piece = pieces_for(to, pieces_of(condition->id, way)) + number;
    um_bound_t bound = bound_of(list, condition->id, way, number);
    const um_cursor_t *cursor;
    const char *filled;

    if (bound == UM_BOUND_NONE) {
        return 0;
    }
    cursor = cursor_of(list, bound != UM_BOUND_BELOW);
    filled = fill_of(piece, condition->value, condition->second_value,
                                                     to->sql->pool);
    return cursor->key != NULL && filled != NULL && is_within(list, bound, filled, cursor);
}

/* Tell whether the conditions say all that a cursor does. */
static int say_cursor(const um_composition_t *to, const um_list_t *list, um_list_way_t way,
                      int from_below)
{
    const um_cursor_t *cursor = cursor_of(list, from_below);

    for (int i = 0; list->conditions != NULL && i < list->conditions->nelts; i++) {
        const um_condition_t *condition = &APR_ARRAY_IDX(list->conditions, i, um_condition_t);
        const um_piece_t *piece = pieces_for(to, pieces_of(condition->id, way));

        for (int number = 0; piece[number].sql != NULL; number++) {
            um_bound_t bound = bound_of(list, condition->id, way, number);
            const char *filled;

            if (bound == UM_BOUND_NONE || (bound != UM_BOUND_BELOW) != from_below) {
                continue;
            }
            filled = fill_of(&piece[number], condition->value, condition->second_value,
                             to->sql->pool);
            if (filled != NULL && !is_within(list, bound, filled, cursor)) {
                return 1;
            }
        }
    }
    return 0;
}

/* ---- what is listed ---- */

/* A part of a list, and what the statement is to be like. */
typedef struct um_part_t {
    const um_list_t *list;
    const char *org_id;
    um_list_way_t way;
    /* NULL where the database chooses. */
    const um_list_path_t *path;
    /* Whether the columns are of the joined table, too. */
    int has_columns;
    /* Whether it lies between the list's cursors. */
    int has_cursors;
    /* In the second way: whether rows that meet the conditions in the first are left out. */
    int excludes;
    /* Only those conditions that the path serves. */
    int is_estimate;
} um_part_t;

/* The tables. SQLite takes them in the order given, and the index named. */
static void add_from(um_composition_t *to, const um_part_t *part)
{
    const um_row_set_t *rows = &row_sets[part->list->source];
    int with_sub_admins = has_condition(part->list, UM_IF_USER_IS_SUB_ADMIN);
    int with_role = with_sub_admins || has_condition(part->list, UM_IF_USER_IS_NO_SUB_ADMIN);

    if (part->path != NULL && part->path->index == NULL) {
        um_buffer_puts(to->sql, " FROM sub_admins s");
        if (!part->is_estimate) {
            um_buffer_puts(to->sql, " CROSS JOIN" USER_OF_SUB_ADMIN);
        }
        add(to, " WHERE s.org_id = %lld", part->org_id);
        return;
    }
    um_buffer_puts(to->sql, rows->from);
    if (part->path != NULL) {
        um_buffer_puts(to->sql, " INDEXED BY ");
        um_buffer_puts(to->sql, part->path->index);
    }
    if (part->path != NULL && with_sub_admins && !part->is_estimate) {
        um_buffer_puts(to->sql, " CROSS JOIN" SUB_ADMIN_OF_USER);
    } else if ((part->has_columns || with_role || part->list->source != UM_LIST_OF_USERS)
               && !part->is_estimate) {
        um_buffer_puts(to->sql, rows->joined);
    }
    add(to, rows->where, part->org_id);
}

/* A condition as it is met in a way. */
static void add_condition_in(um_composition_t *to, const um_part_t *part,
                             const um_condition_t *condition, um_list_way_t way)
{
    const um_piece_t *piece = pieces_for(to, pieces_of(condition->id, way));

    if (part->is_estimate && !um_list_path_serves(part->path, condition->id, way)) {
        return;
    }
    for (int number = 0; piece[number].sql != NULL; number++) {
        if (!is_said_better(to, part->list, condition, way, number)
            && (!part->has_cursors || !says_cursor(to, part->list, condition, way, number))) {
            add_piece(to, &piece[number], condition->value, condition->second_value);
        }
    }
}

static void add_condition(um_composition_t *to, const um_part_t *part,
                          const um_condition_t *condition)
{
    const um_pieces_t *exclusion = &conditions[condition->id].exclusion;

    if (part->way != UM_LIST_BOTH_WAYS) {
        add_condition_in(to, part, condition, part->way);
    } else {
        add_condition_in(to, part, condition, UM_LIST_FIRST_WAY);
        if (conditions[condition->id].others.pieces != NULL) {
            add_condition_in(to, part, condition, UM_LIST_SECOND_WAY);
        }
    }
    if (part->way == UM_LIST_SECOND_WAY && part->excludes && exclusion->pieces != NULL) {
        add_pieces(to, exclusion, condition->value, condition->second_value);
    }
}

static void add_cursor(um_composition_t *to, const um_part_t *part, int from_below)
{
    const um_order_t *order = &row_sets[part->list->source].orders[part->list->order];
    const um_cursor_t *cursor = cursor_of(part->list, from_below);

    if (cursor->key != NULL && !say_cursor(to, part->list, part->way, from_below)) {
        add_pieces(to, from_below ? &order->greater : &order->less, cursor->value, cursor->key);
    }
}

/* The rows of an organization that meet the conditions, between the cursors. */
static void add_rows(um_composition_t *to, const um_part_t *part)
{
    const apr_array_header_t *under = part->list->conditions;

    add_from(to, part);
    for (int i = 0; under != NULL && i < under->nelts; i++) {
        add_condition(to, part, &APR_ARRAY_IDX(under, i, um_condition_t));
    }
    if (part->has_cursors) {
        add_cursor(to, part, 1);
        add_cursor(to, part, 0);
    }
}

static void add_limit(um_composition_t *to, const um_list_t *list)
{
    add(to, " LIMIT %lld", apr_psprintf(to->sql->pool, "%" APR_INT64_T_FMT, list->limit));
}

static void add_order(um_composition_t *to, const um_list_t *list)
{
    const um_order_t *order = &row_sets[list->source].orders[list->order];
    int descending = !list->descending != !list->backwards;

    um_buffer_puts(to->sql, descending ? order->descending : order->ascending);
    add_limit(to, list);
}

/* The keys of the first rows that meet the conditions in one of the ways. */
static void add_keys(um_composition_t *to, const um_list_t *list, const char *org_id,
                     um_list_way_t way)
{
    um_part_t part = { .list = list, .org_id = org_id, .way = way, .path = list->paths[way],
                       .has_cursors = 1, .excludes = 1 };

    um_buffer_puts(to->sql, "SELECT ");
    um_buffer_puts(to->sql, row_sets[list->source].orders[0].column);
    um_buffer_puts(to->sql, " AS k");
    add_rows(to, &part);
    add_order(to, list);
}

/* Those that meet the conditions in either way: the first of them are among the
 * first of each. */
static void add_from_either(um_composition_t *to, const um_list_t *list, const char *org_id)
{
    um_buffer_puts(to->sql, row_sets[list->source].from);
    um_buffer_puts(to->sql, row_sets[list->source].joined);
    add(to, row_sets[list->source].where, org_id);
    um_buffer_puts(to->sql, " AND ");
    um_buffer_puts(to->sql, row_sets[list->source].orders[0].column);
    um_buffer_puts(to->sql, " IN (SELECT c.k FROM (SELECT * FROM (");
    add_keys(to, list, org_id, UM_LIST_FIRST_WAY);
    um_buffer_puts(to->sql, ") a UNION ALL SELECT * FROM (");
    add_keys(to, list, org_id, UM_LIST_SECOND_WAY);
    um_buffer_puts(to->sql, ") b) c)");
}

/* ---- counts ---- */

int um_statements_leaves_sub_admins_out(const um_list_t *list)
{
    return has_condition(list, UM_IF_USER_IS_NO_SUB_ADMIN)
           && !has_condition(list, UM_IF_USER_IS_SUB_ADMIN);
}

/* The list without the conditions on the role. */
static void copy_without_role(um_list_t *copy, const um_list_t *list, apr_pool_t *pool)
{
    *copy = *list;
    copy->conditions = NULL;
    for (int i = 0; i < list->conditions->nelts; i++) {
        const um_condition_t *condition = &APR_ARRAY_IDX(list->conditions, i, um_condition_t);

        if (condition->id == UM_IF_USER_IS_NO_SUB_ADMIN) {
            continue;
        }
        if (copy->conditions == NULL) {
            copy->conditions = apr_array_make(pool, 8, sizeof(um_condition_t));
        }
        APR_ARRAY_PUSH(copy->conditions, um_condition_t) = *condition;
    }
}

void um_statements_of_sub_admins(um_list_t *sub_admins, const um_list_t *list, apr_pool_t *pool)
{
    um_condition_t condition = { UM_IF_USER_IS_SUB_ADMIN, NULL, NULL };

    copy_without_role(sub_admins, list, pool);
    if (sub_admins->conditions == NULL) {
        sub_admins->conditions = apr_array_make(pool, 1, sizeof(condition));
    }
    APR_ARRAY_PUSH(sub_admins->conditions, um_condition_t) = condition;
}

/* A number: how many meet the conditions in a way. */
static void add_number(um_composition_t *to, const um_list_t *list, const char *org_id,
                       um_list_who_t who, um_list_way_t way)
{
    um_part_t part = { .list = list, .org_id = org_id, .way = way,
                       .path = list->count_paths[who][way] };
    um_statement_id_t kept = row_sets[list->source].count;

    um_buffer_putc(to->sql, '(');
    if (list->conditions == NULL && kept != UM_STMT_COUNT) {
        add(to, um_statements_sql(kept, to->dialect), org_id);
    } else if (list->conditions != NULL && list->conditions->nelts == 1
               && has_condition(list, UM_IF_USER_IS_SUB_ADMIN)) {
        add(to, um_statements_sql(UM_STMT_SUB_ADMIN_COUNT, to->dialect), org_id);
    } else {
        um_buffer_puts(to->sql, "SELECT COUNT(*)");
        add_rows(to, &part);
    }
    um_buffer_putc(to->sql, ')');
}

/* Those of the first way, and of the second, less those of both: to leave these out
 * of the second instead, each row of it would have to be read. */
static void add_numbers(um_composition_t *to, const um_list_t *list, const char *org_id,
                        um_list_who_t who, const char *plus, const char *minus)
{
    um_buffer_puts(to->sql, plus);
    add_number(to, list, org_id, who, UM_LIST_FIRST_WAY);
    if (um_statements_count_ways(list) == 2) {
        um_buffer_puts(to->sql, plus);
        add_number(to, list, org_id, who, UM_LIST_SECOND_WAY);
    }
    if (ways_overlap(list)) {
        um_buffer_puts(to->sql, minus);
        add_number(to, list, org_id, who, UM_LIST_BOTH_WAYS);
    }
}

/* Users who are no sub-admins are those who are users, less the sub-admins, of whom
 * there are few. */
static void add_count(um_composition_t *to, const um_list_t *list, const char *org_id)
{
    um_list_t others;

    um_buffer_puts(to->sql, "SELECT 0");
    if (!um_statements_leaves_sub_admins_out(list)) {
        add_numbers(to, list, org_id, UM_LIST_ALL, " + ", " - ");
        return;
    }
    copy_without_role(&others, list, to->sql->pool);
    add_numbers(to, &others, org_id, UM_LIST_ALL, " + ", " - ");
    um_statements_of_sub_admins(&others, list, to->sql->pool);
    add_numbers(to, &others, org_id, UM_LIST_SUB_ADMINS, " - ", " + ");
}

static void add_estimate(um_composition_t *to, const um_list_t *list, const char *org_id,
                         um_list_way_t way)
{
    um_part_t part = { .list = list, .org_id = org_id, .way = way, .path = list->paths[way],
                       .is_estimate = 1 };

    um_buffer_puts(to->sql, "SELECT COUNT(*) FROM (SELECT 1");
    add_rows(to, &part);
    add_limit(to, list);
    um_buffer_puts(to->sql, ") n");
}

static void add_columns(um_composition_t *to, const um_row_set_t *rows, const um_list_t *list)
{
    um_buffer_puts(to->sql, "SELECT ");
    um_buffer_puts(to->sql, rows->columns);
    if (list->order != 0) {
        um_buffer_puts(to->sql, ", ");
        um_buffer_puts(to->sql, rows->orders[list->order].column);
    }
}

static void add_value(um_composition_t *to, const um_row_set_t *rows, const um_list_t *list,
                      const char *org_id)
{
    um_buffer_puts(to->sql, "SELECT ");
    um_buffer_puts(to->sql, rows->orders[list->order].column);
    um_buffer_puts(to->sql, rows->from);
    um_buffer_puts(to->sql, rows->joined);
    add(to, rows->where, org_id);
    um_buffer_puts(to->sql, " AND ");
    um_buffer_puts(to->sql, rows->orders[0].column);
    add(to, " = %s", list->after.key);
}

int um_statements_keeps_count(um_list_source_t source)
{
    return row_sets[source].count != UM_STMT_COUNT;
}

static void add_list(um_composition_t *to, const um_list_t *list, um_list_what_t what,
                     const char *org_id)
{
    um_part_t part = { .list = list, .org_id = org_id, .way = UM_LIST_FIRST_WAY,
                       .path = list->paths[UM_LIST_FIRST_WAY], .has_columns = 1,
                       .has_cursors = 1 };

    if (what == UM_LIST_ROWS) {
        add_columns(to, &row_sets[list->source], list);
    } else {
        um_buffer_puts(to->sql, "SELECT 1");
    }
    if (um_statements_count_ways(list) == 2) {
        add_from_either(to, list, org_id);
    } else {
        add_rows(to, &part);
    }
    add_order(to, list);
}

void um_statements_compose_list(um_buffer_t *sql, apr_array_header_t *parameters,
                                const um_list_t *list, um_list_what_t what, const char *org_id,
                                um_dialect_t dialect)
{
    um_composition_t to = { sql, parameters, dialect };

    switch (what) {
    case UM_LIST_VALUE:
        add_value(&to, &row_sets[list->source], list, org_id);
        break;
    case UM_LIST_COUNT:
        add_count(&to, list, org_id);
        break;
    case UM_LIST_ESTIMATE:
        add_estimate(&to, list, org_id, list->estimated);
        break;
    default:
        add_list(&to, list, what, org_id);
    }
}

/* ---- samples ---- */

/* Each order is told forwards and backwards, asked for in four ways, and that
 * without conditions, with those that are met in one way, and with all. */
#define SAMPLES_PER_ORDER 24

static void add_sample_conditions(um_list_t *list, int with_others, apr_pool_t *pool)
{
    list->conditions = apr_array_make(pool, 8, sizeof(um_condition_t));
    for (int id = 0; id < UM_CONDITION_COUNT; id++) {
        if (conditions[id].source == list->source
            && (with_others || conditions[id].others.pieces == NULL)) {
            APR_ARRAY_PUSH(list->conditions, um_condition_t) = (um_condition_t){
                (um_condition_id_t)id, "1", "1"
            };
        }
    }
}

int um_statements_compose_sample(um_buffer_t *sql, int number, um_dialect_t dialect)
{
    apr_array_header_t *parameters = apr_array_make(sql->pool, 16, sizeof(const char *));
    um_list_t list = { .after = { "1", "1" }, .before = { "1", "1" }, .limit = 1 };
    int source = 0;

    while (source < UM_LIST_SOURCE_COUNT
           && number >= row_sets[source].order_count * SAMPLES_PER_ORDER) {
        number -= row_sets[source++].order_count * SAMPLES_PER_ORDER;
    }
    if (source == UM_LIST_SOURCE_COUNT) {
        return 0;
    }
    list.source = (um_list_source_t)source;
    list.order = number / SAMPLES_PER_ORDER;
    list.descending = number % 2;
    if (number / 8 % 3 > 0) {
        add_sample_conditions(&list, number / 8 % 3 > 1, sql->pool);
    }
    um_statements_compose_list(sql, parameters, &list, (um_list_what_t)(number / 2 % 4), "1",
                               dialect);
    return 1;
}
