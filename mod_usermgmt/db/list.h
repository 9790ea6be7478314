/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_LIST_H
#define UM_DB_LIST_H

/**
 * @file list.h
 * What a list is. A resource describes its lists in core/list_….c, as a source: columns, filters,
 * orders and paths. um_list_t is a part of such a list: a page. list_sql.h composes its SQL.
 * Values from outside are always parameters of the SQL.
 *
 * The words:
 * - source: the description of a list: its tables, and all that follows
 * - filter: a parameter of the URL, such as role=user. Its value chooses a condition
 * - condition: what a row must meet, as SQL: AND u.phone = …. It may have two ways, such as a
 *   name or an address that begins with a text: then each way is read from its own index
 * - order: a column that the list is sorted by, and the key for rows that are equal there
 * - cursor: a row of the list, by its key and its value of the order's column. A page begins
 *   after a cursor, or ends before one
 * - bound: the limit that a condition, or a cursor, sets on an order's column: >, >= or <
 * - piece: a piece of SQL text with one placeholder at most. Conditions and cursors are made of
 *   pieces
 * - path: an index that leads to the rows of a condition, or gives them in an order
 */

#include <apr_tables.h>
#include <apr_time.h>

#include "dialect.h"

/* ---- pieces of SQL ---- */

/** What the placeholder of a piece stands for. */
typedef enum um_fill_t {
    /** There is none. */
    UM_FILL_NONE,
    /** The value of the condition or the cursor. */
    UM_FILL_VALUE,
    /** The least text behind all that start with the value. Where there is no such text
     *  the piece is left out. */
    UM_FILL_PREFIX_END,
    /** The value is a time: the least uid of that millisecond, and of the next one. */
    UM_FILL_FIRST_UID,
    UM_FILL_NEXT_UID,
    /** The cursor's key, or the second value of the condition; and the least text behind
     *  all that start with it. */
    UM_FILL_KEY,
    UM_FILL_KEY_END,
    /** The organization, an integer. */
    UM_FILL_ORGANIZATION
} um_fill_t;

/** A piece of a composed text, with one placeholder at most. */
typedef struct um_piece_t {
    const char *sql;
    um_fill_t fill;
} um_piece_t;

/** Pieces, and others for a database that does not compare pairs; NULL for the same. Each
 *  ended by one without a text. */
typedef struct um_pieces_t {
    const um_piece_t *pieces;
    const um_piece_t *without_pairs;
} um_pieces_t;

/* clang-format off */
#define UM_PIECES(...) (const um_piece_t[]){ __VA_ARGS__, { NULL, UM_FILL_NONE } }
/* clang-format on */
/** Pieces for all databases. */
/* clang-format off */
#define UM_SAME(...) { UM_PIECES(__VA_ARGS__), NULL }
/* clang-format on */

/* ---- conditions ---- */

/** What a condition's piece says of the column of an order. A cursor says the like, and a
 *  database starts from one of them only: the wider one is left out. */
typedef enum um_bound_t {
    UM_BOUND_NONE,
    /* >, >=, < */
    UM_BOUND_ABOVE,
    UM_BOUND_FROM,
    UM_BOUND_BELOW
} um_bound_t;

/** The bounds that the first two pieces set. */
typedef struct um_list_bounds_t {
    /** The order whose column it is. */
    int order;
    um_bound_t bounds[2];
} um_list_bounds_t;

/** A condition of a list. It may be met in one of two ways: then each is read from an index
 *  of its own, while for an OR a database reads and sorts all that meet it. */
typedef struct um_list_condition_t {
    um_pieces_t pieces;
    /** The second way; no pieces where there is one way. */
    um_pieces_t others;
    /** Where a row can meet both: leaves those that meet the first out of the second. */
    um_pieces_t exclusion;
    /** For the first way, and for the second. */
    um_list_bounds_t bounds[2];
    /** Non-zero where so few rows meet it that the list is none of the costly kind. */
    int leads_to_few;
    /** Non-zero if one plan is right for all its values: to count, and to list in the order of
     *  its column. That holds for an equality, and for a range with both ends. */
    int has_one_plan;
} um_list_condition_t;

