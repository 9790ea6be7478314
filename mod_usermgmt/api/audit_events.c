/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file audit_events.c The resource audit-events/: the trail of changes. */

#include "audit_events.h"

#include "../core/store_lists.h"
#include "../core/store_records.h"
#include "../rest/entry.h"

static void put_actor(um_buffer_t *buffer, const um_audit_event_t *event)
{
    um_buffer_putc(buffer, '{');
    um_json_put_member_or_null(buffer, "identity", event->actor_identity);
    um_json_put_member_or_null(buffer, "user_uid", event->actor_uid);
    um_json_put_member_or_null(buffer, "role", event->actor_role);
    um_buffer_putc(buffer, '}');
}

void um_audit_events_put(um_buffer_t *buffer, const um_row_t *row, apr_int64_t now)
{
    const char *uid;
    um_audit_event_t event;

    (void)now;
    um_store_audit_read(&uid, &event, row);
    um_buffer_putc(buffer, '{');
    um_json_put_member_or_null(buffer, "event_uid", uid);
    um_json_put_member_instant(buffer, "at", apr_time_as_msec(event.at));
    um_json_put_name(buffer, "actor");
    put_actor(buffer, &event);
    um_json_put_member_or_null(buffer, "remote_addr", event.remote_addr);
    um_json_put_member_or_null(buffer, "action", event.action);
    um_json_put_member_or_null(buffer, "target", event.target);
    um_json_put_member_json(buffer, "before", event.before);
    um_json_put_member_json(buffer, "after", event.after);
    um_json_put_member_or_null(buffer, "request_id", event.request_id);
    um_json_put_member_or_null(buffer, "trace_id", event.trace_id);
    um_buffer_putc(buffer, '}');
}

static const um_listing_kind_t kind = {
    .source = &um_list_audit_events,
    .member = "audit_events",
    .entry = "audit_event",
    .first = "first_uid",
    .last = "last_uid",
    .key = "event_uid",
    .key_detail = "It must be an event_uid.",
    .not_found = { "audit_event_not_found", "There is no such audit event." },
    .put = um_audit_events_put,
    .columns = "event_uid,at,actor,remote_addr,action,target,before,after,request_id,trace_id",
};

apr_status_t um_audit_events_list(um_answer_t *answer, um_request_t *request)
{
    return um_listing_handle(answer, request, &kind);
}

apr_status_t um_audit_events_get(um_answer_t *answer, um_request_t *request)
{
    return um_entry_answer(answer, request, &kind);
}
