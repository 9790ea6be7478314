/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CLI_PROGRESS_H
#define UM_CLI_PROGRESS_H

/** @file progress.h A line on the terminal with the progress of a command: how much is done,
 *  how many a second, time left. Nothing is shown if stderr is no terminal. */

#include <apr_time.h>

typedef struct um_progress_t {
    const char *what;
    int is_shown;
    apr_time_t start;
    apr_time_t last;
} um_progress_t;

/** @param what the counted things: "users" */
void um_progress_start(um_progress_t *progress, const char *what);

/**
 * Show the progress; it is cheap to call it often.
 * @param count how many so far
 * @param done  part of total, in any unit; total is 0 if it is not known
 */
void um_progress_show(um_progress_t *progress, apr_int64_t count, apr_int64_t done,
                      apr_int64_t total);

/** Remove the line. */
void um_progress_clear(const um_progress_t *progress);

/** Seconds since the start, never 0. */
double um_progress_seconds(const um_progress_t *progress);

#endif
