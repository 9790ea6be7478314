/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_REST_QUERY_H
#define UM_REST_QUERY_H

/**
 * @file query.h
 * The query component of a URL as name and value pairs
 * (application/x-www-form-urlencoded, WHATWG URL section 5).
 */

#include "problem.h"

/** The largest number of bytes of a query; a longer one is refused. */
#define UM_QUERY_MAX 4096

typedef struct um_query_parameter_t {
    const char *name;
    const char *value;
} um_query_parameter_t;

/**
 * Split a query into pairs: '&' separates them (empty ones are skipped), '+' is a space, %XX
 * a byte. A pair without '=' has an empty value.
 * @param parameters an array of um_query_parameter_t in the order of the query, in pool; an
 *                   empty one for a NULL query
 * @param faults     gets every pair that can't be read (a broken % escape, bytes that are
 *                   not UTF-8, a NUL), by its name, which may still be encoded. Such a pair
 *                   is not in parameters
 * @return APR_SUCCESS, or UM_ETOOLARGE if it is longer than UM_QUERY_MAX
 */
apr_status_t um_query_parse(apr_array_header_t **parameters, um_faults_t *faults,
                            const char *query, apr_pool_t *pool);

/** The value of the only parameter that a request may have; NULL if it was not given, or after a
 *  fault. Other parameters, and a second one, become faults of the request. */
const char *um_query_only(um_request_t *request, const char *name);

/** Read a whole number of decimal digits. Returns non-zero and *number set if it is from least to
 *  most; most is below a tenth of the largest number. */
int um_query_number(apr_int64_t *number, const char *value, apr_int64_t least, apr_int64_t most);

/** Encode text as a name or value in a query, in pool: all characters except the unreserved
 *  ones of RFC 3986 become %XX. */
const char *um_query_encode(const char *text, apr_pool_t *pool);

#endif
