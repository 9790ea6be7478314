/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file health.c Whether the service can serve, see health.h. */

#include "health.h"

#include <apr_portable.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>
#include <http_protocol.h>

#include "../base/json.h"
#include "../base/ticks.h"
#include "../db/schema.h"
#include "../db/wait.h"
#include "config.h"
#include "log.h"
#include "plain_answer.h"
#include "runtime.h"

/* A result is used for so long. */
#define FRESH_TIME apr_time_from_sec(1)

/* How long requests wait for a check, from its beginning. After that they don't wait at all until
 * it ends. */
#define WAIT apr_time_from_sec(2)

/* How long the end of a process waits for a check. */
#define END_TIME apr_time_from_msec(500)

/* The check of a database. The mutex protects what follows it. */
typedef struct um_check_t {
    const um_runtime_database_t *database;
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *ended;
    /* NULL once the thread is joined. pool is the thread's. */
    apr_thread_t *thread;
    apr_pool_t *pool;
    int is_running;
    /* The log says that the running check gets no answer. */
    int is_told;
    apr_time_t began_at;
    /* Of the last check that has ended; 0 if there was none. */
    apr_time_t ended_at;
    apr_status_t status;
    int version;
} um_check_t;

/* Of um_check_t, by the index of the database; NULL in other processes. */
static apr_array_header_t *checks;

/* ---- the thread ---- */

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    um_check_t *check = data;
    int version = 0;
    apr_status_t status = UM_EUNAVAILABLE;

    (void)thread;
    /* A signal's handler may end the process, which waits for this thread. */
    apr_setup_signal_thread();
    if (check->database->store != NULL) {
        status = um_store_check(&version, check->database->store, check->pool);
    }
    apr_thread_mutex_lock(check->mutex);
    check->status = status;
    check->version = version;
    check->ended_at = um_ticks();
    check->is_running = 0;
    apr_thread_cond_broadcast(check->ended);
    apr_thread_mutex_unlock(check->mutex);
    return NULL;
}

/* The thread has left the check, or is about to. */
static void join(um_check_t *check)
{
    apr_status_t result;

    if (check->thread != NULL) {
        apr_thread_join(&result, check->thread);
        check->thread = NULL;
        apr_pool_destroy(check->pool);
    }
}

static void begin(um_check_t *check)
{
    join(check);
    check->is_told = 0;
    check->began_at = um_ticks();
    /* Not a child of the process's pool, which is destroyed while the thread may still work. */
    if (apr_pool_create_unmanaged_ex(&check->pool, NULL, NULL) != APR_SUCCESS) {
        return;
    }
    check->is_running = 1;
    if (apr_thread_create(&check->thread, NULL, run, check, check->pool) != APR_SUCCESS) {
        check->is_running = 0;
        check->status = UM_EUNAVAILABLE;
        check->ended_at = check->began_at;
        check->thread = NULL;
        apr_pool_destroy(check->pool);
    }
}

static void begin_if_due(um_check_t *check)
{
    if (!check->is_running
        && (check->ended_at == 0 || um_ticks() - check->ended_at >= FRESH_TIME)) {
        begin(check);
    }
}

static apr_status_t end_checks(void *unused)
{
    apr_time_t end = um_ticks() + END_TIME;

    (void)unused;
    for (int i = 0; i < checks->nelts; i++) {
        um_check_t *check = &APR_ARRAY_IDX(checks, i, um_check_t);
        int is_running;

        apr_thread_mutex_lock(check->mutex);
        while (check->is_running && um_wait_until(end, check->ended, check->mutex)) {
        }
        is_running = check->is_running;
        apr_thread_mutex_unlock(check->mutex);
        if (!is_running) {
            join(check);
        }
    }
    return APR_SUCCESS;
}

void um_health_init_child(apr_pool_t *pool)
{
    apr_pool_t *memory;
    apr_status_t status;

    checks = NULL;
    /* Never destroyed, because a thread may hang until the process has ended. */
    status = apr_pool_create_unmanaged_ex(&memory, NULL, NULL);
    if (status != APR_SUCCESS) {
        return;
    }
    checks = apr_array_make(memory, um_runtime_database_count() + 1, sizeof(um_check_t));
    for (int i = 0; i < um_runtime_database_count() && status == APR_SUCCESS; i++) {
        um_check_t *check = apr_array_push(checks);

        memset(check, 0, sizeof(*check));
        check->database = um_runtime_database(i);
        status = apr_thread_mutex_create(&check->mutex, APR_THREAD_MUTEX_DEFAULT, memory);
        if (status == APR_SUCCESS) {
            status = apr_thread_cond_create(&check->ended, memory);
        }
    }
    if (status != APR_SUCCESS) {
        checks = NULL;
        return;
    }
    /* Before the connections and the store end. */
    apr_pool_pre_cleanup_register(pool, NULL, end_checks);
}

/* ---- the result ---- */

static um_check_t *find_check(int database)
{
    return checks != NULL && database >= 0 && database < checks->nelts
               ? &APR_ARRAY_IDX(checks, database, um_check_t)
               : NULL;
}

void um_health_begin(int database)
{
    um_check_t *check = find_check(database);

    if (check != NULL) {
        apr_thread_mutex_lock(check->mutex);
        begin_if_due(check);
        apr_thread_mutex_unlock(check->mutex);
    }
}

static void describe(um_health_t *health, apr_status_t status, int version)
{
    health->schema_version = version;
    if (status == APR_SUCCESS) {
        health->is_up = 1;
        health->database = "ok";
        health->schema = version < UM_SCHEMA_VERSION ? "old" : "ok";
    } else if (status == UM_ESCHEMA) {
        health->database = "ok";
        health->schema = "unusable";
    }
}

static void tell_no_answer(um_check_t *check)
{
    if (!check->is_told) {
        check->is_told = 1;
        um_log_server(um_runtime_database_server(check->database), HEALTH_NO_ANSWER, APR_SUCCESS,
                      (int)apr_time_sec(WAIT));
    }
}

void um_health_get(um_health_t *health, int database)
{
    const um_health_t down = { 0, "unavailable", "unknown", 0 };
    um_check_t *check = find_check(database);

    *health = down;
    if (check == NULL) {
        return;
    }
    apr_thread_mutex_lock(check->mutex);
    begin_if_due(check);
    while (check->is_running
           && um_wait_until(check->began_at + WAIT, check->ended, check->mutex)) {
    }
    if (check->is_running) {
        health->database = "no_answer";
        tell_no_answer(check);
    } else {
        describe(health, check->status, check->version);
    }
    apr_thread_mutex_unlock(check->mutex);
}

/* ---- the handler ---- */

int um_health_handle(request_rec *r)
{
    um_health_t health;
    um_buffer_t buffer;

    if (strcmp(r->handler, UM_HEALTH_HANDLER) != 0) {
        return DECLINED;
    }
    if (!um_plain_answer_allows(r)) {
        return HTTP_METHOD_NOT_ALLOWED;
    }
    um_health_get(&health, um_runtime_database_of(r->server));
    um_buffer_init(&buffer, 128, r->pool);
    um_buffer_putc(&buffer, '{');
    um_json_put_member(&buffer, "status", health.is_up ? "ok" : "unavailable");
    um_json_put_member(&buffer, "database", health.database);
    um_json_put_member(&buffer, "schema", health.schema);
    um_buffer_puts(&buffer, "}\n");
    return um_plain_answer_send(r, health.is_up ? HTTP_OK : HTTP_SERVICE_UNAVAILABLE,
                                "application/json", &buffer);
}
