/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file audit_events.c The resource audit-events/: who changed what. */

#include "audit_events.h"

#include "../rest/listing.h"

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
    um_buffer_putc(buffer, '}');
}

/* An event's uid begins with its time. */
static const um_listing_order_t orders[] = {
    { "event_uid", UM_AUDIT_EVENTS_BY_UID },
    { "at", UM_AUDIT_EVENTS_BY_UID },
    { NULL, 0 },
};

static const um_listing_parameter_t parameters[] = {
    { .name = "actor", .type = UM_LISTING_IDENTITY, .condition = UM_IF_EVENT_ACTOR },
    { .name = "action", .type = UM_LISTING_TEXT, .condition = UM_IF_EVENT_ACTION },
    { .name = "target", .type = UM_LISTING_TEXT, .condition = UM_IF_EVENT_TARGET },
    { .name = "at_after", .type = UM_LISTING_INSTANT, .condition = UM_IF_EVENT_AFTER },
    { .name = "at_before", .type = UM_LISTING_INSTANT_UP, .condition = UM_IF_EVENT_BEFORE },
    { .name = NULL },
};

static const um_listing_kind_t kind = {
    .source = UM_LIST_OF_AUDIT_EVENTS,
    .member = "audit_events",
    .first = "first_uid",
    .last = "last_uid",
    .key = "event_uid",
    .key_detail = "It must be an event_uid.",
    .orders = orders,
    .order_detail = "It must be event_uid or at, which is the same, with - in front for the"
                    " reverse.",
    .parameters = parameters,
    .put = um_audit_events_put,
};

apr_status_t um_audit_events_list(um_answer_t *answer, um_request_t *request)
{
    return um_listing_handle(answer, request, &kind);
}
