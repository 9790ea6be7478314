/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file runtime.c The core inside httpd, see runtime.h. */

#include "runtime.h"

#include <ap_mpm.h>
#include <apr_atomic.h>
#include <apr_hash.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include <apr_version.h>
#include <http_config.h>
#include <util_mutex.h>

#include "../base/ticks.h"
#include "../core/shared_reads.h"
#include "../db/pool.h"
#include "config.h"
#include "config_database.h"
#include "log.h"
#include "module.h"
#include "mutexes.h"

#define MUTEX_TYPE "usermgmt-writer"
/* Change this name whenever um_shared_t changes, because a graceful restart may load a newer
 * module, and the retained data of the older one stays. */
#define RETAINED_KEY "usermgmt-shared-2"

/* Without mod_watchdog requests fold the counts, once after this many changes. */
#define FOLD_EVERY 256

/* Connections of a process to a database, if the configuration does not say how many: by the
 * number of threads, and within these bounds. */
#define CONNECTIONS_FOR(threads) ((threads) / 2)
#define CONNECTIONS_LEAST 4
#define CONNECTIONS_MOST 12

/* Connections that are made when a process starts. */
#define CONNECTIONS_FIRST 4

/* How long a process waits for another one that writes; and how long if the last wait timed
 * out. */
#define LOCK_WAIT apr_time_from_sec(5)
#define LOCK_WAIT_AGAIN apr_time_from_msec(100)

/* The lock between processes of an SQLite database. */
typedef struct um_file_lock_t {
    apr_global_mutex_t *mutex;
    /* The last wait of this process timed out. */
    volatile apr_uint32_t was_in_vain;
} um_file_lock_t;

/* If there are more databases, some share their number of changes. */
#define CHANGES_MAX 64

/* In shared memory. */
typedef struct um_shared_counters_t {
    apr_uint32_t generation;
    apr_uint32_t changes[CHANGES_MAX];
    /* When the current configuration was read, by um_ticks(). */
    volatile apr_time_t configured_at;
} um_shared_counters_t;

/* Data that all processes share. It survives a graceful restart, because old and new processes
 * must still lock out each other. */
typedef struct um_shared_t {
    /* A path to its um_file_lock_t. One that is not configured any more stays. */
    apr_hash_t *locks;
    apr_shm_t *shm;
    um_shared_counters_t *counters;
} um_shared_t;

/* A database, with data for this file only. */
typedef struct um_host_database_t {
    um_runtime_database_t shown;
    const char *driver;
    /* -1 if the configuration does not say. */
    apr_int64_t connections;
    apr_interval_time_t wait;
    int auto_schema;
    /* It must not be used, see database_file.h. */
    int is_refused;
    /* NULL where the database has many writers. */
    um_file_lock_t *lock;
    /* In a child process. */
    um_host_t host;
    um_pool_t *pool;
    um_limit_t *searches;
} um_host_database_t;

static um_shared_t *shared;

/* Of um_host_database_t *; and server_rec to its um_host_database_t. */
static apr_array_header_t *databases;
static apr_hash_t *databases_of_servers;

/* ---- the core's host ---- */

static apr_status_t acquire(um_connection_t **connection, um_acquire_t which, void *baton,
                            apr_pool_t *pool)
{
    um_host_database_t *database = baton;

    if (database->is_refused) {
        return UM_EUNAVAILABLE;
    }
    return um_pool_acquire(connection, database->pool, which, pool);
}

static void release(um_connection_t *connection, void *baton)
{
    um_host_database_t *database = baton;

    um_pool_release(connection, database->pool);
}

#if APR_VERSION_AT_LEAST(1, 7, 0)
apr_status_t um_runtime_lock(apr_global_mutex_t *mutex, apr_interval_time_t wait)
{
    return apr_global_mutex_timedlock(mutex, wait);
}
#else
/* The pause between two attempts to lock a mutex. */
#define LOCK_PAUSE apr_time_from_msec(1)

