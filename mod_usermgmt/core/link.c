/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file link.c Links to a platform, see link.h. */

#include "link.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <apr_cstr.h>
#include <apr_escape.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_uri.h>

#include "../base/network.h"
#include "../base/text.h"

#define PORT_MAX 65535

#define LETTERS_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* Is it the name of a host? Browsers accept underscores in it; mail programs may not. */
typedef int is_name_t(const char *host);

static const um_violation_t too_long = { "too_long", "A link has at most 2048 bytes." };
static const um_violation_t characters = {
    "invalid_link",
    "Only the characters of RFC 3986 are allowed; others are written as %XX, in a host as xn--."
};
static const um_violation_t not_https = {
    "invalid_link", "A link must be an absolute https URL, or http to a loopback host."
};
static const um_violation_t not_http = { "invalid_link",
                                         "It must be an absolute http or https URL." };
static const um_violation_t no_public_url = {
    "invalid_link", "The URL of a service must have no query and no fragment."
};
static const um_violation_t long_public_url = { "too_long",
                                                "The URL of a service has at most 2000 bytes." };
static const um_violation_t user_info = { "invalid_link",
                                          "No user name may stand before the host." };
static const um_violation_t host_or_port = {
    "invalid_link",
    "A host is made of labels of letters, digits and hyphens with single dots between them, or is"
    " an address; a port is 1 to 65535."
};
static const um_violation_t path_tricks = {
    "invalid_link",
    "The path of a link must have no . or .. segments, and no encoded dots, slashes, per cent"
    " signs or control characters."
};
static const um_violation_t token_in_query = {
    "invalid_link", "The query of a link must not have accept_token, because the service adds it."
};
static const um_violation_t no_prefix = {
    "invalid_link", "A prefix of links must have no query and no fragment."
};

/* All characters of RFC 3986 except brackets, which only IPv6 addresses have. */
static int is_allowed(const char *c)
{
    if (*c == '%') {
        return apr_isxdigit(c[1]) && apr_isxdigit(c[2]);
    }
    return strchr(LETTERS_AND_DIGITS "-._~:/?#@!$&'()*+,;=", *c) != NULL;
}

/* Brackets are allowed before the end of the host only, and one # after it. */
static int has_good_characters(const char *link)
{
    const char *authority = strstr(link, "://");
    const char *rest = authority != NULL ? authority + 3 + strcspn(authority + 3, "/?#") : link;

    for (const char *c = link; *c != '\0'; c++) {
        if (!is_allowed(c) && !(c < rest && (*c == '[' || *c == ']'))) {
            return 0;
        }
    }
    return strchr(rest, '#') == strrchr(rest, '#');
}

/* ---- host ---- */

static int has_good_host(const apr_uri_t *uri, is_name_t *is_name)
{
    int bracketed = uri->hostinfo[0] == '[';

    return bracketed ? um_network_is_ipv6(uri->hostname)
                     : um_network_is_ipv4(uri->hostname) || is_name(uri->hostname);
}

static int has_good_port(const apr_uri_t *uri)
{
    apr_int64_t port;

    if (uri->port_str == NULL) {
        return 1;
    }
    if (strlen(uri->port_str) > 5
        || strspn(uri->port_str, "0123456789") != strlen(uri->port_str)) {
        return 0;
    }
    port = apr_atoi64(uri->port_str);
    return port >= 1 && port <= PORT_MAX;
}

/* ---- path and query ---- */

/* Some servers cut off the parameters of a segment: "..;x" counts as "..". */
static int is_dot_segment(const char *segment)
{
    apr_size_t length = strcspn(segment, "/;");

    return (length == 1 && segment[0] == '.')
           || (length == 2 && segment[0] == '.' && segment[1] == '.');
}

static int is_encoded_trick(const char *escape)
{
    char digits[] = { escape[1], escape[2], '\0' };
    long byte = strtol(digits, NULL, 16);

    return byte < 0x20 || byte == 0x7F || strchr("./\\%", (int)byte) != NULL;
}

static int has_good_path(const char *path)
{
    for (const char *c = path; c != NULL && *c != '\0'; c++) {
        if ((*c == '%' && is_encoded_trick(c)) || (*c == '/' && is_dot_segment(c + 1))) {
            return 0;
        }
    }
    return 1;
}

static int has_accept_token(const char *query, apr_pool_t *pool)
{
    char *rest = apr_pstrdup(pool, query != NULL ? query : "");
    char *pair;
    const char *name;

    while ((pair = apr_strtok(rest, "&;", &rest)) != NULL) {
        pair[strcspn(pair, "=")] = '\0';
        name = apr_punescape_url(pool, pair, NULL, NULL, 0);
        if (name == NULL || strcmp(name, "accept_token") == 0) {
            return 1;
        }
    }
    return 0;
}

/* ---- checks ---- */

/* The checks for every URL; *uri is filled in if it passes. */
static const um_violation_t *check(apr_uri_t *uri, const um_violation_t *not_of_scheme,
                                   is_name_t *is_name, const char *link, apr_pool_t *pool)
{
    if (strlen(link) > UM_LINK_MAX) {
        return &too_long;
    }
    if (!has_good_characters(link)) {
        return &characters;
    }
    if (apr_uri_parse(pool, link, uri) != APR_SUCCESS || uri->scheme == NULL
        || uri->hostinfo == NULL || uri->hostname == NULL
        || (apr_cstr_casecmp(uri->scheme, "https") != 0
            && apr_cstr_casecmp(uri->scheme, "http") != 0)) {
        return not_of_scheme;
    }
    if (strchr(uri->hostinfo, '@') != NULL || uri->user != NULL) {
        return &user_info;
    }
    if (!has_good_host(uri, is_name) || !has_good_port(uri)) {
        return &host_or_port;
    }
    return has_good_path(uri->path) ? NULL : &path_tricks;
}

