/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file store_prune.c Old rows are deleted in pieces, see store_prune.h. */

#include "store_prune.h"

#include <string.h>

#include <apr_strings.h>

#include "../db/statements.h"

const char *const um_prune_names[UM_PRUNE_KIND_COUNT] = {
    [UM_PRUNE_AUDIT] = "audit",
    [UM_PRUNE_SESSIONS] = "sessions",
    [UM_PRUNE_INVITATIONS] = "invitations",
    [UM_PRUNE_IDEMPOTENCY] = "idempotency",
};

void um_store_prune_begin(um_prune_t *prune)
{
    static const um_prune_place_t start = { -1, "", "" };

    prune->found = prune->old = prune->deleted = 0;
    prune->after = prune->last = start;
}

void um_store_prune_go_on(um_prune_t *prune)
{
    prune->after = prune->last;
}

/* ---- read a piece ---- */

static void take_event(const um_row_t *row, void *baton)
{
    um_prune_t *prune = baton;

    apr_cpystrn(prune->last.key, um_row_text(row, 0), sizeof(prune->last.key));
    prune->found++;
    prune->old++;
}

static void take_session(const um_row_t *row, void *baton)
{
    um_prune_t *prune = baton;

    apr_cpystrn(prune->last.key, um_row_text(row, 0), sizeof(prune->last.key));
    prune->last.at = um_row_int(row, 1);
    prune->found++;
    prune->old += um_row_int(row, 2) <= prune->until;
}

static void take_invitation(const um_row_t *row, void *baton)
{
    um_prune_t *prune = baton;

    apr_cpystrn(prune->last.key, um_row_text(row, 0), sizeof(prune->last.key));
    prune->last.at = um_row_int(row, 1);
    apr_cpystrn(prune->last.status, um_row_text(row, 2), sizeof(prune->last.status));
    prune->found++;
    prune->old++;
}

static void take_answer(const um_row_t *row, void *baton)
{
    um_prune_t *prune = baton;

    prune->last.at = um_row_int(row, 0);
    prune->found++;
}

static void take_count(const um_row_t *row, void *baton)
{
    um_prune_t *prune = baton;

    prune->old = (int)um_row_int(row, 0);
}

static apr_status_t look_at_audit(um_prune_t *prune, um_db_t *db, apr_pool_t *pool)
{
    char end[UM_UID_LENGTH + 1];

    um_uid_first(end, prune->until > 0 ? prune->until + 1 : 0);
    return um_db_select(db, take_event, prune,
                        UM_BIND(prune_audit_look, .org_id = prune->org_id,
                                .after = prune->after.key, .end = end, .limit = prune->limit),
                        pool);
}

static apr_status_t look_at_sessions(um_prune_t *prune, um_db_t *db, apr_pool_t *pool)
{
    return um_db_select(db, take_session, prune,
                        UM_BIND(prune_sessions_look, .org_id = prune->org_id,
                                .from = prune->after.at, .after = prune->after.key,
                                .until = prune->until, .limit = prune->limit),
                        pool);
}

static apr_status_t look_at_invitations(um_prune_t *prune, um_db_t *db, apr_pool_t *pool)
{
    return um_db_select(db, take_invitation, prune,
                        UM_BIND(prune_invitations_look, .org_id = prune->org_id,
                                .from = prune->after.at, .after_status = prune->after.status,
                                .after = prune->after.key, .until = prune->until,
                                .limit = prune->limit),
                        pool);
}

static apr_status_t look_at_answers(um_prune_t *prune, um_db_t *db, apr_pool_t *pool)
{
    apr_status_t status = um_db_select(db, take_answer, prune,
                                       UM_BIND(prune_idempotency_look, .from = prune->after.at,
                                               .until = prune->until, .limit = prune->limit),
                                       pool);

    return status == APR_SUCCESS && prune->found > 0
               ? um_db_select(db, take_count, prune,
                              UM_BIND(prune_idempotency_count, .from = prune->after.at,
                                      .last_at = prune->last.at),
                              pool)
               : status;
}

apr_status_t um_store_prune_look(um_prune_t *prune, um_db_t *db, apr_pool_t *pool)
{
    prune->found = prune->old = prune->deleted = 0;
    switch (prune->kind) {
    case UM_PRUNE_AUDIT:
        return look_at_audit(prune, db, pool);
    case UM_PRUNE_SESSIONS:
        return look_at_sessions(prune, db, pool);
    case UM_PRUNE_INVITATIONS:
        return look_at_invitations(prune, db, pool);
    default:
        return look_at_answers(prune, db, pool);
    }
}

/* ---- delete it ---- */

apr_status_t um_store_audit_permit(um_db_t *db, const char *purpose, apr_pool_t *pool)
{
    return um_db_query(db, NULL, UM_BIND(audit_permit, .purpose = purpose), pool);
}

apr_status_t um_store_audit_end_permit(um_db_t *db, apr_pool_t *pool)
{
    return um_db_query(db, NULL, UM_BIND(audit_permit_end), pool);
}

static apr_status_t delete_audit(um_prune_t *prune, um_db_t *db, apr_pool_t *pool)
{
    apr_status_t status = um_store_audit_permit(db, "prune", pool);

    if (status == APR_SUCCESS) {
        status = um_db_query(db, &prune->deleted,
                             UM_BIND(prune_audit, .org_id = prune->org_id,
                                     .after = prune->after.key, .last = prune->last.key),
                             pool);
    }
    return status == APR_SUCCESS ? um_store_audit_end_permit(db, pool) : status;
}

static apr_status_t delete_sessions(um_prune_t *prune, um_db_t *db, apr_pool_t *pool)
{
    return um_db_query(db, &prune->deleted,
                       UM_BIND(prune_sessions, .org_id = prune->org_id, .from = prune->after.at,
                               .after = prune->after.key, .last_at = prune->last.at,
                               .last = prune->last.key, .until = prune->until),
                       pool);
}

static apr_status_t delete_invitations(um_prune_t *prune, um_db_t *db, apr_pool_t *pool)
{
    return um_db_query(db, &prune->deleted,
                       UM_BIND(prune_invitations, .org_id = prune->org_id,
                               .from = prune->after.at, .after_status = prune->after.status,
                               .after = prune->after.key, .last_at = prune->last.at,
                               .last_status = prune->last.status, .last = prune->last.key),
                       pool);
}

static apr_status_t delete_answers(um_prune_t *prune, um_db_t *db, apr_pool_t *pool)
{
    return um_db_query(db, &prune->deleted,
                       UM_BIND(prune_idempotency, .from = prune->after.at,
                               .last_at = prune->last.at),
                       pool);
}

static apr_status_t delete_rows(um_prune_t *prune, um_db_t *db, apr_pool_t *pool)
{
    switch (prune->kind) {
    case UM_PRUNE_AUDIT:
        return delete_audit(prune, db, pool);
    case UM_PRUNE_SESSIONS:
        return delete_sessions(prune, db, pool);
    case UM_PRUNE_INVITATIONS:
        return delete_invitations(prune, db, pool);
    default:
        return delete_answers(prune, db, pool);
    }
}

apr_status_t um_store_prune_delete(um_db_t *db, void *baton, apr_pool_t *pool)
{
    um_prune_t *prune = baton;
    apr_status_t status;

    prune->deleted = 0;
    status = delete_rows(prune, db, pool);
    return status == APR_SUCCESS && prune->deleted > 0 && prune->note != NULL
               ? prune->note(db, prune, prune->note_baton, pool)
               : status;
}
