/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file pool.c The connections of a process to one database, see pool.h. */

#include "pool.h"

#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

#include <apr_portable.h>
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#include "../base/log.h"
#include "../base/metrics.h"
#include "../base/status.h"
#include "../base/ticks.h"
#include "wait.h"

/* Threads that connect at the same time, and their number with those that hang. SQLite needs
 * one. */
#define CONNECTORS 4
#define CONNECTORS_MAX 32

/* The pauses after failed attempts: the first and the longest. Each is half as long again as
 * the one before, so that a connection is made soon after a short outage. */
#define PAUSE_FIRST apr_time_from_msec(100)
#define PAUSE_LONGEST apr_time_from_sec(2)

/* One failure may be an accident. After this many the database is away. But if a connection
 * still works, the database only accepts no more, which is logged after some more failures. */
#define FAILURES_LEAST 2
#define FAILURES_TOLD 5

/* A database is not away if a connection has worked within this time. */
#define LATELY apr_time_from_sec(1)

/* A thread that connects for longer than this counts as one that hangs, and another thread
 * tries. */
#define HANGS_AFTER apr_time_from_sec(30)

/* An idle connection beyond the first ones is closed after this time; and how often a thread
 * checks that. */
#define IDLE_TIME apr_time_from_sec(60)
#define IDLE_LOOK apr_time_from_sec(10)

/* Connections beyond the first ones are made one by one, with a pause between them. A new
 * connection, and the empty caches of its process in the database, take processor time from
 * the working ones. */
#define GROW_PAUSE apr_time_from_msec(50)

/* Seconds between two lines about requests that got no connection. */
#define BUSY_PAUSE 10

/* How often, at most, all connections are closed because they may be read-only or belong to
 * another file. */
#define DRAIN_EVERY apr_time_from_sec(1)

/* How long the pool's end waits for threads that connect. */
#define END_TIME apr_time_from_msec(500)
#define END_PAUSE apr_time_from_msec(2)

#define ERROR_MAX_BYTES 512

/* All times of the pool are um_ticks(). */

/* The pool's data about a connection; in the connection's own memory pool. */
typedef struct um_slot_t {
    um_connection_t *connection;
    /* The thread that had it last. */
    apr_os_thread_t thread;
    apr_time_t released_at;
    struct um_slot_t *next;
} um_slot_t;

/* A thread that waits; this is on its stack. */
typedef struct um_waiter_t {
    struct um_waiter_t *next;
    apr_thread_cond_t *served;
    um_acquire_t which;
    um_slot_t *slot;
    int is_refused;
} um_waiter_t;

/* A thread that connects and closes. */
typedef struct um_connector_t {
    um_pool_t *pool;
    apr_thread_t *thread;
    /* When it began to connect; 0 if it does not connect now. */
    apr_time_t connecting_since;
    int has_ended;
} um_connector_t;

/* The mutex protects all members that are not constant. */
struct um_pool_t {
    um_pool_settings_t settings;
    const um_database_t *database;
    const um_host_t *host;
    apr_pool_t *memory;
    apr_thread_mutex_t *mutex;

    /* Threads that wait, in the order of their arrival. */
    um_waiter_t *first;
    um_waiter_t **last;
    int waiting;

    /* Idle connections, the one released last on top; and connections to close. */
    um_slot_t *idle;
    um_slot_t *closing;
    /* Idle or lent. */
    int open;

    um_connector_t connectors[CONNECTORS_MAX];
    int connector_count;
    /* Threads that connect, that have nothing to do, and that were made but don't run yet. */
    int connecting;
    int resting;
    int starting;
    apr_thread_cond_t *work;
    int stopping;
    /* All connections are being closed before a new one is opened; when that began, and how
     * often it did. */
    int is_draining;
    apr_time_t drained_at;
    unsigned drain_count;
    /* Threads that close. */
    int closers;
    /* settings.connected was called. */
    int has_connected;

    /* When a thread last began to make a connection. */
    apr_time_t connected_at;
    /* When a connection was last made, or last worked. */
    apr_time_t last_good;
    /* Attempts to connect that failed in a row, and when the next is due. */
    int failures;
    apr_interval_time_t pause;
    apr_time_t next_try;
    char error[ERROR_MAX_BYTES];
    int is_away;
    apr_time_t away_since;
    /* Requests refused since then. */
    unsigned refused;
    /* For um_log_is_due(), and how many waits timed out since that line was last logged. */
    volatile apr_uint32_t busy_logged_at;
    unsigned busy_count;
};

