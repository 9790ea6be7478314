/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_pool.c Connections lent in turn, made and closed by the pool's threads.
 *  Opening and closing one is replaced: it is held, and fails, as a test says. So is the
 *  clock, which a test can put forward, and the wait in the queue, which is counted. No test
 *  depends on the speed of the machine. */

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <apr_atomic.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#include "../../mod_usermgmt/base/status.h"
#include "../../mod_usermgmt/base/ticks.h"
#include "../../mod_usermgmt/db/pool.h"
#include "../../mod_usermgmt/db/wait.h"

#define MILLISECOND APR_TIME_C(1000)
#define SECOND (1000 * MILLISECOND)
#define LINES_MAX 64
#define TRIES_MAX 64
#define LENT_MAX 16
/* How long a request may wait where a test does not expect that it waits in vain; and how
 * long a test waits for something that must come. */
#define PATIENT (60 * SECOND)

/* A database that does as it is told, and what was seen of it. */
typedef struct world_t {
    apr_pool_t *pool;
    apr_thread_mutex_t *mutex;
    um_host_t host;
    um_database_t database;
    um_pool_t *connections;
    /* The parent of connections. */
    apr_pool_t *parent;
    /* How long opening takes. So many of the first tries are held until this is less. */
    apr_interval_time_t delay;
    int held;
    /* Opening fails with the text, so many times; -1 means always. */
    const char *error;
    int errors_left;
    int opened;
    int closed;
    int tries;
    apr_time_t tried_at[TRIES_MAX];
    /* Calls that waited in the queue. */
    int waits;
    /* Signals, to threads that wait in the queue and to the pool's own. */
    int signals;
    /* Threads to join, and connections to give back, if a test ends before it does so. */
    struct asker_t *askers;
    um_connection_t *lent[LENT_MAX];
    int connecting;
    int connecting_most;
    int connected;
    /* Numbers of log lines. */
    int lines[LINES_MAX];
    int line_count;
    char last_line[1024];
} world_t;

/* A thread that asks for a connection. */
typedef struct asker_t {
    apr_thread_t *thread;
    struct asker_t *next;
    um_acquire_t which;
    apr_status_t status;
    um_connection_t *connection;
    /* In which place it was served. */
    int place;
    int is_waiting;
    int done;
} asker_t;

static world_t *world;
/* The asker that this thread is. */
static __thread asker_t *self;

apr_status_t __wrap_um_connection_open(um_connection_t **connection, const char **error,
                                       const um_database_t *database, int may_make,
                                       apr_pool_t *pool);
void __wrap_um_connection_close(um_connection_t *connection);
apr_time_t __wrap_um_ticks(void);
apr_time_t __real_um_ticks(void);
int __wrap_um_wait_until(apr_time_t end, apr_thread_cond_t *signal, apr_thread_mutex_t *mutex);
int __real_um_wait_until(apr_time_t end, apr_thread_cond_t *signal, apr_thread_mutex_t *mutex);

apr_status_t __wrap_apr_thread_cond_signal(apr_thread_cond_t *cond);
apr_status_t __real_apr_thread_cond_signal(apr_thread_cond_t *cond);

/* By how many seconds the clock is fast. */
static volatile apr_uint32_t seconds_ahead;

apr_time_t __wrap_um_ticks(void)
{
    return __real_um_ticks() + apr_time_from_sec(apr_atomic_read32(&seconds_ahead));
}

static void let_pass(apr_uint32_t seconds)
{
    apr_atomic_add32(&seconds_ahead, seconds);
}

/* The mutex is the pool's, so that the thread waits before anybody else can change the queue. */
int __wrap_um_wait_until(apr_time_t end, apr_thread_cond_t *signal, apr_thread_mutex_t *mutex)
{
    apr_thread_mutex_lock(world->mutex);
    world->waits++;
    if (self != NULL) {
        self->is_waiting = 1;
    }
    apr_thread_mutex_unlock(world->mutex);
    return __real_um_wait_until(end, signal, mutex);
}

