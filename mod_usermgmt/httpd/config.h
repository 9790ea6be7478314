/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_CONFIG_H
#define UM_HTTPD_CONFIG_H

/**
 * @file config.h
 * The directives (docs/directives.md) and the configurations that they fill in.
 * Configurations are created without values, merged, and completed with defaults where they
 * are used. All are read-only once the configuration is read.
 */

#include <ap_expr.h>
#include <httpd.h>
#include <http_config.h>
#include <mod_auth.h>

#include "../mail/mail_template.h"
#include "../rest/request.h"

/** The handler's name: SetHandler usermgmt. */
#define UM_HANDLER "usermgmt"
/** SetHandler usermgmt-scim: SCIM 2.0. */
#define UM_SCIM_HANDLER "usermgmt-scim"
/** SetHandler usermgmt-health: whether the service can serve. */
#define UM_HEALTH_HANDLER "usermgmt-health"
/** SetHandler usermgmt-metrics: what it counts about itself. */
#define UM_METRICS_HANDLER "usermgmt-metrics"

/** A handler that serves an API. */
typedef struct um_config_api_t {
    /** Its name. */
    const char *handler;
    const um_service_t *service;
} um_config_api_t;

/** A line of UserMgmtAdmin or UserMgmtSubAdmin. */
typedef struct um_require_t {
    const char *provider_name;
    const authz_provider *provider;
    /** The text after the provider's name, and what the provider has parsed it to. */
    const char *line;
    const void *parsed;
} um_require_t;

/**
 * The fields of a directory's configuration: type, name, and the value of a field that is
 * not set. Declaration, creation and merge all use this list.
 *
 * base: the path of the Location with SetHandler usermgmt or usermgmt-scim,
 *       without a slash at its end; NULL in UM_CONFIG_NO_BASE where another
 *       handler was set
 * api: stands with base
 * admins, sub_admins: of um_require_t
 * public_url: of the service, without a slash at its end; NULL if it is not known
 * public_origin: stands with public_url, whose origin is the only one that is the server's own;
 *       NULL for the request's
 * body_timeout, filter_timeout, role_cache_ttl, invitation_ttl, session_idle: microseconds
 * key_max_age: microseconds; 0 where keys that never expire are allowed
 * platform_links: of const char *
 * activity: empty if sessions are not counted
 * keys: whether API keys are accepted
 * constant_organization: stands with organization; empty if that depends on the request
 * keep, keep_given: of UserMgmtKeep; which kinds its lines name
 * scim_public_discovery: whether SCIM's discovery needs no login
 * console: whether the web console is served
 * console_color, console_title, console_logo: "#rrggbb", a text and a path
 */
#define UM_CONFIG_DIRECTORY_FIELDS(X)                                                            \
    X(const char *, base, NULL)                                                                  \
    X(const um_config_api_t *, api, NULL)                                                        \
    X(apr_array_header_t *, admins, NULL)                                                        \
    X(apr_array_header_t *, sub_admins, NULL)                                                    \
    X(int, sub_admin_permissions, -1)                                                            \
    X(ap_expr_info_t *, identity, NULL)                                                          \
    X(ap_expr_info_t *, organization, NULL)                                                      \
    X(const char *, constant_organization, NULL)                                                 \
    X(int, auto_organization, -1)                                                                \
    X(int, keys, -1)                                                                             \
    X(apr_array_header_t *, allowed_origins, NULL)                                               \
    X(const char *, public_url, NULL)                                                            \
    X(const char *, public_origin, NULL)                                                         \
    X(apr_int64_t, max_body, -1)                                                                 \
    X(apr_interval_time_t, body_timeout, -1)                                                     \
    X(apr_interval_time_t, filter_timeout, -1)                                                   \
    X(apr_interval_time_t, role_cache_ttl, -1)                                                   \
    X(apr_interval_time_t, invitation_ttl, -1)                                                   \
    X(int, invitation_match, -1)                                                                 \
    X(apr_array_header_t *, platform_links, NULL)                                                \
    X(const char *, activity, NULL)                                                              \
    X(apr_interval_time_t, session_idle, -1)                                                     \
    X(apr_interval_time_t, key_max_age, -1)                                                      \
    X(struct um_keep_t *, keep, NULL)                                                            \
    X(char *, keep_given, NULL)                                                                  \
    X(int, scim_public_discovery, -1)                                                            \
    X(int, console, -1)                                                                          \
    X(const char *, console_color, NULL)                                                         \
    X(const char *, console_title, NULL)                                                         \
    X(const char *, console_logo, NULL)

struct um_keep_t;

typedef struct um_config_directory_t {
#define DECLARE(type, name, unset) type name;
    UM_CONFIG_DIRECTORY_FIELDS(DECLARE)
#undef DECLARE
} um_config_directory_t;

/** The sender of mail; the name is NULL where there is none. */
typedef struct um_mailbox_t {
    const char *address;
    const char *name;
} um_mailbox_t;

