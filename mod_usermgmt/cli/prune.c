/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file prune.c The commands that delete old data. */

#include "../base/json.h"
#include "../core/store_invitations.h"
#include "../core/store_organizations.h"
#include "../core/store_records.h"
#include "commands.h"

#define MS_PER_DAY (24 * 3600 * APR_INT64_C(1000))

/* How many organizations are read at once. */
#define PAGE 1000

typedef struct um_prune_t {
    um_tool_t *tool;
    /* Milliseconds since 1970. */
    apr_int64_t until;
    /* The current organization. */
    const um_organization_t *organization;
    int count;
} um_prune_t;

static void put_count(um_buffer_t *text, int count)
{
    um_buffer_putc(text, '{');
    um_json_put_member_int(text, "pruned", count);
}

static um_exit_t tell(um_tool_t *tool, int count)
{
    um_buffer_t text;

    um_buffer_init(&text, 64, tool->pool);
    put_count(&text, count);
    um_buffer_puts(&text, "}\n");
    return um_tool_write(tool, &text);
}

static apr_status_t prune_invitations(um_db_t *db, void *baton, apr_pool_t *pool)
{
    um_prune_t *prune = baton;
    const um_organization_t *organization = prune->organization;
    um_buffer_t after;
    apr_status_t status;

    status = um_store_invitations_prune(&prune->count, db, organization->id, prune->until, pool);
    if (status != APR_SUCCESS || prune->count == 0) {
        return status;
    }
    um_buffer_init(&after, 128, pool);
    put_count(&after, prune->count);
    um_json_put_member_instant(&after, "until", prune->until);
    um_buffer_putc(&after, '}');
    return um_tool_audit(prune->tool, db, organization->id, "invitations.prune",
                         organization->name, NULL, after.data, pool);
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

/* Prune all organizations of a page. total is increased also if one of them fails. */
static apr_status_t prune_page(int *total, um_prune_t *prune, const apr_array_header_t *page,
                               apr_pool_t *pool)
{
    apr_status_t status = APR_SUCCESS;

    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a page that was read is there. */
    for (int i = 0; status == APR_SUCCESS && i < page->nelts; i++) {
        prune->organization = &APR_ARRAY_IDX(page, i, um_organization_t);
        status = um_tool_change(prune->tool, prune_invitations, prune, pool);
        *total += status == APR_SUCCESS ? prune->count : 0;
    }
    return status;
}

um_exit_t um_invitations_command_prune(um_tool_t *tool, const char *const *words, int count)
{
    um_prune_t prune = { tool, apr_time_as_msec(apr_time_now()) - tool->options.days * MS_PER_DAY,
                         NULL, 0 };
    apr_array_header_t *page = NULL;
    /* The pool of this page, and of the last one, which still has the name `after`. */
    apr_pool_t *scratch = NULL;
    apr_pool_t *last = NULL;
    const char *after = "";
    apr_status_t status = APR_SUCCESS;
    um_exit_t end;
    int total = 0;

    (void)words;
    (void)count;
    while (status == APR_SUCCESS && (page == NULL || page->nelts == PAGE)) {
        apr_pool_create(&scratch, tool->pool);
        status = read_page(&page, tool, after, scratch);
        if (last != NULL) {
            apr_pool_destroy(last);
        }
        last = scratch;
        if (status == APR_SUCCESS) {
            status = prune_page(&total, &prune, page, scratch);
        }
        after = status == APR_SUCCESS && page->nelts > 0 ? prune.organization->name : "";
    }
    end = um_tool_exit(status);
    if (end == UM_EXIT_OK || total > 0) {
        um_exit_t told = tell(tool, total);

        end = end == UM_EXIT_OK ? told : end;
    }
    return end;
}

static apr_status_t prune_idempotency(um_db_t *db, void *baton, apr_pool_t *pool)
{
    um_prune_t *prune = baton;

    return um_store_idempotency_prune(&prune->count, db, prune->until, pool);
}

um_exit_t um_idempotency_command_prune(um_tool_t *tool, const char *const *words, int count)
{
    um_prune_t prune = { tool, apr_time_as_msec(apr_time_now()), NULL, 0 };
    um_exit_t end = um_tool_exit(um_tool_change(tool, prune_idempotency, &prune, tool->pool));

    (void)words;
    (void)count;
    return end == UM_EXIT_OK ? tell(tool, prune.count) : end;
}
