/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_CSV_H
#define UM_BASE_CSV_H

/**
 * @file csv.h
 * Objects of JSON as lines of CSV (RFC 4180), and the guards of cells. A spreadsheet treats a
 * cell that begins with = + - @, a tab or CR as a formula. A ' before it is a guard: the cell is
 * text. An import removes one ' before such a character. So an export adds one ' to a value that
 * already looks guarded.
 */

#include <apr_tables.h>

#include "buffer.h"

/** What a line has. */
typedef struct um_csv_t {
    /** Of const char *. A column has the member of its name: a string as its text, anything else
     *  as JSON, nothing for null. A column NAME:json has the member NAME as JSON. */
    const apr_array_header_t *columns;
    /** The column that has all members that is_member does not know, as an object; NULL if there
     *  is none. */
    const char *rest;
    int (*is_member)(const char *name);
    /** Whether a spreadsheet is to show it: with a byte order mark, and no cell is a formula. */
    int is_excel;
} um_csv_t;

#define UM_CSV "text/csv"

/** The suffix of a column that has JSON. */
#define UM_CSV_JSON ":json"

/** Append the header line. */
void um_csv_put_header(um_buffer_t *buffer, const um_csv_t *csv);

/** Append the line of an object.
 *  @param object its text; one that is no object is an empty line of cells
 *  @param pool   for intermediate results */
void um_csv_put_line(um_buffer_t *buffer, const um_csv_t *csv, const char *object,
                     apr_pool_t *pool);

/** The names of a text with commas between, of const char *, in pool. */
apr_array_header_t *um_csv_columns(const char *names, apr_pool_t *pool);

/** The name of the member that a column has: without UM_CSV_JSON. In pool. */
const char *um_csv_member(const char *column, apr_pool_t *pool);

/** Tell whether a cell needs a guard. With is_excel also formulas need one. */
int um_csv_needs_guard(const char *cell, int is_excel);

/** The cell without its guard. */
const char *um_csv_skip_guard(const char *cell);

#endif
