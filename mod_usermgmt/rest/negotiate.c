/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file negotiate.c Headers that choose or protect a representation, see negotiate.h. */

#include "negotiate.h"

#include <string.h>

#include <apr_cstr.h>
#include <apr_strings.h>

#include "../base/csv.h"
#include "../base/text.h"
#include "../core/api_key.h"

/* ---- the grammar of headers, RFC 9110 section 5.6 ---- */

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t");
}

static apr_size_t token_length(const char *at)
{
    return strspn(at, "!#$%&'*+-.^_`|~0123456789"
                      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
}

/* The length of a quoted string with its quotes; 0 if it is none. */
static apr_size_t quoted_length(const char *at)
{
    const char *end = at;

    if (*end++ != '"') {
        return 0;
    }
    for (; *end != '"'; end++) {
        if (*end == '\\' && end[1] != '\0') {
            end++;
        } else if (*end == '\0') {
            return 0;
        }
    }
    return (apr_size_t)(end + 1 - at);
}

/* A piece of a header. */
typedef struct um_span_t {
    const char *text;
    apr_size_t length;
} um_span_t;

static int is_word(const um_span_t *span, const char *word)
{
    return span->length == strlen(word) && apr_cstr_casecmpn(span->text, word, span->length) == 0;
}

/*
 * Read the next parameter after a media type: *( OWS ";" OWS [ parameter ] ). Moves
 * *cursor behind it. Returns 1, or 0 if there is no further one, or -1 if it is malformed.
 */
static int next_parameter(um_span_t *name, um_span_t *value, const char **cursor)
{
    const char *at = skip_space(*cursor);

    if (*at != ';') {
        *cursor = at;
        return 0;
    }
    at = skip_space(at + 1);
    name->text = value->text = at;
    name->length = token_length(at);
    value->length = 0;
    if (name->length > 0) {
        at += name->length;
        if (*at++ != '=') {
            return -1;
        }
        value->text = at;
        value->length = *at == '"' ? quoted_length(at) : token_length(at);
        if (value->length == 0) {
            return -1;
        }
        at += value->length;
    }
    *cursor = at;
    return 1;
}

/* Read type "/" subtype. Moves *cursor behind it; 0 if it is malformed. */
static int read_media_type(um_span_t *media, const char **cursor)
{
    const char *at = *cursor;
    apr_size_t type = token_length(at);
    apr_size_t subtype = type > 0 && at[type] == '/' ? token_length(at + type + 1) : 0;

    media->text = at;
    media->length = type + 1 + subtype;
    *cursor = at + media->length;
    return subtype > 0;
}

/* ---- Accept ---- */

/* A weight in thousandths (RFC 9110 section 12.4.2); -1 if it is malformed. */
static int read_weight(const um_span_t *value)
{
    int weight = 0;
    int scale = 1000;

    for (apr_size_t i = 0; i < value->length; i++) {
        char c = value->text[i];

        if (i == 1 ? c != '.' : c < '0' || c > '9' || scale == 0) {
            return -1;
        }
        if (i != 1) {
            weight += (c - '0') * scale;
            scale /= 10;
        }
    }
    return weight <= 1000 ? weight : -1;
}

/* Does a range name all subtypes of a type's first part? */
static int is_range_of(const um_span_t *range, const char *type)
{
    apr_size_t length = (apr_size_t)(strchr(type, '/') - type) + 1;

    return range->length == length + 1 && range->text[length] == '*'
           && apr_cstr_casecmpn(range->text, type, length) == 0;
}

/* How exactly a range names a type: 0 not at all, 3 exactly. */
static int specificity(const um_span_t *range, const char *type)
{
    if (is_word(range, type)) {
        return 3;
    }
    return is_range_of(range, type) ? 2 : is_word(range, "*/*") ? 1 : 0;
}

/* A type that can be sent, and its weight by the ranges that were read so far. */
typedef struct um_offer_t {
    const char *type;
    int specificity;
    int weight;
} um_offer_t;

static void weigh(um_offer_t *offer, const um_span_t *range, int weight)
{
    int fits = specificity(range, offer->type);

    if (fits > offer->specificity
        || (fits > 0 && fits == offer->specificity && weight > offer->weight)) {
        offer->specificity = fits;
        offer->weight = weight;
    }
}

/* Read the parameters after a range, of which q is the weight. Moves *cursor behind them; 0 if
 * they are malformed. */
static int read_range_weight(int *weight, const char **cursor)
{
    um_span_t name;
    um_span_t value;
    int found = 0;

    *weight = 1000;
    while (*weight >= 0 && (found = next_parameter(&name, &value, cursor)) > 0) {
        if (is_word(&name, "q")) {
            *weight = read_weight(&value);
        }
    }
    return found == 0 && *weight >= 0;
}

/* Reads a range without its parameters, and moves *cursor behind it; 0 if it is malformed. */
typedef int um_range_reader_t(um_span_t *range, const char **cursor);

/* Read the next range of a list, with its weight. Moves *cursor behind it. 1 if there is one, 0
 * at the end of the list, -1 if it is malformed. */
static int next_range(um_span_t *range, int *weight, const char **cursor, um_range_reader_t *read)
{
    while (**cursor == ',') {
        *cursor = skip_space(*cursor + 1);
    }
    if (**cursor == '\0') {
        return 0;
    }
    if (!read(range, cursor) || !read_range_weight(weight, cursor)) {
        return -1;
    }
    return **cursor == ',' || **cursor == '\0' ? 1 : -1;
}

/* Weigh types by an Accept header that is not empty; 0 if it can't be read. */
static int weigh_all(um_offer_t *offers, int count, const char *cursor)
{
    um_span_t range;
    int weight;
    int found;

    while ((found = next_range(&range, &weight, &cursor, read_media_type)) > 0) {
        for (int i = 0; i < count; i++) {
            weigh(&offers[i], &range, weight);
        }
    }
    return found == 0;
}

int um_negotiate_prefers(const char *accept, const char *type, const char *other)
{
    um_offer_t offers[] = { { type, 0, 0 }, { other, 0, 0 } };

    return accept != NULL && weigh_all(offers, 2, skip_space(accept))
           && offers[0].specificity == 3 && offers[0].weight > 0
           && offers[0].weight >= offers[1].weight;
}

um_media_t um_negotiate_accept(const char *accept, int streams_allowed)
{
    um_offer_t offers[] = { { UM_JSON, 0, 0 }, { UM_NDJSON, 0, 0 }, { UM_CSV, 0, 0 } };
    static const um_media_t media[] = { UM_MEDIA_JSON, UM_MEDIA_NDJSON, UM_MEDIA_CSV };
    int count = streams_allowed ? 3 : 1;
    int best = 0;
    const char *cursor = skip_space(accept != NULL ? accept : "");

    if (*cursor == '\0') {
        return UM_MEDIA_JSON;
    }
    if (!weigh_all(offers, count, cursor)) {
        return UM_MEDIA_NONE;
    }
    for (int i = 1; i < count; i++) {
        best = offers[i].weight > offers[best].weight ? i : best;
    }
    return offers[best].weight > 0 ? media[best] : UM_MEDIA_NONE;
}

int um_negotiate_accepts(const char *accept, const char *type)
{
    um_offer_t offer = { type, 0, 0 };
    const char *cursor = skip_space(accept != NULL ? accept : "");

    return *cursor == '\0' || (weigh_all(&offer, 1, cursor) && offer.weight > 0);
}

/* ---- Accept-Language ---- */

/* Read a language range, of which only the language itself counts, without a region; 0 if it is
 * malformed. */
static int read_language(um_span_t *language, const char **cursor)
{
    apr_size_t length = token_length(*cursor);

    language->text = *cursor;
    language->length = strcspn(*cursor, "-,; \t");
    *cursor += length;
    return length > 0;
}

const char *um_negotiate_language(const char *accept_language, const char *const *languages)
{
    const char *best = languages[0];
    int best_weight = 0;
    const char *cursor = skip_space(accept_language != NULL ? accept_language : "");
    um_span_t range;
    int weight;
    int found;

    while ((found = next_range(&range, &weight, &cursor, read_language)) > 0) {
        for (int i = 0; languages[i] != NULL; i++) {
            if (weight > best_weight && is_word(&range, languages[i])) {
                best = languages[i];
                best_weight = weight;
            }
        }
    }
    return found == 0 ? best : languages[0];
}

/* ---- Content-Type ---- */

int um_negotiate_is_type(const char *content_type, const char *type)
{
    const char *cursor = content_type != NULL ? content_type : "";
    um_span_t media;
    um_span_t name;
    um_span_t value;
    int found;

    if (!read_media_type(&media, &cursor) || !is_word(&media, type)) {
        return 0;
    }
    while ((found = next_parameter(&name, &value, &cursor)) > 0) {
        if (name.length > 0
            && (!is_word(&name, "charset")
                || (!is_word(&value, "utf-8") && !is_word(&value, "\"utf-8\"")))) {
            return 0;
        }
    }
    return found == 0 && *cursor == '\0';
}

/* ---- entity tags ---- */

/* Read [ "W/" ] and a quoted tag. Moves *cursor behind it; 0 if it is malformed. */
static int read_tag(um_span_t *tag, int *is_weak, const char **cursor)
{
    *is_weak = strncmp(*cursor, "W/", 2) == 0;
    tag->text = *is_weak ? *cursor + 2 : *cursor;
    if (*tag->text != '"') {
        return 0;
    }
    tag->length = strcspn(tag->text + 1, "\"") + 2;
    *cursor = tag->text + tag->length;
    return (*cursor)[-1] == '"';
}

/* Is a tag the current one, perhaps changed by an output filter of httpd? (mod_deflate and
 * mod_brotli write "x-gzip" and "x-br" for "x", inside the quotes.) The content is the same in
 * each encoding. None of our own tags ends with such a suffix. */
static int is_tag(const um_span_t *tag, const char *etag)
{
    static const char *const suffixes[] = { "\"", "-gzip\"", "-br\"" };
    apr_size_t stem = strlen(etag) - 1;

    if (tag->length <= stem || memcmp(tag->text, etag, stem) != 0) {
        return 0;
    }
    for (apr_size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        if (tag->length - stem == strlen(suffixes[i])
            && memcmp(tag->text + stem, suffixes[i], tag->length - stem) == 0) {
            return 1;
        }
    }
    return 0;
}

/* As um_negotiate_etag_matches(). *matched is the last tag of the list that matches, without its
 * W/; for "*" it is not changed. */
static int find_tag(um_span_t *matched, const char *list, const char *etag, int weak)
{
    const char *cursor = skip_space(list);
    int matches = 0;

    if (*cursor == '*') {
        return *skip_space(cursor + 1) == '\0';
    }
    while (*cursor != '\0') {
        um_span_t tag;
        int is_weak;

        if (*cursor == ',') {
            cursor = skip_space(cursor + 1);
            continue;
        }
        if (!read_tag(&tag, &is_weak, &cursor)) {
            return 0;
        }
        if ((weak || !is_weak) && etag[0] != '\0' && is_tag(&tag, etag)) {
            *matched = tag;
            matches = 1;
        }
        cursor = skip_space(cursor);
        if (*cursor != ',' && *cursor != '\0') {
            return 0;
        }
    }
    return matches;
}

int um_negotiate_etag_matches(const char *list, const char *etag, int weak)
{
    um_span_t matched;

    return etag != NULL && find_tag(&matched, list, etag, weak);
}

const char *um_negotiate_matched_etag(const char *list, const char *etag, apr_pool_t *pool)
{
    um_span_t matched = { etag, strlen(etag) };

    return find_tag(&matched, list, etag, 1) ? apr_pstrmemdup(pool, matched.text, matched.length)
                                             : NULL;
}

/* ---- the origin of a request ---- */

/* An origin with its scheme and host in lower case, without a default port. */
static const char *normalize(const char *origin, apr_pool_t *pool)
{
    static const struct {
        const char *scheme;
        const char *port;
    } defaults[] = { { "http://", ":80" }, { "https://", ":443" } };
    const char *lower = um_text_lower_ascii(origin, pool);
    apr_size_t length = strlen(lower);

    for (apr_size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
        apr_size_t port = strlen(defaults[i].port);

        if (strncmp(lower, defaults[i].scheme, strlen(defaults[i].scheme)) == 0 && length > port
            && strcmp(lower + length - port, defaults[i].port) == 0) {
            return apr_pstrmemdup(pool, lower, length - port);
        }
    }
    return lower;
}

int um_negotiate_origin_is_listed(const char *origin, const apr_array_header_t *allowed,
                                  apr_pool_t *pool)
{
    const char *normal = normalize(origin, pool);

    for (int i = 0; allowed != NULL && i < allowed->nelts; i++) {
        if (strcmp(normal, normalize(APR_ARRAY_IDX(allowed, i, const char *), pool)) == 0) {
            return 1;
        }
    }
    return 0;
}

int um_negotiate_origin_allowed(const char *origin, const char *sec_fetch_site,
                                const char *own_origin, const apr_array_header_t *allowed,
                                apr_pool_t *pool)
{
    if (origin != NULL && um_negotiate_origin_is_listed(origin, allowed, pool)) {
        return 1;
    }
    if (sec_fetch_site != NULL && strcmp(sec_fetch_site, "same-origin") != 0
        && strcmp(sec_fetch_site, "none") != 0) {
        return 0;
    }
    return origin == NULL || strcmp(normalize(origin, pool), normalize(own_origin, pool)) == 0;
}

/* ---- API keys ---- */

const char *um_negotiate_api_key(const char *authorization)
{
    static const char *const schemes[] = { "Bearer ", "API-KEY " };

    for (apr_size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        apr_size_t length = strlen(schemes[i]);

        if (apr_cstr_casecmpn(authorization, schemes[i], length) == 0) {
            const char *key = authorization + length;

            key += strspn(key, " ");
            return strncmp(key, UM_API_KEY_PREFIX, strlen(UM_API_KEY_PREFIX)) == 0 ? key : NULL;
        }
    }
    return NULL;
}
