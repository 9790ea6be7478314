/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_TESTS_SQLITE_HOST_H
#define UM_TESTS_SQLITE_HOST_H

/**
 * @file sqlite_host.h
 * A host for the core's tests: a pool of connections to one SQLite file, a
 * clock that the test sets, random bytes of the system, a log that is counted.
 */

#include <stdio.h>
#include <string.h>

#include <apr_dbd.h>
#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include "../../mod_usermgmt/core/store.h"

#define CONNECTIONS_MAX 64

typedef struct sqlite_host_t {
    um_host_t host;
    apr_pool_t *pool;
    const char *path;
    const apr_dbd_driver_t *driver;
    apr_thread_mutex_t *mutex;
    um_connection_t idle[CONNECTIONS_MAX];
    int idle_count;
    int opened;
    apr_time_t now;
    int errors;
    int refuse_connections;
} sqlite_host_t;

static inline apr_status_t sqlite_host_close(void *data)
{
    um_connection_t *connection = data;

    apr_dbd_close(connection->driver, connection->handle);
    return APR_SUCCESS;
}

static inline apr_status_t sqlite_host_open(um_connection_t *connection, sqlite_host_t *host)
{
    apr_status_t status;

    memset(connection, 0, sizeof(*connection));
    apr_pool_create(&connection->pool, host->pool);
    connection->driver = host->driver;
    status = apr_dbd_open(host->driver, connection->pool, host->path, &connection->handle);
    if (status == APR_SUCCESS) {
        host->opened++;
        apr_pool_cleanup_register(connection->pool,
                                  apr_pmemdup(connection->pool, connection, sizeof(*connection)),
                                  sqlite_host_close, apr_pool_cleanup_null);
    }
    return status;
}

static inline apr_status_t sqlite_host_acquire(um_connection_t *connection, void *baton,
                                               apr_pool_t *pool)
{
    sqlite_host_t *host = baton;
    apr_status_t status = APR_SUCCESS;

    (void)pool;
    apr_thread_mutex_lock(host->mutex);
    if (host->refuse_connections) {
        status = UM_EUNAVAILABLE;
    } else if (host->idle_count > 0) {
        *connection = host->idle[--host->idle_count];
    } else {
        status = sqlite_host_open(connection, host);
    }
    apr_thread_mutex_unlock(host->mutex);
    return status;
}

static inline void sqlite_host_release(um_connection_t *connection, void *baton)
{
    sqlite_host_t *host = baton;

    apr_thread_mutex_lock(host->mutex);
    host->idle[host->idle_count++] = *connection;
    apr_thread_mutex_unlock(host->mutex);
}

static inline apr_time_t sqlite_host_now(void *baton)
{
    return ((sqlite_host_t *)baton)->now;
}

static inline apr_status_t sqlite_host_random(unsigned char *bytes, apr_size_t length,
                                              void *baton)
{
    (void)baton;
    return apr_generate_random_bytes(bytes, length);
}

static inline void sqlite_host_log(um_log_level_t level, int id, apr_status_t status,
                                   const char *line, void *baton)
{
    sqlite_host_t *host = baton;

    (void)status;
    if (level <= UM_LOG_WARNING) {
        host->errors++;
        fprintf(stderr, "UM%04d: %s\n", id, line);
    }
}

/* A host on a new file in the folder for temporary ones; it is removed with pool. */
static inline apr_status_t sqlite_host_remove(void *path)
{
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    apr_file_remove(path, pool);
    apr_file_remove(apr_pstrcat(pool, path, "-wal", NULL), pool);
    apr_file_remove(apr_pstrcat(pool, path, "-shm", NULL), pool);
    apr_pool_destroy(pool);
    return APR_SUCCESS;
}

static inline sqlite_host_t *sqlite_host_create(apr_pool_t *pool)
{
    sqlite_host_t *host = apr_pcalloc(pool, sizeof(*host));
    apr_file_t *file = NULL;
    const char *folder = NULL;
    char *path;

    host->pool = pool;
    host->now = apr_time_from_sec(1700000000);
    apr_thread_mutex_create(&host->mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    apr_dbd_init(pool);
    if (apr_dbd_get_driver(pool, "sqlite3", &host->driver) != APR_SUCCESS
        || apr_temp_dir_get(&folder, pool) != APR_SUCCESS) {
        return NULL;
    }
    path = apr_pstrcat(pool, folder, "/usermgmt-test-XXXXXX", NULL);
    if (apr_file_mktemp(&file, path, APR_FOPEN_CREATE | APR_FOPEN_READ | APR_FOPEN_WRITE, pool)
        != APR_SUCCESS) {
        return NULL;
    }
    apr_file_close(file);
    host->path = path;
    apr_pool_cleanup_register(pool, path, sqlite_host_remove, apr_pool_cleanup_null);
    host->host.baton = host;
    host->host.acquire = sqlite_host_acquire;
    host->host.release = sqlite_host_release;
    host->host.now = sqlite_host_now;
    host->host.random = sqlite_host_random;
    host->host.log = sqlite_host_log;
    return host;
}

#endif
