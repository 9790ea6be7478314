/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_INSTANT_H
#define UM_BASE_INSTANT_H

/**
 * @file instant.h
 * Points in time. The code has milliseconds since 1970-01-01T00:00:00Z, requests and
 * answers have RFC 3339.
 */

#include <apr.h>

/** Length of "2024-12-02T19:17:30.371Z". */
#define UM_INSTANT_LENGTH 24

/**
 * Write an instant as RFC 3339 in UTC with milliseconds. Years are 0000 to 9999; an
 * instant out of that range is written as the nearest one in range.
 * @param text filled with UM_INSTANT_LENGTH characters and a NUL
 */
void um_instant_format(char text[UM_INSTANT_LENGTH + 1], apr_int64_t ms);

/**
 * Read an RFC 3339 date-time (section 5.6): any offset, a fraction of any
 * length (digits after the milliseconds are cut off), T and Z in either case. A leap
 * second counts as the second after it. Days that do not exist are refused.
 * @return non-zero and *ms set, or 0 if text is not a date-time
 */
int um_instant_parse(apr_int64_t *ms, const char *text);

/** The same, but rounded up to the next millisecond, not cut off. */
int um_instant_parse_up(apr_int64_t *ms, const char *text);

#endif
