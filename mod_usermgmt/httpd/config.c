/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file config.c The directives, see config.h. */

#include "config.h"

#include <ap_provider.h>
#include <apr_fnmatch.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "../base/text.h"
#include "../core/link.h"
#include "../core/rules.h"
#include "../api/routes.h"
#include "../rest/permission.h"
#include "../scim/routes.h"
#include "authz.h"
#include "config_console.h"
#include "config_database.h"
#include "config_expression.h"
#include "config_keep.h"
#include "config_mail.h"
#include "config_number.h"
#include "key_door.h"
#include "module.h"
#include "mutexes.h"

/* An argument of SetHandler that begins so names a host. */
#define PROXY_PREFIX "proxy:"

/* The handlers that serve an API. */
static const um_config_api_t apis[] = {
    { UM_HANDLER, &um_api_service },
    { UM_SCIM_HANDLER, &um_scim_service },
};

#define API_COUNT (sizeof(apis) / sizeof(apis[0]))

/* The base path where another handler is set. Only its address is compared. */
static const char no_base[] = "";

/* NOLINTNEXTLINE(readability-non-const-parameter): httpd wants a char *. */
void *um_config_create_directory(apr_pool_t *pool, char *path)
{
    um_config_directory_t *config = apr_palloc(pool, sizeof(*config));

    (void)path;
#define UNSET(type, name, unset) config->name = unset;
    UM_CONFIG_DIRECTORY_FIELDS(UNSET)
#undef UNSET
    return config;
}

void *um_config_merge_directory(apr_pool_t *pool, void *base, void *add)
{
    const um_config_directory_t *outer = base;
    const um_config_directory_t *inner = add;
    um_config_directory_t *config = apr_palloc(pool, sizeof(*config));

#define MERGE(type, name, unset)                                                                 \
    config->name = inner->name != (unset) ? inner->name : outer->name;
    UM_CONFIG_DIRECTORY_FIELDS(MERGE)
#undef MERGE
    return config;
}

void *um_config_create_server(apr_pool_t *pool, server_rec *server)
{
    um_config_server_t *config = apr_palloc(pool, sizeof(*config));

    (void)server;
#define UNSET(type, name, unset) config->name = unset;
    UM_CONFIG_SERVER_FIELDS(UNSET)
#undef UNSET
    return config;
}

void *um_config_merge_server(apr_pool_t *pool, void *base, void *add)
{
    const um_config_server_t *outer = base;
    const um_config_server_t *inner = add;
    um_config_server_t *config = apr_palloc(pool, sizeof(*config));

#define MERGE(type, name, unset)                                                                 \
    config->name = inner->name != (unset) ? inner->name : outer->name;
    UM_CONFIG_SERVER_FIELDS(MERGE)
#undef MERGE
    if (inner->dbd_init_sql != NULL && outer->dbd_init_sql != NULL) {
        /* As mod_dbd does it. */
        config->dbd_init_sql = apr_array_append(pool, inner->dbd_init_sql, outer->dbd_init_sql);
    }
    return config;
}

const um_config_directory_t *um_config_directory(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &usermgmt_module);
}

const um_config_server_t *um_config_server(const server_rec *server)
{
    return ap_get_module_config(server->module_config, &usermgmt_module);
}

um_config_server_t *um_config_of(const cmd_parms *cmd)
{
    return ap_get_module_config(cmd->server->module_config, &usermgmt_module);
}

int um_config_serves(const um_config_directory_t *config)
{
    return config->base != NULL && config->base != no_base;
}

const char *um_config_base(const request_rec *r)
{
    const um_config_directory_t *config = um_config_directory(r);

    return config != NULL && um_config_serves(config) ? config->base : NULL;
}

int um_config_is_ours(const request_rec *r)
{
    return um_config_base(r) != NULL && r->proxyreq == PROXYREQ_NONE
           && (r->handler == NULL
               || strcmp(r->handler, um_config_directory(r)->api->handler) == 0);
}

const um_service_t *um_config_service(const request_rec *r)
{
    return um_config_directory(r)->api->service;
}