apr_status_t __wrap_apr_thread_cond_signal(apr_thread_cond_t *cond)
{
    apr_thread_mutex_lock(world->mutex);
    world->signals++;
    apr_thread_mutex_unlock(world->mutex);
    return __real_apr_thread_cond_signal(cond);
}

/* Wait until a try is not held any more, but not for ever. */
static void await_leave(int number)
{
    for (apr_time_t end = __real_um_ticks() + PATIENT; __real_um_ticks() < end;
         apr_sleep(MILLISECOND)) {
        int is_held;

        apr_thread_mutex_lock(world->mutex);
        is_held = number <= world->held;
        apr_thread_mutex_unlock(world->mutex);
        if (!is_held) {
            return;
        }
    }
}

apr_status_t __wrap_um_connection_open(um_connection_t **connection, const char **error,
                                       const um_database_t *database, int may_make,
                                       apr_pool_t *pool)
{
    apr_interval_time_t delay;
    apr_pool_t *own;
    int number;

    (void)may_make;
    (void)pool;
    apr_thread_mutex_lock(world->mutex);
    delay = world->delay;
    number = ++world->tries;
    world->tried_at[number % TRIES_MAX] = um_ticks();
    world->connecting++;
    if (world->connecting > world->connecting_most) {
        world->connecting_most = world->connecting;
    }
    apr_thread_mutex_unlock(world->mutex);
    apr_sleep(delay);
    await_leave(number);
    apr_thread_mutex_lock(world->mutex);
    world->connecting--;
    *error = world->errors_left != 0 ? world->error : NULL;
    world->errors_left -= *error != NULL && world->errors_left > 0;
    world->opened += *error == NULL;
    apr_thread_mutex_unlock(world->mutex);
    if (*error != NULL) {
        return UM_EUNAVAILABLE;
    }
    apr_pool_create_unmanaged_ex(&own, NULL, NULL);
    *connection = apr_pcalloc(own, sizeof(**connection));
    (*connection)->pool = own;
    (*connection)->database = database;
    (*connection)->state = UM_CONNECTION_READY;
    return APR_SUCCESS;
}

void __wrap_um_connection_close(um_connection_t *connection)
{
    apr_thread_mutex_lock(world->mutex);
    world->closed++;
    apr_thread_mutex_unlock(world->mutex);
    apr_pool_destroy(connection->pool);
}

static void note_line(um_log_level_t level, int id, apr_status_t status, const char *line,
                      void *baton)
{
    (void)level;
    (void)status;
    (void)baton;
    apr_thread_mutex_lock(world->mutex);
    assert_true(world->line_count < LINES_MAX);
    world->lines[world->line_count++] = id;
    apr_cpystrn(world->last_line, line, sizeof(world->last_line));
    apr_thread_mutex_unlock(world->mutex);
}

static void note_connected(void *baton)
{
    (void)baton;
    world->connected++;
}

static int lines_of(int id)
{
    int count = 0;

    apr_thread_mutex_lock(world->mutex);
    for (int i = 0; i < world->line_count; i++) {
        count += world->lines[i] == id;
    }
    apr_thread_mutex_unlock(world->mutex);
    return count;
}

