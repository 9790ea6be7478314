/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file helo.c The name in EHLO, see helo.h. */

#include "helo.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include <apr_cstr.h>
#include <apr_strings.h>

#include "../base/network.h"

#define IPV6_TAG "IPv6:"

int um_helo_is_valid(const char *text, apr_pool_t *pool)
{
    apr_size_t length = strlen(text);
    const char *address;

    if (text[0] != '[') {
        return um_network_is_name(text) && strchr(text, '.') != NULL;
    }
    if (text[length - 1] != ']') {
        return 0;
    }
    address = apr_pstrmemdup(pool, text + 1, length - 2);
    if (apr_cstr_casecmpn(address, IPV6_TAG, strlen(IPV6_TAG)) == 0) {
        return um_network_is_ipv6(address + strlen(IPV6_TAG));
    }
    return um_network_is_ipv4(address);
}

const char *um_helo_from(const char *address, apr_pool_t *pool)
{
    if (um_network_is_ipv4(address)) {
        return apr_pstrcat(pool, "[", address, "]", NULL);
    }
    return um_network_is_ipv6(address) ? apr_pstrcat(pool, "[" IPV6_TAG, address, "]", NULL)
                                       : NULL;
}

static const char *write_literal(const struct sockaddr_storage *address, apr_pool_t *pool)
{
    char text[INET6_ADDRSTRLEN];

    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *four = (const void *)address;

        return um_helo_from(inet_ntop(AF_INET, &four->sin_addr, text, sizeof(text)), pool);
    }
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const void *)address;

        return um_helo_from(inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof(text)), pool);
    }
    return NULL;
}

/* The system chooses the route, and so the local address, when a datagram socket is connected. */
const char *um_helo_towards(const struct sockaddr *peer, socklen_t length, apr_pool_t *pool)
{
    struct sockaddr_storage local = { .ss_family = AF_UNSPEC };
    socklen_t size = sizeof(local);
    const char *literal = NULL;
    int datagrams = socket(peer->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (datagrams == -1) {
        return NULL;
    }
    if (connect(datagrams, peer, length) == 0
        && getsockname(datagrams, (struct sockaddr *)&local, &size) == 0) {
        literal = write_literal(&local, pool);
    }
    close(datagrams);
    return literal;
}