int um_config_is_api(const char *handler)
{
    for (apr_size_t i = 0; i < API_COUNT; i++) {
        if (strcmp(handler, apis[i].handler) == 0) {
            return 1;
        }
    }
    return 0;
}

void um_config_settings(um_settings_t *settings, const um_config_directory_t *config)
{
    apr_interval_time_t keep;

    settings->sub_admin_permissions = config->sub_admin_permissions != -1
                                          ? (unsigned)config->sub_admin_permissions
                                          : UM_PERMIT_DEFAULT;
    settings->allowed_origins = config->allowed_origins;
    settings->max_body = um_config_directory_number(config, UM_MAX_BODY);
    settings->body_timeout = um_config_directory_number(config, UM_BODY_TIMEOUT);
    settings->filter_timeout = um_config_directory_number(config, UM_FILTER_TIMEOUT);
    settings->invitation_ttl = apr_time_as_msec(um_config_directory_number(config,
                                                                           UM_INVITATION_TTL));
    settings->invitation_match = config->invitation_match != 0;
    settings->platform_links = config->platform_links;
    settings->console_url = config->console == 1 ? config->public_url : NULL;
    settings->key_max_age = apr_time_as_msec(um_config_directory_number(config, UM_KEY_MAX_AGE));
    keep = um_config_keep(config)->times[UM_PRUNE_IDEMPOTENCY];
    settings->idempotency_keep = keep != UM_KEEP_FOREVER ? apr_time_as_msec(keep) : -1;
    settings->public_routes = config->scim_public_discovery == 1;
}

const char *um_config_activity(const request_rec *r)
{
    const um_config_directory_t *config = um_config_directory(r);

    return config != NULL && config->activity != NULL && config->activity[0] != '\0'
               ? config->activity
               : NULL;
}

/* ---- directives ---- */

/* Is a section a <Location> with a path, and no regular expression (<Location ~ …>)? */
static int is_plain_location(const ap_directive_t *section, apr_pool_t *pool)
{
    const char *arguments;

    if (section == NULL || ap_cstr_casecmp(section->directive, "<Location") != 0) {
        return 0;
    }
    arguments = section->args;
    return strcmp(ap_getword_conf(pool, &arguments), "~") != 0;
}

/* Is a path as httpd compares it with that of a Location: decoded, with single slashes, and
 * without . and .. segments? An encoded slash alone can be left (AllowEncodedSlashes). */
static int is_normal_path(const char *path, apr_pool_t *pool)
{
    char *normal = apr_pstrdup(pool, path);

    for (const char *c = strchr(path, '%'); c != NULL; c = strchr(c + 1, '%')) {
        if (apr_isxdigit(c[1]) && apr_isxdigit(c[2]) && ap_cstr_casecmpn(c, "%2F", 3) != 0) {
            return 0;
        }
    }
    ap_no2slash(normal);
    ap_getparents(normal);
    return strcmp(normal, path) == 0;
}

/* The base path of the Location that SetHandler with this handler stands in, in *base. */
static const char *find_base(const char **base, const char *handler, const cmd_parms *cmd)
{
    apr_size_t length;

    if (!is_plain_location(cmd->directive->parent, cmd->temp_pool) || cmd->path == NULL
        || cmd->path[0] != '/' || apr_fnmatch_test(cmd->path)) {
        return apr_psprintf(cmd->pool,
                            "SetHandler %s must stand directly in a <Location> with a plain "
                            "path: no <Location ~>, no <LocationMatch>, no wildcards, no <If>, "
                            "no <Directory>",
                            handler);
    }
    if (!is_normal_path(cmd->path, cmd->temp_pool)) {
        return apr_psprintf(cmd->pool,
                            "no request has the path of <Location \"%s\">: it is written decoded "
                            "(no %%20), with single slashes and without . and .. segments",
                            cmd->path);
    }
    length = strlen(cmd->path);
    if (cmd->path[length - 1] == '/') {
        length--;
    }
    *base = apr_pstrmemdup(cmd->pool, cmd->path, length);
    return NULL;
}

