/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_STORE_CALLERS_H
#define UM_CORE_STORE_CALLERS_H

/**
 * @file store_callers.h
 * Callers in the database: the user that has a caller's address, and callers that were seen with
 * a role by configuration. store.h says what all these functions have in common.
 */

#include "../db/db.h"

/** The database's data about a caller. */
typedef struct um_caller_record_t {
    apr_int64_t org_id;
    /** The user whose address is the identity; NULL if there is none. */
    const char *user_uid;
    /** Non-zero if there is such a user who is not suspended. */
    int is_active;
    /** Non-zero if this user is also a sub-admin. */
    int is_sub_admin;
    /** The uid of a caller with a role by configuration, and the highest role that the caller
     *  had so far; NULL if the caller was not seen yet. */
    const char *seen_uid;
    const char *seen_role;
} um_caller_record_t;

/** By the key of the caller's identity, see um_address_identity_key(). UM_ENOTFOUND if there
 *  is no such organization. */
apr_status_t um_store_callers_get(um_caller_record_t **record, um_db_t *db,
                                  const char *organization, const char *identity_key,
                                  apr_pool_t *pool);
/** Store a caller with a role by configuration. A caller who was seen before keeps the uid and
 *  gets the role. now is in milliseconds. */
apr_status_t um_store_callers_put(um_db_t *db, apr_int64_t org_id, const char *identity_key,
                                  const char *uid, const char *role, apr_int64_t now,
                                  apr_pool_t *pool);
/** Tell whether the address belongs to a caller who was seen with a role, admin or sub-admin,
 *  from the server's configuration. */
apr_status_t um_store_callers_has_role(int *has_role, um_db_t *db, apr_int64_t org_id,
                                       const char *email, apr_pool_t *pool);

#endif
