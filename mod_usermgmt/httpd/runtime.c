/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file runtime.c What runs in a child process, see runtime.h. */

#include "runtime.h"

#include <ap_mpm.h>
#include <apr_atomic.h>
#include <apr_hash.h>
#include <apr_shm.h>
#include <http_config.h>
#include <mod_dbd.h>
#include <util_mutex.h>

#include "config.h"
#include "module.h"

#define MUTEX_TYPE "usermgmt-writer"
#define RETAINED_KEY "usermgmt-shared"
#define WATCHED_KEY "usermgmt-watched"

/* How often the pool is asked for a connection where it can't make one. */
#define ACQUIRE_TRIES 3

/* Without mod_watchdog requests fold the counts, each after so many changes. */
#define FOLD_EVERY 256

/* How long a thread waits for a place among those that wait for a connection. */
#define PLACE_WAIT apr_time_from_msec(10)
#define PLACE_WAIT_MAX apr_time_from_sec(2)

/* What all processes share. It outlives a graceful restart, during which old
 * and new processes must still exclude each other. */
typedef struct um_shared_t {
    apr_global_mutex_t *mutex;
    apr_shm_t *shm;
    /* In shm. */
    apr_uint32_t *generation;
} um_shared_t;

/* One server's host, in a child process. */
typedef struct um_server_host_t {
    um_host_t host;
    server_rec *server;
    /* Threads inside of acquire. */
    volatile apr_uint32_t acquiring;
    um_store_t *store;
} um_server_host_t;

static APR_OPTIONAL_FN_TYPE(ap_dbd_open) *dbd_open;
static APR_OPTIONAL_FN_TYPE(ap_dbd_close) *dbd_close;

static um_shared_t *shared;

/* How many connections that were in use here the pools have dropped. */
static volatile apr_uint32_t dropped;

/* This child's, written once before it serves: server_rec to um_server_host_t,
 * and how many threads may wait for a connection. */
static apr_hash_t *hosts;
static apr_uint32_t acquiring_max;

/* ---- the core's host ---- */

/* mod_dbd's pool waits without limit when it is empty, so the threads that are
 * in it are bounded here; one more waits a bounded time for a place. */
static int take_place(um_server_host_t *host)
{
    apr_interval_time_t waited = 0;

    while (apr_atomic_inc32(&host->acquiring) >= acquiring_max) {
        apr_atomic_dec32(&host->acquiring);
        if (waited >= PLACE_WAIT_MAX) {
            ap_log_error(APLOG_MARK, APLOG_WARNING, 0, host->server,
                         "UM0041: too many requests wait for a database connection; "
                         "DBDMax or the database is too small for the load");
            return 0;
        }
        apr_sleep(PLACE_WAIT);
        waited += PLACE_WAIT;
    }
    return 1;
}

static apr_status_t count_dropped(void *unused)
{
    (void)unused;
    apr_atomic_inc32(&dropped);
    return APR_SUCCESS;
}

/* Its pool goes when the connection is dropped. */
static void watch(const ap_dbd_t *dbd)
{
    void *watched = NULL;

    apr_pool_userdata_get(&watched, WATCHED_KEY, dbd->pool);
    if (watched == NULL) {
        apr_pool_userdata_setn("", WATCHED_KEY, count_dropped, dbd->pool);
    }
}

/* A connection that died in the pool comes out of it as NULL, and the pool has
 * dropped it then. All may have died at once, so that is no failure: there is
 * one such less. */
static ap_dbd_t *open_connection(const um_server_host_t *host, apr_pool_t *pool)
{
    ap_dbd_t *dbd = NULL;
    int failures = 0;

    while (dbd == NULL && failures < ACQUIRE_TRIES) {
        apr_uint32_t before = apr_atomic_read32(&dropped);

        dbd = dbd_open(pool, host->server);
        failures += apr_atomic_read32(&dropped) == before;
    }
    if (dbd != NULL) {
        watch(dbd);
    }
    return dbd;
}

static apr_status_t acquire(um_connection_t *connection, void *baton, apr_pool_t *pool)
{
    um_server_host_t *host = baton;
    ap_dbd_t *dbd;

    if (!take_place(host)) {
        return UM_EUNAVAILABLE;
    }
    dbd = open_connection(host, pool);
    apr_atomic_dec32(&host->acquiring);
    if (dbd == NULL) {
        return UM_EUNAVAILABLE;
    }
    connection->driver = dbd->driver;
    connection->handle = dbd->handle;
    connection->pool = dbd->pool;
    connection->owner = dbd;
    return APR_SUCCESS;
}

static void release(um_connection_t *connection, void *baton)
{
    um_server_host_t *host = baton;

    dbd_close(host->server, connection->owner);
}

static apr_status_t lock(void *baton)
{
    (void)baton;
    return apr_global_mutex_lock(shared->mutex);
}

static void unlock(void *baton)
{
    (void)baton;
    apr_global_mutex_unlock(shared->mutex);
}

static apr_time_t now(void *baton)
{
    (void)baton;
    return apr_time_now();
}

apr_status_t um_runtime_random(unsigned char *bytes, apr_size_t length, void *baton)
{
    (void)baton;
    return apr_generate_random_bytes(bytes, length);
}

