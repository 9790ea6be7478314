/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_USER_H
#define UM_CORE_USER_H

/** @file user.h The user as the core knows it. */

#include <apr.h>

typedef struct um_user_t {
    const char *uid;
    const char *email;
    const char *display_name;
    /** NULL where not set. */
    const char *phone;
    /** Non-zero where the user is a stored sub-admin. */
    int is_sub_admin;
    /** Non-zero where the user is suspended: listed and kept, but without any rights. */
    int is_suspended;
    /** Milliseconds since 1970. */
    apr_int64_t created_at;
    apr_int64_t updated_at;
    /** Raised by every update. */
    apr_int64_t version;
    /** The further attributes: the text of a JSON object, never NULL. */
    const char *attributes;
} um_user_t;

#endif
