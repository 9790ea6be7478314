/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file export.c users export and audit export. They read page by page, so that memory does
 *  not grow. A user who is changed meanwhile is written as before or as after the change. */

#include <apr_strings.h>

#include "../api/audit_events.h"
#include "../api/user_json.h"
#include "../base/csv.h"
#include "../core/store_lists.h"
#include "../core/store_users.h"
#include "commands.h"
#include "interrupt.h"
#include "progress.h"

#define PAGE 1000

/* The type that listings use; now is not used here. */
typedef void um_put_row_t(um_buffer_t *text, const um_row_t *row, apr_int64_t now);

/* All that is stored of a user. */
#define COLUMNS UM_USER_COLUMNS "," UM_USER_SCIM

typedef struct um_export_t {
    um_tool_t *tool;
    um_db_t *db;
    apr_int64_t org_id;
    um_list_t list;
    um_put_row_t *put;
    /* What is exported, for messages: "users". */
    const char *what;
    /* What a line of CSV has; NULL for NDJSON. */
    const um_csv_t *csv;
    /* A page: its text, its pool, its number of rows, the key of the last row, and the JSON of an
     * entry that becomes a line of CSV. */
    um_buffer_t text;
    um_buffer_t entry;
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

static void take_row(const um_row_t *row, void *baton)
{
    um_export_t *export = baton;

    if (export->csv == NULL) {
        export->put(&export->text, row, 0);
        um_buffer_putc(&export->text, '\n');
    } else {
        export->entry.length = 0;
        export->put(&export->entry, row, 0);
        um_csv_put_line(&export->text, export->csv, export->entry.data, export->pool);
    }
    export->rows++;
    apr_cpystrn(export->key, um_row_text(row, 0), sizeof(export->key));
}

static um_exit_t write_page(um_export_t *export)
{
    um_exit_t end;

    apr_pool_clear(export->pool);
    um_buffer_init(&export->text, 65536, export->pool);
    um_buffer_init(&export->entry, 1024, export->pool);
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

static um_exit_t run(um_export_t *export)
{
    um_tool_t *tool = export->tool;
    um_exit_t end = um_tool_find_organization(&export->org_id, tool);

    if (end == UM_EXIT_OK) {
        end = um_tool_open_output(tool);
    }
    if (end == UM_EXIT_OK) {
        end = um_tool_exit(um_store_open(&export->db, tool->store, tool->pool));
    }
    if (end == UM_EXIT_OK && export->csv != NULL) {
        um_buffer_init(&export->text, 128, tool->pool);
        um_csv_put_header(&export->text, export->csv);
        end = um_tool_write(tool, &export->text);
    }
    if (end == UM_EXIT_OK) {
        end = write_all(export);
    }
    um_db_close(export->db);
    return um_output_close(&tool->out, tool, end);
}

um_exit_t um_users_command_export(um_tool_t *tool, const char *const *words, int count)
{
    um_export_t export = { .tool = tool,
                           .list = { .source = &um_list_users, .limit = PAGE },
                           .put = put_json,
                           .what = "users" };
    um_csv_t csv = { .columns = um_csv_columns(COLUMNS, tool->pool),
                     .rest = UM_USER_ATTRIBUTES,
                     .is_member = um_user_json_is_member,
                     .is_excel = (tool->options.given & UM_OPTION_EXCEL) != 0 };
    int is_csv = 0;
    um_exit_t end = um_tool_read_format(&is_csv, tool,
                                        um_options_value(&tool->options, UM_OPTION_OUTPUT));

    (void)words;
    (void)count;
    if (end != UM_EXIT_OK) {
        return end;
    }
    export.csv = is_csv ? &csv : NULL;
    return run(&export);
}

um_exit_t um_audit_command_export(um_tool_t *tool, const char *const *words, int count)
{
    um_export_t export = { .tool = tool,
                           .list = { .source = &um_list_audit_events, .limit = PAGE },
                           .put = um_audit_events_put,
                           .what = "events" };

    (void)words;
    (void)count;
    return run(&export);
}
