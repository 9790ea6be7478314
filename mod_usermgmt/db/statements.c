/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file statements.c The statements of queries/, see statements.h. */

#include "statements.h"

#include <string.h>

_Static_assert((int)UM_STMT_FIRST_PREPARED == (int)UM_STMT_SAVEPOINT_ROLLBACK + 1,
               "queries/transactions.sql is the first file, and nothing else is in it");

const char *um_statements_sql(um_statement_id_t id, um_dialect_t dialect)
{
    return um_queries[id].texts[dialect].sql;
}

const char *um_statements_name(um_statement_id_t id)
{
    return um_queries[id].name;
}

int um_statements_count_parameters(const char *sql)
{
    int count = 0;

    for (const char *at = strchr(sql, '%'); at != NULL; at = strchr(at + 2, '%')) {
        if (at[1] == '\0') {
            break;
        }
        count += at[1] != '%';
    }
    return count;
}
