/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_API_SESSIONS_H
#define UM_API_SESSIONS_H

/** @file sessions.h The resource sessions/. */

#include "../rest/router.h"

um_handler_t um_sessions_list, um_sessions_get, um_sessions_create;

#endif
