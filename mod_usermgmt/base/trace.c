/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file trace.c The header traceparent, see trace.h. */

#include "trace.h"

#include <string.h>

/* version-trace-parent-flags */
#define VERSION_LENGTH 2
#define TRACE_AT (VERSION_LENGTH + 1)
#define PARENT_AT (TRACE_AT + UM_TRACE_ID_LENGTH + 1)
#define PARENT_LENGTH 16
#define FLAGS_AT (PARENT_AT + PARENT_LENGTH + 1)
#define FLAGS_LENGTH 2
#define LENGTH (FLAGS_AT + FLAGS_LENGTH)

/* A field has only hexadecimal digits in lower case. */
static int is_hex(const char *text, size_t length)
{
    return strspn(text, "0123456789abcdef") >= length;
}

/* The same, and not all of them are 0. */
static int is_id(const char *text, size_t length)
{
    return is_hex(text, length) && strspn(text, "0") < length;
}

int um_trace_parse(char trace_id[UM_TRACE_ID_LENGTH + 1], const char *header)
{
    size_t length = header != NULL ? strlen(header) : 0;

    if (length < LENGTH || !is_hex(header, VERSION_LENGTH)
        || strncmp(header, "ff", VERSION_LENGTH) == 0 || header[TRACE_AT - 1] != '-'
        || !is_id(header + TRACE_AT, UM_TRACE_ID_LENGTH) || header[PARENT_AT - 1] != '-'
        || !is_id(header + PARENT_AT, PARENT_LENGTH) || header[FLAGS_AT - 1] != '-'
        || !is_hex(header + FLAGS_AT, FLAGS_LENGTH)) {
        return 0;
    }
    if (length > LENGTH
        && (strncmp(header, "00", VERSION_LENGTH) == 0 || header[LENGTH] != '-')) {
        return 0;
    }
    memcpy(trace_id, header + TRACE_AT, UM_TRACE_ID_LENGTH);
    trace_id[UM_TRACE_ID_LENGTH] = '\0';
    return 1;
}
