/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_STORE_SESSIONS_H
#define UM_CORE_STORE_SESSIONS_H

/**
 * @file store_sessions.h
 * Sessions and their activities in the database.
 * store.h says what all these functions have in common.
 */

#include <apr_tables.h>

#include "../db/db.h"

typedef struct um_user_session_t {
    const char *uid;
    /** Of a user, or of a caller with a role by configuration. */
    const char *user_uid;
    const char *activity;
    /** Milliseconds since 1970. */
    apr_int64_t started_at;
    apr_int64_t last_used_at;
} um_user_session_t;

/** Read a row of a list of sessions; its texts live as long as the row. */
void um_store_sessions_read(um_user_session_t *session, const um_row_t *row);

/**
 * Write sessions that the server counted, of um_session_entry_t. Sessions of somebody whom
 * the database does not know are left out. A session continues one in the database if it
 * was written before, or if the database has one of the same user and activity, and the
 * time between them is less than the idle time.
 */
apr_status_t um_store_sessions_put(um_db_t *db, const apr_array_header_t *entries,
                                   apr_pool_t *pool);
/** Write a session that an application reports. It never continues another. */
apr_status_t um_store_sessions_insert(um_db_t *db, apr_int64_t org_id,
                                      const um_user_session_t *session, apr_pool_t *pool);

#endif
