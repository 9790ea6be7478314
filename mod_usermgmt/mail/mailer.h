/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_MAIL_MAILER_H
#define UM_MAIL_MAILER_H

/**
 * @file mailer.h
 * Sends the mail that waits in the database. Several mailers may work on one
 * database: each claims a mail before it sends it. A mail leaves the database
 * when the SMTP server has taken it, has refused it for good, or did not take it
 * for too long; both ends leave an audit event, mail.sent or mail.failed.
 */

#include "../core/store.h"
#include "mail_template.h"
#include "smtp.h"

/** Read-only. */
typedef struct um_mailer_t {
    um_smtp_server_t server;
    const um_mail_template_t *template;
    const char *from;
    /** NULL where there is none. */
    const char *from_name;
    /** The pause behind the first try that failed; later ones are longer. */
    apr_interval_time_t first_pause;
    /** How long a mail is tried. */
    apr_interval_time_t give_up_after;
    /** Tells whether to break off. */
    um_smtp_stop_t *stop;
    void *stop_baton;
} um_mailer_t;

/** How matters stand after a run. */
typedef struct um_mailer_state_t {
    /** The mail server could not be reached: what is due waits. */
    int is_away;
    /** When the next mail is due, milliseconds since 1970; 0 where none waits. */
    apr_int64_t next_attempt_at;
} um_mailer_state_t;

/**
 * Send what is due, as far as the mail server can be reached.
 * @param state set on success
 * @return APR_SUCCESS, or UM_EUNAVAILABLE or UM_ESCHEMA where the database could not be asked
 */
apr_status_t um_mailer_run(um_mailer_state_t *state, const um_mailer_t *mailer,
                           um_store_t *store, apr_pool_t *pool);

#endif
