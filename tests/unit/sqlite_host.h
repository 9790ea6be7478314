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

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include "../../mod_usermgmt/core/store.h"
#include "../../mod_usermgmt/core/store_callers.h"
#include "../../mod_usermgmt/db/connection.h"

#define CONNECTIONS_MAX 64

typedef struct sqlite_host_t {
    um_host_t host;
    apr_pool_t *pool;
    const char *path;
    um_database_t database;
    apr_thread_mutex_t *mutex;
    um_connection_t *idle[CONNECTIONS_MAX];
    int idle_count;
    int opened;
    apr_time_t now;
    int errors;
    int refuse_connections;
} sqlite_host_t;

static inline apr_status_t sqlite_host_close_idle(void *data)
{
    sqlite_host_t *host = data;

    while (host->idle_count > 0) {
        um_connection_close(host->idle[--host->idle_count]);
    }
    return APR_SUCCESS;
}

static inline apr_status_t sqlite_host_open(um_connection_t **connection, sqlite_host_t *host)
{
    const char *error = NULL;
    apr_status_t status = um_connection_open(connection, &error, &host->database, 1, host->pool);

    host->opened += status == APR_SUCCESS;
    if (error != NULL) {
        fprintf(stderr, "can't open: %s\n", error);
    }
    return status;
}

static inline apr_status_t sqlite_host_acquire(um_connection_t **connection, um_acquire_t which,
                                               void *baton, apr_pool_t *scratch)
{
    sqlite_host_t *host = baton;
    apr_status_t status = APR_SUCCESS;

    (void)scratch;
    apr_thread_mutex_lock(host->mutex);
    if (host->refuse_connections) {
        status = UM_EUNAVAILABLE;
    } else if (which == UM_ACQUIRE_ANY && host->idle_count > 0) {
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
    if (connection->state == UM_CONNECTION_READY) {
        host->idle[host->idle_count++] = connection;
    } else {
        um_connection_close(connection);
    }
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

    (void)id;
    (void)status;
    if (level <= UM_LOG_WARNING) {
        host->errors++;
        fprintf(stderr, "%s\n", line);
    }
}

/* A host on a new file in the folder for temporary ones; it is removed with pool. */
static inline apr_status_t sqlite_host_remove(void *path)
{
    apr_pool_t *scratch;

    apr_pool_create(&scratch, NULL);
    apr_file_remove(path, scratch);
    apr_file_remove(apr_pstrcat(scratch, path, "-wal", NULL), scratch);
    apr_file_remove(apr_pstrcat(scratch, path, "-shm", NULL), scratch);
    apr_pool_destroy(scratch);
    return APR_SUCCESS;
}

static inline sqlite_host_t *sqlite_host_create(apr_pool_t *parent)
{
    sqlite_host_t *host = apr_pcalloc(parent, sizeof(*host));
    apr_file_t *file = NULL;
    const char *folder = NULL;
    char *path;

    host->pool = parent;
    host->now = apr_time_from_sec(1700000000);
    apr_thread_mutex_create(&host->mutex, APR_THREAD_MUTEX_DEFAULT, parent);
    if (um_database_find_driver(&host->database, "sqlite3", parent) != APR_SUCCESS
        || apr_temp_dir_get(&folder, parent) != APR_SUCCESS) {
        return NULL;
    }
    path = apr_pstrcat(parent, folder, "/usermgmt-test-XXXXXX", NULL);
    if (apr_file_mktemp(&file, path, APR_FOPEN_CREATE | APR_FOPEN_READ | APR_FOPEN_WRITE, parent)
        != APR_SUCCESS) {
        return NULL;
    }
    apr_file_close(file);
    host->path = path;
    host->database.params = path;
    apr_pool_cleanup_register(parent, path, sqlite_host_remove, apr_pool_cleanup_null);
    apr_pool_cleanup_register(parent, host, sqlite_host_close_idle, apr_pool_cleanup_null);
    host->host.baton = host;
    host->host.acquire = sqlite_host_acquire;
    host->host.release = sqlite_host_release;
    host->host.now = sqlite_host_now;
    host->host.random.fill = sqlite_host_random;
    host->host.log = sqlite_host_log;
    return host;
}

/* A store on the host's database, its schema made; NULL where that fails. */
static inline um_store_t *sqlite_host_make_store(sqlite_host_t *host)
{
    um_writer_t *writer = NULL;
    um_store_t *store;

    if (host == NULL || um_writer_create(&writer, host->pool) != APR_SUCCESS) {
        return NULL;
    }
    store = um_store_create(&host->host, UM_DIALECT_SQLITE, writer, 1, host->pool);
    return um_store_prepare(store, host->pool) == APR_SUCCESS ? store : NULL;
}

/* A database opened from a store of its own; NULL where that fails. */
static inline um_db_t *sqlite_host_open_db(sqlite_host_t *host)
{
    um_store_t *store = sqlite_host_make_store(host);
    um_db_t *db = NULL;

    return store != NULL && um_store_open(&db, store, host->pool) == APR_SUCCESS ? db : NULL;
}

/* The same, and the number of its default organization; NULL where one of them fails. */
static inline um_db_t *sqlite_host_open_org(apr_int64_t *org, sqlite_host_t *host)
{
    um_db_t *db = sqlite_host_open_db(host);
    um_caller_record_t *record = NULL;

    if (db == NULL
        || um_store_callers_get(&record, db, "default", "x", host->pool) != APR_SUCCESS) {
        return NULL;
    }
    *org = record->org_id;
    return db;
}

#endif
