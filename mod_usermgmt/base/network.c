/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file network.c Names and addresses of hosts, see network.h. */

#include "network.h"

#include <arpa/inet.h>
#include <string.h>

#include <apr_cstr.h>

#define HOST_MAX 253
#define LABEL_MAX 63

#define LETTERS_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

int um_network_is_ipv4(const char *host)
{
    unsigned char bytes[4];

    return inet_pton(AF_INET, host, bytes) == 1;
}

int um_network_is_ipv6(const char *host)
{
    unsigned char bytes[16];

    return inet_pton(AF_INET6, host, bytes) == 1;
}

/* A name with a number at its end is an address to browsers, whatever the form. */
static int is_number(const char *label)
{
    return strspn(label, "0123456789") == strlen(label)
           || (label[0] == '0' && (label[1] == 'x' || label[1] == 'X'));
}

/* also has the characters that a label may have besides letters, digits and hyphens. */
static apr_size_t label_length(const char *label, const char *also)
{
    apr_size_t length = 0;

    while (label[length] != '\0'
           && (strchr(LETTERS_AND_DIGITS "-", label[length]) != NULL
               || strchr(also, label[length]) != NULL)) {
        length++;
    }
    return length;
}

static const char *last_label(const char *host, const char *also)
{
    const char *label = host;
    apr_size_t length = label_length(label, also);

    if (strlen(host) > HOST_MAX) {
        return NULL;
    }
    while (length > 0 && length <= LABEL_MAX && label[0] != '-' && label[length - 1] != '-') {
        if (label[length] == '\0') {
            return label;
        }
        if (label[length] != '.') {
            return NULL;
        }
        label += length + 1;
        length = label_length(label, also);
    }
    return NULL;
}

const char *um_network_last_label(const char *host)
{
    return last_label(host, "");
}

static int is_name(const char *host, const char *also)
{
    const char *last = last_label(host, also);

    return last != NULL && !is_number(last);
}

int um_network_is_name(const char *host)
{
    return is_name(host, "");
}

int um_network_is_name_in_urls(const char *host)
{
    return is_name(host, "_");
}

int um_network_is_loopback(const char *host)
{
    static const unsigned char loopback[16] = { [15] = 1 };
    unsigned char bytes[16];

    if (inet_pton(AF_INET6, host, bytes) == 1) {
        return memcmp(bytes, loopback, sizeof(bytes)) == 0;
    }
    if (inet_pton(AF_INET, host, bytes) == 1) {
        return bytes[0] == 127;
    }
    return apr_cstr_casecmp(host, "localhost") == 0;
}