static void write_log(um_log_level_t level, int id, apr_status_t status, const char *line,
                      void *baton)
{
    static const int levels[] = {
        [UM_LOG_CRIT] = APLOG_CRIT,       [UM_LOG_ERR] = APLOG_ERR,
        [UM_LOG_WARNING] = APLOG_WARNING, [UM_LOG_NOTICE] = APLOG_NOTICE,
        [UM_LOG_INFO] = APLOG_INFO,       [UM_LOG_DEBUG] = APLOG_DEBUG,
    };
    um_server_host_t *host = baton;

    ap_log_error(APLOG_MARK, levels[level], status, host->server, "UM%04d: %s", id, line);
}

/* ---- all processes ---- */

apr_status_t um_runtime_register(apr_pool_t *pconf)
{
    return ap_mutex_register(pconf, MUTEX_TYPE, NULL, APR_LOCK_DEFAULT, 0);
}

int um_runtime_is_used(const server_rec *server)
{
    const um_config_server_t *config = um_config_server(server);

    return config->used == 1 || config->counts == 1;
}

int um_runtime_check(server_rec *server)
{
    int used = 0;

    for (server_rec *each = server; each != NULL; each = each->next) {
        used = used || um_runtime_is_used(each);
    }
    if (!used || ap_find_linked_module("mod_dbd.c") != NULL) {
        return 1;
    }
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server,
                 "UM0042: mod_usermgmt needs mod_dbd: LoadModule dbd_module modules/mod_dbd.so, "
                 "DBDriver and DBDParams");
    return 0;
}

apr_status_t um_runtime_create_mutex(apr_global_mutex_t **mutex, const char *type,
                                     server_rec *server)
{
    apr_status_t status;

    /* Logs by itself where it fails. */
    status = ap_global_mutex_create(mutex, NULL, type, NULL, server, server->process->pool, 0);
    if (status != APR_SUCCESS) {
        return status;
    }
    if (strcmp(apr_global_mutex_name(*mutex), "posixsem") == 0) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server,
                     "UM0043: Mutex posixsem can't be used for %s: it stays locked "
                     "when a process is killed; use pthread or fcntl",
                     type);
        return APR_ENOTIMPL;
    }
    return APR_SUCCESS;
}

static apr_status_t make_shared(um_shared_t *made, server_rec *server)
{
    apr_pool_t *pool = server->process->pool;
    apr_status_t status = um_runtime_create_mutex(&made->mutex, MUTEX_TYPE, server);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = apr_shm_create(&made->shm, sizeof(*made->generation), NULL, pool);
    if (status != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, status, server, "UM0044: no shared memory");
        return status;
    }
    made->generation = apr_shm_baseaddr_get(made->shm);
    apr_atomic_set32(made->generation, 0);
    return APR_SUCCESS;
}

apr_status_t um_runtime_init(apr_pool_t *pconf, server_rec *server)
{
    (void)pconf;
    dbd_open = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_open);
    dbd_close = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_close);
    shared = ap_retained_data_get(RETAINED_KEY);
    if (shared == NULL) {
        shared = ap_retained_data_create(RETAINED_KEY, sizeof(*shared));
    }
    return shared->mutex != NULL && shared->shm != NULL ? APR_SUCCESS
                                                        : make_shared(shared, server);
}

apr_uint32_t um_runtime_generation(void)
{
    return apr_atomic_read32(shared->generation);
}

void um_runtime_raise_generation(void)
{
    apr_atomic_inc32(shared->generation);
}

/* ---- a child process ---- */

static void start_server(server_rec *server, um_writer_t *writer, apr_pool_t *pool)
{
    static const um_host_t template = { NULL, acquire, release, lock, unlock,
                                        now,  um_runtime_random, write_log };
    const um_config_server_t *config = um_config_server(server);
    um_server_host_t *host = apr_pcalloc(pool, sizeof(*host));
    apr_pool_t *scratch;

    host->host = template;
    host->host.baton = host;
    host->server = server;
    host->store = um_store_create(&host->host, writer, config->auto_schema != 0, pool);
    if (ap_find_linked_module("mod_watchdog.c") == NULL) {
        um_store_set_folding(host->store, FOLD_EVERY);
    }
    apr_hash_set(hosts, &host->server, sizeof(host->server), host);
    if (um_runtime_is_used(server)) {
        /* Early, so that what is wrong is in the log before anybody asks; a
         * database that is down now is tried again at the first request. */
        apr_pool_create(&scratch, pool);
        um_store_prepare(host->store, scratch);
        apr_pool_destroy(scratch);
    }
}

void um_runtime_init_child(apr_pool_t *pool, server_rec *server)
{
    um_writer_t *writer = NULL;
    int threads = 1;
    apr_status_t status;

    hosts = apr_hash_make(pool);
    if (dbd_open == NULL) {
        return;
    }
    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    /* The writer is one more. */
    acquiring_max = (apr_uint32_t)(threads > 4 ? threads - threads / 4 : threads) + 1;
    status = apr_global_mutex_child_init(&shared->mutex,
                                         apr_global_mutex_lockfile(shared->mutex), pool);
    if (status == APR_SUCCESS) {
        status = um_writer_create(&writer, pool);
    }
    if (status != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, status, server, "UM0045: can't start the writer");
        return;
    }
    for (; server != NULL; server = server->next) {
        start_server(server, writer, pool);
    }
}

um_store_t *um_runtime_store(const server_rec *server)
{
    um_server_host_t *host = apr_hash_get(hosts, &server, sizeof(server));

    return host != NULL ? host->store : NULL;
}
