/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file log.c Log lines, see log.h. */

#include "log.h"

#include <stdarg.h>

#include <apr_atomic.h>
#include <apr_strings.h>

#include "ticks.h"

#define LINE_MAX_BYTES 1024

void um_log_line(const um_host_t *host, um_log_level_t level, int id, const char *format,
                 apr_status_t status, ...)
{
    char line[LINE_MAX_BYTES];
    va_list arguments;

    va_start(arguments, status);
    apr_vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    host->log(level, id, status, line, host->baton);
}

/* The time of the last line is read first, so now is never before it: a request that came
 * earlier does not make the difference negative. 0 stands for no line. */
int um_log_is_due(volatile apr_uint32_t *logged_at, apr_uint32_t pause)
{
    apr_uint32_t before = apr_atomic_read32(logged_at);
    apr_uint32_t now = (apr_uint32_t)apr_time_sec(um_ticks()) + 1;

    return (before == 0 || now - before >= pause)
           && apr_atomic_cas32(logged_at, now, before) == before;
}
