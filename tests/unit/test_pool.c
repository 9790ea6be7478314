/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_pool.c Connections lent in turn, made and closed by the pool's threads.
 *  Opening and closing one is replaced: it takes as long, and fails, as a test says. So
 *  is the clock, which a test can put forward. */

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
#include "../../mod_usermgmt/db/pool.h"

#define MILLISECOND APR_TIME_C(1000)
#define SECOND (1000 * MILLISECOND)
#define LINES_MAX 64

/* A database that does as it is told, and what was seen of it. */
typedef struct world_t {
    apr_pool_t *pool;
    apr_thread_mutex_t *mutex;
    um_host_t host;
    um_database_t database;
    um_pool_t *connections;
    /* How long opening takes; it fails with the text. */
    apr_interval_time_t delay;
    const char *error;
    int opened;
    int closed;
    int tries;
    int connecting;
    int connecting_most;
    int connected;
    /* Numbers of log lines. */
    int lines[LINES_MAX];
    int line_count;
    char last_line[1024];
} world_t;

static world_t *world;

apr_status_t __wrap_um_connection_open(um_connection_t **connection, const char **error,
                                       const um_database_t *database, int may_make,
                                       apr_pool_t *pool);
void __wrap_um_connection_close(um_connection_t *connection);
apr_time_t __wrap_apr_time_now(void);
apr_time_t __real_apr_time_now(void);

/* By how many seconds the clock is fast. */
static volatile apr_uint32_t seconds_ahead;

apr_time_t __wrap_apr_time_now(void)
{
    return __real_apr_time_now() + apr_time_from_sec(apr_atomic_read32(&seconds_ahead));
}

static void let_pass(apr_uint32_t seconds)
{
    apr_atomic_add32(&seconds_ahead, seconds);
}