apr_status_t um_runtime_lock(apr_global_mutex_t *mutex, apr_interval_time_t wait)
{
    apr_time_t end = um_ticks() + wait;
    apr_status_t status = apr_global_mutex_trylock(mutex);

    while (APR_STATUS_IS_EBUSY(status) && um_ticks() < end) {
        apr_sleep(LOCK_PAUSE);
        status = apr_global_mutex_trylock(mutex);
    }
    return status;
}
#endif

static apr_status_t lock(void *baton)
{
    um_file_lock_t *lock = baton;
    apr_interval_time_t wait = apr_atomic_read32(&lock->was_in_vain) ? LOCK_WAIT_AGAIN
                                                                     : LOCK_WAIT;
    apr_status_t status = um_runtime_lock(lock->mutex, wait);

    apr_atomic_set32(&lock->was_in_vain, status != APR_SUCCESS);
    return status;
}

static void unlock(void *baton)
{
    apr_global_mutex_unlock(((um_file_lock_t *)baton)->mutex);
}

static apr_time_t now(void *baton)
{
    (void)baton;
    return apr_time_now();
}

static apr_status_t fill_random(unsigned char *bytes, apr_size_t length, void *baton)
{
    (void)baton;
    return apr_generate_random_bytes(bytes, length);
}

const um_random_t um_runtime_random = { fill_random, NULL };

static void write_log(um_log_level_t level, int id, apr_status_t status, const char *line,
                      void *baton)
{
    static const int levels[] = {
        [UM_LOG_CRIT] = APLOG_CRIT,       [UM_LOG_ERR] = APLOG_ERR,
        [UM_LOG_WARNING] = APLOG_WARNING, [UM_LOG_NOTICE] = APLOG_NOTICE,
        [UM_LOG_INFO] = APLOG_INFO,       [UM_LOG_DEBUG] = APLOG_DEBUG,
    };
    um_host_database_t *database = baton;

    (void)id;
    ap_log_error(APLOG_MARK, levels[level], status, um_runtime_database_server(&database->shown),
                 "%s", line);
}

/* ---- all processes ---- */

apr_status_t um_runtime_register(apr_pool_t *pconf)
{
    return ap_mutex_register(pconf, MUTEX_TYPE, NULL, APR_LOCK_DEFAULT, 0);
}

int um_runtime_is_used(const server_rec *server)
{
    const um_config_server_t *config = um_config_server(server);

    return config->used == 1 || config->counts == 1 || config->keys == 1 || config->checks == 1;
}

int um_runtime_database_count(void)
{
    return databases->nelts;
}

const um_runtime_database_t *um_runtime_database(int index)
{
    return &APR_ARRAY_IDX(databases, index, um_host_database_t *)->shown;
}

int um_runtime_database_of(const server_rec *server)
{
    const um_host_database_t *database = apr_hash_get(databases_of_servers, &server,
                                                      sizeof(server));

    return database != NULL ? database->shown.index : -1;
}

server_rec *um_runtime_database_server(const um_runtime_database_t *database)
{
    return APR_ARRAY_IDX(database->servers, 0, server_rec *);
}

static int has_same_init_sql(const apr_array_header_t *a, const apr_array_header_t *b)
{
    int count = a != NULL ? a->nelts : 0;

    if (count != (b != NULL ? b->nelts : 0)) {
        return 0;
    }
    for (int i = 0; i < count; i++) {
        if (strcmp(APR_ARRAY_IDX(a, i, const char *), APR_ARRAY_IDX(b, i, const char *)) != 0) {
            return 0;
        }
    }
    return 1;
}

static um_host_database_t *find_database(const um_config_database_t *config)
{
    for (int i = 0; i < databases->nelts; i++) {
        um_host_database_t *database = APR_ARRAY_IDX(databases, i, um_host_database_t *);

        if (strcmp(database->driver, config->driver) == 0
            && strcmp(database->shown.database.params, config->params) == 0
            && has_same_init_sql(database->shown.database.init_sql, config->init_sql)) {
            return database;
        }
    }
    return NULL;
}