static int set_up(void **state)
{
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    world = apr_pcalloc(pool, sizeof(*world));
    world->pool = pool;
    world->host.log = note_line;
    world->errors_left = -1;
    world->database.dialect = UM_DIALECT_POSTGRESQL;
    world->database.params = "";
    *state = world;
    apr_pool_create(&world->parent, pool);
    return apr_thread_mutex_create(&world->mutex, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS;
}

static void create(int connections, int first, apr_interval_time_t wait)
{
    um_pool_settings_t settings = { connections, first, wait, note_connected, NULL };

    assert_int_equal(um_pool_create(&world->connections, &settings, &world->database,
                                    &world->host, world->parent),
                     APR_SUCCESS);
}

static void start(int connections, int first, apr_interval_time_t wait)
{
    create(connections, first, wait);
    assert_int_equal(um_pool_start(world->connections), APR_SUCCESS);
}

/* The end of the pool: its memory is gone, what is in world stays. */
static void finish(void)
{
    apr_pool_destroy(world->parent);
    world->parent = NULL;
    world->connections = NULL;
}

/* Hold the tries up to a number. */
static void hold(int count)
{
    apr_thread_mutex_lock(world->mutex);
    world->held = count;
    apr_thread_mutex_unlock(world->mutex);
}

#define HOLD_ALL 1000000

static void set_error(const char *error)
{
    apr_thread_mutex_lock(world->mutex);
    world->error = error;
    apr_thread_mutex_unlock(world->mutex);
}

/* Note a connection as lent in place of another; NULL means none. */
static void note_lent(const um_connection_t *old, um_connection_t *new)
{
    int i = 0;

    apr_thread_mutex_lock(world->mutex);
    while (i < LENT_MAX && world->lent[i] != old) {
        i++;
    }
    if (i < LENT_MAX) {
        world->lent[i] = new;
    }
    apr_thread_mutex_unlock(world->mutex);
}

static apr_status_t take(um_connection_t **connection, um_acquire_t which)
{
    apr_pool_t *scratch;
    apr_status_t status;

    apr_pool_create_unmanaged_ex(&scratch, NULL, NULL);
    status = um_pool_acquire(connection, world->connections, which, scratch);
    apr_pool_destroy(scratch);
    if (status == APR_SUCCESS) {
        note_lent(NULL, *connection);
    }
    return status;
}

static void give(um_connection_t *connection)
{
    note_lent(connection, NULL);
    um_pool_release(connection, world->connections);
}

static void discard(um_connection_t *connection)
{
    connection->state = UM_CONNECTION_DOUBTFUL;
    give(connection);
}

static void give_all(void)
{
    for (int i = 0; i < LENT_MAX; i++) {
        if (world->lent[i] != NULL) {
            give(world->lent[i]);
        }
    }
}

static um_connection_t *take_one(void)
{
    um_connection_t *connection = NULL;

    assert_int_equal(take(&connection, UM_ACQUIRE_ANY), APR_SUCCESS);
    assert_non_null(connection);
    return connection;
}

static int value_of(const int *number)
{
    int value;

    apr_thread_mutex_lock(world->mutex);
    value = *number;
    apr_thread_mutex_unlock(world->mutex);
    return value;
}

/* Wait until a number is what it should be, or not: returns what it is at last. */
static int wait_while(const int *number, int least, int most)
{
    apr_time_t end = __real_um_ticks() + PATIENT;
    int value = value_of(number);

    for (; (value < least || value > most) && __real_um_ticks() < end; value = value_of(number)) {
        apr_sleep(MILLISECOND);
    }
    return value;
}

static void await(const int *number, int expected)
{
    assert_int_equal(wait_while(number, expected, expected), expected);
}

static void await_least(const int *number, int least)
{
    assert_in_range(wait_while(number, least, INT_MAX), least, INT_MAX);
}

static void await_line(int id)
{
    for (apr_time_t end = __real_um_ticks() + PATIENT; __real_um_ticks() < end;
         apr_sleep(MILLISECOND)) {
        if (lines_of(id) > 0) {
            return;
        }
    }
    fail_msg("no line %d", id);
}

/* ---- threads that ask ---- */

static int served;

static void *APR_THREAD_FUNC ask(apr_thread_t *thread, void *data)
{
    asker_t *asker = self = data;

    (void)thread;
    asker->status = take(&asker->connection, asker->which);
    apr_thread_mutex_lock(world->mutex);
    asker->place = served++;
    asker->is_waiting = 1;
    asker->done = 1;
    apr_thread_mutex_unlock(world->mutex);
    return NULL;
}

/* Returns when it waits in the queue, or is done. */
static asker_t *begin_asking(um_acquire_t which)
{
    asker_t *asker = apr_pcalloc(world->pool, sizeof(*asker));

    asker->which = which;
    assert_int_equal(apr_thread_create(&asker->thread, NULL, ask, asker, world->pool),
                     APR_SUCCESS);
    asker->next = world->askers;
    world->askers = asker;
    await(&asker->is_waiting, 1);
    return asker;
}

/* Nothing that was opened stays open, and no thread goes on into the next test, wherever the
 * test has ended. */
static int tear_down(void **state)
{
    apr_status_t result;

    (void)state;
    world->delay = 0;
    hold(0);
    wait_while(&world->connecting, 0, 0);
    if (world->connections != NULL) {
        give_all();
        finish();
    }
    for (asker_t *asker = world->askers; asker != NULL; asker = asker->next) {
        apr_thread_join(&result, asker->thread);
    }
    apr_pool_destroy(world->pool);
    return 0;
}

/* ---- the tests ---- */

static void the_first_ones_are_made_without_being_asked_for(void **state)
{
    (void)state;
    start(8, 3, PATIENT);
    await(&world->opened, 3);
    await(&world->connected, 1);
    apr_sleep(50 * MILLISECOND);
    assert_int_equal(world->opened, 3);
    assert_int_equal(world->connected, 1);
}

static void a_start_does_not_wait_for_the_database(void **state)
{
    (void)state;
    hold(HOLD_ALL);
    start(8, 4, PATIENT);
    assert_int_equal(value_of(&world->opened), 0);
    /* Several at a time. */
    await(&world->connecting, 4);
    hold(0);
    give(take_one());
    await(&world->opened, 4);
}

static void there_are_never_more_than_the_bound(void **state)
{
    enum { WAIT = 500 };
    um_connection_t *held[3];
    um_connection_t *none = NULL;
    apr_time_t began;

    (void)state;
    start(3, 3, WAIT * MILLISECOND);
    await(&world->opened, 3);
    for (int i = 0; i < 3; i++) {
        held[i] = take_one();
    }
    began = um_ticks();
    assert_int_equal(take(&none, UM_ACQUIRE_ANY), UM_EUNAVAILABLE);
    assert_true(um_ticks() - began >= (WAIT - 5) * MILLISECOND);
    assert_int_equal(lines_of(41), 1);
    assert_non_null(strstr(world->last_line, "one of 3 "));
    /* Not a line for each. */
    assert_int_equal(take(&none, UM_ACQUIRE_NEW), UM_EUNAVAILABLE);
    assert_int_equal(lines_of(41), 1);
    assert_int_equal(world->opened, 3);
    for (int i = 0; i < 3; i++) {
        give(held[i]);
    }
    give(take_one());
    assert_int_equal(world->opened, 3);
}

static volatile int may_give;

static void *APR_THREAD_FUNC take_and_give(apr_thread_t *thread, void *data)
{
    um_connection_t *connection = take_one();

    (void)thread;
    apr_thread_mutex_lock(world->mutex);
    *(int *)data = 1;
    apr_thread_mutex_unlock(world->mutex);
    while (!may_give) {
        apr_sleep(MILLISECOND);
    }
    give(connection);
    return NULL;
}

static void a_thread_gets_the_one_it_had(void **state)
{
    um_connection_t *mine;
    um_connection_t *again;
    apr_thread_t *thread;
    apr_status_t result;
    int has_taken = 0;

    (void)state;
    may_give = 0;
    start(4, 0, PATIENT);
    mine = take_one();
    assert_int_equal(apr_thread_create(&thread, NULL, take_and_give, &has_taken, world->pool),
                     APR_SUCCESS);
    await(&has_taken, 1);
    give(mine);
    may_give = 1;
    apr_thread_join(&result, thread);
    /* The other's is the last that was given back. */
    again = take_one();
    assert_ptr_equal(again, mine);
    give(again);
}

static void who_comes_first_is_served_first(void **state)
{
    enum { COUNT = 6 };
    asker_t *askers[COUNT];
    um_connection_t *only;

    (void)state;
    served = 0;
    start(1, 1, PATIENT);
    only = take_one();
    for (int i = 0; i < COUNT; i++) {
        askers[i] = begin_asking(UM_ACQUIRE_ANY);
    }
    for (int i = 0; i < COUNT; i++) {
        give(only);
        await(&askers[i]->done, 1);
        assert_int_equal(askers[i]->place, i);
        assert_int_equal(askers[i]->status, APR_SUCCESS);
        assert_ptr_equal(askers[i]->connection, only);
    }
    give(only);
    assert_int_equal(world->opened, 1);
}

/* The pool's own threads have nothing to do for them. */
static void those_that_wait_wake_nobody_else(void **state)
{
    um_connection_t *connection;
    asker_t *askers[3];
    int before;

    (void)state;
    start(1, 1, PATIENT);
    await(&world->connected, 1);
    connection = take_one();
    before = value_of(&world->signals);
    for (int i = 0; i < 3; i++) {
        askers[i] = begin_asking(UM_ACQUIRE_ANY);
        assert_int_equal(value_of(&world->waits), i + 1);
    }
    assert_int_equal(value_of(&world->signals), before);
    give(connection);
    for (int i = 0; i < 3; i++) {
        await(&askers[i]->done, 1);
        assert_int_equal(value_of(&world->signals), before + i + 1);
        give(askers[i]->connection);
    }
    assert_int_equal(value_of(&world->signals), before + 3);
}

static void an_idle_one_wakes_nobody(void **state)
{
    um_connection_t *held[2];
    int before;

    (void)state;
    start(2, 1, PATIENT);
    held[0] = take_one();
    held[1] = take_one();
    before = value_of(&world->signals);
    for (int i = 0; i < 5; i++) {
        give(held[0]);
        give(held[1]);
        held[0] = take_one();
        held[1] = take_one();
    }
    assert_int_equal(value_of(&world->signals), before);
    give(held[0]);
    give(held[1]);
}

static void one_in_doubt_is_closed_and_another_made(void **state)
{
    um_connection_t *one;

    (void)state;
    start(2, 0, PATIENT);
    one = take_one();
    discard(one);
    await(&world->closed, 1);
    give(take_one());
    assert_int_equal(world->opened, 2);
}

static void a_new_one_is_a_new_one(void **state)
{
    um_connection_t *old[2];
    um_connection_t *fresh = NULL;

    (void)state;
    start(2, 0, PATIENT);
    old[0] = take_one();
    old[1] = take_one();
    give(old[0]);
    give(old[1]);
    /* Both places are taken by idle ones. */
    assert_int_equal(take(&fresh, UM_ACQUIRE_NEW), APR_SUCCESS);
    assert_int_equal(world->opened, 3);
    await(&world->closed, 1);
    give(fresh);
}

static void who_wants_a_new_one_is_not_passed_over(void **state)
{
    um_connection_t *only;
    asker_t *first;
    asker_t *second;

    (void)state;
    served = 0;
    start(1, 1, PATIENT);
    only = take_one();
    first = begin_asking(UM_ACQUIRE_NEW);
    second = begin_asking(UM_ACQUIRE_ANY);
    give(only);
    await(&first->done, 1);
    await(&world->closed, 1);
    assert_int_equal(world->opened, 2);
    assert_int_equal(value_of(&second->done), 0);
    give(first->connection);
    await(&second->done, 1);
    give(second->connection);
    assert_int_equal(first->place, 0);
}

static void who_wants_a_new_one_keeps_nobody_from_an_idle_one(void **state)
{
    um_connection_t *old[2];
    um_connection_t *taken;
    asker_t *asker;

    (void)state;
    start(3, 0, PATIENT);
    old[0] = take_one();
    old[1] = take_one();
    give(old[0]);
    give(old[1]);
    hold(HOLD_ALL);
    asker = begin_asking(UM_ACQUIRE_NEW);
    await(&world->connecting, 1);
    taken = take_one();
    assert_true(taken == old[0] || taken == old[1]);
    give(taken);
    assert_int_equal(value_of(&asker->done), 0);
    hold(0);
    await(&asker->done, 1);
    assert_int_equal(asker->status, APR_SUCCESS);
    give(asker->connection);
    assert_int_equal(world->opened, 3);
}

static void a_database_that_is_away_refuses_at_once(void **state)
{
    um_connection_t *none = NULL;
    asker_t *asker;
    int tries;
    int waits;

    (void)state;
    set_error("nobody is there");
    hold(HOLD_ALL);
    start(4, 4, PATIENT);
    await(&world->connecting, 4);
    asker = begin_asking(UM_ACQUIRE_ANY);
    hold(0);
    /* Who waits when it is found out is told as well. */
    await(&asker->done, 1);
    assert_int_equal(asker->status, UM_EUNAVAILABLE);
    assert_int_equal(lines_of(91), 1);
    assert_non_null(strstr(world->last_line, "nobody is there"));
    await(&world->connecting, 0);
    apr_thread_mutex_lock(world->mutex);
    world->connecting_most = 0;
    tries = world->tries;
    waits = world->waits;
    apr_thread_mutex_unlock(world->mutex);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(take(&none, UM_ACQUIRE_ANY), UM_EUNAVAILABLE);
    }
    assert_int_equal(world->waits, waits);
    /* One at a time, with pauses that grow: 0.1 s, and each time half as long again. */
    await_least(&world->tries, tries + 4);
    assert_true(world->tried_at[tries + 4] - world->tried_at[tries + 2] >= 1200 * MILLISECOND);
    assert_int_equal(world->connecting_most, 1);
    assert_int_equal(world->connected, 0);
    set_error(NULL);
    await_line(92);
    assert_non_null(strstr(world->last_line, "; 1001 requests were refused"));
    give(take_one());
    await(&world->connected, 1);
    assert_int_equal(lines_of(91), 1);
    assert_int_equal(lines_of(92), 1);
}

