/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file mutexes.c Locks between processes, see mutexes.h. */

#include "mutexes.h"

#include <apr_cstr.h>
#include <util_mutex.h>

#include "config.h"
#include "log.h"
#include "module.h"

/* The type for all mutexes that no line of Mutex names. */
#define DEFAULT_TYPE "default"

static void note_type(um_config_server_t *config, const char *type, int is_refused,
                      apr_pool_t *pool)
{
    if (config->mutexes == NULL) {
        config->mutexes = apr_table_make(pool, 2);
    }
    apr_table_setn(config->mutexes, type, is_refused ? "refused" : "good");
}

const char *um_mutexes_see(cmd_parms *cmd, void *directory, const char *arguments)
{
    um_config_server_t *config = um_config_of(cmd);
    apr_lockmech_e mechanism = APR_LOCK_DEFAULT;
    const char *file;
    const char *word = ap_getword_conf(cmd->pool, &arguments);
    apr_status_t status = ap_parse_mutex(word, cmd->pool, &mechanism, &file);
    int is_refused = status == APR_SUCCESS && mechanism == APR_LOCK_POSIXSEM;
    int count = 0;

    (void)directory;
    while (arguments[0] != '\0') {
        word = ap_getword_conf(cmd->pool, &arguments);
        if (ap_cstr_casecmp(word, "OmitPID") != 0) {
            note_type(config, word, is_refused, cmd->pool);
            count++;
        }
    }
    if (count == 0) {
        note_type(config, DEFAULT_TYPE, is_refused, cmd->pool);
    }
    /* httpd's core reports what is wrong with the line. */
    return NULL;
}

static void tell_of_posixsem(const char *type, server_rec *server)
{
    um_log_server(server, MUTEX_POSIXSEM, APR_SUCCESS, type, type);
}

int um_mutexes_check(const char *type, server_rec *server)
{
    const apr_table_t *mutexes = um_config_server(server)->mutexes;
    const char *found = mutexes != NULL ? apr_table_get(mutexes, type) : NULL;

    if (found == NULL && mutexes != NULL) {
        found = apr_table_get(mutexes, DEFAULT_TYPE);
    }
    if (found != NULL && strcmp(found, "refused") == 0) {
        tell_of_posixsem(type, server);
        return 0;
    }
    return 1;
}

apr_status_t um_mutexes_create(apr_global_mutex_t **mutex, const char *type, const char *instance,
                               server_rec *server)
{
    apr_status_t status;

    /* It logs failures itself. */
    status = ap_global_mutex_create(mutex, NULL, type, instance, server, server->process->pool,
                                    0);
    if (status == APR_SUCCESS && strcmp(apr_global_mutex_name(*mutex), "posixsem") == 0) {
        tell_of_posixsem(type, server);
        return APR_ENOTIMPL;
    }
    return status;
}