static um_host_database_t *add_database(const um_config_database_t *config, apr_pool_t *pconf)
{
    um_host_database_t *database = apr_pcalloc(pconf, sizeof(*database));

    database->shown.index = databases->nelts;
    database->shown.database.params = config->params;
    database->shown.database.init_sql = config->init_sql;
    database->shown.servers = apr_array_make(pconf, 1, sizeof(server_rec *));
    database->driver = config->driver;
    database->auto_schema = 1;
    APR_ARRAY_PUSH(databases, um_host_database_t *) = database;
    return database;
}

/* If servers that share a database differ, the larger number counts, and the schema is made only
 * if all of them allow it. */
static void add_server(um_host_database_t *database, server_rec *server, apr_pool_t *pconf)
{
    const um_config_server_t *config = um_config_server(server);
    apr_int64_t connections = um_config_number(config, UM_CONNECTIONS);
    apr_interval_time_t wait = um_config_number(config, UM_CONNECTION_WAIT);
    server_rec **key = apr_pmemdup(pconf, &server, sizeof(server));

    APR_ARRAY_PUSH(database->shown.servers, server_rec *) = server;
    apr_hash_set(databases_of_servers, key, sizeof(*key), database);
    database->shown.is_used = database->shown.is_used || um_runtime_is_used(server);
    database->auto_schema = database->auto_schema && config->auto_schema != 0;
    if (connections > database->connections) {
        database->connections = connections;
    }
    if (wait > database->wait) {
        database->wait = wait;
    }
}

static int check_file(server_rec *server, apr_pool_t *ptemp)
{
    um_database_file_t file;

    um_config_database_file(&file, um_config_server(server));
    return !um_runtime_is_used(server) || um_database_file_check(&file, server, ptemp);
}

/* For the log. The main server has no port of its own if only Listen gives one. */
static const char *name_of(const server_rec *server, apr_pool_t *pool)
{
    const char *host = server->server_hostname != NULL ? server->server_hostname : "";
    apr_port_t port = server->port;

    if (port == 0 && server->addrs != NULL) {
        port = server->addrs->host_port;
    }
    return port != 0 ? apr_psprintf(pool, "%s:%d", host, port) : host;
}

/* Returns 0 if a server that needs a database has none. */
static int find_of_server(server_rec *server, apr_pool_t *pconf)
{
    um_config_database_t config = { NULL, NULL, NULL };
    um_host_database_t *database;

    if (!um_config_database(&config, um_config_server(server))) {
        if (um_runtime_is_used(server)) {
            um_log_server(server, NO_DATABASE, APR_SUCCESS, name_of(server, pconf));
            return 0;
        }
        return 1;
    }
    database = find_database(&config);
    if (database == NULL) {
        database = add_database(&config, pconf);
    }
    add_server(database, server, pconf);
    return 1;
}

/* A database that nothing needs may belong to another module, and be of any kind. */
static int load_driver(um_host_database_t *database, apr_pool_t *pconf)
{
    apr_status_t status = um_database_find_driver(&database->shown.database, database->driver,
                                                  pconf);
    server_rec *server = um_runtime_database_server(&database->shown);

    if (status == APR_SUCCESS || !database->shown.is_used) {
        return 1;
    }
    if (status == UM_EINVALID) {
        um_log_server(server, DRIVER_NOT_SUPPORTED, APR_SUCCESS, database->driver);
    } else {
        um_log_server(server, DRIVER_NOT_INSTALLED, status, database->driver);
    }
    return 0;
}

static int has_single_writer(const um_host_database_t *database)
{
    return um_dialect_traits(database->shown.database.dialect)->has_single_writer;
}

/* Does a database need the lock between processes? */
static int needs_lock(const um_host_database_t *database)
{
    return database->shown.database.driver != NULL && has_single_writer(database);
}

