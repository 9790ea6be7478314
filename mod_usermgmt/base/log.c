/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file log.c Log lines, see log.h. */

#include "log.h"

#include <stdarg.h>

#include <apr_strings.h>

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
