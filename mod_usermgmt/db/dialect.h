/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_DIALECT_H
#define UM_DB_DIALECT_H

/**
 * @file dialect.h
 * The differences between the databases, except the texts of their statements (queries/).
 * Only this file and dialect.c know databases by their names. All other code asks for a trait.
 */

typedef enum um_dialect_t {
    UM_DIALECT_SQLITE,
    UM_DIALECT_POSTGRESQL,
    UM_DIALECT_MARIADB,
    UM_DIALECT_COUNT
} um_dialect_t;

/** A setting made once on each connection. */
typedef struct um_setting_t {
    const char *sql;
    /** Non-zero if the database answers it with a row. */
    int yields_row;
} um_setting_t;

/**
 * Two numbers in the header of SQLite's file. Each transaction writes a random number of its
 * own and that of the transaction before. They show whether a log belongs to a file
 * (sqlite_file.h).
 */
typedef struct um_stamp_sql_t {
    /** Reads the last transaction's number. */
    const char *get;
    /** Both take %d. */
    const char *set_last;
    const char *set_own;
} um_stamp_sql_t;

/** Words that are added to the parameters of a driver. */
typedef struct um_extra_params_t {
    /** NULL for none. */
    const char *words;
    /** They are left out if the parameters have this key. */
    const char *unless;
} um_extra_params_t;

/**
 * How the values in a document of JSON are compared (filter_sql.c). Each text is a template: an @
 * stands for an expression, a ? for an operator, and each %s for the value, however often it
 * comes. Values are rows: of an array its elements, else the value itself. The document is valid
 * JSON, or NULL, which has no values.
 */
typedef struct um_json_sql_t {
    /** The table of the values in the document @ at the path %s, and the columns behind its
     *  alias. */
    const char *rows;
    const char *row_columns;
    /** The member ? of the document @, NULL if there is none; and the document with the name that
     *  is derived from the display name, which is @ too: its last word is the family name, and of
     *  a single word both are that word, as um_scim_user_derive_name() has it. */
    const char *member;
    const char *named;
    /** A row with the alias m as a document of its own. */
    const char *element;
    /** Is the row e a text, and which, with ASCII letters in lower case? In an object none of the
     *  members is. */
    const char *is_text;
    const char *text;
    /** Is it a number, and how does it compare with an integer, or with any number? Integers are
     *  compared exactly. */
    const char *is_number;
    const char *integer;
    const char *number;
    /** Is it true, or false, whichever the value says? */
    const char *is_truth;
    /** Is it a value that is not null, not empty, and no array? */
    const char *is_present;
    /** Is it an object? */
    const char *is_object;
    /** Does the text @ have the value in it, at its beginning, or at its end? By bytes. */
    const char *contains;
    const char *begins;
    const char *ends;
    /** Non-zero if an expression has an index; else a column that the database keeps for it. */
    int indexes_expressions;
} um_json_sql_t;

/** How a statement that inserts many rows gets their values as arrays, see
 *  um_statements_arrays_sql(). */
typedef struct um_array_sql_t {
    /** The text before the rows, and the one in its place. */
    const char *before_rows;
    const char *before_arrays;
    /** The elements of an array of integers, and of one of texts. */
    const char *of_ints;
    const char *of_texts;
} um_array_sql_t;

/** See schema.h. */
struct um_schema_step_t;

