/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_API_API_KEYS_H
#define UM_API_API_KEYS_H

/** @file api_keys.h The resource api-keys/, and a key as JSON. */

#include "../core/store_api_keys.h"
#include "../rest/router.h"

um_handler_t um_api_keys_list, um_api_keys_get, um_api_keys_create, um_api_keys_update,
    um_api_keys_rotate, um_api_keys_revoke;

/** How long a key lasts if its creator says nothing, in milliseconds. */
#define UM_API_KEY_AGE_DEFAULT (90 * UM_MS_PER_DAY)

/** How long the old secret of a rotated key holds: where nothing is said, and at most. */
#define UM_API_KEY_GRACE_DEFAULT UM_MS_PER_DAY
#define UM_API_KEY_GRACE_MAX (7 * UM_MS_PER_DAY)

/** A key as a JSON object, without any secret, in pool.
 *  @param now the time for its status, in milliseconds since 1970 */
const char *um_api_key_json(const um_api_key_t *key, apr_int64_t now, apr_pool_t *pool);

/** Why a key that is not revoked can't be rotated now: a sentence, or NULL if it can. A second
 *  rotation would end the secret that programs still use, so it needs a grace of 0. */
const char *um_api_key_refuse_rotation(const um_api_key_t *key, apr_int64_t grace,
                                       apr_int64_t now);

/** Give a key that is rotated a new secret, and let the old one hold for grace milliseconds.
 *  @param key its digests and old_until are changed
 *  @param text the new key
 *  @return APR_SUCCESS, or the error of the source of random bytes or of the digest */
apr_status_t um_api_key_renew(um_api_key_t *key, um_api_key_text_t *text, apr_int64_t grace,
                              apr_int64_t now, const um_random_t *random);

#endif