static int is_of_name(char c)
{
    return apr_isalnum(c) || c == '-' || c == '_';
}

/* Does a text name a handler, and not another one whose name contains it, or a host? To httpd the
 * text is an expression, whose value is not known here. */
static int names_handler(const char *text, const char *handler)
{
    apr_size_t length = strlen(handler);

    if (strncmp(text, PROXY_PREFIX, strlen(PROXY_PREFIX)) == 0) {
        return 0;
    }
    for (const char *at = ap_strcasestr(text, handler); at != NULL;
         at = ap_strcasestr(at + length, handler)) {
        if ((at == text || !is_of_name(at[-1])) && !is_of_name(at[length])) {
            return 1;
        }
    }
    return 0;
}

/* Refuse an expression that may give the name of a handler of this module. */
static const char *check_expression(const char *text, apr_pool_t *pool)
{
    for (apr_size_t i = 0; i < API_COUNT; i++) {
        if (names_handler(text, apis[i].handler)) {
            return apr_psprintf(pool,
                                "SetHandler \"%s\": the handler is %s alone, not the value of an "
                                "expression",
                                text, apis[i].handler);
        }
    }
    return NULL;
}

/* httpd's core sets the handler. The module only notes the path of the Location, because
 * nothing else gives the base path. */
static const char *see_set_handler(cmd_parms *cmd, void *directory, const char *handler)
{
    um_config_directory_t *config = directory;
    um_config_server_t *server = um_config_of(cmd);

    for (apr_size_t i = 0; i < API_COUNT; i++) {
        if (ap_cstr_casecmp(handler, apis[i].handler) == 0) {
            server->used = 1;
            config->api = &apis[i];
            return find_base(&config->base, apis[i].handler, cmd);
        }
    }
    config->base = no_base;
    server->checks = strcmp(handler, UM_HEALTH_HANDLER) == 0 ? 1 : server->checks;
    return check_expression(handler, cmd->pool);
}

/* No provider has an @ in its name, but the address of a user has one. */
static const char *refuse_provider(const cmd_parms *cmd, const um_require_t *require)
{
    return strchr(require->provider_name, '@') != NULL
               ? apr_psprintf(cmd->pool,
                              "%s: \"%s\" is no authorization provider; write \"%s user %s%s%s\"",
                              cmd->cmd->name, require->provider_name, cmd->cmd->name,
                              require->provider_name, require->line[0] != '\0' ? " " : "",
                              require->line)
               : apr_psprintf(cmd->pool,
                              "%s: unknown authorization provider \"%s\"; load its module before",
                              cmd->cmd->name, require->provider_name);
}

/* cmd->info is the offset of the array in the directory's configuration. */
static const char *add_require(cmd_parms *cmd, void *directory, const char *arguments)
{
    apr_array_header_t **lines = (void *)((char *)directory + (apr_size_t)cmd->info);
    um_require_t require = { 0 };
    const char *error = NULL;

    require.provider_name = ap_getword_conf(cmd->pool, &arguments);
    require.line = arguments;
    if (require.provider_name[0] == '\0') {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, " takes the arguments of Require", NULL);
    }
    if (ap_cstr_casecmp(require.provider_name, "not") == 0
        || ap_cstr_casecmp(require.provider_name, UM_AUTHZ_ROLE) == 0
        || ap_cstr_casecmp(require.provider_name, UM_AUTHZ_PERMISSION) == 0
        || ap_cstr_casecmp(require.provider_name, UM_AUTHZ_GROUP) == 0
        || ap_cstr_casecmp(require.provider_name, UM_AUTHZ_ACTIVE) == 0) {
        return apr_psprintf(cmd->pool, "%s can't be used with \"%s\"", cmd->cmd->name,
                            require.provider_name);
    }
    require.provider = ap_lookup_provider(AUTHZ_PROVIDER_GROUP, require.provider_name,
                                          AUTHZ_PROVIDER_VERSION);
    if (require.provider == NULL) {
        return refuse_provider(cmd, &require);
    }
    if (require.provider->parse_require_line != NULL) {
        error = require.provider->parse_require_line(cmd, require.line, &require.parsed);
    }
    if (error != NULL) {
        return apr_psprintf(cmd->pool, "%s %s: %s", cmd->cmd->name, require.provider_name, error);
    }
    if (*lines == NULL) {
        *lines = apr_array_make(cmd->pool, 2, sizeof(um_require_t));
    }
    APR_ARRAY_PUSH(*lines, um_require_t) = require;
    return NULL;
}

