/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file export.c users export and audit export. They read page by page, so that memory does
 *  not grow. A user who is changed meanwhile is written as before or as after the change. */

#include <string.h>

#include <apr_strings.h>

#include "../api/audit_events.h"
#include "../api/user_json.h"
#include "../base/instant.h"
#include "../core/rules.h"
#include "../core/store_lists.h"
#include "../core/store_users.h"
#include "commands.h"
#include "guard.h"
#include "interrupt.h"
#include "progress.h"

#define PAGE 1000

/* The type that listings use; now is not used here. */
typedef void um_put_row_t(um_buffer_t *text, const um_row_t *row, apr_int64_t now);

typedef struct um_export_t {
    um_tool_t *tool;
    um_db_t *db;
    apr_int64_t org_id;
    um_list_t list;
    um_put_row_t *put;
    /* What is exported, for messages: "users". */
    const char *what;
    /* The end of each row. */
    const char *line_end;
    /* A page: its text, its pool, its number of rows, and the key of the last row. */
    um_buffer_t text;
    apr_pool_t *pool;
    apr_int64_t rows;
    char key[UM_UID_MAX + 1];
} um_export_t;

static void put_json(um_buffer_t *text, const um_row_t *row, apr_int64_t now)
{
    um_user_t user;

    (void)now;
    um_store_users_read(&user, row);
    um_user_json_put_as(text, &user, UM_USER_AS_STORED);
}

static void put_quoted(um_buffer_t *text, const char *guard, const char *value)
{
    um_buffer_putc(text, '"');
    um_buffer_puts(text, guard);
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '"') {
            um_buffer_putc(text, '"');
        }
        um_buffer_putc(text, *c);
    }
    um_buffer_putc(text, '"');
}

static void put_cell(um_buffer_t *text, const char *value, int is_excel, const char *behind)
{
    const char *guard = um_guard_is_needed(value, is_excel) ? "'" : "";

    if (strpbrk(value, "\",\r\n") == NULL) {
        um_buffer_puts(text, guard);
        um_buffer_puts(text, value);
    } else {
        put_quoted(text, guard, value);
    }
    um_buffer_puts(text, behind);
}

static void put_cells(um_buffer_t *text, const um_row_t *row, int is_excel)
{
    char created_at[UM_INSTANT_LENGTH + 1];
    char updated_at[UM_INSTANT_LENGTH + 1];
    um_user_t user;

    um_store_users_read(&user, row);
    um_instant_format(created_at, user.created_at);
    um_instant_format(updated_at, user.updated_at);
    put_cell(text, user.uid, is_excel, ",");
    put_cell(text, user.email, is_excel, ",");
    put_cell(text, user.display_name, is_excel, ",");
    put_cell(text, user.phone != NULL ? user.phone : "", is_excel, ",");
    put_cell(text, user.is_sub_admin ? "sub_admin" : "user", is_excel, ",");
    put_cell(text, user.is_suspended ? "false" : "true", is_excel, ",");
    put_cell(text, created_at, is_excel, ",");
    put_cell(text, updated_at, is_excel, ",");
    put_cell(text, strcmp(user.attributes, "{}") != 0 ? user.attributes : "", is_excel, ",");
    put_cell(text, um_user_json_scim(&user, text->pool), is_excel, "");
}

static void put_csv(um_buffer_t *text, const um_row_t *row, apr_int64_t now)
{
    (void)now;
    put_cells(text, row, 0);
}

static void put_excel(um_buffer_t *text, const um_row_t *row, apr_int64_t now)
{
    (void)now;
    put_cells(text, row, 1);
}

static void take_row(const um_row_t *row, void *baton)
{
    um_export_t *export = baton;

    export->put(&export->text, row, 0);
    um_buffer_puts(&export->text, export->line_end);
    export->rows++;
    apr_cpystrn(export->key, um_row_text(row, 0), sizeof(export->key));
}

