/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_STATEMENTS_H
#define UM_DB_STATEMENTS_H

/**
 * @file statements.h
 * All SQL of the module. A statement has one text for all databases and an
 * override only where one differs. Placeholders are apr_dbd's (%s, %lld); a
 * literal per cent sign is %%. Values from outside are parameters, always.
 */

#include <apr_tables.h>

#include "../base/buffer.h"

typedef enum um_dialect_t {
    UM_DIALECT_SQLITE,
    UM_DIALECT_POSTGRESQL,
    UM_DIALECT_MARIADB,
    UM_DIALECT_COUNT
} um_dialect_t;

/** What is different about a database apart from its SQL. */
typedef struct um_dialect_traits_t {
    /** The name of its driver in apr_dbd. */
    const char *driver;
    /** Non-zero where the database keeps no statistics of values by which to choose
     *  an index, so that a list's paths are chosen for it. */
    int needs_paths;
    /** Non-zero where one writes at a time, and the changes of many go into one
     *  transaction (writer.h); else each is a transaction of its own (runner.h). */
    int has_single_writer;
    /** Non-zero where the module may make the schema by itself. */
    int makes_schema;
    /** What apr_dbd's selects are to be told for the driver to notice errors
     *  and to give all rows in turn. */
    int random_access;
    /** Non-zero where the driver may connect anew without telling. What was
     *  prepared before fails then, so all of a transaction is, COMMIT too: else
     *  its second half would run by itself, or nothing be committed with success. */
    int reconnects_silently;
    /** Run in front of an upgrade of the schema, which may take longer than other
     *  statements may; NULL where there is nothing to set. */
    const char *upgrade_setting;
} um_dialect_traits_t;

/**
 * Two numbers in the header of SQLite's file that every transaction sets, so that a log
 * and a file that don't belong together are told apart (sqlite_file.h): one of its own,
 * drawn by lot, and that of the transaction before.
 */
typedef struct um_stamp_sql_t {
    /** Gives the last transaction's number. */
    const char *get;
    /** Both take %d. */
    const char *set_last;
    const char *set_own;
} um_stamp_sql_t;

/** NULL for a database that has none. */
const um_stamp_sql_t *um_statements_stamp(um_dialect_t dialect);

/** The traits of a dialect, constant. */
const um_dialect_traits_t *um_statements_traits(um_dialect_t dialect);

