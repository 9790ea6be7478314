/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file config_mail.c The directives for mail, see config_mail.h. */

#include "config_mail.h"

#include <apr_strings.h>
#include <apr_uri.h>

#include "../base/address.h"
#include "../base/network.h"
#include "../base/text.h"
#include "../core/rules.h"
#include "../mail/helo.h"
#include "module.h"

#define TEMPLATE_MAX 262144
#define PASSWORD_MAX 1024
#define FROM_NAME_MAX 256

/* ---- the directives ---- */

static int is_host(const char *host)
{
    return host != NULL && host[0] != '\0'
           && strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:")
                  == strlen(host);
}

static int is_smtp(const apr_uri_t *uri)
{
    return uri->scheme != NULL
           && (strcmp(uri->scheme, "smtp") == 0 || strcmp(uri->scheme, "smtps") == 0);
}

const char *um_config_mail_set_server(cmd_parms *cmd, void *directory, const char *url)
{
    apr_uri_t uri;

    (void)directory;
    if (ap_cstr_casecmp(url, "none") == 0) {
        um_config_of(cmd)->mail_server = "";
        um_config_of(cmd)->mail_host = "";
        return NULL;
    }
    if (apr_uri_parse(cmd->pool, url, &uri) != APR_SUCCESS || !is_smtp(&uri)
        || !is_host(uri.hostname) || uri.user != NULL || uri.path != NULL || uri.query != NULL
        || uri.fragment != NULL) {
        return apr_psprintf(cmd->pool,
                            "%s: \"%s\" is neither none nor a URL such as "
                            "smtp://mail.example.com:587",
                            cmd->cmd->name, url);
    }
    um_config_of(cmd)->mail_server = url;
    um_config_of(cmd)->mail_host = uri.hostname;
    return NULL;
}

const char *um_config_mail_set_helo(cmd_parms *cmd, void *directory, const char *name)
{
    (void)directory;
    if (!um_helo_is_valid(name, cmd->temp_pool)) {
        return apr_psprintf(cmd->pool,
                            "%s: \"%s\" is neither a full domain such as mail.example.com nor an "
                            "address in brackets such as [192.0.2.1] or [IPv6:2001:db8::1]",
                            cmd->cmd->name, name);
    }
    um_config_of(cmd)->mail_helo = name;
    return NULL;
}

const char *um_config_mail_set_from(cmd_parms *cmd, void *directory, const char *address,
                                    const char *name)
{
    um_mailbox_t *from = apr_pcalloc(cmd->pool, sizeof(*from));
    const um_violation_t *violation = NULL;

    (void)directory;
    if (!um_text_is_utf8(address, strlen(address))) {
        return apr_psprintf(cmd->pool, "%s: the address is not UTF-8", cmd->cmd->name);
    }
    violation = um_address_check(address, cmd->pool);
    if (violation != NULL) {
        return apr_psprintf(cmd->pool, "%s: \"%s\": %s", cmd->cmd->name, address,
                            violation->detail);
    }
    if (name != NULL
        && (!um_text_is_utf8(name, strlen(name)) || um_text_has_control(name)
            || strlen(name) > FROM_NAME_MAX)) {
        return apr_psprintf(cmd->pool,
                            "%s: the name must be UTF-8 without control characters, "
                            "at most %d bytes",
                            cmd->cmd->name, FROM_NAME_MAX);
    }
    from->address = address;
    from->name = name;
    um_config_of(cmd)->mail_from = from;
    return NULL;
}

const char *um_config_mail_set_user(cmd_parms *cmd, void *directory, const char *user)
{
    (void)directory;
    if (user[0] == '\0') {
        return apr_psprintf(cmd->pool, "%s must not be empty", cmd->cmd->name);
    }
    um_config_of(cmd)->mail_user = user;
    return NULL;
}

