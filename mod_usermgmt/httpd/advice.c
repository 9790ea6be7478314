/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file advice.c Warnings about Locations, see advice.h. */

#include "advice.h"

#include <string.h>

#include <apr_fnmatch.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>

#include "authz.h"
#include "config.h"
#include "log.h"
#include "module.h"

/* A Location of httpd's configuration: what its own lines set, without what it inherits. config
 * is NULL where no line is about this module. */
typedef struct um_location_t {
    const ap_conf_vector_t *vector;
    const core_dir_config *core;
    const um_config_directory_t *config;
} um_location_t;

/* Does a directive whose name begins so occur anywhere in the configuration, with this word in
 * its arguments (NULL for any)? */
static int has_directive(const ap_directive_t *at, const char *prefix, const char *word)
{
    for (; at != NULL; at = at->next) {
        if (ap_cstr_casecmpn(at->directive, prefix, strlen(prefix)) == 0
            && (word == NULL || ap_strcasestr(at->args, word) != NULL)) {
            return 1;
        }
        if (has_directive(at->first_child, prefix, word)) {
            return 1;
        }
    }
    return 0;
}

/* Can an .htaccess file have Require? AllowOverride and AllowOverrideList are None by default. */
static int may_require_in_htaccess(void)
{
    static const char *const words[] = { "All", "AuthConfig", "Require" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (has_directive(ap_conftree, "AllowOverride", words[i])) {
            return 1;
        }
    }
    return 0;
}

static const apr_array_header_t *locations_of(server_rec *server)
{
    const core_server_config *core = ap_get_core_module_config(server->module_config);

    return core->sec_url;
}

static um_location_t location_at(const apr_array_header_t *locations, int index)
{
    ap_conf_vector_t *vector = APR_ARRAY_IDX(locations, index, ap_conf_vector_t *);
    um_location_t location = { vector, ap_get_core_module_config(vector),
                               ap_get_module_config(vector, &usermgmt_module) };

    return location;
}

/* A pattern, or a condition inside (<If>), whose requests are not known here. */
static int is_uncertain(const um_location_t *location)
{
    return location->core->r != NULL || location->core->d_is_fnmatch
           || location->core->sec_if != NULL;
}