/* Log that mod_dbd's numbers do not apply to the connections of this module. */
static void tell_of_sizes(server_rec *server)
{
    for (; server != NULL; server = server->next) {
        const um_config_server_t *config = um_config_server(server);

        if (um_runtime_is_used(server) && config->has_dbd_size == 1
            && um_config_number(config, UM_CONNECTIONS) == 0) {
            um_log_server(server, DBD_SETTINGS_UNUSED, APR_SUCCESS);
            return;
        }
    }
}

int um_runtime_check(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *server)
{
    int is_good = 1;
    int locks = 0;

    databases = apr_array_make(pconf, 2, sizeof(um_host_database_t *));
    databases_of_servers = apr_hash_make(pconf);
    for (server_rec *each = server; is_good && each != NULL; each = each->next) {
        is_good = check_file(each, ptemp) && find_of_server(each, pconf);
    }
    for (int i = 0; i < databases->nelts; i++) {
        um_host_database_t *database = APR_ARRAY_IDX(databases, i, um_host_database_t *);

        is_good = load_driver(database, pconf) && is_good;
        locks = locks || needs_lock(database);
    }
    return is_good && (!locks || um_mutexes_check(MUTEX_TYPE, server));
}

static apr_status_t make_shared(um_shared_t *made, server_rec *server)
{
    apr_pool_t *pool = server->process->pool;
    apr_status_t status = apr_shm_create(&made->shm, sizeof(*made->counters), NULL, pool);

    if (status != APR_SUCCESS) {
        um_log_server(server, NO_SHARED_MEMORY, status);
        return status;
    }
    made->counters = apr_shm_baseaddr_get(made->shm);
    memset(made->counters, 0, sizeof(*made->counters));
    made->locks = apr_hash_make(pool);
    return APR_SUCCESS;
}

/* The lock of an SQLite database, made once for as long as the server runs. */
static apr_status_t find_lock(um_host_database_t *database, server_rec *server)
{
    apr_pool_t *pool = server->process->pool;
    const char *path = database->shown.database.params;
    apr_status_t status;
    um_file_lock_t *lock = apr_hash_get(shared->locks, path, APR_HASH_KEY_STRING);

    if (lock == NULL) {
        lock = apr_pcalloc(pool, sizeof(*lock));
        status = um_mutexes_create(&lock->mutex, MUTEX_TYPE,
                                   apr_psprintf(pool, "%u", apr_hash_count(shared->locks)),
                                   server);
        if (status != APR_SUCCESS) {
            return status;
        }
        apr_hash_set(shared->locks, apr_pstrdup(pool, path), APR_HASH_KEY_STRING, lock);
    }
    database->lock = lock;
    return APR_SUCCESS;
}

/* The file of a database that is used and is a file; 0 for others. */
static int get_file(um_database_file_t *file, const um_host_database_t *database)
{
    um_config_database_file(file, um_config_server(um_runtime_database_server(&database->shown)));
    return database->shown.is_used && needs_lock(database);
}

void um_runtime_advise(apr_pool_t *ptemp)
{
    for (int i = 0; i < databases->nelts; i++) {
        const um_host_database_t *database = APR_ARRAY_IDX(databases, i, um_host_database_t *);
        um_database_file_t file;

        if (get_file(&file, database)) {
            um_database_file_advise(&file, um_runtime_database_server(&database->shown), ptemp);
        }
    }
}

/* In the parent and not in a child, because a child may have connections of other modules. */
static void look_at_file(um_host_database_t *database, apr_pool_t *ptemp)
{
    um_database_file_t file;

    database->is_refused =
        get_file(&file, database)
        && !um_database_file_is_whole(&file, um_runtime_database_server(&database->shown), ptemp);
}

