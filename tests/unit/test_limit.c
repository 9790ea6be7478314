/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_limit.c Limits on costly work, and the gate. */

#include <apr_atomic.h>
#include <apr_thread_proc.h>

#include "unit.h"

#include "../../mod_usermgmt/db/gate.h"
#include "../../mod_usermgmt/db/limit.h"

#define THREADS 12
#define LONG apr_time_from_sec(20)
#define SHORT apr_time_from_msec(20)

static um_limit_t *limit;
static um_gate_t *gate;
static volatile apr_uint32_t inside;
static volatile apr_uint32_t most;
static volatile apr_uint32_t done;

static int set_up(void **state)
{
    make_pool(state);
    inside = most = done = 0;
    return um_limit_create(&limit, 3, pool) == APR_SUCCESS
                   && um_gate_create(&gate, pool) == APR_SUCCESS
               ? 0
               : -1;
}

static apr_thread_t *start(apr_thread_start_t function)
{
    apr_thread_t *thread = NULL;

    assert_int_equal(apr_thread_create(&thread, NULL, function, NULL, pool), APR_SUCCESS);
    return thread;
}

static void join(apr_thread_t *thread)
{
    apr_status_t result;

    apr_thread_join(&result, thread);
}

static void await(const volatile apr_uint32_t *number, apr_uint32_t value)
{
    for (int i = 0; apr_atomic_read32((volatile apr_uint32_t *)number) < value; i++) {
        assert_true(i < 2000);
        apr_sleep(apr_time_from_msec(10));
    }
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    (void)thread;
    (void)data;
    for (int i = 0; i < 20; i++) {
        apr_uint32_t now;

        if (um_limit_enter(limit, LONG) != APR_SUCCESS) {
            return NULL;
        }
        now = apr_atomic_inc32(&inside) + 1;
        if (now > apr_atomic_read32(&most)) {
            apr_atomic_set32(&most, now);
        }
        apr_sleep(100);
        apr_atomic_dec32(&inside);
        um_limit_leave(limit);
    }
    apr_atomic_inc32(&done);
    return NULL;
}

static void so_many_at_a_time(void **state)
{
    apr_thread_t *threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        threads[i] = start(work);
    }
    for (int i = 0; i < THREADS; i++) {
        join(threads[i]);
    }
    assert_int_equal(done, THREADS);
    assert_int_equal(most, 3);
    assert_int_equal(inside, 0);
}

static void who_waits_too_long_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(um_limit_enter(limit, 0), APR_SUCCESS);
    }
    assert_int_equal(um_limit_enter(limit, SHORT), UM_EBUSY);
    assert_int_equal(um_limit_enter(limit, 0), UM_EBUSY);
    um_limit_leave(limit);
    assert_int_equal(um_limit_enter(limit, 0), APR_SUCCESS);
    assert_int_equal(um_limit_enter(limit, 0), UM_EBUSY);
}

static void *APR_THREAD_FUNC enter_once(apr_thread_t *thread, void *data)
{
    (void)thread;
    (void)data;
    apr_atomic_inc32(&inside);
    if (um_limit_enter(limit, LONG) == APR_SUCCESS) {
        apr_atomic_inc32(&done);
    }
    return NULL;
}

static void a_place_is_for_who_waited(void **state)
{
    apr_thread_t *thread;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(um_limit_enter(limit, 0), APR_SUCCESS);
    }
    thread = start(enter_once);
    await(&inside, 1);
    apr_sleep(apr_time_from_msec(50));
    um_limit_leave(limit);
    assert_int_equal(um_limit_enter(limit, 0), UM_EBUSY);
    join(thread);
    assert_int_equal(done, 1);
}

static void while_it_drains_none_begins(void **state)
{
    apr_thread_t *thread;

    (void)state;
    assert_int_equal(um_limit_enter(limit, 0), APR_SUCCESS);
    assert_false(um_limit_drain(limit, SHORT));
    assert_int_equal(um_limit_enter(limit, 0), UM_EBUSY);
    um_limit_leave(limit);
    assert_true(um_limit_drain(limit, LONG));
    thread = start(enter_once);
    await(&inside, 1);
    apr_sleep(apr_time_from_msec(50));
    assert_int_equal(done, 0);
    um_limit_resume(limit);
    join(thread);
    assert_int_equal(done, 1);
    um_limit_leave(limit);
    assert_true(um_limit_drain(limit, 0));
}

static void *APR_THREAD_FUNC pass_gate(apr_thread_t *thread, void *data)
{
    (void)thread;
    (void)data;
    apr_atomic_inc32(&inside);
    um_gate_enter(gate);
    apr_atomic_inc32(&done);
    um_gate_leave(gate);
    return NULL;
}

static void *APR_THREAD_FUNC stay_inside(apr_thread_t *thread, void *data)
{
    (void)thread;
    (void)data;
    um_gate_enter(gate);
    apr_atomic_inc32(&inside);
    apr_sleep(apr_time_from_msec(50));
    um_gate_leave(gate);
    return NULL;
}

static void who_closes_a_gate_waits_for_those_inside(void **state)
{
    apr_thread_t *thread = start(stay_inside);

    (void)state;
    await(&inside, 1);
    assert_true(um_gate_close(gate, LONG));
    um_gate_open(gate);
    join(thread);
}

static void a_gate_closes_once_nobody_is_inside(void **state)
{
    apr_thread_t *thread;

    (void)state;
    um_gate_enter(gate);
    um_gate_enter(gate);
    um_gate_leave(gate);
    assert_false(um_gate_close(gate, SHORT));
    /* It is open again. */
    um_gate_enter(gate);
    um_gate_leave(gate);
    um_gate_leave(gate);
    assert_true(um_gate_close(gate, 0));
    thread = start(pass_gate);
    await(&inside, 1);
    apr_sleep(apr_time_from_msec(50));
    assert_int_equal(done, 0);
    um_gate_open(gate);
    join(thread);
    assert_int_equal(done, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SET_UP(so_many_at_a_time),
        WITH_SET_UP(who_waits_too_long_is_refused),
        WITH_SET_UP(a_place_is_for_who_waited),
        WITH_SET_UP(while_it_drains_none_begins),
        WITH_SET_UP(who_closes_a_gate_waits_for_those_inside),
        WITH_SET_UP(a_gate_closes_once_nobody_is_inside),
    };

    return RUN("limit", tests);
}
