/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_session_table.c Sessions in shared memory: begun, gone on with, written. */

#include <apr_hash.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#include "unit.h"

#include "../../mod_usermgmt/base/status.h"
#include "../../mod_usermgmt/core/session_table.h"

#define SECOND APR_INT64_C(1000000)
#define START (APR_INT64_C(1733167050) * SECOND)
#define IDLE (10 * SECOND)
#define THREADS 8

/* A table, and what it is given. */
typedef struct world_t {
    um_lock_t lock;
    um_random_t random;
    apr_pool_t *pool;
    apr_thread_mutex_t *mutex;
    apr_status_t lock_status;
    apr_status_t random_status;
    int locked;
    void *memory;
    um_session_table_t *table;
} world_t;

static apr_status_t lock(void *baton)
{
    world_t *world = baton;

    apr_thread_mutex_lock(world->mutex);
    if (world->lock_status != APR_SUCCESS) {
        apr_thread_mutex_unlock(world->mutex);
        return world->lock_status;
    }
    world->locked++;
    return APR_SUCCESS;
}

static void unlock(void *baton)
{
    apr_thread_mutex_unlock(((world_t *)baton)->mutex);
}

static apr_status_t random_bytes(unsigned char *bytes, apr_size_t length, void *baton)
{
    world_t *world = baton;

    return world->random_status == APR_SUCCESS ? apr_generate_random_bytes(bytes, length)
                                               : world->random_status;
}

static world_t *make_world(apr_size_t sessions)
{
    world_t *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    apr_pool_create(&world->pool, NULL);
    apr_thread_mutex_create(&world->mutex, APR_THREAD_MUTEX_DEFAULT, world->pool);
    world->lock = (um_lock_t){ lock, unlock, world };
    world->random = (um_random_t){ random_bytes, world };
    world->memory = calloc(1, um_session_table_size(sessions));
    assert_non_null(world->memory);
    assert_int_equal(um_session_table_init(world->memory, sessions, &world->random), APR_SUCCESS);
    world->table = um_session_table_open(world->memory, &world->lock, &world->random,
                                         world->pool);
    return world;
}

static void end_world(world_t *world)
{
    apr_pool_destroy(world->pool);
    free(world->memory);
    free(world);
}

static apr_status_t count_for(world_t *world, apr_uint64_t place, const char *organization,
                              const char *identity, const char *activity, apr_time_t at)
{
    um_session_key_t key = { place, organization, identity, activity };

    return um_session_table_count(world->table, &key, at, at, IDLE);
}

static apr_status_t count(world_t *world, const char *identity, apr_time_t at)
{
    return count_for(world, 1, "default", identity, "app", at);
}

static apr_array_header_t *collect(world_t *world)
{
    apr_array_header_t *sessions = NULL;
    apr_size_t position = 0;

    assert_int_equal(um_session_table_collect(&sessions, &position, world->table, 100000,
                                              world->pool),
                     APR_SUCCESS);
    assert_int_equal(position, 0);
    return sessions;
}

static const um_session_entry_t *at(const apr_array_header_t *sessions, int index)
{
    assert_true(index < sessions->nelts);
    return &APR_ARRAY_IDX(sessions, index, um_session_entry_t);
}

static void write_all(world_t *world)
{
    assert_int_equal(um_session_table_written(world->table, collect(world)), APR_SUCCESS);
    assert_int_equal(collect(world)->nelts, 0);
}

static void one_goes_on_until_it_is_idle(void **state)
{
    world_t *world = make_world(64);
    apr_array_header_t *sessions;
    char uid[UM_UID_LENGTH + 1];

    (void)state;
    assert_int_equal(count(world, "a", START), APR_SUCCESS);
    assert_int_equal(count(world, "a", START + IDLE - 1), APR_SUCCESS);
    assert_int_equal(count(world, "a", START + 2 * IDLE - 2), APR_SUCCESS);
    sessions = collect(world);
    assert_int_equal(sessions->nelts, 1);
    assert_true(at(sessions, 0)->started_at == START);
    assert_true(at(sessions, 0)->last_used_at == START + 2 * IDLE - 2);
    assert_true(at(sessions, 0)->idle == IDLE);
    assert_true(at(sessions, 0)->key.place == 1);
    assert_string_equal(at(sessions, 0)->key.organization, "default");
    assert_string_equal(at(sessions, 0)->key.identity, "a");
    assert_string_equal(at(sessions, 0)->key.activity, "app");
    assert_int_equal(strlen(at(sessions, 0)->uid), UM_UID_LENGTH);
    strcpy(uid, at(sessions, 0)->uid);
    /* Just as long as the idle time is too long. */
    assert_int_equal(count(world, "a", START + 3 * IDLE - 2), APR_SUCCESS);
    sessions = collect(world);
    assert_int_equal(sessions->nelts, 2);
    for (int i = 0; i < 2; i++) {
        int is_first = at(sessions, i)->started_at == START;

        assert_int_equal(strcmp(at(sessions, i)->uid, uid) == 0, is_first);
        assert_true(at(sessions, i)->last_used_at == START + (is_first ? 2 : 3) * IDLE - 2);
    }
    end_world(world);
}

