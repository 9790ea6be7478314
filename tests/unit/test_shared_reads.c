/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_shared_reads.c Reads that wait are answered by one statement: each of a user with
 * its user, each of a status with that of its organization. */

#include <apr_atomic.h>
#include <apr_thread_proc.h>

#include "unit.h"

#include "../../mod_usermgmt/core/shared_reads.h"
#include "../../mod_usermgmt/core/status_reads.h"
#include "../../mod_usermgmt/core/store_organizations.h"
#include "../../mod_usermgmt/core/store_users.h"
#include "../../mod_usermgmt/core/user_reads.h"
#include "../../mod_usermgmt/db/wait.h"
#include "sqlite_host.h"

/* As in shared_reads.c. */
#define LEADERS 4

#define USERS 12
#define THREADS 16
#define READS 200
#define LONG apr_time_from_sec(20)
#define MILLISECOND apr_time_from_msec(1)

static sqlite_host_t *host;
static um_store_t *store;
static apr_int64_t org;
static apr_int64_t other_org;

/* How often a connection was asked for; and how many of these may have one. */
static volatile apr_uint32_t asked;
static volatile apr_uint32_t allowed;

/* Threads that began to wait for others, and whether they wait for as long as it takes. */
static volatile apr_uint32_t waits;
static volatile apr_uint32_t waits_long;

int __wrap_um_wait_until(apr_time_t end, apr_thread_cond_t *signal, apr_thread_mutex_t *mutex);
int __real_um_wait_until(apr_time_t end, apr_thread_cond_t *signal, apr_thread_mutex_t *mutex);

int __wrap_um_wait_until(apr_time_t end, apr_thread_cond_t *signal, apr_thread_mutex_t *mutex)
{
    apr_atomic_inc32(&waits);
    return apr_atomic_read32(&waits_long) && __real_um_wait_until(end + LONG, signal, mutex);
}

static apr_status_t acquire(um_connection_t **connection, um_acquire_t which, void *baton,
                            apr_pool_t *scratch)
{
    apr_uint32_t number = apr_atomic_inc32(&asked);

    while (number >= apr_atomic_read32(&allowed)) {
        apr_sleep(MILLISECOND);
    }
    return sqlite_host_acquire(connection, which, baton, scratch);
}

static const char *uid_of(int number, apr_pool_t *memory)
{
    return apr_psprintf(memory, "u%d", number);
}

static apr_status_t make_organization(apr_int64_t *id, um_db_t *db, const char *name,
                                      apr_pool_t *change_pool)
{
    um_organization_t *organization = NULL;
    apr_status_t status = um_store_organizations_insert(db, name, 1, change_pool);

    if (status == APR_SUCCESS) {
        status = um_store_organizations_get(&organization, db, name, change_pool);
    }
    if (status == APR_SUCCESS) {
        *id = organization->id;
    }
    return status;
}

static apr_status_t make_users(um_db_t *db, void *baton, apr_pool_t *change_pool)
{
    apr_status_t status;

    (void)baton;
    status = make_organization(&org, db, "default", change_pool);
    if (status == APR_SUCCESS) {
        status = make_organization(&other_org, db, "other", change_pool);
    }
    for (int i = 0; status == APR_SUCCESS && i < USERS; i++) {
        const char *uid = uid_of(i, change_pool);
        const um_user_t user = { .uid = uid,
                                 .email = apr_pstrcat(change_pool, uid, "@example.com", NULL),
                                 .display_name = uid,
                                 .attributes = "{}" };

        status = um_store_users_insert(db, org, &user, change_pool);
    }
    return status;
}

static int set_up(void **state)
{
    um_shared_reads_t *reads = NULL;

    make_pool(state);
    host = sqlite_host_create(pool);
    store = sqlite_host_make_store(host);
    if (store == NULL || um_shared_reads_create(&reads, pool) != APR_SUCCESS
        || um_store_change(store, make_users, NULL, pool) != APR_SUCCESS) {
        return -1;
    }
    um_store_share_reads(store, reads, reads);
    host->host.acquire = acquire;
    asked = allowed = waits = 0;
    waits_long = 1;
    return 0;
}

/* A thread that reads a user once. */
typedef struct reader_t {
    apr_thread_t *thread;
    const char *uid;
    apr_status_t status;
    um_user_t *user;
    apr_pool_t *pool;
} reader_t;

static void *APR_THREAD_FUNC read_once(apr_thread_t *thread, void *data)
{
    reader_t *reader = data;

    (void)thread;
    reader->status = um_user_reads_get(&reader->user, store, org, reader->uid, reader->pool);
    return NULL;
}

static void start(reader_t *reader, const char *uid)
{
    memset(reader, 0, sizeof(*reader));
    reader->uid = uid;
    apr_pool_create_unmanaged_ex(&reader->pool, NULL, NULL);
    assert_int_equal(apr_thread_create(&reader->thread, NULL, read_once, reader, pool),
                     APR_SUCCESS);
}

