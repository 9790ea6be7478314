/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_RUNTIME_H
#define UM_HTTPD_RUNTIME_H

/**
 * @file runtime.h
 * What runs: the core's host filled with mod_dbd and httpd's mutexes and log,
 * and, in each child process, one writer and a store for each server.
 */

#include <apr_global_mutex.h>
#include <httpd.h>

#include "../core/store.h"

/** Register the mutex with httpd; in pre_config. */
apr_status_t um_runtime_register(apr_pool_t *pconf);

/** Tell whether mod_dbd is there, and log if it is not; in check_config. */
int um_runtime_check(server_rec *server);

/** Make what all processes share; in post_config. Logged where it fails. */
apr_status_t um_runtime_init(apr_pool_t *pconf, server_rec *server);

/** Start in a child process, after mod_dbd; pool is the child's. */
void um_runtime_init_child(apr_pool_t *pool, server_rec *server);

/** Make a mutex that outlives graceful restarts, of a type registered before.
 *  Logged where it fails, or is of a kind that a killed process leaves locked. */
apr_status_t um_runtime_create_mutex(apr_global_mutex_t **mutex, const char *type,
                                     server_rec *server);

/** Tell whether anything of a server's configuration asks for its database. */
int um_runtime_is_used(const server_rec *server);

/** Random bytes, as a host gives them; the baton plays no part. */
apr_status_t um_runtime_random(unsigned char *bytes, apr_size_t length, void *baton);

/** The store of a server; NULL where the child could not start it (logged). */
um_store_t *um_runtime_store(const server_rec *server);

/** How often what is remembered of callers was dropped, by all processes since
 *  the server started; and drop it. */
apr_uint32_t um_runtime_generation(void);
void um_runtime_raise_generation(void);

#endif
