/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CLI_OPTIONS_H
#define UM_CLI_OPTIONS_H

/** @file options.h The command line of usermgmtctl. */

#include <apr_pools.h>
#include <apr_tables.h>

/** The options. Each is a bit in the set of options that a command accepts. */
typedef enum um_option_t {
    UM_OPTION_HELP = 1 << 0,
    UM_OPTION_VERSION = 1 << 1,
    UM_OPTION_DRIVER = 1 << 2,
    UM_OPTION_PARAMS = 1 << 3,
    UM_OPTION_CONFIG = 1 << 4,
    UM_OPTION_WAIT = 1 << 5,
    UM_OPTION_ORG = 1 << 6,
    UM_OPTION_FORMAT = 1 << 7,
    UM_OPTION_OUTPUT = 1 << 8,
    UM_OPTION_DRY_RUN = 1 << 9,
    UM_OPTION_RESUME = 1 << 10,
    UM_OPTION_REPORT = 1 << 11,
    UM_OPTION_WITH_ROLES = 1 << 12,
    UM_OPTION_OLDER_THAN = 1 << 13,
    UM_OPTION_VERBOSE = 1 << 14,
    UM_OPTION_MAP = 1 << 15,
    UM_OPTION_EXCEL = 1 << 16,
    UM_OPTION_PERMISSIONS = 1 << 17,
    UM_OPTION_ROLE = 1 << 18,
    UM_OPTION_EXPIRES_IN = 1 << 19,
    UM_OPTION_ALLOW_FROM = 1 << 20,
    UM_OPTION_GRACE = 1 << 21
} um_option_t;

/** The options that every command accepts. */
#define UM_OPTIONS_COMMON                                                                        \
    (UM_OPTION_HELP | UM_OPTION_VERSION | UM_OPTION_DRIVER | UM_OPTION_PARAMS | UM_OPTION_CONFIG \
     | UM_OPTION_WAIT | UM_OPTION_VERBOSE)

typedef struct um_options_t {
    /** Of um_option_t: which were given. */
    unsigned given;
    /** The values of the options, by the number of the bit; NULL if not given. */
    const char *values[32];
    /** Of const char *: the words that are no options, in order. */
    apr_array_header_t *words;
    /** Of const char *: COLUMN=NAME of each --map, in order. */
    apr_array_header_t *maps;
    /** Seconds, of --wait. */
    int wait;
    /** Milliseconds, of --older-than; -1 if it is not given. */
    apr_int64_t older_than;
} um_options_t;

/**
 * Read a command line. It moves words behind the options, as getopt_long() does.
 * @return NULL, or what is wrong with it
 */
const char *um_options_read(um_options_t *options, int argc, char *const *argv, apr_pool_t *pool);

/** The value of an option, or NULL. */
const char *um_options_value(const um_options_t *options, um_option_t option);

/** The name of the first given option that is not in the set; NULL if there is none. */
const char *um_options_find_other(const um_options_t *options, unsigned set);

/** The options of a set as lines of a help text, in pool. */
const char *um_options_help(unsigned set, apr_pool_t *pool);

#endif
