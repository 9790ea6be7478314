/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_API_SESSIONS_H
#define UM_API_SESSIONS_H

/** @file sessions.h The resource sessions/, and a session as JSON. */

#include "../rest/router.h"

um_handler_t um_sessions_list, um_sessions_get, um_sessions_create;

/** Append the session of a row as a JSON object; now is not used. */
void um_sessions_put(um_buffer_t *buffer, const um_row_t *row, apr_int64_t now);

#endif
