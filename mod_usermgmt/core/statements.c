/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file statements.c All SQL of the module, see statements.h. */

#include "statements.h"

#include <string.h>

#include <apr_strings.h>

#include "text.h"

/* The order of columns is that of um_store_read_user() in store_users.c. */
#define USER_COLUMNS                                                                            \
    "u.user_uid, u.email, u.display_name, COALESCE(u.phone, ''),"                               \
    " CASE WHEN s.user_uid IS NULL THEN 0 ELSE 1 END,"                                          \
    " u.created_at, u.updated_at, u.version, u.attributes"

#define USERS_WITH_ROLE                                                                         \
    " FROM users u LEFT JOIN sub_admins s ON s.org_id = u.org_id AND s.user_uid = u.user_uid"

#define SUB_ADMINS                                                                              \
    " FROM sub_admins s JOIN users u ON u.org_id = s.org_id AND u.user_uid = s.user_uid"

/* The order of columns is that of take_invitation() in store_invitations.c. */
#define INVITATION_COLUMNS                                                                      \
    "i.invite_token, i.email, i.status, COALESCE(i.platform_link, ''), i.inviter_uid,"           \
    " i.inviter_email, COALESCE(i.inviter_display_name, ''), i.created_at, i.expires_at,"        \
    " COALESCE(i.accepted_at, 0)"

typedef struct um_statement_t {
    const char *name;
    const char *sql;
    /** Texts for the databases that need another. */
    const char *overrides[UM_DIALECT_COUNT];
} um_statement_t;

