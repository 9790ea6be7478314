/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_CONFIG_MAIL_H
#define UM_HTTPD_CONFIG_MAIL_H

/**
 * @file config_mail.h
 * The directives that tell how mail is sent, and the settings that follow from them.
 */

#include "../mail/mailer.h"
#include "config_number.h"

/* Each function is called by httpd with the arguments of its directive, and returns NULL, or the
 * error for configtest. */

/** UserMgmtMailServer. */
const char *um_config_mail_set_server(cmd_parms *cmd, void *directory, const char *url);
/** UserMgmtMailHelo. */
const char *um_config_mail_set_helo(cmd_parms *cmd, void *directory, const char *name);
/** UserMgmtMailFrom; name may be NULL. */
const char *um_config_mail_set_from(cmd_parms *cmd, void *directory, const char *address,
                                    const char *name);
/** UserMgmtMailUser. */
const char *um_config_mail_set_user(cmd_parms *cmd, void *directory, const char *user);
/** UserMgmtMailPasswordFile; the file is read at once. */
const char *um_config_mail_set_password(cmd_parms *cmd, void *directory, const char *file);
/** UserMgmtMailStartTLS. */
const char *um_config_mail_set_tls(cmd_parms *cmd, void *directory, const char *word);
/** UserMgmtMailCAFile. */
const char *um_config_mail_set_ca_file(cmd_parms *cmd, void *directory, const char *file);
/** UserMgmtMailTemplate; the file is read at once. */
const char *um_config_mail_set_template(cmd_parms *cmd, void *directory, const char *file);
/** UserMgmtMailRetry; end may be NULL. */
const char *um_config_mail_set_retry(cmd_parms *cmd, void *directory, const char *pause,
                                     const char *end);

/** These directives for um_config_directives[]. */
/* clang-format off */
#define UM_CONFIG_MAIL_DIRECTIVES                                                                 \
    AP_INIT_TAKE1("UserMgmtMailServer", um_config_mail_set_server, NULL, RSRC_CONF,               \
                  "smtp://host:port or smtps://host:port, the server that takes the mail; none"), \
    AP_INIT_TAKE1("UserMgmtMailHelo", um_config_mail_set_helo, NULL, RSRC_CONF,                   \
                  "the domain or address in brackets that the mail server is told in EHLO"),      \
    AP_INIT_TAKE12("UserMgmtMailFrom", um_config_mail_set_from, NULL, RSRC_CONF,                  \
                   "the address, and the name if any, that mail is from"),                        \
    AP_INIT_TAKE1("UserMgmtMailUser", um_config_mail_set_user, NULL, RSRC_CONF,                   \
                  "whom to sign in to the mail server as"),                                       \
    AP_INIT_TAKE1("UserMgmtMailPasswordFile", um_config_mail_set_password, NULL, RSRC_CONF,       \
                  "the file that holds the password for UserMgmtMailUser"),                       \
    AP_INIT_TAKE1("UserMgmtMailStartTLS", um_config_mail_set_tls, NULL, RSRC_CONF,                \
                  "On, Off or Optional: whether the dialogue with smtp:// is encrypted"),         \
    AP_INIT_TAKE1("UserMgmtMailCAFile", um_config_mail_set_ca_file, NULL, RSRC_CONF,              \
                  "the file of certificates that the mail server's must come from"),              \
    AP_INIT_TAKE1("UserMgmtMailTemplate", um_config_mail_set_template, NULL, RSRC_CONF,           \
                  "the file with the text of an invitation's mail"),                              \
    AP_INIT_TAKE1("UserMgmtMailTimeout", um_config_number_set, UM_CONFIG_NUMBER(UM_MAIL_TIMEOUT), \
                  RSRC_CONF,                                                                      \
                  "how long handing one mail to the server may take, in seconds"),                \
    AP_INIT_TAKE12("UserMgmtMailRetry", um_config_mail_set_retry, NULL, RSRC_CONF,                \
                   "the first pause before a mail is tried again, and how long it is tried"),
/* clang-format on */

/** Tell whether mail is to be sent. */
int um_config_mail_is_on(const um_config_server_t *config);

/** Check the directives for mail against each other. Returns NULL, or the error. */
const char *um_config_mail_check(const um_config_server_t *config);

/** The first directive for mail that differs between two configurations; NULL if none does.
 *  Both must send mail and must have passed um_config_mail_check(). */
const char *um_config_mail_difference(const um_config_server_t *one,
                                      const um_config_server_t *other);

/** The name in EHLO: that of UserMgmtMailHelo, else ServerName where it is a full domain, else
 *  NULL. pool is for the call only. */
const char *um_config_mail_helo(const server_rec *server, apr_pool_t *pool);

/** How mail is sent, completed with defaults. Left out are the template where the configuration
 *  names none, the name in EHLO, and the function that tells to stop. */
void um_config_mail_settings(um_mailer_t *mailer, const um_config_server_t *config);

#endif
