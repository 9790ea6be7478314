/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file prune.c The commands that delete what nobody needs any more. */

#include "../api/json.h"
#include "commands.h"

#define MS_PER_DAY (24 * 3600 * APR_INT64_C(1000))

typedef struct um_prune_t {
    um_tool_t *tool;
    apr_int64_t org_id;
    /* Milliseconds since 1970. */
    apr_int64_t until;
    int count;
} um_prune_t;

static void put_count(um_buffer_t *text, int count)
{
    um_buffer_puts(text, "{\"pruned\":");
    um_buffer_put_int(text, count);
}

static um_exit_t run(um_prune_t *prune, um_change_fn_t *change)
{
    um_tool_t *tool = prune->tool;
    um_buffer_t text;
    um_exit_t end = um_tool_exit(um_tool_change(tool, change, prune, tool->pool));

    if (end != UM_EXIT_OK) {
        return end;
    }
    um_buffer_init(&text, 64, tool->pool);
    put_count(&text, prune->count);
    um_buffer_puts(&text, "}\n");
    return um_tool_write(tool, &text);
}

static apr_status_t prune_invitations(um_db_t *db, void *baton, apr_pool_t *pool)
{
    um_prune_t *prune = baton;
    const char *organization = um_options_value(&prune->tool->options, UM_OPTION_ORG);
    um_buffer_t after;
    apr_status_t status;

    status = um_store_invitations_prune(&prune->count, db, prune->org_id, prune->until, pool);
    if (status != APR_SUCCESS || prune->count == 0) {
        return status;
    }
    um_buffer_init(&after, 128, pool);
    put_count(&after, prune->count);
    um_buffer_puts(&after, ",\"until\":");
    um_json_put_instant(&after, prune->until);
    um_buffer_putc(&after, '}');
    return um_tool_audit(prune->tool, db, prune->org_id, "invitations.prune",
                         organization != NULL ? organization : "default", NULL, after.data, pool);
}

um_exit_t um_invitations_command_prune(um_tool_t *tool, const char *const *words, int count)
{
    um_prune_t prune = { tool, 0,
                         apr_time_as_msec(apr_time_now()) - tool->options.days * MS_PER_DAY, 0 };
    um_exit_t end = um_tool_find_organization(&prune.org_id, tool);

    (void)words;
    (void)count;
    return end == UM_EXIT_OK ? run(&prune, prune_invitations) : end;
}

static apr_status_t prune_idempotency(um_db_t *db, void *baton, apr_pool_t *pool)
{
    um_prune_t *prune = baton;

    return um_store_idempotency_prune(&prune->count, db, prune->until, pool);
}

um_exit_t um_idempotency_command_prune(um_tool_t *tool, const char *const *words, int count)
{
    um_prune_t prune = { tool, 0, apr_time_as_msec(apr_time_now()), 0 };

    (void)words;
    (void)count;
    return run(&prune, prune_idempotency);
}