/* Read a small file as a whole. Returns NULL, or the error. */
static const char *read_file(char **text, apr_finfo_t *info, cmd_parms *cmd, const char *name,
                             apr_size_t max)
{
    const char *path = ap_server_root_relative(cmd->pool, name);
    apr_file_t *file = NULL;
    apr_size_t length = 0;
    apr_status_t status;
    char *read = apr_palloc(cmd->pool, max + 2);

    status = path == NULL ? APR_EBADPATH
                          : apr_file_open(&file, path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT,
                                          cmd->temp_pool);
    if (status == APR_SUCCESS) {
        status = apr_file_info_get(info, APR_FINFO_PROT, file);
    }
    if (status == APR_SUCCESS) {
        status = apr_file_read_full(file, read, max + 1, &length);
    }
    if (status != APR_SUCCESS && status != APR_EOF) {
        return apr_psprintf(cmd->pool, "%s: can't read %s: %pm", cmd->cmd->name, name, &status);
    }
    read[length] = '\0';
    if (length > max || memchr(read, '\0', length) != NULL) {
        return apr_psprintf(cmd->pool, "%s: %s is no text of at most %" APR_SIZE_T_FMT " bytes",
                            cmd->cmd->name, name, max);
    }
    *text = read;
    return NULL;
}

/* The file is read now, because the child processes may not be allowed to read it. */
const char *um_config_mail_set_password(cmd_parms *cmd, void *directory, const char *file)
{
    char *password = NULL;
    apr_finfo_t info = { .protection = 0 };
    const char *error = read_file(&password, &info, cmd, file, PASSWORD_MAX);
    apr_size_t length;

    (void)directory;
    if (error != NULL || password == NULL) {
        return error;
    }
    if ((info.protection & (APR_FPROT_WREAD | APR_FPROT_WWRITE)) != 0) {
        return apr_psprintf(cmd->pool, "%s: everybody may read or write %s: chmod o= %s",
                            cmd->cmd->name, file, file);
    }
    length = strcspn(password, "\r\n");
    if (length == 0 || password[length + strspn(password + length, "\r\n")] != '\0') {
        return apr_psprintf(cmd->pool, "%s: %s must hold one line, the password", cmd->cmd->name,
                            file);
    }
    password[length] = '\0';
    um_config_of(cmd)->mail_password = password;
    return NULL;
}

const char *um_config_mail_set_tls(cmd_parms *cmd, void *directory, const char *word)
{
    static const struct {
        const char *word;
        um_smtp_tls_t tls;
    } words[] = {
        { "on", UM_SMTP_TLS_REQUIRED },
        { "off", UM_SMTP_TLS_NONE },
        { "optional", UM_SMTP_TLS_OPTIONAL },
    };

    (void)directory;
    for (apr_size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (ap_cstr_casecmp(word, words[i].word) == 0) {
            um_config_of(cmd)->mail_tls = (int)words[i].tls;
            return NULL;
        }
    }
    return apr_psprintf(cmd->pool, "%s: \"%s\" is neither On, Off nor Optional", cmd->cmd->name,
                        word);
}

const char *um_config_mail_set_ca_file(cmd_parms *cmd, void *directory, const char *file)
{
    const char *path = ap_server_root_relative(cmd->pool, file);
    apr_finfo_t info;
    apr_status_t status = path == NULL ? APR_EBADPATH
                                       : apr_stat(&info, path, APR_FINFO_TYPE, cmd->temp_pool);

    (void)directory;
    if (status != APR_SUCCESS || info.filetype != APR_REG) {
        return apr_psprintf(cmd->pool, "%s: %s is no file that can be read", cmd->cmd->name,
                            file);
    }
    um_config_of(cmd)->mail_ca_file = path;
    return NULL;
}

const char *um_config_mail_set_template(cmd_parms *cmd, void *directory, const char *file)
{
    um_mail_template_t *template = NULL;
    char *text = NULL;
    apr_finfo_t info;
    const char *error = read_file(&text, &info, cmd, file, TEMPLATE_MAX);

    (void)directory;
    if (error != NULL) {
        return error;
    }
    error = um_mail_template_parse(&template, text, cmd->pool);
    if (error != NULL) {
        return apr_psprintf(cmd->pool, "%s: %s: %s", cmd->cmd->name, file, error);
    }
    um_config_of(cmd)->mail_template_file = ap_server_root_relative(cmd->pool, file);
    um_config_of(cmd)->mail_template = template;
    return NULL;
}

