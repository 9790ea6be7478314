/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file store_users.c Users in the database, see store.h. */

#include "store.h"

#include <apr_strings.h>

#include "../base/address.h"
#include "../base/text.h"

/* The first column behind those of a user. */
#define USER_COLUMN_COUNT 10

void um_store_users_read(um_user_t *user, const um_row_t *row)
{
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
    user->version = um_row_int(row, 7);
    user->attributes = um_row_text(row, 8);
    user->is_suspended = um_row_int(row, 9) == 0;
}

typedef struct um_get_t {
    um_user_t *user;
    um_sub_admin_t *sub_admin;
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
    return copy;
}

static void take_user(const um_row_t *row, void *baton)
{
    um_get_t *get = baton;
    um_user_t user;

    um_store_users_read(&user, row);
    get->user = um_store_users_copy(&user, get->pool);
}

static apr_status_t get_user(um_user_t **user, um_db_t *db, um_statement_id_t id,
                             apr_int64_t org_id, const char *key, apr_pool_t *pool)
{
    um_get_t get = { NULL, NULL, pool };
    apr_status_t status = um_db_select(db, take_user, &get, id,
                                       UM_PARAMETERS(um_db_int(org_id, pool), key), pool);

    if (status == APR_SUCCESS && get.user == NULL) {
        status = UM_ENOTFOUND;
    }
    if (status == APR_SUCCESS) {
        *user = get.user;
    }
    return status;
}

apr_status_t um_store_users_get(um_user_t **user, um_db_t *db, apr_int64_t org_id,
                                const char *uid, apr_pool_t *pool)
{
    return get_user(user, db, UM_STMT_USER_GET, org_id, uid, pool);
}

/* One writer at a time needs no locks. */
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
        status = um_db_exists(&exists, db, UM_STMT_USER_LOCK,
                              UM_PARAMETERS(um_db_int(org_id, pool), uid), pool);
    }
    if (status == APR_SUCCESS && !exists) {
        status = UM_ENOTFOUND;
    }
    return status == APR_SUCCESS ? um_store_users_get(user, db, org_id, uid, pool) : status;
}

apr_status_t um_store_users_get_by_email(um_user_t **user, um_db_t *db, apr_int64_t org_id,
                                         const char *email, apr_pool_t *pool)
{
    const char *key = um_address_key(email, pool);

    return key != NULL ? get_user(user, db, UM_STMT_USER_GET_BY_EMAIL, org_id, key, pool)
                       : UM_ENOTFOUND;
}

/* Tries to lock the user of an address that passes from user to user meanwhile. */
#define LOCK_TRIES 8

/* UM_ECONFLICT where the address has passed to another user while the lock was waited for. */
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
    status = um_db_exists(&locked, db, UM_STMT_USER_LOCK_BY_EMAIL,
                          UM_PARAMETERS(um_db_int(org_id, pool), key), pool);
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
    for (int try = 1; status == UM_ECONFLICT && try <= LOCK_TRIES; try++) {
        status = lock_by_email_once(user, db, org_id, email, pool);
    }
    return status == UM_ECONFLICT ? UM_EUNAVAILABLE : status;
}

apr_status_t um_store_users_insert(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                   apr_pool_t *pool)
{
    const char *key = um_address_key(user->email, pool);

    if (key == NULL) {
        return UM_EINVALID;
    }
    return um_db_query_one(db, UM_ECONFLICT, UM_STMT_USER_INSERT,
                           UM_PARAMETERS(um_db_int(org_id, pool), user->uid, user->email, key,
                                         user->display_name,
                                         um_text_fold_name(user->display_name, pool), user->phone,
                                         user->attributes, um_db_int(!user->is_suspended, pool),
                                         um_db_int(user->created_at, pool),
                                         um_db_int(user->updated_at, pool)),
                           pool);
}