static um_exit_t write_page(um_export_t *export)
{
    um_exit_t end;

    apr_pool_clear(export->pool);
    um_buffer_init(&export->text, 65536, export->pool);
    export->rows = 0;
    end = um_tool_exit(um_store_lists_get(export->db, take_row, export, export->org_id,
                                          &export->list, export->pool));
    export->list.after.key = export->list.after.value = export->key;
    return end == UM_EXIT_OK ? um_tool_write(export->tool, &export->text) : end;
}

static um_exit_t tell_interrupt(const um_export_t *export, apr_int64_t done, apr_int64_t total)
{
    const um_output_t *out = &export->tool->out;

    um_tool_say(export->tool,
                "interrupted after %" APR_INT64_T_FMT " of %" APR_INT64_T_FMT
                " %s%s%s; run the same command again to get all of them",
                done, total, export->what, out->part != NULL ? ", nothing was written to " : "",
                out->part != NULL ? out->path : "");
    return UM_EXIT_REFUSED;
}

static um_exit_t write_all(um_export_t *export)
{
    um_progress_t progress;
    apr_int64_t total = 0;
    apr_int64_t done = 0;
    um_exit_t end;

    um_interrupt_watch();
    apr_pool_create(&export->pool, export->tool->pool);
    um_progress_start(&progress, export->what);
    end = um_tool_exit(um_store_lists_count(&total, export->db, export->org_id, &export->list,
                                            export->pool));
    do {
        if (end == UM_EXIT_OK) {
            end = write_page(export);
        }
        done += export->rows;
        um_progress_show(&progress, done, done, total);
    } while (end == UM_EXIT_OK && export->rows == PAGE && !um_interrupt_came());
    um_progress_clear(&progress);
    return end == UM_EXIT_OK && export->rows == PAGE ? tell_interrupt(export, done, total) : end;
}

/* header is the first line; NULL for none. */
static um_exit_t run(um_export_t *export, const char *header)
{
    um_tool_t *tool = export->tool;
    um_exit_t end = um_tool_find_organization(&export->org_id, tool);

    if (end == UM_EXIT_OK) {
        end = um_tool_open_output(tool);
    }
    if (end == UM_EXIT_OK) {
        end = um_tool_exit(um_store_open(&export->db, tool->store, tool->pool));
    }
    if (end == UM_EXIT_OK && header != NULL) {
        um_buffer_init(&export->text, 128, tool->pool);
        um_buffer_puts(&export->text, header);
        end = um_tool_write(tool, &export->text);
    }
    if (end == UM_EXIT_OK) {
        end = write_all(export);
    }
    um_db_close(export->db);
    return um_output_close(&tool->out, tool, end);
}

#define CSV_HEADER                                                                               \
    "user_uid,email,display_name,phone,role,active,created_at,updated_at,attributes,scim\r\n"

/* Without it Excel reads UTF-8 as the system's own character set. */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

static um_exit_t export_csv(um_export_t *export)
{
    int is_excel = (export->tool->options.given & UM_OPTION_EXCEL) != 0;

    export->put = is_excel ? put_excel : put_csv;
    export->line_end = "\r\n";
    return run(export, is_excel ? BYTE_ORDER_MARK CSV_HEADER : CSV_HEADER);
}

um_exit_t um_users_command_export(um_tool_t *tool, const char *const *words, int count)
{
    um_export_t export = { .tool = tool,
                           .list = { .source = &um_list_users, .limit = PAGE },
                           .put = put_json,
                           .what = "users",
                           .line_end = "\n" };
    int is_csv = 0;
    um_exit_t end = um_tool_read_format(&is_csv, tool,
                                        um_options_value(&tool->options, UM_OPTION_OUTPUT));

    (void)words;
    (void)count;
    if (end != UM_EXIT_OK) {
        return end;
    }
    return is_csv ? export_csv(&export) : run(&export, NULL);
}

um_exit_t um_audit_command_export(um_tool_t *tool, const char *const *words, int count)
{
    um_export_t export = { .tool = tool,
                           .list = { .source = &um_list_audit_events, .limit = PAGE },
                           .put = um_audit_events_put,
                           .what = "events",
                           .line_end = "\n" };

    (void)words;
    (void)count;
    return run(&export, NULL);
}
