/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file query.c Query components, see query.h. */

#include "query.h"

#include <string.h>

#include <apr_escape.h>
#include <apr_strings.h>

#include "../base/status.h"
#include "../base/text.h"

/* Percent-encode every byte for which keep is zero. */
static const char *encode(const char *text, int (*keep)(unsigned char c), apr_pool_t *pool)
{
    static const char hex[] = "0123456789ABCDEF";
    char *encoded = apr_palloc(pool, strlen(text) * 3 + 1);
    char *to = encoded;

    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (keep(c)) {
            *to++ = *text;
        } else {
            *to++ = '%';
            *to++ = hex[c >> 4];
            *to++ = hex[c & 0xF];
        }
    }
    *to = '\0';
    return encoded;
}

/* RFC 3986 section 2.3, in any locale. */
static int is_unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
           || (c != '\0' && strchr("-._~", c) != NULL);
}

static int is_visible_ascii(unsigned char c)
{
    return c > 0x20 && c < 0x7F;
}

/* NULL if it can't be decoded to UTF-8 without a NUL. */
static const char *decode(const char *text, apr_pool_t *pool)
{
    const char *decoded = apr_punescape_url(pool, text, NULL, NULL, 1);

    return decoded != NULL && um_text_is_utf8(decoded, strlen(decoded)) ? decoded : NULL;
}

static void read_pair(apr_array_header_t *parameters, um_faults_t *faults, char *pair,
                      apr_pool_t *pool)
{
    um_query_parameter_t read;
    char *equals = strchr(pair, '=');

    if (equals != NULL) {
        *equals = '\0';
    }
    read.name = decode(pair, pool);
    read.value = decode(equals != NULL ? equals + 1 : "", pool);
    if (read.name != NULL && read.value != NULL) {
        APR_ARRAY_PUSH(parameters, um_query_parameter_t) = read;
        return;
    }
    um_faults_add(faults, read.name != NULL ? read.name : encode(pair, is_visible_ascii, pool),
                  "invalid_value",
                  "It must be UTF-8 without NUL, each % followed by two hex digits.");
}

apr_status_t um_query_parse(apr_array_header_t **parameters, um_faults_t *faults,
                            const char *query, apr_pool_t *pool)
{
    apr_array_header_t *found = apr_array_make(pool, 4, sizeof(um_query_parameter_t));
    char *rest = apr_pstrdup(pool, query != NULL ? query : "");
    char *pair;

    if (strlen(rest) > UM_QUERY_MAX) {
        return UM_ETOOLARGE;
    }
    while ((pair = apr_strtok(rest, "&", &rest)) != NULL) {
        read_pair(found, faults, pair, pool);
    }
    *parameters = found;
    return APR_SUCCESS;
}

const char *um_query_only(um_request_t *request, const char *name)
{
    const char *value = NULL;

    request->faults.place = "query";
    for (int i = 0; i < request->parameters->nelts; i++) {
        const um_query_parameter_t *given = &APR_ARRAY_IDX(request->parameters, i,
                                                           um_query_parameter_t);

        if (strcmp(given->name, name) != 0) {
            um_faults_add(&request->faults, given->name, "unknown_parameter",
                          "This request has no such parameter.");
        } else if (value != NULL) {
            um_faults_add(&request->faults, given->name, "duplicate_parameter",
                          "It must not be given twice.");
        } else {
            value = given->value;
        }
    }
    return value;
}

int um_query_number(apr_int64_t *number, const char *value, apr_int64_t least, apr_int64_t most)
{
    apr_int64_t read = 0;

    for (const char *c = value; *c != '\0'; c++) {
        if (*c < '0' || *c > '9' || read > most) {
            return 0;
        }
        read = read * 10 + (*c - '0');
    }
    *number = read;
    return value[0] != '\0' && read >= least && read <= most;
}

const char *um_query_encode(const char *text, apr_pool_t *pool)
{
    return encode(text, is_unreserved, pool);
}
