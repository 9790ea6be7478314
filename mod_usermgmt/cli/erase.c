/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file erase.c The command that erases a person (core/store_erase.h). */

#include "../base/json.h"
#include "../core/rules.h"
#include "../core/store_erase.h"
#include "../core/store_users.h"
#include "commands.h"

static apr_status_t change(um_change_fn_t *make, void *baton, um_erase_t *erase, apr_pool_t *pool)
{
    return um_tool_change(erase->baton, make, baton, pool);
}

static apr_status_t erase_rest(um_db_t *db, void *baton, apr_pool_t *pool)
{
    um_erase_t *erase = baton;
    um_audit_event_t event = um_tool_event(erase->baton, UM_ERASE_ACTION, NULL, NULL, NULL);
    um_user_t *user = NULL;
    apr_status_t status = um_store_users_lock(&user, db, erase->org_id,
                                              APR_ARRAY_IDX(erase->person.uids, 0, const char *),
                                              pool);

    return status == APR_SUCCESS || status == UM_ENOTFOUND
               ? um_store_erase_rest(db, erase, user, &event, pool)
               : status;
}

static um_exit_t tell(um_tool_t *tool, const um_erase_t *erase)
{
    um_buffer_t text;

    um_buffer_init(&text, 256, tool->pool);
    um_buffer_putc(&text, '{');
    um_json_put_member(&text, "erased_as", erase->erased);
    um_json_put_member_bool(&text, "user", erase->user != NULL);
    um_json_put_member_int(&text, "invitations", erase->invitations);
    um_json_put_member_int(&text, "sessions", erase->sessions);
    um_json_put_member_int(&text, "kept_answers", erase->answers);
    um_buffer_puts(&text, "}\n");
    return um_tool_write(tool, &text);
}

um_exit_t um_users_command_erase(um_tool_t *tool, const char *const *words, int count)
{
    um_erase_t erase = { .store = tool->store, .change = change, .baton = tool };
    um_exit_t end = um_tool_find_organization(&erase.org_id, tool);
    apr_status_t status;

    (void)count;
    if (end != UM_EXIT_OK) {
        return end;
    }
    status = um_store_erase_begin(&erase, words[0], tool->pool);
    if (status == UM_ENOTFOUND) {
        um_tool_say(tool, "nothing is known of a user \"%s\"", words[0]);
    }
    if (status == APR_SUCCESS) {
        status = um_store_erase_trail(&erase);
    }
    if (status == APR_SUCCESS) {
        status = um_tool_change(tool, erase_rest, &erase, tool->pool);
    }
    if (status == APR_SUCCESS) {
        status = um_store_erase_end(&erase);
    }
    return status == APR_SUCCESS ? tell(tool, &erase) : um_tool_exit(status);
}