/** What the values of a filter are. */
typedef enum um_list_value_t {
    /** Any text but an empty one: as it is, or case-folded as names are. */
    UM_LIST_TEXT,
    UM_LIST_FOLDED_NAME,
    /** What a name or an address begins with. The condition's values are a folded prefix of
     *  the name, and a prefix of the address's key. */
    UM_LIST_NAME_OR_EMAIL,
    /** What somebody is known by: an address or another text. It is compared by key, so that
     *  a text that is no address is no user's. */
    UM_LIST_IDENTITY,
    /** The same of an address, in which a + that came as a blank is told. */
    UM_LIST_ADDRESS,
    /** A time in milliseconds, exclusive; what is finer is cut off, or rounded up. */
    UM_LIST_INSTANT,
    UM_LIST_INSTANT_UP,
    /** One of the filter's choices. */
    UM_LIST_CHOICE,
    /** One of the filter's choices, or any other text but an empty one. */
    UM_LIST_TEXT_OR_CHOICE
} um_list_value_t;

/** For a choice that puts the list under no condition. */
#define UM_LIST_NO_CONDITION (-1)

/** One of the values that a filter can have. */
typedef struct um_list_choice_t {
    const char *value;
    /** The condition that it puts the list under. Where it takes a value, that is the present
     *  in milliseconds. */
    int condition;
} um_list_choice_t;

/** A filter: a parameter of the list's URL. */
typedef struct um_list_filter_t {
    const char *name;
    um_list_value_t value;
    /** One of the source's conditions, by its number. */
    int condition;
    /** Ended by one without a value. */
    const um_list_choice_t *choices;
    /** The value that holds where none is given; NULL for nothing. */
    const char *fallback;
} um_list_filter_t;

/* ---- orders ---- */

/** An order: the column, the conditions that a row lies on one side of a cursor, and how to
 *  sort. */
typedef struct um_list_order_t um_list_order_t;

struct um_list_order_t {
    /** Its name in the URL, and another; NULL for none. Orders without a name come last. */
    const char *name;
    const char *alias;
    const char *column;
    um_pieces_t greater;
    um_pieces_t less;
    /** The same, and the row at the cursor itself. */
    um_pieces_t at_least;
    um_pieces_t at_most;
    const char *ascending;
    const char *descending;
    int is_integer;
    /** Whether no two rows have the same value, so that a cursor's key is not compared. */
    int is_unique;
    /** The version of the schema that has the column; 0 for any. */
    int since;
    /** The order in a database that has no indexes on expressions; NULL for the same. */
    const um_list_order_t *kept;
};

#define UM_ORDER_BY_UNIQUE(name, alias, column, fill)                                            \
    UM_ORDER_BY_EXPRESSION(name, alias, column, fill, 0, NULL)
/** By an expression, and by the column that a database keeps for it. */
#define UM_ORDER_BY_EXPRESSION(name, alias, column, fill, since, kept)                           \
    {                                                                                            \
        name, alias, column, UM_SAME({ " AND " column " > %s", fill }),                          \
            UM_SAME({ " AND " column " < %s", fill }),                                           \
            UM_SAME({ " AND " column " >= %s", fill }),                                          \
            UM_SAME({ " AND " column " <= %s", fill }), " ORDER BY " column,                     \
            " ORDER BY " column " DESC", 0, 1, since, kept                                       \
    }
/** By the key, the first order of each list. */
#define UM_ORDER_BY_KEY(name, alias, key) UM_ORDER_BY_UNIQUE(name, alias, key, UM_FILL_KEY)

/** A comparison of pairs, and the same without. With "=" for equal the pair itself is meant
 *  too. */