/* ---- the queue ---- */

static void append(um_pool_t *pool, um_waiter_t *waiter)
{
    *pool->last = waiter;
    pool->last = &waiter->next;
    pool->waiting++;
    um_metrics_add(UM_GAUGE_CONNECTIONS_WAITING, 1);
}

static void take_out(um_pool_t *pool, um_waiter_t **link)
{
    um_waiter_t *waiter = *link;

    *link = waiter->next;
    if (waiter->next == NULL) {
        pool->last = link;
    }
    waiter->next = NULL;
    pool->waiting--;
    um_metrics_add(UM_GAUGE_CONNECTIONS_WAITING, -1);
}

static void leave_queue(um_pool_t *pool, const um_waiter_t *waiter)
{
    um_waiter_t **link = &pool->first;

    while (*link != waiter) {
        link = &(*link)->next;
    }
    take_out(pool, link);
}

static void refuse_all(um_pool_t *pool)
{
    while (pool->first != NULL) {
        um_waiter_t *waiter = pool->first;

        take_out(pool, &pool->first);
        waiter->is_refused = 1;
        pool->refused++;
        apr_thread_cond_signal(waiter->served);
    }
}

/* ---- connections ---- */

/* A thread of the pool closes it later. */
static void drop(um_pool_t *pool, um_slot_t *slot)
{
    slot->next = pool->closing;
    pool->closing = slot;
    pool->open--;
    um_metrics_add(UM_GAUGE_CONNECTIONS_OPEN, -1);
    apr_thread_cond_signal(pool->work);
}

static um_slot_t *take_idle_at(um_slot_t **link)
{
    um_slot_t *slot = *link;

    *link = slot->next;
    slot->next = NULL;
    return slot;
}

/* The connection that this thread had last, because it has prepared the statements that this
 * thread needs. Otherwise the one that was used last. */
static um_slot_t *take_idle(um_pool_t *pool)
{
    apr_os_thread_t thread = apr_os_thread_current();

    for (um_slot_t **link = &pool->idle; *link != NULL; link = &(*link)->next) {
        if (apr_os_thread_equal((*link)->thread, thread)) {
            return take_idle_at(link);
        }
    }
    return pool->idle != NULL ? take_idle_at(&pool->idle) : NULL;
}

static void drop_idle(um_pool_t *pool)
{
    while (pool->idle != NULL) {
        drop(pool, take_idle_at(&pool->idle));
    }
}

/* All connections of a process to an SQLite file share the index of the log. If the first
 * connection opened it read-only, it stays read-only until the last one is closed. */
static void begin_draining(um_pool_t *pool)
{
    apr_time_t now = um_ticks();

    if (!pool->is_draining && (pool->drained_at == 0 || now - pool->drained_at >= DRAIN_EVERY)) {
        pool->is_draining = 1;
        pool->drained_at = now;
        pool->drain_count++;
        drop_idle(pool);
    }
}

/* Close the connections that have not been used for a long time. They are at the end. */
static void drop_unused(um_pool_t *pool)
{
    apr_time_t until = um_ticks() - IDLE_TIME;
    um_slot_t **link = &pool->idle;

    for (int kept = 0; *link != NULL;) {
        if (kept >= pool->settings.first && (*link)->released_at < until) {
            drop(pool, take_idle_at(link));
        } else {
            kept++;
            link = &(*link)->next;
        }
    }
}

static int count_hanging(const um_pool_t *pool)
{
    apr_time_t until = um_ticks() - HANGS_AFTER;
    int count = 0;

    for (int i = 0; i < pool->connector_count; i++) {
        apr_time_t since = pool->connectors[i].connecting_since;

        count += since != 0 && since < until;
    }
    return count;
}

/* Threads that connect, without those that hang, because these may never finish. */
static int count_connecting(const um_pool_t *pool)
{
    return pool->connecting - count_hanging(pool);
}

static int has_room(const um_pool_t *pool)
{
    return pool->open + count_connecting(pool) < pool->settings.connections;
}

/* Give a connection to the first thread that can use it, or keep it idle. A thread that needs
 * a new one is passed over for an old one. If there is no room to make a new one, the old one
 * is closed. */
