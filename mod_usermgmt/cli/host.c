/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file host.c The core's host in the tool: connections, log, changes. See tool.h. */

#include "tool.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <apr_cstr.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "../base/log.h"
#include "../base/text.h"
#include "../base/ticks.h"
#include "../core/store_organizations.h"
#include "../core/store_records.h"
#include "../db/params.h"
#include "../db/sqlite_file.h"
#include "conf.h"
#include "interrupt.h"

/* The pause before a change is retried because the database was busy. */
#define BUSY_PAUSE apr_time_from_msec(100)

void um_tool_say(const um_tool_t *tool, const char *format, ...)
{
    va_list arguments;
    um_buffer_t safe;
    char *text;

    va_start(arguments, format);
    text = apr_pvsprintf(tool->pool, format, arguments);
    va_end(arguments);
    um_buffer_init(&safe, strlen(text) + 64, tool->pool);
    um_text_escape(&safe, text, strlen(text), 0);
    um_tool_say_lines(safe.data);
}

void um_tool_say_lines(const char *text)
{
    fprintf(stderr, "usermgmtctl: %s\n", text);
}

um_exit_t um_tool_open_output(um_tool_t *tool)
{
    const char *name = um_options_value(&tool->options, UM_OPTION_OUTPUT);

    return name != NULL ? um_output_open(&tool->out, tool, "--output", name, UM_OUTPUT_AT_END)
                        : UM_EXIT_OK;
}

um_exit_t um_tool_write(const um_tool_t *tool, const um_buffer_t *text)
{
    return um_output_write(&tool->out, tool, text);
}

/* ---- the core's host ---- */

/* Print a message, or keep it while a change may be retried. */
static void tell(um_tool_t *tool, const char *line, int is_uncertain)
{
    if (!tool->holds_log) {
        um_tool_say(tool, "%s", line);
    } else if (!tool->is_uncertain) {
        apr_cpystrn(tool->held_line, line, sizeof(tool->held_line));
        tool->is_uncertain = is_uncertain;
    }
}

static apr_status_t open_connection(um_connection_t **connection, um_tool_t *tool,
                                    apr_pool_t *pool)
{
    const char *error = NULL;
    apr_status_t status = um_connection_open(connection, &error, &tool->database, 1, pool);

    if (status != APR_SUCCESS) {
        tell(tool,
             apr_psprintf(pool, "the database can't be opened: %s%s", error,
                          um_database_place(&tool->database, pool)),
             0);
    }
    return status;
}

static apr_status_t acquire(um_connection_t **connection, um_acquire_t which, void *baton,
                            apr_pool_t *pool)
{
    um_tool_t *tool = baton;
    apr_status_t status = APR_SUCCESS;

    apr_thread_mutex_lock(tool->mutex);
    if (which == UM_ACQUIRE_ANY && tool->idle_count > 0) {
        *connection = tool->idle[--tool->idle_count];
    } else {
        status = open_connection(connection, tool, pool);
    }
    apr_thread_mutex_unlock(tool->mutex);
    return status;
}

static void release(um_connection_t *connection, void *baton)
{
    um_tool_t *tool = baton;

    apr_thread_mutex_lock(tool->mutex);
    if (connection->state == UM_CONNECTION_READY && tool->idle_count < UM_TOOL_IDLE_MAX) {
        tool->idle[tool->idle_count++] = connection;
    } else {
        um_connection_close(connection);
    }
    apr_thread_mutex_unlock(tool->mutex);
}

static apr_status_t close_idle(void *baton)
{
    um_tool_t *tool = baton;

    while (tool->idle_count > 0) {
        um_connection_close(tool->idle[--tool->idle_count]);
    }
    return APR_SUCCESS;
}

static apr_time_t now(void *baton)
{
    (void)baton;
    return apr_time_now();
}

/* No byte is used twice. */
static apr_status_t make_random(unsigned char *bytes, apr_size_t length, void *baton)
{
    um_tool_t *tool = baton;
    apr_status_t status = APR_SUCCESS;

    apr_thread_mutex_lock(tool->mutex);
    if (tool->random_left < length) {
        status = apr_generate_random_bytes(tool->random, sizeof(tool->random));
        tool->random_left = status == APR_SUCCESS ? sizeof(tool->random) : 0;
    }
    if (status == APR_SUCCESS && tool->random_left < length) {
        status = APR_EINVAL;
    }
    if (status == APR_SUCCESS) {
        tool->random_left -= length;
        memcpy(bytes, tool->random + tool->random_left, length);
    }
    apr_thread_mutex_unlock(tool->mutex);
    return status;
}

