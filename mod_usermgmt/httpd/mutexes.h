/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_MUTEXES_H
#define UM_HTTPD_MUTEXES_H

/**
 * @file mutexes.h
 * Locks between processes, of the kind that the directive Mutex names. A POSIX semaphore stays
 * locked if its holder is killed, so it is refused: by configtest if the directive names it, and
 * at the start if it is the platform's default.
 */

#include <apr_global_mutex.h>
#include <httpd.h>
#include <http_config.h>

/** Only read the directive Mutex, which belongs to httpd's core. */
const char *um_mutexes_see(cmd_parms *cmd, void *directory, const char *arguments);

/** Tell whether a mutex of a type can be made; if not, it is logged. */
int um_mutexes_check(const char *type, server_rec *server);

/**
 * Make a mutex that survives graceful restarts, of a type that was registered before. A failure
 * is logged.
 * @param instance distinguishes several mutexes of a type, or is NULL
 * @return APR_SUCCESS; APR_ENOTIMPL if its kind is refused
 */
apr_status_t um_mutexes_create(apr_global_mutex_t **mutex, const char *type, const char *instance,
                               server_rec *server);

#endif
