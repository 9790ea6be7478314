/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file store_users.c Users in the database, see store_users.h. */

#include "store_users.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/address.h"
#include "../base/json.h"
#include "../base/text.h"
#include "../db/statements.h"
#include "store_callers.h"
#include "store_groups.h"

/* The first column after those of a user. */
#define USER_COLUMN_COUNT 13

void um_store_users_read_shown(um_user_t *user, const um_row_t *row)
{
    memset(user, 0, sizeof(*user));
    user->uid = um_row_text(row, 0);
    user->email = um_row_text(row, 1);
    user->display_name = um_row_text(row, 2);
    user->phone = um_row_text(row, 3);
    if (user->phone != NULL && user->phone[0] == '\0') {
        user->phone = NULL;
    }
    user->is_sub_admin = um_row_int(row, 4) != 0;
    user->created_at = um_row_int(row, 5);
    user->updated_at = um_row_int(row, 6);
    user->attributes = um_row_text(row, 7);
    user->is_suspended = um_row_int(row, 8) == 0;
    /* Nothing was asked of an identity provider's members. */
    user->is_partial = 1;
}

void um_store_users_read(um_user_t *user, const um_row_t *row)
{
    um_store_users_read_shown(user, row);
    user->version = um_row_int(row, 9);
    user->user_name = um_row_text_or_null(row, 10);
    user->external_id = um_row_text_or_null(row, 11);
    user->scim = um_row_text_or_null(row, 12);
    user->is_partial = 0;
}

/* Has the database the columns of version 4? */
static apr_status_t check_columns(int *has_columns, um_db_t *db, apr_pool_t *pool)
{
    int version = 0;
    apr_status_t status = um_db_get_version(&version, db, pool);

    *has_columns = version >= UM_PROVISIONING_SINCE;
    return status;
}

typedef struct um_get_t {
    um_user_t **user;
    um_sub_admin_t **sub_admin;
    int has_columns;
    apr_pool_t *pool;
} um_get_t;

um_user_t *um_store_users_copy(const um_user_t *user, apr_pool_t *pool)
{
    um_user_t *copy = apr_pmemdup(pool, user, sizeof(*user));

    copy->uid = apr_pstrdup(pool, user->uid);
    copy->email = apr_pstrdup(pool, user->email);
    copy->display_name = apr_pstrdup(pool, user->display_name);
    copy->phone = apr_pstrdup(pool, user->phone);
    copy->attributes = apr_pstrdup(pool, user->attributes);
    copy->user_name = apr_pstrdup(pool, user->user_name);
    copy->external_id = apr_pstrdup(pool, user->external_id);
    copy->scim = apr_pstrdup(pool, user->scim);
    return copy;
}

static void take_user(const um_row_t *row, void *baton)
{
    um_get_t *get = baton;
    um_user_t user;

    um_store_users_read(&user, row);
    user.is_partial = !get->has_columns;
    *get->user = um_store_users_copy(&user, get->pool);
}

/* bind is for a database that has the columns of version 4, older for one that has not. */
static apr_status_t get_user(um_user_t **user, um_db_t *db, const um_bind_t *bind,
                             const um_bind_t *older, apr_pool_t *pool)
{
    um_get_t get = { .user = user, .pool = pool };
    apr_status_t status = check_columns(&get.has_columns, db, pool);

    return status == APR_SUCCESS
               ? um_db_select_found(db, take_user, &get, get.has_columns ? bind : older, pool)
               : status;
}

apr_status_t um_store_users_get(um_user_t **user, um_db_t *db, apr_int64_t org_id,
                                const char *uid, apr_pool_t *pool)
{
    return get_user(user, db, UM_BIND(user_get, .org_id = org_id, .user_uid = uid),
                    UM_BIND(user_get_older, .org_id = org_id, .user_uid = uid), pool);
}

typedef struct um_wanted_users_t {
    um_wanted_user_t *const *wanted;
    int count;
    int has_columns;
} um_wanted_users_t;

