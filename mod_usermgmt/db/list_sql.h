/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_LIST_SQL_H
#define UM_DB_LIST_SQL_H

/**
 * @file list_sql.h
 * The SQL of lists, which is composed at run time out of constant pieces.
 */

#include "../base/buffer.h"
#include "list.h"

/** The questions about a list. */
typedef enum um_list_what_t {
    /** The columns of each row. The first is its key. The last before the extras is the value in
     *  the column of the order, unless that is the key. */
    UM_LIST_ROWS,
    /** A row if there is one; the limit is ignored. */
    UM_LIST_EXISTS,
    /** How many there are; cursors, order and limit are ignored. */
    UM_LIST_COUNT,
    /** The value ordered by of the row with the key of the cursor after, and the columns of
     *  that row; conditions play no part. */
    UM_LIST_VALUE,
    UM_LIST_ENTRY,
    /** The key, and the value ordered by, of the row that follows those that are skipped. It is
     *  for lists whose conditions have one way each; the limit plays no part. */
    UM_LIST_PLACE,
    /** How many rows the path of the estimated way leads to, at most limit: under
     *  those of the conditions that it serves. */
    UM_LIST_ESTIMATE
} um_list_what_t;

/** The number of ways to match a list's conditions: 1 or 2. */
int um_list_sql_count_ways(const um_list_t *list);

/** Whether the count of a list is that of others less those of its source's subset. */
int um_list_sql_leaves_subset_out(const um_list_t *list);

/** The same list of the subset alone, in pool. */
void um_list_sql_of_subset(um_list_t *subset, const um_list_t *list, apr_pool_t *pool);

/** Tell whether what a list is ordered by is a number. */
int um_list_sql_orders_by_number(const um_list_t *list);

/** Choose what is asked along with the rows of a page (um_list_extra_t): its count if that is
 *  wanted, and whether there are rows beyond its cursors. Nothing if the module chooses the
 * paths, because it does so by the count. */
void um_list_sql_choose_extras(um_list_t *list, um_dialect_t dialect, int is_counted);

/** Tell whether the database keeps a count of all that a source has. */
int um_list_sql_keeps_count(const um_list_source_t *source);

/**
 * Compose the statement for a list.
 * @param sql        the text is appended here
 * @param parameters of const char *, filled with the values
 */
void um_list_sql_compose(um_buffer_t *sql, apr_array_header_t *parameters, const um_list_t *list,
                         um_list_what_t what, const char *org_id, um_dialect_t dialect);

/**
 * Compose one of a set of lists that has every order and condition of a source in
 * it, so that the pieces can be tried on a database.
 * @param number counted from 0
 * @return 0 if there is no sample with this number
 */
int um_list_sql_compose_sample(um_buffer_t *sql, const um_list_source_t *source, int number,
                               um_dialect_t dialect);

#endif
