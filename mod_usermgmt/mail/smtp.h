/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_MAIL_SMTP_H
#define UM_MAIL_SMTP_H

/**
 * @file smtp.h
 * Hands a mail to an SMTP server. The only file that uses libcurl.
 */

#include <apr_errno.h>

#include "mail.h"

typedef enum um_smtp_tls_t {
    UM_SMTP_TLS_NONE,
    /** TLS if the server offers it. */
    UM_SMTP_TLS_OPTIONAL,
    UM_SMTP_TLS_REQUIRED
} um_smtp_tls_t;

typedef struct um_smtp_server_t {
    /** smtp://host:port or smtps://host:port. */
    const char *url;
    /** For smtp://: STARTTLS. The server's certificate is always checked. */
    um_smtp_tls_t tls;
    /** The name in EHLO, see um_helo_is_valid(). NULL: the address that this machine has
     *  towards the server, IPv4 or IPv6 as the connection. */
    const char *helo;
    /** NULL to send mail without signing in. */
    const char *user;
    const char *password;
    /** A file of trusted certificates; NULL: the system's. */
    const char *ca_file;
    /** How long handing over one mail may take. */
    apr_interval_time_t timeout;
} um_smtp_server_t;

typedef enum um_smtp_outcome_t {
    /** The server has taken the mail. */
    UM_SMTP_ACCEPTED,
    /** Not taken now; another try is worth it. If only the server's answer was lost, the server
     *  has taken it all the same. */
    UM_SMTP_LATER,
    /** The server will never take this mail. */
    UM_SMTP_REFUSED,
    /** stop returned non-zero before there was an answer. The server may have taken the mail. */
    UM_SMTP_INTERRUPTED
} um_smtp_outcome_t;

typedef struct um_smtp_reply_t {
    um_smtp_outcome_t outcome;
    /** The server's last answer, or what went wrong: a line of ASCII. */
    const char *text;
    /** Non-zero if no mail can be sent through the server at the moment: it could not be
     *  reached, or refuses this client whatever the mail is. */
    int is_away;
    /** Non-zero if the same may hold: the server refused the sender when it knew the recipient.
     * It may have passed on the answer of the recipient's own server. */
    int is_doubtful;
} um_smtp_reply_t;

/** Returns non-zero to interrupt the sending; called at least once a second while a mail is
 *  sent. */
typedef int um_smtp_stop_t(void *baton);

/** Start the library, before there are threads. */
apr_status_t um_smtp_start(void);
/** End the library, when no thread uses it any more. */
void um_smtp_end(void);

/**
 * Hand over a mail, over a connection of its own.
 * @param reply the outcome, in pool
 * @param stop  if it returns non-zero, sending ends with UM_SMTP_INTERRUPTED. A server that
 *              has the mail already gets a few seconds to answer, so that its answer is
 *              not lost
 */
void um_smtp_send(um_smtp_reply_t *reply, const um_smtp_server_t *server, const um_mail_t *mail,
                  um_smtp_stop_t *stop, void *baton, apr_pool_t *pool);

#endif
