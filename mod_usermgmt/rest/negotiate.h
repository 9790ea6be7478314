/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_REST_NEGOTIATE_H
#define UM_REST_NEGOTIATE_H

/**
 * @file negotiate.h
 * The request headers that choose or protect a representation: Accept, Accept-Language,
 * Content-Type, entity tags, and the origin of a browser's request.
 */

#include <apr_pools.h>
#include <apr_tables.h>

/** The type of answers and bodies of a service that has no other. */
#define UM_JSON "application/json"

/** A stream of JSON values, one in each line. */
#define UM_NDJSON "application/x-ndjson"

typedef enum um_media_t {
    UM_MEDIA_NONE,
    UM_MEDIA_JSON,
    UM_MEDIA_NDJSON,
    UM_MEDIA_CSV
} um_media_t;

/**
 * Choose between application/json and, if streams are allowed, application/x-ndjson and text/csv,
 * by RFC 9110 section 12.5.1. The most specific range decides a type's weight, and the
 * greater weight wins. If the weights are equal, JSON wins, then NDJSON; weight 0 excludes a
 * type. Parameters other than q are ignored (for example charset=utf-8). A header that can't be
 * read accepts nothing.
 * @param accept the Accept header (several already joined by a comma); NULL or
 *               empty accepts everything
 */
um_media_t um_negotiate_accept(const char *accept, int streams_allowed);

/**
 * Tell whether a client names a type itself in Accept, and gives it no smaller weight than
 * another type.
 * @param accept the Accept header; NULL names nothing, and so does one that can't be read
 */
int um_negotiate_prefers(const char *accept, const char *type, const char *other);

/** Tell whether Accept allows a type, see um_negotiate_accept(). */
int um_negotiate_accepts(const char *accept, const char *type);

/**
 * Choose a language (RFC 9110 section 12.5.4): that of the range with the greatest weight, and
 * of the first range if the weights are equal. Regions are ignored: "de" is sent for de-AT. A
 * range * is passed over (RFC 4647 section 3.4).
 * @param accept_language the header, NULL if not sent
 * @param languages       in lower case, with a NULL at the end; the first one is sent if the
 *                        header names none of them or can't be read
 */
const char *um_negotiate_language(const char *accept_language, const char *const *languages);

/**
 * Tell whether a Content-Type is a type (any case) with no other parameter than charset=utf-8
 * (quoted or not, any case).
 * @param content_type NULL is no type
 */
int um_negotiate_is_type(const char *content_type, const char *type);

/**
 * Tell whether a list of entity tags (RFC 9110 sections 13.1.1 and 13.1.2) or
 * "*" matches. A list that can't be read to its end matches nothing. A tag also matches
 * with a suffix of mod_deflate or mod_brotli ("x-gzip" for "x").
 * @param list the header's value
 * @param etag the current strong tag with its quotes; NULL if there is no representation
 *             (then nothing matches, also not "*")
 * @param weak non-zero for the weak comparison (If-None-Match): W/ is ignored
 */
int um_negotiate_etag_matches(const char *list, const char *etag, int weak);

/**
 * The tag of a list that matches by the weak comparison, as the client sent it but without
 * W/. For "*" it is the current tag; NULL if no tag matches.
 */
const char *um_negotiate_matched_etag(const char *list, const char *etag, apr_pool_t *pool);

/**
 * Tell whether an origin is one of a list. Upper and lower case are the same in scheme and
 * host, and default ports are ignored.
 * @param allowed array of const char * (origins), or NULL for none
 */
int um_negotiate_origin_is_listed(const char *origin, const apr_array_header_t *allowed,
                                  apr_pool_t *pool);

/**
 * Tell whether a request that changes something comes from an allowed origin. If
 * Sec-Fetch-Site was sent, it must be same-origin or none, unless Origin is one of allowed.
 * If Origin was sent, it must be own_origin or one of allowed. Origins are compared as by
 * um_negotiate_origin_is_listed().
 * @param origin, sec_fetch_site the headers, NULL if not sent
 * @param own_origin "https://host:port" that the request was sent to
 * @param allowed    array of const char * (origins), or NULL
 */
int um_negotiate_origin_allowed(const char *origin, const char *sec_fetch_site,
                                const char *own_origin, const apr_array_header_t *allowed,
                                apr_pool_t *pool);

/**
 * The API key in an Authorization header with the scheme Bearer or API-KEY, in any case: all
 * after the scheme if it begins as a key does. NULL for any other header.
 */
const char *um_negotiate_api_key(const char *authorization);

#endif
