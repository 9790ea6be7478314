/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file config_expression.c Expressions, see config_expression.h. */

#include "config_expression.h"

#include <apr_strings.h>

#include "../core/rules.h"
#include "module.h"

/* A key for data on the temporary pool of a directive. */
#define ASKS_REQUEST "usermgmt-asks-request"

/* Does a function give the same value for every request if its argument is the same? */
static int is_constant(const char *function)
{
    static const char *const functions[] = { "base64",  "escape",  "file",     "filesize",
                                             "ldap",    "md5",     "osenv",    "sha1",
                                             "tolower", "toupper", "unbase64", "unescape" };

    for (apr_size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        if (ap_cstr_casecmp(function, functions[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

/* httpd calls this for each variable and each function of an expression. */
static int look_up(ap_expr_lookup_parms *parms)
{
    if (parms->type != AP_EXPR_FUNC_STRING || !is_constant(parms->name)) {
        apr_pool_userdata_setn("yes", ASKS_REQUEST, NULL, parms->ptemp);
    }
    return ap_expr_lookup_default(parms);
}

/* The value of an expression that does not use the request; NULL for any other. */
static const char *value_of_constant(const ap_expr_info_t *expression, const cmd_parms *cmd)
{
    conn_rec connection = { 0 };
    request_rec r = { .pool = cmd->temp_pool, .connection = &connection, .server = cmd->server };
    const char *error = NULL;
    const char *value;
    void *asks = NULL;

    apr_pool_userdata_get(&asks, ASKS_REQUEST, cmd->temp_pool);
    if (asks != NULL) {
        return NULL;
    }
    value = ap_expr_str_exec(&r, expression, &error);
    return error == NULL && value != NULL ? value : "";
}

/* Read an expression. *constant is its value if that is the same for all requests, else NULL. */
static const char *parse(ap_expr_info_t **expression, const char **constant, const cmd_parms *cmd,
                         const char *text)
{
    const char *error = NULL;

    apr_pool_userdata_setn(NULL, ASKS_REQUEST, NULL, cmd->temp_pool);
    *expression = ap_expr_parse_cmd(cmd, text, AP_EXPR_FLAG_STRING_RESULT, &error, look_up);
    if (error != NULL) {
        return apr_psprintf(cmd->pool, "%s: can't read the expression \"%s\": %s", cmd->cmd->name,
                            text, error);
    }
    *constant = value_of_constant(*expression, cmd);
    return NULL;
}

/* A constant is refused, because all callers would be one user. */
const char *um_config_expression_set_identity(cmd_parms *cmd, void *directory, const char *text)
{
    um_config_directory_t *config = directory;
    const char *constant = NULL;
    const char *error = parse(&config->identity, &constant, cmd, text);

    if (error == NULL && constant != NULL) {
        error = apr_psprintf(cmd->pool,
                             "%s: \"%s\" is a text that is the same for every caller; a variable "
                             "is written as %%{REMOTE_USER}",
                             cmd->cmd->name, text);
    }
    return error;
}

/* An organization's name is a constant in most configurations. */
const char *um_config_expression_set_organization(cmd_parms *cmd, void *directory,
                                                  const char *text)
{
    um_config_directory_t *config = directory;
    const um_violation_t *violation = NULL;
    const char *constant = NULL;
    const char *error = parse(&config->organization, &constant, cmd, text);

    config->constant_organization = constant != NULL ? apr_pstrdup(cmd->pool, constant) : "";
    if (error != NULL || constant == NULL) {
        return error;
    }
    violation = um_rules_check_organization(constant);
    if (violation != NULL) {
        return apr_psprintf(cmd->pool, "%s: \"%s\" is the name of no organization: %s",
                            cmd->cmd->name, text, violation->detail);
    }
    if (strstr(constant, "%{") != NULL) {
        return apr_psprintf(cmd->pool,
                            "%s: \"%s\" is a text, as no variable is in it; one is written as "
                            "%%{REMOTE_USER}",
                            cmd->cmd->name, text);
    }
    return NULL;
}
