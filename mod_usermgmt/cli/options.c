/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file options.c The command line, see options.h. */

#include "options.h"

#include <stdlib.h>
#include <string.h>

#include <apr_getopt.h>
#include <apr_strings.h>

#define WAIT_DEFAULT 10
#define WAIT_MAX 3600
#define DAYS_DEFAULT 90
#define DAYS_MAX 36500

/* The letter of a long option stands for its bit's number. */
#define FIRST_LETTER 256
#define LONG(number) (FIRST_LETTER + (number))

static const apr_getopt_option_t table[] = {
    { "help", LONG(0), 0, "print this" },
    { "version", LONG(1), 0, "print the version" },
    { "driver", LONG(2), 1, "NAME   apr_dbd's driver, as in DBDriver: sqlite3, pgsql, mysql" },
    { "params", LONG(3), 1, "TEXT   the database, as in DBDParams: for sqlite3 its file" },
    { "config", LONG(4), 1, "FILE   read DBDriver and DBDParams from an httpd.conf instead" },
    { "wait", LONG(5), 1, "SECONDS  how long to bear with a busy database (default 10)" },
    { "org", LONG(6), 1, "NAME   the organization (default: default)" },
    { "format", LONG(7), 1, "ndjson|csv  of the file; else by its name, ndjson at last" },
    { "output", LONG(8), 1, "FILE   write there, whole or not at all" },
    { "dry-run", LONG(9), 0, "change nothing, tell what would be refused" },
    { "resume", LONG(10), 0, "go on: what is there as in the file counts as done" },
    { "report", LONG(11), 1, "FILE   tell there what is refused; else on the standard error" },
    { "with-roles", LONG(12), 0, "import sub-admins as such; else they are refused" },
    { "days", LONG(13), 1, "N      what ended so many days ago or earlier (default 90)" },
    { NULL, 0, 0, NULL },
};

/* apr_getopt takes "-" for a broken option: something else stands for it there. */
static const char dash[] = "-";
static const char dash_stand_in[] = "x";

static const char *const *hide_dashes(int argc, const char *const *argv, apr_pool_t *pool)
{
    const char **copy = apr_pcalloc(pool, sizeof(*copy) * ((apr_size_t)argc + 1));

    for (int i = 0; i < argc; i++) {
        copy[i] = strcmp(argv[i], dash) == 0 ? dash_stand_in : argv[i];
    }
    return copy;
}

static const char *unhide(const char *word)
{
    return word == dash_stand_in ? dash : word;
}

static void ignore_error(void *baton, const char *format, ...)
{
    (void)baton;
    (void)format;
}

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

static const char *read_numbers(um_options_t *options)
{
    const char *wrong = read_number(&options->wait, options, UM_OPTION_WAIT, WAIT_DEFAULT,
                                    WAIT_MAX, "--wait must be a number of seconds from 0 to 3600");

    return wrong != NULL ? wrong
                         : read_number(&options->days, options, UM_OPTION_DAYS, DAYS_DEFAULT,
                                       DAYS_MAX, "--days must be a number from 0 to 36500");
}

static const char *take_option(um_options_t *options, int number, const char *value)
{
    if ((options->given & 1U << number) != 0) {
        return "comes twice";
    }
    options->given |= 1U << number;
    options->values[number] = unhide(value);
    return NULL;
}

const char *um_options_read(um_options_t *options, int argc, const char *const *argv,
                            apr_pool_t *pool)
{
    apr_getopt_t *state = NULL;
    const char *value = NULL;
    const char *wrong;
    int letter = 0;
    apr_status_t status = apr_getopt_init(&state, pool, argc,
                                          hide_dashes(argc, argv, pool));

    options->words = apr_array_make(pool, 4, sizeof(const char *));
    if (status == APR_SUCCESS) {
        state->interleave = 1;
        state->errfn = ignore_error;
        while ((status = apr_getopt_long(state, table, &letter, &value)) == APR_SUCCESS) {
            wrong = take_option(options, letter - FIRST_LETTER, value);
            if (wrong != NULL) {
                return apr_psprintf(pool, "--%s %s", table[letter - FIRST_LETTER].name, wrong);
            }
        }
    }
    if (status != APR_EOF) {
        return apr_psprintf(pool, "\"%s\" is no option, or lacks its value",
                            state->argv[state->ind - (state->ind == argc)]);
    }
    for (int i = state->ind; i < argc; i++) {
        APR_ARRAY_PUSH(options->words, const char *) = unhide(state->argv[i]);
    }
    return read_numbers(options);
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
    for (int i = 0; table[i].name != NULL; i++) {
        if ((options->given & ~set & 1U << i) != 0) {
            return table[i].name;
        }
    }
    return NULL;
}

const char *um_options_help(unsigned set, apr_pool_t *pool)
{
    const char *text = "";

    for (int i = 0; table[i].name != NULL; i++) {
        if ((set & 1U << i) != 0) {
            text = apr_psprintf(pool, "%s  --%s%s%s\n", text, table[i].name,
                                table[i].has_arg ? " " : "   ", table[i].description);
        }
    }
    return text;
}