/* clang-format off */
#define UM_BEYOND(column, operator, equal, placeholder, key)                                     \
    {                                                                                            \
        UM_PIECES({ " AND (" column ", " key ") " operator equal " (" placeholder,               \
                    UM_FILL_VALUE },                                                             \
                  { ", %s)", UM_FILL_KEY }),                                                     \
            UM_PIECES({ " AND " column " " operator "= " placeholder, UM_FILL_VALUE },           \
                      { " AND (" column " " operator " " placeholder, UM_FILL_VALUE },           \
                      { " OR " key " " operator equal " %s)", UM_FILL_KEY })                     \
    }
/* clang-format on */

/* Ties are in the order of the key. */
#define UM_ORDER_BY(name, column, placeholder, key, is_integer)                                  \
    {                                                                                            \
        name, NULL, column, UM_BEYOND(column, ">", "", placeholder, key),                        \
            UM_BEYOND(column, "<", "", placeholder, key),                                        \
            UM_BEYOND(column, ">", "=", placeholder, key),                                       \
            UM_BEYOND(column, "<", "=", placeholder, key), " ORDER BY " column ", " key,         \
            " ORDER BY " column " DESC, " key " DESC", is_integer, 0, 0, NULL                    \
    }
#define UM_ORDER_BY_TEXT(name, column, key) UM_ORDER_BY(name, column, "%s", key, 0)
#define UM_ORDER_BY_INTEGER(name, column, key) UM_ORDER_BY(name, column, "%lld", key, 1)

/* ---- paths ---- */

/** A condition or an order, by its number, as a bit. */
#define UM_LIST_BIT(number) (1u << (number))

/** A table whose rows lead to entries, as memberships lead to users: many rows to one entry, but
 *  one row under the condition that it is for. */
typedef struct um_list_junction_t {
    /** That table first, each of its rows with its entry, and the condition on the organization.
     */
    const char *from;
    const char *joined;
    const char *where;
    /** The pieces of the condition, about that table. */
    um_pieces_t pieces;
} um_list_junction_t;

/** A path to the rows of a list, see list_path.h. */
typedef struct um_list_path_t {
    /** In the schema of all databases; NULL: the rows of the junction, or else of the source's
     *  subset. */
    const char *index;
    /** NULL for none. Its condition is the only one of first. */
    const um_list_junction_t *junction;
    /** Conditions of which one must be there, a bit each; 0: it is of use without any. */
    unsigned needs;
    /** Conditions that it finds the rows of: met in the first way, or in the second. */
    unsigned first;
    unsigned second;
    /** Conditions under which it finds one row. */
    unsigned unique;
    /** Orders that it gives, a bit each. */
    unsigned orders;
} um_list_path_t;

/* ---- what is listed ---- */

/** Some entries have a row in a table of their own, as sub-admins among users: few. */
typedef struct um_list_subset_t {
    /** The conditions that an entry is one of them, and that it is none. */
    int is;
    int is_not;
    /** That table first, and each of its rows with its entry. */
    const char *from;
    const char *joined;
    const char *where;
    /** The order by its key, which is the key of the entry. */
    const um_list_order_t *keys;
    /** The entries first, each with its row there. */
    const char *crossed;
    /** The statement that counts them, by its number in statements.h. */
    int count;
} um_list_subset_t;

/** The condition on the organization. */
#define UM_LIST_WHERE(alias) " WHERE " alias ".org_id = %lld"

/** For a source that the database keeps no count of. */
#define UM_LIST_NO_COUNT (-1)

typedef struct um_list_source_t {
    /** The version of the schema that its tables came with; 0 for the first. */
    int since;
    /** Columns of a row; the key is the first. */
    const char *columns;
    /** If some columns came with a later version of the schema: that version, and what to select
     *  in an older one. 0 and NULL otherwise. */
    int columns_since;
    const char *older_columns;
    /** The table, what is joined to it, and the condition on the organization. */
    const char *from;
    const char *joined;
    const char *where;
    /** A statement that counts all of an organization, by its number in statements.h, where
     *  one is cheaper than counting rows. */
    int count;
    /** NULL for none. */
    const um_list_subset_t *subset;
    /** The first is that of the key. */
    const um_list_order_t *orders;
    int order_count;
    const um_list_condition_t *conditions;
    int condition_count;
    /** Ended by one without a name; NULL for none. */
    const um_list_filter_t *filters;
    /** Those that find few rows come first. For a database that needs them. */
    const um_list_path_t *paths;
    int path_count;
    /** What its entries can be filtered by (filter_sql.h); NULL if they can't. */
    const struct um_attributes_t *attributes;
} um_list_source_t;

