/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_STORE_H
#define UM_CORE_STORE_H

/**
 * @file store.h
 * What is asked of the database, in the terms of the project. A store stands
 * for one database; its functions take a connection in use, whether inside a
 * change (um_store_change()) or outside of one.
 *
 * Unless said otherwise they return APR_SUCCESS or UM_EUNAVAILABLE, give out
 * results only on success, and allocate them in the pool given last.
 */

#include <apr_tables.h>

#include "../db/db.h"
#include "../db/limit.h"
#include "../db/list.h"
#include "../db/writer.h"
#include "invitation.h"
#include "user.h"

typedef struct um_store_t um_store_t;

/**
 * Make a store.
 * @param writer      makes the changes of a single-writer database; NULL for others
 * @param auto_schema make or upgrade the schema where the dialect allows it
 * @param host        read-only, lives as long as the store
 */
um_store_t *um_store_create(const um_host_t *host, um_dialect_t dialect, um_writer_t *writer,
                            int auto_schema, apr_pool_t *pool);

/**
 * Make sure once that the schema can be worked with; cheap afterwards.
 * @return APR_SUCCESS, UM_EUNAVAILABLE, or UM_ESCHEMA (logged with what to do)
 */
apr_status_t um_store_prepare(um_store_t *store, apr_pool_t *pool);

/** Borrow a connection for reading; um_db_close() gives it back. Prepares the
 *  store first, with the errors of um_store_prepare(). */
apr_status_t um_store_open(um_db_t **db, um_store_t *store, apr_pool_t *pool);

/** The same for reads that may take long: who holds a place for a search. */
apr_status_t um_store_open_search(um_db_t **db, um_store_t *store, apr_pool_t *pool);

/** Have a change made in a transaction, see um_writer_run() and um_runner_run(). */
apr_status_t um_store_change(um_store_t *store, um_change_fn_t *change, void *baton,
                             apr_pool_t *pool);

/**
 * Fold changes into the counts of organizations, in one transaction, where the
 * database keeps them apart. Several may do so at once.
 * @param more there are more of them than go into a transaction: call again
 * @return as um_store_change(), logged
 */
apr_status_t um_store_fold_counts(int *more, um_store_t *store, apr_pool_t *pool);

/** Have the store fold counts by itself, after every so many changes made through
 *  it: where nobody else does. At the start, before it is used. */
void um_store_set_folding(um_store_t *store, apr_uint32_t changes);

/** The store's clock, in microseconds since 1970, and its random bytes. */
const um_host_t *um_store_host(const um_store_t *store);

/** Let so many lists of the costly kind be read at a time; NULL for any number. At
 *  the start, before the store is used; its writer is told by um_writer_set_searches(). */
void um_store_limit_searches(um_store_t *store, um_limit_t *searches);

/* What can be listed: list_users.c and others. A row of each is read by um_store_…_read(). */

extern const um_list_source_t um_list_users;
extern const um_list_source_t um_list_sub_admins;
extern const um_list_source_t um_list_invitations;
extern const um_list_source_t um_list_sessions;
extern const um_list_source_t um_list_audit_events;
/** All of them, ended by NULL. */
extern const um_list_source_t *const um_lists[];

/* store_lists.c: lists of all kinds */

/** Tell whether a list is of the costly kind: under a condition other than a key,
 *  or, where it is to be counted, of something that nobody keeps a count of. */
int um_store_lists_is_search(const um_list_t *list, int is_counted);
/** Take one of the places for lists of the costly kind, before a connection is
 *  borrowed for it. APR_SUCCESS, or UM_EBUSY where none became free in that time. */
apr_status_t um_store_begin_search(um_store_t *store, apr_interval_time_t wait);
/** Give the place back. */
void um_store_end_search(um_store_t *store);

/** Hand the rows of a stretch to take, backwards ones from the end. */
apr_status_t um_store_lists_get(um_db_t *db, um_row_fn_t *take, void *baton,
                                apr_int64_t org_id, const um_list_t *list, apr_pool_t *pool);
