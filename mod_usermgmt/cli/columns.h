/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CLI_COLUMNS_H
#define UM_CLI_COLUMNS_H

/**
 * @file columns.h
 * The meaning of the columns of a CSV file. The header is checked once, because with a wrong
 * header every record would be refused.
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
    /** The name of the member or attribute. */
    const char *name;
    um_column_kind_t kind;
} um_column_t;

/**
 * Find the meaning of the columns from the names in a header and from --map.
 * @param columns gets an array of um_column_t
 * @param cells   the cells of the header, of const char *; NULL for one that is not UTF-8
 * @return UM_EXIT_OK, or another code after a message with the names that were found and the
 *         likely reason
 */
um_exit_t um_columns_find(apr_array_header_t **columns, const um_tool_t *tool,
                          const apr_array_header_t *cells);

#endif
