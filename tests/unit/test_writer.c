/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_writer.c Group commit: each change gets its own end, and all hold or none. */

#include <apr_atomic.h>
#include <apr_thread_proc.h>

#include "unit.h"

#include "../../mod_usermgmt/core/store_lists.h"
#include "../../mod_usermgmt/core/store_callers.h"
#include "../../mod_usermgmt/core/store_organizations.h"
#include "../../mod_usermgmt/db/statements.h"
#include "sqlite_host.h"

#define THREADS 16
#define CHANGES 40

static sqlite_host_t *host;
static um_writer_t *writer;
static um_store_t *store;

static int set_up(void **state)
{
    make_pool(state);
    host = sqlite_host_create(pool);
    if (host == NULL || um_writer_create(&writer, pool) != APR_SUCCESS) {
        return -1;
    }
    store = um_store_create(&host->host, UM_DIALECT_SQLITE, writer, 1, pool);
    return um_store_prepare(store, pool) == APR_SUCCESS ? 0 : -1;
}

typedef struct insert_t {
    const char *name;
    apr_status_t end;
    int runs;
} insert_t;

static apr_status_t insert(um_db_t *db, void *baton, apr_pool_t *change_pool)
{
    insert_t *change = baton;
    apr_status_t status = um_store_organizations_insert(db, change->name, 1, change_pool);

    change->runs++;
    return status == APR_SUCCESS ? change->end : status;
}

static int exists(const char *name)
{
    um_caller_record_t *record = NULL;
    um_db_t *db = NULL;
    apr_status_t status;

    assert_int_equal(um_store_open(&db, store, pool), APR_SUCCESS);
    status = um_store_callers_get(&record, db, name, "nobody@example.com", pool);
    um_db_close(db);
    assert_true(status == APR_SUCCESS || status == UM_ENOTFOUND);
    return status == APR_SUCCESS;
}

static void a_change_holds_when_it_is_told(void **state)
{
    insert_t change = { "one", APR_SUCCESS, 0 };

    (void)state;
    assert_int_equal(um_store_change(store, insert, &change, pool), APR_SUCCESS);
    assert_int_equal(change.runs, 1);
    assert_true(exists("one"));
}

static void a_refused_change_leaves_nothing(void **state)
{
    insert_t change = { "refused", UM_EREFUSED, 0 };

    (void)state;
    assert_int_equal(um_store_change(store, insert, &change, pool), UM_EREFUSED);
    assert_false(exists("refused"));
}

typedef struct thread_t {
    apr_thread_t *thread;
    int number;
    int wrong;
} thread_t;

/* Every third change is refused. */
static void *APR_THREAD_FUNC make_changes(apr_thread_t *thread, void *data)
{
    thread_t *mine = data;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, apr_thread_pool_get(thread));
    for (int i = 0; i < CHANGES; i++) {
        insert_t change = { NULL, i % 3 == 0 ? UM_EREFUSED : APR_SUCCESS, 0 };

        change.name = apr_psprintf(scratch, "t%d-%d", mine->number, i);
        if (um_store_change(store, insert, &change, scratch) != change.end || change.runs < 1) {
            mine->wrong++;
        }
        apr_pool_clear(scratch);
    }
    return NULL;
}

static void a_refused_change_harms_no_other(void **state)
{
    thread_t threads[THREADS];
    apr_status_t result;

    (void)state;
    for (int t = 0; t < THREADS; t++) {
        threads[t].number = t;
        threads[t].wrong = 0;
        assert_int_equal(apr_thread_create(&threads[t].thread, NULL, make_changes, &threads[t],
                                           pool),
                         APR_SUCCESS);
    }
    for (int t = 0; t < THREADS; t++) {
        apr_thread_join(&result, threads[t].thread);
        assert_int_equal(threads[t].wrong, 0);
    }
    for (int t = 0; t < THREADS; t++) {
        for (int i = 0; i < CHANGES; i++) {
            assert_int_equal(exists(apr_psprintf(pool, "t%d-%d", t, i)), i % 3 != 0);
        }
    }
    assert_int_equal(host->errors, 0);
}

