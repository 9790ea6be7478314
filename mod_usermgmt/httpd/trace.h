/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_TRACE_H
#define UM_HTTPD_TRACE_H

/**
 * @file trace.h
 * What a request is called in logs: httpd's own log id, which an answer has as Request-Id, and
 * the trace id that a client or a proxy has sent.
 */

#include <httpd.h>

typedef struct um_trace_t {
    /** NULL if httpd gives none. */
    const char *request_id;
    /** NULL if no good traceparent was sent. */
    const char *trace_id;
} um_trace_t;

/** Find both, set the header Request-Id of the answer, and note the trace id for logs. It may be
 *  called again for the same request. */
void um_trace_begin(um_trace_t *trace, request_rec *r);

#endif
