/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file store_mail.c The queue of outgoing mail, see store_mail.h. */

#include "store_mail.h"

#include <apr_strings.h>

#include "../base/uid.h"
#include "../db/statements.h"

apr_status_t um_store_mail_insert(um_db_t *db, apr_int64_t org_id, const char *invite_token,
                                  apr_int64_t now, apr_pool_t *pool)
{
    char uid[UM_UID_LENGTH + 1];
    apr_status_t status = um_uid_make(uid, apr_time_from_msec(now), &um_db_host(db)->random);

    if (status != APR_SUCCESS) {
        return status;
    }
    return um_db_query(db, NULL,
                       UM_BIND(mail_insert, .org_id = org_id, .invite_token = invite_token,
                               .mail_uid = uid, .created_at = now),
                       pool);
}

static void take_mail(const um_row_t *row, void *baton)
{
    apr_array_header_t *mails = baton;
    um_outgoing_mail_t *mail = apr_array_push(mails);

    mail->org_id = um_row_int(row, 0);
    mail->invite_token = apr_pstrdup(mails->pool, um_row_text(row, 1));
    mail->uid = apr_pstrdup(mails->pool, um_row_text(row, 2));
    mail->created_at = um_row_int(row, 3);
    mail->attempts = um_row_int(row, 4);
    mail->organization = apr_pstrdup(mails->pool, um_row_text(row, 5));
}

apr_status_t um_store_mail_list(apr_array_header_t **mails, um_db_t *db, apr_int64_t now,
                                apr_int64_t latest, apr_int64_t limit, apr_pool_t *pool)
{
    apr_array_header_t *found = apr_array_make(pool, 8, sizeof(um_outgoing_mail_t));
    apr_status_t status = um_db_select(db, take_mail, found,
                                       UM_BIND(mail_due, .now = now, .limit = limit), pool);

    if (status == APR_SUCCESS && found->nelts < limit) {
        status = um_db_select(db, take_mail, found,
                              UM_BIND(mail_too_late, .latest = latest,
                                      .limit = limit - found->nelts),
                              pool);
    }
    if (status == APR_SUCCESS) {
        *mails = found;
    }
    return status;
}

/* What the queue is like. */
typedef struct um_queue_t {
    apr_int64_t next_attempt_at;
    apr_int64_t pending;
} um_queue_t;

static void take_queue(const um_row_t *row, void *baton)
{
    um_queue_t *queue = baton;

    queue->next_attempt_at = um_row_int(row, 0);
    queue->pending = um_row_int(row, 1);
}

apr_status_t um_store_mail_get_next(apr_int64_t *next_attempt_at, apr_int64_t *pending,
                                    um_db_t *db, apr_pool_t *pool)
{
    um_queue_t queue = { 0, 0 };
    apr_status_t status = um_db_select(db, take_queue, &queue, UM_BIND(mail_next), pool);

    *next_attempt_at = queue.next_attempt_at;
    *pending = queue.pending;
    return status;
}

apr_status_t um_store_mail_claim(um_db_t *db, const um_outgoing_mail_t *mail, apr_int64_t until,
                                 apr_pool_t *pool)
{
    return um_db_query_one(db, UM_ECONFLICT,
                           UM_BIND(mail_claim, .org_id = mail->org_id,
                                   .invite_token = mail->invite_token, .mail_uid = mail->uid,
                                   .attempts = mail->attempts, .next_attempt_at = until),
                           pool);
}

apr_status_t um_store_mail_postpone(um_db_t *db, const um_outgoing_mail_t *mail,
                                    apr_int64_t until, apr_pool_t *pool)
{
    return um_db_query_one(db, UM_ECONFLICT,
                           UM_BIND(mail_postpone, .org_id = mail->org_id,
                                   .invite_token = mail->invite_token, .mail_uid = mail->uid,
                                   .attempts = mail->attempts + 1, .next_attempt_at = until),
                           pool);
}

apr_status_t um_store_mail_delete(um_db_t *db, const um_outgoing_mail_t *mail, apr_pool_t *pool)
{
    return um_db_query(db, NULL,
                       UM_BIND(mail_delete, .org_id = mail->org_id,
                               .invite_token = mail->invite_token, .mail_uid = mail->uid),
                       pool);
}
