/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_API_AUDIT_EVENTS_H
#define UM_API_AUDIT_EVENTS_H

/** @file audit_events.h The resource audit-events/, and an event as JSON. */

#include "../rest/router.h"

um_handler_t um_audit_events_list, um_audit_events_get;

/** Append the event of a row as a JSON object; now is not used. */
void um_audit_events_put(um_buffer_t *buffer, const um_row_t *row, apr_int64_t now);

#endif
