/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file store_records.c Records that a change writes in its transaction: the audit event,
 *  and the answer that is kept for an Idempotency-Key. See store_records.h. */

#include "store_records.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/address.h"
#include "../base/digest.h"
#include "../base/uid.h"
#include "../db/statements.h"

typedef struct um_kept_get_t {
    um_kept_answer_t **kept;
    apr_pool_t *pool;
} um_kept_get_t;

static void take_kept(const um_row_t *row, void *baton)
{
    um_kept_get_t *get = baton;
    um_kept_answer_t *kept = apr_pcalloc(get->pool, sizeof(*kept));

    kept->request_sha256 = apr_pstrdup(get->pool, um_row_text(row, 0));
    kept->status = (int)um_row_int(row, 1);
    kept->location = apr_pstrdup(get->pool, um_row_text(row, 2));
    kept->etag = apr_pstrdup(get->pool, um_row_text(row, 3));
    kept->body = apr_pstrdup(get->pool, um_row_text(row, 4));
    if (kept->location[0] == '\0') {
        kept->location = NULL;
    }
    if (kept->etag[0] == '\0') {
        kept->etag = NULL;
    }
    *get->kept = kept;
}

static apr_status_t get_row(um_kept_answer_t **kept, um_db_t *db, apr_int64_t org_id,
                            const char *identity_key, const char *key, apr_int64_t until,
                            apr_pool_t *pool)
{
    um_kept_get_t get = { kept, pool };

    return um_db_select_found(db, take_kept, &get,
                              UM_BIND(idempotency_get, .org_id = org_id,
                                      .identity_key = identity_key, .idempotency_key = key,
                                      .until = until),
                              pool);
}

/* The key of a further row of an answer. No client can send it, because of the tabulators. */
static apr_status_t make_rest_key(const char **rest_key, const char *key, int number,
                                  apr_pool_t *pool)
{
    um_digest_part_t part = { key, strlen(key) };
    char digest[UM_SHA256_HEX_LENGTH + 1];
    apr_status_t status = um_digest_sha256(digest, &part, 1);

    *rest_key = apr_psprintf(pool, "\t%d\t%s", number, digest);
    return status;
}

static apr_status_t get_rest(um_kept_answer_t *kept, um_db_t *db, apr_int64_t org_id,
                             const char *identity_key, const char *key, apr_int64_t until,
                             apr_pool_t *pool)
{
    int count = kept->status / UM_KEPT_REST;
    apr_array_header_t *rest = apr_array_make(pool, count, sizeof(const char *));
    apr_status_t status = APR_SUCCESS;

    for (int i = 1; status == APR_SUCCESS && i <= count; i++) {
        um_kept_answer_t *row = NULL;
        const char *rest_key = NULL;

        status = make_rest_key(&rest_key, key, i, pool);
        if (status == APR_SUCCESS) {
            status = get_row(&row, db, org_id, identity_key, rest_key, until, pool);
        }
        if (status == APR_SUCCESS) {
            APR_ARRAY_PUSH(rest, const char *) = row->body;
        }
        status = status == UM_ENOTFOUND ? APR_SUCCESS : status;
    }
    kept->status %= UM_KEPT_REST;
    kept->rest = rest;
    return status;
}

apr_status_t um_store_idempotency_get(um_kept_answer_t **kept, um_db_t *db, apr_int64_t org_id,
                                      const char *identity_key, const char *key,
                                      apr_int64_t until, apr_pool_t *pool)
{
    um_kept_answer_t *found = NULL;
    apr_status_t status = get_row(&found, db, org_id, identity_key, key, until, pool);

    if (status == APR_SUCCESS && found->status >= UM_KEPT_REST) {
        status = get_rest(found, db, org_id, identity_key, key, until, pool);
    }
    if (status == APR_SUCCESS) {
        *kept = found;
    }
    return status;
}

static apr_status_t insert_row(um_db_t *db, apr_int64_t org_id, const char *identity_key,
                               const char *key, const char *request_sha256, apr_int64_t now,
                               apr_pool_t *pool)
{
    return um_db_query_one(db, UM_ECONFLICT,
                           UM_BIND(idempotency_insert, .org_id = org_id,
                                   .identity_key = identity_key, .idempotency_key = key,
                                   .request_sha256 = request_sha256, .created_at = now),
                           pool);
}

apr_status_t um_store_idempotency_insert(um_db_t *db, apr_int64_t org_id,
                                         const char *identity_key, const char *key,
                                         const char *request_sha256, apr_int64_t now,
                                         apr_int64_t until, apr_pool_t *pool)
{
    apr_status_t status = um_db_query(db, NULL,
                                      UM_BIND(idempotency_expire, .org_id = org_id,
                                              .identity_key = identity_key,
                                              .idempotency_key = key, .until = until),
                                      pool);

    return status == APR_SUCCESS
               ? insert_row(db, org_id, identity_key, key, request_sha256, now, pool)
               : status;
}

