/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_LIST_SQL_H
#define UM_DB_LIST_SQL_H

/**
 * @file list_sql.h
 * Lists: their conditions, orders and cursors, and the SQL that is composed of these at
 * run time out of constant pieces. Values from outside are parameters, always.
 */

#include <apr_tables.h>

#include "../base/buffer.h"
#include "dialect.h"

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
typedef enum um_list_who_t { UM_LIST_ALL, UM_LIST_SUB_ADMINS, UM_LIST_WHO_COUNT } um_list_who_t;

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
int um_list_sql_count_ways(const um_list_t *list);

/** Whether the count of a list is that of others without sub-admins: with those who
 *  are none. */
int um_list_sql_leaves_sub_admins_out(const um_list_t *list);

/** The same list of the sub-admins, in pool. */
void um_list_sql_of_sub_admins(um_list_t *sub_admins, const um_list_t *list, apr_pool_t *pool);

/** Tell whether the database keeps a count of all that a source has. */
int um_list_sql_keeps_count(um_list_source_t source);

/**
 * Compose the statement for a list out of constant pieces.
 * @param sql        the text is appended here
 * @param parameters of const char *, filled with the values
 */
void um_list_sql_compose(um_buffer_t *sql, apr_array_header_t *parameters, const um_list_t *list,
                         um_list_what_t what, const char *org_id, um_dialect_t dialect);

/**
 * Compose one of a set of lists that has every source, order and condition in
 * it, so that the pieces can be tried on a database.
 * @param number counted from 0
 * @return 0 where number is past the last
 */
int um_list_sql_compose_sample(um_buffer_t *sql, int number, um_dialect_t dialect);

#endif
