/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CLI_REFUSALS_H
#define UM_CLI_REFUSALS_H

/**
 * @file refusals.h
 * The records that an import refused, as lines of JSON. Nobody wants to read a thousand
 * lines that differ only in their number, so equal errors can be counted.
 */

#include <apr_hash.h>

#include "../rest/problem.h"

/** If equal errors are counted: how many records with the same errors get a line. */
#define UM_REFUSALS_EQUAL_MAX 20

typedef struct um_refusals_t {
    apr_pool_t *pool;
    /** Whether each record gets a line. */
    int tells_all;
    /** Of um_refusal_t: by their errors as JSON, and in the order in which they came. */
    apr_hash_t *by_errors;
    apr_array_header_t *kinds;
} um_refusals_t;

/** Make refusals empty. If tells_all is 0, equal errors are counted. */
void um_refusals_init(um_refusals_t *refusals, int tells_all, apr_pool_t *pool);

/** Count a refused record. Append its line, unless many with the same errors got one. */
void um_refusals_put(um_buffer_t *text, um_refusals_t *refusals, apr_int64_t line,
                     const um_faults_t *faults);

/** Append a line for each kind of errors that had more records than lines: how many more. */
void um_refusals_put_rest(um_buffer_t *text, const um_refusals_t *refusals);

#endif