static void one_failure_is_no_end(void **state)
{
    (void)state;
    world->error = "a mishap";
    world->errors_left = 1;
    start(1, 1, PATIENT);
    give(take_one());
    assert_int_equal(world->tries, 2);
    assert_int_equal(lines_of(91), 0);
}

static void a_database_without_room_for_more_is_not_away(void **state)
{
    um_connection_t *one;
    um_connection_t *none = NULL;

    (void)state;
    start(3, 1, 50 * MILLISECOND);
    await(&world->connected, 1);
    one = take_one();
    set_error("too many connections");
    for (int i = 0; i < 1000 && lines_of(93) == 0; i++) {
        assert_int_equal(take(&none, UM_ACQUIRE_ANY), UM_EUNAVAILABLE);
        /* What there is does its work. */
        give(one);
        one = take_one();
    }
    assert_int_equal(lines_of(91), 0);
    assert_int_equal(lines_of(93), 1);
    give(one);
}

static void a_silent_database_is_known(void **state)
{
    um_connection_t *none = NULL;
    int waits;

    (void)state;
    hold(HOLD_ALL);
    start(4, 4, 200 * MILLISECOND);
    await(&world->connecting, 4);
    assert_int_equal(take(&none, UM_ACQUIRE_ANY), UM_EUNAVAILABLE);
    assert_int_equal(lines_of(91), 1);
    waits = value_of(&world->waits);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(take(&none, UM_ACQUIRE_ANY), UM_EUNAVAILABLE);
    }
    assert_int_equal(world->waits, waits);
    assert_int_equal(lines_of(41), 0);
    hold(0);
    await_line(92);
    give(take_one());
}