/* The checks for a link that people get by mail. */
static const um_violation_t *check_secure(apr_uri_t *uri, const char *link, apr_pool_t *pool)
{
    const um_violation_t *violation = check(uri, &not_https, um_network_is_name, link, pool);

    if (violation == NULL && apr_cstr_casecmp(uri->scheme, "https") != 0
        && !um_network_is_loopback(uri->hostname)) {
        return &not_https;
    }
    return violation;
}

const um_violation_t *um_link_check(const char *link, apr_pool_t *pool)
{
    apr_uri_t uri;
    const um_violation_t *violation = check_secure(&uri, link, pool);

    if (violation == NULL && has_accept_token(uri.query, pool)) {
        violation = &token_in_query;
    }
    return violation;
}

const um_violation_t *um_link_check_prefix(const char *prefix, apr_pool_t *pool)
{
    apr_uri_t uri;
    const um_violation_t *violation = check_secure(&uri, prefix, pool);

    if (violation == NULL && strpbrk(prefix, "?#") != NULL) {
        violation = &no_prefix;
    }
    return violation;
}

const um_violation_t *um_link_check_public_url(const char *url, apr_pool_t *pool)
{
    apr_uri_t uri;
    const um_violation_t *violation = check(&uri, &not_http, um_network_is_name, url, pool);

    if (violation == NULL && strpbrk(url, "?#") != NULL) {
        violation = &no_public_url;
    }
    return violation == NULL && strlen(url) > UM_PUBLIC_URL_MAX ? &long_public_url : violation;
}

static int port_of(const apr_uri_t *uri)
{
    return uri->port_str != NULL ? (int)apr_atoi64(uri->port_str)
                                 : apr_uri_port_of_scheme(uri->scheme);
}

/* A host as browsers write it: in small letters, an IPv6 address in its shortest form and
 * without a part in decimal. */
static const char *host_of_browsers(const apr_uri_t *uri, apr_pool_t *pool)
{
    unsigned char bytes[16];
    char text[INET6_ADDRSTRLEN];

    if (uri->hostinfo[0] != '[') {
        return um_text_lower_ascii(uri->hostname, pool);
    }
    inet_pton(AF_INET6, uri->hostname, bytes);
    inet_ntop(AF_INET6, bytes, text, sizeof(text));
    if (strchr(text, '.') == NULL) {
        return apr_pstrcat(pool, "[", text, "]", NULL);
    }
    strrchr(text, ':')[1] = '\0';
    return apr_psprintf(pool, "[%s%x:%x]", text, bytes[12] << 8 | bytes[13],
                        bytes[14] << 8 | bytes[15]);
}

static const char *origin_of_browsers(const apr_uri_t *uri, apr_pool_t *pool)
{
    const char *scheme = um_text_lower_ascii(uri->scheme, pool);
    const char *host = host_of_browsers(uri, pool);

    return port_of(uri) == apr_uri_port_of_scheme(scheme)
               ? apr_pstrcat(pool, scheme, "://", host, NULL)
               : apr_psprintf(pool, "%s://%s:%d", scheme, host, port_of(uri));
}

const um_violation_t *um_link_check_origin(const char *origin, apr_pool_t *pool)
{
    apr_uri_t uri;
    const um_violation_t *violation = check(&uri, &not_http, um_network_is_name_in_urls, origin,
                                            pool);
    um_violation_t *other_form;
    const char *sent;

    if (violation != NULL) {
        return violation;
    }
    sent = origin_of_browsers(&uri, pool);
    if (strcmp(origin, sent) == 0) {
        return NULL;
    }
    other_form = apr_palloc(pool, sizeof(*other_form));
    other_form->code = "invalid_link";
    other_form->detail = apr_pstrcat(pool, "Browsers send it as ", sent, NULL);
    return other_form;
}

const char *um_link_origin(const char *url, apr_pool_t *pool)
{
    const char *host = strstr(url, "://") + 3;

    return apr_pstrmemdup(pool, url, (apr_size_t)(host - url) + strcspn(host, "/"));
}

/* ---- below a prefix ---- */

static int is_path_below(const char *path, const char *prefix)
{
    apr_size_t length = strlen(prefix);

    if (strncmp(path, prefix, length) != 0) {
        return 0;
    }
    return prefix[length - 1] == '/' || path[length] == '\0' || path[length] == '/';
}

static const char *path_of(const apr_uri_t *uri)
{
    return uri->path != NULL && uri->path[0] != '\0' ? uri->path : "/";
}

static int is_below(const apr_uri_t *link, const char *prefix, apr_pool_t *pool)
{
    apr_uri_t uri;

    return apr_uri_parse(pool, prefix, &uri) == APR_SUCCESS
           && apr_cstr_casecmp(link->scheme, uri.scheme) == 0
           && apr_cstr_casecmp(link->hostname, uri.hostname) == 0
           && port_of(link) == port_of(&uri) && is_path_below(path_of(link), path_of(&uri));
}

int um_link_is_below(const char *link, const apr_array_header_t *prefixes, apr_pool_t *pool)
{
    apr_uri_t uri;
    int below = 0;

    if (apr_uri_parse(pool, link, &uri) != APR_SUCCESS) {
        return 0;
    }
    for (int i = 0; !below && i < prefixes->nelts; i++) {
        below = is_below(&uri, APR_ARRAY_IDX(prefixes, i, const char *), pool);
    }
    return below;
}