/* Without END the default is used, and not the END of the main server. */
const char *um_config_mail_set_retry(cmd_parms *cmd, void *directory, const char *pause,
                                     const char *end)
{
    const char *error = um_config_number_set_one(cmd, directory, UM_MAIL_FIRST_PAUSE, pause);

    return error != NULL ? error
                         : um_config_number_set_one(cmd, directory, UM_MAIL_GIVE_UP_AFTER, end);
}

/* ---- the settings ---- */

int um_config_mail_is_on(const um_config_server_t *config)
{
    return config->mail_server != NULL && config->mail_server[0] != '\0';
}

static um_smtp_tls_t tls_of(const um_config_server_t *config)
{
    if (config->mail_tls != -1) {
        return (um_smtp_tls_t)config->mail_tls;
    }
    return um_network_is_loopback(config->mail_host) ? UM_SMTP_TLS_NONE : UM_SMTP_TLS_REQUIRED;
}

const char *um_config_mail_check(const um_config_server_t *config)
{
    if (!um_config_mail_is_on(config)) {
        return NULL;
    }
    if (config->mail_from == NULL) {
        return "UserMgmtMailServer needs UserMgmtMailFrom";
    }
    if ((config->mail_user == NULL) != (config->mail_password == NULL)) {
        return "UserMgmtMailUser and UserMgmtMailPasswordFile need each other";
    }
    if (config->mail_user != NULL && tls_of(config) == UM_SMTP_TLS_OPTIONAL) {
        return "with UserMgmtMailUser, UserMgmtMailStartTLS must be On or Off: Optional would "
               "give the password to whoever hides that the server offers TLS";
    }
    return NULL;
}

const char *um_config_mail_helo(const server_rec *server, apr_pool_t *pool)
{
    const um_config_server_t *config = um_config_server(server);
    const char *name = server->server_hostname;

    if (config->mail_helo != NULL) {
        return config->mail_helo;
    }
    return name != NULL && um_helo_is_valid(name, pool) ? name : NULL;
}

void um_config_mail_settings(um_mailer_t *mailer, const um_config_server_t *config)
{
    mailer->server.url = config->mail_server;
    mailer->server.tls = tls_of(config);
    mailer->server.user = config->mail_user;
    mailer->server.password = config->mail_password;
    mailer->server.ca_file = config->mail_ca_file;
    mailer->server.timeout = um_config_number(config, UM_MAIL_TIMEOUT);
    mailer->template = config->mail_template;
    mailer->from = config->mail_from->address;
    mailer->from_name = config->mail_from->name;
    mailer->first_pause = um_config_number(config, UM_MAIL_FIRST_PAUSE);
    mailer->give_up_after = um_config_number(config, UM_MAIL_GIVE_UP_AFTER);
}

static int differ(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one != other : strcmp(one, other) != 0;
}

const char *um_config_mail_difference(const um_config_server_t *one,
                                      const um_config_server_t *other)
{
    um_mailer_t a = { 0 };
    um_mailer_t b = { 0 };

    um_config_mail_settings(&a, one);
    um_config_mail_settings(&b, other);
    if (differ(a.server.url, b.server.url)) {
        return "UserMgmtMailServer";
    }
    if (differ(one->mail_helo, other->mail_helo)) {
        return "UserMgmtMailHelo";
    }
    if (differ(a.from, b.from) || differ(a.from_name, b.from_name)) {
        return "UserMgmtMailFrom";
    }
    if (differ(a.server.user, b.server.user)) {
        return "UserMgmtMailUser";
    }
    if (differ(a.server.password, b.server.password)) {
        return "UserMgmtMailPasswordFile";
    }
    if (a.server.tls != b.server.tls) {
        return "UserMgmtMailStartTLS";
    }
    if (differ(a.server.ca_file, b.server.ca_file)) {
        return "UserMgmtMailCAFile";
    }
    if (differ(one->mail_template_file, other->mail_template_file)) {
        return "UserMgmtMailTemplate";
    }
    if (a.server.timeout != b.server.timeout) {
        return "UserMgmtMailTimeout";
    }
    return a.first_pause != b.first_pause || a.give_up_after != b.give_up_after
               ? "UserMgmtMailRetry"
               : NULL;
}
