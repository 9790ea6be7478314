/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_gather.c Changes of several threads in one statement. */

#include <apr_atomic.h>
#include <apr_thread_proc.h>

#include "unit.h"

#include "../../mod_usermgmt/db/gather.h"

/* More than may send at a time. */
#define HELD 16

static um_gather_t *gather;
/* While it is set, nothing that is sent comes to its end. */
static volatile apr_uint32_t held;
/* Calls: of a thread that must wait, and of one that sends; and the changes that were sent. */
static volatile apr_uint32_t parted;
static volatile apr_uint32_t sendings;
static volatile apr_uint32_t sent;
static volatile apr_uint32_t largest;
static volatile apr_uint32_t in_disorder;
static volatile apr_uint32_t mixed;

typedef struct um_client_t {
    apr_thread_t *thread;
    apr_pool_t *pool;
    char order[8];
    um_gathered_t change;
} um_client_t;

static int set_up(void **state)
{
    make_pool(state);
    held = parted = sendings = sent = largest = in_disorder = mixed = 0;
    return um_gather_create(&gather, pool) == APR_SUCCESS ? 0 : -1;
}

static void part(void *baton)
{
    (void)baton;
    apr_atomic_inc32(&parted);
}

static void send_all(um_gathered_t **changes, int count, void *baton)
{
    (void)baton;
    apr_atomic_inc32(&sendings);
    while (apr_atomic_read32(&held)) {
        apr_sleep(apr_time_from_msec(1));
    }
    for (int i = 0; i < count; i++) {
        changes[i]->status = APR_SUCCESS;
        changes[i]->is_made++;
        if (i > 0 && strcmp(changes[i - 1]->order, changes[i]->order) > 0) {
            apr_atomic_inc32(&in_disorder);
        }
        if (changes[i]->statement != changes[0]->statement) {
            apr_atomic_inc32(&mixed);
        }
    }
    if (apr_atomic_read32(&largest) < (apr_uint32_t)count) {
        apr_atomic_set32(&largest, (apr_uint32_t)count);
    }
    apr_atomic_add32(&sent, (apr_uint32_t)count);
}

static const um_gather_calls_t calls = { part, send_all, NULL };

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    um_client_t *client = data;

    (void)thread;
    um_gather_run(gather, &client->change, &calls, client->pool);
    return NULL;
}

static void await(volatile apr_uint32_t *number, apr_uint32_t value)
{
    for (int i = 0; apr_atomic_read32(number) < value; i++) {
        assert_true(i < 20000);
        apr_sleep(apr_time_from_msec(1));
    }
}

static void start(um_client_t *clients, int count)
{
    for (int i = 0; i < count; i++) {
        um_client_t *client = &clients[i];

        memset(client, 0, sizeof(*client));
        apr_pool_create(&client->pool, pool);
        apr_snprintf(client->order, sizeof(client->order), "%d", (i * 7) % 10);
        client->change.order = client->order;
        client->change.statement = i % 3;
        assert_int_equal(apr_thread_create(&client->thread, NULL, run, client, pool),
                         APR_SUCCESS);
    }
}

static void join(um_client_t *clients, int count)
{
    apr_status_t result;

    for (int i = 0; i < count; i++) {
        apr_thread_join(&result, clients[i].thread);
        assert_int_equal(clients[i].change.status, APR_SUCCESS);
        assert_int_equal(clients[i].change.is_made, 1);
    }
}

static void one_is_sent_at_once(void **state)
{
    um_client_t client;

    (void)state;
    start(&client, 1);
    join(&client, 1);
    assert_int_equal(sendings, 1);
    assert_int_equal(parted, 0);
}

/* Those that come while others are sent are sent together, in order, those of a statement each.
 */
static void the_rest_gathers(void **state)
{
    um_client_t first[HELD];
    um_client_t others[UM_GATHER_MAX];

    (void)state;
    held = 1;
    start(first, HELD);
    await(&parted, 1);
    start(others, UM_GATHER_MAX);
    await(&parted, UM_GATHER_MAX);
    held = 0;
    join(first, HELD);
    join(others, UM_GATHER_MAX);
    assert_int_equal(sent, HELD + UM_GATHER_MAX);
    assert_true(sendings < HELD + UM_GATHER_MAX);
    assert_true(largest > 1 && largest <= UM_GATHER_MAX);
    assert_int_equal(in_disorder, 0);
    assert_int_equal(mixed, 0);
}

/* Changes that wait are not kept waiting by those that are stuck. */
static void nobody_waits_for_long(void **state)
{
    um_client_t stuck[HELD];
    apr_uint32_t before;

    (void)state;
    held = 1;
    start(stuck, HELD);
    await(&parted, 1);
    before = apr_atomic_read32(&sendings);
    /* Nobody has come to an end, and yet the rest is sent. */
    await(&sendings, before + 1);
    held = 0;
    join(stuck, HELD);
    assert_int_equal(sent, HELD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SET_UP(one_is_sent_at_once),
        WITH_SET_UP(the_rest_gathers),
        WITH_SET_UP(nobody_waits_for_long),
    };

    return RUN("gather", tests);
}
