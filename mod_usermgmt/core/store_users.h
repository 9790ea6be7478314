/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_STORE_USERS_H
#define UM_CORE_STORE_USERS_H

/**
 * @file store_users.h
 * Users and sub-admins in the database.
 * store.h says what all these functions have in common.
 */

#include <apr_hash.h>

#include "../db/db.h"
#include "store_records.h"
#include "user.h"

/** With this version of the schema came the columns for what an identity provider sets of a
 *  user, and the groups. */
#define UM_PROVISIONING_SINCE 4

/** Read a user from a row of a list; the texts belong to the row. */
void um_store_users_read(um_user_t *user, const um_row_t *row);
/** Read a user from a row of um_list_plain_users, which has only what the native API shows. */
void um_store_users_read_shown(um_user_t *user, const um_row_t *row);
/** A copy with its texts, in pool. */
um_user_t *um_store_users_copy(const um_user_t *user, apr_pool_t *pool);
/** UM_ENOTFOUND if there is none. */
apr_status_t um_store_users_get(um_user_t **user, um_db_t *db, apr_int64_t org_id,
                                const char *uid, apr_pool_t *pool);

/** A user that is to be read with others. */
typedef struct um_wanted_user_t {
    apr_int64_t org_id;
    const char *uid;
    /** NULL at first, and if there is none. */
    um_user_t *user;
    /** For the user. */
    apr_pool_t *pool;
} um_wanted_user_t;

/** Read users in one statement, not on MariaDB. Some may be the same. There should be few
 *  different counts, because a statement is prepared for each. */
apr_status_t um_store_users_get_wanted(um_wanted_user_t *const *wanted, int count, um_db_t *db,
                                       apr_pool_t *pool);
/**
 * As um_store_users_get() inside a change. The user is locked first and then read. Until the
 * change ends, nobody else can change or delete the user, give it a role or take its role away.
 */
apr_status_t um_store_users_lock(um_user_t **user, um_db_t *db, apr_int64_t org_id,
                                 const char *uid, apr_pool_t *pool);
/** The same for a change by a sub-admin, which must not change a user with a role. If the user
 *  has one, has_role is 1, and nothing but has_role counts. Such a user is usually not locked:
 *  sub-admins share their own rows while they make changes, so two of them would wait for each
 *  other. */
apr_status_t um_store_users_lock_for_sub_admin(um_user_t **user, int *has_role, um_db_t *db,
                                               apr_int64_t org_id, const char *uid,
                                               apr_pool_t *pool);
/** Keep a user from being deleted until the change ends. Many changes may do so at the same
 *  time. UM_ENOTFOUND if there is no such user. */
apr_status_t um_store_users_keep(um_db_t *db, apr_int64_t org_id, const char *uid,
                                 apr_pool_t *pool);
/** By the key of the address. UM_ENOTFOUND if there is no such user, or no key. */
apr_status_t um_store_users_get_by_email(um_user_t **user, um_db_t *db, apr_int64_t org_id,
                                         const char *email, apr_pool_t *pool);
/**
 * Find the uids of many users by the keys of their addresses, in one statement.
 * @param uids   gets the uid for each key (const char *) that a user has; it and its keys are in
 *               pool
 * @param keys   so many keys; some may be the same
 */
apr_status_t um_store_users_find_by_keys(apr_hash_t **uids, um_db_t *db, apr_int64_t org_id,
                                         const char *const *keys, int count, apr_pool_t *pool);
/** By the name by which an identity provider knows the user, which is the email if no other is
 *  stored. UM_ENOTFOUND if there is no such user. */
apr_status_t um_store_users_get_by_user_name(um_user_t **user, um_db_t *db, apr_int64_t org_id,
                                             const char *user_name, apr_pool_t *pool);
/** As um_store_users_get_by_email() inside a change; the user is locked as by
 *  um_store_users_lock(). */
apr_status_t um_store_users_lock_by_email(um_user_t **user, um_db_t *db, apr_int64_t org_id,
                                          const char *email, apr_pool_t *pool);
/** Tell, inside a change, whether the user whose address has that key is suspended. If there
 *  is such a user, its state can't change until the change ends. */
apr_status_t um_store_users_is_suspended(int *is_suspended, um_db_t *db, apr_int64_t org_id,
                                         const char *email_key, apr_pool_t *pool);
/** What is stored of a user to find it by. */
typedef struct um_user_keys_t {
    const char *email_key;
    const char *display_name_folded;
    /** Of the user's name, or of the email where it has no other name. */
    const char *name_key;
    /** Zero if the name has the key of the email. Then it is not stored, and the name follows
     *  the email. */
    int is_named;
} um_user_keys_t;

/** Make the keys of a user; asks no database. UM_EINVALID if the address has no key. */
apr_status_t um_store_users_make_keys(um_user_keys_t *keys, const um_user_t *user,
                                      apr_pool_t *pool);
