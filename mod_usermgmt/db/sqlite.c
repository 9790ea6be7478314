/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file sqlite.c Reads on SQLite without apr_dbd's driver, see sqlite.h. */

#include "sqlite.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <sqlite3.h>

#include "../base/status.h"
#include "../base/ticks.h"

/* Steps of SQLite's virtual machine between two checks of the clock: less than a
 * millisecond. */
#define STEPS_PER_LOOK 5000

/* With this many pages in the log, a commit copies them to the database. It is SQLite's own
 * number. */
#define LOG_PAGES 1000

/* Pause between two tries on a locked database. */
#define BUSY_PAUSE apr_time_from_msec(10)

typedef struct um_statement_kept_t {
    /* NULL if the place is free. */
    sqlite3_stmt *statement;
    /* The text that it was prepared from, with apr_dbd's placeholders, and its hash. */
    char *sql;
    unsigned hash;
    /* Where that text was. The fixed statements' texts stay there. */
    const char *origin;
    int parameters;
    /* A bit for each parameter that is an integer, see UM_SQLITE_PARAMETERS_MAX. */
    unsigned char integers[UM_SQLITE_PARAMETERS_MAX / 8];
    /* The number of the call that used it last. */
    apr_uint64_t used;
} um_statement_kept_t;

struct um_sqlite_t {
    sqlite3 *handle;
    um_statement_kept_t kept[UM_SQLITE_STATEMENTS_MAX];
    apr_uint64_t calls;
    int error;
    /* When the read that runs must end. */
    apr_time_t end;
    int log_pages;
};

const char *um_sqlite_text(struct sqlite3_stmt *row, int column)
{
    return (const char *)sqlite3_column_text(row, column);
}

apr_int64_t um_sqlite_int(struct sqlite3_stmt *row, int column)
{
    return sqlite3_column_int64(row, column);
}

int um_sqlite_size(struct sqlite3_stmt *row)
{
    return sqlite3_column_count(row);
}

int um_sqlite_is_library(const char *source_id)
{
    return source_id != NULL && strcmp(source_id, sqlite3_sourceid()) == 0
           && sqlite3_threadsafe() != 0;
}

int um_sqlite_error(const char **text, const um_sqlite_t *sqlite)
{
    *text = sqlite->error != sqlite3_errcode(sqlite->handle) ? sqlite3_errstr(sqlite->error)
                                                             : sqlite3_errmsg(sqlite->handle);
    return sqlite->error;
}

