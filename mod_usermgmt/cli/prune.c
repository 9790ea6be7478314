/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file prune.c The commands that delete old data, in pieces (core/store_prune.h). */

#include <string.h>

#include <apr_strings.h>

#include "../base/duration.h"
#include "../base/json.h"
#include "../core/store_organizations.h"
#include "../core/store_prune.h"
#include "commands.h"
#include "interrupt.h"

/* How many organizations are read at once. */
#define PAGE 1000

/* Rows that a transaction deletes. */
#define PIECE 1000

/* Without --older-than, in milliseconds. */
static const apr_int64_t default_ages[UM_PRUNE_KIND_COUNT] = {
    [UM_PRUNE_AUDIT] = 400 * UM_MS_PER_DAY,
    [UM_PRUNE_SESSIONS] = 90 * UM_MS_PER_DAY,
    [UM_PRUNE_INVITATIONS] = 90 * UM_MS_PER_DAY,
    [UM_PRUNE_IDEMPOTENCY] = UM_MS_PER_DAY,
};

/* The actions of the audit events. */
static const char *const actions[UM_PRUNE_KIND_COUNT] = {
    [UM_PRUNE_AUDIT] = "audit_events.prune",
    [UM_PRUNE_SESSIONS] = "sessions.prune",
    [UM_PRUNE_INVITATIONS] = "invitations.prune",
};

typedef struct um_pruning_t {
    um_tool_t *tool;
    um_prune_t prune;
    int is_trial;
    /* The current organization. */
    const um_organization_t *organization;
    apr_int64_t count;
} um_pruning_t;

static apr_status_t audit(um_db_t *db, const um_prune_t *prune, void *baton, apr_pool_t *pool)
{
    const um_pruning_t *pruning = baton;
    um_buffer_t after;

    um_buffer_init(&after, 128, pool);
    um_buffer_putc(&after, '{');
    um_json_put_member_int(&after, "pruned", prune->deleted);
    um_json_put_member_instant(&after, "until", prune->until);
    um_buffer_putc(&after, '}');
    return um_tool_audit(pruning->tool, db, prune->org_id, actions[prune->kind],
                         pruning->organization->name, NULL, after.data, pool);
}

static apr_status_t prune_piece(um_pruning_t *pruning, apr_pool_t *pool)
{
    um_prune_t *prune = &pruning->prune;
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, pruning->tool->store, pool);

    if (status == APR_SUCCESS) {
        status = um_store_prune_look(prune, db, pool);
    }
    um_db_close(db);
    if (status == APR_SUCCESS && prune->old > 0 && !pruning->is_trial) {
        status = um_tool_change(pruning->tool, um_store_prune_delete, prune, pool);
    }
    if (status == APR_SUCCESS) {
        pruning->count += pruning->is_trial ? prune->old : prune->deleted;
        um_store_prune_go_on(prune);
    }
    return status;
}

/* All that is old, in the current organization. */
static apr_status_t prune_rows(um_pruning_t *pruning, apr_pool_t *pool)
{
    um_prune_t *prune = &pruning->prune;
    apr_status_t status = APR_SUCCESS;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, pool);
    um_store_prune_begin(prune);
    do {
        apr_pool_clear(scratch);
        status = um_interrupt_came() ? APR_EINTR : prune_piece(pruning, scratch);
    } while (status == APR_SUCCESS && prune->found == prune->limit);
    apr_pool_destroy(scratch);
    return status;
}

/* The next page of organizations, in the order of names, after a name. With --org only that
 * one. */
static apr_status_t read_page(apr_array_header_t **page, um_tool_t *tool, const char *after,
                              apr_pool_t *pool)
{
    const char *name = um_options_value(&tool->options, UM_OPTION_ORG);
    um_organization_t *found = NULL;
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, tool->store, pool);

    if (status == APR_SUCCESS && name == NULL) {
        status = um_store_organizations_list(page, db, after, PAGE, pool);
    } else if (status == APR_SUCCESS) {
        status = um_tool_get_organization(&found, tool, db, name, pool);
    }
    if (status == APR_SUCCESS && found != NULL) {
        *page = apr_array_make(pool, 1, sizeof(um_organization_t));
        APR_ARRAY_PUSH(*page, um_organization_t) = *found;
    }
    um_db_close(db);
    return status;
}