static void without_a_connection_it_is_unavailable(void **state)
{
    insert_t change = { "later", APR_SUCCESS, 0 };

    (void)state;
    host->refuse_connections = 1;
    assert_int_equal(um_store_change(store, insert, &change, pool), UM_EUNAVAILABLE);
    assert_int_equal(change.runs, 0);
    host->refuse_connections = 0;
    assert_int_equal(um_store_change(store, insert, &change, pool), APR_SUCCESS);
    assert_true(exists("later"));
}

/* A stranger alters the schema: statements prepared before fail once. */
static void it_recovers_after_a_schema_change(void **state)
{
    insert_t change = { "before", APR_SUCCESS, 0 };
    apr_dbd_t *stranger = NULL;
    int rows = 0;

    (void)state;
    assert_int_equal(um_store_change(store, insert, &change, pool), APR_SUCCESS);
    assert_int_equal(apr_dbd_open(host->database.driver, pool, host->path, &stranger),
                     APR_SUCCESS);
    assert_int_equal(apr_dbd_query(host->database.driver, stranger, &rows,
                                   "CREATE TABLE stranger (a INTEGER)"),
                     0);
    apr_dbd_close(host->database.driver, stranger);
    change.name = "after";
    assert_int_equal(um_store_change(store, insert, &change, pool), APR_SUCCESS);
    assert_true(exists("after"));
}

/* ---- the log ---- */

/* Of 64 MB, from which on lists are kept away, and what comes until the next look. */
#define LOG_MAX (96 * 1024 * 1024)
#define BIG_CHANGES 300
#define LISTS 3

static um_limit_t *searches;
static volatile apr_uint32_t stop_lists;
static volatile apr_uint32_t lists_read;

/* 400 KB. */
static apr_status_t insert_big(um_db_t *db, void *baton, apr_pool_t *change_pool)
{
    (void)baton;
    (void)change_pool;
    return um_db_execute_schema(db, "INSERT INTO big VALUES (zeroblob(400000))");
}

static void pause_at_row(const um_row_t *row, void *baton)
{
    (void)row;
    (void)baton;
    apr_sleep(apr_time_from_msec(20));
}

/* Reads that take long, one after the other. */
static void *APR_THREAD_FUNC read_lists(apr_thread_t *thread, void *data)
{
    apr_pool_t *scratch;

    (void)data;
    apr_pool_create(&scratch, apr_thread_pool_get(thread));
    while (!apr_atomic_read32(&stop_lists)) {
        um_db_t *db = NULL;

        if (um_store_begin_search(store, apr_time_from_sec(30)) != APR_SUCCESS
            || um_store_open_search(&db, store, scratch) != APR_SUCCESS
            || um_db_select(db, pause_at_row, NULL,
                            UM_BIND(organization_list, .after = "", .limit = 10), scratch)
                   != APR_SUCCESS) {
            break;
        }
        um_db_close(db);
        um_store_end_search(store);
        apr_atomic_inc32(&lists_read);
        apr_pool_clear(scratch);
    }
    return NULL;
}

static void make_big_table(void)
{
    um_db_t *db = NULL;

    assert_int_equal(um_store_open(&db, store, pool), APR_SUCCESS);
    assert_int_equal(um_db_execute_schema(db, "CREATE TABLE big (a BLOB)"), APR_SUCCESS);
    um_db_close(db);
}

/* Lists that are read all the time would keep the log from starting anew. */
static void the_log_stays_short_under_lists(void **state)
{
    apr_thread_t *threads[LISTS];
    apr_finfo_t info;

    (void)state;
    stop_lists = lists_read = 0;
    assert_int_equal(um_limit_create(&searches, LISTS, pool), APR_SUCCESS);
    um_store_limit_searches(store, searches);
    um_writer_set_searches(writer, searches);
    make_big_table();
    for (int i = 0; i < LISTS; i++) {
        assert_int_equal(apr_thread_create(&threads[i], NULL, read_lists, NULL, pool),
                         APR_SUCCESS);
    }
    for (int i = 0; i < BIG_CHANGES; i++) {
        assert_int_equal(um_store_change(store, insert_big, NULL, pool), APR_SUCCESS);
    }
    apr_atomic_set32(&stop_lists, 1);
    for (int i = 0; i < LISTS; i++) {
        apr_status_t result;

        apr_thread_join(&result, threads[i]);
    }
    assert_true(lists_read > LISTS);
    assert_int_equal(apr_stat(&info, apr_pstrcat(pool, host->path, "-wal", NULL), APR_FINFO_SIZE,
                              pool),
                     APR_SUCCESS);
    assert_true(info.size < LOG_MAX);
}