/* Also when as many connections as there may be are never answered. */
static void a_database_that_hangs_is_tried_on(void **state)
{
    um_connection_t *none = NULL;

    (void)state;
    hold(HOLD_ALL);
    start(2, 1, 100 * MILLISECOND);
    for (int i = 1; i <= 4; i++) {
        assert_int_equal(take(&none, UM_ACQUIRE_ANY), UM_EUNAVAILABLE);
        await(&world->tries, i);
        let_pass(31);
    }
    hold(4);
    assert_int_equal(take(&none, UM_ACQUIRE_ANY), UM_EUNAVAILABLE);
    await_line(92);
    /* Those that hang began before it was back, so they don't mean that it is away again. */
    let_pass(5);
    give(take_one());
    assert_int_equal(lines_of(91), 1);
    hold(0);
    /* Those that are answered at last are too many. */
    await(&world->connecting, 0);
    await(&world->closed, world->opened - 2);
}

static void what_was_idle_when_it_went_is_closed(void **state)
{
    um_connection_t *some[2];

    (void)state;
    start(4, 0, PATIENT);
    some[0] = take_one();
    some[1] = take_one();
    give(some[1]);
    let_pass(2);
    set_error("gone");
    discard(some[0]);
    assert_int_equal(take(&some[0], UM_ACQUIRE_NEW), UM_EUNAVAILABLE);
    assert_int_equal(lines_of(91), 1);
    await(&world->closed, 2);
    set_error(NULL);
    await_line(92);
}

