/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_MAIL_MAIL_H
#define UM_MAIL_MAIL_H

/**
 * @file mail.h
 * A mail that is ready to be sent, and the texts of its header. No value can end its header
 * line and begin another one, because line ends are removed.
 */

#include <apr_pools.h>
#include <apr_time.h>

typedef struct um_mail_t {
    /** Addresses, UTF-8, that um_address_check() accepts. */
    const char *from;
    const char *to;
    /** NULL if there is none. */
    const char *from_name;
    /** One line of UTF-8. */
    const char *subject;
    /** Bodies, whose lines end with CR LF. */
    const char *text;
    const char *html;
    /** Letters and digits that identify the mail, also if it is sent several times. */
    const char *uid;
    apr_time_t date;
} um_mail_t;

/** Unstructured text (a subject) for a header line: short ASCII as it is, other text as
 *  RFC 2047's encoded words, folded. In pool. */
const char *um_mail_encode_text(const char *text, apr_pool_t *pool);

/** A mailbox for a header line: the name, if there is one, and the address. */
const char *um_mail_encode_mailbox(const char *name, const char *address, apr_pool_t *pool);

/** A time in the form of RFC 5322, in UTC. */
const char *um_mail_encode_date(apr_time_t time, apr_pool_t *pool);

#endif
