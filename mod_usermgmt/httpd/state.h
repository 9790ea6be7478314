/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_STATE_H
#define UM_HTTPD_STATE_H

/** @file state.h What the module keeps with a request of httpd's, in its pool. */

#include <httpd.h>

typedef struct um_door_t um_door_t;

typedef struct um_state_t {
    /** For um_caller_log_refusal(): why the caller has no role; NULL if that is not to be logged.
     */
    const char *reason;
    /** The lines that give a role are being asked. */
    int is_asked_for_role;
    /** The key that came with this request, see key_door.h. */
    um_door_t *door;
} um_state_t;

/** The state of a request; NULL if it has none. */
um_state_t *um_state(const request_rec *r);

/** The same; it is made where it is missing. */
um_state_t *um_state_make(request_rec *r);

#endif
