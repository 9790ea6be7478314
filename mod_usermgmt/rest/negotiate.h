/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_REST_NEGOTIATE_H
#define UM_REST_NEGOTIATE_H

/**
 * @file negotiate.h
 * The request headers that choose or guard a representation: Accept,
 * Content-Type, entity tags, and where a browser's request came from.
 */

#include <apr_pools.h>
#include <apr_tables.h>

/** A stream of values, a line each. */
#define UM_NDJSON "application/x-ndjson"

typedef enum um_media_t {
    UM_MEDIA_NONE,
    UM_MEDIA_JSON,
    UM_MEDIA_NDJSON
} um_media_t;

/**
 * Choose among application/json and, where allowed, application/x-ndjson by
 * RFC 9110 section 12.5.1: the most specific range decides a type's weight,
 * the greater weight wins, JSON wins a tie; weight 0 excludes. Parameters
 * other than q are ignored (charset=utf-8 is fine). A header that can't be
 * read at all is as if it accepted nothing.
 * @param accept the Accept header (several already joined by a comma); NULL or
 *               empty accepts everything
 */
um_media_t um_negotiate_accept(const char *accept, int ndjson_allowed);

/**
 * Tell whether a Content-Type is application/json (any case) with no parameter
 * but charset=utf-8 (quoted or not, any case).
 */
int um_negotiate_is_json(const char *content_type);

/**
 * Tell whether a list of entity tags (RFC 9110 sections 13.1.1 and 13.1.2) or
 * "*" matches. A list that can't be read to its end matches nothing. A tag matches
 * also with the suffix that mod_deflate or mod_brotli has given it ("x-gzip" for "x").
 * @param list the header's value
 * @param etag the current strong tag with its quotes; NULL where there is no
 *             representation (then nothing matches, "*" neither)
 * @param weak non-zero for the weak comparison (If-None-Match): W/ is ignored
 */
int um_negotiate_etag_matches(const char *list, const char *etag, int weak);

/**
 * The tag of a list that matches by the weak comparison, as the client sent it but without
 * W/; the current one for "*"; NULL where none does.
 */
const char *um_negotiate_matched_etag(const char *list, const char *etag, apr_pool_t *pool);

/**
 * Tell whether an origin is one of a list (scheme and host without case, default ports
 * left out on both sides).
 * @param allowed array of const char * (origins), or NULL for none
 */
int um_negotiate_origin_is_listed(const char *origin, const apr_array_header_t *allowed,
                                  apr_pool_t *pool);

/**
 * Tell whether a state-changing request may have come from where it says.
 * Sec-Fetch-Site, where sent, must be same-origin or none, unless Origin is
 * one of allowed; Origin, where sent, must be own_origin or one of allowed
 * (scheme and host without case, default ports left out on both sides).
 * @param origin, sec_fetch_site the headers, NULL where not sent
 * @param own_origin "https://host:port" as the request was addressed
 * @param allowed    array of const char * (origins), or NULL
 */
int um_negotiate_origin_allowed(const char *origin, const char *sec_fetch_site,
                                const char *own_origin, const apr_array_header_t *allowed,
                                apr_pool_t *pool);

#endif
