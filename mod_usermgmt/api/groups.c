/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file groups.c The resource groups/, which is read here. Groups are made and changed by SCIM.
 */

#include "groups.h"

#include "../core/store_groups.h"
#include "../core/store_lists.h"
#include "../rest/entry.h"

static void put_row(um_buffer_t *buffer, const um_row_t *row, apr_int64_t now)
{
    um_group_t group;

    (void)now;
    um_store_groups_read(&group, row);
    um_buffer_putc(buffer, '{');
    um_json_put_member(buffer, "group_id", group.id);
    um_json_put_member(buffer, "display_name", group.display_name);
    um_json_put_member_or_null(buffer, "external_id", group.external_id);
    um_json_put_member_int(buffer, "member_count", um_store_groups_read_count(row));
    um_json_put_member_instant(buffer, "created_at", group.created_at);
    um_json_put_member_instant(buffer, "updated_at", group.updated_at);
    um_buffer_putc(buffer, '}');
}

static const um_listing_kind_t kind = {
    .source = &um_list_groups,
    .member = "groups",
    .entry = "group",
    .first = "first_id",
    .last = "last_id",
    .key = "group_id",
    .key_detail = "It must be a group_id.",
    .not_found = { "group_not_found", "There is no such group." },
    .put = put_row,
};

apr_status_t um_groups_list(um_answer_t *answer, um_request_t *request)
{
    return um_listing_handle(answer, request, &kind);
}

apr_status_t um_groups_get(um_answer_t *answer, um_request_t *request)
{
    return um_entry_answer(answer, request, &kind);
}
