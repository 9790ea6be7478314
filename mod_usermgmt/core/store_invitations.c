/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file store_invitations.c Invitations in the database, see store_invitations.h. */

#include "store_invitations.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/address.h"
#include "../base/digest.h"
#include "../db/statements.h"

/* The column after those of an invitation. */
#define SECRET_COLUMN 10

typedef struct um_invitation_get_t {
    um_invitation_t *invitation;
    /* The digest that must match; NULL if the invitation is found by its token. */
    const char *secret_sha256;
    apr_pool_t *pool;
} um_invitation_get_t;

void um_store_invitations_read(um_invitation_t *invitation, const um_row_t *row)
{
    invitation->token = um_row_text(row, 0);
    invitation->email = um_row_text(row, 1);
    invitation->status = um_invitation_status_of_name(um_row_text(row, 2));
    invitation->platform_link = um_row_text_or_null(row, 3);
    invitation->inviter_uid = um_row_text_or_null(row, 4);
    invitation->inviter_email = um_row_text(row, 5);
    invitation->inviter_display_name = um_row_text_or_null(row, 6);
    invitation->created_at = um_row_int(row, 7);
    invitation->expires_at = um_row_int(row, 8);
    invitation->accepted_at = um_row_int(row, 9);
}

static um_invitation_t *copy_invitation(const um_invitation_t *invitation, apr_pool_t *pool)
{
    um_invitation_t *copy = apr_pmemdup(pool, invitation, sizeof(*invitation));

    copy->token = apr_pstrdup(pool, invitation->token);
    copy->email = apr_pstrdup(pool, invitation->email);
    copy->platform_link = apr_pstrdup(pool, invitation->platform_link);
    copy->inviter_uid = apr_pstrdup(pool, invitation->inviter_uid);
    copy->inviter_email = apr_pstrdup(pool, invitation->inviter_email);
    copy->inviter_display_name = apr_pstrdup(pool, invitation->inviter_display_name);
    return copy;
}

static void take_invitation(const um_row_t *row, void *baton)
{
    um_invitation_get_t *get = baton;
    um_invitation_t invitation;

    if (get->secret_sha256 == NULL
        || um_digest_equal(um_row_text(row, SECRET_COLUMN), get->secret_sha256)) {
        um_store_invitations_read(&invitation, row);
        get->invitation = copy_invitation(&invitation, get->pool);
    }
}

static apr_status_t get_invitation(um_invitation_t **invitation, um_db_t *db,
                                   um_invitation_get_t *get, const um_bind_t *bind,
                                   apr_pool_t *pool)
{
    apr_status_t status = um_db_select(db, take_invitation, get, bind, pool);

    if (status == APR_SUCCESS && get->invitation == NULL) {
        status = UM_ENOTFOUND;
    }
    if (status == APR_SUCCESS) {
        *invitation = get->invitation;
    }
    return status;
}

apr_status_t um_store_invitations_get(um_invitation_t **invitation, um_db_t *db,
                                      apr_int64_t org_id, const char *invite_token,
                                      apr_pool_t *pool)
{
    um_invitation_get_t get = { NULL, NULL, pool };

    return get_invitation(invitation, db, &get,
                          UM_BIND(invitation_get, .org_id = org_id, .invite_token = invite_token),
                          pool);
}

apr_status_t um_store_invitations_look(um_invitation_t **invitation, um_db_t *db,
                                       apr_int64_t org_id, const char *invite_token,
                                       apr_pool_t *pool)
{
    um_invitation_get_t get = { NULL, NULL, pool };

    return get_invitation(invitation, db, &get,
                          UM_BIND(invitation_look, .org_id = org_id,
                                  .invite_token = invite_token),
                          pool);
}

apr_status_t um_store_invitations_get_pending(um_invitation_t **invitation, um_db_t *db,
                                              apr_int64_t org_id, const char *email,
                                              apr_pool_t *pool)
{
    um_invitation_get_t get = { NULL, NULL, pool };
    const char *key = um_address_key(email, pool);

    return key != NULL ? get_invitation(invitation, db, &get,
                                        UM_BIND(invitation_get_pending, .org_id = org_id,
                                                .email_key = key),
                                        pool)
                       : UM_ENOTFOUND;
}

static apr_status_t digest_secret(char hex[UM_SHA256_HEX_LENGTH + 1], const char *secret)
{
    um_digest_part_t part = { secret, strlen(secret) };

    return um_digest_sha256(hex, &part, 1);
}

/* Lock the invitation before its secret, as a change that gives it another secret does. In
 * another order, two changes could wait for each other. UM_ENOTFOUND if there is none. */
static apr_status_t lock_by_secret(um_db_t *db, apr_int64_t org_id, const char *secret_sha256,
                                   apr_pool_t *pool)
{
    um_first_text_t token = { NULL, pool };
    um_invitation_t *invitation = NULL;
    apr_status_t status = um_db_select(db, um_row_take_first_text, &token,
                                       UM_BIND(invitation_find, .org_id = org_id,
                                               .secret_sha256 = secret_sha256),
                                       pool);

    if (status == APR_SUCCESS && token.text == NULL) {
        return UM_ENOTFOUND;
    }
    return status == APR_SUCCESS
               ? um_store_invitations_get(&invitation, db, org_id, token.text, pool)
               : status;
}

