/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_sqlite.c Reads on SQLite past apr_dbd's driver, on a real one. */

#include <sqlite3.h>

#include "unit.h"

#include "../../mod_usermgmt/db/sqlite.h"
#include "../../mod_usermgmt/base/buffer.h"
#include "sqlite_host.h"

static sqlite_host_t *host;
static um_connection_t *connection;
/* One more, for the tests that need it. */
static um_connection_t *other;
static um_sqlite_t *sqlite;

static void *native(const um_connection_t *of)
{
    return apr_dbd_native_handle(of->driver, of->handle);
}

static void execute(const um_connection_t *on, const char *sql)
{
    assert_int_equal(sqlite3_exec(native(on), sql, NULL, NULL, NULL), SQLITE_OK);
}

static int set_up(void **state)
{
    make_pool(state);
    host = sqlite_host_create(pool);
    if (host == NULL || sqlite_host_open(&connection, host) != APR_SUCCESS) {
        return -1;
    }
    execute(connection, "PRAGMA journal_mode = WAL");
    execute(connection, "CREATE TABLE t (n INTEGER, s TEXT)");
    execute(connection, "INSERT INTO t VALUES (1, 'one'), (2, NULL), (3, '%')");
    sqlite = connection->sqlite;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (connection != NULL) {
        um_connection_close(connection);
    }
    if (other != NULL) {
        um_connection_close(other);
    }
    other = NULL;
    apr_pool_destroy(pool);
    return 0;
}

/* The rows as text, and what is done at each. */
typedef struct taken_t {
    um_buffer_t text;
    void (*also)(void);
} taken_t;

static void take(struct sqlite3_stmt *row, void *baton)
{
    taken_t *taken = baton;

    for (int i = 0; i < um_sqlite_size(row); i++) {
        const char *text = um_sqlite_text(row, i);

        um_buffer_puts(&taken->text, text != NULL ? text : "NULL");
        um_buffer_putc(&taken->text, i + 1 < um_sqlite_size(row) ? ' ' : ';');
    }
    if (taken->also != NULL) {
        taken->also();
    }
}

static taken_t taken;

static um_sqlite_read_t a_read(const char *sql, const char *const *parameters, int count)
{
    um_sqlite_read_t read = { .sql = sql,
                              .parameters = parameters,
                              .count = count,
                              .take = take,
                              .baton = &taken,
                              .limit = apr_time_from_sec(10) };

    um_buffer_init(&taken.text, 64, pool);
    taken.also = NULL;
    return read;
}

static void rows_come_as_text(void **state)
{
    const char *const parameters[] = { "2", "%" };
    um_sqlite_read_t read = a_read("SELECT n, s FROM t WHERE n < %lld OR s = %s", parameters, 2);

    (void)state;
    assert_int_equal(um_sqlite_select(sqlite, &read), APR_SUCCESS);
    assert_string_equal(taken.text.data, "1 one;3 %;");
    assert_int_equal(read.rows, 2);
}

static void null_and_percent_are_told_apart(void **state)
{
    const char *const parameters[] = { NULL };
    um_sqlite_read_t read = a_read("SELECT n, s, %s IS NULL, 5 %% 3 FROM t WHERE n = 2",
                                   parameters, 1);

    (void)state;
    assert_int_equal(um_sqlite_select(sqlite, &read), APR_SUCCESS);
    assert_string_equal(taken.text.data, "2 NULL 1 2;");
}

static void parameters_are_counted(void **state)
{
    const char *const parameters[] = { "1", "2" };
    um_sqlite_read_t read = a_read("SELECT n FROM t WHERE n = %lld", parameters, 2);

    (void)state;
    assert_int_equal(um_sqlite_select(sqlite, &read), APR_EINVAL);
    read.count = 0;
    assert_int_equal(um_sqlite_select(sqlite, &read), APR_EINVAL);
    assert_string_equal(taken.text.data, "");
}

static void what_is_wrong_is_told(void **state)
{
    um_sqlite_read_t read = a_read("SELECT n FROM nowhere", NULL, 0);
    const char *text = NULL;

    (void)state;
    assert_int_equal(um_sqlite_select(sqlite, &read), UM_EUNAVAILABLE);
    assert_int_equal(um_sqlite_error(&text, sqlite), SQLITE_ERROR);
    assert_string_equal(text, "no such table: nowhere");
    assert_int_equal(um_sqlite_prepare(sqlite, "SELECT n FROM nowhere"), UM_EUNAVAILABLE);
    assert_int_equal(um_sqlite_prepare(sqlite, "SELECT n FROM t"), APR_SUCCESS);
}