apr_status_t __wrap_um_connection_open(um_connection_t **connection, const char **error,
                                       const um_database_t *database, int may_make,
                                       apr_pool_t *pool)
{
    apr_interval_time_t delay;
    apr_pool_t *own;

    (void)may_make;
    (void)pool;
    apr_thread_mutex_lock(world->mutex);
    delay = world->delay;
    world->tries++;
    world->connecting++;
    if (world->connecting > world->connecting_most) {
        world->connecting_most = world->connecting;
    }
    apr_thread_mutex_unlock(world->mutex);
    apr_sleep(delay);
    apr_thread_mutex_lock(world->mutex);
    world->connecting--;
    *error = world->error;
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
    world->database.dialect = UM_DIALECT_POSTGRESQL;
    world->database.params = "";
    *state = world;
    return apr_thread_mutex_create(&world->mutex, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS;
}

/* Nothing that was opened stays open. */
static int tear_down(void **state)
{
    (void)state;
    apr_pool_destroy(world->pool);
    return 0;
}

static void start(int connections, int first, apr_interval_time_t wait)
{
    um_pool_settings_t settings = { connections, first, wait, note_connected, NULL };

    assert_int_equal(um_pool_create(&world->connections, &settings, &world->database,
                                    &world->host, world->pool),
                     APR_SUCCESS);
    assert_int_equal(um_pool_start(world->connections), APR_SUCCESS);
}

/* The end of the pool: its memory is gone, what is in world stays. */
static void finish(void)
{
    world->connections = NULL;
}

static apr_status_t take(um_connection_t **connection, um_acquire_t which)
{
    apr_pool_t *scratch;
    apr_status_t status;

    apr_pool_create_unmanaged_ex(&scratch, NULL, NULL);
    status = um_pool_acquire(connection, world->connections, which, scratch);
    apr_pool_destroy(scratch);
    return status;
}

static um_connection_t *take_one(void)
{
    um_connection_t *connection = NULL;

    assert_int_equal(take(&connection, UM_ACQUIRE_ANY), APR_SUCCESS);
    assert_non_null(connection);
    return connection;
}

static void give(um_connection_t *connection)
{
    um_pool_release(connection, world->connections);
}

static void discard(um_connection_t *connection)
{
    connection->state = UM_CONNECTION_DOUBTFUL;
    um_pool_release(connection, world->connections);
}

/* Wait until a number is what it should be. */
static void await(const int *number, int expected)
{
    for (apr_time_t end = apr_time_now() + 5 * SECOND; apr_time_now() < end;
         apr_sleep(MILLISECOND)) {
        int is_it;

        apr_thread_mutex_lock(world->mutex);
        is_it = *number == expected;
        apr_thread_mutex_unlock(world->mutex);
        if (is_it) {
            return;
        }
    }
    fail_msg("%d instead of %d", *number, expected);
}

static void await_line(int id)
{
    for (apr_time_t end = apr_time_now() + 10 * SECOND; apr_time_now() < end;
         apr_sleep(MILLISECOND)) {
        if (lines_of(id) > 0) {
            return;
        }
    }
    fail_msg("no line %d", id);
}

/* ---- threads that ask ---- */

typedef struct asker_t {
    apr_thread_t *thread;
    int number;
    um_acquire_t which;
    apr_status_t status;
    um_connection_t *connection;
    apr_interval_time_t took;
    /* In which place it was served. */
    int place;
    int done;
} asker_t;

static int served;

static void *APR_THREAD_FUNC ask(apr_thread_t *thread, void *data)
{
    asker_t *asker = data;
    apr_time_t began = apr_time_now();

    (void)thread;
    asker->status = take(&asker->connection, asker->which);
    asker->took = apr_time_now() - began;
    apr_thread_mutex_lock(world->mutex);
    asker->place = served++;
    asker->done = 1;
    apr_thread_mutex_unlock(world->mutex);
    return NULL;
}

static void begin_asking(asker_t *asker, um_acquire_t which)
{
    memset(asker, 0, sizeof(*asker));
    asker->which = which;
    assert_int_equal(apr_thread_create(&asker->thread, NULL, ask, asker, world->pool),
                     APR_SUCCESS);
    /* Until it waits, also on a busy machine. */
    apr_sleep(150 * MILLISECOND);
}

static void end_asking(asker_t *asker)
{
    apr_status_t result;

    apr_thread_join(&result, asker->thread);
}

/* ---- the tests ---- */

static void the_first_ones_are_made_without_being_asked_for(void **state)
{
    (void)state;
    start(8, 3, SECOND);
    await(&world->opened, 3);
    await(&world->connected, 1);
    apr_sleep(50 * MILLISECOND);
    assert_int_equal(world->opened, 3);
    assert_int_equal(world->connected, 1);
}

static void a_start_does_not_wait_for_the_database(void **state)
{
    apr_time_t began = apr_time_now();

    (void)state;
    world->delay = SECOND;
    start(8, 4, 5 * SECOND);
    assert_true(apr_time_now() - began < SECOND);
    give(take_one());
    /* Several at a time. */
    await(&world->opened, 4);
    assert_true(world->connecting_most > 1);
}

static void there_are_never_more_than_the_bound(void **state)
{
    um_connection_t *held[3];
    um_connection_t *none = NULL;
    apr_time_t began;

    (void)state;
    start(3, 0, 100 * MILLISECOND);
    for (int i = 0; i < 3; i++) {
        held[i] = take_one();
    }
    began = apr_time_now();
    assert_int_equal(take(&none, UM_ACQUIRE_ANY), UM_EUNAVAILABLE);
    assert_true(apr_time_now() - began >= 95 * MILLISECOND);
    assert_true(apr_time_now() - began < SECOND);
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
    start(4, 0, SECOND);
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
    asker_t askers[COUNT];
    um_connection_t *only;

    (void)state;
    served = 0;
    start(1, 1, 5 * SECOND);
    only = take_one();
    for (int i = 0; i < COUNT; i++) {
        begin_asking(&askers[i], UM_ACQUIRE_ANY);
    }
    for (int i = 0; i < COUNT; i++) {
        give(only);
        await(&askers[i].done, 1);
        assert_int_equal(askers[i].place, i);
        assert_int_equal(askers[i].status, APR_SUCCESS);
        assert_ptr_equal(askers[i].connection, only);
        end_asking(&askers[i]);
    }
    give(only);
    assert_int_equal(world->opened, 1);
}

static void one_in_doubt_is_closed_and_another_made(void **state)
{
    um_connection_t *one;

    (void)state;
    start(2, 0, SECOND);
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
    start(2, 0, SECOND);
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
    asker_t first;
    asker_t second;

    (void)state;
    served = 0;
    start(1, 1, 5 * SECOND);
    only = take_one();
    begin_asking(&first, UM_ACQUIRE_NEW);
    begin_asking(&second, UM_ACQUIRE_ANY);
    give(only);
    await(&first.done, 1);
    assert_int_equal(world->opened, 2);
    assert_int_equal(world->closed, 1);
    assert_int_equal(second.done, 0);
    give(first.connection);
    await(&second.done, 1);
    give(second.connection);
    end_asking(&first);
    end_asking(&second);
    assert_int_equal(first.place, 0);
}

static void who_wants_a_new_one_keeps_nobody_from_an_idle_one(void **state)
{
    um_connection_t *old[2];
    um_connection_t *taken;
    asker_t asker;
    apr_time_t began;

    (void)state;
    start(3, 0, SECOND);
    old[0] = take_one();
    old[1] = take_one();
    give(old[0]);
    give(old[1]);
    world->delay = 300 * MILLISECOND;
    begin_asking(&asker, UM_ACQUIRE_NEW);
    began = apr_time_now();
    taken = take_one();
    assert_true(apr_time_now() - began < 100 * MILLISECOND);
    assert_true(taken == old[0] || taken == old[1]);
    give(taken);
    await(&asker.done, 1);
    end_asking(&asker);
    assert_int_equal(asker.status, APR_SUCCESS);
    give(asker.connection);
    assert_int_equal(world->opened, 3);
}

static void a_database_that_is_away_refuses_at_once(void **state)
{
    um_connection_t *none = NULL;
    apr_time_t began;
    int tries;

    (void)state;
    world->error = "nobody is there";
    start(4, 4, 5 * SECOND);
    /* Who waits when it is found out is told as well. */
    began = apr_time_now();
    assert_int_equal(take(&none, UM_ACQUIRE_ANY), UM_EUNAVAILABLE);
    assert_true(apr_time_now() - began < 2 * SECOND);
    assert_int_equal(lines_of(91), 1);
    assert_non_null(strstr(world->last_line, "nobody is there"));
    world->connecting_most = 0;
    tries = world->tries;
    began = apr_time_now();
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(take(&none, UM_ACQUIRE_ANY), UM_EUNAVAILABLE);
    }
    assert_true(apr_time_now() - began < 4 * SECOND);
    apr_sleep(SECOND);
    /* One at a time, with pauses that grow. */
    assert_true(world->tries - tries >= 2);
    assert_true(world->tries - tries <= 7);
    assert_int_equal(world->connecting_most, 1);
    assert_int_equal(world->connected, 0);
    world->error = NULL;
    await_line(92);
    assert_non_null(strstr(world->last_line, "; 1001 requests were refused"));
    give(take_one());
    await(&world->connected, 1);
    assert_int_equal(lines_of(91), 1);
    assert_int_equal(lines_of(92), 1);
}