static void a_known_one_takes_no_lock(void **state)
{
    world_t *world = make_world(64);

    (void)state;
    assert_int_equal(count(world, "a", START), APR_SUCCESS);
    assert_int_equal(world->locked, 1);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(count(world, "a", START + i), APR_SUCCESS);
    }
    assert_int_equal(world->locked, 1);
    write_all(world);
    assert_int_equal(count(world, "a", START + 200), APR_SUCCESS);
    world->lock_status = APR_EGENERAL;
    assert_int_equal(count(world, "a", START + 201), APR_SUCCESS);
    assert_int_equal(count(world, "b", START + 201), APR_EGENERAL);
    end_world(world);
}

static void time_does_not_go_back(void **state)
{
    world_t *world = make_world(64);
    um_session_key_t key = { 1, "default", "a", "app" };

    (void)state;
    /* A long request, and a short one that began later and ended before. */
    assert_int_equal(count(world, "a", START + 5 * SECOND), APR_SUCCESS);
    assert_int_equal(um_session_table_count(world->table, &key, START, START + 60 * SECOND, IDLE),
                     APR_SUCCESS);
    assert_int_equal(count(world, "a", START + 6 * SECOND), APR_SUCCESS);
    assert_int_equal(collect(world)->nelts, 1);
    assert_true(at(collect(world), 0)->last_used_at == START + 60 * SECOND);
    /* An end before the beginning, by a clock that was set back. */
    key.identity = "b";
    assert_int_equal(um_session_table_count(world->table, &key, START, START - SECOND, IDLE),
                     APR_SUCCESS);
    for (int i = 0; i < 2; i++) {
        assert_true(at(collect(world), i)->last_used_at >= at(collect(world), i)->started_at);
    }
    end_world(world);
}

static void keys_are_apart(void **state)
{
    static const um_session_key_t keys[] = {
        { 1, "o", "i", "a" }, { 2, "o", "i", "a" }, { 1, "p", "i", "a" }, { 1, "o", "j", "a" },
        { 1, "o", "i", "b" }, { 1, "oi", "", "a" }, { 1, "", "oi", "a" }, { 1, "o", "ia", "" },
        { 1, "", "o", "ia" }, { 1, "oia", "", "" }, { 1, "", "", "oia" },
    };
    const int n = (int)(COUNT(keys));
    world_t *world = make_world(1024);

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < n; i++) {
            assert_int_equal(count_for(world, keys[i].place, keys[i].organization,
                                       keys[i].identity, keys[i].activity, START + round),
                             APR_SUCCESS);
        }
    }
    assert_int_equal(collect(world)->nelts, n);
    end_world(world);
}

static void what_is_written_is_not_collected_again(void **state)
{
    world_t *world = make_world(64);
    apr_array_header_t *sessions;

    (void)state;
    assert_int_equal(count(world, "a", START), APR_SUCCESS);
    sessions = collect(world);
    /* It goes on while it is written. */
    assert_int_equal(count(world, "a", START + SECOND), APR_SUCCESS);
    assert_int_equal(um_session_table_written(world->table, sessions), APR_SUCCESS);
    sessions = collect(world);
    assert_int_equal(sessions->nelts, 1);
    assert_true(at(sessions, 0)->last_used_at == START + SECOND);
    assert_int_equal(um_session_table_written(world->table, sessions), APR_SUCCESS);
    assert_int_equal(collect(world)->nelts, 0);
    /* An older writing that comes late takes nothing back. */
    assert_int_equal(count(world, "a", START + 2 * SECOND), APR_SUCCESS);
    assert_int_equal(um_session_table_written(world->table, sessions), APR_SUCCESS);
    assert_int_equal(collect(world)->nelts, 1);
    end_world(world);
}