/** Hand the row of the entry with that key to take; no row where there is none. */
apr_status_t um_store_lists_get_entry(um_db_t *db, um_row_fn_t *take, void *baton,
                                      apr_int64_t org_id, const um_list_source_t *source,
                                      const char *key, apr_pool_t *pool);
/** Tell whether a stretch has anything in it; its limit plays no part. */
apr_status_t um_store_lists_exist(int *exist, um_db_t *db, apr_int64_t org_id,
                                  const um_list_t *list, apr_pool_t *pool);
/** Choose the paths to a list's rows, where the database does not do it well: before
 *  it is read and counted. A stretch of the same list keeps them. */
apr_status_t um_store_lists_plan(um_list_t *list, um_db_t *db, apr_int64_t org_id, int is_counted,
                                 apr_pool_t *pool);
/** Choose anew where it turned out how many there are: some paths are better for few. */
void um_store_lists_use_count(um_list_t *list, apr_int64_t count);
/** Count what meets a list's conditions, cursors and limit aside. */
apr_status_t um_store_lists_count(apr_int64_t *count, um_db_t *db, apr_int64_t org_id,
                                  const um_list_t *list, apr_pool_t *pool);
/** Fill in the value of a cursor into a list. UM_ENOTFOUND where its key is
 *  unknown, never in the order of keys. */
apr_status_t um_store_lists_find_cursor(um_cursor_t *cursor, um_db_t *db, apr_int64_t org_id,
                                        const um_list_t *list, apr_pool_t *pool);
/** The cursor at a row of a list; its texts stay the row's. */
void um_store_lists_read_cursor(um_cursor_t *cursor, const um_row_t *row, const um_list_t *list);

/* store_users.c */

/** Read a user of a list; the texts stay the row's. */
void um_store_users_read(um_user_t *user, const um_row_t *row);
/** A copy with its texts, in pool. */
um_user_t *um_store_users_copy(const um_user_t *user, apr_pool_t *pool);
/** UM_ENOTFOUND where there is none. */
apr_status_t um_store_users_get(um_user_t **user, um_db_t *db, apr_int64_t org_id,
                                const char *uid, apr_pool_t *pool);
/**
 * The same inside a change: the user is locked first and read after that, so that until
 * the change ends nobody else changes or deletes it, gives it a role or takes one away.
 */
apr_status_t um_store_users_lock(um_user_t **user, um_db_t *db, apr_int64_t org_id,
                                 const char *uid, apr_pool_t *pool);
/** By the key of the address. UM_ENOTFOUND where there is none, or no key. */
apr_status_t um_store_users_get_by_email(um_user_t **user, um_db_t *db, apr_int64_t org_id,
                                         const char *email, apr_pool_t *pool);
/** The same inside a change, with the user locked as by um_store_users_lock(). */
apr_status_t um_store_users_lock_by_email(um_user_t **user, um_db_t *db, apr_int64_t org_id,
                                          const char *email, apr_pool_t *pool);
/** Tell inside a change whether there is a suspended user whose address has that key. A user
 *  that is there keeps its state until the change ends. */
apr_status_t um_store_users_is_suspended(int *is_suspended, um_db_t *db, apr_int64_t org_id,
                                         const char *email_key, apr_pool_t *pool);
/** UM_ECONFLICT where the uid or the address is taken. UM_EINVALID, here and in what follows,
 *  where the address has no key. */
apr_status_t um_store_users_insert(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                   apr_pool_t *pool);
/** Replace the user of that uid, provided it is of user's version; raises the
 *  version. UM_ECONFLICT where that is not so or the address is another's. */
apr_status_t um_store_users_update(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                   apr_pool_t *pool);
/** Delete the user with its sub-admin entry. UM_ECONFLICT where it is of
 *  another version. */
apr_status_t um_store_users_delete(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                   apr_pool_t *pool);
/** Tell whether the address is that of a caller known to be admin or sub-admin
 *  by the server's configuration. */
apr_status_t um_store_users_is_admin(int *is_admin, um_db_t *db, apr_int64_t org_id,
                                     const char *email, apr_pool_t *pool);

