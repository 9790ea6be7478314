/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_USER_CHUNK_H
#define UM_CORE_USER_CHUNK_H

/**
 * @file user_chunk.h
 * Many users that one statement inserts, in a change that makes more users than that. After a
 * conflict the next statement has fewer users, down to one: only then it is known which user is
 * in conflict. After a success it has more again.
 */

#include "store_users.h"

/** The largest number of users of one statement. */
#define UM_USER_CHUNK_MAX 512

typedef struct um_user_chunk_t {
    const um_user_t *users[UM_USER_CHUNK_MAX];
    const um_user_keys_t *keys[UM_USER_CHUNK_MAX];
    int count;
    /** About so many bytes are sent for them. */
    apr_size_t bytes;
    apr_size_t bytes_max;
    /** How many users the next statement has; 0 before the first. With 1 the caller inserts
     *  the user by um_store_users_insert_with_keys(). */
    int size;
} um_user_chunk_t;

/** Begin the next chunk, which is empty. */
void um_user_chunk_begin(um_user_chunk_t *chunk, const um_db_t *db);

/** Add a user, which is not copied. 0 if the chunk is full. */
int um_user_chunk_add(um_user_chunk_t *chunk, const um_user_t *user, const um_user_keys_t *keys);

/** Insert all users of the chunk, or none, inside a change. UM_ECONFLICT as
 *  um_store_users_insert_all(): then the next chunk is smaller. */
apr_status_t um_user_chunk_insert(um_user_chunk_t *chunk, um_db_t *db, apr_int64_t org_id,
                                  apr_pool_t *pool);

/** Users were inserted, by the chunk or alone: let the next one be larger. */
void um_user_chunk_grow(um_user_chunk_t *chunk, const um_db_t *db);

#endif