/** The limits of a source. Orders and conditions are bits of a number, see UM_LIST_BIT(). So are
 *  the parameters of a request, which are the filters and a few more (rest/listing.c). */
#define UM_LIST_BITS_MAX 32
#define UM_LIST_FILTERS_MAX 22
#define UM_LIST_PATHS_MAX 12

/** The size of an array. It does not compile if the array has more than most entries. */
/* clang-format off */
#define UM_LIST_SIZE(array, most)                                                                \
    ((int)(sizeof(array) / sizeof((array)[0])                                                    \
           + 0 * sizeof(struct {                                                                 \
                 _Static_assert(sizeof(array) / sizeof((array)[0]) <= (most),                    \
                                #array " has more entries than " #most);                         \
                 char unused;                                                                    \
             })))
/* clang-format on */

/** Arrays as members of a source, with their sizes. */
#define UM_LIST_ORDERS(array)                                                                    \
    .orders = (array), .order_count = UM_LIST_SIZE(array, UM_LIST_BITS_MAX)
#define UM_LIST_CONDITIONS(array)                                                                \
    .conditions = (array), .condition_count = UM_LIST_SIZE(array, UM_LIST_BITS_MAX)
#define UM_LIST_PATHS(array)                                                                     \
    .paths = (array), .path_count = UM_LIST_SIZE(array, UM_LIST_PATHS_MAX)
/** The last filter has no name, and does not count. */
#define UM_LIST_FILTERS(array) .filters = UM_LIST_CHECKED(array, UM_LIST_FILTERS_MAX + 1)
#define UM_LIST_CHECKED(array, most) (&(array)[0 * UM_LIST_SIZE(array, most)])

/* ---- a stretch ---- */

/** A condition and what it compares with. */
typedef struct um_condition_t {
    /** One of the source's, by its number. */
    int id;
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

/** Who is counted: all under the conditions, or the source's subset alone. */
typedef enum um_list_who_t { UM_LIST_ALL, UM_LIST_SUBSET, UM_LIST_WHO_COUNT } um_list_who_t;

/** What is asked along with the rows of a stretch, so that it takes no statement of its own: a
 *  bit each. Each row gets a column for it behind all others, with the same number in every
 *  row. */
typedef enum um_list_extra_t {
    /** How many rows match the conditions. */
    UM_LIST_WITH_COUNT = 1,
    /** 1 if there is a row at the cursor after, or on its other side; else 0. */
    UM_LIST_WITH_PREVIOUS = 2,
    /** The same for the cursor before. */
    UM_LIST_WITH_NEXT = 4
} um_list_extra_t;

/** A stretch of a list. */
typedef struct um_list_t {
    const um_list_source_t *source;
    /** Of um_condition_t, all of which must hold; NULL for none. */
    apr_array_header_t *conditions;
    /** What must hold as well (filter_sql.h); NULL for nothing. */
    const struct um_filter_sql_t *filter;
    /** The version of the schema that the filter needs; 0 for any. */
    int filter_since;
    /** How long a statement may take that has a filter, in microseconds; 0: as long as all
     *  others. */
    apr_interval_time_t time_limit;
    /** One of the source's orders. */
    int order;
    int descending;
    um_cursor_t after;
    um_cursor_t before;
    /** At most so many. */
    apr_int64_t limit;
    /** For UM_LIST_PLACE: so many rows are skipped. */
    apr_int64_t skipped;
    /** Non-zero: the last ones of the stretch, told from its end backwards. */
    int backwards;
    /** Non-zero: with the rows at the cursors. */
    int with_cursors;
    /** Of um_list_extra_t. */
    unsigned extras;
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

#endif
