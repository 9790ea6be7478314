/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CLI_PROGRESS_H
#define UM_CLI_PROGRESS_H

/** @file progress.h A line on the terminal that tells how far a command is: how
 *  much is done, how many a second, time left. Nothing where stderr is no terminal. */

#include <apr_time.h>

typedef struct um_progress_t {
    const char *what;
    int is_shown;
    apr_time_t start;
    apr_time_t last;
} um_progress_t;

/** what is counted: "users". */
void um_progress_start(um_progress_t *progress, const char *what);

/**
 * Tell how far it is; cheap when called often.
 * @param count how many so far
 * @param done  of total, in whatever unit; total is 0 where it is not known
 */
void um_progress_show(um_progress_t *progress, apr_int64_t count, apr_int64_t done,
                      apr_int64_t total);

/** Take the line away. */
void um_progress_clear(const um_progress_t *progress);

/** Seconds since the start, never 0. */
double um_progress_seconds(const um_progress_t *progress);

#endif