/* store_users.c: sub-admins are users with an entry more */

typedef struct um_sub_admin_t {
    um_user_t user;
    const char *added_by;
    /** Milliseconds since 1970. */
    apr_int64_t created_at;
} um_sub_admin_t;

/** Read a sub-admin of a list; the texts stay the row's. */
void um_store_sub_admins_read(um_sub_admin_t *sub_admin, const um_row_t *row);
/** UM_ENOTFOUND where the user is none. */
apr_status_t um_store_sub_admins_get(um_sub_admin_t **sub_admin, um_db_t *db,
                                     apr_int64_t org_id, const char *uid, apr_pool_t *pool);
/** Tell inside a change whether the user whose address has that key is a sub-admin. It
 *  stays one until the change ends. */
apr_status_t um_store_sub_admins_lock(int *is_sub_admin, um_db_t *db, apr_int64_t org_id,
                                      const char *identity_key, apr_pool_t *pool);
/** Make an existing user one, which is locked; raises the user's version.
 *  UM_ECONFLICT where it is one. */
apr_status_t um_store_sub_admins_insert(um_db_t *db, apr_int64_t org_id, const char *uid,
                                        const char *added_by, apr_int64_t now,
                                        apr_pool_t *pool);
/** Take the role of a user, which is locked; raises the user's version.
 *  UM_ENOTFOUND where the user is none. */
apr_status_t um_store_sub_admins_delete(um_db_t *db, apr_int64_t org_id, const char *uid,
                                        apr_pool_t *pool);

/* store_organizations.c */

typedef struct um_organization_status_t {
    const char *name;
    const char *payment_type;
    apr_int64_t user_count;
    apr_int64_t sub_admin_count;
    apr_int64_t session_count;
    apr_int64_t pending_invitation_count;
    /** Of const char *, by last use, the latest first; the last 100 at most. */
    apr_array_header_t *activities;
} um_organization_status_t;

/** UM_ENOTFOUND where there is no such organization; now in milliseconds. */
apr_status_t um_store_organizations_get_status(um_organization_status_t **organization,
                                               um_db_t *db, apr_int64_t org_id,
                                               apr_int64_t now, apr_pool_t *pool);
/** Tell whether any change is waiting to be folded into its organization's counts. */
apr_status_t um_store_organizations_has_changes(int *has_changes, um_db_t *db, apr_pool_t *pool);
/** Fold the oldest changes, at most so many, into their organizations' counts; the
 *  sums stay. count is how many they were. */
apr_status_t um_store_organizations_fold_counts(int *count, um_db_t *db, apr_int64_t limit,
                                                apr_pool_t *pool);
/** Make an organization; fine where it is there already. */
apr_status_t um_store_organizations_insert(um_db_t *db, const char *name, apr_int64_t now,
                                           apr_pool_t *pool);

typedef struct um_organization_t {
    apr_int64_t id;
    const char *name;
    const char *payment_type;
    /** Milliseconds since 1970. */
    apr_int64_t created_at;
} um_organization_t;

/** UM_ENOTFOUND where there is none of that name. */
apr_status_t um_store_organizations_get(um_organization_t **organization, um_db_t *db,
                                        const char *name, apr_pool_t *pool);
/** At most limit organizations, of um_organization_t, by name, behind that name
 *  (which need not exist; "" for the first). */
apr_status_t um_store_organizations_list(apr_array_header_t **organizations, um_db_t *db,
                                         const char *after, apr_int64_t limit,
                                         apr_pool_t *pool);
/** UM_ENOTFOUND where there is no such organization. */
apr_status_t um_store_organizations_set_payment_type(um_db_t *db, apr_int64_t org_id,
                                                     const char *payment_type,
                                                     apr_pool_t *pool);

/* store_organizations.c: callers */