static const um_statement_t statements[UM_STMT_COUNT] = {
    [UM_STMT_BEGIN] = { "begin", "BEGIN IMMEDIATE", { NULL } },
    [UM_STMT_COMMIT] = { "commit", "COMMIT", { NULL } },
    [UM_STMT_ROLLBACK] = { "rollback", "ROLLBACK", { NULL } },
    [UM_STMT_SAVEPOINT] = { "savepoint", "SAVEPOINT um_change", { NULL } },
    [UM_STMT_SAVEPOINT_RELEASE] = { "savepoint_release", "RELEASE SAVEPOINT um_change", { NULL } },
    [UM_STMT_SAVEPOINT_ROLLBACK] = { "savepoint_rollback", "ROLLBACK TO SAVEPOINT um_change",
                                     { NULL } },
    [UM_STMT_SCHEMA_EXISTS] = { "schema_exists",
                                "SELECT 1 FROM sqlite_master"
                                " WHERE type = 'table' AND name = 'schema_version'",
                                { NULL } },
    [UM_STMT_SCHEMA_VERSION] = { "schema_version", "SELECT MAX(version) FROM schema_version",
                                 { NULL } },
    [UM_STMT_ORGANIZATION_INSERT] = { "organization_insert",
                                      "INSERT INTO organizations (name, created_at)"
                                      " SELECT %s, CAST(%s AS INTEGER) WHERE NOT EXISTS"
                                      " (SELECT 1 FROM organizations WHERE name = %s)",
                                      { NULL } },
    [UM_STMT_ORGANIZATION_COUNTS] = { "organization_counts",
                                      "SELECT user_count, sub_admin_count FROM organizations"
                                      " WHERE org_id = %lld",
                                      { NULL } },
    [UM_STMT_ORGANIZATION_STATUS] = { "organization_status",
                                      "SELECT o.name, o.payment_type, o.user_count,"
                                      " o.sub_admin_count, o.session_count,"
                                      " (SELECT COUNT(*) FROM invitations i"
                                      " WHERE i.org_id = o.org_id AND i.status = 'pending'"
                                      " AND i.expires_at > %lld)"
                                      " FROM organizations o WHERE o.org_id = %lld",
                                      { NULL } },
    [UM_STMT_ORGANIZATION_ACTIVITIES] = { "organization_activities",
                                          "SELECT activity, MAX(last_used_at) AS used"
                                          " FROM sessions WHERE org_id = %lld"
                                          " GROUP BY activity ORDER BY used DESC, activity",
                                          { NULL } },
    [UM_STMT_CALLER_GET] = { "caller_get",
                             "SELECT o.org_id, COALESCE(u.user_uid, ''), COALESCE(u.email, ''),"
                             " CASE WHEN s.user_uid IS NULL THEN 0 ELSE 1 END,"
                             " COALESCE(a.user_uid, ''), COALESCE(a.role, '')"
                             " FROM organizations o"
                             " LEFT JOIN users u ON u.org_id = o.org_id AND u.email_folded = %s"
                             " LEFT JOIN sub_admins s ON s.org_id = u.org_id"
                             " AND s.user_uid = u.user_uid"
                             " LEFT JOIN admins_seen a ON a.org_id = o.org_id AND a.identity = %s"
                             " WHERE o.name = %s",
                             { NULL } },
    [UM_STMT_CALLER_INSERT] = { "caller_insert",
                                "INSERT INTO admins_seen"
                                " (org_id, identity, user_uid, role, first_seen_at)"
                                " SELECT CAST(%s AS INTEGER), %s, %s, %s, CAST(%s AS INTEGER)"
                                " WHERE NOT EXISTS (SELECT 1 FROM admins_seen"
                                " WHERE org_id = %lld AND identity = %s)",
                                { NULL } },
    [UM_STMT_CALLER_UPDATE] = { "caller_update",
                                "UPDATE admins_seen SET role = %s"
                                " WHERE org_id = %lld AND identity = %s",
                                { NULL } },
    [UM_STMT_USER_GET] = { "user_get",
                           "SELECT " USER_COLUMNS USERS_WITH_ROLE
                           " WHERE u.org_id = %lld AND u.user_uid = %s",
                           { NULL } },
    [UM_STMT_USER_GET_BY_EMAIL] = { "user_get_by_email",
                                    "SELECT " USER_COLUMNS USERS_WITH_ROLE
                                    " WHERE u.org_id = %lld AND u.email_folded = %s",
                                    { NULL } },
    [UM_STMT_USER_INSERT] = { "user_insert",
                              "INSERT INTO users (org_id, user_uid, email, email_folded,"
                              " display_name, display_name_folded, phone, attributes,"
                              " created_at, updated_at)"
                              " VALUES (%lld, %s, %s, %s, %s, %s, %s, %s, %lld, %lld)"
                              " ON CONFLICT DO NOTHING",
                              { NULL } },
    [UM_STMT_USER_UPDATE] = { "user_update",
                              "UPDATE users SET email = %s, email_folded = %s,"
                              " display_name = %s, display_name_folded = %s, phone = %s,"
                              " attributes = %s, updated_at = %lld, version = version + 1"
                              " WHERE org_id = %lld AND user_uid = %s AND version = %lld"
                              " AND NOT EXISTS (SELECT 1 FROM users other"
                              " WHERE other.org_id = %lld AND other.email_folded = %s"
                              " AND other.user_uid <> %s)",
                              { NULL } },
    [UM_STMT_USER_DELETE] = { "user_delete",
                              "DELETE FROM users WHERE org_id = %lld AND user_uid = %s"
                              " AND version = %lld",
                              { NULL } },
    [UM_STMT_USER_CURSOR] = { "user_cursor",
                              "SELECT u.created_at, u.email_folded, u.display_name_folded"
                              " FROM users u WHERE u.org_id = %lld AND u.user_uid = %s",
                              { NULL } },
    [UM_STMT_USER_IS_ADMIN] = { "user_is_admin",
                                "SELECT 1 FROM admins_seen"
                                " WHERE org_id = %lld AND identity = %s"
                                " AND role IN ('admin', 'sub_admin')",
                                { NULL } },
    [UM_STMT_SUB_ADMIN_INSERT] = { "sub_admin_insert",
                                   "INSERT INTO sub_admins (org_id, user_uid, added_by, created_at)"
                                   " VALUES (%lld, %s, %s, %lld) ON CONFLICT DO NOTHING",
                                   { NULL } },
    [UM_STMT_SUB_ADMIN_GET] = { "sub_admin_get",
                                "SELECT " USER_COLUMNS ", s.added_by, s.created_at" SUB_ADMINS
                                " WHERE s.org_id = %lld AND s.user_uid = %s",
                                { NULL } },
    [UM_STMT_SUB_ADMIN_DELETE] = { "sub_admin_delete",
                                   "DELETE FROM sub_admins WHERE org_id = %lld AND user_uid = %s",
                                   { NULL } },
    [UM_STMT_INVITATION_GET] = { "invitation_get",
                                 "SELECT " INVITATION_COLUMNS " FROM invitations i"
                                 " WHERE i.org_id = %lld AND i.invite_token = %s",
                                 { NULL } },
    [UM_STMT_INVITATION_GET_BY_SECRET] = { "invitation_get_by_secret",
                                           "SELECT " INVITATION_COLUMNS ", x.secret_sha256"
                                           " FROM invitation_secrets x JOIN invitations i"
                                           " ON i.org_id = x.org_id"
                                           " AND i.invite_token = x.invite_token"
                                           " WHERE x.org_id = %lld AND x.secret_sha256 = %s",
                                           { NULL } },
    [UM_STMT_INVITATION_INSERT] = { "invitation_insert",
                                    "INSERT INTO invitations (org_id, invite_token, email,"
                                    " email_folded, status, platform_link, inviter_uid,"
                                    " inviter_email, inviter_display_name, created_at,"
                                    " expires_at)"
                                    " VALUES (%lld, %s, %s, %s, 'pending', %s, %s, %s, %s,"
                                    " %lld, %lld) ON CONFLICT DO NOTHING",
                                    { NULL } },
    [UM_STMT_INVITATION_EXPIRE] = { "invitation_expire",
                                    "UPDATE invitations SET status = 'expired'"
                                    " WHERE org_id = %lld AND email_folded = %s"
                                    " AND status = 'pending' AND expires_at <= %lld",
                                    { NULL } },
    [UM_STMT_INVITATION_RENEW] = { "invitation_renew",
                                   "UPDATE invitations SET status = 'pending', expires_at = %lld"
                                   " WHERE org_id = %lld AND invite_token = %s"
                                   " AND status IN ('pending', 'expired')"
                                   " AND NOT EXISTS (SELECT 1 FROM invitations other"
                                   " WHERE other.org_id = %lld AND other.email_folded = %s"
                                   " AND other.status = 'pending' AND other.invite_token <> %s)",
                                   { NULL } },
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
    [UM_STMT_INVITATION_SECRET_INSERT] = { "invitation_secret_insert",
                                           "INSERT INTO invitation_secrets"
                                           " (org_id, secret_sha256, invite_token, created_at)"
                                           " VALUES (%lld, %s, %s, %lld)",
                                           { NULL } },
    [UM_STMT_INVITATION_SECRETS_DELETE] = { "invitation_secrets_delete",
                                            "DELETE FROM invitation_secrets"
                                            " WHERE org_id = %lld AND invite_token = %s",
                                            { NULL } },
    [UM_STMT_IDEMPOTENCY_GET] = { "idempotency_get",
                                  "SELECT request_sha256, status, COALESCE(location, ''),"
                                  " COALESCE(etag, ''), body FROM idempotency_keys"
                                  " WHERE org_id = %lld AND identity = %s"
                                  " AND idempotency_key = %s AND created_at > %lld",
                                  { NULL } },
    [UM_STMT_IDEMPOTENCY_INSERT] = { "idempotency_insert",
                                     "INSERT INTO idempotency_keys (org_id, identity,"
                                     " idempotency_key, request_sha256, status, location,"
                                     " etag, body, created_at)"
                                     " VALUES (%lld, %s, %s, %s, %lld, %s, %s, %s, %lld)",
                                     { NULL } },
    [UM_STMT_IDEMPOTENCY_PRUNE] = { "idempotency_prune",
                                    "DELETE FROM idempotency_keys WHERE created_at <= %lld",
                                    { NULL } },
    [UM_STMT_AUDIT_INSERT] = { "audit_insert",
                               "INSERT INTO audit_events (org_id, event_uid, at, actor_identity,"
                               " actor_uid, actor_role, remote_addr, action, target,"
                               " before_json, after_json)"
                               " VALUES (%lld, %s, %lld, %s, %s, %s, %s, %s, %s, %s, %s)",
                               { NULL } },
};

