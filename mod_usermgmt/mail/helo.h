/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_MAIL_HELO_H
#define UM_MAIL_HELO_H

/**
 * @file helo.h
 * The name that a mail client gives itself in EHLO. Mail servers refuse a name that is no
 * full domain.
 */

#include <sys/socket.h>

#include <apr_pools.h>

/** Tell whether a text may follow EHLO: a domain of several labels in ASCII, or an address
 *  literal ([192.0.2.1], [IPv6:2001:db8::1]). */
int um_helo_is_valid(const char *text, apr_pool_t *pool);

/** The literal of an address in text, 192.0.2.1 or 2001:db8::1.
 *  @return in pool, or NULL if the text is no address */
const char *um_helo_from(const char *address, apr_pool_t *pool);

/** The literal of the address that this machine has towards a peer. Nothing is sent.
 *  @return in pool, or NULL if this machine has no route to the peer */
const char *um_helo_towards(const struct sockaddr *peer, socklen_t length, apr_pool_t *pool);

#endif
