/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_STORE_H
#define UM_CORE_STORE_H

/**
 * @file store.h
 * All questions to the database, in the terms of the project: users, invitations, lists.
 * A store stands for one database. Functions with a um_db_t can be called inside a change
 * (um_store_change()) or outside of one, unless their comment says which.
 *
 * Unless their comment says otherwise, functions return APR_SUCCESS or UM_EUNAVAILABLE,
 * set results only on success, and allocate them in the pool given last.
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
 * @param auto_schema make or upgrade the schema if the dialect allows it
 * @param host        read-only, lives as long as the store
 */
um_store_t *um_store_create(const um_host_t *host, um_dialect_t dialect, um_writer_t *writer,
                            int auto_schema, apr_pool_t *pool);

/**
 * Check that the schema can be used. It is cheap after the first success.
 * @return APR_SUCCESS, UM_EUNAVAILABLE, or UM_ESCHEMA (logged with what to do)
 */
apr_status_t um_store_prepare(um_store_t *store, apr_pool_t *pool);

/** Borrow a connection for reading; um_db_close() gives it back. Prepares the
 *  store first, with the errors of um_store_prepare(). */
apr_status_t um_store_open(um_db_t **db, um_store_t *store, apr_pool_t *pool);

/** The same for an expensive read. The caller has a place from um_store_begin_search(). */
apr_status_t um_store_open_search(um_db_t **db, um_store_t *store, apr_pool_t *pool);

/** Have a change made in a transaction, see um_writer_run() and um_runner_run(). */
apr_status_t um_store_change(um_store_t *store, um_change_fn_t *change, void *baton,
                             apr_pool_t *pool);

/**
 * Fold changes into the counts of organizations, in one transaction, if the database stores
 * changes of counts separately. Several threads may do this at the same time.
 * @param more set if more changes are left than one transaction folds: call again
 * @return as um_store_change(), logged
 */
apr_status_t um_store_fold_counts(int *more, um_store_t *store, apr_pool_t *pool);

/** Make the store fold counts by itself after this many changes, because nobody else does.
 *  Call it before the store is used. */
void um_store_set_folding(um_store_t *store, apr_uint32_t changes);

/** The store's clock, in microseconds since 1970, and its random bytes. */
const um_host_t *um_store_host(const um_store_t *store);

/** Limit how many expensive lists are read at a time; NULL for no limit. Call it before the
 *  store is used, and give the writer the limit too (um_writer_set_searches()). */
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

/** Tell whether a list is expensive: it has a condition other than a key, or it is counted
 *  and the database keeps no count of it. */
int um_store_lists_is_search(const um_list_t *list, int is_counted);
/** Take one of the places for expensive lists, before a connection is borrowed for it.
 *  APR_SUCCESS, or UM_EBUSY if none became free in that time. */
apr_status_t um_store_begin_search(um_store_t *store, apr_interval_time_t wait);
/** Give the place back. */
void um_store_end_search(um_store_t *store);

/** Hand the rows of a part of a list to take. If the list is read backwards, the last row
 *  comes first. */
apr_status_t um_store_lists_get(um_db_t *db, um_row_fn_t *take, void *baton,
                                apr_int64_t org_id, const um_list_t *list, apr_pool_t *pool);
/** Hand the row of the entry with that key to take; no row where there is none. */
apr_status_t um_store_lists_get_entry(um_db_t *db, um_row_fn_t *take, void *baton,
                                      apr_int64_t org_id, const um_list_source_t *source,
                                      const char *key, apr_pool_t *pool);
/** Tell whether a stretch has anything in it; its limit plays no part. */
apr_status_t um_store_lists_exist(int *exist, um_db_t *db, apr_int64_t org_id,
                                  const um_list_t *list, apr_pool_t *pool);
/** Choose the paths to a list's rows if the database does not choose well, before the list is
 *  read and counted. Parts of the same list keep the paths. */
apr_status_t um_store_lists_plan(um_list_t *list, um_db_t *db, apr_int64_t org_id, int is_counted,
                                 apr_pool_t *pool);
/** Choose again when the number of rows is known: some paths are better for few rows. */
void um_store_lists_use_count(um_list_t *list, apr_int64_t count);
/** Count the rows that match a list's conditions, without its cursors and its limit. */
apr_status_t um_store_lists_count(apr_int64_t *count, um_db_t *db, apr_int64_t org_id,
                                  const um_list_t *list, apr_pool_t *pool);
/** Fill in the value of a cursor. UM_ENOTFOUND if its key is unknown; in the order of keys
 *  the key need not be known. */
apr_status_t um_store_lists_find_cursor(um_cursor_t *cursor, um_db_t *db, apr_int64_t org_id,
                                        const um_list_t *list, apr_pool_t *pool);
/** The cursor at a row of a list; its texts belong to the row. */
void um_store_lists_read_cursor(um_cursor_t *cursor, const um_row_t *row, const um_list_t *list);

/* store_users.c */