/* One that is left over from an answer that has expired or was erased gives way. */
static apr_status_t insert_rest(um_db_t *db, apr_int64_t org_id, const char *identity_key,
                                const char *key, const um_kept_answer_t *kept, int number,
                                apr_int64_t now, apr_pool_t *pool)
{
    const char *rest_key = NULL;
    apr_status_t status = make_rest_key(&rest_key, key, number, pool);

    if (status == APR_SUCCESS) {
        status = um_db_query(db, NULL,
                             UM_BIND(erase_answer, .org_id = org_id, .identity_key = identity_key,
                                     .idempotency_key = rest_key),
                             pool);
    }
    if (status == APR_SUCCESS) {
        status = insert_row(db, org_id, identity_key, rest_key, kept->request_sha256, now, pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    return um_db_query(db, NULL,
                       UM_BIND(idempotency_update, .org_id = org_id, .identity_key = identity_key,
                               .idempotency_key = rest_key, .status = kept->status,
                               .location = NULL, .etag = NULL,
                               .body = APR_ARRAY_IDX(kept->rest, number - 1, const char *)),
                       pool);
}

apr_status_t um_store_idempotency_update(um_db_t *db, apr_int64_t org_id,
                                         const char *identity_key, const char *key,
                                         const um_kept_answer_t *kept, apr_int64_t now,
                                         apr_pool_t *pool)
{
    int count = kept->rest != NULL ? kept->rest->nelts : 0;
    apr_status_t status = APR_SUCCESS;

    for (int i = 1; status == APR_SUCCESS && i <= count; i++) {
        status = insert_rest(db, org_id, identity_key, key, kept, i, now, pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    return um_db_query(db, NULL,
                       UM_BIND(idempotency_update, .org_id = org_id, .identity_key = identity_key,
                               .idempotency_key = key,
                               .status = kept->status + UM_KEPT_REST * count,
                               .location = kept->location, .etag = kept->etag,
                               .body = kept->body),
                       pool);
}

static struct um_bind_audit_insert bind_event(apr_int64_t org_id, const char *uid,
                                              const um_audit_event_t *event,
                                              const char *actor_key)
{
    return (struct um_bind_audit_insert){
        .org_id = org_id,
        .event_uid = uid,
        .at = apr_time_as_msec(event->at),
        .actor_identity = event->actor_identity,
        .actor_key = actor_key,
        .actor_uid = event->actor_uid,
        .actor_role = event->actor_role,
        .remote_addr = event->remote_addr,
        .action = event->action,
        .target = event->target,
        .before_json = event->before,
        .after_json = event->after,
    };
}

static struct um_bind_audit_insert_traced bind_traced(const struct um_bind_audit_insert *values,
                                                      const um_audit_event_t *event)
{
    return (struct um_bind_audit_insert_traced){
        .org_id = values->org_id,
        .event_uid = values->event_uid,
        .at = values->at,
        .actor_identity = values->actor_identity,
        .actor_key = values->actor_key,
        .actor_uid = values->actor_uid,
        .actor_role = values->actor_role,
        .remote_addr = values->remote_addr,
        .action = values->action,
        .target = values->target,
        .before_json = values->before_json,
        .after_json = values->after_json,
        .request_id = event->request_id,
        .trace_id = event->trace_id,
    };
}

/* Has an event the ids of a request, and the database their columns? */
static apr_status_t check_ids(int *has_ids, um_db_t *db, const um_audit_event_t *event,
                              apr_pool_t *pool)
{
    int version = 0;
    apr_status_t status = APR_SUCCESS;

    if (event->request_id != NULL || event->trace_id != NULL) {
        status = um_db_get_version(&version, db, pool);
    }
    *has_ids = version >= UM_AUDIT_IDS_SINCE;
    return status;
}

static apr_status_t insert_event(um_db_t *db, const um_witness_t *witness,
                                 const um_audit_event_t *event, apr_pool_t *pool)
{
    const char *actor_key = um_address_identity_key(event->actor_identity, pool);
    const struct um_bind_audit_insert values = bind_event(witness->org_id, witness->uid, event,
                                                          actor_key);
    const struct um_bind_audit_insert_traced traced = bind_traced(&values, event);
    int has_ids = 0;
    apr_status_t status = check_ids(&has_ids, db, event, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    um_db_set_witness(db, witness);
    return um_db_query(db, NULL,
                       has_ids ? UM_BIND_STRUCT(audit_insert_traced, &traced)
                               : UM_BIND_STRUCT(audit_insert, &values),
                       pool);
}

apr_status_t um_store_audit_witness(um_witness_t *witness, um_db_t *db, apr_int64_t org_id,
                                    const um_audit_event_t *event)
{
    apr_status_t status;

    witness->org_id = org_id;
    status = um_uid_make(witness->uid, event->at, &um_db_host(db)->random);
    if (status == APR_SUCCESS) {
        um_db_set_witness(db, witness);
    }
    return status;
}

apr_status_t um_store_audit_insert(um_db_t *db, apr_int64_t org_id, const um_audit_event_t *event,
                                   apr_pool_t *pool)
{
    um_witness_t witness;
    apr_status_t status = um_store_audit_witness(&witness, db, org_id, event);

    return status == APR_SUCCESS ? insert_event(db, &witness, event, pool) : status;
}

/* The ids of the request, in addition to what rows have. */
static apr_status_t insert_all_traced(um_db_t *db, const struct um_bind_audit_insert *rows,
                                      const um_audit_event_t *events, int count, apr_pool_t *pool)
{
    struct um_bind_audit_insert_traced *traced = apr_palloc(pool,
                                                            sizeof(*traced) * (apr_size_t)count);
    int affected;

    for (int i = 0; i < count; i++) {
        traced[i] = bind_traced(&rows[i], &events[i]);
    }
    return um_db_query_rows(db, &affected, UM_BIND_ROWS(audit_insert_traced, traced, count),
                            pool);
}

apr_status_t um_store_audit_insert_all(um_db_t *db, apr_int64_t org_id,
                                       const um_audit_event_t *events, int count,
                                       apr_pool_t *pool)
{
    struct um_bind_audit_insert *rows = apr_palloc(pool, sizeof(*rows) * (apr_size_t)count);
    um_witness_t witness = { org_id, "" };
    const char *actor_key = NULL;
    int has_ids = 0;
    int affected;
    apr_status_t status = APR_SUCCESS;

    for (int i = 0; i < count; i++) {
        status = um_uid_make(witness.uid, events[i].at, &um_db_host(db)->random);
        if (status != APR_SUCCESS) {
            return status;
        }
        if (i == 0 || strcmp(events[i].actor_identity, events[i - 1].actor_identity) != 0) {
            actor_key = um_address_identity_key(events[i].actor_identity, pool);
        }
        rows[i] = bind_event(org_id, apr_pstrdup(pool, witness.uid), &events[i], actor_key);
    }
    if (count > 0) {
        um_db_set_witness(db, &witness);
        status = check_ids(&has_ids, db, &events[0], pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    return has_ids
               ? insert_all_traced(db, rows, events, count, pool)
               : um_db_query_rows(db, &affected, UM_BIND_ROWS(audit_insert, rows, count), pool);
}

apr_status_t um_store_audit_exists(int *exists, um_db_t *db, const um_witness_t *witness,
                                   apr_pool_t *pool)
{
    apr_status_t status = um_db_exists(exists, db,
                                       UM_BIND(audit_event_exists, .org_id = witness->org_id,
                                               .event_uid = witness->uid),
                                       pool);

    /* A standby may not have it yet, and a commit of nothing does not wait for one. */
    if (status == APR_SUCCESS && *exists && um_db_traits(db)->has_standbys) {
        status = um_db_query(db, NULL, UM_BIND(barrier), pool);
    }
    return status;
}

apr_status_t um_store_audit_insert_once(um_db_t *db, apr_int64_t org_id, const char *uid,
                                        const um_audit_event_t *event, apr_pool_t *pool)
{
    um_witness_t witness = { org_id, "" };
    int exists = 0;
    apr_status_t status;

    apr_cpystrn(witness.uid, uid, sizeof(witness.uid));
    status = um_store_audit_exists(&exists, db, &witness, pool);
    return status == APR_SUCCESS && !exists ? insert_event(db, &witness, event, pool) : status;
}

void um_store_audit_read(const char **uid, um_audit_event_t *event, const um_row_t *row)
{
    *uid = um_row_text(row, 0);
    event->at = apr_time_from_msec(um_row_int(row, 1));
    event->actor_identity = um_row_text(row, 2);
    event->actor_uid = um_row_text_or_null(row, 3);
    event->actor_role = um_row_text(row, 4);
    event->remote_addr = um_row_text(row, 5);
    event->action = um_row_text(row, 6);
    event->target = um_row_text(row, 7);
    event->before = um_row_text_or_null(row, 8);
    event->after = um_row_text_or_null(row, 9);
    event->request_id = um_row_text_or_null(row, 10);
    event->trace_id = um_row_text_or_null(row, 11);
}