static const char *refuse_permission(const cmd_parms *cmd, const um_permission_entry_t *found,
                                     const char *name)
{
    const char *names = um_permission_sub_admin_names(cmd->pool);

    return found != NULL
               ? apr_psprintf(cmd->pool, "%s: %s is for admins alone; sub-admins can have: %s",
                              cmd->cmd->name, found->name, names)
               : apr_psprintf(cmd->pool, "%s: unknown permission \"%s\"; known are: none %s",
                              cmd->cmd->name, name, names);
}

/* 0 stands for none, which must be the only argument. */
static const char *add_permission(cmd_parms *cmd, void *directory, const char *name)
{
    um_config_directory_t *config = directory;
    const um_permission_entry_t *found = um_permission_find(name);
    int is_none = ap_cstr_casecmp(name, "none") == 0;

    if (!is_none && (found == NULL || !found->is_for_sub_admins)) {
        return refuse_permission(cmd, found, name);
    }
    if (is_none ? config->sub_admin_permissions > 0 : config->sub_admin_permissions == 0) {
        return apr_psprintf(cmd->pool, "%s: none stands alone, without a permission beside it",
                            cmd->cmd->name);
    }
    if (config->sub_admin_permissions == -1) {
        config->sub_admin_permissions = 0;
    }
    if (!is_none) {
        config->sub_admin_permissions |= (int)found->permission;
    }
    return NULL;
}

static const char *add_origin(cmd_parms *cmd, void *directory, const char *text)
{
    um_config_directory_t *config = directory;
    const um_violation_t *violation = um_link_check_origin(text, cmd->pool);

    if (violation != NULL) {
        return apr_psprintf(cmd->pool,
                            "%s: \"%s\" is no origin such as https://www.example.com: %s",
                            cmd->cmd->name, text, violation->detail);
    }
    if (config->allowed_origins == NULL) {
        config->allowed_origins = apr_array_make(cmd->pool, 2, sizeof(const char *));
    }
    APR_ARRAY_PUSH(config->allowed_origins, const char *) = text;
    return NULL;
}

static const char *set_public_url(cmd_parms *cmd, void *directory, const char *text)
{
    um_config_directory_t *config = directory;
    const um_violation_t *violation = um_link_check_public_url(text, cmd->pool);
    apr_size_t length = strlen(text);

    if (violation != NULL) {
        return apr_psprintf(cmd->pool, "%s: \"%s\": %s", cmd->cmd->name, text, violation->detail);
    }
    while (text[length - 1] == '/') {
        length--;
    }
    config->public_url = apr_pstrmemdup(cmd->pool, text, length);
    config->public_origin = um_link_origin(text, cmd->pool);
    return NULL;
}

static const char *set_activity(cmd_parms *cmd, void *directory, const char *name)
{
    um_config_directory_t *config = directory;
    um_config_server_t *server = um_config_of(cmd);
    const um_violation_t *violation;

    if (ap_cstr_casecmp(name, "none") == 0) {
        config->activity = "";
        return NULL;
    }
    if (!um_text_is_utf8(name, strlen(name))) {
        return apr_psprintf(cmd->pool, "%s: the name is not UTF-8", cmd->cmd->name);
    }
    violation = um_rules_check_activity(name);
    if (violation != NULL) {
        return apr_psprintf(cmd->pool, "%s: %s", cmd->cmd->name, violation->detail);
    }
    config->activity = name;
    server->counts = 1;
    return NULL;
}