typedef struct um_dialect_traits_t {
    /** The name of its driver in apr_dbd. */
    const char *driver;
    /** Non-zero if only white space separates the words of the driver's parameters; else also
     *  ; | and , do. */
    int splits_at_space;
    /** Before the parameters, and after them. */
    um_extra_params_t params_before;
    um_extra_params_t params_after;
    /** Non-zero if the database is a file, and the driver's parameters are its path. */
    int is_file;
    /** Non-zero if reads use SQLite's library (sqlite.h), not the driver. */
    int reads_past_driver;
    /** Non-zero if the database has no statistics about values to choose an index by. Then the
     *  module chooses the paths of a list (list_path.h). */
    int needs_paths;
    /** How a statement names the index that it reads a table by: the text before its name, and
     *  the text after it. NULL for a database that takes no name. */
    const char *index_before;
    const char *index_after;
    /** The name of the index that is the primary key; NULL where it has SQLite's. */
    const char *primary_key;
    /** Non-zero if each execution estimates the rows of a range in all indexes that have its
     *  columns, unless one of them is named. */
    int estimates_ranges;
    /** Non-zero if the database counts by the primary key although an index alone has all that is
     *  asked for. */
    int overlooks_indexes;
    /** Non-zero if a prepared statement keeps a plan only if that costs no more than one that is
     *  made with the values (see list_sql.c). */
    int keeps_plans;
    /** Non-zero if a comparison of pairs, (a, b) > (x, y), uses an index. */
    int compares_pairs;
    /** Non-zero if a statement for many users costs much less than one for each of them
     *  (core/user_reads.h). */
    int joins_reads;
    /** Non-zero if there is one writer at a time, which makes many changes in one transaction
     *  (writer.h). Otherwise each change is a transaction of its own (runner.h). */
    int has_single_writer;
    /** Non-zero if each change of a count is a row that is folded later. */
    int folds_counts;
    /** How a statement for many rows gets its values as arrays; NULL if it does not. */
    const um_array_sql_t *arrays;
    /** Non-zero if triggers run for each row alone, so that a statement that makes many users
     *  counts them itself. */
    int counts_rows;
    /** Non-zero if one statement can change several tables, so that a change can be one statement
     *  without BEGIN and COMMIT. Then BEGIN is sent with the first statement that is not the
     *  last one. */
    int changes_in_ctes;
    /** Non-zero if a standby, or another node, may not have a committed change yet. */
    int has_standbys;
    /** Non-zero if the module may make the schema by itself. */
    int makes_schema;
    /** The argument `random` of apr_dbd's selects with which the driver notices errors and gives
     *  all rows one after the other. */
    int random_access;
    /** Non-zero if the driver may reconnect by itself. Then the second half of a transaction
     * could be committed without the first. Statements that were prepared before fail on the new
     *  connection. So COMMIT is a prepared statement, and it is prepared before BEGIN. The
     *  others are prepared when they are first used. After each preparation the connection is
     *  checked by a statement that was prepared when it was made. */
    int reconnects_silently;
    /** A part of the driver's error text for a database that can't be written, because the driver
     *  does not pass on the error number. All connections that share the database are then
     *  closed. NULL for none. */
    const char *read_only_text;
    /** Settings that are made on each connection. The last one of each list has a NULL text. */
    const um_setting_t *settings;
    /** Further settings for a connection that makes many changes in a row. */
    const um_setting_t *bulk_settings;
    /** Statements to run after these changes. Settings that they make stay. */
    const um_setting_t *bulk_end;
    /** Statements to run after many counts were folded. Settings that they make do not stay. */
    const um_setting_t *fold_end;
    /** Run before an upgrade of the schema, because an upgrade may take longer than other
     *  statements. NULL for none. */
    const char *upgrade_setting;
    /** How JSON is compared. */
    const um_json_sql_t *json;
    /** What stands in place of SELECT to end a statement after a time: %d seconds and %03d
     *  thousandths, or %d milliseconds. NULL if that is done in another way: by the SQLite
     *  library, or by a setting of the transaction. */
    const char *select_limit;
    /** The setting of a transaction for that, with %d milliseconds twice; NULL for none. */
    const char *limit_setting;
    /** NULL for a database without stamps. */
    const um_stamp_sql_t *stamp;
    /** The steps of its schema. */
    const struct um_schema_step_t *schema;
} um_dialect_traits_t;

/** The traits of a dialect, constant. */
const um_dialect_traits_t *um_dialect_traits(um_dialect_t dialect);

/** The dialect of a driver of apr_dbd, and its traits; NULL for an unknown driver or NULL.
 *  dialect may be NULL. */
const um_dialect_traits_t *um_dialect_of_driver(um_dialect_t *dialect, const char *driver);

#endif
