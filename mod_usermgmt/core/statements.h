/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_STATEMENTS_H
#define UM_CORE_STATEMENTS_H

/**
 * @file statements.h
 * All SQL of the module. A statement has one text for all databases and an
 * override only where one differs. Placeholders are apr_dbd's (%s, %lld); a
 * literal per cent sign is %%. Values from outside are parameters, always.
 */

#include "buffer.h"

typedef enum um_dialect_t {
    UM_DIALECT_SQLITE,
    UM_DIALECT_COUNT
} um_dialect_t;

typedef enum um_statement_id_t {
    UM_STMT_BEGIN,
    UM_STMT_COMMIT,
    UM_STMT_ROLLBACK,
    UM_STMT_SAVEPOINT,
    UM_STMT_SAVEPOINT_RELEASE,
    UM_STMT_SAVEPOINT_ROLLBACK,
    UM_STMT_SCHEMA_EXISTS,
    UM_STMT_SCHEMA_VERSION,
    UM_STMT_ORGANIZATION_INSERT,
    UM_STMT_ORGANIZATION_COUNTS,
    UM_STMT_ORGANIZATION_STATUS,
    UM_STMT_ORGANIZATION_ACTIVITIES,
    UM_STMT_CALLER_GET,
    UM_STMT_CALLER_INSERT,
    UM_STMT_CALLER_UPDATE,
    UM_STMT_USER_GET,
    UM_STMT_USER_GET_BY_EMAIL,
    UM_STMT_USER_INSERT,
    UM_STMT_USER_UPDATE,
    UM_STMT_USER_DELETE,
    UM_STMT_USER_CURSOR,
    UM_STMT_USER_IS_ADMIN,
    UM_STMT_SUB_ADMIN_INSERT,
    UM_STMT_SUB_ADMIN_GET,
    UM_STMT_SUB_ADMIN_DELETE,
    UM_STMT_INVITATION_GET,
    UM_STMT_INVITATION_GET_BY_SECRET,
    UM_STMT_INVITATION_INSERT,
    UM_STMT_INVITATION_EXPIRE,
    UM_STMT_INVITATION_RENEW,
    UM_STMT_INVITATION_REVOKE,
    UM_STMT_INVITATION_ACCEPT,
    UM_STMT_INVITATION_SECRET_INSERT,
    UM_STMT_INVITATION_SECRETS_DELETE,
    UM_STMT_IDEMPOTENCY_GET,
    UM_STMT_IDEMPOTENCY_INSERT,
    UM_STMT_IDEMPOTENCY_PRUNE,
    UM_STMT_AUDIT_INSERT,
    UM_STMT_COUNT
} um_statement_id_t;

/** The text of a statement in a dialect, constant. */
const char *um_statements_sql(um_statement_id_t id, um_dialect_t dialect);

/** A setting made once on each connection. */
typedef struct um_setting_t {
    const char *sql;
    /** Non-zero where the database answers it with a row. */
    int yields_row;
} um_setting_t;

/** The settings of a dialect, ended by one with a NULL text. */
const um_setting_t *um_statements_settings(um_dialect_t dialect);

/** The name of a statement, for the log. */
const char *um_statements_name(um_statement_id_t id);

/** The number of parameters of an SQL text with apr_dbd's placeholders. */
int um_statements_count_parameters(const char *sql);

/** What a list can be ordered by. */
typedef enum um_order_t {
    UM_ORDER_UID,
    UM_ORDER_CREATED_AT,
    UM_ORDER_EMAIL,
    UM_ORDER_DISPLAY_NAME
} um_order_t;

/** Which users: each that is set (not NULL, not UM_ROLE_ANY, has_…) must hold. */
typedef struct um_user_filter_t {
    const char *email_folded;
    const char *phone;
    enum { UM_ROLE_ANY, UM_ROLE_IS_USER, UM_ROLE_IS_SUB_ADMIN } role;
    /** Folded prefixes. */
    const char *name_prefix;
    const char *name_or_email_prefix;
    int has_created_after;
    apr_int64_t created_after;
    int has_created_before;
    apr_int64_t created_before;
} um_user_filter_t;

/** A place in a list: before or behind the user with that uid and order key. */
typedef struct um_cursor_t {
    /** NULL where there is no cursor. */
    const char *uid;
    /** The user's value of the column ordered by; the uid again for UM_ORDER_UID. */
    const char *key;
} um_cursor_t;

/** A stretch of a list of users. */
typedef struct um_user_list_t {
    um_user_filter_t filter;
    um_order_t order;
    int descending;
    um_cursor_t after;
    um_cursor_t before;
    /** At most so many. */
    apr_int64_t limit;
    /** Non-zero: the last ones of the stretch, told from its end backwards. */
    int backwards;
    /** Non-zero: only sub-admins, with who made them so and when. */
    int sub_admins;
} um_user_list_t;

/** What is asked of a stretch. */
typedef enum um_list_what_t {
    UM_LIST_ROWS,
    UM_LIST_EXISTS,
    UM_LIST_COUNT
} um_list_what_t;

/** The most parameters a composed statement has. */
#define UM_LIST_PARAMETERS_MAX 24

/**
 * Compose the statement for a stretch of users out of constant pieces. Cursors,
 * order and limit play no part for UM_LIST_COUNT.
 * @param sql        the text is appended here
 * @param parameters filled with the values, in the buffer's pool
 * @return the number of parameters
 */
int um_statements_compose_list(um_buffer_t *sql, const char *parameters[UM_LIST_PARAMETERS_MAX],
                               const um_user_list_t *list, um_list_what_t what,
                               const char *org_id, um_dialect_t dialect);

#endif
