/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file authz.c The authorization providers, see authz.h. */

#include "authz.h"

#include <string.h>

#include <http_core.h>
#include <http_request.h>
#include <mod_auth.h>

#include "../base/text.h"
#include "../core/group.h"
#include "../rest/permission.h"
#include "caller.h"
#include "config.h"
#include "log.h"
#include "module.h"

/* A set of roles, 1 << um_role_t each. */
typedef unsigned um_role_set_t;

static const char *parse_roles(cmd_parms *cmd, const char *line, const void **parsed)
{
    um_role_set_t *roles = apr_pcalloc(cmd->pool, sizeof(*roles));

    while (line[0] != '\0') {
        const char *name = ap_getword_conf(cmd->pool, &line);

        if (strcmp(name, um_role_name(UM_ROLE_ADMIN)) == 0) {
            *roles |= 1u << UM_ROLE_ADMIN;
        } else if (strcmp(name, um_role_name(UM_ROLE_SUB_ADMIN)) == 0) {
            *roles |= 1u << UM_ROLE_SUB_ADMIN;
        } else {
            return "a role is admin or sub_admin";
        }
    }
    if (*roles == 0) {
        return "at least one of admin and sub_admin must be given";
    }
    *parsed = roles;
    return NULL;
}

/* httpd first asks without a user, for lines that need none, and then AUTHZ_DENIED is final.
 * But the identity may come with the login. */
static authz_status deny(request_rec *r)
{
    return r->user == NULL && ap_auth_type(r) != NULL ? AUTHZ_DENIED_NO_USER : AUTHZ_DENIED;
}

/* Without a login there is no identity, unless it comes from somewhere else. */
static int needs_user(request_rec *r)
{
    return r->user == NULL && um_config_directory(r)->identity == NULL;
}

static authz_status fail(const char *provider, const char *unknown, request_rec *r)
{
    um_log_request(r, REQUIRE_FAILED, APR_SUCCESS, provider, unknown,
                   r->user != NULL ? r->user : "");
    return AUTHZ_GENERAL_ERROR;
}

/* Find the caller: AUTHZ_GRANTED, or what the provider answers without one. */
static authz_status identify(um_caller_t *caller, const char *provider, const char *unknown,
                             request_rec *r)
{
    apr_status_t status;

    if (needs_user(r)) {
        return AUTHZ_DENIED_NO_USER;
    }
    status = um_caller_identify(caller, r);
    if (status == UM_ENOTFOUND || status == UM_EREFUSED) {
        return deny(r);
    }
    return status == APR_SUCCESS ? AUTHZ_GRANTED : fail(provider, unknown, r);
}

static authz_status check_role(request_rec *r, const char *line, const void *parsed)
{
    const um_role_set_t *roles = parsed;
    um_caller_t caller = { 0 };
    authz_status status = identify(&caller, UM_AUTHZ_ROLE, "the role of", r);

    (void)line;
    if (status != AUTHZ_GRANTED) {
        return status;
    }
    return (*roles & (1u << caller.role)) != 0 ? AUTHZ_GRANTED : deny(r);
}

static const char *parse_permissions(cmd_parms *cmd, const char *line, const void **parsed)
{
    unsigned *permissions = apr_pcalloc(cmd->pool, sizeof(*permissions));

    while (line[0] != '\0') {
        const um_permission_entry_t *found = um_permission_find(ap_getword_conf(cmd->pool,
                                                                                &line));

        if (found == NULL) {
            return "a permission is one of those in docs/api.md, such as metrics:read";
        }
        *permissions |= found->permission;
    }
    if (*permissions == 0) {
        return "at least one permission must be given";
    }
    *parsed = permissions;
    return NULL;
}

/* One of the permissions is enough. */
static authz_status check_permission(request_rec *r, const char *line, const void *parsed)
{
    const unsigned *permissions = parsed;
    um_caller_t caller = { 0 };
    um_settings_t settings;
    authz_status status = identify(&caller, UM_AUTHZ_PERMISSION, "the permissions of", r);

    (void)line;
    if (status != AUTHZ_GRANTED) {
        return status;
    }
    um_config_settings(&settings, um_config_directory(r));
    return (um_permission_of_caller(&caller, &settings) & *permissions) != 0 ? AUTHZ_GRANTED
                                                                             : deny(r);
}

/* The names of groups, an array of const char *. Which groups have them is only known when they
 * are asked for. */
static const char *parse_groups(cmd_parms *cmd, const char *line, const void **parsed)
{
    apr_array_header_t *groups = apr_array_make(cmd->pool, 2, sizeof(const char *));

    while (line[0] != '\0') {
        const char *name = ap_getword_conf(cmd->pool, &line);

        if (*name == '\0' || !um_text_is_utf8(name, strlen(name))
            || um_text_count(name) > UM_GROUP_NAME_MAX) {
            return "the name of a group is UTF-8 of 1 to 256 characters";
        }
        APR_ARRAY_PUSH(groups, const char *) = name;
    }
    if (groups->nelts == 0) {
        return "at least one group must be given";
    }
    *parsed = groups;
    return NULL;
}

static authz_status check_group(request_rec *r, const char *line, const void *parsed)
{
    int is_member = 0;
    apr_status_t status;

    (void)line;
    if (needs_user(r)) {
        return AUTHZ_DENIED_NO_USER;
    }
    status = um_caller_is_member(&is_member, parsed, r);
    if (status != APR_SUCCESS && status != UM_ENOTFOUND) {
        return fail(UM_AUTHZ_GROUP, "the groups of", r);
    }
    return is_member ? AUTHZ_GRANTED : deny(r);
}

static const char *parse_nothing(cmd_parms *cmd, const char *line, const void **parsed)
{
    (void)cmd;
    (void)parsed;
    return line[0] == '\0' ? NULL : "it takes no argument";
}

static authz_status check_active(request_rec *r, const char *line, const void *parsed)
{
    int is_active = 0;
    apr_status_t status;

    (void)line;
    (void)parsed;
    if (needs_user(r)) {
        return AUTHZ_DENIED_NO_USER;
    }
    status = um_caller_is_active(&is_active, r);
    if (status != APR_SUCCESS && status != UM_ENOTFOUND) {
        return fail(UM_AUTHZ_ACTIVE, "the state of", r);
    }
    return is_active ? AUTHZ_GRANTED : deny(r);
}

void um_authz_register(apr_pool_t *pool)
{
    static const authz_provider role = { check_role, parse_roles };
    static const authz_provider permission = { check_permission, parse_permissions };
    static const authz_provider group = { check_group, parse_groups };
    static const authz_provider active = { check_active, parse_nothing };

    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, UM_AUTHZ_ROLE, AUTHZ_PROVIDER_VERSION,
                              &role, AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, UM_AUTHZ_PERMISSION,
                              AUTHZ_PROVIDER_VERSION, &permission, AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, UM_AUTHZ_GROUP, AUTHZ_PROVIDER_VERSION,
                              &group, AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, UM_AUTHZ_ACTIVE, AUTHZ_PROVIDER_VERSION,
                              &active, AP_AUTH_INTERNAL_PER_CONF);
}