/** Read a user from a row of a list; the texts belong to the row. */
void um_store_users_read(um_user_t *user, const um_row_t *row);
/** A copy with its texts, in pool. */
um_user_t *um_store_users_copy(const um_user_t *user, apr_pool_t *pool);
/** UM_ENOTFOUND if there is none. */
apr_status_t um_store_users_get(um_user_t **user, um_db_t *db, apr_int64_t org_id,
                                const char *uid, apr_pool_t *pool);
/**
 * The same inside a change. The user is locked first and then read. Until the change ends,
 * nobody else can change or delete the user, give it a role or take its role away.
 */
apr_status_t um_store_users_lock(um_user_t **user, um_db_t *db, apr_int64_t org_id,
                                 const char *uid, apr_pool_t *pool);
/** By the key of the address. UM_ENOTFOUND if there is no such user, or no key. */
apr_status_t um_store_users_get_by_email(um_user_t **user, um_db_t *db, apr_int64_t org_id,
                                         const char *email, apr_pool_t *pool);
/** The same inside a change; the user is locked as by um_store_users_lock(). */
apr_status_t um_store_users_lock_by_email(um_user_t **user, um_db_t *db, apr_int64_t org_id,
                                          const char *email, apr_pool_t *pool);
/** Tell, inside a change, whether the user whose address has that key is suspended. If there
 *  is such a user, its state can't change until the change ends. */
apr_status_t um_store_users_is_suspended(int *is_suspended, um_db_t *db, apr_int64_t org_id,
                                         const char *email_key, apr_pool_t *pool);
/** UM_ECONFLICT if the uid or the address is taken. Here and below: UM_EINVALID if the address
 *  has no key. */
apr_status_t um_store_users_insert(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                   apr_pool_t *pool);
/** Replace the user with this uid if it still has user's version, and increase the version.
 *  UM_ECONFLICT if it has another version, or another user has the address. */
apr_status_t um_store_users_update(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                   apr_pool_t *pool);
/** Delete the user and its sub-admin entry. UM_ECONFLICT if it has another version. */
apr_status_t um_store_users_delete(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                   apr_pool_t *pool);
/** Tell whether the address belongs to a caller who was seen with a role, admin or sub-admin,
 *  from the server's configuration. */
apr_status_t um_store_users_is_admin(int *is_admin, um_db_t *db, apr_int64_t org_id,
                                     const char *email, apr_pool_t *pool);

/* store_users.c: sub-admins are users with an additional entry */

typedef struct um_sub_admin_t {
    um_user_t user;
    const char *added_by;
    /** Milliseconds since 1970. */
    apr_int64_t created_at;
} um_sub_admin_t;

/** Read a sub-admin from a row of a list; the texts belong to the row. */
void um_store_sub_admins_read(um_sub_admin_t *sub_admin, const um_row_t *row);
/** UM_ENOTFOUND if the user is no sub-admin. */
apr_status_t um_store_sub_admins_get(um_sub_admin_t **sub_admin, um_db_t *db,
                                     apr_int64_t org_id, const char *uid, apr_pool_t *pool);
/** Tell, inside a change, whether the user whose address has that key is a sub-admin. The
 *  role can't be taken away until the change ends. */
apr_status_t um_store_sub_admins_lock(int *is_sub_admin, um_db_t *db, apr_int64_t org_id,
                                      const char *identity_key, apr_pool_t *pool);
/** Make a user, who is locked, a sub-admin, and increase the user's version. UM_ECONFLICT if
 *  the user is a sub-admin. */
apr_status_t um_store_sub_admins_insert(um_db_t *db, apr_int64_t org_id, const char *uid,
                                        const char *added_by, apr_int64_t now,
                                        apr_pool_t *pool);
/** Take the role from a user, who is locked, and increase the user's version. UM_ENOTFOUND if
 *  the user is no sub-admin. */
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
    /** Of const char *: at most 100, the most recently used one first. */
    apr_array_header_t *activities;
} um_organization_status_t;

/** UM_ENOTFOUND if there is no such organization; now is in milliseconds. */
apr_status_t um_store_organizations_get_status(um_organization_status_t **organization,
                                               um_db_t *db, apr_int64_t org_id,
                                               apr_int64_t now, apr_pool_t *pool);
/** Tell whether there are changes that are not folded into counts yet. */
apr_status_t um_store_organizations_has_changes(int *has_changes, um_db_t *db, apr_pool_t *pool);
/** Fold the oldest changes, at most limit, into their organizations' counts. The sums stay
 *  the same. count is the number of folded changes. */
apr_status_t um_store_organizations_fold_counts(int *count, um_db_t *db, apr_int64_t limit,
                                                apr_pool_t *pool);
/** Make an organization. It is no error if it exists. */
apr_status_t um_store_organizations_insert(um_db_t *db, const char *name, apr_int64_t now,
                                           apr_pool_t *pool);

typedef struct um_organization_t {
    apr_int64_t id;
    const char *name;
    const char *payment_type;
    /** Milliseconds since 1970. */
    apr_int64_t created_at;
} um_organization_t;

