/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file options.c The command line, see options.h. */

#include "options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "../base/duration.h"

#define WAIT_DEFAULT 10
#define WAIT_MAX 3600

typedef struct um_option_text_t {
    const char *name;
    /* Its value, for the help; NULL if it has none. */
    const char *value;
    const char *help;
    /* 0 for none. */
    char letter;
} um_option_text_t;

/* By the bit's number. */
static const um_option_text_t table[] = {
    { "help", NULL, "print this", 'h' },
    { "version", NULL, "print the version", 0 },
    { "driver", "NAME", "the database driver: sqlite3, pgsql or mysql", 0 },
    { "params", "TEXT", "the database, as in UserMgmtDatabase; for sqlite3 its file", 0 },
    { "config", "FILE", "read the database from an httpd.conf instead", 0 },
    { "wait", "SECONDS", "seconds to retry a busy database (default 10)", 0 },
    { "org", "NAME", "the organization (default: default)", 0 },
    { "format", "ndjson|csv", "format of the file (default: csv if its name ends in .csv)", 0 },
    { "output", "FILE", "write to this file, completely or not at all", 0 },
    { "dry-run", NULL, "change nothing, only tell what would be done", 0 },
    { "resume", NULL, "continue: users that exist as in the file count as done", 0 },
    { "report", "FILE", "write refused records to this file (default: standard error)", 0 },
    { "with-roles", NULL, "import sub-admins too; without it they are refused", 0 },
    { "older-than", "TIME", "delete what is older, such as 90d; units are s, min, h and d", 0 },
    { "verbose", NULL, "print log messages of level info too", 'v' },
    { "map", "COLUMN=NAME", "read a CSV column as this member or attribute; may repeat", 0 },
    { "excel", NULL, "write CSV that Excel reads as UTF-8, without formulas", 0 },
    { "permissions", "NAME,...", "permissions of the API key, see below", 0 },
    { "role", "admin", "let the API key do all that an admin may, but manage API keys", 0 },
    { "expires-in", "TIME|never", "how long the API key lasts (default 90d)", 0 },
    { "allow-from", "NETWORK,...", "where the API key may be used from (default: anywhere)", 0 },
    { "grace", "TIME", "how long the old secret still holds, 0 to 7d (default 24h)", 0 },
};

#define OPTION_COUNT ((int)(sizeof(table) / sizeof(table[0])))

/* getopt_long() returns this plus the number of the bit for a long option, and the letter for
 * a short one. */
#define FIRST_LONG 256

/* NULL, or what is wrong with an option that is a number. */
static const char *read_number(int *number, const um_options_t *options, um_option_t option,
                               int otherwise, int max, const char *wrong)
{
    const char *value = um_options_value(options, option);
    char *end = NULL;
    long found = otherwise;

    if (value != NULL) {
        found = strtol(value, &end, 10);
        if (end == value || *end != '\0' || found < 0 || found > max) {
            return wrong;
        }
    }
    *number = (int)found;
    return NULL;
}

/* NULL, or what is wrong with --older-than. */
static const char *read_age(um_options_t *options)
{
    const char *value = um_options_value(options, UM_OPTION_OLDER_THAN);

    options->older_than = -1;
    return value == NULL || um_duration_parse(&options->older_than, value)
               ? NULL
               : "--older-than must be a time with a unit, such as 90d, 24h or 30min";
}

static const char *read_numbers(um_options_t *options)
{
    const char *wrong = read_number(&options->wait, options, UM_OPTION_WAIT, WAIT_DEFAULT,
                                    WAIT_MAX, "--wait must be a number of seconds, 0 to 3600");

    return wrong != NULL ? wrong : read_age(options);
}

/* The number of the bit of the option that getopt_long() found. */
static int find_number(int found)
{
    int number = found - FIRST_LONG;

    for (int i = 0; found < FIRST_LONG && i < OPTION_COUNT; i++) {
        if (table[i].letter == found) {
            number = i;
        }
    }
    return number;
}

/* NULL, or what is wrong with the option. */
static const char *take_option(um_options_t *options, int number, const char *value,
                               apr_pool_t *pool)
{
    if (1U << number == UM_OPTION_MAP) {
        APR_ARRAY_PUSH(options->maps, const char *) = value;
        if (strchr(value, '=') == NULL || *value == '=') {
            return apr_psprintf(pool, "--map must be COLUMN=NAME, not \"%s\"", value);
        }
    } else if (value != NULL && (options->given & 1U << number) != 0) {
        return apr_psprintf(pool, "--%s is given twice", table[number].name);
    }
    options->given |= 1U << number;
    options->values[number] = value;
    return NULL;
}

/* What is wrong with the option at which getopt_long() stopped. */
static const char *explain(int found, char *const *argv, apr_pool_t *pool)
{
    const char *word = argv[optind - 1];

    if (found == ':') {
        return apr_psprintf(pool, "--%s needs a value", table[find_number(optopt)].name);
    }
    if (optopt >= FIRST_LONG) {
        return apr_psprintf(pool, "--%s takes no value", table[find_number(optopt)].name);
    }
    if (optopt != 0) {
        return apr_psprintf(pool, "unknown option -%c", optopt);
    }
    return apr_pstrcat(pool, "unknown option ", apr_pstrmemdup(pool, word, strcspn(word, "=")),
                       NULL);
}

static const char *read_options(um_options_t *options, int argc, char *const *argv,
                                apr_pool_t *pool)
{
    struct option known[OPTION_COUNT + 1];
    const char *wrong = NULL;
    int found;

    memset(known, 0, sizeof(known));
    for (int i = 0; i < OPTION_COUNT; i++) {
        known[i].name = table[i].name;
        known[i].has_arg = table[i].value != NULL ? required_argument : no_argument;
        known[i].val = FIRST_LONG + i;
    }
    opterr = 0;
    while (wrong == NULL && (found = getopt_long(argc, argv, ":hv", known, NULL)) != -1) {
        wrong = found == ':' || found == '?'
                    ? explain(found, argv, pool)
                    : take_option(options, find_number(found), optarg, pool);
    }
    return wrong;
}

const char *um_options_read(um_options_t *options, int argc, char *const *argv, apr_pool_t *pool)
{
    const char *wrong;

    options->words = apr_array_make(pool, 4, sizeof(const char *));
    options->maps = apr_array_make(pool, 4, sizeof(const char *));
    wrong = read_options(options, argc, argv, pool);
    for (int i = optind; wrong == NULL && i < argc; i++) {
        APR_ARRAY_PUSH(options->words, const char *) = argv[i];
    }
    return wrong != NULL ? wrong : read_numbers(options);
}

const char *um_options_value(const um_options_t *options, um_option_t option)
{
    int number = 0;

    while ((1U << number) != (unsigned)option) {
        number++;
    }
    return options->values[number];
}

const char *um_options_find_other(const um_options_t *options, unsigned set)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        if ((options->given & ~set & 1U << i) != 0) {
            return table[i].name;
        }
    }
    return NULL;
}

const char *um_options_help(unsigned set, apr_pool_t *pool)
{
    const char *text = "";

    for (int i = 0; i < OPTION_COUNT; i++) {
        if ((set & 1U << i) != 0) {
            const char *letter = table[i].letter != 0
                                     ? apr_psprintf(pool, ", -%c", table[i].letter)
                                     : "";

            text = apr_pstrcat(pool, text, "  --", table[i].name, letter,
                               table[i].value != NULL ? " " : "",
                               table[i].value != NULL ? table[i].value : "", "\n        ",
                               table[i].help, "\n", NULL);
        }
    }
    return text;
}