static void idle_ones_are_closed_but_for_the_first(void **state)
{
    enum { COUNT = 4 };
    um_connection_t *held[COUNT];

    (void)state;
    start(COUNT, 1, PATIENT);
    for (int i = 0; i < COUNT; i++) {
        held[i] = take_one();
    }
    /* Whoever has made them is at rest. */
    apr_sleep(50 * MILLISECOND);
    for (int i = 0; i < COUNT; i++) {
        give(held[i]);
    }
    apr_sleep(50 * MILLISECOND);
    let_pass(61);
    /* It is looked at every ten seconds. */
    await(&world->closed, COUNT - 1);
}

/* All of a file's connections share what was opened read-only. */
static void all_are_closed_before_one_is_opened_after_a_read_only_one(void **state)
{
    um_connection_t *some[3];
    asker_t *asker;

    (void)state;
    start(4, 0, PATIENT);
    for (int i = 0; i < 3; i++) {
        some[i] = take_one();
    }
    give(some[2]);
    some[0]->closes_all = 1;
    discard(some[0]);
    asker = begin_asking(UM_ACQUIRE_NEW);
    await(&world->closed, 2);
    apr_sleep(50 * MILLISECOND);
    assert_int_equal(world->opened, 3);
    assert_int_equal(value_of(&asker->done), 0);
    give(some[1]);
    await(&asker->done, 1);
    assert_int_equal(world->closed, 3);
    assert_int_equal(world->opened, 4);
    give(asker->connection);
}

