/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_DIALECT_H
#define UM_DB_DIALECT_H

/**
 * @file dialect.h
 * How the databases differ, apart from the texts of their statements (queries/). The only
 * place where a database is asked for by its name: all others ask for a trait.
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
    /** Non-zero where the database answers it with a row. */
    int yields_row;
} um_setting_t;

/**
 * Two numbers in the header of SQLite's file that every transaction sets, so that a log
 * and a file that don't belong together are told apart (sqlite_file.h): one of its own,
 * drawn by lot, and that of the transaction before.
 */
typedef struct um_stamp_sql_t {
    /** Gives the last transaction's number. */
    const char *get;
    /** Both take %d. */
    const char *set_last;
    const char *set_own;
} um_stamp_sql_t;

/** Words that are added to the parameters of a driver. */
typedef struct um_extra_params_t {
    /** NULL for none. */
    const char *words;
    /** They are left out where this key is given. */
    const char *unless;
} um_extra_params_t;

/** See schema.h. */
struct um_schema_step_t;

typedef struct um_dialect_traits_t {
    /** The name of its driver in apr_dbd. */
    const char *driver;
    /** Non-zero where only white space stands between words of the driver's parameters;
     *  else ; | , too. */
    int splits_at_space;
    /** In front of the parameters, and behind them. */
    um_extra_params_t params_before;
    um_extra_params_t params_after;
    /** Non-zero where the database is a file, and the driver's parameters are its path. */
    int is_file;
    /** Non-zero where reads use SQLite's library (sqlite.h), not the driver. */
    int reads_past_driver;
    /** Non-zero where the database keeps no statistics of values by which to choose
     *  an index, so that a list's paths are chosen for it. */
    int needs_paths;
    /** Non-zero where the comparison of pairs, (a, b) > (x, y), uses an index. */
    int compares_pairs;
    /** Non-zero where one writes at a time, and the changes of many go into one
     *  transaction (writer.h); else each is a transaction of its own (runner.h). */
    int has_single_writer;
    /** Non-zero where each change of a count is a row, to be folded later. */
    int folds_counts;
    /** Non-zero where a standby, or another node, may not have yet what was committed. */
    int has_standbys;
    /** Non-zero where the module may make the schema by itself. */
    int makes_schema;
    /** What apr_dbd's selects are to be told for the driver to notice errors
     *  and to give all rows in turn. */
    int random_access;
    /** Non-zero where the driver may connect anew without telling. What was
     *  prepared before fails then, so all of a transaction is, COMMIT too: else
     *  its second half would run by itself, or nothing be committed with success. */
    int reconnects_silently;
    /** In the driver's text about a database that can't be written, because the driver does
     *  not pass the number on: all connections that share it are closed. NULL for none. */
    const char *read_only_text;
    /** Made on each connection, ended by one with a NULL text, as the following. */
    const um_setting_t *settings;
    /** Further ones for a connection that makes many changes in a row. */
    const um_setting_t *bulk_settings;
    /** What is to be done after these changes. */
    const um_setting_t *bulk_end;
    /** Run in front of an upgrade of the schema, which may take longer than other
     *  statements may; NULL where there is nothing to set. */
    const char *upgrade_setting;
    /** NULL for a database that has none. */
    const um_stamp_sql_t *stamp;
    /** The steps of its schema. */
    const struct um_schema_step_t *schema;
} um_dialect_traits_t;

/** The traits of a dialect, constant. */
const um_dialect_traits_t *um_dialect_traits(um_dialect_t dialect);

/** The traits of the dialect that a driver of apr_dbd speaks; NULL for another driver, or
 *  none. dialect may be NULL. */
const um_dialect_traits_t *um_dialect_of_driver(um_dialect_t *dialect, const char *driver);

#endif