void um_sqlite_set_up(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static void drop(um_statement_kept_t *kept)
{
    sqlite3_finalize(kept->statement);
    free(kept->sql);
    memset(kept, 0, sizeof(*kept));
}

void um_sqlite_forget(um_sqlite_t *sqlite)
{
    for (int i = 0; i < UM_SQLITE_STATEMENTS_MAX; i++) {
        drop(&sqlite->kept[i]);
    }
}

/* SQLite calls it after a commit, in place of its own function. */
static int note_commit(void *baton, sqlite3 *handle, const char *database, int pages)
{
    um_sqlite_t *sqlite = baton;
    int copied = 0;

    sqlite->log_pages = pages;
    if (pages >= LOG_PAGES
        && sqlite3_wal_checkpoint_v2(handle, database, SQLITE_CHECKPOINT_PASSIVE, &pages, &copied)
               == SQLITE_OK
        && copied == pages) {
        sqlite->log_pages = 0;
    }
    return SQLITE_OK;
}

int um_sqlite_log_pages(const um_sqlite_t *sqlite)
{
    return sqlite->log_pages;
}

um_sqlite_t *um_sqlite_create(void *handle, apr_pool_t *pool)
{
    um_sqlite_t *made = apr_pcalloc(pool, sizeof(*made));

    made->handle = handle;
    sqlite3_wal_hook(handle, note_commit, made);
    return made;
}

/* Replace apr_dbd's placeholders by SQLite's, and note which of them are integers. The new
 * text is not longer. */
static void translate(char *to, um_statement_kept_t *kept, const char *sql)
{
    while (*sql != '\0') {
        if (*sql != '%') {
            *to++ = *sql++;
        } else if (sql[1] == '%') {
            *to++ = '%';
            sql += 2;
        } else {
            int is_integer = strncmp(sql, "%lld", 4) == 0;

            *to++ = '?';
            sql += is_integer ? 4 : 2;
            if (is_integer && kept->parameters < UM_SQLITE_PARAMETERS_MAX) {
                unsigned number = (unsigned)kept->parameters;

                kept->integers[number / 8] |= (unsigned char)(1u << number % 8);
            }
            kept->parameters++;
        }
    }
    *to = '\0';
}

static unsigned hash_of(const char *sql)
{
    unsigned hash = 2166136261u;

    for (; *sql != '\0'; sql++) {
        hash = (hash ^ (unsigned char)*sql) * 16777619u;
    }
    return hash;
}

/* The place of a statement, or the place that a new statement may take. */
static um_statement_kept_t *find(um_sqlite_t *sqlite, const char *sql, unsigned hash)
{
    um_statement_kept_t *oldest = &sqlite->kept[0];

    for (int i = 0; i < UM_SQLITE_STATEMENTS_MAX; i++) {
        um_statement_kept_t *kept = &sqlite->kept[i];

        if (kept->hash == hash && kept->sql != NULL && strcmp(kept->sql, sql) == 0) {
            return kept;
        }
        if (kept->used < oldest->used) {
            oldest = kept;
        }
    }
    return oldest;
}

/* The place of a statement whose text was at the same address, or NULL. Reading a long text for
 * its hash takes longer. The address may have another text now, so the text decides. */
static um_statement_kept_t *find_by_origin(um_sqlite_t *sqlite, const char *sql)
{
    for (int i = 0; i < UM_SQLITE_STATEMENTS_MAX; i++) {
        um_statement_kept_t *kept = &sqlite->kept[i];

        if (kept->origin == sql && kept->statement != NULL && strcmp(kept->sql, sql) == 0) {
            return kept;
        }
    }
    return NULL;
}

static int prepare(um_sqlite_t *sqlite, um_statement_kept_t *kept, const char *sql, unsigned hash)
{
    char *text = malloc(strlen(sql) + 1);
    int error = SQLITE_NOMEM;

    drop(kept);
    kept->sql = strdup(sql);
    kept->hash = hash;
    kept->origin = sql;
    if (text != NULL && kept->sql != NULL) {
        translate(text, kept, sql);
        error = sqlite3_prepare_v2(sqlite->handle, text, -1, &kept->statement, NULL);
    }
    free(text);
    if (error != SQLITE_OK) {
        drop(kept);
    }
    return error;
}

/* Returns SQLITE_OK or the number of an error. */
static int find_or_prepare(um_statement_kept_t **found, um_sqlite_t *sqlite, const char *sql)
{
    um_statement_kept_t *kept = find_by_origin(sqlite, sql);
    int error = SQLITE_OK;

    if (kept == NULL) {
        unsigned hash = hash_of(sql);

        kept = find(sqlite, sql, hash);
        if (kept->statement == NULL || kept->hash != hash || strcmp(kept->sql, sql) != 0) {
            error = prepare(sqlite, kept, sql, hash);
        }
    }
    kept->used = ++sqlite->calls;
    *found = kept;
    return error;
}

static int bind_values(const um_statement_kept_t *kept, const char *const *parameters)
{
    int error = SQLITE_OK;

    for (int i = 0; error == SQLITE_OK && i < kept->parameters; i++) {
        const char *value = parameters[i];

        if (value == NULL) {
            error = sqlite3_bind_null(kept->statement, i + 1);
        } else if ((kept->integers[i / 8] >> (i % 8) & 1) != 0) {
            error = sqlite3_bind_int64(kept->statement, i + 1, apr_strtoi64(value, NULL, 10));
        } else {
            error = sqlite3_bind_text(kept->statement, i + 1, value, -1, SQLITE_STATIC);
        }
    }
    return error;
}

/* Non-zero ends the statement. */
static int is_past_end(void *baton)
{
    const um_sqlite_t *sqlite = baton;

    return um_ticks() >= sqlite->end;
}

/* Returns SQLITE_DONE, or the number of an error. */
static int step(um_sqlite_t *sqlite, um_statement_kept_t *kept, um_sqlite_read_t *read)
{
    sqlite3_mutex *mutex = sqlite3_db_mutex(sqlite->handle);
    int result;

    /* Each call for a row or a column takes this mutex, which costs less if it is taken already.
     */
    sqlite3_mutex_enter(mutex);
    result = bind_values(kept, read->parameters);
    sqlite3_progress_handler(sqlite->handle, STEPS_PER_LOOK, is_past_end, sqlite);
    while (result == SQLITE_OK || result == SQLITE_ROW) {
        result = sqlite3_step(kept->statement);
        if (result == SQLITE_ROW) {
            read->rows++;
            read->take(kept->statement, read->baton);
        }
    }
    sqlite3_progress_handler(sqlite->handle, 0, NULL, NULL);
    sqlite3_reset(kept->statement);
    sqlite3_clear_bindings(kept->statement);
    sqlite3_mutex_leave(mutex);
    return result;
}

static apr_status_t select_once(um_sqlite_t *sqlite, um_sqlite_read_t *read)
{
    um_statement_kept_t *kept = NULL;

    sqlite->error = find_or_prepare(&kept, sqlite, read->sql);
    if (sqlite->error != SQLITE_OK) {
        return UM_EUNAVAILABLE;
    }
    if (kept->parameters != read->count || read->count > UM_SQLITE_PARAMETERS_MAX) {
        return APR_EINVAL;
    }
    sqlite->error = step(sqlite, kept, read);
    if (sqlite->error == SQLITE_DONE) {
        return APR_SUCCESS;
    }
    if (sqlite->error == SQLITE_INTERRUPT && is_past_end(sqlite)) {
        return APR_TIMEUP;
    }
    return UM_EUNAVAILABLE;
}

apr_status_t um_sqlite_select(um_sqlite_t *sqlite, um_sqlite_read_t *read)
{
    apr_time_t now = um_ticks();
    apr_time_t patience = now + read->wait;
    apr_status_t status;

    sqlite->end = now + read->limit;
    read->rows = 0;
    for (;;) {
        status = select_once(sqlite, read);
        if (status != UM_EUNAVAILABLE || (sqlite->error & 0xff) != SQLITE_BUSY || read->rows > 0
            || um_ticks() >= patience) {
            return status;
        }
        apr_sleep(BUSY_PAUSE);
    }
}

/* ---- a backup ---- */

static int is_told_to_stop(void *baton)
{
    um_sqlite_stop_fn_t *const *stop = baton;

    return (*stop)();
}

apr_status_t um_sqlite_copy(um_sqlite_t *sqlite, const char *path, um_sqlite_stop_fn_t *stop)
{
    sqlite3_stmt *statement = NULL;

    sqlite->error = sqlite3_prepare_v2(sqlite->handle, "VACUUM INTO ?", -1, &statement, NULL);
    if (sqlite->error != SQLITE_OK) {
        return UM_EUNAVAILABLE;
    }
    sqlite3_bind_text(statement, 1, path, -1, SQLITE_STATIC);
    sqlite3_progress_handler(sqlite->handle, STEPS_PER_LOOK, is_told_to_stop, &stop);
    sqlite->error = sqlite3_step(statement);
    sqlite3_progress_handler(sqlite->handle, 0, NULL, NULL);
    sqlite3_finalize(statement);
    if (sqlite->error == SQLITE_INTERRUPT) {
        return APR_EINTR;
    }
    return sqlite->error == SQLITE_DONE ? APR_SUCCESS : UM_EUNAVAILABLE;
}

static const char *run_check(sqlite3 *handle, const char *sql, apr_pool_t *pool)
{
    sqlite3_stmt *statement = NULL;
    const char *found = NULL;

    if (sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) != SQLITE_OK
        || sqlite3_step(statement) != SQLITE_ROW) {
        found = apr_pstrdup(pool, sqlite3_errmsg(handle));
    } else if (strcmp(um_sqlite_text(statement, 0), "ok") != 0) {
        found = apr_pstrdup(pool, um_sqlite_text(statement, 0));
    }
    sqlite3_finalize(statement);
    return found;
}

const char *um_sqlite_check_file(const char *path, const char *sql, apr_pool_t *pool)
{
    sqlite3 *handle = NULL;
    /* Not for reading only: then SQLite 3.40 passes over CHECK constraints. */
    const char *found = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK
                            ? run_check(handle, sql, pool)
                            : "it can't be opened";

    sqlite3_close(handle);
    return found;
}

apr_status_t um_sqlite_prepare(um_sqlite_t *sqlite, const char *sql)
{
    um_statement_kept_t *kept;

    sqlite->error = find_or_prepare(&kept, sqlite, sql);
    return sqlite->error == SQLITE_OK ? APR_SUCCESS : UM_EUNAVAILABLE;
}