static void one_failure_is_no_end(void **state)
{
    um_connection_t *connection;

    (void)state;
    world->error = "a mishap";
    start(1, 1, 2 * SECOND);
    await(&world->tries, 1);
    world->error = NULL;
    connection = take_one();
    assert_int_equal(lines_of(91), 0);
    give(connection);
}

static void a_database_without_room_for_more_is_not_away(void **state)
{
    um_connection_t *one;
    um_connection_t *none = NULL;

    (void)state;
    start(3, 1, 300 * MILLISECOND);
    one = take_one();
    world->error = "too many connections";
    for (int i = 0; i < 4; i++) {
        assert_int_equal(take(&none, UM_ACQUIRE_ANY), UM_EUNAVAILABLE);
        /* What there is does its work. */
        give(one);
        one = take_one();
    }
    assert_int_equal(lines_of(91), 0);
    await_line(93);
    assert_int_equal(lines_of(93), 1);
    give(one);
}

static void a_silent_database_is_known(void **state)
{
    um_connection_t *none = NULL;
    apr_time_t began = apr_time_now();

    (void)state;
    world->delay = 4 * SECOND;
    start(4, 4, 200 * MILLISECOND);
    assert_int_equal(take(&none, UM_ACQUIRE_ANY), UM_EUNAVAILABLE);
    assert_true(apr_time_now() - began < 3 * SECOND);
    assert_int_equal(lines_of(91), 1);
    began = apr_time_now();
    for (int i = 0; i < 100; i++) {
        assert_int_equal(take(&none, UM_ACQUIRE_ANY), UM_EUNAVAILABLE);
    }
    assert_true(apr_time_now() - began < 2 * SECOND);
    assert_int_equal(lines_of(41), 0);
    await_line(92);
    give(take_one());
}

/* Also when as many connections as there may be are never answered. */
static void a_database_that_hangs_is_tried_on(void **state)
{
    um_connection_t *none = NULL;

    (void)state;
    world->delay = 3 * SECOND;
    start(2, 1, 100 * MILLISECOND);
    for (int i = 1; i <= 4; i++) {
        assert_int_equal(take(&none, UM_ACQUIRE_ANY), UM_EUNAVAILABLE);
        await(&world->tries, i);
        let_pass(31);
    }
    apr_thread_mutex_lock(world->mutex);
    world->delay = 0;
    apr_thread_mutex_unlock(world->mutex);
    assert_int_equal(take(&none, UM_ACQUIRE_ANY), UM_EUNAVAILABLE);
    await_line(92);
    give(take_one());
    /* Those that are answered at last are too many. */
    await(&world->connecting, 0);
    await(&world->closed, world->opened - 2);
}

static void what_was_idle_when_it_went_is_closed(void **state)
{
    um_connection_t *some[2];

    (void)state;
    start(4, 0, SECOND);
    some[0] = take_one();
    some[1] = take_one();
    give(some[1]);
    apr_sleep(1100 * MILLISECOND);
    world->error = "gone";
    discard(some[0]);
    assert_int_equal(take(&some[0], UM_ACQUIRE_NEW), UM_EUNAVAILABLE);
    await_line(91);
    await(&world->closed, 2);
    world->error = NULL;
    await_line(92);
}

