/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file sessions.c Sessions counted and written, see sessions.h. */

#include "sessions.h"

#include <apr_atomic.h>
#include <apr_hash.h>
#include <apr_shm.h>
#include <apr_siphash.h>
#include <apr_strings.h>
#include <util_mutex.h>

#include "../base/address.h"
#include "../core/session_table.h"
#include "../core/store.h"
#include "../core/store_sessions.h"
#include "caller.h"
#include "config_number.h"
#include "key_door.h"
#include "log.h"
#include "module.h"
#include "mutexes.h"
#include "runtime.h"
#include "watchdog.h"

#define MUTEX_TYPE "usermgmt-sessions"
/* Change this name whenever the layout of the table, or the meaning of its texts, changes,
 * because a graceful restart may load a newer module. */
#define RETAINED_KEY "usermgmt-sessions-2"

/* How long a request that begins a session waits for the table's lock. Its holder may be a
 * process that is stopped. */
#define LOCK_WAIT apr_time_from_msec(100)

/* About this many sessions are written in one transaction, because other changes wait for it. */
#define BATCH 500

/* Data that all processes share. It survives a graceful restart, with its sessions. */
typedef struct um_shared_sessions_t {
    apr_global_mutex_t *mutex;
    apr_shm_t *shm;
    apr_size_t size;
} um_shared_sessions_t;

/* The head of the shared memory; the table follows. */
typedef struct um_sessions_head_t {
    /* It was logged that the table is full, and nothing was written since. */
    apr_uint32_t full;
    apr_uint32_t unused;
} um_sessions_head_t;

static um_shared_sessions_t *shared;

/* server_rec to its place: a number that identifies a session's server also after the
 * configuration was read again. NULL if nothing is counted. */
static apr_hash_t *places;

/* This child's. */
static um_session_table_t *table;

static apr_status_t lock(void *baton)
{
    (void)baton;
    return um_runtime_lock(shared->mutex, LOCK_WAIT);
}

static void unlock(void *baton)
{
    (void)baton;
    apr_global_mutex_unlock(shared->mutex);
}

static const um_lock_t table_lock = { lock, unlock, NULL };

static um_sessions_head_t *head(void)
{
    return apr_shm_baseaddr_get(shared->shm);
}

/* ---- all processes ---- */

apr_status_t um_sessions_register(apr_pool_t *pconf)
{
    return ap_mutex_register(pconf, MUTEX_TYPE, NULL, APR_LOCK_DEFAULT, 0);
}

static apr_status_t make_shared(um_shared_sessions_t *made, apr_size_t size, server_rec *server)
{
    apr_pool_t *pool = server->process->pool;
    apr_status_t status = um_mutexes_create(&made->mutex, MUTEX_TYPE, NULL, server);

    if (status != APR_SUCCESS) {
        return status;
    }
    /* Memory without a name is all zero, and is freed with the last process. */
    status = apr_shm_create(&made->shm, sizeof(um_sessions_head_t) + um_session_table_size(size),
                            NULL, pool);
    if (status == APR_SUCCESS) {
        status = um_session_table_init((um_sessions_head_t *)apr_shm_baseaddr_get(made->shm) + 1,
                                       size, &um_runtime_random);
    }
    if (status != APR_SUCCESS) {
        um_log_server(server, SESSIONS_NO_MEMORY, status, size);
        return status;
    }
    made->size = size;
    return APR_SUCCESS;
}

static int is_taken(apr_uint64_t place, apr_pool_t *pool)
{
    for (apr_hash_index_t *i = apr_hash_first(pool, places); i != NULL; i = apr_hash_next(i)) {
        if (*(const apr_uint64_t *)apr_hash_this_val(i) == place) {
            return 1;
        }
    }
    return 0;
}

/* The place comes from data of the server that stay the same if other parts of its configuration
 * file are edited. */