/** UM_ENOTFOUND if there is none with that name. */
apr_status_t um_store_organizations_get(um_organization_t **organization, um_db_t *db,
                                        const char *name, apr_pool_t *pool);
/** At most limit organizations, of um_organization_t, in the order of their names, after a
 *  name (which need not exist; "" for the first). */
apr_status_t um_store_organizations_list(apr_array_header_t **organizations, um_db_t *db,
                                         const char *after, apr_int64_t limit,
                                         apr_pool_t *pool);
/** UM_ENOTFOUND if there is no such organization. */
apr_status_t um_store_organizations_set_payment_type(um_db_t *db, apr_int64_t org_id,
                                                     const char *payment_type,
                                                     apr_pool_t *pool);

/* store_organizations.c: callers */

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

/* store_invitations.c; now is in milliseconds */

/** Read a row of um_list_invitations; the texts stay the row's. */
void um_store_invitations_read(um_invitation_t *invitation, const um_row_t *row);
/** UM_ENOTFOUND if there is none. */
apr_status_t um_store_invitations_get(um_invitation_t **invitation, um_db_t *db,
                                      apr_int64_t org_id, const char *invite_token,
                                      apr_pool_t *pool);
/** By one of its secrets. UM_ENOTFOUND if none has this secret. */
apr_status_t um_store_invitations_get_by_secret(um_invitation_t **invitation, um_db_t *db,
                                                apr_int64_t org_id, const char *secret,
                                                apr_pool_t *pool);
/** Insert a pending invitation, made at created_at. UM_ECONFLICT if another one for the
 *  address is pending and not expired. */
apr_status_t um_store_invitations_insert(um_db_t *db, apr_int64_t org_id,
                                         const um_invitation_t *invitation, apr_pool_t *pool);
/** Make a pending or expired invitation pending until expires_at, and delete its secrets.
 *  UM_ECONFLICT if it is neither, or if another one is pending for the address. */
apr_status_t um_store_invitations_renew(um_db_t *db, apr_int64_t org_id,
                                        const um_invitation_t *invitation,
                                        apr_int64_t expires_at, apr_int64_t now,
                                        apr_pool_t *pool);
/** Revoke a pending or expired invitation. UM_ECONFLICT if it is neither. */
apr_status_t um_store_invitations_revoke(um_db_t *db, apr_int64_t org_id,
                                         const char *invite_token, apr_pool_t *pool);
/** Accept a pending invitation that is not expired. UM_ECONFLICT if it is not. */
apr_status_t um_store_invitations_accept(um_db_t *db, apr_int64_t org_id,
                                         const char *invite_token, apr_int64_t now,
                                         apr_pool_t *pool);
/** Delete the invitations whose time ended at that time or earlier, in any status, with their
 *  secrets and mail. */
apr_status_t um_store_invitations_prune(int *count, um_db_t *db, apr_int64_t org_id,
                                        apr_int64_t until, apr_pool_t *pool);
/** Give an invitation one more secret, see um_invitation_make_secret(). The database stores
 *  only its SHA-256. */
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

/* store_records.c: kept answers */

/** The answer that was given to a request with a key. */
typedef struct um_kept_answer_t {
    const char *request_sha256;
    int status;
    /** NULL if there was none. */
    const char *location;
    const char *etag;
    const char *body;
} um_kept_answer_t;

/** Milliseconds that an answer is kept. */
#define UM_IDEMPOTENCY_TTL (24 * 3600 * APR_INT64_C(1000))

/** UM_ENOTFOUND if the key is new, or has expired at now (milliseconds). */
apr_status_t um_store_idempotency_get(um_kept_answer_t **kept, um_db_t *db, apr_int64_t org_id,
                                      const char *identity_key, const char *key, apr_int64_t now,
                                      apr_pool_t *pool);
/** Delete all expired ones. */
apr_status_t um_store_idempotency_prune(int *count, um_db_t *db, apr_int64_t now,
                                        apr_pool_t *pool);
/** Take a new key for a request, and delete all expired ones. If another change takes the same
 *  key, this one waits until it ends. UM_ECONFLICT if the other one has committed it. */
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
/** As um_store_audit_insert(), with the event's uid, which um_uid_make() made from its time. If
 *  there is an event with that uid, from a commit that was not answered, it makes no other. */
apr_status_t um_store_audit_insert_once(um_db_t *db, apr_int64_t org_id, const char *uid,
                                        const um_audit_event_t *event, apr_pool_t *pool);
/** Read an event and its uid from a row of a list; the texts belong to the row. */
void um_store_audit_read(const char **uid, um_audit_event_t *event, const um_row_t *row);

/* store_mail.c: the queue of outgoing mail; times are in milliseconds */

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
/** The mails that are due, at most limit, the oldest first: of um_outgoing_mail_t. */
apr_status_t um_store_mail_list(apr_array_header_t **mails, um_db_t *db, apr_int64_t now,
                                apr_int64_t limit, apr_pool_t *pool);
/** When the next mail is due; 0 if none waits. */
apr_status_t um_store_mail_get_next(apr_int64_t *next_attempt_at, um_db_t *db, apr_pool_t *pool);
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