static void idle_ones_are_closed_but_for_the_first(void **state)
{
    enum { COUNT = 4 };
    um_connection_t *held[COUNT];

    (void)state;
    start(COUNT, 1, SECOND);
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
    apr_sleep(10 * SECOND);
    await(&world->closed, COUNT - 1);
}

/* All of a file's connections share what was opened read-only. */
static void all_are_closed_before_one_is_opened_after_a_read_only_one(void **state)
{
    um_connection_t *some[3];
    asker_t asker;

    (void)state;
    start(4, 0, 2 * SECOND);
    for (int i = 0; i < 3; i++) {
        some[i] = take_one();
    }
    give(some[2]);
    some[0]->closes_all = 1;
    discard(some[0]);
    begin_asking(&asker, UM_ACQUIRE_NEW);
    await(&world->closed, 2);
    apr_sleep(50 * MILLISECOND);
    assert_int_equal(world->opened, 3);
    assert_int_equal(asker.done, 0);
    give(some[1]);
    await(&asker.done, 1);
    end_asking(&asker);
    assert_int_equal(world->closed, 3);
    assert_int_equal(world->opened, 4);
    give(asker.connection);
}

static void one_that_is_made_while_all_are_closed_is_closed_too(void **state)
{
    um_connection_t *one;
    asker_t asker;

    (void)state;
    start(4, 0, 2 * SECOND);
    one = take_one();
    world->delay = 200 * MILLISECOND;
    begin_asking(&asker, UM_ACQUIRE_NEW);
    await(&world->connecting, 1);
    one->closes_all = 1;
    discard(one);
    await(&asker.done, 1);
    end_asking(&asker);
    assert_int_equal(asker.status, APR_SUCCESS);
    assert_int_equal(world->closed, 2);
    assert_int_equal(world->opened, 3);
    give(asker.connection);
}

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
    for (int i = 0; i < 400; i++) {
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
    start(5, 2, 5 * SECOND);
    for (int i = 0; i < COUNT; i++) {
        memset(&workers[i], 0, sizeof(workers[i]));
        workers[i].seed = (unsigned)i + 1;
        assert_int_equal(apr_thread_create(&workers[i].thread, NULL, work_hard, &workers[i],
                                           world->pool),
                         APR_SUCCESS);
    }
    for (int i = 0; i < COUNT; i++) {
        apr_thread_join(&result, workers[i].thread);
        assert_int_equal(workers[i].served, 400);
        assert_int_equal(workers[i].refused, 0);
    }
    assert_true(in_use_most <= 5);
    assert_true(world->opened - world->closed <= 6);
    assert_int_equal(world->line_count, 0);
}

static void the_end_closes_all(void **state)
{
    apr_pool_t *parent = world->pool;
    um_pool_settings_t settings = { 4, 3, SECOND, NULL, NULL };
    apr_pool_t *inner;

    (void)state;
    apr_pool_create(&inner, parent);
    assert_int_equal(um_pool_create(&world->connections, &settings, &world->database,
                                    &world->host, inner),
                     APR_SUCCESS);
    assert_int_equal(um_pool_start(world->connections), APR_SUCCESS);
    await(&world->opened, 3);
    give(take_one());
    apr_pool_destroy(inner);
    assert_int_equal(world->closed, world->opened);
    finish();
}

static void the_end_does_not_wait_for_one_that_hangs(void **state)
{
    apr_pool_t *inner;
    um_pool_settings_t settings = { 4, 1, 100 * MILLISECOND, NULL, NULL };
    um_connection_t *none = NULL;
    apr_time_t began;

    (void)state;
    world->delay = 3 * SECOND;
    apr_pool_create(&inner, world->pool);
    assert_int_equal(um_pool_create(&world->connections, &settings, &world->database,
                                    &world->host, inner),
                     APR_SUCCESS);
    assert_int_equal(um_pool_start(world->connections), APR_SUCCESS);
    assert_int_equal(take(&none, UM_ACQUIRE_ANY), UM_EUNAVAILABLE);
    began = apr_time_now();
    apr_pool_destroy(inner);
    assert_true(apr_time_now() - began < 2 * SECOND);
    finish();
    /* The thread ends by itself here; a process would be gone. */
    await(&world->connecting, 0);
    apr_sleep(100 * MILLISECOND);
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
        WITH_WORLD(the_end_does_not_wait_for_one_that_hangs),
    };
    int failures;

    apr_initialize();
    failures = cmocka_run_group_tests(tests, NULL, NULL);
    fflush(NULL);
    /* Without the leak checker's look at the end: what a thread that hangs may still use
     * stays until the process is gone. */
    _exit(failures);
}