apr_status_t um_store_users_update(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                   apr_pool_t *pool)
{
    const char *org = um_db_int(org_id, pool);
    const char *email_key = um_address_key(user->email, pool);

    if (email_key == NULL) {
        return UM_EINVALID;
    }
    return um_db_query_one(db, UM_ECONFLICT, UM_STMT_USER_UPDATE,
                           UM_PARAMETERS(user->email, email_key, user->display_name,
                                         um_text_fold_name(user->display_name, pool), user->phone,
                                         user->attributes, um_db_int(!user->is_suspended, pool),
                                         um_db_int(user->updated_at, pool), org, user->uid,
                                         um_db_int(user->version, pool), org, email_key,
                                         user->uid),
                           pool);
}

apr_status_t um_store_users_delete(um_db_t *db, apr_int64_t org_id, const um_user_t *user,
                                   apr_pool_t *pool)
{
    return um_db_query_one(db, UM_ECONFLICT, UM_STMT_USER_DELETE,
                           UM_PARAMETERS(um_db_int(org_id, pool), user->uid,
                                         um_db_int(user->version, pool)),
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
    return um_db_select(db, take_is_suspended, is_suspended, UM_STMT_USER_ACTIVE_BY_EMAIL,
                        UM_PARAMETERS(um_db_int(org_id, pool), email_key), pool);
}

apr_status_t um_store_users_is_admin(int *is_admin, um_db_t *db, apr_int64_t org_id,
                                     const char *email, apr_pool_t *pool)
{
    return um_db_exists(
        is_admin, db, UM_STMT_CALLER_HAS_ROLE,
        UM_PARAMETERS(um_db_int(org_id, pool), um_address_identity_key(email, pool)), pool);
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
    sub_admin->user = *um_store_users_copy(&sub_admin->user, get->pool);
    sub_admin->added_by = apr_pstrdup(get->pool, sub_admin->added_by);
    get->sub_admin = sub_admin;
}

apr_status_t um_store_sub_admins_get(um_sub_admin_t **sub_admin, um_db_t *db,
                                     apr_int64_t org_id, const char *uid, apr_pool_t *pool)
{
    um_get_t get = { NULL, NULL, pool };
    apr_status_t status = um_db_select(db, take_sub_admin, &get, UM_STMT_SUB_ADMIN_GET,
                                       UM_PARAMETERS(um_db_int(org_id, pool), uid), pool);

    if (status == APR_SUCCESS && get.sub_admin == NULL) {
        status = UM_ENOTFOUND;
    }
    if (status == APR_SUCCESS) {
        *sub_admin = get.sub_admin;
    }
    return status;
}

/* The row of the user is written whenever its role changes: a cluster whose nodes know
 * nothing of each other's locks finds out by that alone that two changes meet. */
static apr_status_t touch_user(um_db_t *db, const char *org, const char *uid, apr_pool_t *pool)
{
    return um_db_query(db, NULL, UM_STMT_USER_TOUCH, UM_PARAMETERS(org, uid), pool);
}

apr_status_t um_store_sub_admins_insert(um_db_t *db, apr_int64_t org_id, const char *uid,
                                        const char *added_by, apr_int64_t now, apr_pool_t *pool)
{
    const char *org = um_db_int(org_id, pool);
    apr_status_t status;

    status = um_db_query_one(db, UM_ECONFLICT, UM_STMT_SUB_ADMIN_INSERT,
                             UM_PARAMETERS(org, uid, added_by, um_db_int(now, pool)), pool);
    return status == APR_SUCCESS ? touch_user(db, org, uid, pool) : status;
}

apr_status_t um_store_sub_admins_delete(um_db_t *db, apr_int64_t org_id, const char *uid,
                                        apr_pool_t *pool)
{
    const char *org = um_db_int(org_id, pool);
    apr_status_t status = um_db_query_one(db, UM_ENOTFOUND, UM_STMT_SUB_ADMIN_DELETE,
                                          UM_PARAMETERS(org, uid), pool);

    return status == APR_SUCCESS ? touch_user(db, org, uid, pool) : status;
}

apr_status_t um_store_sub_admins_lock(int *is_sub_admin, um_db_t *db, apr_int64_t org_id,
                                      const char *identity_key, apr_pool_t *pool)
{
    return um_db_exists(is_sub_admin, db, UM_STMT_SUB_ADMIN_LOCK,
                        UM_PARAMETERS(um_db_int(org_id, pool), identity_key), pool);
}
