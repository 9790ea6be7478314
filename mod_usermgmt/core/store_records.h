/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_STORE_RECORDS_H
#define UM_CORE_STORE_RECORDS_H

/**
 * @file store_records.h
 * Records that a change writes in its transaction: the audit event, and the answer that is
 * kept for an Idempotency-Key.
 * store.h says what all these functions have in common.
 */

#include <apr_tables.h>

#include "../db/db.h"

/* ---- kept answers ---- */

/** The largest number of bytes of an answer that one row has. */
#define UM_KEPT_BODY_MAX 32768

/** The answer that was given to a request with a key. */
typedef struct um_kept_answer_t {
    const char *request_sha256;
    int status;
    /** NULL if there was none. */
    const char *location;
    const char *etag;
    const char *body;
    /** Of const char *: texts that the body goes on with, each a row of its own; NULL if the
     * whole answer is the body. One that was erased, because it was about a person, is missing.
     */
    const apr_array_header_t *rest;
} um_kept_answer_t;

/** The status of a row is that of its answer and this for each text of the rest. */
#define UM_KEPT_REST 1000

/** UM_ENOTFOUND if the key is new, or its answer is of the time until (milliseconds since 1970)
 *  or earlier: then it has expired. */
apr_status_t um_store_idempotency_get(um_kept_answer_t **kept, um_db_t *db, apr_int64_t org_id,
                                      const char *identity_key, const char *key,
                                      apr_int64_t until, apr_pool_t *pool);
/** Take a key for a request, which is new or has expired. If another change takes the same key,
 *  this one waits until it ends. UM_ECONFLICT if the other one has committed it. */
apr_status_t um_store_idempotency_insert(um_db_t *db, apr_int64_t org_id,
                                         const char *identity_key, const char *key,
                                         const char *request_sha256, apr_int64_t now,
                                         apr_int64_t until, apr_pool_t *pool);
/** Keep the answer for a key that was taken at the time now. */
apr_status_t um_store_idempotency_update(um_db_t *db, apr_int64_t org_id,
                                         const char *identity_key, const char *key,
                                         const um_kept_answer_t *kept, apr_int64_t now,
                                         apr_pool_t *pool);

/* ---- the audit trail ---- */

typedef struct um_audit_event_t {
    /** Microseconds since 1970; stored in milliseconds. */
    apr_time_t at;
    const char *actor_identity;
    /** May be NULL. */
    const char *actor_uid;
    const char *actor_role;
    const char *remote_addr;
    const char *action;
    const char *target;
    /** JSON texts, or NULL. */
    const char *before;
    const char *after;
    /** Of the request, NULL if there is none. They are stored from version 3 of the schema on. */
    const char *request_id;
    const char *trace_id;
} um_audit_event_t;

/** The version of the schema that an event's ids came with. */
#define UM_AUDIT_IDS_SINCE 3

/** Make the uid of an event that the caller inserts in a statement of its own. The event is the
 *  transaction's witness. */
apr_status_t um_store_audit_witness(um_witness_t *witness, um_db_t *db, apr_int64_t org_id,
                                    const um_audit_event_t *event);
/** Tell whether an event is there, as a change has left it. Inside a change; if the event is
 *  there, all standbys have it when the change is committed. */
apr_status_t um_store_audit_exists(int *exists, um_db_t *db, const um_witness_t *witness,
                                   apr_pool_t *pool);
/** Insert an event, with a new uid that is made from its time. APR_SUCCESS, or the error of the
 *  database or of the source of random bytes. */
apr_status_t um_store_audit_insert(um_db_t *db, apr_int64_t org_id, const um_audit_event_t *event,
                                   apr_pool_t *pool);
/** Many events of one request, or of none, in the order of their times. */
apr_status_t um_store_audit_insert_all(um_db_t *db, apr_int64_t org_id,
                                       const um_audit_event_t *events, int count,
                                       apr_pool_t *pool);
/** As um_store_audit_insert(), with the event's uid, which um_uid_make() made from its time. If
 *  there is an event with that uid, from a commit that was not answered, it makes no other. */
apr_status_t um_store_audit_insert_once(um_db_t *db, apr_int64_t org_id, const char *uid,
                                        const um_audit_event_t *event, apr_pool_t *pool);
/** Read an event and its uid from a row of a list; the texts belong to the row. */
void um_store_audit_read(const char **uid, um_audit_event_t *event, const um_row_t *row);

#endif