static void a_full_set_gives_up_what_is_written_oldest_first(void **state)
{
    world_t *world = make_world(UM_SESSION_SET);
    apr_array_header_t *sessions;
    char uid[UM_UID_LENGTH + 1];

    (void)state;
    for (int i = 0; i < UM_SESSION_SET; i++) {
        assert_int_equal(count(world, apr_psprintf(world->pool, "%d", i), START + i),
                         APR_SUCCESS);
    }
    assert_int_equal(count(world, "x", START + 100), APR_ENOSPC);
    sessions = collect(world);
    assert_int_equal(sessions->nelts, UM_SESSION_SET);
    strcpy(uid, at(sessions, 1)->uid);
    assert_int_equal(um_session_table_written(world->table, sessions), APR_SUCCESS);
    /* The oldest is used again: the second oldest has to go. */
    assert_int_equal(count(world, "0", START + 200), APR_SUCCESS);
    assert_int_equal(count(world, "x", START + 201), APR_SUCCESS);
    sessions = collect(world);
    assert_int_equal(sessions->nelts, 2);
    assert_int_equal(um_session_table_written(world->table, sessions), APR_SUCCESS);
    assert_int_equal(count(world, "1", START + 202), APR_SUCCESS);
    sessions = collect(world);
    assert_int_equal(sessions->nelts, 1);
    assert_string_not_equal(at(sessions, 0)->uid, uid);
    assert_true(at(sessions, 0)->started_at == START + 202);
    end_world(world);
}

static void ended_ones_wait_to_be_written(void **state)
{
    world_t *world = make_world(UM_SESSION_SET);

    (void)state;
    for (int i = 0; i < UM_SESSION_SET; i++) {
        assert_int_equal(count(world, "a", START + i * IDLE), APR_SUCCESS);
    }
    assert_int_equal(collect(world)->nelts, UM_SESSION_SET);
    assert_int_equal(count(world, "a", START + UM_SESSION_SET * IDLE), APR_ENOSPC);
    write_all(world);
    /* Their places are taken before those of sessions that may go on. */
    assert_int_equal(count(world, "b", START + UM_SESSION_SET * IDLE), APR_SUCCESS);
    write_all(world);
    for (int i = 0; i < UM_SESSION_SET - 1; i++) {
        assert_int_equal(count(world, "c", START + (UM_SESSION_SET + i) * IDLE), APR_SUCCESS);
    }
    write_all(world);
    assert_int_equal(count(world, "b", START + (UM_SESSION_SET + 1) * IDLE - 1), APR_SUCCESS);
    assert_int_equal(at(collect(world), 0)->started_at == START + UM_SESSION_SET * IDLE, 1);
    end_world(world);
}

static void a_late_writing_does_not_mark_another_s_slot(void **state)
{
    world_t *world = make_world(UM_SESSION_SET);
    apr_array_header_t *sessions;

    (void)state;
    for (int i = 0; i < UM_SESSION_SET; i++) {
        assert_int_equal(count(world, apr_psprintf(world->pool, "%d", i), START + i),
                         APR_SUCCESS);
    }
    sessions = collect(world);
    assert_int_equal(um_session_table_written(world->table, sessions), APR_SUCCESS);
    assert_int_equal(count(world, "x", START), APR_SUCCESS);
    for (int i = 0; i < UM_SESSION_SET; i++) {
        APR_ARRAY_IDX(sessions, i, um_session_entry_t).last_used_at = START + SECOND;
    }
    assert_int_equal(um_session_table_written(world->table, sessions), APR_SUCCESS);
    assert_int_equal(collect(world)->nelts, 1);
    assert_string_equal(at(collect(world), 0)->key.identity, "x");
    end_world(world);
}

static void collecting_goes_on_where_it_was(void **state)
{
    const int n = 1000;
    world_t *world = make_world(4096);
    apr_size_t position = 0;
    int turns = 0;
    int seen = 0;

    (void)state;
    for (int i = 0; i < n; i++) {
        assert_int_equal(count(world, apr_psprintf(world->pool, "%d", i), START), APR_SUCCESS);
    }
    do {
        apr_array_header_t *sessions = NULL;

        assert_int_equal(um_session_table_collect(&sessions, &position, world->table, 50,
                                                  world->pool),
                         APR_SUCCESS);
        assert_true(sessions->nelts < 50 + UM_SESSION_SET);
        seen += sessions->nelts;
        turns++;
    } while (position != 0);
    assert_int_equal(seen, n);
    assert_true(turns >= n / (50 + UM_SESSION_SET));
    end_world(world);
}

static void texts_have_limits(void **state)
{
    world_t *world = make_world(64);
    char longest[4 * UM_ACTIVITY_MAX + 2];
    char identity[UM_IDENTITY_KEY_MAX + 2];

    (void)state;
    memset(longest, 'x', sizeof(longest));
    memset(identity, 'x', sizeof(identity));
    longest[4 * UM_ACTIVITY_MAX + 1] = '\0';
    identity[UM_IDENTITY_KEY_MAX + 1] = '\0';
    assert_int_equal(count_for(world, 1, "o", identity, "a", START), UM_EINVALID);
    assert_int_equal(count_for(world, 1, longest, "i", "a", START), UM_EINVALID);
    assert_int_equal(count_for(world, 1, "o", "i", longest, START), UM_EINVALID);
    longest[4 * UM_ACTIVITY_MAX] = '\0';
    identity[UM_IDENTITY_KEY_MAX] = '\0';
    assert_int_equal(count_for(world, 1, longest + 4 * UM_ACTIVITY_MAX - UM_ORGANIZATION_MAX,
                               identity, longest, START),
                     APR_SUCCESS);
    assert_int_equal(strlen(at(collect(world), 0)->key.activity), 4 * UM_ACTIVITY_MAX);
    assert_int_equal(strlen(at(collect(world), 0)->key.identity), UM_IDENTITY_KEY_MAX);
    assert_int_equal(strlen(at(collect(world), 0)->key.organization), UM_ORGANIZATION_MAX);
    end_world(world);
}