/* Also if another thread has closed all others before it is made. */
static void one_that_is_made_while_all_are_closed_is_closed_too(void **state)
{
    um_connection_t *some[3];
    asker_t *asker;

    (void)state;
    /* Two threads connect, of which one is free to close. */
    hold(HOLD_ALL);
    start(4, 2, PATIENT);
    await(&world->connecting, 2);
    hold(0);
    some[0] = take_one();
    some[1] = take_one();
    hold(HOLD_ALL);
    asker = begin_asking(UM_ACQUIRE_NEW);
    await(&world->connecting, 1);
    discard(some[1]);
    some[0]->closes_all = 1;
    discard(some[0]);
    await(&world->closed, 2);
    hold(0);
    await(&asker->done, 1);
    assert_int_equal(asker->status, APR_SUCCESS);
    await(&world->closed, 3);
    assert_int_equal(world->opened, 4);
    give(asker->connection);
}

/* Each new connection beyond the first ones waits 50 ms. */
#define ROUNDS 100

typedef struct worker_t {
    apr_thread_t *thread;
    unsigned seed;
    int served;
    int refused;
} worker_t;

static volatile int in_use;
static volatile int in_use_most;

static void *APR_THREAD_FUNC work_hard(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;

    (void)thread;
    for (int i = 0; i < ROUNDS; i++) {
        um_connection_t *connection = NULL;
        unsigned dice = worker->seed = worker->seed * 1103515245 + 12345;

        if (take(&connection, dice % 7 == 0 ? UM_ACQUIRE_NEW : UM_ACQUIRE_ANY) != APR_SUCCESS) {
            worker->refused++;
            continue;
        }
        apr_thread_mutex_lock(world->mutex);
        in_use++;
        in_use_most = in_use > in_use_most ? in_use : in_use_most;
        apr_thread_mutex_unlock(world->mutex);
        if (dice % 3 == 0) {
            apr_sleep(dice / 65536 % 300);
        }
        apr_thread_mutex_lock(world->mutex);
        in_use--;
        apr_thread_mutex_unlock(world->mutex);
        if (dice % 11 == 0) {
            discard(connection);
        } else {
            give(connection);
        }
        worker->served++;
    }
    return NULL;
}

