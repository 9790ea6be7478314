/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_STORE_API_KEYS_H
#define UM_CORE_STORE_API_KEYS_H

/**
 * @file store_api_keys.h
 * API keys in the database. Times are in milliseconds since 1970. Their table came with version
 * 3 of the schema: on an older one there are no keys, and functions that change or list them end
 * with UM_ESCHEMA.
 * store.h says what all these functions have in common.
 */

#include "../db/db.h"
#include "api_key.h"

/** Read a row of um_list_api_keys; the texts stay the row's. */
void um_store_api_keys_read(um_api_key_t *key, const um_row_t *row);
/** Read a key by its id, in whichever organization, with the organization's name and the digests
 *  of its secrets. UM_ENOTFOUND if there is none, also where the schema has no keys. */
apr_status_t um_store_api_keys_find(um_api_key_t **key, um_db_t *db, const char *key_id,
                                    apr_pool_t *pool);
/** The same inside a change that comes with the key: the key can't be changed until the change
 *  ends. It must be the first thing that the change reads. */
apr_status_t um_store_api_keys_keep(um_api_key_t **key, um_db_t *db, const char *key_id,
                                    apr_pool_t *pool);
/** Read a key of an organization, with the digests of its secrets, and lock it for the change.
 *  UM_ENOTFOUND if there is none. */
apr_status_t um_store_api_keys_get(um_api_key_t **key, um_db_t *db, apr_int64_t org_id,
                                   const char *key_id, apr_pool_t *pool);
/** Insert a key with key->secret_sha256. Members that say what happened to it later are not
 *  used. UM_ECONFLICT if there is a key with its id. */
apr_status_t um_store_api_keys_insert(um_db_t *db, apr_int64_t org_id, const um_api_key_t *key,
                                      apr_pool_t *pool);
/** Set the name, the role, the permissions and the networks of a key that is not revoked.
 *  UM_ECONFLICT if it is, or is gone. */
apr_status_t um_store_api_keys_update(um_db_t *db, apr_int64_t org_id, const um_api_key_t *key,
                                      apr_pool_t *pool);
/** Give a key that is not revoked the digests key->secret_sha256 and key->old_secret_sha256, and
 *  key->old_until; the latter two may be NULL and 0. UM_ECONFLICT if it is revoked, or gone. */
apr_status_t um_store_api_keys_rotate(um_db_t *db, apr_int64_t org_id, const um_api_key_t *key,
                                      apr_pool_t *pool);
/** Revoke a key. UM_ECONFLICT if it is revoked, or gone. */
apr_status_t um_store_api_keys_revoke(um_db_t *db, apr_int64_t org_id, const char *key_id,
                                      apr_int64_t now, apr_pool_t *pool);

/** A use of a key. */
typedef struct um_api_key_use_t {
    const char *key_id;
    apr_int64_t at;
    const char *addr;
} um_api_key_use_t;

/** Note the last uses of keys, each key once. A use that is not later than the noted one changes
 *  nothing, nor does one of a key that is gone. Nothing is done where the schema has no keys. */
apr_status_t um_store_api_keys_note_uses(um_db_t *db, const um_api_key_use_t *uses, int count,
                                         apr_pool_t *pool);

#endif