static void await(const volatile apr_uint32_t *number, apr_uint32_t value)
{
    for (int i = 0; apr_atomic_read32((volatile apr_uint32_t *)number) < value; i++) {
        assert_true(i < 20000);
        apr_sleep(MILLISECOND);
    }
}

static void end(reader_t *reader, apr_status_t expected)
{
    apr_status_t result;

    apr_thread_join(&result, reader->thread);
    assert_int_equal(reader->status, expected);
    if (expected == APR_SUCCESS) {
        assert_string_equal(reader->user->uid, reader->uid);
        assert_string_equal(reader->user->display_name, reader->uid);
    }
    apr_pool_destroy(reader->pool);
}

/* Start readers until so many ask the database, and none of them gets a connection. */
static void keep_busy(reader_t *readers, int count)
{
    for (int i = 0; i < count; i++) {
        start(&readers[i], "u0");
        await(&asked, (apr_uint32_t)i + 1);
    }
}

static void those_that_wait_share_a_statement(void **state)
{
    static const char *const uids[] = { "u1", "u2", "u2", "absent", "u3", "U4", "u5", "u6" };
    reader_t busy[LEADERS];
    reader_t waiting[COUNT(uids)];

    (void)state;
    keep_busy(busy, LEADERS);
    for (size_t i = 0; i < COUNT(uids); i++) {
        start(&waiting[i], uids[i]);
    }
    await(&waits, COUNT(uids));
    assert_int_equal(asked, LEADERS);
    apr_atomic_set32(&allowed, 1);
    await(&asked, LEADERS + 1);
    apr_atomic_set32(&allowed, 100);
    for (int i = 0; i < LEADERS; i++) {
        end(&busy[i], APR_SUCCESS);
    }
    for (size_t i = 0; i < COUNT(uids); i++) {
        end(&waiting[i], i == 3 || i == 5 ? UM_ENOTFOUND : APR_SUCCESS);
    }
    assert_int_equal(asked, LEADERS + 1);
}

static void one_that_waits_too_long_asks_itself(void **state)
{
    reader_t busy[LEADERS];
    reader_t late;

    (void)state;
    keep_busy(busy, LEADERS);
    waits_long = 0;
    start(&late, "u1");
    await(&asked, LEADERS + 1);
    apr_atomic_set32(&allowed, 100);
    end(&late, APR_SUCCESS);
    for (int i = 0; i < LEADERS; i++) {
        end(&busy[i], APR_SUCCESS);
    }
}

static void all_get_the_failure(void **state)
{
    reader_t busy[LEADERS];
    reader_t waiting[4];

    (void)state;
    keep_busy(busy, LEADERS);
    for (size_t i = 0; i < COUNT(waiting); i++) {
        start(&waiting[i], "u1");
    }
    await(&waits, COUNT(waiting));
    host->refuse_connections = 1;
    apr_atomic_set32(&allowed, 100);
    for (int i = 0; i < LEADERS; i++) {
        end(&busy[i], UM_EUNAVAILABLE);
    }
    for (size_t i = 0; i < COUNT(waiting); i++) {
        end(&waiting[i], UM_EUNAVAILABLE);
    }
}

/* A thread that reads a status once. */
typedef struct status_reader_t {
    apr_thread_t *thread;
    apr_int64_t org_id;
    apr_status_t status;
    um_organization_status_t *organization;
    apr_pool_t *pool;
} status_reader_t;

static void *APR_THREAD_FUNC read_status(apr_thread_t *thread, void *data)
{
    status_reader_t *reader = data;

    (void)thread;
    reader->status = um_status_reads_get(&reader->organization, store, reader->org_id,
                                         reader->pool);
    return NULL;
}

static void start_status(status_reader_t *reader, apr_int64_t org_id)
{
    memset(reader, 0, sizeof(*reader));
    reader->org_id = org_id;
    apr_pool_create_unmanaged_ex(&reader->pool, NULL, NULL);
    assert_int_equal(apr_thread_create(&reader->thread, NULL, read_status, reader, pool),
                     APR_SUCCESS);
}

static void join_status(status_reader_t *reader, apr_status_t expected)
{
    apr_status_t result;

    apr_thread_join(&result, reader->thread);
    assert_int_equal(reader->status, expected);
}

/* Start readers of a status until so many ask the database, and none of them gets a connection.
 */
static void keep_busy_with_status(status_reader_t *readers, int count)
{
    for (int i = 0; i < count; i++) {
        start_status(&readers[i], org);
        await(&asked, (apr_uint32_t)i + 1);
    }
}