static apr_status_t prune_page(um_pruning_t *pruning, const apr_array_header_t *page,
                               apr_pool_t *pool)
{
    apr_status_t status = APR_SUCCESS;

    for (int i = 0; status == APR_SUCCESS && i < page->nelts; i++) {
        pruning->organization = &APR_ARRAY_IDX(page, i, um_organization_t);
        pruning->prune.org_id = pruning->organization->id;
        status = prune_rows(pruning, pool);
    }
    return status;
}

static apr_status_t prune_organizations(um_pruning_t *pruning)
{
    um_tool_t *tool = pruning->tool;
    apr_array_header_t *page = apr_array_make(tool->pool, 1, sizeof(um_organization_t));
    /* The pool of this page, and of the last one, which still has the name `after`. */
    apr_pool_t *scratch = NULL;
    apr_pool_t *last = NULL;
    const char *after = "";
    apr_status_t status = APR_SUCCESS;

    while (status == APR_SUCCESS && (last == NULL || page->nelts == PAGE)) {
        apr_pool_create(&scratch, tool->pool);
        status = read_page(&page, tool, after, scratch);
        if (last != NULL) {
            apr_pool_destroy(last);
        }
        last = scratch;
        if (status == APR_SUCCESS) {
            status = prune_page(pruning, page, scratch);
        }
        after = status == APR_SUCCESS && page->nelts > 0 ? pruning->organization->name : "";
    }
    return status;
}

static um_exit_t tell(const um_pruning_t *pruning)
{
    um_buffer_t text;

    um_buffer_init(&text, 64, pruning->tool->pool);
    um_buffer_putc(&text, '{');
    if (pruning->is_trial) {
        um_json_put_member_int(&text, "would_prune", pruning->count);
    } else {
        um_json_put_member_int(&text, "pruned", pruning->count);
    }
    um_json_put_member_instant(&text, "until", pruning->prune.until);
    um_buffer_puts(&text, "}\n");
    return um_tool_write(pruning->tool, &text);
}

static um_exit_t run(um_tool_t *tool, um_prune_kind_t kind)
{
    apr_int64_t age = tool->options.older_than >= 0 ? tool->options.older_than
                                                    : default_ages[kind];
    um_pruning_t pruning = { .tool = tool,
                             .is_trial = (tool->options.given & UM_OPTION_DRY_RUN) != 0 };
    apr_status_t status;
    um_exit_t end;

    um_interrupt_watch();
    pruning.prune.kind = kind;
    pruning.prune.until = apr_time_as_msec(apr_time_now()) - age;
    pruning.prune.limit = PIECE;
    if (kind == UM_PRUNE_IDEMPOTENCY) {
        status = prune_rows(&pruning, tool->pool);
    } else {
        pruning.prune.note = audit;
        pruning.prune.note_baton = &pruning;
        status = prune_organizations(&pruning);
    }
    if (status == APR_EINTR) {
        um_tool_say(tool, "interrupted; run the same command again to delete the rest");
    }
    end = um_tool_exit(status);
    if (end == UM_EXIT_OK || pruning.count > 0) {
        um_exit_t told = tell(&pruning);

        end = end == UM_EXIT_OK ? told : end;
    }
    return end;
}

um_exit_t um_prune_command_audit(um_tool_t *tool, const char *const *words, int count)
{
    (void)words;
    (void)count;
    return run(tool, UM_PRUNE_AUDIT);
}

um_exit_t um_prune_command_sessions(um_tool_t *tool, const char *const *words, int count)
{
    (void)words;
    (void)count;
    return run(tool, UM_PRUNE_SESSIONS);
}

um_exit_t um_prune_command_invitations(um_tool_t *tool, const char *const *words, int count)
{
    (void)words;
    (void)count;
    return run(tool, UM_PRUNE_INVITATIONS);
}

um_exit_t um_prune_command_idempotency(um_tool_t *tool, const char *const *words, int count)
{
    (void)words;
    (void)count;
    return run(tool, UM_PRUNE_IDEMPOTENCY);
}
