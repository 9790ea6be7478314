/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_REST_EXPOSITION_H
#define UM_REST_EXPOSITION_H

/**
 * @file exposition.h
 * The metrics as text, for Prometheus and programs that read its formats.
 */

#include <apr_tables.h>

#include "../base/buffer.h"

typedef enum um_exposition_format_t {
    /** Prometheus' text format, version 0.0.4. */
    UM_EXPOSITION_TEXT,
    /** OpenMetrics, version 1.0.0. */
    UM_EXPOSITION_OPENMETRICS
} um_exposition_format_t;

/** A database, as it answered at the moment. */
typedef struct um_exposition_database_t {
    int index;
    int is_up;
    /** 0 if it is not known. */
    int schema_version;
} um_exposition_database_t;

/** What the text has in addition to base/metrics.h. */
typedef struct um_exposition_facts_t {
    /** Of the module. */
    const char *version;
    /** Of um_exposition_database_t. */
    const apr_array_header_t *databases;
    /** Sessions in memory, and how many there is room for; the second is 0 if none are
     *  counted. */
    apr_size_t sessions;
    apr_size_t sessions_limit;
} um_exposition_facts_t;

/** The format that an Accept header asks for; NULL if there is none. A client gets OpenMetrics
 *  only if it names that type, and prefers it. */
um_exposition_format_t um_exposition_choose(const char *accept);

/** The media type of a format, with its version. */
const char *um_exposition_type(um_exposition_format_t format);

/** Append all metrics. */
void um_exposition_put(um_buffer_t *buffer, um_exposition_format_t format,
                       const um_exposition_facts_t *facts);

#endif
