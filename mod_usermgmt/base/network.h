/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_NETWORK_H
#define UM_BASE_NETWORK_H

/**
 * @file network.h
 * Names and addresses of hosts, as text. Nothing is looked up.
 */

/** Tell whether a text is an IPv4 address, four numbers with dots. */
int um_network_is_ipv4(const char *host);

/** Tell whether a text is an IPv6 address, without brackets. */
int um_network_is_ipv6(const char *host);

/** The last label of a text of labels of letters, digits and hyphens with single dots between
 *  them, in 253 bytes; NULL if the text is none. */
const char *um_network_last_label(const char *host);

/** Tell whether a text is a host's name as DNS has it: labels of letters, digits and
 *  hyphens, with single dots between them, and no number as the last one. */
int um_network_is_name(const char *host);

/** The same for a name in a URL: browsers take underscores in labels too. */
int um_network_is_name_in_urls(const char *host);

/** Tell whether a host is this machine by its loopback interface: localhost, ::1 or an
 *  address that begins with 127, but no name that does. */
int um_network_is_loopback(const char *host);

#endif