apr_status_t um_store_invitations_get_by_secret(um_invitation_t **invitation, um_db_t *db,
                                                apr_int64_t org_id, const char *secret,
                                                apr_pool_t *pool)
{
    char hex[UM_SHA256_HEX_LENGTH + 1];
    um_invitation_get_t get = { NULL, hex, pool };
    apr_status_t status = digest_secret(hex, secret);

    if (status == APR_SUCCESS) {
        status = lock_by_secret(db, org_id, hex, pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    return get_invitation(invitation, db, &get,
                          UM_BIND(invitation_get_by_secret, .org_id = org_id,
                                  .secret_sha256 = hex),
                          pool);
}

/* What is past its time must not stand in the way of a new one. */
static apr_status_t expire(um_db_t *db, apr_int64_t org_id, const char *email_key,
                           apr_int64_t now, apr_pool_t *pool)
{
    return um_db_query(db, NULL,
                       UM_BIND(invitation_expire, .org_id = org_id, .email_key = email_key,
                               .now = now),
                       pool);
}

static apr_status_t delete_secrets(um_db_t *db, apr_int64_t org_id, const char *invite_token,
                                   apr_pool_t *pool)
{
    return um_db_query(db, NULL,
                       UM_BIND(invitation_secrets_delete, .org_id = org_id,
                               .invite_token = invite_token),
                       pool);
}

apr_status_t um_store_invitations_insert(um_db_t *db, apr_int64_t org_id,
                                         const um_invitation_t *invitation, apr_pool_t *pool)
{
    const char *email_key = um_address_key(invitation->email, pool);
    apr_status_t status = email_key != NULL
                              ? expire(db, org_id, email_key, invitation->created_at, pool)
                              : UM_EINVALID;

    if (status != APR_SUCCESS) {
        return status;
    }
    return um_db_query_one(
        db, UM_ECONFLICT,
        UM_BIND(invitation_insert, .org_id = org_id, .invite_token = invitation->token,
                .email = invitation->email, .email_key = email_key,
                .platform_link = invitation->platform_link,
                .inviter_uid = invitation->inviter_uid != NULL ? invitation->inviter_uid : "",
                .inviter_email = invitation->inviter_email,
                .inviter_display_name = invitation->inviter_display_name,
                .created_at = invitation->created_at, .expires_at = invitation->expires_at),
        pool);
}

apr_status_t um_store_invitations_renew(um_db_t *db, apr_int64_t org_id,
                                        const um_invitation_t *invitation, apr_int64_t expires_at,
                                        apr_int64_t now, apr_pool_t *pool)
{
    const char *email_key = um_address_key(invitation->email, pool);
    apr_status_t status = email_key != NULL ? expire(db, org_id, email_key, now, pool)
                                            : UM_EINVALID;

    if (status == APR_SUCCESS) {
        status = um_db_query_one(db, UM_ECONFLICT,
                                 UM_BIND(invitation_renew, .org_id = org_id,
                                         .invite_token = invitation->token,
                                         .email_key = email_key,
                                         .platform_link = invitation->platform_link,
                                         .expires_at = expires_at),
                                 pool);
    }
    return status == APR_SUCCESS ? delete_secrets(db, org_id, invitation->token, pool) : status;
}

apr_status_t um_store_invitations_revoke(um_db_t *db, apr_int64_t org_id,
                                         const char *invite_token, apr_pool_t *pool)
{
    apr_status_t status = um_db_query_one(db, UM_ECONFLICT,
                                          UM_BIND(invitation_revoke, .org_id = org_id,
                                                  .invite_token = invite_token),
                                          pool);

    return status == APR_SUCCESS ? delete_secrets(db, org_id, invite_token, pool) : status;
}

apr_status_t um_store_invitations_accept(um_db_t *db, apr_int64_t org_id,
                                         const char *invite_token, apr_int64_t now,
                                         apr_pool_t *pool)
{
    apr_status_t status = um_db_query_one(db, UM_ECONFLICT,
                                          UM_BIND(invitation_accept, .org_id = org_id,
                                                  .invite_token = invite_token, .now = now),
                                          pool);

    return status == APR_SUCCESS ? delete_secrets(db, org_id, invite_token, pool) : status;
}

apr_status_t um_store_invitations_add_secret(um_db_t *db, apr_int64_t org_id,
                                             const char *invite_token, const char *secret,
                                             apr_int64_t now, apr_pool_t *pool)
{
    char hex[UM_SHA256_HEX_LENGTH + 1];
    apr_status_t status = digest_secret(hex, secret);

    if (status != APR_SUCCESS) {
        return status;
    }
    return um_db_query(db, NULL,
                       UM_BIND(invitation_secret_insert, .org_id = org_id, .secret_sha256 = hex,
                               .invite_token = invite_token, .created_at = now),
                       pool);
}