static void no_chance_no_session(void **state)
{
    world_t *world = make_world(64);

    (void)state;
    world->random_status = APR_ENOENT;
    assert_int_equal(count(world, "a", START), APR_ENOENT);
    assert_int_equal(um_session_table_init(world->memory, 64, &world->random), APR_ENOENT);
    world->random_status = APR_SUCCESS;
    assert_int_equal(collect(world)->nelts, 0);
    assert_int_equal(count(world, "a", START), APR_SUCCESS);
    end_world(world);
}

/* ---- many at once ---- */

typedef struct runner_t {
    world_t *world;
    int number;
} runner_t;

/* All threads use the same 40 sessions, in another order each. */
static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    runner_t *runner = data;

    (void)thread;
    for (int i = 0; i < 20000; i++) {
        char name[16];

        apr_snprintf(name, sizeof(name), "%d", (i * 7 + runner->number * 13) % 40);
        if (count(runner->world, name, START + i) != APR_SUCCESS) {
            abort();
        }
    }
    return NULL;
}

/* Collected and written meanwhile, in another pool than the threads'. */
static void write_meanwhile(world_t *world, apr_hash_t *uids)
{
    apr_array_header_t *sessions = NULL;
    apr_size_t position = 0;

    assert_int_equal(um_session_table_collect(&sessions, &position, world->table, 100000, pool),
                     APR_SUCCESS);
    for (int i = 0; i < sessions->nelts; i++) {
        apr_hash_set(uids, at(sessions, i)->uid, UM_UID_LENGTH, "");
    }
    assert_int_equal(um_session_table_written(world->table, sessions), APR_SUCCESS);
}

static void many_at_once_begin_each_once(void **state)
{
    world_t *world = make_world(1024);
    apr_thread_t *threads[THREADS];
    runner_t runners[THREADS];
    apr_status_t result;
    apr_hash_t *uids;

    (void)state;
    uids = apr_hash_make(pool);
    for (int i = 0; i < THREADS; i++) {
        runners[i] = (runner_t){ world, i };
        assert_int_equal(apr_thread_create(&threads[i], NULL, run, &runners[i], world->pool),
                         APR_SUCCESS);
    }
    for (int i = 0; i < 200; i++) {
        write_meanwhile(world, uids);
    }
    for (int i = 0; i < THREADS; i++) {
        apr_thread_join(&result, threads[i]);
    }
    write_meanwhile(world, uids);
    assert_int_equal(apr_hash_count(uids), 40);
    assert_int_equal(collect(world)->nelts, 0);
    end_world(world);
}

static void the_use_is_told(void **state)
{
    world_t *world = make_world(4 * UM_SESSION_SET - 1);
    apr_size_t used = 1;
    apr_size_t size = 0;

    (void)state;
    um_session_table_get_use(&used, &size, world->table);
    assert_int_equal(used, 0);
    assert_int_equal(size, 4 * UM_SESSION_SET);
    assert_int_equal(count(world, "a", START), APR_SUCCESS);
    assert_int_equal(count(world, "b", START), APR_SUCCESS);
    assert_int_equal(count(world, "a", START + SECOND), APR_SUCCESS);
    um_session_table_get_use(&used, &size, world->table);
    assert_int_equal(used, 2);
    end_world(world);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_goes_on_until_it_is_idle),
        cmocka_unit_test(a_known_one_takes_no_lock),
        cmocka_unit_test(time_does_not_go_back),
        cmocka_unit_test(keys_are_apart),
        cmocka_unit_test(what_is_written_is_not_collected_again),
        cmocka_unit_test(a_full_set_gives_up_what_is_written_oldest_first),
        cmocka_unit_test(ended_ones_wait_to_be_written),
        cmocka_unit_test(a_late_writing_does_not_mark_another_s_slot),
        cmocka_unit_test(collecting_goes_on_where_it_was),
        cmocka_unit_test(texts_have_limits),
        cmocka_unit_test(no_chance_no_session),
        cmocka_unit_test(the_use_is_told),
        WITH_POOL(many_at_once_begin_each_once),
    };

    return RUN("session_table", tests);
}
