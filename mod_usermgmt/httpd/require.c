/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file require.c Questions to authorization providers, see require.h. */

#include "require.h"

#include <string.h>

#include <http_core.h>

#include "key_door.h"
#include "module.h"

/* The providers of mod_authnz_ldap: ldap-group, ldap-user and others. */
#define LDAP_PREFIX "ldap-"

/* A key for the answers, on the pool of the request. */
#define ANSWERS "usermgmt-answers"

/* An answer that was given early. */
typedef struct um_answer_of_line_t {
    const um_require_t *line;
    authz_status status;
} um_answer_of_line_t;

static int is_early(const um_require_t *line)
{
    return strncmp(line->provider_name, LDAP_PREFIX, sizeof(LDAP_PREFIX) - 1) == 0;
}

static authz_status ask(const um_require_t *line, request_rec *r)
{
    authz_status status;

    /* Some providers have several names, and find here the name that was used. */
    apr_table_setn(r->notes, AUTHZ_PROVIDER_NAME_NOTE, line->provider_name);
    status = line->provider->check_authorization(r, line->line, line->parsed);
    apr_table_unset(r->notes, AUTHZ_PROVIDER_NAME_NOTE);
    return status;
}

/* Ask the early lines of a directive up to the first that grants; 0 if none does. */
static int ask_lines(apr_array_header_t *answers, const apr_array_header_t *lines, request_rec *r)
{
    for (int i = 0; lines != NULL && i < lines->nelts; i++) {
        const um_require_t *line = &APR_ARRAY_IDX(lines, i, um_require_t);

        if (is_early(line)) {
            um_answer_of_line_t answer = { line, ask(line, r) };

            APR_ARRAY_PUSH(answers, um_answer_of_line_t) = answer;
            if (answer.status == AUTHZ_GRANTED) {
                return 1;
            }
        }
    }
    return 0;
}

static int has_early(const apr_array_header_t *lines)
{
    for (int i = 0; lines != NULL && i < lines->nelts; i++) {
        if (is_early(&APR_ARRAY_IDX(lines, i, um_require_t))) {
            return 1;
        }
    }
    return 0;
}

int um_require_ask_early(request_rec *r)
{
    const um_config_directory_t *config = um_config_directory(r);
    apr_array_header_t *answers;

    if (r->user == NULL || um_key_door_is_caller(r) || r->handler == NULL
        || !um_config_is_api(r->handler)
        || (!has_early(config->admins) && !has_early(config->sub_admins))) {
        return DECLINED;
    }
    answers = apr_array_make(r->pool, 4, sizeof(um_answer_of_line_t));
    if (!ask_lines(answers, config->admins, r)) {
        ask_lines(answers, config->sub_admins, r);
    }
    apr_pool_userdata_setn(answers, ANSWERS, NULL, r->pool);
    return DECLINED;
}

authz_status um_require_ask(const um_require_t *line, request_rec *r)
{
    void *kept = NULL;

    if (is_early(line)) {
        apr_pool_userdata_get(&kept, ANSWERS, r->pool);
    }
    if (kept != NULL) {
        const apr_array_header_t *answers = kept;

        for (int i = 0; i < answers->nelts; i++) {
            if (APR_ARRAY_IDX(answers, i, um_answer_of_line_t).line == line) {
                return APR_ARRAY_IDX(answers, i, um_answer_of_line_t).status;
            }
        }
    }
    return ask(line, r);
}