static void hand_over(um_pool_t *pool, um_slot_t *slot, int is_new)
{
    um_waiter_t **link = &pool->first;

    for (; *link != NULL && !is_new && (*link)->which == UM_ACQUIRE_NEW; link = &(*link)->next) {
        if (!has_room(pool) && count_connecting(pool) == 0) {
            drop(pool, slot);
            return;
        }
    }
    if (*link != NULL) {
        um_waiter_t *waiter = *link;

        take_out(pool, link);
        waiter->slot = slot;
        apr_thread_cond_signal(waiter->served);
        return;
    }
    slot->next = pool->idle;
    pool->idle = slot;
}

/* ---- away and back ---- */

static void set_away(um_pool_t *pool, const char *error)
{
    pool->is_away = 1;
    pool->away_since = um_ticks();
    pool->refused = 0;
    drop_idle(pool);
    refuse_all(pool);
    um_log(pool->host, DATABASE_AWAY, APR_SUCCESS, error);
}

static void set_back(um_pool_t *pool)
{
    pool->is_away = 0;
    um_log(pool->host, DATABASE_BACK, APR_SUCCESS,
           (double)(um_ticks() - pool->away_since) / APR_USEC_PER_SEC, pool->refused);
}

static void note_good(um_pool_t *pool)
{
    pool->last_good = um_ticks();
    if (pool->is_away) {
        set_back(pool);
    }
}

static int was_good_lately(const um_pool_t *pool)
{
    return pool->last_good != 0 && um_ticks() - pool->last_good < LATELY;
}

static void note_failure(um_pool_t *pool, const char *error)
{
    pool->pause = pool->failures == 0 ? PAUSE_FIRST : pool->pause * 3 / 2;
    if (pool->pause > PAUSE_LONGEST) {
        pool->pause = PAUSE_LONGEST;
    }
    pool->failures++;
    pool->next_try = um_ticks() + pool->pause;
    apr_cpystrn(pool->error, error, sizeof(pool->error));
    if (pool->is_away || pool->failures < FAILURES_LEAST) {
        return;
    }
    if (!was_good_lately(pool)) {
        set_away(pool, pool->error);
    } else if (pool->failures == FAILURES_TOLD) {
        um_log(pool->host, DATABASE_FULL, APR_SUCCESS, pool->open, pool->error);
    }
}

/* Has a thread been connecting for a long time, and did no connection work meanwhile? A thread
 * that began before a connection worked may hang for minutes after the database is back. */
static int is_silent(const um_pool_t *pool)
{
    apr_time_t now = um_ticks();

    for (int i = 0; i < pool->connector_count; i++) {
        apr_time_t since = pool->connectors[i].connecting_since;

        if (since > pool->last_good && now - since >= pool->settings.wait) {
            return 1;
        }
    }
    return 0;
}

static void check_silent(um_pool_t *pool)
{
    if (!pool->is_away && is_silent(pool)) {
        set_away(pool, pool->error[0] != '\0' ? pool->error : "it does not answer");
    }
}

static void note_busy(um_pool_t *pool)
{
    pool->busy_count++;
    if (um_log_is_due(&pool->busy_logged_at, BUSY_PAUSE)) {
        um_log(pool->host, CONNECTIONS_SHORT, APR_SUCCESS, pool->busy_count,
               pool->settings.connections);
        pool->busy_count = 0;
    }
}

/* ---- threads that connect ---- */

/* How many more connections are needed than are being made. While the database is away, one
 * thread at a time tries, also if nobody waits. */
static int count_needed(const um_pool_t *pool)
{
    int connecting = count_connecting(pool);
    int needed = pool->waiting - connecting;

    if (pool->is_away || pool->failures > 0) {
        return (pool->is_away || needed > 0) && connecting == 0;
    }
    if (needed <= 0 && !pool->has_connected) {
        needed = pool->settings.first - pool->open - connecting;
    }
    return needed;
}

/* The time until one more connection may be made, in addition to the first ones. */
static apr_interval_time_t time_to_grow(const um_pool_t *pool)
{
    if (!pool->has_connected || pool->open < pool->settings.first) {
        return 0;
    }
    return count_connecting(pool) > 0 ? GROW_PAUSE : pool->connected_at + GROW_PAUSE - um_ticks();
}

