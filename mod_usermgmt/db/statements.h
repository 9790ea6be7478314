/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_STATEMENTS_H
#define UM_DB_STATEMENTS_H

/**
 * @file statements.h
 * The statements of queries/, with the text that each database gets, and how a call gives a
 * statement its values. Placeholders are apr_dbd's (%s, %lld); a literal per cent sign is %%.
 */

#include <apr_pools.h>

#include "dialect.h"
#include "mod_usermgmt/db/queries.h"

/** Statements before this one control transactions; this one and those after it run inside
 *  or outside of a transaction. */
#define UM_STMT_FIRST_PREPARED UM_STMT_ALIVE

/** A statement and its values, a struct um_bind_NAME. Made by UM_BIND() and UM_BIND_STRUCT()
 *  alone. */
typedef struct um_bind_t {
    um_statement_id_t id;
    const void *values;
} um_bind_t;

/**
 * A statement of queries/ with a value for each of its parameters, by name and in any order:
 *
 *     UM_BIND(user_delete, .org_id = org_id, .user_uid = uid, .version = version)
 *
 * A name that is not the statement's does not compile, nor a number where a text belongs, nor
 * a call that leaves a value out. It lives until the block ends that it stands in.
 */
#define UM_BIND(statement, ...)                                                                  \
    (&(const um_bind_t){ (um_statement_id_t)(UM_STMT_OF_##statement                              \
                                             + 0 * UM_BIND_CHECK(statement, ##__VA_ARGS__)),     \
                         &(const struct um_bind_##statement){ __VA_ARGS__ } })

/** The same with the values in a struct um_bind_NAME, given by its address. */
#define UM_BIND_STRUCT(statement, struct_values)                                                 \
    (&(const um_bind_t){ UM_STMT_OF_##statement,                                                 \
                         (const struct um_bind_##statement *){ struct_values } })

#define UM_BIND_CHECK(statement, ...)                                                            \
    sizeof(struct {                                                                              \
        _Static_assert(UM_COUNT(__VA_ARGS__) == UM_COUNT_OF_##statement,                         \
                       "a value of " #statement " is missing, or there is one too many");        \
        int unused;                                                                              \
    })

/** The values of a statement for many rows. Made by UM_BIND_ROWS() alone. */
typedef struct um_bind_rows_t {
    um_statement_id_t id;
    /** count structs um_bind_NAME, of this size each. */
    const void *values;
    apr_size_t size;
    int count;
} um_bind_rows_t;

/** A statement of queries/ that has a part in square brackets, with the values for so many rows:
 *  an array of struct um_bind_NAME. It lives until the block ends that it stands in. */
#define UM_BIND_ROWS(statement, rows, number)                                                    \
    (&(const um_bind_rows_t){ UM_STMT_OF_##statement,                                            \
                              (const struct um_bind_##statement *){ rows },                      \
                              sizeof(struct um_bind_##statement), number })

/** Values of a statement, at most. */
#define UM_VALUES_MAX 28

/** How many arguments there are, from 0 to UM_VALUES_MAX. */
#define UM_COUNT(...)                                                                            \
    UM_COUNT_LAST(_, ##__VA_ARGS__, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14,  \
                  13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0)
#define UM_COUNT_LAST(_, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, \
                      y, z, aa, ab, count, ...)                                                  \
    count

/** A value of a statement: where it lies in the struct, and whether it is an apr_int64_t; else
 *  it is a text. */
typedef struct um_member_t {
    unsigned short offset;
    unsigned char is_int;
} um_member_t;

/** A statement. */
typedef struct um_query_t {
    const char *name;
    const um_member_t *members;
    int member_count;
    /** The version of the schema that its tables came with. */
    int since;
    struct {
        const char *sql;
        /** The member of each placeholder in turn, and how many these are. */
        const unsigned char *order;
        int order_count;
        /** The part of the text that is repeated for each row; a length of 0 for none. */
        int row_start;
        int row_length;
    } texts[UM_DIALECT_COUNT];
} um_query_t;

/** By um_statement_id_t. */
extern const um_query_t um_queries[UM_STMT_COUNT];

/** Placeholders of a statement, at most. */
#define UM_ARGUMENTS_MAX 28

/** The values of a statement as the drivers take them: a text for each placeholder. */
typedef struct um_arguments_t {
    int count;
    const char *texts[UM_ARGUMENTS_MAX];
    char numbers[UM_VALUES_MAX][24];
} um_arguments_t;

/** Put the values in the order of a dialect's text. Texts stay the caller's. */
void um_statements_arrange(um_arguments_t *arguments, const um_bind_t *bind,
                           um_dialect_t dialect);

/** The values of rows [first, first + count), in the order of a dialect's text. Texts stay the
 *  caller's. */
const char **um_statements_arrange_rows(const um_bind_rows_t *rows, int first, int count,
                                        um_dialect_t dialect, apr_pool_t *pool);

/** The same for rows that are structs um_bind_NAME at addresses of their own. size becomes the
 *  number of values. */
const char **um_statements_arrange_each(int *size, um_statement_id_t id, const void *const *rows,
                                        int count, um_dialect_t dialect, apr_pool_t *pool);

/** The text of a statement for so many rows, in the pool. */
const char *um_statements_rows_sql(um_statement_id_t id, um_dialect_t dialect, int count,
                                   apr_pool_t *pool);

/** The text of a statement that inserts any number of rows and gets each of its values as an
 *  array, in the pool. NULL if the dialect has no arrays, if the rows don't stand behind VALUES,
 * or if they have something besides the values, such as a CAST, since that would be left out. */
const char *um_statements_arrays_sql(um_statement_id_t id, um_dialect_t dialect,
                                     apr_pool_t *pool);

/** The values of all rows for that text: an array for each placeholder. */
const char **um_statements_arrange_arrays(const um_bind_rows_t *rows, um_dialect_t dialect,
                                          apr_pool_t *pool);

/** The text of a statement in a dialect, constant. */
const char *um_statements_sql(um_statement_id_t id, um_dialect_t dialect);

/** The name of a statement, for the log. */
const char *um_statements_name(um_statement_id_t id);

/** The number of parameters of an SQL text with apr_dbd's placeholders. */
int um_statements_count_parameters(const char *sql);

#endif
