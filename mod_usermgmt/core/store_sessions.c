/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file store_sessions.c Sessions and their activities, see store_sessions.h. */

#include "store_sessions.h"

#include <apr_hash.h>
#include <apr_strings.h>

#include "../db/statements.h"
#include "session_table.h"
#include "store_callers.h"

void um_store_sessions_read(um_user_session_t *session, const um_row_t *row)
{
    session->uid = um_row_text(row, 0);
    session->user_uid = um_row_text(row, 1);
    session->activity = um_row_text(row, 2);
    session->started_at = um_row_int(row, 3);
    session->last_used_at = um_row_int(row, 4);
}

/* The latest use of an activity by several sessions. */
typedef struct um_activity_use_t {
    apr_int64_t org_id;
    const char *activity;
    apr_int64_t last_used_at;
} um_activity_use_t;

static apr_status_t put_activity(um_db_t *db, const um_activity_use_t *use, apr_pool_t *pool)
{
    apr_status_t status;

    status = um_db_query(db, NULL,
                         UM_BIND(activity_update, .org_id = use->org_id,
                                 .activity = use->activity, .last_used_at = use->last_used_at),
                         pool);
    if (status == APR_SUCCESS) {
        status = um_db_query(db, NULL,
                             UM_BIND(activity_insert, .org_id = use->org_id,
                                     .activity = use->activity,
                                     .last_used_at = use->last_used_at),
                             pool);
    }
    return status;
}

/* Each activity is written once, however many sessions were in it. */
static apr_status_t put_activities(um_db_t *db, apr_hash_t *uses, apr_pool_t *pool)
{
    apr_status_t status = APR_SUCCESS;

    for (apr_hash_index_t *i = apr_hash_first(pool, uses); status == APR_SUCCESS && i != NULL;
         i = apr_hash_next(i)) {
        status = put_activity(db, apr_hash_this_val(i), pool);
    }
    return status;
}

static void note_use(apr_hash_t *uses, apr_int64_t org_id, const um_user_session_t *session,
                     apr_pool_t *pool)
{
    const char *key = apr_pstrcat(pool, um_db_int(org_id, pool), " ", session->activity, NULL);
    um_activity_use_t *use = apr_hash_get(uses, key, APR_HASH_KEY_STRING);

    if (use == NULL) {
        use = apr_pcalloc(pool, sizeof(*use));
        use->org_id = org_id;
        use->activity = session->activity;
        use->last_used_at = session->last_used_at;
        apr_hash_set(uses, key, APR_HASH_KEY_STRING, use);
    }
    if (use->last_used_at < session->last_used_at) {
        use->last_used_at = session->last_used_at;
    }
}

/* Always both statements. The database decides which of them finds a row, so another process
 * or machine may write at the same time. */
static apr_status_t put_session(um_db_t *db, apr_int64_t org_id, const um_user_session_t *session,
                                apr_int64_t idle, apr_pool_t *pool)
{
    apr_int64_t earliest = session->started_at - idle;
    apr_status_t status;

    status = um_db_query(db, NULL,
                         UM_BIND(session_continue, .org_id = org_id,
                                 .user_uid = session->user_uid, .activity = session->activity,
                                 .earliest = earliest, .last_used_at = session->last_used_at),
                         pool);
    if (status == APR_SUCCESS) {
        status = um_db_query(db, NULL,
                             UM_BIND(session_begin, .org_id = org_id, .session_uid = session->uid,
                                     .user_uid = session->user_uid, .activity = session->activity,
                                     .started_at = session->started_at,
                                     .last_used_at = session->last_used_at, .earliest = earliest,
                                     .latest = session->last_used_at + idle),
                             pool);
    }
    return status;
}

/* The uid of the user, or of a caller with a role by configuration. NULL if the database
 * does not know the caller. */
static const char *owner_uid(const um_caller_record_t *record)
{
    return record->user_uid != NULL ? record->user_uid : record->seen_uid;
}

static apr_status_t put_entry(um_db_t *db, const um_session_entry_t *entry, apr_hash_t *uses,
                              apr_pool_t *pool)
{
    um_caller_record_t *record = NULL;
    um_user_session_t session = { entry->uid, NULL, entry->key.activity,
                                  apr_time_as_msec(entry->started_at),
                                  apr_time_as_msec(entry->last_used_at) };
    apr_status_t status;

    status = um_store_callers_get(&record, db, entry->key.organization, entry->key.identity,
                                  pool);
    if (status == UM_ENOTFOUND) {
        return APR_SUCCESS;
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    session.user_uid = owner_uid(record);
    if (session.user_uid == NULL) {
        return APR_SUCCESS;
    }
    note_use(uses, record->org_id, &session, pool);
    return put_session(db, record->org_id, &session, apr_time_as_msec(entry->idle), pool);
}

apr_status_t um_store_sessions_put(um_db_t *db, const apr_array_header_t *entries,
                                   apr_pool_t *pool)
{
    apr_hash_t *uses = apr_hash_make(pool);
    apr_status_t status = APR_SUCCESS;

    for (int i = 0; status == APR_SUCCESS && i < entries->nelts; i++) {
        status = put_entry(db, &APR_ARRAY_IDX(entries, i, um_session_entry_t), uses, pool);
    }
    return status == APR_SUCCESS ? put_activities(db, uses, pool) : status;
}

apr_status_t um_store_sessions_insert(um_db_t *db, apr_int64_t org_id,
                                      const um_user_session_t *session, apr_pool_t *pool)
{
    um_activity_use_t use = { org_id, session->activity, session->last_used_at };
    apr_status_t status;

    status = um_db_query(db, NULL,
                         UM_BIND(session_insert, .org_id = org_id, .session_uid = session->uid,
                                 .user_uid = session->user_uid, .activity = session->activity,
                                 .started_at = session->started_at,
                                 .last_used_at = session->last_used_at),
                         pool);
    return status == APR_SUCCESS ? put_activity(db, &use, pool) : status;
}