/* Must a connection be made now? If not, *pause is the time until the next check; -1 means
 * to wait for a signal. */
static int must_connect(apr_interval_time_t *pause, um_pool_t *pool)
{
    apr_interval_time_t left;

    /* The thread that made one beyond the first ones comes here next, so one thread looks. */
    *pause = pool->open > pool->settings.first ? IDLE_LOOK : -1;
    if (pool->is_draining || count_needed(pool) <= 0) {
        return 0;
    }
    left = time_to_grow(pool);
    if (left > 0) {
        *pause = left;
        return 0;
    }
    if (!has_room(pool)) {
        if (pool->idle == NULL || count_connecting(pool) > 0) {
            return 0;
        }
        /* There is an idle one, so the waiting thread needs a new one. */
        drop(pool, take_idle_at(&pool->idle));
    }
    if (pool->failures > 0) {
        *pause = pool->next_try - um_ticks();
    }
    return pool->failures == 0 || *pause <= 0;
}

static void connect_one(um_connector_t *connector, apr_pool_t *scratch)
{
    um_pool_t *pool = connector->pool;
    um_connection_t *connection = NULL;
    const char *error = NULL;
    int may_make = pool->last_good == 0;
    unsigned drain_count = pool->drain_count;
    apr_status_t status;
    um_slot_t *slot;

    pool->connecting++;
    pool->connected_at = connector->connecting_since = um_ticks();
    apr_thread_mutex_unlock(pool->mutex);
    status = um_connection_open(&connection, &error, pool->database, may_make, scratch);
    apr_thread_mutex_lock(pool->mutex);
    connector->connecting_since = 0;
    pool->connecting--;
    if (status != APR_SUCCESS) {
        note_failure(pool, apr_psprintf(scratch, "%s%s", error,
                                        um_database_place(pool->database, scratch)));
        return;
    }
    slot = apr_pcalloc(connection->pool, sizeof(*slot));
    slot->connection = connection;
    slot->thread = apr_os_thread_current();
    slot->released_at = um_ticks();
    connection->owner = slot;
    pool->open++;
    um_metrics_add(UM_GAUGE_CONNECTIONS_OPEN, 1);
    pool->failures = 0;
    pool->error[0] = '\0';
    note_good(pool);
    if (pool->drain_count != drain_count || pool->open > pool->settings.connections) {
        /* It was begun before a draining, or it hung while others were made. */
        drop(pool, slot);
    } else {
        hand_over(pool, slot, 1);
    }
}

static void close_one(um_pool_t *pool)
{
    um_slot_t *slot = pool->closing;

    pool->closing = slot->next;
    pool->closers++;
    apr_thread_mutex_unlock(pool->mutex);
    um_connection_close(slot->connection);
    apr_thread_mutex_lock(pool->mutex);
    pool->closers--;
    if (pool->open == 0 && pool->closing == NULL && pool->closers == 0) {
        pool->is_draining = 0;
    }
}

static void tell_connected(um_pool_t *pool)
{
    pool->has_connected = 1;
    apr_thread_mutex_unlock(pool->mutex);
    if (pool->settings.connected != NULL) {
        pool->settings.connected(pool->settings.baton);
    }
    apr_thread_mutex_lock(pool->mutex);
}

static void rest(um_pool_t *pool, apr_interval_time_t pause)
{
    pool->resting++;
    if (pause < 0) {
        apr_thread_cond_wait(pool->work, pool->mutex);
    } else {
        apr_thread_cond_timedwait(pool->work, pool->mutex, pause);
    }
    pool->resting--;
    drop_unused(pool);
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    um_connector_t *connector = data;
    um_pool_t *pool = connector->pool;
    apr_interval_time_t pause;
    apr_pool_t *scratch;

    (void)thread;
    /* The host's signals are not for this thread. */
    apr_setup_signal_thread();
    apr_pool_create_unmanaged_ex(&scratch, NULL, NULL);
    apr_thread_mutex_lock(pool->mutex);
    pool->starting--;
    while (!pool->stopping) {
        if (must_connect(&pause, pool)) {
            connect_one(connector, scratch);
            apr_pool_clear(scratch);
        } else if (pool->closing != NULL) {
            close_one(pool);
        } else if (!pool->has_connected && pool->open > 0) {
            tell_connected(pool);
        } else {
            rest(pool, pause);
        }
    }
    connector->has_ended = 1;
    apr_thread_mutex_unlock(pool->mutex);
    apr_pool_destroy(scratch);
    return NULL;
}