static void a_long_read_ends_at_its_limit(void **state)
{
    um_sqlite_read_t read = a_read("WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1"
                                   " FROM r) SELECT COUNT(*) FROM r",
                                   NULL, 0);
    apr_time_t start = apr_time_now();

    (void)state;
    read.limit = apr_time_from_msec(100);
    assert_int_equal(um_sqlite_select(sqlite, &read), APR_TIMEUP);
    assert_true(apr_time_now() - start >= apr_time_from_msec(95));
    assert_true(apr_time_now() - start < apr_time_from_sec(5));
    /* The next one has a time of its own. */
    read = a_read("SELECT n FROM t WHERE n = 1", NULL, 0);
    assert_int_equal(um_sqlite_select(sqlite, &read), APR_SUCCESS);
    assert_string_equal(taken.text.data, "1;");
}

static void a_new_column_is_seen(void **state)
{
    um_sqlite_read_t read = a_read("SELECT * FROM t WHERE n = 1", NULL, 0);

    (void)state;
    assert_int_equal(um_sqlite_select(sqlite, &read), APR_SUCCESS);
    execute(connection, "ALTER TABLE t ADD COLUMN m INTEGER");
    assert_int_equal(um_sqlite_select(sqlite, &read), APR_SUCCESS);
    assert_string_equal(taken.text.data, "1 one;1 one NULL;");
}

/* How many statements the library has; one is the driver's. */
static int count_statements(sqlite3 *handle)
{
    int count = 0;

    for (sqlite3_stmt *at = NULL; (at = sqlite3_next_stmt(handle, at)) != NULL;) {
        count++;
    }
    return count;
}

static void few_statements_are_kept(void **state)
{
    const char *often = "SELECT 0";
    sqlite3 *handle = native(connection);
    int first = 0;

    (void)state;
    for (int i = 1; i <= 1000; i++) {
        um_sqlite_read_t read = a_read(apr_psprintf(pool, "SELECT %d", i), NULL, 0);
        int now = 0;
        int most = 0;

        assert_int_equal(um_sqlite_select(sqlite, &read), APR_SUCCESS);
        read.sql = often;
        assert_int_equal(um_sqlite_select(sqlite, &read), APR_SUCCESS);
        assert_string_equal(taken.text.data, apr_psprintf(pool, "%d;0;", i));
        assert_true(count_statements(handle) <= UM_SQLITE_STATEMENTS_MAX + 1);
        sqlite3_db_status(handle, SQLITE_DBSTATUS_STMT_USED, &now, &most, 0);
        first = i == 200 ? now : first;
        assert_true(i < 200 || now <= first + 256);
    }
    for (sqlite3_stmt *at = NULL; (at = sqlite3_next_stmt(handle, at)) != NULL;) {
        first = first && strcmp(sqlite3_sql(at), often) != 0;
    }
    /* What is used often stays. */
    assert_int_equal(first, 0);
    assert_int_equal(count_statements(handle), UM_SQLITE_STATEMENTS_MAX + 1);
    um_sqlite_forget(sqlite);
    assert_int_equal(count_statements(handle), 1);
}

static void another_text_at_the_same_address_is_another_statement(void **state)
{
    char sql[] = "SELECT n FROM t WHERE n = 1";
    um_sqlite_read_t read = a_read(sql, NULL, 0);

    (void)state;
    assert_int_equal(um_sqlite_select(sqlite, &read), APR_SUCCESS);
    sql[strlen(sql) - 1] = '3';
    assert_int_equal(um_sqlite_select(sqlite, &read), APR_SUCCESS);
    assert_string_equal(taken.text.data, "1;3;");
}

/* Otherwise each allocation would take a mutex of the whole process. */
static void memory_is_not_counted(void **state)
{
    sqlite3_int64 now = -1;
    sqlite3_int64 most = -1;

    (void)state;
    assert_int_equal(sqlite3_status64(SQLITE_STATUS_MEMORY_USED, &now, &most, 0), SQLITE_OK);
    assert_int_equal(most, 0);
}

/* ---- a locked database ---- */

static void open_other(void)
{
    assert_int_equal(sqlite_host_open(&other, host), APR_SUCCESS);
}

