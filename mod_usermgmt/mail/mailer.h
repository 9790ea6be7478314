/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_MAIL_MAILER_H
#define UM_MAIL_MAILER_H

/**
 * @file mailer.h
 * Sends the mail that is queued in the database. Several mailers may work on one database:
 * each claims a mail before it sends it. A mail is deleted from the queue when the SMTP server
 * has accepted it, has refused it finally, or has not accepted it for too long. Then there is an
 * audit event, mail.sent or mail.failed.
 */

#include "../base/address.h"
#include "../core/store.h"
#include "mail_template.h"
#include "smtp.h"

/** Read-only. */
typedef struct um_mailer_t {
    um_smtp_server_t server;
    const um_mail_template_t *template;
    const char *from;
    /** NULL if there is none. */
    const char *from_name;
    /** The pause after the first failed attempt; later ones are longer. */
    apr_interval_time_t first_pause;
    /** How long it is tried to send a mail. */
    apr_interval_time_t give_up_after;
    /** Returns non-zero to stop. */
    um_smtp_stop_t *stop;
    void *stop_baton;
} um_mailer_t;

/** The state after a run, and for the next one. All zero before the first. */
typedef struct um_mailer_state_t {
    /** The mail server could not be reached, or refuses all mail, so due mail waits. */
    int is_away;
    /** When the next mail is due, milliseconds since 1970; 0 if none waits. */
    apr_int64_t next_attempt_at;
    /** How many mails wait. */
    apr_int64_t pending;
    /** The last recipient for whom the mail server refused the sender, if it has taken no mail
     *  since; otherwise an empty text. Only the mailer uses it. */
    char refused_for[UM_EMAIL_MAX + 1];
} um_mailer_state_t;

/**
 * Send the mail that is due, while the mail server takes it.
 * @param state that of the last run; set on success
 * @return APR_SUCCESS, or UM_EUNAVAILABLE or UM_ESCHEMA if the database could not be asked
 */
apr_status_t um_mailer_run(um_mailer_state_t *state, const um_mailer_t *mailer, um_store_t *store,
                           apr_pool_t *pool);

#endif