/** UM_ECONFLICT if the uid, the address or the name is taken. Here and below: UM_EINVALID if the
 *  address has no key; UM_ESCHEMA if the user has what only a newer schema has columns for. */
apr_status_t um_store_users_insert(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                   apr_pool_t *pool);
/** The same with the user's keys, which were made before. */
apr_status_t um_store_users_insert_with_keys(um_db_t *db, apr_int64_t org_id,
                                             const um_user_t *user, const um_user_keys_t *keys,
                                             apr_pool_t *pool);
/** Insert so many users, inside a change. UM_ECONFLICT if the uid, the address or the name of one
 *  of them is taken, or two of them have the same: then none is inserted. */
apr_status_t um_store_users_insert_all(um_db_t *db, apr_int64_t org_id,
                                       const um_user_t *const *users,
                                       const um_user_keys_t *const *keys, int count,
                                       apr_pool_t *pool);
/**
 * Insert a user, and the audit event of that, whose time is the user's created_at. No statement
 * may follow in the change, and its answer must be complete before (um_db_query_last()).
 * @return UM_ECONFLICT if the uid, the address or the name is taken
 */
apr_status_t um_store_users_create(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                   const um_audit_event_t *event, apr_pool_t *pool);
/**
 * Replace the user with this uid if it still has user's version, and increase the version.
 * @param stored the user as it was read, so that what is the same is not written; NULL if it is
 * not known
 * @return UM_ECONFLICT if it has another version, or another user has the address or the name;
 *         UM_ESCHEMA if what an identity provider sets is to change and was not read (is_partial)
 */
apr_status_t um_store_users_update(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                   const um_user_t *stored, apr_pool_t *pool);
/**
 * The same with the audit event of that. If the two users are the same but for the profile, no
 * statement may follow in the change, and its answer must be complete before
 * (um_db_query_last()). Then it is UM_ECONFLICT, too, if another transaction has locked the user
 * and nothing was sent before in this one.
 */
apr_status_t um_store_users_change(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                   const um_user_t *stored, const um_audit_event_t *event,
                                   apr_pool_t *pool);
/** Do two users differ in the display name, the phone and the attributes at most? */
int um_store_users_same_but_profile(const um_user_t *user, const um_user_t *stored);

/** What another user has, so that a user can't be stored. */
typedef enum um_user_taken_t {
    UM_TAKEN_NOTHING,
    UM_TAKEN_EMAIL,
    /** The name by which an identity provider knows the user: another user has it as its name, or
     *  as its email and no other name. */
    UM_TAKEN_USER_NAME
} um_user_taken_t;

/** Find out what was taken when um_store_users_insert() and the like ended with UM_ECONFLICT.
 *  UM_TAKEN_NOTHING if it was the uid or the version, or if nothing is taken any more. */
apr_status_t um_store_users_find_taken(um_user_taken_t *taken, um_db_t *db, apr_int64_t org_id,
                                       const um_user_t *user, apr_pool_t *pool);
/** Delete the user, its sub-admin entry and its memberships. now, in milliseconds since 1970, is
 *  when its groups change. UM_ECONFLICT if it has another version. */
apr_status_t um_store_users_delete(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                   apr_int64_t now, apr_pool_t *pool);

/* ---- sub-admins: users with an additional entry ---- */

typedef struct um_sub_admin_t {
    um_user_t user;
    const char *added_by;
    /** Milliseconds since 1970. */
    apr_int64_t created_at;
} um_sub_admin_t;

/** Read a sub-admin from a row of a list; the texts belong to the row. */
void um_store_sub_admins_read(um_sub_admin_t *sub_admin, const um_row_t *row);
/** UM_ENOTFOUND if the user is no sub-admin. */
apr_status_t um_store_sub_admins_get(um_sub_admin_t **sub_admin, um_db_t *db, apr_int64_t org_id,
                                     const char *uid, apr_pool_t *pool);
/** Tell, inside a change, whether the user whose address has that key is a sub-admin. The
 *  role can't be taken away until the change ends. */
apr_status_t um_store_sub_admins_lock(int *is_sub_admin, um_db_t *db, apr_int64_t org_id,
                                      const char *identity_key, apr_pool_t *pool);
/** Make a user, who is locked, a sub-admin, and increase the user's version. UM_ECONFLICT if
 *  the user is a sub-admin. */
apr_status_t um_store_sub_admins_insert(um_db_t *db, apr_int64_t org_id, const char *uid,
                                        const char *added_by, apr_int64_t now, apr_pool_t *pool);
/** Take the role from a user, who is locked, and increase the user's version. UM_ENOTFOUND if
 *  the user is no sub-admin. */
apr_status_t um_store_sub_admins_delete(um_db_t *db, apr_int64_t org_id, const char *uid,
                                        apr_int64_t now, apr_pool_t *pool);

#endif