static void many_threads_get_along(void **state)
{
    enum { COUNT = 16 };
    worker_t workers[COUNT];
    apr_status_t result;

    (void)state;
    in_use = 0;
    in_use_most = 0;
    world->delay = MILLISECOND;
    start(5, 2, PATIENT);
    for (int i = 0; i < COUNT; i++) {
        memset(&workers[i], 0, sizeof(workers[i]));
        workers[i].seed = (unsigned)i + 1;
        assert_int_equal(apr_thread_create(&workers[i].thread, NULL, work_hard, &workers[i],
                                           world->pool),
                         APR_SUCCESS);
    }
    for (int i = 0; i < COUNT; i++) {
        apr_thread_join(&result, workers[i].thread);
        assert_int_equal(workers[i].served, ROUNDS);
        assert_int_equal(workers[i].refused, 0);
    }
    assert_true(in_use_most <= 5);
    assert_true(world->opened - world->closed <= 6);
    assert_int_equal(world->line_count, 0);
}

static void the_end_closes_all(void **state)
{
    (void)state;
    start(4, 3, PATIENT);
    await(&world->opened, 3);
    give(take_one());
    finish();
    assert_int_equal(world->closed, world->opened);
}

static void the_end_does_not_wait_for_one_that_hangs(void **state)
{
    um_connection_t *none = NULL;

    (void)state;
    hold(HOLD_ALL);
    start(4, 1, 100 * MILLISECOND);
    assert_int_equal(take(&none, UM_ACQUIRE_ANY), UM_EUNAVAILABLE);
    await(&world->connecting, 1);
    finish();
    assert_int_equal(value_of(&world->connecting), 1);
}

/* The sanitizers', where they are there. */
extern int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static void nothing_is_lost(void **state)
{
    (void)state;
    if (__lsan_do_recoverable_leak_check != NULL) {
        assert_int_equal(__lsan_do_recoverable_leak_check(), 0);
    }
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(the_first_ones_are_made_without_being_asked_for),
        WITH_WORLD(a_start_does_not_wait_for_the_database),
        WITH_WORLD(there_are_never_more_than_the_bound),
        WITH_WORLD(a_thread_gets_the_one_it_had),
        WITH_WORLD(who_comes_first_is_served_first),
        WITH_WORLD(those_that_wait_wake_nobody_else),
        WITH_WORLD(an_idle_one_wakes_nobody),
        WITH_WORLD(one_in_doubt_is_closed_and_another_made),
        WITH_WORLD(a_new_one_is_a_new_one),
        WITH_WORLD(who_wants_a_new_one_is_not_passed_over),
        WITH_WORLD(who_wants_a_new_one_keeps_nobody_from_an_idle_one),
        WITH_WORLD(a_database_that_is_away_refuses_at_once),
        WITH_WORLD(one_failure_is_no_end),
        WITH_WORLD(a_database_without_room_for_more_is_not_away),
        WITH_WORLD(a_silent_database_is_known),
        WITH_WORLD(a_database_that_hangs_is_tried_on),
        WITH_WORLD(what_was_idle_when_it_went_is_closed),
        WITH_WORLD(idle_ones_are_closed_but_for_the_first),
        WITH_WORLD(all_are_closed_before_one_is_opened_after_a_read_only_one),
        WITH_WORLD(one_that_is_made_while_all_are_closed_is_closed_too),
        WITH_WORLD(many_threads_get_along),
        WITH_WORLD(the_end_closes_all),
        cmocka_unit_test(nothing_is_lost),
        /* Last, and its world stays, because the thread that hangs uses it until the process
         * ends. */
        cmocka_unit_test_setup(the_end_does_not_wait_for_one_that_hangs, set_up),
    };
    int failures;

    apr_initialize();
    failures = cmocka_run_group_tests(tests, NULL, NULL);
    fflush(NULL);
    /* Without the leak checker's look at the end: what a thread that hangs may still use
     * stays until the process is gone. */
    _exit(failures);
}
