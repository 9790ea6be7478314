/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_STORE_INVITATIONS_H
#define UM_CORE_STORE_INVITATIONS_H

/**
 * @file store_invitations.h
 * Invitations in the database. The parameter now is in milliseconds since 1970.
 * store.h says what all these functions have in common.
 */

#include "../db/db.h"
#include "invitation.h"

/** Read a row of um_list_invitations; the texts stay the row's. */
void um_store_invitations_read(um_invitation_t *invitation, const um_row_t *row);
/** Read an invitation, and lock it for the change. UM_ENOTFOUND if there is none. */
apr_status_t um_store_invitations_get(um_invitation_t **invitation, um_db_t *db,
                                      apr_int64_t org_id, const char *invite_token,
                                      apr_pool_t *pool);
/** Read an invitation without a lock. UM_ENOTFOUND if there is none. */
apr_status_t um_store_invitations_look(um_invitation_t **invitation, um_db_t *db,
                                       apr_int64_t org_id, const char *invite_token,
                                       apr_pool_t *pool);
/** The same for the pending invitation of an address, which may have expired by now.
 *  UM_ENOTFOUND if there is none. */
apr_status_t um_store_invitations_get_pending(um_invitation_t **invitation, um_db_t *db,
                                              apr_int64_t org_id, const char *email,
                                              apr_pool_t *pool);
/** Like um_store_invitations_get(), by one of its secrets. UM_ENOTFOUND if none has this secret.
 */
apr_status_t um_store_invitations_get_by_secret(um_invitation_t **invitation, um_db_t *db,
                                                apr_int64_t org_id, const char *secret,
                                                apr_pool_t *pool);
/** Insert a pending invitation, made at created_at. UM_ECONFLICT if another one for the
 *  address is pending and not expired. */
apr_status_t um_store_invitations_insert(um_db_t *db, apr_int64_t org_id,
                                         const um_invitation_t *invitation, apr_pool_t *pool);
/** Make a pending or expired invitation pending until expires_at, with its platform_link, and
 *  delete its secrets.
 *  UM_ECONFLICT if it is neither, or if another one is pending for the address. */
apr_status_t um_store_invitations_renew(um_db_t *db, apr_int64_t org_id,
                                        const um_invitation_t *invitation, apr_int64_t expires_at,
                                        apr_int64_t now, apr_pool_t *pool);
/** Revoke a pending or expired invitation. UM_ECONFLICT if it is neither. */
apr_status_t um_store_invitations_revoke(um_db_t *db, apr_int64_t org_id,
                                         const char *invite_token, apr_pool_t *pool);
/** Accept a pending invitation that is not expired. UM_ECONFLICT if it is not. */
apr_status_t um_store_invitations_accept(um_db_t *db, apr_int64_t org_id,
                                         const char *invite_token, apr_int64_t now,
                                         apr_pool_t *pool);
/** Give an invitation one more secret, see um_invitation_make_secret(). The database stores
 *  only its SHA-256. */
apr_status_t um_store_invitations_add_secret(um_db_t *db, apr_int64_t org_id,
                                             const char *invite_token, const char *secret,
                                             apr_int64_t now, apr_pool_t *pool);

#endif
