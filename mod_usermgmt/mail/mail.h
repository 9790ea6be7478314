/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_MAIL_MAIL_H
#define UM_MAIL_MAIL_H

/**
 * @file mail.h
 * A mail, ready to be sent, and the texts its header is made of. Whatever a
 * value holds, it ends up inside of its header line: what could end one is gone.
 */

#include <apr_pools.h>
#include <apr_time.h>

typedef struct um_mail_t {
    /** Addresses, UTF-8, as um_address_check() finds them good. */
    const char *from;
    const char *to;
    /** NULL where there is none. */
    const char *from_name;
    /** One line of UTF-8. */
    const char *subject;
    /** Bodies, their lines ended by CR LF. */
    const char *text;
    const char *html;
    /** Names the mail however often it is sent; letters and digits. */
    const char *uid;
    apr_time_t date;
} um_mail_t;

/** Unstructured text (a subject) as it stands in a header line: RFC 2047's
 *  encoded words, folded, where it is not short ASCII. In pool. */
const char *um_mail_encode_text(const char *text, apr_pool_t *pool);

/** A mailbox as it stands in a header line: the name, if any, and the address. */
const char *um_mail_encode_mailbox(const char *name, const char *address, apr_pool_t *pool);

/** A time as in RFC 5322, in UTC. */
const char *um_mail_encode_date(apr_time_t time, apr_pool_t *pool);

#endif