apr_status_t um_runtime_init(apr_pool_t *ptemp, server_rec *server)
{
    apr_status_t status = APR_SUCCESS;

    shared = ap_retained_data_get(RETAINED_KEY);
    if (shared == NULL) {
        shared = ap_retained_data_create(RETAINED_KEY, sizeof(*shared));
    }
    if (shared->shm == NULL) {
        status = make_shared(shared, server);
    }
    for (int i = 0; status == APR_SUCCESS && i < databases->nelts; i++) {
        um_host_database_t *database = APR_ARRAY_IDX(databases, i, um_host_database_t *);

        look_at_file(database, ptemp);
        if (needs_lock(database)) {
            status = find_lock(database, server);
        }
    }
    if (status == APR_SUCCESS) {
        shared->counters->configured_at = um_ticks();
    }
    tell_of_sizes(server);
    return status;
}

apr_uint32_t um_runtime_generation(void)
{
    return apr_atomic_read32(&shared->counters->generation);
}

void um_runtime_raise_generation(void)
{
    apr_atomic_inc32(&shared->counters->generation);
}

static apr_uint32_t *changes_of(const um_runtime_database_t *database)
{
    return &shared->counters->changes[database->index % CHANGES_MAX];
}

apr_uint32_t um_runtime_changes(const um_runtime_database_t *database)
{
    return apr_atomic_read32(changes_of(database));
}

/* ---- a child process ---- */

/* When the configuration of this process was read. */
static apr_time_t configured_at;

apr_time_t um_runtime_replaced_at(void)
{
    apr_time_t now_configured_at = shared->counters->configured_at;

    return now_configured_at != configured_at ? now_configured_at : 0;
}

static void changed(void *baton)
{
    apr_atomic_inc32(changes_of(&((um_host_database_t *)baton)->shown));
}

static void connected(void *baton)
{
    um_host_database_t *database = baton;
    apr_pool_t *scratch;

    apr_pool_create_unmanaged_ex(&scratch, NULL, NULL);
    um_store_prepare(database->shown.store, scratch);
    apr_pool_destroy(scratch);
}

static int threads_of_child(void)
{
    int threads = 1;

    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    return threads;
}

/* The number of connections, and how many of them are made at the start. */
static void fill_settings(um_pool_settings_t *settings, um_host_database_t *database)
{
    int threads = threads_of_child();
    int most = CONNECTIONS_FOR(threads);

    most = most < CONNECTIONS_LEAST ? CONNECTIONS_LEAST : most;
    most = most > CONNECTIONS_MOST ? CONNECTIONS_MOST : most;
    settings->connections = database->connections != 0 ? (int)database->connections : most;
    settings->wait = database->wait;
    settings->first = threads < CONNECTIONS_FIRST ? threads : CONNECTIONS_FIRST;
    if (settings->first > settings->connections) {
        settings->first = settings->connections;
    }
    if (!database->shown.is_used) {
        settings->first = 0;
    }
    settings->baton = database;
}

/* The limit of expensive lists: a quarter of the threads read them at a time, and never with more
 * than half of the connections, so that other requests have threads and connections. */
static apr_status_t make_searches(um_host_database_t *database, int connections, apr_pool_t *pool)
{
    int places = threads_of_child() / 4;

    places = places > connections / 2 ? connections / 2 : places;
    return um_limit_create(&database->searches, places > 0 ? (unsigned)places : 1, pool);
}