/** What the database knows of a caller. */
typedef struct um_caller_record_t {
    apr_int64_t org_id;
    /** The user whose address is the identity; else NULL. */
    const char *user_uid;
    /** Non-zero where there is that user, and it is not suspended. */
    int is_active;
    /** Non-zero where it is a sub-admin besides. */
    int is_sub_admin;
    /** The uid that stands for a caller with a role by configuration, and the
     *  highest role it came with; NULL where it was not seen yet. */
    const char *seen_uid;
    const char *seen_role;
} um_caller_record_t;

/** By the key of the caller's identity, see um_address_identity_key(). UM_ENOTFOUND where
 *  there is no such organization. */
apr_status_t um_store_callers_get(um_caller_record_t **record, um_db_t *db,
                                  const char *organization, const char *identity_key,
                                  apr_pool_t *pool);
/** Note a caller with a role by configuration; one seen before keeps its uid
 *  and gets the role. now in milliseconds. */
apr_status_t um_store_callers_put(um_db_t *db, apr_int64_t org_id, const char *identity_key,
                                  const char *uid, const char *role, apr_int64_t now,
                                  apr_pool_t *pool);

/* store_invitations.c; now is in milliseconds */

/** Read a row of um_list_invitations; the texts stay the row's. */
void um_store_invitations_read(um_invitation_t *invitation, const um_row_t *row);
/** UM_ENOTFOUND where there is none. */
apr_status_t um_store_invitations_get(um_invitation_t **invitation, um_db_t *db,
                                      apr_int64_t org_id, const char *invite_token,
                                      apr_pool_t *pool);
/** By one of its secrets. UM_ENOTFOUND where none is known by it. */
apr_status_t um_store_invitations_get_by_secret(um_invitation_t **invitation, um_db_t *db,
                                                apr_int64_t org_id, const char *secret,
                                                apr_pool_t *pool);
/** A pending one, made at created_at. UM_ECONFLICT where another is pending for
 *  the address and in time. */
apr_status_t um_store_invitations_insert(um_db_t *db, apr_int64_t org_id,
                                         const um_invitation_t *invitation, apr_pool_t *pool);
/** Make a pending or expired one pending until expires_at; its secrets die.
 *  UM_ECONFLICT where it is neither, or another is pending for the address. */
apr_status_t um_store_invitations_renew(um_db_t *db, apr_int64_t org_id,
                                        const um_invitation_t *invitation,
                                        apr_int64_t expires_at, apr_int64_t now,
                                        apr_pool_t *pool);
/** End a pending or expired one. UM_ECONFLICT where it is neither. */
apr_status_t um_store_invitations_revoke(um_db_t *db, apr_int64_t org_id,
                                         const char *invite_token, apr_pool_t *pool);
/** End a pending one that is in time. UM_ECONFLICT where it is none such. */
apr_status_t um_store_invitations_accept(um_db_t *db, apr_int64_t org_id,
                                         const char *invite_token, apr_int64_t now,
                                         apr_pool_t *pool);
/** Delete those that could be accepted until that time or earlier, however they
 *  ended, with what belongs to them. */
apr_status_t um_store_invitations_prune(int *count, um_db_t *db, apr_int64_t org_id,
                                        apr_int64_t until, apr_pool_t *pool);
/** Give an invitation one more secret, see um_invitation_make_secret(). The database
 *  gets its SHA-256. */
apr_status_t um_store_invitations_add_secret(um_db_t *db, apr_int64_t org_id,
                                             const char *invite_token, const char *secret,
                                             apr_int64_t now, apr_pool_t *pool);

/* store_sessions.c */

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
 * Write sessions that the server counted, of um_session_entry_t. Those of nobody
 * that the database knows are left out. One that was written before, or that was
 * used less than its idle time apart from one of the same user and activity
 * there, goes on with that.
 */
apr_status_t um_store_sessions_put(um_db_t *db, const apr_array_header_t *entries,
                                   apr_pool_t *pool);
/** Write one that an application reports; it is a session of its own. */
apr_status_t um_store_sessions_insert(um_db_t *db, apr_int64_t org_id,
                                      const um_user_session_t *session, apr_pool_t *pool);

/* store_records.c: kept answers */