typedef enum um_statement_id_t {
    UM_STMT_BEGIN,
    UM_STMT_COMMIT,
    UM_STMT_ROLLBACK,
    UM_STMT_SAVEPOINT,
    UM_STMT_SAVEPOINT_RELEASE,
    UM_STMT_SAVEPOINT_ROLLBACK,
    /** Those before control transactions, these are for the inside of one. */
    UM_STMT_FIRST_PREPARED,
    UM_STMT_ALIVE = UM_STMT_FIRST_PREPARED,
    UM_STMT_LIBRARY,
    UM_STMT_SCHEMA_EXISTS,
    UM_STMT_SCHEMA_VERSION,
    UM_STMT_SCHEMA_LOCK,
    UM_STMT_ORGANIZATION_GET,
    UM_STMT_ORGANIZATION_LIST,
    UM_STMT_ORGANIZATION_INSERT,
    UM_STMT_ORGANIZATION_SET_PAYMENT_TYPE,
    UM_STMT_ORGANIZATION_COUNTS_WAITING,
    UM_STMT_ORGANIZATION_COUNTS_LOCK,
    UM_STMT_ORGANIZATION_COUNTS_DELETE,
    UM_STMT_ORGANIZATION_COUNTS_PUT,
    UM_STMT_ORGANIZATION_STATUS,
    UM_STMT_ORGANIZATION_ACTIVITIES,
    UM_STMT_CALLER_GET,
    UM_STMT_CALLER_INSERT,
    UM_STMT_CALLER_UPDATE,
    UM_STMT_USER_GET,
    UM_STMT_USER_LOCK,
    UM_STMT_USER_LOCK_BY_EMAIL,
    UM_STMT_USER_GET_BY_EMAIL,
    UM_STMT_USER_ACTIVE_BY_EMAIL,
    UM_STMT_USER_INSERT,
    UM_STMT_USER_UPDATE,
    UM_STMT_USER_TOUCH,
    UM_STMT_USER_DELETE,
    UM_STMT_USER_IS_ADMIN,
    UM_STMT_USER_COUNT,
    UM_STMT_SUB_ADMIN_INSERT,
    UM_STMT_SUB_ADMIN_GET,
    UM_STMT_SUB_ADMIN_LOCK,
    UM_STMT_SUB_ADMIN_DELETE,
    UM_STMT_SUB_ADMIN_COUNT,
    UM_STMT_INVITATION_GET,
    UM_STMT_INVITATION_GET_BY_SECRET,
    UM_STMT_INVITATION_INSERT,
    UM_STMT_INVITATION_EXPIRE,
    UM_STMT_INVITATION_RENEW,
    UM_STMT_INVITATION_REVOKE,
    UM_STMT_INVITATION_ACCEPT,
    UM_STMT_INVITATIONS_PRUNE,
    UM_STMT_INVITATION_SECRET_INSERT,
    UM_STMT_INVITATION_SECRETS_DELETE,
    UM_STMT_SESSION_CONTINUE,
    UM_STMT_SESSION_BEGIN,
    UM_STMT_SESSION_INSERT,
    UM_STMT_SESSION_COUNT,
    UM_STMT_ACTIVITY_UPDATE,
    UM_STMT_ACTIVITY_INSERT,
    UM_STMT_IDEMPOTENCY_GET,
    UM_STMT_IDEMPOTENCY_INSERT,
    UM_STMT_IDEMPOTENCY_UPDATE,
    UM_STMT_IDEMPOTENCY_PRUNE,
    UM_STMT_AUDIT_INSERT,
    UM_STMT_AUDIT_HAS,
    UM_STMT_MAIL_INSERT,
    UM_STMT_MAIL_DUE,
    UM_STMT_MAIL_NEXT,
    UM_STMT_MAIL_CLAIM,
    UM_STMT_MAIL_POSTPONE,
    UM_STMT_MAIL_DELETE,
    UM_STMT_BARRIER,
    UM_STMT_AUDIT_EXISTS,
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

/** Further ones for a connection that makes many changes in a row. */
const um_setting_t *um_statements_bulk_settings(um_dialect_t dialect);

/** What is to be done after these changes. */
const um_setting_t *um_statements_bulk_end(um_dialect_t dialect);

/** The name of a statement, for the log. */
const char *um_statements_name(um_statement_id_t id);

/** The number of parameters of an SQL text with apr_dbd's placeholders. */
int um_statements_count_parameters(const char *sql);

/** What can be listed; store.h says what a row of each is read with. */
typedef enum um_list_source_t {
    UM_LIST_OF_USERS,
    UM_LIST_OF_SUB_ADMINS,
    UM_LIST_OF_INVITATIONS,
    UM_LIST_OF_SESSIONS,
    UM_LIST_OF_AUDIT_EVENTS,
    UM_LIST_SOURCE_COUNT
} um_list_source_t;

/** What a list of each can be ordered by. The first of each, 0, is its key. */
enum { UM_USERS_BY_UID, UM_USERS_BY_CREATED_AT, UM_USERS_BY_EMAIL, UM_USERS_BY_DISPLAY_NAME };
enum { UM_SUB_ADMINS_BY_UID };
enum { UM_INVITATIONS_BY_TOKEN };
enum { UM_SESSIONS_BY_UID, UM_SESSIONS_BY_STARTED_AT };
/** The order of time, too. */
enum { UM_AUDIT_EVENTS_BY_UID };

/** The conditions that a list can be under. Each belongs to one source, and
 *  compares with one value unless said otherwise. */
typedef enum um_condition_id_t {
    /** The address's key. */
    UM_IF_USER_EMAIL,
    UM_IF_USER_PHONE,
    /** These two take no value. */
    UM_IF_USER_IS_SUB_ADMIN,
    UM_IF_USER_IS_NO_SUB_ADMIN,
    /** Nor do these. */
    UM_IF_USER_IS_ACTIVE,
    UM_IF_USER_IS_SUSPENDED,
    /** A folded prefix of the name; with it, as a second value, a prefix of the
     *  address's key. */
    UM_IF_USER_NAME_STARTS,
    UM_IF_USER_NAME_OR_EMAIL_STARTS,
    /** Milliseconds since 1970, exclusive. */
    UM_IF_USER_CREATED_AFTER,
    UM_IF_USER_CREATED_BEFORE,
    /** The present in milliseconds: pending and in time; expired, whatever is stored. */
    UM_IF_INVITATION_IS_PENDING,
    UM_IF_INVITATION_IS_EXPIRED,
    /** These two take no value. */
    UM_IF_INVITATION_IS_ACCEPTED,
    UM_IF_INVITATION_IS_REVOKED,
    UM_IF_SESSION_USER,
    UM_IF_SESSION_ACTIVITY,
    /** Milliseconds since 1970, exclusive. */
    UM_IF_SESSION_STARTED_AFTER,
    UM_IF_SESSION_STARTED_BEFORE,
    /** The key of an identity. */
    UM_IF_EVENT_ACTOR,
    UM_IF_EVENT_ACTION,
    UM_IF_EVENT_TARGET,
    /** Milliseconds since 1970, exclusive. */
    UM_IF_EVENT_AFTER,
    UM_IF_EVENT_BEFORE,
    UM_CONDITION_COUNT
} um_condition_id_t;

/** A condition and what it compares with. */
typedef struct um_condition_t {
    um_condition_id_t id;
    /** NULL where it takes none. */
    const char *value;
    const char *second_value;
} um_condition_t;

/** A place in a list: before or behind the entry with that key. */
typedef struct um_cursor_t {
    /** NULL where there is no cursor. */
    const char *key;
    /** The entry's value of the column ordered by; the key again where that is it. */
    const char *value;
} um_cursor_t;

/** A condition may be met in one of two ways, each with an index of its own. A row
 *  that meets it in both is listed in the first. */
typedef enum um_list_way_t {
    UM_LIST_FIRST_WAY,
    UM_LIST_SECOND_WAY,
    UM_LIST_BOTH_WAYS,
    UM_LIST_WAY_COUNT
} um_list_way_t;

/** Who of the users is counted: all under the conditions, or the sub-admins alone. */
typedef enum um_list_who_t {
    UM_LIST_ALL,
    UM_LIST_SUB_ADMINS,
    UM_LIST_WHO_COUNT
} um_list_who_t;

/** See list_path.h. */
typedef struct um_list_path_t um_list_path_t;

/** A stretch of a list. */
typedef struct um_list_t {
    um_list_source_t source;
    /** Of um_condition_t, all of which must hold; NULL for none. */
    apr_array_header_t *conditions;
    /** One of the source's orders. */
    int order;
    int descending;
    um_cursor_t after;
    um_cursor_t before;
    /** At most so many. */
    apr_int64_t limit;
    /** Non-zero: the last ones of the stretch, told from its end backwards. */
    int backwards;
    /** The path that leads to its rows, and the one by which they are counted; NULL
     *  where the database chooses. */
    const um_list_path_t *paths[UM_LIST_WAY_COUNT];
    const um_list_path_t *count_paths[UM_LIST_WHO_COUNT][UM_LIST_WAY_COUNT];
    /** The way of which UM_LIST_ESTIMATE counts rows. */
    um_list_way_t estimated;
} um_list_t;

/** The number of a list's rows up to which they are all read and put in order, where
 *  no index gives them in it: a tenth of all that there are, between these. Where there
 *  are more, the rows are gone through in their order until enough meet the conditions. */
#define UM_LIST_SORTED_MIN 10
#define UM_LIST_SORTED_MAX 20000

/** What is asked of a list. */
typedef enum um_list_what_t {
    /** The columns of each row: its key first; last, unless the order is by
     *  key, the value ordered by. */
    UM_LIST_ROWS,
    /** A row if there is one. */
    UM_LIST_EXISTS,
    /** How many there are; cursors, order and limit play no part. */
    UM_LIST_COUNT,
    /** The value ordered by of the row with the key of the cursor after. */
    UM_LIST_VALUE,
    /** How many rows the path of the estimated way leads to, at most limit: under
     *  those of the conditions that it serves. */
    UM_LIST_ESTIMATE
} um_list_what_t;

/** How many ways there are to meet a list's conditions, the two together not counted. */
int um_statements_count_ways(const um_list_t *list);

/** Whether the count of a list is that of others without sub-admins: with those who
 *  are none. */
int um_statements_leaves_sub_admins_out(const um_list_t *list);

/** The same list of the sub-admins, in pool. */
void um_statements_of_sub_admins(um_list_t *sub_admins, const um_list_t *list, apr_pool_t *pool);

/** Tell whether the database keeps a count of all that a source has. */
int um_statements_keeps_count(um_list_source_t source);

/**
 * Compose the statement for a list out of constant pieces.
 * @param sql        the text is appended here
 * @param parameters of const char *, filled with the values
 */
void um_statements_compose_list(um_buffer_t *sql, apr_array_header_t *parameters,
                                const um_list_t *list, um_list_what_t what, const char *org_id,
                                um_dialect_t dialect);

/**
 * Compose one of a set of lists that has every source, order and condition in
 * it, so that the pieces can be tried on a database.
 * @param number counted from 0
 * @return 0 where number is past the last
 */
int um_statements_compose_sample(um_buffer_t *sql, int number, um_dialect_t dialect);

#endif