/* Is a path below another one, or the same? */
static int is_below(const char *path, const char *outer)
{
    apr_size_t length = strlen(outer);

    if (length > 0 && outer[length - 1] == '/') {
        length--;
    }
    return strncmp(path, outer, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* The path of a <Location>, or NULL if it is a pattern. */
static const char *path_of(const ap_directive_t *section, apr_pool_t *pool)
{
    const char *arguments = section->args;
    char *path = ap_getword_conf(pool, &arguments);
    apr_size_t length = strlen(path);

    if (length > 0 && path[length - 1] == '>') {
        path[length - 1] = '\0';
    }
    return path[0] == '/' && !apr_fnmatch_test(path) ? path : NULL;
}

/* Can the lines of a section apply to a path that this module serves? httpd looks at no directory
 * and no file for it. */
static int may_apply(const ap_directive_t *section, const char *path, apr_pool_t *pool)
{
    static const char *const never[] = { "<Directory", "<Files", "<Proxy" };
    const char *other;

    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        if (ap_cstr_casecmpn(section->directive, never[i], strlen(never[i])) == 0) {
            return 0;
        }
    }
    if (ap_cstr_casecmp(section->directive, "<Location") != 0) {
        return 1;
    }
    other = path_of(section, pool);
    return other == NULL || is_below(path, other) || is_below(other, path);
}

/* Is there an AuthType that can apply to a path? */
static int has_login(const ap_directive_t *at, const char *path, apr_pool_t *pool)
{
    for (; at != NULL; at = at->next) {
        if (ap_cstr_casecmp(at->directive, "AuthType") == 0
            || (at->first_child != NULL && may_apply(at, path, pool)
                && has_login(at->first_child, path, pool))) {
            return 1;
        }
    }
    return 0;
}

/* Can a request be for both Locations? */
static int can_meet(const um_location_t *one, const um_location_t *other)
{
    return is_uncertain(one) || is_uncertain(other) || is_below(one->core->d, other->core->d)
           || is_below(other->core->d, one->core->d);
}

typedef int um_location_check_t(const um_location_t *location);

static int has_identity(const um_location_t *location)
{
    return location->core->sec_if != NULL
           || (location->config != NULL
               && (location->config->identity != NULL || location->config->keys == 1));
}

static int serves(const um_location_t *location)
{
    return location->core->sec_if != NULL
           || (location->config != NULL && um_config_serves(location->config));
}

/* Does a check hold for a Location of a server that can meet this one, or for the server's own
 * lines? */
static int holds_near(um_location_check_t *check, const um_location_t *location,
                      server_rec *server)
{
    const apr_array_header_t *locations = locations_of(server);
    um_location_t whole = { server->lookup_defaults,
                            ap_get_core_module_config(server->lookup_defaults),
                            ap_get_module_config(server->lookup_defaults, &usermgmt_module) };

    for (int i = 0; i < locations->nelts; i++) {
        um_location_t other = location_at(locations, i);

        if (can_meet(location, &other) && check(&other)) {
            return 1;
        }
    }
    return check(&whole);
}

static int has_location(server_rec *server, const um_location_t *location)
{
    const apr_array_header_t *locations = locations_of(server);

    for (int i = 0; i < locations->nelts; i++) {
        if (APR_ARRAY_IDX(locations, i, ap_conf_vector_t *) == location->vector) {
            return 1;
        }
    }
    return 0;
}

/* The same for any server from this one on that has the Location. Virtual hosts inherit the
 * Locations of the main server, and may complete them. */
static int holds_anywhere(um_location_check_t *check, const um_location_t *location,
                          server_rec *server)
{
    for (; server != NULL; server = server->next) {
        if (has_location(server, location) && holds_near(check, location, server)) {
            return 1;
        }
    }
    return 0;
}

/* What applies to all Locations. */
typedef struct um_advice_t {
    /* Another module can give httpd a user where no AuthType is. */
    int has_other_login;
    /* Require usermgmt-role uses UserMgmtAdmin in Locations of others, or may do so in an
     * .htaccess file. */
    int uses_roles_elsewhere;
} um_advice_t;

static void look_at(const um_location_t *location, const um_advice_t *advice, server_rec *server,
                    apr_pool_t *ptemp)
{
    const um_config_directory_t *config = location->config;

    if (is_uncertain(location)) {
        return;
    }
    if (um_config_serves(config) && !advice->has_other_login
        && !has_login(ap_conftree, location->core->d, ptemp)
        && !holds_anywhere(has_identity, location, server)) {
        um_log_server(server, LOCATION_WITHOUT_LOGIN, APR_SUCCESS, location->core->d);
    }
    if ((config->admins != NULL || config->sub_admins != NULL) && !advice->uses_roles_elsewhere
        && !holds_anywhere(serves, location, server)) {
        um_log_server(server, LOCATION_WITHOUT_HANDLER, APR_SUCCESS, location->core->d,
                      config->admins != NULL ? "UserMgmtAdmin" : "UserMgmtSubAdmin");
    }
}

/* Does a server before this one have the Location, too? */
static int is_seen(const um_location_t *location, server_rec *first, const server_rec *server)
{
    for (; first != server; first = first->next) {
        if (has_location(first, location)) {
            return 1;
        }
    }
    return 0;
}

void um_advice_log(server_rec *server, apr_pool_t *ptemp)
{
    const um_advice_t advice = {
        /* mod_ssl's, and scripts of mod_lua. */
        .has_other_login = has_directive(ap_conftree, "SSLUserName", NULL)
                           || has_directive(ap_conftree, "LuaHook", NULL),
        .uses_roles_elsewhere = has_directive(ap_conftree, "Require", UM_AUTHZ_ROLE)
                                || has_directive(ap_conftree, "Require", UM_AUTHZ_PERMISSION)
                                || may_require_in_htaccess(),
    };

    for (server_rec *each = server; each != NULL; each = each->next) {
        const apr_array_header_t *locations = locations_of(each);

        for (int i = 0; i < locations->nelts; i++) {
            um_location_t location = location_at(locations, i);

            if (location.config != NULL && !is_seen(&location, server, each)) {
                look_at(&location, &advice, each, ptemp);
            }
        }
    }
}
