/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file mailing.c Mail is sent by mod_watchdog's process, see mailing.h. */

#include "mailing.h"

#include "../base/metrics.h"
#include "../base/ticks.h"
#include "../mail/mailer.h"
#include "config_mail.h"
#include "log.h"
#include "module.h"
#include "runtime.h"
#include "task.h"
#include "watchdog.h"

/* The pause after a database could not be asked. */
#define DATABASE_PAUSE apr_time_from_sec(15)
/* While a mail server is away (see um_smtp_reply_t), its mail rests: at first for the pause
 * between two tries of a mail, then for longer, up to this many of these pauses. */
#define AWAY_FACTOR_MAX 30
/* How often a database is asked for mail if this server has queued none, because another machine
 * may have left some behind. */
#define LOOK_EVERY apr_time_from_sec(30)

/* The mail of one database. */
typedef struct um_outbox_t {
    um_mailer_t mailer;
    const um_runtime_database_t *database;
    /* By how much the next pause is longer than the first: it grows while the mail server is
     * away. */
    int away_factor;
    um_mailer_state_t state;
} um_outbox_t;

static int has_mail(const server_rec *server)
{
    const um_config_server_t *config = um_config_server(server);

    return config->used == 1 && um_config_mail_is_on(config);
}

static int check_server(const server_rec *server)
{
    const char *error = um_config_mail_check(um_config_server(server));

    if (error != NULL) {
        um_log_server(server, MAIL_DIRECTIVE, APR_SUCCESS, error);
        return 0;
    }
    if (has_mail(server) && ap_find_linked_module("mod_watchdog.c") == NULL) {
        um_log_server(server, MAIL_NEEDS_WATCHDOG, APR_SUCCESS);
        return 0;
    }
    return 1;
}

/* The first of a database's servers that sends mail; NULL if none does. */
static server_rec *find_sender(const um_runtime_database_t *database)
{
    for (int i = 0; i < database->servers->nelts; i++) {
        server_rec *server = APR_ARRAY_IDX(database->servers, i, server_rec *);

        if (has_mail(server)) {
            return server;
        }
    }
    return NULL;
}

/* All servers of a database that send mail must send it in the same way, because each may send
 * what another has queued. */
static int check_database(const um_runtime_database_t *database)
{
    const server_rec *sender = find_sender(database);

    for (int i = 0; sender != NULL && i < database->servers->nelts; i++) {
        const server_rec *server = APR_ARRAY_IDX(database->servers, i, server_rec *);
        const char *directive = has_mail(server)
                                    ? um_config_mail_difference(um_config_server(sender),
                                                                um_config_server(server))
                                    : NULL;

        if (directive != NULL) {
            um_log_server(server, MAIL_DIFFERS, APR_SUCCESS, directive, sender->server_hostname);
            return 0;
        }
    }
    return 1;
}

int um_mailing_check(server_rec *server)
{
    for (; server != NULL; server = server->next) {
        if (!check_server(server)) {
            return 0;
        }
    }
    for (int i = 0; i < um_runtime_database_count(); i++) {
        if (!check_database(um_runtime_database(i))) {
            return 0;
        }
    }
    return 1;
}

static int is_stopping(void *baton)
{
    (void)baton;
    return um_watchdog_stopping();
}

/* The pause is at most an eighth of the time for which a mail is tried, so that each mail is
 * tried several times. */
static apr_interval_time_t away_pause(const um_outbox_t *outbox)
{
    apr_interval_time_t pause = outbox->away_factor * outbox->mailer.first_pause;
    apr_interval_time_t longest = outbox->mailer.give_up_after / 8;

    if (longest < outbox->mailer.first_pause) {
        longest = outbox->mailer.first_pause;
    }
    return pause < longest ? pause : longest;
}

static void rest(um_task_next_t *next, apr_interval_time_t pause)
{
    next->at = um_ticks() + pause;
    next->is_rest = 1;
}

/* Set the time of the next run, after a run that could ask the database. */
static void plan(um_task_next_t *next, um_outbox_t *outbox)
{
    const um_mailer_state_t *state = &outbox->state;
    apr_interval_time_t pause = LOOK_EVERY;

    if (state->is_away) {
        rest(next, away_pause(outbox));
        outbox->away_factor = outbox->away_factor * 2 < AWAY_FACTOR_MAX ? outbox->away_factor * 2
                                                                        : AWAY_FACTOR_MAX;
        return;
    }
    outbox->away_factor = 1;
    next->is_rest = 0;
    if (state->next_attempt_at != 0) {
        apr_interval_time_t left = apr_time_from_msec(state->next_attempt_at) - apr_time_now();

        pause = left < pause ? left : pause;
    }
    next->at = um_ticks() + pause;
}

static void send_mail(um_task_next_t *next, void *baton, apr_pool_t *pool)
{
    um_outbox_t *outbox = baton;

    if (um_mailer_run(&outbox->state, &outbox->mailer, outbox->database->store, pool)
        == APR_SUCCESS) {
        um_metrics_set_mail_pending(outbox->database->index, outbox->state.pending);
        plan(next, outbox);
    } else {
        rest(next, DATABASE_PAUSE);
    }
}

static um_outbox_t *make_outbox(const um_runtime_database_t *database, const server_rec *sender,
                                const um_mail_template_t *template, apr_pool_t *pool)
{
    um_outbox_t *outbox = apr_pcalloc(pool, sizeof(*outbox));

    um_config_mail_settings(&outbox->mailer, um_config_server(sender));
    outbox->mailer.server.helo = um_config_mail_helo(sender, pool);
    if (outbox->mailer.template == NULL) {
        outbox->mailer.template = template;
    }
    outbox->mailer.stop = is_stopping;
    outbox->database = database;
    outbox->away_factor = 1;
    return outbox;
}

static apr_status_t end_smtp(void *unused)
{
    (void)unused;
    um_smtp_end();
    return APR_SUCCESS;
}

apr_status_t um_mailing_init(apr_pool_t *pconf, server_rec *server)
{
    um_mail_template_t *template = NULL;
    const char *error = um_mail_template_parse(&template, um_mail_template_default, pconf);
    apr_status_t status = error == NULL ? APR_SUCCESS : APR_EGENERAL;
    um_tasks_t *tasks = um_tasks_make(send_mail, pconf);

    for (int i = 0; i < um_runtime_database_count(); i++) {
        const um_runtime_database_t *database = um_runtime_database(i);
        const server_rec *sender = find_sender(database);

        if (sender != NULL) {
            um_tasks_add(tasks, database, make_outbox(database, sender, template, pconf));
        }
    }
    if (um_tasks_is_empty(tasks)) {
        return APR_SUCCESS;
    }
    if (status == APR_SUCCESS) {
        status = um_smtp_start();
    }
    if (status != APR_SUCCESS) {
        um_log_server(server, MAIL_NOT_STARTED, status,
                      error != NULL ? error : "libcurl does not start");
        return status;
    }
    apr_pool_cleanup_register(pconf, NULL, end_smtp, apr_pool_cleanup_null);
    return um_tasks_start(tasks, "_usermgmt_mail_", server);
}
