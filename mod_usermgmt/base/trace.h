/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_TRACE_H
#define UM_BASE_TRACE_H

/**
 * @file trace.h
 * The header traceparent of W3C Trace Context, which joins what several services log about
 * one request.
 */

/** The length of a trace id: hexadecimal digits in lower case. */
#define UM_TRACE_ID_LENGTH 32

/**
 * Read a traceparent header strictly: version, trace id, parent id and flags, in lower case.
 * Neither id may be all zero. Version 00 has nothing after the flags; a later one may have more.
 * @param trace_id filled with UM_TRACE_ID_LENGTH characters and a NUL
 * @param header   NULL if there is none
 * @return non-zero and trace_id set, or 0 if the header must be ignored
 */
int um_trace_parse(char trace_id[UM_TRACE_ID_LENGTH + 1], const char *header);

#endif