static void take_wanted(const um_row_t *row, void *baton)
{
    const um_wanted_users_t *all = baton;
    apr_int64_t org_id = um_row_int(row, USER_COLUMN_COUNT);
    um_user_t user;

    um_store_users_read(&user, row);
    user.is_partial = !all->has_columns;
    for (int i = 0; i < all->count; i++) {
        um_wanted_user_t *wanted = all->wanted[i];

        if (wanted->user == NULL && wanted->org_id == org_id
            && strcmp(wanted->uid, user.uid) == 0) {
            wanted->user = um_store_users_copy(&user, wanted->pool);
        }
    }
}

static apr_status_t select_wanted(um_wanted_users_t *all, um_db_t *db, apr_pool_t *pool)
{
    struct um_bind_users_get *rows = apr_palloc(pool, sizeof(*rows) * (apr_size_t)all->count);

    for (int i = 0; i < all->count; i++) {
        rows[i] = (struct um_bind_users_get){ .org_id = all->wanted[i]->org_id,
                                              .user_uid = all->wanted[i]->uid };
    }
    return um_db_select_rows(db, take_wanted, all, UM_BIND_ROWS(users_get, rows, all->count),
                             pool);
}

static apr_status_t select_wanted_older(um_wanted_users_t *all, um_db_t *db, apr_pool_t *pool)
{
    struct um_bind_users_get_older *rows = apr_palloc(pool,
                                                      sizeof(*rows) * (apr_size_t)all->count);

    for (int i = 0; i < all->count; i++) {
        rows[i] = (struct um_bind_users_get_older){ .org_id = all->wanted[i]->org_id,
                                                    .user_uid = all->wanted[i]->uid };
    }
    return um_db_select_rows(db, take_wanted, all,
                             UM_BIND_ROWS(users_get_older, rows, all->count), pool);
}

