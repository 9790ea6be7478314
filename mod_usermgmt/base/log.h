/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_LOG_H
#define UM_BASE_LOG_H

/**
 * @file log.h
 * Log lines. Each message has a number of its own, printed as UM0000, which is
 * never used for another; docs/logs.md lists them.
 */

#include "host.h"

/**
 * Log a line through the host.
 * @param status what went wrong, or APR_SUCCESS
 * @param format of apr_vsnprintf; a line is cut at 1,024 bytes
 */
void um_log(const um_host_t *host, um_log_level_t level, int id, apr_status_t status,
            const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
