/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_USER_H
#define UM_CORE_USER_H

/** @file user.h The struct of a user. */

#include <apr.h>

typedef struct um_user_t {
    const char *uid;
    const char *email;
    const char *display_name;
    /** NULL if not set. */
    const char *phone;
    /** Non-zero if the database has the user as a sub-admin. */
    int is_sub_admin;
    /** Non-zero if the user is suspended: listed and kept, but without any rights. */
    int is_suspended;
    /** Milliseconds since 1970. */
    apr_int64_t created_at;
    apr_int64_t updated_at;
    /** Raised by every update. */
    apr_int64_t version;
    /** The other attributes: the text of a JSON object, never NULL. */
    const char *attributes;
    /** What an identity provider has set (schema.h, version 4): the name by which it knows the
     *  user, NULL if that is the email; its own id, NULL if not set; and the text of a JSON
     *  object of the members of SCIM that have no member here, NULL if there are none. */
    const char *user_name;
    const char *external_id;
    const char *scim;
    /** Non-zero if these three were not read, because the schema is older. An update leaves
     *  them as they are. */
    int is_partial;
} um_user_t;

#endif