static const char *set_keys(cmd_parms *cmd, void *directory, int on)
{
    um_config_directory_t *config = directory;

    config->keys = on != 0;
    if (on) {
        um_config_of(cmd)->keys = 1;
    }
    return NULL;
}

/* The module's own type needs the database, as UserMgmtKeys does. */
static const char *see_auth_type(cmd_parms *cmd, void *directory, const char *type)
{
    (void)directory;
    if (ap_cstr_casecmp(type, UM_AUTH_TYPE_KEY) == 0) {
        um_config_of(cmd)->keys = 1;
    }
    return NULL;
}

static const char *add_platform_link(cmd_parms *cmd, void *directory, const char *text)
{
    um_config_directory_t *config = directory;
    const um_violation_t *violation = um_link_check_prefix(text, cmd->pool);

    if (violation != NULL) {
        return apr_psprintf(cmd->pool, "%s: \"%s\" is no prefix of links: %s", cmd->cmd->name,
                            text, violation->detail);
    }
    if (config->platform_links == NULL) {
        config->platform_links = apr_array_make(cmd->pool, 2, sizeof(const char *));
    }
    APR_ARRAY_PUSH(config->platform_links, const char *) = text;
    return NULL;
}

static const char *set_key_max_age(cmd_parms *cmd, void *directory, const char *text)
{
    um_config_directory_t *config = directory;

    if (ap_cstr_casecmp(text, "never") == 0) {
        config->key_max_age = 0;
        return NULL;
    }
    return um_config_number_set_one(cmd, directory, UM_KEY_MAX_AGE, text);
}

/* cmd->info is the offset of the flag in the server's configuration. */
static const char *set_server_flag(cmd_parms *cmd, void *directory, int on)
{
    (void)directory;
    return ap_set_flag_slot(cmd, um_config_of(cmd), on);
}

#define FIELD(name) ((void *)APR_OFFSETOF(um_config_directory_t, name))
#define SERVER_FIELD(name) ((void *)APR_OFFSETOF(um_config_server_t, name))
#define ANYWHERE (RSRC_CONF | ACCESS_CONF)