static void add_place(server_rec *server, apr_pool_t *pool)
{
    static const unsigned char key[APR_SIPHASH_KSIZE] = "usermgmt-places";
    apr_uint64_t *place = apr_palloc(pool, sizeof(*place));
    server_rec **index = apr_pmemdup(pool, &server, sizeof(server));
    char *text = apr_psprintf(pool, "%d %s:%d", server->is_virtual,
                              server->server_hostname != NULL ? server->server_hostname : "",
                              server->port);

    for (const server_addr_rec *addr = server->addrs; addr != NULL; addr = addr->next) {
        text = apr_psprintf(pool, "%s %s:%d", text, addr->virthost, addr->host_port);
    }
    *place = apr_siphash24(text, strlen(text), key);
    while (is_taken(*place, pool)) {
        ++*place;
    }
    apr_hash_set(places, index, sizeof(*index), place);
}

static um_watchdog_work_t write_sessions;

static int are_counted(const server_rec *server)
{
    while (server != NULL && um_config_server(server)->counts != 1) {
        server = server->next;
    }
    return server != NULL;
}

int um_sessions_check(server_rec *server)
{
    return !are_counted(server) || um_mutexes_check(MUTEX_TYPE, server);
}

apr_status_t um_sessions_init(apr_pool_t *pconf, server_rec *server)
{
    apr_size_t size = (apr_size_t)um_config_number(um_config_server(server), UM_SESSION_TABLE);
    apr_status_t status = APR_SUCCESS;

    table = NULL;
    places = apr_hash_make(pconf);
    for (server_rec *each = server; each != NULL; each = each->next) {
        add_place(each, pconf);
    }
    if (!are_counted(server)) {
        places = NULL;
        return APR_SUCCESS;
    }
    shared = ap_retained_data_get(RETAINED_KEY);
    if (shared == NULL) {
        shared = ap_retained_data_create(RETAINED_KEY, sizeof(*shared));
    }
    if (shared->size == 0) {
        status = make_shared(shared, size, server);
    } else if (shared->size != size) {
        um_log_server(server, SESSIONS_FULL_RESTART, APR_SUCCESS);
    }
    if (status == APR_SUCCESS) {
        status = um_watchdog_add(MUTEX_TYPE, write_sessions, server,
                                 um_config_number(um_config_server(server), UM_SESSION_FLUSH),
                                 server, pconf);
    }
    return status;
}

void um_sessions_init_child(apr_pool_t *pool, server_rec *server)
{
    apr_status_t status;

    if (places == NULL) {
        return;
    }
    status = apr_global_mutex_child_init(&shared->mutex, apr_global_mutex_lockfile(shared->mutex),
                                         pool);
    if (status != APR_SUCCESS) {
        um_log_server(server, SESSIONS_NO_LOCK, status);
        return;
    }
    table = um_session_table_open(head() + 1, &table_lock, &um_runtime_random, pool);
}

static apr_uint64_t place_of(const server_rec *server)
{
    return *(const apr_uint64_t *)apr_hash_get(places, &server, sizeof(server));
}

/* ---- a request ---- */

/* After internal redirects the last request has the status that was sent. But an error document
 * does not make a success of a failure. */
static int has_succeeded(const request_rec *r)
{
    for (; r != NULL; r = r->next) {
        if (r->status >= HTTP_BAD_REQUEST) {
            return 0;
        }
    }
    return 1;
}

static void report(apr_status_t status, request_rec *r)
{
    if (status == APR_ENOSPC) {
        if (apr_atomic_cas32(&head()->full, 1, 0) == 0) {
            um_log_request(r, SESSIONS_FULL, APR_SUCCESS);
        }
    } else if (status != APR_SUCCESS) {
        um_log_request(r, SESSION_NOT_COUNTED, status);
    }
}

