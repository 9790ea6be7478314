/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_MUTEXES_H
#define UM_HTTPD_MUTEXES_H

/**
 * @file mutexes.h
 * Locks between processes, of the kind that the directive Mutex names. A POSIX semaphore
 * stays locked when its holder is killed, so that one is refused: by configtest where the
 * directive names it, by the start where it is what the platform has by default.
 */

#include <apr_global_mutex.h>
#include <httpd.h>
#include <http_config.h>

/** The directive Mutex, which httpd's core has, is only looked at. */
const char *um_mutexes_see(cmd_parms *cmd, void *directory, const char *arguments);

/** Tell whether a mutex of a type can be made; logged where not. */
int um_mutexes_check(const char *type, server_rec *server);

/**
 * Make a mutex that outlives graceful restarts, of a type registered before. Logged where
 * it fails.
 * @param instance tells several of a type apart, or is NULL
 * @return APR_SUCCESS; APR_ENOTIMPL where it is of a kind that is refused
 */
apr_status_t um_mutexes_create(apr_global_mutex_t **mutex, const char *type, const char *instance,
                               server_rec *server);

#endif
