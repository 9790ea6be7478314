/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file mailing.c Mail is sent by mod_watchdog's thread, see mailing.h. */

#include "mailing.h"

#include "../api/mailer.h"
#include "config_mail.h"
#include "module.h"
#include "runtime.h"
#include "watchdog.h"

#define INTERVAL apr_time_from_sec(1)
/* How long a database that could not be asked is left alone. */
#define DATABASE_PAUSE apr_time_from_sec(15)

/* One virtual host's mail. */
typedef struct um_outbox_t {
    um_mailer_t mailer;
    server_rec *server;
    /* Before then there is no use in asking the database. */
    apr_time_t not_before;
} um_outbox_t;

/* Of um_outbox_t. */
static apr_array_header_t *outboxes;

static int has_mail(const server_rec *server)
{
    const um_config_server_t *config = um_config_server(server);

    return config->used == 1 && um_config_mail_is_on(config);
}

int um_mailing_check(server_rec *server)
{
    for (; server != NULL; server = server->next) {
        const char *error = um_config_mail_check(um_config_server(server));

        if (error != NULL) {
            ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server, "UM0063: %s", error);
            return 0;
        }
        if (has_mail(server) && ap_find_linked_module("mod_watchdog.c") == NULL) {
            ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server,
                         "UM0064: UserMgmtMailServer needs mod_watchdog: LoadModule "
                         "watchdog_module modules/mod_watchdog.so");
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

static void send_mail(int stopping, server_rec *server, apr_pool_t *pool)
{
    (void)server;
    for (int i = 0; !stopping && i < outboxes->nelts; i++) {
        um_outbox_t *outbox = &APR_ARRAY_IDX(outboxes, i, um_outbox_t);
        um_store_t *store = um_runtime_store(outbox->server);

        if (store != NULL && apr_time_now() >= outbox->not_before
            && um_mailer_run(&outbox->mailer, store, pool) != APR_SUCCESS) {
            outbox->not_before = apr_time_now() + DATABASE_PAUSE;
        }
    }
}

static void add_outbox(server_rec *server, const um_mail_template_t *template)
{
    um_outbox_t *outbox = apr_array_push(outboxes);

    um_config_mail_settings(&outbox->mailer, um_config_server(server));
    if (outbox->mailer.template == NULL) {
        outbox->mailer.template = template;
    }
    outbox->mailer.stop = is_stopping;
    outbox->mailer.stop_baton = NULL;
    outbox->server = server;
    outbox->not_before = 0;
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

    outboxes = apr_array_make(pconf, 2, sizeof(um_outbox_t));
    for (server_rec *each = server; each != NULL; each = each->next) {
        if (has_mail(each)) {
            add_outbox(each, template);
        }
    }
    if (outboxes->nelts == 0) {
        return APR_SUCCESS;
    }
    if (status == APR_SUCCESS) {
        status = um_smtp_start();
    }
    if (status != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, status, server, "UM0065: can't send mail: %s",
                     error != NULL ? error : "libcurl does not start");
        return status;
    }
    apr_pool_cleanup_register(pconf, NULL, end_smtp, apr_pool_cleanup_null);
    return um_watchdog_add("_usermgmt_mail_", send_mail, INTERVAL, server, pconf);
}
