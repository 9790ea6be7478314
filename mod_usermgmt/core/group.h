/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_GROUP_H
#define UM_CORE_GROUP_H

/** @file group.h The struct of a group of users. */

#include <apr.h>

/** The id of the reserved group that each organization has. Its members are the sub-admins, so
 *  they stand in the table of these. It can't be renamed or deleted. */
#define UM_GROUP_SUB_ADMINS "sub-admins"

/** Characters of a display name and bytes of an external id, at most. */
#define UM_GROUP_NAME_MAX 256
#define UM_GROUP_EXTERNAL_ID_MAX 512

typedef struct um_group_t {
    const char *id;
    const char *display_name;
    /** What an identity provider calls the group; NULL if not set. */
    const char *external_id;
    /** Milliseconds since 1970. */
    apr_int64_t created_at;
    apr_int64_t updated_at;
    /** Raised by every change of the group or of its members. */
    apr_int64_t version;
} um_group_t;

/** Tell whether a group is the reserved one. */
int um_group_is_reserved(const char *id);

#endif