/* The largest number of threads that don't hang. */
static int connectors_max(const um_pool_t *pool)
{
    int count = um_dialect_traits(pool->database->dialect)->is_file ? 1 : CONNECTORS;

    count += count_hanging(pool);
    return count < CONNECTORS_MAX ? count : CONNECTORS_MAX;
}

/* Are all connections made and lent? Then a thread that makes connections has nothing to do, and
 * waking it for each request would cost more than the request's own wait. */
static int is_full(const um_pool_t *pool)
{
    return !pool->is_away && pool->failures == 0 && pool->idle == NULL && !has_room(pool);
}

/* Wake a thread that makes connections, or start one more if all are busy. */
static apr_status_t call_connector(um_pool_t *pool)
{
    um_connector_t *connector = &pool->connectors[pool->connector_count];
    apr_status_t status = APR_SUCCESS;

    if (is_full(pool)) {
        return APR_SUCCESS;
    }
    if (count_needed(pool) > pool->resting + pool->starting
        && pool->connector_count < connectors_max(pool)) {
        connector->pool = pool;
        status = apr_thread_create(&connector->thread, NULL, work, connector, pool->memory);
        if (status == APR_SUCCESS) {
            pool->connector_count++;
            pool->starting++;
        }
    }
    apr_thread_cond_signal(pool->work);
    return status;
}

/* ---- its end ---- */

/* Keep the library loaded whose code a hanging thread runs. */
static void pin_code(const void *address)
{
    Dl_info info;

    if (dladdr(address, &info) != 0) {
        dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
    }
}

/* A signal handler may end the process while some thread holds the mutex. */
static int lock_for_end(um_pool_t *pool)
{
    for (apr_time_t end = um_ticks() + END_TIME; um_ticks() < end; apr_sleep(END_PAUSE)) {
        if (apr_thread_mutex_trylock(pool->mutex) == APR_SUCCESS) {
            return 1;
        }
    }
    return 0;
}

/* The number of threads that have not ended in time. */
static int await_connectors(um_pool_t *pool)
{
    apr_time_t end = um_ticks() + END_TIME;
    int left = 1;

    while (left > 0) {
        left = 0;
        for (int i = 0; i < pool->connector_count; i++) {
            left += !pool->connectors[i].has_ended;
        }
        if (left > 0 && um_ticks() > end) {
            break;
        }
        apr_thread_mutex_unlock(pool->mutex);
        apr_sleep(left > 0 ? END_PAUSE : 0);
        apr_thread_mutex_lock(pool->mutex);
    }
    return left;
}

static void join_connectors(um_pool_t *pool)
{
    apr_status_t result;

    for (int i = 0; i < pool->connector_count; i++) {
        apr_thread_join(&result, pool->connectors[i].thread);
    }
}

static apr_status_t end_pool(void *data)
{
    um_pool_t *pool = data;
    int hanging = 1;

    if (lock_for_end(pool)) {
        pool->stopping = 1;
        refuse_all(pool);
        apr_thread_cond_broadcast(pool->work);
        hanging = await_connectors(pool);
        drop_idle(pool);
        apr_thread_mutex_unlock(pool->mutex);
    }
    if (hanging > 0) {
        pin_code((const void *)&work);
        pin_code(pool->database->driver);
        return APR_SUCCESS;
    }
    join_connectors(pool);
    for (um_slot_t *slot = pool->closing; slot != NULL;) {
        um_connection_t *connection = slot->connection;

        slot = slot->next;
        um_connection_close(connection);
    }
    if (pool->open == 0) {
        apr_pool_destroy(pool->memory);
    }
    return APR_SUCCESS;
}

/* ---- for all ---- */