int um_sessions_count(request_rec *r)
{
    um_session_key_t key = { 0, NULL, NULL, um_config_activity(r) };
    apr_status_t status;

    if (table == NULL || key.activity == NULL || r->user == NULL || um_key_door_is_caller(r)
        || !has_succeeded(r)) {
        return DECLINED;
    }
    status = um_caller_name(&key.identity, &key.organization, r);
    if (status != APR_SUCCESS || key.identity == NULL || key.organization == NULL) {
        return DECLINED;
    }
    key.identity = um_address_identity_key(key.identity, r->pool);
    key.place = place_of(r->server);
    status = um_session_table_count(table, &key, r->request_time, apr_time_now(),
                                    um_config_directory_number(um_config_directory(r),
                                                               UM_SESSION_IDLE));
    report(status, r);
    return OK;
}

void um_sessions_get_use(apr_size_t *used, apr_size_t *size)
{
    *used = *size = 0;
    if (table != NULL) {
        um_session_table_get_use(used, size, table);
    }
}

/* ---- writing ---- */

static apr_status_t put(um_db_t *db, void *baton, apr_pool_t *pool)
{
    return um_store_sessions_put(db, baton, pool);
}

static int is_of(const um_session_entry_t *entry, const um_runtime_database_t *database)
{
    for (int i = 0; i < database->servers->nelts; i++) {
        if (entry->key.place == place_of(APR_ARRAY_IDX(database->servers, i, server_rec *))) {
            return 1;
        }
    }
    return 0;
}

/* The sessions of a batch that belong to a database, moved to an array of their own. */
static apr_array_header_t *take_those_of(apr_array_header_t *batch,
                                         const um_runtime_database_t *database)
{
    apr_array_header_t *taken = apr_array_make(batch->pool, 8, sizeof(um_session_entry_t));
    int kept = 0;

    for (int i = 0; i < batch->nelts; i++) {
        const um_session_entry_t *entry = &APR_ARRAY_IDX(batch, i, um_session_entry_t);

        if (is_of(entry, database)) {
            APR_ARRAY_PUSH(taken, um_session_entry_t) = *entry;
        } else {
            APR_ARRAY_IDX(batch, kept++, um_session_entry_t) = *entry;
        }
    }
    batch->nelts = kept;
    return taken;
}

/* One turn of writing. */
typedef struct um_turn_t {
    server_rec *server;
    /* Which databases have failed in this turn. */
    char *failed;
} um_turn_t;

/* Write the sessions of one database. If that fails, they stay in the table for the next turn. */
static void write_database(um_turn_t *turn, apr_array_header_t *batch,
                           const um_runtime_database_t *database)
{
    apr_array_header_t *sessions = take_those_of(batch, database);

    if (sessions->nelts == 0 || turn->failed[database->index]) {
        return;
    }
    if (database->store != NULL
        && um_store_change(database->store, put, sessions, batch->pool) == APR_SUCCESS) {
        um_session_table_written(table, sessions);
    } else {
        turn->failed[database->index] = 1;
    }
}

static void write_batch(um_turn_t *turn, apr_array_header_t *batch)
{
    for (int i = 0; i < um_runtime_database_count(); i++) {
        write_database(turn, batch, um_runtime_database(i));
    }
    if (batch->nelts > 0) {
        um_log_server(turn->server, SESSIONS_DROPPED, APR_SUCCESS, batch->nelts);
        um_session_table_written(table, batch);
    }
}

static void write_sessions(int stopping, void *baton, apr_pool_t *pool)
{
    int databases = um_runtime_database_count();
    um_turn_t turn = { baton, apr_pcalloc(pool, (apr_size_t)databases + 1) };
    apr_size_t position = 0;
    apr_status_t status;
    apr_pool_t *scratch;

    if (table == NULL) {
        return;
    }
    apr_pool_create(&scratch, pool);
    do {
        apr_array_header_t *batch = NULL;

        apr_pool_clear(scratch);
        status = um_session_table_collect(&batch, &position, table, BATCH, scratch);
        if (status == APR_SUCCESS) {
            write_batch(&turn, batch);
        }
    } while (status == APR_SUCCESS && position != 0 && um_watchdog_stopping() == stopping);
    if (memchr(turn.failed, 1, (size_t)databases) == NULL) {
        apr_atomic_set32(&head()->full, 0);
    }
    apr_pool_destroy(scratch);
}