/* ---- a group whose COMMIT fails ---- */

#define GROUP 32

static volatile apr_uint32_t group_started;

/* Keeps the writer busy until the others wait, so that they become one group. */
static apr_status_t wait_for_group(um_db_t *db, void *baton, apr_pool_t *change_pool)
{
    (void)db;
    (void)baton;
    (void)change_pool;
    while (apr_atomic_read32(&group_started) < GROUP) {
        apr_sleep(1000);
    }
    apr_sleep(apr_time_from_msec(300));
    return APR_SUCCESS;
}

static void *APR_THREAD_FUNC occupy_writer(apr_thread_t *thread, void *data)
{
    um_store_change(store, wait_for_group, data, apr_thread_pool_get(thread));
    return NULL;
}

/* Breaks a rule that the database looks at only when it commits. */
static apr_status_t insert_and_break(um_db_t *db, void *baton, apr_pool_t *change_pool)
{
    insert_t *change = baton;
    apr_status_t status = insert(db, change, change_pool);

    if (status == APR_SUCCESS) {
        status = um_db_execute_schema(db, "INSERT INTO children (parent) VALUES (7)");
    }
    return status;
}

typedef struct group_thread_t {
    apr_thread_t *thread;
    insert_t change;
    apr_status_t status;
} group_thread_t;

static void *APR_THREAD_FUNC change_in_group(apr_thread_t *thread, void *data)
{
    group_thread_t *mine = data;

    apr_atomic_inc32(&group_started);
    mine->status = um_store_change(store, insert_and_break, &mine->change,
                                   apr_thread_pool_get(thread));
    return NULL;
}

static apr_status_t make_tables(um_db_t *db, void *baton, apr_pool_t *change_pool)
{
    apr_status_t status = um_db_execute_schema(db,
                                               "CREATE TABLE parents (id INTEGER PRIMARY KEY)");

    (void)baton;
    (void)change_pool;
    if (status == APR_SUCCESS) {
        status = um_db_execute_schema(db, "CREATE TABLE children (parent INTEGER REFERENCES"
                                          " parents (id) DEFERRABLE INITIALLY DEFERRED)");
    }
    return status;
}

static void a_group_whose_commit_fails_is_refused_whole(void **state)
{
    group_thread_t threads[GROUP];
    apr_thread_t *occupant = NULL;
    apr_status_t result;

    (void)state;
    assert_int_equal(um_store_change(store, make_tables, NULL, pool), APR_SUCCESS);
    apr_atomic_set32(&group_started, 0);
    assert_int_equal(apr_thread_create(&occupant, NULL, occupy_writer, NULL, pool), APR_SUCCESS);
    for (int i = 0; i < GROUP; i++) {
        threads[i].change = (insert_t){ apr_psprintf(pool, "group-%d", i), APR_SUCCESS, 0 };
        threads[i].status = APR_SUCCESS;
        assert_int_equal(apr_thread_create(&threads[i].thread, NULL, change_in_group, &threads[i],
                                           pool),
                         APR_SUCCESS);
    }
    apr_thread_join(&result, occupant);
    for (int i = 0; i < GROUP; i++) {
        apr_thread_join(&result, threads[i].thread);
    }
    for (int i = 0; i < GROUP; i++) {
        assert_int_equal(threads[i].status, UM_EUNAVAILABLE);
        /* It was in the group each time that this was tried. */
        assert_int_equal(threads[i].change.runs, 2);
        assert_false(exists(threads[i].change.name));
    }
    assert_int_not_equal(host->errors, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SET_UP(a_change_holds_when_it_is_told),
        WITH_SET_UP(a_refused_change_leaves_nothing),
        WITH_SET_UP(a_refused_change_harms_no_other),
        WITH_SET_UP(without_a_connection_it_is_unavailable),
        WITH_SET_UP(it_recovers_after_a_schema_change),
        WITH_SET_UP(the_log_stays_short_under_lists),
        WITH_SET_UP(a_group_whose_commit_fails_is_refused_whole),
    };

    return RUN("writer", tests);
}