const char *um_statements_sql(um_statement_id_t id, um_dialect_t dialect)
{
    const char *override = statements[id].overrides[dialect];

    return override != NULL ? override : statements[id].sql;
}

/* No busy_timeout: it would sleep inside the driver's mutex and stall the whole
 * process. The driver's own retries, outside of that mutex, bear with strangers
 * who write to the database (a backup, a person with sqlite3). */
static const um_setting_t settings_sqlite[] = {
    { "PRAGMA journal_mode = WAL", 1 },
    { "PRAGMA synchronous = FULL", 0 },
    { "PRAGMA foreign_keys = ON", 0 },
    { "PRAGMA cache_size = -8000", 0 },
    { NULL, 0 },
};

const um_setting_t *um_statements_settings(um_dialect_t dialect)
{
    static const um_setting_t *const settings[UM_DIALECT_COUNT] = {
        [UM_DIALECT_SQLITE] = settings_sqlite,
    };

    return settings[dialect];
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

/* What a composition works on: the text, and the values in its order. */
typedef struct um_composition_t {
    um_buffer_t *sql;
    const char **parameters;
    int count;
} um_composition_t;

static void add(um_composition_t *to, const char *piece, const char *parameter)
{
    um_buffer_puts(to->sql, piece);
    to->parameters[to->count++] = parameter;
}

static const char *int_text(const um_composition_t *to, apr_int64_t number)
{
    return apr_psprintf(to->sql->pool, "%" APR_INT64_T_FMT, number);
}

/* The range of a prefix: column >= start AND column < end. */
static void add_prefix(um_composition_t *to, const char *at_least, const char *below,
                       const char *prefix)
{
    const char *end = um_text_prefix_end(prefix, to->sql->pool);

    add(to, at_least, prefix);
    if (end != NULL) {
        add(to, below, end);
    }
}

static void add_filter(um_composition_t *to, const um_user_filter_t *filter)
{
    if (filter->email_folded != NULL) {
        add(to, " AND u.email_folded = %s", filter->email_folded);
    }
    if (filter->phone != NULL) {
        add(to, " AND u.phone = %s", filter->phone);
    }
    if (filter->role == UM_ROLE_IS_USER) {
        um_buffer_puts(to->sql, " AND s.user_uid IS NULL");
    }
    if (filter->role == UM_ROLE_IS_SUB_ADMIN) {
        um_buffer_puts(to->sql, " AND s.user_uid IS NOT NULL");
    }
    if (filter->name_prefix != NULL) {
        add_prefix(to, " AND u.display_name_folded >= %s", " AND u.display_name_folded < %s",
                   filter->name_prefix);
    }
    if (filter->name_or_email_prefix != NULL) {
        add_prefix(to, " AND ((u.display_name_folded >= %s", " AND u.display_name_folded < %s",
                   filter->name_or_email_prefix);
        add_prefix(to, ") OR (u.email_folded >= %s", " AND u.email_folded < %s",
                   filter->name_or_email_prefix);
        um_buffer_puts(to->sql, "))");
    }
    if (filter->has_created_after) {
        add(to, " AND u.created_at > %lld", int_text(to, filter->created_after));
    }
    if (filter->has_created_before) {
        add(to, " AND u.created_at < %lld", int_text(to, filter->created_before));
    }
}

/* Conditions on one side of a cursor, [order][0: greater, 1: less]. */
static const struct {
    const char *beyond[2];
    const char *ascending;
    const char *descending;
} orders[] = {
    [UM_ORDER_UID] = { { " AND u.user_uid > %s", " AND u.user_uid < %s" },
                       " ORDER BY u.user_uid",
                       " ORDER BY u.user_uid DESC" },
    [UM_ORDER_CREATED_AT] = { { " AND (u.created_at, u.user_uid) > (CAST(%s AS INTEGER), ",
                                " AND (u.created_at, u.user_uid) < (CAST(%s AS INTEGER), " },
                              " ORDER BY u.created_at, u.user_uid",
                              " ORDER BY u.created_at DESC, u.user_uid DESC" },
    [UM_ORDER_EMAIL] = { { " AND (u.email_folded, u.user_uid) > (%s, ",
                           " AND (u.email_folded, u.user_uid) < (%s, " },
                         " ORDER BY u.email_folded, u.user_uid",
                         " ORDER BY u.email_folded DESC, u.user_uid DESC" },
    [UM_ORDER_DISPLAY_NAME] = { { " AND (u.display_name_folded, u.user_uid) > (%s, ",
                                  " AND (u.display_name_folded, u.user_uid) < (%s, " },
                                " ORDER BY u.display_name_folded, u.user_uid",
                                " ORDER BY u.display_name_folded DESC, u.user_uid DESC" },
};

static void add_cursor(um_composition_t *to, um_order_t order, const um_cursor_t *cursor,
                       int less)
{
    if (cursor->uid == NULL) {
        return;
    }
    if (order == UM_ORDER_UID) {
        add(to, orders[order].beyond[less], cursor->uid);
        return;
    }
    add(to, orders[order].beyond[less], cursor->key);
    add(to, "%s)", cursor->uid);
}

int um_statements_compose_list(um_buffer_t *sql, const char *parameters[UM_LIST_PARAMETERS_MAX],
                               const um_user_list_t *list, um_list_what_t what,
                               const char *org_id, um_dialect_t dialect)
{
    um_composition_t to = { sql, parameters, 0 };
    int descending = !list->descending != !list->backwards;

    (void)dialect;
    um_buffer_puts(sql, what == UM_LIST_COUNT    ? "SELECT COUNT(*)"
                        : what == UM_LIST_EXISTS ? "SELECT 1"
                                                 : "SELECT " USER_COLUMNS);
    if (list->sub_admins) {
        um_buffer_puts(sql, what == UM_LIST_ROWS ? ", s.added_by, s.created_at" : "");
        add(&to, SUB_ADMINS " WHERE s.org_id = %lld", org_id);
    } else {
        add(&to, USERS_WITH_ROLE " WHERE u.org_id = %lld", org_id);
    }
    add_filter(&to, &list->filter);
    if (what == UM_LIST_COUNT) {
        return to.count;
    }
    add_cursor(&to, list->order, &list->after, list->descending != 0);
    add_cursor(&to, list->order, &list->before, list->descending == 0);
    um_buffer_puts(sql, descending ? orders[list->order].descending
                                   : orders[list->order].ascending);
    add(&to, " LIMIT %lld", int_text(&to, list->limit));
    return to.count;
}
