/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file organizations.c The commands about organizations. */

#include <string.h>

#include <apr_strings.h>

#include "../base/json.h"
#include "../core/rules.h"
#include "../core/store_organizations.h"
#include "commands.h"

#define PAGE 1000

#define PAYMENT_TYPE "payment_type="

static void put_organization(um_buffer_t *text, const um_organization_t *organization)
{
    um_buffer_putc(text, '{');
    um_json_put_member(text, "organization", organization->name);
    um_json_put_member(text, "payment_type", organization->payment_type);
    um_json_put_member_instant(text, "created_at", organization->created_at);
}

um_exit_t um_organizations_command_list(um_tool_t *tool, const char *const *words, int count)
{
    apr_array_header_t *page = NULL;
    const char *after = "";
    um_buffer_t text;
    um_db_t *db = NULL;
    um_exit_t end = um_tool_exit(um_store_open(&db, tool->store, tool->pool));

    (void)words;
    (void)count;
    while (end == UM_EXIT_OK && (page == NULL || page->nelts == PAGE)) {
        end = um_tool_exit(um_store_organizations_list(&page, db, after, PAGE, tool->pool));
        um_buffer_init(&text, 4096, tool->pool);
        for (int i = 0; end == UM_EXIT_OK && i < page->nelts; i++) {
            put_organization(&text, &APR_ARRAY_IDX(page, i, um_organization_t));
            um_buffer_puts(&text, "}\n");
            after = APR_ARRAY_IDX(page, i, um_organization_t).name;
        }
        if (end == UM_EXIT_OK) {
            end = um_tool_write(tool, &text);
        }
    }
    um_db_close(db);
    return end;
}

static void put_status(um_buffer_t *text, const um_organization_t *organization,
                       const um_organization_status_t *status)
{
    put_organization(text, organization);
    um_json_put_member_int(text, "user_count", status->user_count);
    um_json_put_member_int(text, "sub_admin_count", status->sub_admin_count);
    um_json_put_member_int(text, "pending_invitation_count", status->pending_invitation_count);
    um_json_put_member_int(text, "session_count", status->session_count);
    um_json_put_member_strings(text, "activities", status->activities);
    um_buffer_puts(text, "}\n");
}

um_exit_t um_organizations_command_show(um_tool_t *tool, const char *const *words, int count)
{
    um_organization_t *organization = NULL;
    um_organization_status_t *found = NULL;
    um_buffer_t text;
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, tool->store, tool->pool);

    (void)count;
    if (status == APR_SUCCESS) {
        status = um_tool_get_organization(&organization, tool, db, words[0], tool->pool);
    }
    if (status == APR_SUCCESS) {
        status = um_store_organizations_get_status(&found, db, organization->id,
                                                   apr_time_as_msec(apr_time_now()), tool->pool);
    }
    um_db_close(db);
    if (status != APR_SUCCESS) {
        return um_tool_exit(status);
    }
    um_buffer_init(&text, 512, tool->pool);
    put_status(&text, organization, found);
    return um_tool_write(tool, &text);
}

/* ---- changes ---- */

typedef struct um_organization_change_t {
    um_tool_t *tool;
    const char *name;
    /* NULL for `org create`. */
    const char *payment_type;
    /* The earlier payment_type. */
    const char *earlier;
} um_organization_change_t;

static const char *json_of(const um_organization_t *organization, apr_pool_t *pool)
{
    um_buffer_t text;

    um_buffer_init(&text, 256, pool);
    put_organization(&text, organization);
    um_buffer_putc(&text, '}');
    return text.data;
}

static apr_status_t create(um_db_t *db, void *baton, apr_pool_t *pool)
{
    const um_organization_change_t *change = baton;
    um_organization_t *organization = NULL;
    apr_status_t status = um_store_organizations_get(&organization, db, change->name, pool);

    if (status == APR_SUCCESS) {
        return UM_ECONFLICT;
    }
    if (status == UM_ENOTFOUND) {
        status = um_store_organizations_insert(db, change->name, apr_time_as_msec(apr_time_now()),
                                               pool);
    }
    if (status == APR_SUCCESS) {
        status = um_store_organizations_get(&organization, db, change->name, pool);
    }
    if (status == APR_SUCCESS) {
        status = um_tool_audit(change->tool, db, organization->id, "organizations.create",
                               change->name, NULL, json_of(organization, pool), pool);
    }
    return status;
}

static apr_status_t set(um_db_t *db, void *baton, apr_pool_t *pool)
{
    um_organization_change_t *change = baton;
    um_organization_t *organization = NULL;
    um_organization_t changed;
    apr_status_t status;

    status = um_tool_get_organization(&organization, change->tool, db, change->name, pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    change->earlier = apr_pstrdup(change->tool->pool, organization->payment_type);
    if (strcmp(change->earlier, change->payment_type) == 0) {
        return APR_SUCCESS;
    }
    changed = *organization;
    changed.payment_type = change->payment_type;
    status = um_store_organizations_set_payment_type(db, organization->id, change->payment_type,
                                                     pool);
    if (status == APR_SUCCESS) {
        status = um_tool_audit(change->tool, db, organization->id, "organizations.update",
                               change->name, json_of(organization, pool), json_of(&changed, pool),
                               pool);
    }
    return status;
}

um_exit_t um_organizations_command_create(um_tool_t *tool, const char *const *words, int count)
{
    um_organization_change_t change = { tool, words[0], NULL, NULL };
    const um_violation_t *violation = um_rules_check_organization(change.name);
    apr_status_t status;

    (void)count;
    if (violation != NULL) {
        um_tool_say(tool, "%s", violation->detail);
        return UM_EXIT_REFUSED;
    }
    status = um_tool_change(tool, create, &change, tool->pool);
    if (status == UM_ECONFLICT) {
        um_tool_say(tool, "the organization \"%s\" exists already", change.name);
    } else if (status == APR_SUCCESS) {
        um_tool_say(tool, "the organization \"%s\" was created", change.name);
    }
    return um_tool_exit(status);
}

static void tell_change(const um_organization_change_t *change)
{
    if (strcmp(change->earlier, change->payment_type) == 0) {
        um_tool_say(change->tool, "the organization \"%s\" already has the payment_type \"%s\"",
                    change->name, change->payment_type);
    } else {
        um_tool_say(change->tool,
                    "the organization \"%s\" now has the payment_type \"%s\"; it had \"%s\"",
                    change->name, change->payment_type, change->earlier);
    }
}

um_exit_t um_organizations_command_set(um_tool_t *tool, const char *const *words, int count)
{
    um_organization_change_t change = { tool, words[0], NULL, NULL };
    const um_violation_t *violation;
    apr_status_t status;

    (void)count;
    if (strncmp(words[1], PAYMENT_TYPE, strlen(PAYMENT_TYPE)) != 0) {
        um_tool_say(tool, "can't set \"%s\"; give " PAYMENT_TYPE "TYPE", words[1]);
        return UM_EXIT_USAGE;
    }
    change.payment_type = words[1] + strlen(PAYMENT_TYPE);
    violation = um_rules_check_payment_type(change.payment_type);
    if (violation != NULL) {
        um_tool_say(tool, "%s", violation->detail);
        return UM_EXIT_REFUSED;
    }
    status = um_tool_change(tool, set, &change, tool->pool);
    if (status == APR_SUCCESS) {
        tell_change(&change);
    }
    return um_tool_exit(status);
}