/* clang-format off */
const command_rec um_config_directives[] = {
    AP_INIT_TAKE1("SetHandler", see_set_handler, NULL, OR_FILEINFO,
                  "a handler name; usermgmt makes the Location serve the user management, "
                  "usermgmt-scim SCIM 2.0"),
    AP_INIT_RAW_ARGS("UserMgmtAdmin", add_require, FIELD(admins), ANYWHERE,
                     "an authorization provider and its arguments, as with Require, that "
                     "makes a caller an admin"),
    AP_INIT_RAW_ARGS("UserMgmtSubAdmin", add_require, FIELD(sub_admins), ANYWHERE,
                     "an authorization provider and its arguments, as with Require, that "
                     "makes a caller a sub-admin"),
    AP_INIT_ITERATE("UserMgmtSubAdminAllow", add_permission, NULL, ANYWHERE,
                    "what sub-admins may do: none, or permissions such as users:read"),
    UM_CONFIG_EXPRESSION_DIRECTIVES
    AP_INIT_FLAG("UserMgmtAutoOrganization", ap_set_flag_slot, FIELD(auto_organization), ANYWHERE,
                 "On: an organization that does not exist is made at an admin's first request"),
    AP_INIT_FLAG("UserMgmtKeys", set_keys, NULL, ANYWHERE,
                 "On: API keys are accepted, beside the logins of AuthType"),
    AP_INIT_FLAG("UserMgmtScimPublicDiscovery", ap_set_flag_slot, FIELD(scim_public_discovery),
                 ANYWHERE, "On: SCIM's discovery is answered without a login"),
    AP_INIT_TAKE1("AuthType", see_auth_type, NULL, OR_AUTHCFG,
                  "an authentication type; usermgmt-key takes API keys alone"),
    AP_INIT_ITERATE("UserMgmtAllowOrigin", add_origin, NULL, ANYWHERE,
                    "origins besides the server's own whose pages may use the API"),
    AP_INIT_TAKE1("UserMgmtPublicURL", set_public_url, NULL, ANYWHERE,
                  "the URL that people and programs know the service by"),
    AP_INIT_TAKE1("UserMgmtMaxBody", um_config_number_set, UM_CONFIG_NUMBER(UM_MAX_BODY),
                  ANYWHERE, "the most bytes a request body may have"),
    AP_INIT_TAKE1("UserMgmtBodyTimeout", um_config_number_set, UM_CONFIG_NUMBER(UM_BODY_TIMEOUT),
                  ANYWHERE,
                  "the time in which a request body must be there, in seconds or with a unit"),
    AP_INIT_TAKE1("UserMgmtFilterTimeout", um_config_number_set,
                  UM_CONFIG_NUMBER(UM_FILTER_TIMEOUT), ANYWHERE,
                  "the time that a list with a filter may take, in seconds or with a unit"),
    AP_INIT_TAKE1("UserMgmtRoleCacheTTL", um_config_number_set,
                  UM_CONFIG_NUMBER(UM_ROLE_CACHE_TTL), ANYWHERE,
                  "how long a caller's stored role may be remembered, in seconds"),
    AP_INIT_TAKE1("UserMgmtInvitationTTL", um_config_number_set,
                  UM_CONFIG_NUMBER(UM_INVITATION_TTL), ANYWHERE,
                  "how long an invitation can be accepted, in seconds or with a unit"),
    AP_INIT_FLAG("UserMgmtInvitationMatch", ap_set_flag_slot, FIELD(invitation_match), ANYWHERE,
                 "Off: an invitation can be accepted by others than the invited address"),
    AP_INIT_ITERATE("UserMgmtPlatformLinkAllow", add_platform_link, NULL, ANYWHERE,
                    "prefixes that the platform links of invitations must be below"),
    AP_INIT_TAKE1("UserMgmtKeyMaxAge", set_key_max_age, NULL, ANYWHERE,
                  "how long a new API key can last, in seconds or with a unit; never: also a key "
                  "that does not expire"),
    AP_INIT_TAKE1("UserMgmtActivity", set_activity, NULL, ANYWHERE,
                  "the activity that sessions are counted in here, or none"),
    AP_INIT_TAKE1("UserMgmtSessionIdle", um_config_number_set, UM_CONFIG_NUMBER(UM_SESSION_IDLE),
                  ANYWHERE, "a session ends when it is not used for so long, in seconds"),
    AP_INIT_ITERATE("UserMgmtKeep", um_config_keep_set, NULL, ANYWHERE,
                    "how long data is kept: audit, sessions, invitations, idempotency, each with "
                    "= and a time or forever"),
    AP_INIT_TAKE1("UserMgmtSessionTable", um_config_number_set,
                  UM_CONFIG_NUMBER(UM_SESSION_TABLE), RSRC_CONF,
                  "how many sessions are kept in memory"),
    AP_INIT_TAKE1("UserMgmtSessionFlush", um_config_number_set,
                  UM_CONFIG_NUMBER(UM_SESSION_FLUSH), RSRC_CONF,
                  "how often sessions are written to the database, in seconds"),
    AP_INIT_TAKE1("UserMgmtMaxStreams", um_config_number_set, UM_CONFIG_NUMBER(UM_MAX_STREAMS),
                  RSRC_CONF, "how many streams a process sends at once"),
    AP_INIT_FLAG("UserMgmtAutoSchema", set_server_flag, SERVER_FIELD(auto_schema), RSRC_CONF,
                 "On: the schema of an SQLite database is made and upgraded by the module"),
    AP_INIT_RAW_ARGS("Mutex", um_mutexes_see, NULL, RSRC_CONF,
                     "a kind of lock and what it is for; usermgmt-writer and usermgmt-sessions "
                     "can't be posixsem"),
    UM_CONFIG_CONSOLE_DIRECTIVES
    UM_CONFIG_DATABASE_DIRECTIVES
    UM_CONFIG_MAIL_DIRECTIVES
    { NULL, { NULL }, NULL, 0, RAW_ARGS, NULL },
};
/* clang-format on */