static void write_log(um_log_level_t level, int id, apr_status_t status, const char *line,
                      void *baton)
{
    um_tool_t *tool = baton;

    (void)status;
    if (level <= UM_LOG_WARNING) {
        tell(tool, line, id == UM_LOG_NUMBER_COMMIT_UNKNOWN);
    } else if (level <= UM_LOG_INFO && (tool->options.given & UM_OPTION_VERBOSE) != 0) {
        um_tool_say(tool, "%s", line);
    }
}

/* ---- the database ---- */

/* If there is no file, the driver would make one, for any command. */
static um_exit_t check_file(const um_tool_t *tool, int may_create)
{
    apr_finfo_t info;
    const char *wrong;

    if (um_output_is_strangers_link(tool->params)) {
        um_tool_say(tool, "the database %s is a link of another user; give the path of the file",
                    tool->params);
        return UM_EXIT_DATABASE;
    }
    wrong = um_sqlite_file_check_log(tool->params, tool->pool);
    if (wrong != NULL) {
        um_tool_say(tool, "%s", wrong);
        return UM_EXIT_DATABASE;
    }
    if (!may_create && apr_stat(&info, tool->params, APR_FINFO_TYPE, tool->pool) != APR_SUCCESS) {
        um_tool_say(tool, "there is no database %s; \"usermgmtctl schema create\" makes one",
                    tool->params);
        return UM_EXIT_DATABASE;
    }
    return UM_EXIT_OK;
}

/* Protect all files of SQLite, also those that don't exist at this moment. */
static void keep_files(um_tool_t *tool)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
    const char *path = um_sqlite_file_resolve(tool->params, tool->pool);

    for (int i = 0; i < 4; i++) {
        um_output_keep(tool, i == 0 ? "the database" : "a file of the database",
                       apr_pstrcat(tool->pool, path, suffixes[i], NULL));
    }
}

static um_exit_t check_params(um_tool_t *tool)
{
    const char *config = um_options_value(&tool->options, UM_OPTION_CONFIG);
    const char *wrong = um_params_check(tool->driver_name, tool->params,
                                        config != NULL ? UM_PARAMS_ABSOLUTE_PATH
                                                       : UM_PARAMS_ANY_PATH,
                                        tool->pool);

    if (wrong != NULL) {
        um_tool_say(tool, "%s %s", config != NULL ? "DBDParams" : "--params", wrong);
        return config != NULL ? UM_EXIT_REFUSED : UM_EXIT_USAGE;
    }
    if (config != NULL) {
        um_output_keep(tool, "the configuration", config);
    }
    if (um_params_are_path(tool->driver_name)) {
        keep_files(tool);
    }
    return UM_EXIT_OK;
}

static um_exit_t find_database(um_tool_t *tool)
{
    const char *config = um_options_value(&tool->options, UM_OPTION_CONFIG);
    const char *wrong = NULL;
    um_exit_t end = UM_EXIT_USAGE;

    tool->driver_name = um_options_value(&tool->options, UM_OPTION_DRIVER);
    tool->params = um_options_value(&tool->options, UM_OPTION_PARAMS);
    if (config != NULL && (tool->driver_name != NULL || tool->params != NULL)) {
        wrong = "give either --config, or --driver and --params, not both";
    } else if (config != NULL) {
        end = um_conf_read(&tool->driver_name, &tool->params, &wrong, config, tool->pool);
    } else if (tool->driver_name == NULL || tool->params == NULL) {
        wrong = "no database is named; give --driver and --params, or --config";
    }
    if (wrong != NULL) {
        um_tool_say_lines(wrong);
        return end;
    }
    return check_params(tool);
}

static um_exit_t find_driver(um_tool_t *tool)
{
    apr_status_t status = um_database_find_driver(&tool->database, tool->driver_name, tool->pool);

    tool->database.params = tool->params;
    if (status == UM_EINVALID) {
        um_tool_say(tool,
                    "the database driver \"%s\" is not supported; use sqlite3, pgsql or "
                    "mysql",
                    tool->driver_name);
        return UM_EXIT_USAGE;
    }
    if (status != APR_SUCCESS) {
        um_tool_say(tool, "apr-util has no driver \"%s\"; install its package",
                    tool->driver_name);
        return UM_EXIT_DATABASE;
    }
    return UM_EXIT_OK;
}

