/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file progress.c The progress of a command, see progress.h. */

#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "../base/ticks.h"

#define EVERY apr_time_from_msec(200)
#define BAR_WIDTH 20

/* Back to the line's start, and clear it. */
#define CLEAR "\r\033[K"

void um_progress_start(um_progress_t *progress, const char *what)
{
    progress->what = what;
    progress->is_shown = isatty(STDERR_FILENO);
    progress->start = um_ticks();
    progress->last = 0;
}

double um_progress_seconds(const um_progress_t *progress)
{
    apr_time_t passed = um_ticks() - progress->start;

    return (double)(passed > 0 ? passed : 1) / APR_USEC_PER_SEC;
}

void um_progress_show(um_progress_t *progress, apr_int64_t count, apr_int64_t done,
                      apr_int64_t total)
{
    double seconds = um_progress_seconds(progress);
    double part = total > 0 ? (double)done / (double)total : 0;
    char bar[BAR_WIDTH + 1];
    long left;

    if (!progress->is_shown || um_ticks() - progress->last < EVERY) {
        return;
    }
    progress->last = um_ticks();
    fprintf(stderr, CLEAR "%" APR_INT64_T_FMT " %s, %.0f/s", count, progress->what,
            (double)count / seconds);
    if (part > 0) {
        part = part < 1 ? part : 1;
        left = (long)(seconds / part - seconds);
        for (int i = 0; i < BAR_WIDTH; i++) {
            bar[i] = i < (int)(part * BAR_WIDTH) ? '#' : '.';
        }
        bar[BAR_WIDTH] = '\0';
        fprintf(stderr, " [%s] %.0f %%, %ld:%02ld left", bar, part * 100, left / 60, left % 60);
    }
    fflush(stderr);
}

void um_progress_clear(const um_progress_t *progress)
{
    if (progress->is_shown) {
        fputs(CLEAR, stderr);
    }
}