static void a_locked_database_is_waited_for(void **state)
{
    const char *path = apr_pstrcat(pool, host->path, "-locked", NULL);
    um_sqlite_read_t read = a_read("SELECT COUNT(*) FROM sqlite_master", NULL, 0);
    apr_time_t start = apr_time_now();
    const char *text = NULL;
    sqlite3 *reader = NULL;
    sqlite3 *owner = NULL;
    um_sqlite_t *reads;

    (void)state;
    assert_int_equal(sqlite3_open(path, &reader), SQLITE_OK);
    assert_int_equal(sqlite3_open(path, &owner), SQLITE_OK);
    reads = um_sqlite_create(reader, pool);
    assert_int_equal(sqlite3_exec(owner, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    read.wait = apr_time_from_msec(50);
    assert_int_equal(um_sqlite_select(reads, &read), UM_EUNAVAILABLE);
    assert_int_equal(um_sqlite_error(&text, reads), SQLITE_BUSY);
    assert_true(apr_time_now() - start >= apr_time_from_msec(50));
    assert_int_equal(read.rows, 0);
    assert_int_equal(sqlite3_exec(owner, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(um_sqlite_select(reads, &read), APR_SUCCESS);
    assert_string_equal(taken.text.data, "0;");
    um_sqlite_forget(reads);
    assert_int_equal(sqlite3_close(reader), SQLITE_OK);
    assert_int_equal(sqlite3_close(owner), SQLITE_OK);
    apr_file_remove(path, pool);
}

static void break_off(void)
{
    sqlite3_interrupt(native(connection));
}

static void no_row_comes_twice(void **state)
{
    um_sqlite_read_t read = a_read("SELECT n FROM t", NULL, 0);

    (void)state;
    taken.also = break_off;
    read.wait = apr_time_from_sec(5);
    assert_int_equal(um_sqlite_select(sqlite, &read), UM_EUNAVAILABLE);
    assert_string_equal(taken.text.data, "1;");
    assert_int_equal(read.rows, 1);
}

static void a_read_sees_one_moment(void **state)
{
    um_sqlite_read_t read = a_read("SELECT COUNT(*) FROM t", NULL, 0);

    (void)state;
    open_other();
    execute(other, "BEGIN IMMEDIATE");
    execute(other, "DELETE FROM t");
    /* Nobody waits for a writer. */
    assert_int_equal(um_sqlite_select(sqlite, &read), APR_SUCCESS);
    execute(other, "COMMIT");
    assert_int_equal(um_sqlite_select(sqlite, &read), APR_SUCCESS);
    assert_string_equal(taken.text.data, "3;0;");
}

static void the_log_is_measured(void **state)
{
    um_sqlite_t *reader;
    um_sqlite_read_t read;

    (void)state;
    execute(connection, "INSERT INTO t VALUES (4, 'four')");
    assert_in_range(um_sqlite_log_pages(sqlite), 1, 20);
    /* More than a commit leaves in the log, but somebody reads from its beginning. */
    open_other();
    reader = other->sqlite;
    read = a_read("SELECT n FROM t", NULL, 0);
    execute(other, "BEGIN");
    assert_int_equal(um_sqlite_select(reader, &read), APR_SUCCESS);
    execute(connection, "INSERT INTO t SELECT 5, zeroblob(5000000)");
    assert_true(um_sqlite_log_pages(sqlite) > 1000);
    execute(other, "COMMIT");
    execute(connection, "INSERT INTO t VALUES (6, 'six')");
    assert_int_equal(um_sqlite_log_pages(sqlite), 0);
}

static void the_connection_can_be_closed(void **state)
{
    um_sqlite_read_t read = a_read("SELECT n FROM t WHERE n = 1", NULL, 0);
    apr_finfo_t info;

    (void)state;
    assert_int_equal(um_sqlite_select(sqlite, &read), APR_SUCCESS);
    assert_int_equal(apr_stat(&info, apr_pstrcat(pool, host->path, "-wal", NULL), APR_FINFO_SIZE,
                              pool),
                     APR_SUCCESS);
    um_connection_close(connection);
    connection = NULL;
    /* SQLite removes the log with the last connection, which it keeps open as long as it
     * has statements. */
    assert_true(APR_STATUS_IS_ENOENT(apr_stat(&info, apr_pstrcat(pool, host->path, "-wal", NULL),
                                              APR_FINFO_SIZE, pool)));
}

static void the_library_is_the_drivers(void **state)
{
    um_sqlite_read_t read = a_read("SELECT sqlite_source_id()", NULL, 0);

    (void)state;
    assert_int_equal(um_sqlite_select(sqlite, &read), APR_SUCCESS);
    taken.text.data[taken.text.length - 1] = '\0';
    assert_true(um_sqlite_is_library(taken.text.data));
    assert_false(um_sqlite_is_library("2001-01-01 00:00:00 0123"));
    assert_false(um_sqlite_is_library(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TEAR_DOWN(rows_come_as_text),
        WITH_TEAR_DOWN(null_and_percent_are_told_apart),
        WITH_TEAR_DOWN(parameters_are_counted),
        WITH_TEAR_DOWN(what_is_wrong_is_told),
        WITH_TEAR_DOWN(a_long_read_ends_at_its_limit),
        WITH_TEAR_DOWN(a_new_column_is_seen),
        WITH_TEAR_DOWN(few_statements_are_kept),
        WITH_TEAR_DOWN(another_text_at_the_same_address_is_another_statement),
        WITH_TEAR_DOWN(memory_is_not_counted),
        WITH_TEAR_DOWN(a_locked_database_is_waited_for),
        WITH_TEAR_DOWN(no_row_comes_twice),
        WITH_TEAR_DOWN(a_read_sees_one_moment),
        WITH_TEAR_DOWN(the_log_is_measured),
        WITH_TEAR_DOWN(the_connection_can_be_closed),
        WITH_TEAR_DOWN(the_library_is_the_drivers),
    };

    return RUN("sqlite", tests);
}