um_exit_t um_tool_connect(um_tool_t *tool, int may_create)
{
    const um_host_t host = {
        .baton = tool,
        .acquire = acquire,
        .release = release,
        .now = now,
        .random = { make_random, tool },
        .log = write_log,
    };
    um_writer_t *writer = NULL;
    um_exit_t end = find_database(tool);
    apr_status_t status;

    if (end == UM_EXIT_OK) {
        end = find_driver(tool);
    }
    if (end == UM_EXIT_OK && um_params_are_path(tool->driver_name)) {
        end = check_file(tool, may_create);
    }
    if (end != UM_EXIT_OK) {
        return end;
    }
    tool->host = host;
    status = apr_thread_mutex_create(&tool->mutex, APR_THREAD_MUTEX_DEFAULT, tool->pool);
    if (status == APR_SUCCESS) {
        apr_pool_cleanup_register(tool->pool, tool, close_idle, apr_pool_cleanup_null);
        status = um_writer_create(&writer, tool->pool);
    }
    if (status != APR_SUCCESS) {
        um_tool_say(tool, "the writer can't be started: %pm", &status);
        return UM_EXIT_DATABASE;
    }
    tool->store = um_store_create(&tool->host, tool->database.dialect, writer, 0, tool->pool);
    /* After each change, because a change is a large batch, and httpd, which usually folds,
     * may not run. */
    um_store_set_folding(tool->store, 1);
    return UM_EXIT_OK;
}

apr_status_t um_tool_change(um_tool_t *tool, um_change_fn_t *change, void *baton,
                            apr_pool_t *pool)
{
    apr_time_t end = um_ticks() + apr_time_from_sec(tool->options.wait);
    apr_status_t status = um_store_prepare(tool->store, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    tool->holds_log = 1;
    tool->held_line[0] = '\0';
    tool->is_uncertain = 0;
    status = um_store_change(tool->store, change, baton, pool);
    while (status == UM_EUNAVAILABLE && !tool->is_uncertain && um_ticks() < end
           && !um_interrupt_came()) {
        apr_sleep(BUSY_PAUSE);
        status = um_store_change(tool->store, change, baton, pool);
    }
    tool->holds_log = 0;
    if (status == UM_EUNAVAILABLE || status == UM_ESCHEMA) {
        um_tool_say(tool, "%s",
                    tool->held_line[0] != '\0' ? tool->held_line
                                               : "the change could not be made; try again");
    }
    return status;
}

um_exit_t um_tool_exit(apr_status_t status)
{
    if (status == APR_SUCCESS) {
        return UM_EXIT_OK;
    }
    return status == UM_EUNAVAILABLE || status == UM_ESCHEMA ? UM_EXIT_DATABASE : UM_EXIT_REFUSED;
}

apr_status_t um_tool_get_organization(um_organization_t **organization, const um_tool_t *tool,
                                      um_db_t *db, const char *name, apr_pool_t *pool)
{
    apr_status_t status = um_store_organizations_get(organization, db, name, pool);

    if (status == UM_ENOTFOUND) {
        um_tool_say(tool, "there is no organization \"%s\"", name);
    }
    return status;
}

um_exit_t um_tool_find_organization(apr_int64_t *org_id, um_tool_t *tool)
{
    const char *name = um_options_value(&tool->options, UM_OPTION_ORG);
    um_organization_t *organization = NULL;
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, tool->store, tool->pool);

    if (status == APR_SUCCESS) {
        status = um_tool_get_organization(&organization, tool, db,
                                          name != NULL ? name : "default", tool->pool);
    }
    um_db_close(db);
    if (status == APR_SUCCESS) {
        *org_id = organization->id;
    }
    return um_tool_exit(status);
}

um_exit_t um_tool_read_format(int *is_csv, const um_tool_t *tool, const char *file)
{
    const char *format = um_options_value(&tool->options, UM_OPTION_FORMAT);
    const char *dot = file != NULL ? strrchr(file, '.') : NULL;
    int is_excel = (tool->options.given & UM_OPTION_EXCEL) != 0;

    if (format == NULL) {
        format = is_excel || (dot != NULL && apr_cstr_casecmp(dot, ".csv") == 0) ? "csv"
                                                                                 : "ndjson";
    }
    *is_csv = strcmp(format, "csv") == 0;
    if (!*is_csv && strcmp(format, "ndjson") != 0) {
        um_tool_say(tool, "--format must be ndjson or csv, not \"%s\"", format);
        return UM_EXIT_USAGE;
    }
    if (is_excel && !*is_csv) {
        um_tool_say(tool, "--excel works with CSV only, not with --format ndjson");
        return UM_EXIT_USAGE;
    }
    return UM_EXIT_OK;
}

um_audit_event_t um_tool_event(const um_tool_t *tool, const char *action, const char *target,
                               const char *before, const char *after)
{
    return (um_audit_event_t){
        apr_time_now(), tool->actor, NULL,  "admin", "local", action,
        target,         before,      after, NULL,    NULL,
    };
}

apr_status_t um_tool_audit(const um_tool_t *tool, um_db_t *db, apr_int64_t org_id,
                           const char *action, const char *target, const char *before,
                           const char *after, apr_pool_t *pool)
{
    um_audit_event_t event = um_tool_event(tool, action, target, before, after);

    return um_store_audit_insert(db, org_id, &event, pool);
}