apr_status_t um_pool_create(um_pool_t **pool, const um_pool_settings_t *settings,
                            const um_database_t *database, const um_host_t *host,
                            apr_pool_t *parent)
{
    um_pool_t *made;
    apr_pool_t *memory;
    apr_status_t status = apr_pool_create_unmanaged_ex(&memory, NULL, NULL);

    if (status != APR_SUCCESS) {
        return status;
    }
    made = apr_pcalloc(memory, sizeof(*made));
    made->settings = *settings;
    made->database = database;
    made->host = host;
    made->memory = memory;
    made->last = &made->first;
    status = apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, memory);
    if (status == APR_SUCCESS) {
        status = apr_thread_cond_create(&made->work, memory);
    }
    if (status != APR_SUCCESS) {
        apr_pool_destroy(memory);
        return status;
    }
    apr_pool_pre_cleanup_register(parent, made, end_pool);
    *pool = made;
    return APR_SUCCESS;
}

apr_status_t um_pool_start(um_pool_t *pool)
{
    apr_status_t status = APR_SUCCESS;

    um_metrics_add(UM_GAUGE_CONNECTIONS_LIMIT, pool->settings.connections);
    apr_thread_mutex_lock(pool->mutex);
    for (int i = 0; status == APR_SUCCESS && i < pool->settings.first; i++) {
        status = call_connector(pool);
    }
    apr_thread_mutex_unlock(pool->mutex);
    return status;
}

/* Wait in the queue. */
static um_slot_t *await_slot(um_pool_t *pool, um_waiter_t *waiter)
{
    apr_time_t start = um_ticks();
    apr_time_t end = start + pool->settings.wait;

    append(pool, waiter);
    call_connector(pool);
    while (waiter->slot == NULL && !waiter->is_refused
           && um_wait_until(end, waiter->served, pool->mutex)) {
    }
    um_metrics_observe(UM_HISTOGRAM_CONNECTION_WAIT, um_ticks() - start);
    if (waiter->slot == NULL && !waiter->is_refused) {
        leave_queue(pool, waiter);
        check_silent(pool);
        if (pool->is_away) {
            pool->refused++;
        } else {
            note_busy(pool);
        }
    }
    return waiter->slot;
}

static um_slot_t *acquire(um_pool_t *pool, um_waiter_t *waiter, apr_pool_t *scratch)
{
    um_slot_t *slot = NULL;

    check_silent(pool);
    if (pool->is_away || pool->stopping) {
        pool->refused++;
        if (pool->is_away) {
            /* The thread that tries may hang, so another one is needed. */
            call_connector(pool);
        }
        return NULL;
    }
    /* If there is an idle one, all waiting threads need a new one. */
    if (waiter->which == UM_ACQUIRE_ANY) {
        slot = take_idle(pool);
    }
    if (slot == NULL && apr_thread_cond_create(&waiter->served, scratch) == APR_SUCCESS) {
        slot = await_slot(pool, waiter);
    }
    return slot;
}

apr_status_t um_pool_acquire(um_connection_t **connection, um_pool_t *pool, um_acquire_t which,
                             apr_pool_t *scratch)
{
    um_waiter_t waiter = { NULL, NULL, which, NULL, 0 };
    um_slot_t *slot;
    int is_away;

    apr_thread_mutex_lock(pool->mutex);
    slot = acquire(pool, &waiter, scratch);
    is_away = pool->is_away;
    apr_thread_mutex_unlock(pool->mutex);
    if (waiter.served != NULL) {
        apr_thread_cond_destroy(waiter.served);
    }
    if (slot == NULL) {
        um_metrics_count(is_away ? UM_COUNTER_CONNECTIONS_AWAY : UM_COUNTER_CONNECTIONS_BUSY);
        return UM_EUNAVAILABLE;
    }
    um_metrics_add(UM_GAUGE_CONNECTIONS_USED, 1);
    *connection = slot->connection;
    return APR_SUCCESS;
}

void um_pool_release(um_connection_t *connection, um_pool_t *pool)
{
    um_slot_t *slot = connection->owner;

    um_metrics_add(UM_GAUGE_CONNECTIONS_USED, -1);
    apr_thread_mutex_lock(pool->mutex);
    slot->thread = apr_os_thread_current();
    slot->released_at = um_ticks();
    if (connection->closes_all) {
        begin_draining(pool);
    }
    if (connection->state == UM_CONNECTION_READY) {
        note_good(pool);
    }
    if (connection->state != UM_CONNECTION_READY || pool->is_draining) {
        drop(pool, slot);
    } else {
        hand_over(pool, slot, 0);
    }
    if (pool->waiting > 0) {
        call_connector(pool);
    }
    apr_thread_mutex_unlock(pool->mutex);
}