static void those_that_wait_share_the_status(void **state)
{
    status_reader_t busy[LEADERS];
    status_reader_t waiting[7];

    (void)state;
    keep_busy_with_status(busy, LEADERS);
    for (size_t i = 0; i < COUNT(waiting); i++) {
        start_status(&waiting[i], org);
        await(&waits, (apr_uint32_t)i + 1);
    }
    assert_int_equal(asked, LEADERS);
    /* Only one of the busy ones ends before those that wait are asked for. */
    apr_atomic_set32(&allowed, 1);
    await(&asked, LEADERS + 1);
    apr_atomic_set32(&allowed, 100);
    for (int i = 0; i < LEADERS; i++) {
        join_status(&busy[i], APR_SUCCESS);
        apr_pool_destroy(busy[i].pool);
    }
    for (size_t i = 0; i < COUNT(waiting); i++) {
        join_status(&waiting[i], APR_SUCCESS);
    }
    /* Each has an answer of its own, whoever has asked. */
    apr_pool_destroy(waiting[0].pool);
    for (size_t i = 1; i < COUNT(waiting); i++) {
        assert_string_equal(waiting[i].organization->name, "default");
        assert_int_equal(waiting[i].organization->user_count, USERS);
        assert_int_equal(waiting[i].organization->activities->nelts, 0);
        apr_pool_destroy(waiting[i].pool);
    }
    assert_int_equal(asked, LEADERS + 1);
}

static void another_organization_has_its_own_status(void **state)
{
    status_reader_t busy[LEADERS];
    status_reader_t same;
    status_reader_t other;
    status_reader_t absent;

    (void)state;
    keep_busy_with_status(busy, LEADERS);
    start_status(&same, org);
    await(&waits, 1);
    /* These wait for nobody. */
    start_status(&other, other_org);
    await(&asked, LEADERS + 1);
    start_status(&absent, other_org + 1000);
    await(&asked, LEADERS + 2);
    assert_int_equal(waits, 1);
    apr_atomic_set32(&allowed, 100);
    join_status(&other, APR_SUCCESS);
    join_status(&absent, UM_ENOTFOUND);
    join_status(&same, APR_SUCCESS);
    assert_string_equal(other.organization->name, "other");
    assert_int_equal(other.organization->user_count, 0);
    assert_int_equal(same.organization->user_count, USERS);
    for (int i = 0; i < LEADERS; i++) {
        join_status(&busy[i], APR_SUCCESS);
        apr_pool_destroy(busy[i].pool);
    }
    apr_pool_destroy(other.pool);
    apr_pool_destroy(absent.pool);
    apr_pool_destroy(same.pool);
}

static void a_user_and_a_status_are_two_statements(void **state)
{
    reader_t busy[LEADERS];
    status_reader_t status;

    (void)state;
    keep_busy(busy, LEADERS);
    start_status(&status, org);
    await(&asked, LEADERS + 1);
    apr_atomic_set32(&allowed, 100);
    join_status(&status, APR_SUCCESS);
    assert_int_equal(status.organization->user_count, USERS);
    apr_pool_destroy(status.pool);
    for (int i = 0; i < LEADERS; i++) {
        end(&busy[i], APR_SUCCESS);
    }
}

/* One thread of many that read all the time. */
typedef struct crowd_t {
    apr_thread_t *thread;
    int number;
    int wrong;
} crowd_t;

static void *APR_THREAD_FUNC read_often(apr_thread_t *thread, void *data)
{
    crowd_t *mine = data;
    apr_pool_t *scratch;

    (void)thread;
    apr_pool_create_unmanaged_ex(&scratch, NULL, NULL);
    for (int i = 0; i < READS; i++) {
        int number = (mine->number * 7 + i * 5) % (USERS + 1);
        const char *uid = uid_of(number, scratch);
        um_user_t *user = NULL;
        apr_status_t status = um_user_reads_get(&user, store, org, uid, scratch);

        mine->wrong += number == USERS ? status != UM_ENOTFOUND
                                       : status != APR_SUCCESS || strcmp(user->uid, uid) != 0;
        apr_pool_clear(scratch);
    }
    apr_pool_destroy(scratch);
    return NULL;
}

static void each_of_a_crowd_gets_its_own(void **state)
{
    crowd_t crowd[THREADS];
    apr_status_t result;

    (void)state;
    apr_atomic_set32(&allowed, THREADS * READS);
    for (int i = 0; i < THREADS; i++) {
        crowd[i] = (crowd_t){ NULL, i, 0 };
        assert_int_equal(apr_thread_create(&crowd[i].thread, NULL, read_often, &crowd[i], pool),
                         APR_SUCCESS);
    }
    for (int i = 0; i < THREADS; i++) {
        apr_thread_join(&result, crowd[i].thread);
        assert_int_equal(crowd[i].wrong, 0);
    }
    assert_int_equal(host->errors, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SET_UP(those_that_wait_share_a_statement),
        WITH_SET_UP(one_that_waits_too_long_asks_itself),
        WITH_SET_UP(all_get_the_failure),
        WITH_SET_UP(those_that_wait_share_the_status),
        WITH_SET_UP(another_organization_has_its_own_status),
        WITH_SET_UP(a_user_and_a_status_are_two_statements),
        WITH_SET_UP(each_of_a_crowd_gets_its_own),
    };

    return RUN("shared_reads", tests);
}
