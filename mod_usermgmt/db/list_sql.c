/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file list_sql.c The SQL of lists, see list_sql.h. */

#include "list_sql.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/text.h"
#include "../base/uid.h"
#include "list_path.h"
#include "statements.h"

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

/* Pieces, and others for a database that does not compare pairs; NULL for the same. */
typedef struct um_pieces_t {
    const um_piece_t *pieces;
    const um_piece_t *without_pairs;
} um_pieces_t;

#define PIECES(...) (const um_piece_t[]){ __VA_ARGS__, { NULL, UM_FILL_NONE } }
#define SHARED(...) { PIECES(__VA_ARGS__), NULL }

#define NO_PIECES { NULL, NULL }
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

/* A comparison of pairs, and the same without. */
#define BEYOND(column, operator, placeholder, key)                                                \
    {                                                                                             \
        PIECES({ " AND (" column ", " key ") " operator " (" placeholder, UM_FILL_VALUE },        \
               { ", %s)", UM_FILL_KEY }),                                                         \
            PIECES({ " AND " column " " operator "= " placeholder, UM_FILL_VALUE },               \
                   { " AND (" column " " operator " " placeholder, UM_FILL_VALUE },               \
                   { " OR " key " " operator " %s)", UM_FILL_KEY })                               \
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
        UM_SQL_USER_COLUMNS,
        " FROM users u",
        " LEFT JOIN " UM_SQL_SUB_ADMIN_OF_USER,
        " WHERE u.org_id = %lld",
        UM_STMT_USER_COUNT,
        ORDERS([UM_USERS_BY_UID] = ORDER_BY_KEY("u.user_uid"),
               [UM_USERS_BY_CREATED_AT] = ORDER_BY_INTEGER("u.created_at", "u.user_uid"),
               [UM_USERS_BY_EMAIL] = ORDER_BY_UNIQUE("u.email_key", UM_FILL_VALUE),
               [UM_USERS_BY_DISPLAY_NAME] = ORDER_BY_TEXT("u.display_name_folded", "u.user_uid")),
    },
    [UM_LIST_OF_SUB_ADMINS] = {
        UM_SQL_SUB_ADMIN_COLUMNS,
        " FROM sub_admins s",
        " JOIN " UM_SQL_USER_OF_SUB_ADMIN,
        " WHERE s.org_id = %lld",
        UM_STMT_SUB_ADMIN_COUNT,
        ORDERS([UM_SUB_ADMINS_BY_UID] = ORDER_BY_KEY("s.user_uid")),
    },
    [UM_LIST_OF_INVITATIONS] = {
        UM_SQL_INVITATION_COLUMNS,
        " FROM invitations i",
        "",
        " WHERE i.org_id = %lld",
        UM_STMT_COUNT,
        ORDERS([UM_INVITATIONS_BY_TOKEN] = ORDER_BY_KEY("i.invite_token")),
    },
    [UM_LIST_OF_SESSIONS] = {
        UM_SQL_SESSION_COLUMNS,
        " FROM sessions e",
        "",
        " WHERE e.org_id = %lld",
        UM_STMT_SESSION_COUNT,
        ORDERS([UM_SESSIONS_BY_UID] = ORDER_BY_KEY("e.session_uid"),
               [UM_SESSIONS_BY_STARTED_AT] = ORDER_BY_INTEGER("e.started_at", "e.session_uid")),
    },
    [UM_LIST_OF_AUDIT_EVENTS] = {
        UM_SQL_AUDIT_EVENT_COLUMNS,
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
    return pieces->without_pairs != NULL && !um_dialect_traits(to->dialect)->compares_pairs
               ? pieces->without_pairs
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

int um_list_sql_count_ways(const um_list_t *list)
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
            um_buffer_puts(to->sql, " CROSS JOIN " UM_SQL_USER_OF_SUB_ADMIN);
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
        um_buffer_puts(to->sql, " CROSS JOIN " UM_SQL_SUB_ADMIN_OF_USER);
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

int um_list_sql_leaves_sub_admins_out(const um_list_t *list)
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

void um_list_sql_of_sub_admins(um_list_t *sub_admins, const um_list_t *list, apr_pool_t *pool)
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
    if (um_list_sql_count_ways(list) == 2) {
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
    if (!um_list_sql_leaves_sub_admins_out(list)) {
        add_numbers(to, list, org_id, UM_LIST_ALL, " + ", " - ");
        return;
    }
    copy_without_role(&others, list, to->sql->pool);
    add_numbers(to, &others, org_id, UM_LIST_ALL, " + ", " - ");
    um_list_sql_of_sub_admins(&others, list, to->sql->pool);
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

int um_list_sql_keeps_count(um_list_source_t source)
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
    if (um_list_sql_count_ways(list) == 2) {
        add_from_either(to, list, org_id);
    } else {
        add_rows(to, &part);
    }
    add_order(to, list);
}

void um_list_sql_compose(um_buffer_t *sql, apr_array_header_t *parameters,
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

int um_list_sql_compose_sample(um_buffer_t *sql, int number, um_dialect_t dialect)
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
    um_list_sql_compose(sql, parameters, &list, (um_list_what_t)(number / 2 % 4), "1",
                               dialect);
    return 1;
}
