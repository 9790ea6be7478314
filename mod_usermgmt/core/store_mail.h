/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_STORE_MAIL_H
#define UM_CORE_STORE_MAIL_H

/**
 * @file store_mail.h
 * The queue of outgoing mail in the database. Times are in milliseconds since 1970.
 * store.h says what all these functions have in common.
 */

#include <apr_tables.h>

#include "../db/db.h"

typedef struct um_outgoing_mail_t {
    apr_int64_t org_id;
    /** The organization's name. */
    const char *organization;
    /** The invitation that it is about. */
    const char *invite_token;
    const char *uid;
    apr_int64_t created_at;
    /** How often it was claimed to be sent. */
    apr_int64_t attempts;
} um_outgoing_mail_t;

/** Queue a mail for an invitation; it replaces one that still waits for this invitation. */
apr_status_t um_store_mail_insert(um_db_t *db, apr_int64_t org_id, const char *invite_token,
                                  apr_int64_t now, apr_pool_t *pool);
/**
 * The mails that are due, at most limit, the oldest first: of um_outgoing_mail_t.
 * @param now    milliseconds since 1970
 * @param latest a mail that is to wait until after this time is due as well, because the clock
 *               was set back; milliseconds since 1970
 */
apr_status_t um_store_mail_list(apr_array_header_t **mails, um_db_t *db, apr_int64_t now,
                                apr_int64_t latest, apr_int64_t limit, apr_pool_t *pool);
/** When the next mail is due, 0 if none waits; and how many wait, of more than 10,000 only
 *  10,000. */
apr_status_t um_store_mail_get_next(apr_int64_t *next_attempt_at, apr_int64_t *pending,
                                    um_db_t *db, apr_pool_t *pool);
/** Claim a mail that was listed, to send it. Until that time nobody else can claim it.
 *  UM_ECONFLICT if somebody else has claimed it since it was listed. mail is not changed. */
apr_status_t um_store_mail_claim(um_db_t *db, const um_outgoing_mail_t *mail, apr_int64_t until,
                                 apr_pool_t *pool);
/** Have a claimed mail tried again at that time or later. UM_ECONFLICT if somebody else has
 *  claimed it since, or it is gone. */
apr_status_t um_store_mail_postpone(um_db_t *db, const um_outgoing_mail_t *mail,
                                    apr_int64_t until, apr_pool_t *pool);
/** Delete a mail, but not one that has replaced it. */
apr_status_t um_store_mail_delete(um_db_t *db, const um_outgoing_mail_t *mail, apr_pool_t *pool);

#endif
