/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_STATEMENTS_H
#define UM_DB_STATEMENTS_H

/**
 * @file statements.h
 * The statements of queries/, with the text that each database gets. Placeholders are
 * apr_dbd's (%s, %lld); a literal per cent sign is %%.
 */

#include "dialect.h"
#include "mod_usermgmt/db/queries.h"

/** Those before it control transactions, these are for the inside of one. */
#define UM_STMT_FIRST_PREPARED UM_STMT_ALIVE

/** The text of a statement in a dialect, constant. */
const char *um_statements_sql(um_statement_id_t id, um_dialect_t dialect);

/** The name of a statement, for the log. */
const char *um_statements_name(um_statement_id_t id);

/** The number of parameters of an SQL text with apr_dbd's placeholders. */
int um_statements_count_parameters(const char *sql);

#endif