apr_status_t um_store_users_get_wanted(um_wanted_user_t *const *wanted, int count, um_db_t *db,
                                       apr_pool_t *pool)
{
    um_wanted_users_t all = { .wanted = wanted, .count = count };
    apr_status_t status;

    if (count == 1) {
        status = um_store_users_get(&wanted[0]->user, db, wanted[0]->org_id, wanted[0]->uid,
                                    wanted[0]->pool);
        return status == UM_ENOTFOUND ? APR_SUCCESS : status;
    }
    status = check_columns(&all.has_columns, db, pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    return all.has_columns ? select_wanted(&all, db, pool) : select_wanted_older(&all, db, pool);
}

/* A database with one writer at a time needs no locks. */
static int needs_locks(const um_db_t *db)
{
    return !um_db_traits(db)->has_single_writer;
}

apr_status_t um_store_users_lock(um_user_t **user, um_db_t *db, apr_int64_t org_id,
                                 const char *uid, apr_pool_t *pool)
{
    apr_status_t status = APR_SUCCESS;
    int exists = 1;

    if (needs_locks(db)) {
        status = um_db_exists(&exists, db,
                              um_db_locks_many(db)
                                  ? UM_BIND(user_lock_at_once, .org_id = org_id, .user_uid = uid)
                                  : UM_BIND(user_lock, .org_id = org_id, .user_uid = uid),
                              pool);
    }
    if (status == APR_SUCCESS && !exists) {
        status = UM_ENOTFOUND;
    }
    return status == APR_SUCCESS ? um_store_users_get(user, db, org_id, uid, pool) : status;
}

apr_status_t um_store_users_lock_for_sub_admin(um_user_t **user, int *has_role, um_db_t *db,
                                               apr_int64_t org_id, const char *uid,
                                               apr_pool_t *pool)
{
    apr_status_t status = APR_SUCCESS;

    *has_role = 0;
    if (needs_locks(db)) {
        status = um_db_exists(has_role, db,
                              UM_BIND(user_has_role, .org_id = org_id, .user_uid = uid), pool);
    }
    if (status != APR_SUCCESS || *has_role) {
        return status;
    }
    status = um_store_users_lock(user, db, org_id, uid, pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    /* The user may have got a role before it was locked. */
    *has_role = (*user)->is_sub_admin;
    return *has_role ? APR_SUCCESS
                     : um_store_callers_has_role(has_role, db, org_id, (*user)->email, pool);
}

apr_status_t um_store_users_keep(um_db_t *db, apr_int64_t org_id, const char *uid,
                                 apr_pool_t *pool)
{
    int exists = 0;
    apr_status_t status;

    status = um_db_exists(&exists, db,
                          UM_BIND(user_lock_shared, .org_id = org_id, .user_uid = uid), pool);
    return status == APR_SUCCESS && !exists ? UM_ENOTFOUND : status;
}

apr_status_t um_store_users_get_by_email(um_user_t **user, um_db_t *db, apr_int64_t org_id,
                                         const char *email, apr_pool_t *pool)
{
    const char *key = um_address_key(email, pool);

    if (key == NULL) {
        return UM_ENOTFOUND;
    }
    return get_user(user, db, UM_BIND(user_get_by_email, .org_id = org_id, .email_key = key),
                    UM_BIND(user_get_by_email_older, .org_id = org_id, .email_key = key), pool);
}

static void take_uid_of_key(const um_row_t *row, void *baton)
{
    apr_hash_t *uids = baton;
    apr_pool_t *pool = apr_hash_pool_get(uids);

    if (um_row_text(row, 1) != NULL) {
        apr_hash_set(uids, apr_pstrdup(pool, um_row_text(row, 0)), APR_HASH_KEY_STRING,
                     apr_pstrdup(pool, um_row_text(row, 1)));
    }
}

apr_status_t um_store_users_find_by_keys(apr_hash_t **uids, um_db_t *db, apr_int64_t org_id,
                                         const char *const *keys, int count, apr_pool_t *pool)
{
    um_buffer_t json;

    *uids = apr_hash_make(pool);
    um_buffer_init(&json, 64 + 32 * (apr_size_t)count, pool);
    um_json_put_strings(&json, keys, count);
    return um_db_select(db, take_uid_of_key, *uids,
                        UM_BIND(users_of_emails, .org_id = org_id, .email_keys = json.data),
                        pool);
}

static apr_status_t get_by_name_key(um_user_t **user, um_db_t *db, apr_int64_t org_id,
                                    const char *key, apr_pool_t *pool)
{
    return get_user(user, db, UM_BIND(user_get_by_user_name, .org_id = org_id, .name_key = key),
                    UM_BIND(user_get_by_email_older, .org_id = org_id, .email_key = key), pool);
}

apr_status_t um_store_users_get_by_user_name(um_user_t **user, um_db_t *db, apr_int64_t org_id,
                                             const char *user_name, apr_pool_t *pool)
{
    return get_by_name_key(user, db, org_id, um_address_identity_key(user_name, pool), pool);
}

/* The address may move to another user before the user is locked. Then the new owner is locked,
 * with at most this many attempts. */
#define LOCK_ATTEMPTS_MAX 8

/* UM_ECONFLICT if the address moved to another user while this one waited for the lock. */
static apr_status_t lock_by_email_once(um_user_t **user, um_db_t *db, apr_int64_t org_id,
                                       const char *email, apr_pool_t *pool)
{
    um_user_t *found = NULL;
    const char *key = um_address_key(email, pool);
    int locked = 0;
    apr_status_t status;

    if (key == NULL) {
        return UM_ENOTFOUND;
    }
    status = um_db_exists(&locked, db,
                          UM_BIND(user_lock_by_email, .org_id = org_id, .email_key = key), pool);
    if (status == APR_SUCCESS) {
        status = um_store_users_get_by_email(&found, db, org_id, email, pool);
    }
    if (status == APR_SUCCESS && !locked) {
        return UM_ECONFLICT;
    }
    if (status == APR_SUCCESS) {
        *user = found;
    }
    return status;
}

apr_status_t um_store_users_lock_by_email(um_user_t **user, um_db_t *db, apr_int64_t org_id,
                                          const char *email, apr_pool_t *pool)
{
    apr_status_t status = UM_ECONFLICT;

    if (!needs_locks(db)) {
        return um_store_users_get_by_email(user, db, org_id, email, pool);
    }
    for (int try = 1; status == UM_ECONFLICT && try <= LOCK_ATTEMPTS_MAX; try++) {
        status = lock_by_email_once(user, db, org_id, email, pool);
    }
    return status == UM_ECONFLICT ? UM_EUNAVAILABLE : status;
}

apr_status_t um_store_users_make_keys(um_user_keys_t *keys, const um_user_t *user,
                                      apr_pool_t *pool)
{
    const char *key = um_address_key(user->email, pool);

    if (key == NULL) {
        return UM_EINVALID;
    }
    keys->email_key = key;
    keys->display_name_folded = um_text_fold_name(user->display_name, pool);
    keys->name_key = user->user_name != NULL ? um_address_identity_key(user->user_name, pool)
                                             : key;
    keys->is_named = strcmp(keys->name_key, key) != 0;
    return APR_SUCCESS;
}

/* A name that is the email is stored as none. */
static const char *stored_name(const um_user_t *user, const um_user_keys_t *keys)
{
    return keys->is_named ? user->user_name : NULL;
}

static const char *stored_name_key(const um_user_keys_t *keys)
{
    return keys->is_named ? keys->name_key : NULL;
}

/* Does the user fit into a database of version 3? */
static int fits_older(const um_user_t *user, const um_user_keys_t *keys)
{
    return !keys->is_named && user->external_id == NULL && user->scim == NULL;
}

static apr_status_t insert_older(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                 const um_user_keys_t *keys, apr_pool_t *pool)
{
    return um_db_query_one(db, UM_ECONFLICT,
                           UM_BIND(user_insert_older, .org_id = org_id, .user_uid = user->uid,
                                   .email = user->email, .email_key = keys->email_key,
                                   .display_name = user->display_name,
                                   .display_name_folded = keys->display_name_folded,
                                   .phone = user->phone, .attributes = user->attributes,
                                   .active = !user->is_suspended, .created_at = user->created_at,
                                   .updated_at = user->updated_at),
                           pool);
}

apr_status_t um_store_users_insert_with_keys(um_db_t *db, apr_int64_t org_id,
                                             const um_user_t *user, const um_user_keys_t *keys,
                                             apr_pool_t *pool)
{
    int has_columns = 0;
    apr_status_t status = check_columns(&has_columns, db, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    if (!has_columns && fits_older(user, keys)) {
        return insert_older(db, org_id, user, keys, pool);
    }
    return um_db_query_one(db, UM_ECONFLICT,
                           UM_BIND(user_insert, .org_id = org_id, .user_uid = user->uid,
                                   .email = user->email, .email_key = keys->email_key,
                                   .display_name = user->display_name,
                                   .display_name_folded = keys->display_name_folded,
                                   .phone = user->phone, .attributes = user->attributes,
                                   .active = !user->is_suspended, .created_at = user->created_at,
                                   .updated_at = user->updated_at,
                                   .user_name = stored_name(user, keys),
                                   .user_name_key = stored_name_key(keys),
                                   .external_id = user->external_id, .scim = user->scim),
                           pool);
}

apr_status_t um_store_users_insert(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                   apr_pool_t *pool)
{
    um_user_keys_t keys;
    apr_status_t status = um_store_users_make_keys(&keys, user, pool);

    return status == APR_SUCCESS ? um_store_users_insert_with_keys(db, org_id, user, &keys, pool)
                                 : status;
}

/* How many of the users that follow are in the counts already. */
static apr_status_t set_counted(um_db_t *db, int user_count, apr_pool_t *pool)
{
    return um_db_query(db, NULL, UM_BIND(users_counted, .user_count = user_count), pool);
}

/* Count users that are made next, which the trigger would do one by one. */
static apr_status_t count_ahead(um_db_t *db, apr_int64_t org_id, int user_count, apr_pool_t *pool)
{
    apr_status_t status = um_db_query(db, NULL,
                                      UM_BIND(users_count, .org_id = org_id,
                                              .user_count = user_count),
                                      pool);

    um_db_set_leaves_trace(db, 1);
    return status == APR_SUCCESS ? set_counted(db, user_count, pool) : status;
}

/* All of them were made, or this part of the transaction is undone. Then the next users are not
 * counted yet. */
static apr_status_t end_count(um_db_t *db, int undo, apr_pool_t *pool)
{
    apr_status_t status = undo ? set_counted(db, 0, pool) : APR_SUCCESS;

    if (status == APR_SUCCESS) {
        um_db_set_leaves_trace(db, 0);
    }
    return status;
}

/* count_org_id is the organization to count the users in before, where no trigger can count them
 * at once; 0 if the trigger always counts each. */
static apr_status_t insert_or_undo(um_db_t *db, const um_bind_rows_t *rows,
                                   apr_int64_t count_org_id, apr_pool_t *pool)
{
    int counts = count_org_id != 0 && um_db_traits(db)->counts_rows;
    int affected = 0;
    apr_status_t status = um_db_begin_part(db);

    if (status == APR_SUCCESS && counts) {
        status = count_ahead(db, count_org_id, rows->count, pool);
    }
    if (status == APR_SUCCESS) {
        status = um_db_query_rows(db, &affected, rows, pool);
    }
    if (status == APR_SUCCESS && counts) {
        status = end_count(db, affected != rows->count, pool);
    }
    if (status == APR_SUCCESS) {
        status = um_db_end_part(db, affected != rows->count);
    }
    return status == APR_SUCCESS && affected != rows->count ? UM_ECONFLICT : status;
}

static apr_status_t insert_all(um_db_t *db, apr_int64_t org_id, const um_user_t *const *users,
                               const um_user_keys_t *const *keys, int count, apr_pool_t *pool)
{
    struct um_bind_users_insert *rows = apr_palloc(pool, sizeof(*rows) * (apr_size_t)count);

    for (int i = 0; i < count; i++) {
        const um_user_t *user = users[i];

        rows[i] = (struct um_bind_users_insert){
            .org_id = org_id,
            .user_uid = user->uid,
            .email = user->email,
            .email_key = keys[i]->email_key,
            .display_name = user->display_name,
            .display_name_folded = keys[i]->display_name_folded,
            .phone = user->phone,
            .attributes = user->attributes,
            .active = !user->is_suspended,
            .created_at = user->created_at,
            .updated_at = user->updated_at,
            .user_name = stored_name(user, keys[i]),
            .user_name_key = stored_name_key(keys[i]),
            .external_id = user->external_id,
            .scim = user->scim,
        };
    }
    return insert_or_undo(db, UM_BIND_ROWS(users_insert, rows, count), org_id, pool);
}

static apr_status_t insert_all_older(um_db_t *db, apr_int64_t org_id,
                                     const um_user_t *const *users,
                                     const um_user_keys_t *const *keys, int count,
                                     apr_pool_t *pool)
{
    struct um_bind_users_insert_older *rows = apr_palloc(pool, sizeof(*rows) * (apr_size_t)count);

    for (int i = 0; i < count; i++) {
        const um_user_t *user = users[i];

        rows[i] = (struct um_bind_users_insert_older){
            .org_id = org_id,
            .user_uid = user->uid,
            .email = user->email,
            .email_key = keys[i]->email_key,
            .display_name = user->display_name,
            .display_name_folded = keys[i]->display_name_folded,
            .phone = user->phone,
            .attributes = user->attributes,
            .active = !user->is_suspended,
            .created_at = user->created_at,
            .updated_at = user->updated_at,
        };
    }
    return insert_or_undo(db, UM_BIND_ROWS(users_insert_older, rows, count), 0, pool);
}

apr_status_t um_store_users_insert_all(um_db_t *db, apr_int64_t org_id,
                                       const um_user_t *const *users,
                                       const um_user_keys_t *const *keys, int count,
                                       apr_pool_t *pool)
{
    int fit = 1;
    int has_columns = 0;
    apr_status_t status = check_columns(&has_columns, db, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    for (int i = 0; i < count; i++) {
        fit = fit && fits_older(users[i], keys[i]);
    }
    return !has_columns && fit ? insert_all_older(db, org_id, users, keys, count, pool)
                               : insert_all(db, org_id, users, keys, count, pool);
}

/* Does the database make a change and its event by one statement? */
static apr_status_t check_at_once(int *is_at_once, um_db_t *db, apr_pool_t *pool)
{
    *is_at_once = um_db_traits(db)->changes_in_ctes;
    return *is_at_once ? check_columns(is_at_once, db, pool) : APR_SUCCESS;
}

/* What the statement needs besides the user and the event. */
static apr_status_t prepare_at_once(um_user_keys_t *keys, um_witness_t *witness, um_db_t *db,
                                    apr_int64_t org_id, const um_user_t *user,
                                    const um_audit_event_t *event, apr_pool_t *pool)
{
    apr_status_t status = um_store_users_make_keys(keys, user, pool);

    return status == APR_SUCCESS ? um_store_audit_witness(witness, db, org_id, event) : status;
}

/* In one statement with the event. */
static apr_status_t create_at_once(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                   const um_audit_event_t *event, apr_pool_t *pool)
{
    um_user_keys_t keys;
    um_witness_t witness;
    apr_status_t status = prepare_at_once(&keys, &witness, db, org_id, user, event, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    return um_db_query_last(
        db, UM_ECONFLICT,
        UM_BIND(user_create, .org_id = org_id, .user_uid = user->uid, .email = user->email,
                .email_key = keys.email_key, .display_name = user->display_name,
                .display_name_folded = keys.display_name_folded, .phone = user->phone,
                .attributes = user->attributes, .active = !user->is_suspended,
                .created_at = user->created_at, .updated_at = user->updated_at,
                .user_name = stored_name(user, &keys), .user_name_key = stored_name_key(&keys),
                .external_id = user->external_id, .scim = user->scim, .event_uid = witness.uid,
                .actor_identity = event->actor_identity,
                .actor_key = um_address_identity_key(event->actor_identity, pool),
                .actor_uid = event->actor_uid, .actor_role = event->actor_role,
                .remote_addr = event->remote_addr, .action = event->action,
                .after_json = event->after, .request_id = event->request_id,
                .trace_id = event->trace_id),
        keys.email_key, pool);
}

apr_status_t um_store_users_create(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                   const um_audit_event_t *event, apr_pool_t *pool)
{
    int is_at_once = 0;
    apr_status_t status = check_at_once(&is_at_once, db, pool);

    if (status == APR_SUCCESS && is_at_once) {
        return create_at_once(db, org_id, user, event, pool);
    }
    if (status == APR_SUCCESS) {
        status = um_store_users_insert(db, org_id, user, pool);
    }
    return status == APR_SUCCESS ? um_store_audit_insert(db, org_id, event, pool) : status;
}

static apr_status_t update_older(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                 const um_user_keys_t *keys, apr_pool_t *pool)
{
    return um_db_query_one(db, UM_ECONFLICT,
                           UM_BIND(user_update_older, .org_id = org_id, .user_uid = user->uid,
                                   .email = user->email, .email_key = keys->email_key,
                                   .display_name = user->display_name,
                                   .display_name_folded = keys->display_name_folded,
                                   .phone = user->phone, .attributes = user->attributes,
                                   .active = !user->is_suspended, .updated_at = user->updated_at,
                                   .version = user->version),
                           pool);
}

int um_store_users_same_but_profile(const um_user_t *user, const um_user_t *stored)
{
    return um_text_same(user->email, stored->email) && user->is_suspended == stored->is_suspended
           && um_text_same(user->user_name, stored->user_name)
           && um_text_same(user->external_id, stored->external_id)
           && um_text_same(user->scim, stored->scim);
}

static int same_but_attributes(const um_user_t *user, const um_user_t *stored)
{
    return um_store_users_same_but_profile(user, stored)
           && um_text_same(user->display_name, stored->display_name)
           && um_text_same(user->phone, stored->phone);
}

static apr_status_t update_attributes(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                      apr_pool_t *pool)
{
    return um_db_query_one(db, UM_ECONFLICT,
                           UM_BIND(user_update_attributes, .org_id = org_id,
                                   .user_uid = user->uid, .attributes = user->attributes,
                                   .updated_at = user->updated_at, .version = user->version),
                           pool);
}

apr_status_t um_store_users_update(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                   const um_user_t *stored, apr_pool_t *pool)
{
    um_user_keys_t keys;
    apr_status_t status;

    if (stored != NULL && same_but_attributes(user, stored)) {
        return update_attributes(db, org_id, user, pool);
    }
    status = um_store_users_make_keys(&keys, user, pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    if (user->is_partial) {
        return fits_older(user, &keys) ? update_older(db, org_id, user, &keys, pool) : UM_ESCHEMA;
    }
    return um_db_query_one(db, UM_ECONFLICT,
                           UM_BIND(user_update, .org_id = org_id, .user_uid = user->uid,
                                   .email = user->email, .email_key = keys.email_key,
                                   .display_name = user->display_name,
                                   .display_name_folded = keys.display_name_folded,
                                   .phone = user->phone, .attributes = user->attributes,
                                   .active = !user->is_suspended, .updated_at = user->updated_at,
                                   .version = user->version,
                                   .user_name = stored_name(user, &keys),
                                   .user_name_key = stored_name_key(&keys),
                                   .external_id = user->external_id, .scim = user->scim,
                                   .name_key = keys.name_key),
                           pool);
}

static apr_status_t update_at_once(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                   const um_audit_event_t *event, apr_pool_t *pool)
{
    um_user_keys_t keys;
    um_witness_t witness;
    apr_status_t status = prepare_at_once(&keys, &witness, db, org_id, user, event, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    return um_db_query_last(
        db, UM_ECONFLICT,
        UM_BIND(user_change, .org_id = org_id, .user_uid = user->uid, .email_key = keys.email_key,
                .version = user->version, .display_name = user->display_name,
                .display_name_folded = keys.display_name_folded, .phone = user->phone,
                .attributes = user->attributes, .updated_at = user->updated_at,
                .event_uid = witness.uid, .at = apr_time_as_msec(event->at),
                .actor_identity = event->actor_identity,
                .actor_key = um_address_identity_key(event->actor_identity, pool),
                .actor_uid = event->actor_uid, .actor_role = event->actor_role,
                .remote_addr = event->remote_addr, .action = event->action,
                .before_json = event->before, .after_json = event->after,
                .request_id = event->request_id, .trace_id = event->trace_id),
        user->uid, pool);
}

apr_status_t um_store_users_change(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                   const um_user_t *stored, const um_audit_event_t *event,
                                   apr_pool_t *pool)
{
    int is_at_once = 0;
    apr_status_t status = APR_SUCCESS;

    /* The statement leaves out users that are locked. Whoever has locked one has the turn of the
     * address that it had before the lock, which another may have got since. */
    if (um_store_users_same_but_profile(user, stored) && um_db_is_first(db)) {
        status = check_at_once(&is_at_once, db, pool);
    }
    if (status == APR_SUCCESS && is_at_once) {
        return update_at_once(db, org_id, user, event, pool);
    }
    if (status == APR_SUCCESS) {
        status = um_store_users_update(db, org_id, user, stored, pool);
    }
    return status == APR_SUCCESS ? um_store_audit_insert(db, org_id, event, pool) : status;
}

/* Was another user found? */
static apr_status_t note_other(int *is_other, apr_status_t status, const um_user_t *found,
                               const um_user_t *user)
{
    *is_other = status == APR_SUCCESS && strcmp(found->uid, user->uid) != 0;
    return status == UM_ENOTFOUND ? APR_SUCCESS : status;
}

apr_status_t um_store_users_find_taken(um_user_taken_t *taken, um_db_t *db, apr_int64_t org_id,
                                       const um_user_t *user, apr_pool_t *pool)
{
    um_user_t *found = NULL;
    um_user_keys_t keys;
    const char *others_key;
    int is_other = 0;
    apr_status_t status = um_store_users_make_keys(&keys, user, pool);

    *taken = UM_TAKEN_NOTHING;
    if (status != APR_SUCCESS) {
        return status;
    }
    status = um_store_users_get_by_email(&found, db, org_id, user->email, pool);
    status = note_other(&is_other, status, found, user);
    if (status == APR_SUCCESS && is_other) {
        *taken = UM_TAKEN_EMAIL;
    } else if (status == APR_SUCCESS) {
        status = get_by_name_key(&found, db, org_id, keys.name_key, pool);
        status = note_other(&is_other, status, found, user);
        *taken = is_other ? UM_TAKEN_USER_NAME : UM_TAKEN_NOTHING;
    }
    if (status != APR_SUCCESS || *taken != UM_TAKEN_USER_NAME) {
        return status;
    }
    /* It may be a user with the address after all, one made since the first of these reads. */
    others_key = um_address_key(found->email, pool);
    if (others_key != NULL && strcmp(others_key, keys.email_key) == 0) {
        *taken = UM_TAKEN_EMAIL;
    }
    return APR_SUCCESS;
}

apr_status_t um_store_users_delete(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                   apr_int64_t now, apr_pool_t *pool)
{
    apr_status_t status = um_store_groups_touch_of_user(db, org_id, user->uid, now, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    return um_db_query_one(db, UM_ECONFLICT,
                           UM_BIND(user_delete, .org_id = org_id, .user_uid = user->uid,
                                   .version = user->version),
                           pool);
}

static void take_is_suspended(const um_row_t *row, void *baton)
{
    int *is_suspended = baton;

    *is_suspended = um_row_int(row, 0) == 0;
}

apr_status_t um_store_users_is_suspended(int *is_suspended, um_db_t *db, apr_int64_t org_id,
                                         const char *email_key, apr_pool_t *pool)
{
    *is_suspended = 0;
    return um_db_select(db, take_is_suspended, is_suspended,
                        UM_BIND(user_active_by_email, .org_id = org_id, .email_key = email_key),
                        pool);
}

void um_store_sub_admins_read(um_sub_admin_t *sub_admin, const um_row_t *row)
{
    um_store_users_read(&sub_admin->user, row);
    sub_admin->added_by = um_row_text(row, USER_COLUMN_COUNT);
    sub_admin->created_at = um_row_int(row, USER_COLUMN_COUNT + 1);
}

static void take_sub_admin(const um_row_t *row, void *baton)
{
    um_get_t *get = baton;
    um_sub_admin_t *sub_admin = apr_palloc(get->pool, sizeof(*sub_admin));

    um_store_sub_admins_read(sub_admin, row);
    sub_admin->user.is_partial = !get->has_columns;
    sub_admin->user = *um_store_users_copy(&sub_admin->user, get->pool);
    sub_admin->added_by = apr_pstrdup(get->pool, sub_admin->added_by);
    *get->sub_admin = sub_admin;
}

apr_status_t um_store_sub_admins_get(um_sub_admin_t **sub_admin, um_db_t *db, apr_int64_t org_id,
                                     const char *uid, apr_pool_t *pool)
{
    um_get_t get = { .sub_admin = sub_admin, .pool = pool };
    apr_status_t status = check_columns(&get.has_columns, db, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    return um_db_select_found(db, take_sub_admin, &get,
                              get.has_columns
                                  ? UM_BIND(sub_admin_get, .org_id = org_id, .user_uid = uid)
                                  : UM_BIND(sub_admin_get_older, .org_id = org_id,
                                            .user_uid = uid),
                              pool);
}

/* Write the row of the user, because its role changes. A cluster whose nodes do not know each
 * other's locks finds a conflict of two changes only if both write the same row. The group of the
 * sub-admins has another member now. */
static apr_status_t touch_user(um_db_t *db, apr_int64_t org_id, const char *uid, apr_int64_t now,
                               apr_pool_t *pool)
{
    apr_status_t status = um_db_query(db, NULL,
                                      UM_BIND(user_touch, .org_id = org_id, .user_uid = uid),
                                      pool);

    if (status == APR_SUCCESS) {
        status = um_store_groups_touch(db, org_id, UM_GROUP_SUB_ADMINS, now, pool);
    }
    return status;
}

apr_status_t um_store_sub_admins_insert(um_db_t *db, apr_int64_t org_id, const char *uid,
                                        const char *added_by, apr_int64_t now, apr_pool_t *pool)
{
    apr_status_t status;

    status = um_db_query_one(db, UM_ECONFLICT,
                             UM_BIND(sub_admin_insert, .org_id = org_id, .user_uid = uid,
                                     .added_by = added_by, .created_at = now),
                             pool);
    return status == APR_SUCCESS ? touch_user(db, org_id, uid, now, pool) : status;
}

apr_status_t um_store_sub_admins_delete(um_db_t *db, apr_int64_t org_id, const char *uid,
                                        apr_int64_t now, apr_pool_t *pool)
{
    apr_status_t status = um_db_query_one(db, UM_ENOTFOUND,
                                          UM_BIND(sub_admin_delete, .org_id = org_id,
                                                  .user_uid = uid),
                                          pool);

    return status == APR_SUCCESS ? touch_user(db, org_id, uid, now, pool) : status;
}

apr_status_t um_store_sub_admins_lock(int *is_sub_admin, um_db_t *db, apr_int64_t org_id,
                                      const char *identity_key, apr_pool_t *pool)
{
    return um_db_exists(is_sub_admin, db,
                        UM_BIND(sub_admin_lock, .org_id = org_id, .email_key = identity_key),
                        pool);
}