/** The answer that was given to a request with a key. */
typedef struct um_kept_answer_t {
    const char *request_sha256;
    int status;
    /** NULL where there was none. */
    const char *location;
    const char *etag;
    const char *body;
} um_kept_answer_t;

/** Milliseconds that an answer is kept. */
#define UM_IDEMPOTENCY_TTL (24 * 3600 * APR_INT64_C(1000))

/** UM_ENOTFOUND where the key is new, or past its time at now (milliseconds). */
apr_status_t um_store_idempotency_get(um_kept_answer_t **kept, um_db_t *db, apr_int64_t org_id,
                                      const char *identity_key, const char *key, apr_int64_t now,
                                      apr_pool_t *pool);
/** Drop all that are past their time. */
apr_status_t um_store_idempotency_prune(int *count, um_db_t *db, apr_int64_t now,
                                        apr_pool_t *pool);
/** Take a new key for a request, and drop all that are past their time. Another
 *  who takes the same key waits until this change has ended; UM_ECONFLICT where
 *  that one took it. */
apr_status_t um_store_idempotency_insert(um_db_t *db, apr_int64_t org_id, const char *identity_key,
                                         const char *key, const char *request_sha256,
                                         apr_int64_t now, apr_pool_t *pool);
/** Keep the answer for a key that was taken. */
apr_status_t um_store_idempotency_update(um_db_t *db, apr_int64_t org_id, const char *identity_key,
                                         const char *key, const um_kept_answer_t *kept,
                                         apr_pool_t *pool);

/* store_records.c: the audit trail */

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
} um_audit_event_t;

apr_status_t um_store_audit_insert(um_db_t *db, apr_int64_t org_id,
                                   const um_audit_event_t *event, apr_pool_t *pool);
/** As um_store_audit_insert(), with the event's uid, made of its time by um_uid_make(), and
 * without a second event where one with that uid is there, by a commit that was not answered. */
apr_status_t um_store_audit_insert_once(um_db_t *db, apr_int64_t org_id, const char *uid,
                                        const um_audit_event_t *event, apr_pool_t *pool);
/** Read an event of a list, and its uid; the texts stay the row's. */
void um_store_audit_read(const char **uid, um_audit_event_t *event, const um_row_t *row);

/* store_mail.c: mail that is to go out; times in milliseconds */

typedef struct um_outgoing_mail_t {
    apr_int64_t org_id;
    /** The organization's name. */
    const char *organization;
    /** The invitation that it tells of. */
    const char *invite_token;
    const char *uid;
    apr_int64_t created_at;
    /** How often somebody set out to send it. */
    apr_int64_t attempts;
} um_outgoing_mail_t;

/** Have a mail sent for an invitation, instead of one that still waits for it. */
apr_status_t um_store_mail_insert(um_db_t *db, apr_int64_t org_id, const char *invite_token,
                                  apr_int64_t now, apr_pool_t *pool);
/** The mail that is due, at most so many, longest due first: of um_outgoing_mail_t. */
apr_status_t um_store_mail_list(apr_array_header_t **mails, um_db_t *db, apr_int64_t now,
                                apr_int64_t limit, apr_pool_t *pool);
/** When the next mail is due; 0 where none waits. */
apr_status_t um_store_mail_get_next(apr_int64_t *next_attempt_at, um_db_t *db, apr_pool_t *pool);
/** Set out to send a mail as listed: until then nobody else will. UM_ECONFLICT
 *  where somebody else has since. mail stays as it was listed. */
apr_status_t um_store_mail_claim(um_db_t *db, const um_outgoing_mail_t *mail, apr_int64_t until,
                                 apr_pool_t *pool);
/** Have a claimed mail tried again, not before then. UM_ECONFLICT where somebody
 *  else has claimed it since, or it is gone. */
apr_status_t um_store_mail_postpone(um_db_t *db, const um_outgoing_mail_t *mail,
                                    apr_int64_t until, apr_pool_t *pool);
/** Forget a mail; one that has taken its place stays. */
apr_status_t um_store_mail_delete(um_db_t *db, const um_outgoing_mail_t *mail, apr_pool_t *pool);

#endif