/**
 * The same for a server (virtual host).
 *
 * database_driver, database_params: of UserMgmtDatabase; the second stands with
 *       the first
 * dbd_driver, dbd_params, dbd_init_sql: of mod_dbd's directives; an array of
 *       const char *
 * database_place, dbd_place: the line of UserMgmtDatabase, and of mod_dbd's last one
 * has_dbd_size: DBDMin, DBDKeep or DBDMax is given
 * connection_wait: microseconds
 * mutexes: of the main server; a type of Mutex to "refused" or "good"
 * used: some Location has the handler
 * counts: sessions are counted somewhere
 * keys: API keys are accepted somewhere
 * checks: some Location has the handler that tells whether the database works
 * session_table, session_flush: of the main server; a number and microseconds
 * max_streams: of the main server
 * mail_server, mail_host: a URL and its host; empty where no mail is to be sent
 * mail_tls: a um_smtp_tls_t
 * mail_timeout, mail_first_pause, mail_give_up_after: microseconds
 */
#define UM_CONFIG_SERVER_FIELDS(X)                                                               \
    X(const char *, database_driver, NULL)                                                       \
    X(const char *, database_params, NULL)                                                       \
    X(const char *, database_place, NULL)                                                        \
    X(const char *, dbd_place, NULL)                                                             \
    X(const char *, dbd_driver, NULL)                                                            \
    X(const char *, dbd_params, NULL)                                                            \
    X(apr_array_header_t *, dbd_init_sql, NULL)                                                  \
    X(int, has_dbd_size, -1)                                                                     \
    X(apr_int64_t, connections, -1)                                                              \
    X(apr_interval_time_t, connection_wait, -1)                                                  \
    X(apr_table_t *, mutexes, NULL)                                                              \
    X(int, used, -1)                                                                             \
    X(int, counts, -1)                                                                           \
    X(int, keys, -1)                                                                             \
    X(int, checks, -1)                                                                           \
    X(int, auto_schema, -1)                                                                      \
    X(apr_int64_t, session_table, -1)                                                            \
    X(apr_interval_time_t, session_flush, -1)                                                    \
    X(apr_int64_t, max_streams, -1)                                                              \
    X(const char *, mail_server, NULL)                                                           \
    X(const char *, mail_host, NULL)                                                             \
    X(const char *, mail_helo, NULL)                                                             \
    X(const um_mailbox_t *, mail_from, NULL)                                                     \
    X(const char *, mail_user, NULL)                                                             \
    X(const char *, mail_password, NULL)                                                         \
    X(int, mail_tls, -1)                                                                         \
    X(const char *, mail_ca_file, NULL)                                                          \
    X(const char *, mail_template_file, NULL)                                                    \
    X(const um_mail_template_t *, mail_template, NULL)                                           \
    X(apr_interval_time_t, mail_timeout, -1)                                                     \
    X(apr_interval_time_t, mail_first_pause, -1)                                                 \
    X(apr_interval_time_t, mail_give_up_after, -1)

typedef struct um_config_server_t {
#define DECLARE(type, name, unset) type name;
    UM_CONFIG_SERVER_FIELDS(DECLARE)
#undef DECLARE
} um_config_server_t;

/** Make the configuration of a directory, without values: create_dir_config of the module. */
void *um_config_create_directory(apr_pool_t *pool, char *path);
/** Merge two configurations of directories; add is the inner one: merge_dir_config. */
void *um_config_merge_directory(apr_pool_t *pool, void *base, void *add);
/** Make the configuration of a server, without values: create_server_config. */
void *um_config_create_server(apr_pool_t *pool, server_rec *server);
/** Merge the main server's configuration with that of a virtual host: merge_server_config. */
void *um_config_merge_server(apr_pool_t *pool, void *base, void *add);

extern const command_rec um_config_directives[];

/** The configuration of the place a request asks for. */
const um_config_directory_t *um_config_directory(const request_rec *r);
/** The configuration of a server. */
const um_config_server_t *um_config_server(const server_rec *server);

/** The configuration of the server that a directive is given for. */
um_config_server_t *um_config_of(const cmd_parms *cmd);

/** Is SetHandler usermgmt or usermgmt-scim what a configuration has, and no other handler? */
int um_config_serves(const um_config_directory_t *config);

/** The base path where a request is for this module, else NULL. */
const char *um_config_base(const request_rec *r);

/** The service of the place a request asks for; only where um_config_base() is not NULL. */
const um_service_t *um_config_service(const request_rec *r);

/** Tell whether the name of a handler is that of an API of this module. */
int um_config_is_api(const char *handler);

/**
 * Tell whether this module is to answer a request: it has a base path, and neither a proxy nor
 * another handler has taken it (ProxyPass, RewriteRule with [P] or [H]). httpd sets the handler
 * in the fixups; before them, only a proxy is known.
 */
int um_config_is_ours(const request_rec *r);

/** The settings of the API from a configuration, completed with defaults. */
void um_config_settings(um_settings_t *settings, const um_config_directory_t *config);

/** The activity that a request counts for; NULL if none. */
const char *um_config_activity(const request_rec *r);

#endif
