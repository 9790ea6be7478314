/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CLI_COLUMNS_H
#define UM_CLI_COLUMNS_H

/**
 * @file columns.h
 * What the columns of a CSV file hold, by its header. The header is judged once, because
 * a wrong one would have every record refused.
 */

#include "tool.h"

typedef enum um_column_kind_t {
    UM_COLUMN_STRING,
    UM_COLUMN_JSON,
    /** A JSON object whose members are attributes. */
    UM_COLUMN_ATTRIBUTES,
    UM_COLUMN_IGNORED
} um_column_kind_t;

typedef struct um_column_t {
    /** Of the member or attribute. */
    const char *name;
    um_column_kind_t kind;
} um_column_t;

/**
 * Tell the columns from the names in a header, with --map applied.
 * @param columns gets an array of um_column_t
 * @param cells   the cells of the header, of const char *; NULL where one is not UTF-8
 * @return UM_EXIT_OK, or why not, told with what was found and the likely reason
 */
um_exit_t um_columns_find(apr_array_header_t **columns, const um_tool_t *tool,
                          const apr_array_header_t *cells);

#endif