static apr_status_t make_pool(um_host_database_t *database, apr_pool_t *pool)
{
    um_pool_settings_t settings = { 0 };
    apr_status_t status;

    fill_settings(&settings, database);
    status = make_searches(database, settings.connections, pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    if (!has_single_writer(database) && database->shown.is_used) {
        /* Early, so that errors are in the log before the first request, but without waiting
         * for a server that may be silent. */
        settings.connected = connected;
    }
    return um_pool_create(&database->pool, &settings, &database->shown.database, &database->host,
                          pool);
}

static apr_status_t make_store(um_host_database_t *database, apr_pool_t *pool)
{
    um_dialect_t dialect = database->shown.database.dialect;
    um_writer_t *writer = NULL;
    apr_status_t status = APR_SUCCESS;

    if (has_single_writer(database)) {
        status = apr_global_mutex_child_init(&database->lock->mutex,
                                             apr_global_mutex_lockfile(database->lock->mutex),
                                             pool);
        if (status == APR_SUCCESS) {
            status = um_writer_create(&writer, pool);
        }
        if (status == APR_SUCCESS) {
            um_writer_set_searches(writer, database->searches);
        }
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    database->shown.store = um_store_create(&database->host, dialect, writer,
                                            database->auto_schema, pool);
    um_store_limit_searches(database->shown.store, database->searches);
    if (ap_find_linked_module("mod_watchdog.c") == NULL) {
        um_store_set_folding(database->shown.store, FOLD_EVERY);
    }
    return APR_SUCCESS;
}

/* An SQLite database is in the process, so a read has no way that others could share. */
static apr_status_t share_reads(const um_host_database_t *database, apr_pool_t *pool)
{
    const um_dialect_traits_t *traits = um_dialect_traits(database->shown.database.dialect);
    um_shared_reads_t *reads = NULL;
    apr_status_t status;

    if (traits->is_file) {
        return APR_SUCCESS;
    }
    status = um_shared_reads_create(&reads, pool);
    if (status == APR_SUCCESS) {
        um_store_share_reads(database->shown.store, traits->joins_reads ? reads : NULL, reads);
    }
    return status;
}

static apr_status_t start_all(um_host_database_t *database, apr_pool_t *pool)
{
    /* The writer ends before the pool of connections, because it is made later. */
    apr_status_t status = make_pool(database, pool);

    if (status == APR_SUCCESS) {
        status = make_store(database, pool);
    }
    if (status == APR_SUCCESS) {
        status = share_reads(database, pool);
    }
    if (status == APR_SUCCESS && !database->is_refused) {
        status = um_pool_start(database->pool);
    }
    return status;
}

static void fill_host(um_host_database_t *database)
{
    const um_host_t host = {
        .baton = database,
        .acquire = acquire,
        .release = release,
        .now = now,
        .random = um_runtime_random,
        .log = write_log,
        .changed = changed,
    };

    database->host = host;
    if (has_single_writer(database)) {
        database->host.lock = (um_lock_t){ lock, unlock, database->lock };
    }
}

static void start_database(um_host_database_t *database, apr_pool_t *pool)
{
    apr_status_t status;
    apr_pool_t *scratch;

    fill_host(database);
    status = start_all(database, pool);
    if (status != APR_SUCCESS) {
        database->shown.store = NULL;
        um_log_server(um_runtime_database_server(&database->shown), POOL_NOT_STARTED, status);
        return;
    }
    if (has_single_writer(database) && database->shown.is_used && !database->is_refused) {
        apr_pool_create(&scratch, pool);
        um_store_prepare(database->shown.store, scratch);
        apr_pool_destroy(scratch);
    }
}

void um_runtime_create_files(apr_pool_t *pool, server_rec *server)
{
    (void)server;
    for (int i = 0; i < databases->nelts; i++) {
        const um_host_database_t *database = APR_ARRAY_IDX(databases, i, um_host_database_t *);
        um_database_file_t file;

        if (get_file(&file, database) && !database->is_refused) {
            um_database_file_create(&file, pool);
        }
    }
}

void um_runtime_init_child(apr_pool_t *pool, server_rec *server)
{
    (void)server;
    configured_at = shared->counters->configured_at;
    for (int i = 0; i < databases->nelts; i++) {
        um_host_database_t *database = APR_ARRAY_IDX(databases, i, um_host_database_t *);

        if (database->shown.database.driver != NULL) {
            start_database(database, pool);
        }
    }
}

um_store_t *um_runtime_store(const server_rec *server)
{
    int index = um_runtime_database_of(server);

    return index != -1 ? um_runtime_database(index)->store : NULL;
}
