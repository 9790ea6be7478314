/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file user_chunk.c Many users in one statement, see user_chunk.h. */

#include "user_chunk.h"

#include <string.h>

/* A database accepts a limited number of bytes in a statement, on MariaDB 16 MiB by default
 * (max_allowed_packet). With arrays it is 1 GiB. */
#define BYTES_MAX (512 * 1024)
#define ARRAYS_BYTES_MAX (2 * 1024 * 1024)

/* A statement that runs triggers keeps the old pages of SQLite, so a statement for each user
 * would copy some ten pages for it. Before SQLite 3.32 a statement has at most 999 values. */
#define SQLITE_USERS_MAX 64

/* A statement for more users costs no less, but it is lost if one of them is in conflict. */
#define ROWS_USERS_MAX 256

static int largest(const um_db_t *db)
{
    const um_dialect_traits_t *traits = um_db_traits(db);

    if (traits->has_single_writer) {
        return SQLITE_USERS_MAX;
    }
    return traits->arrays != NULL ? UM_USER_CHUNK_MAX : ROWS_USERS_MAX;
}

void um_user_chunk_begin(um_user_chunk_t *chunk, const um_db_t *db)
{
    chunk->count = 0;
    chunk->bytes = 0;
    chunk->bytes_max = um_db_traits(db)->arrays != NULL ? ARRAYS_BYTES_MAX : BYTES_MAX;
    if (chunk->size == 0) {
        chunk->size = largest(db);
    }
}

/* How many bytes a user's row takes, and about as many its audit event. */
static apr_size_t bytes_of(const um_user_t *user)
{
    return 2 * strlen(user->email) + 3 * strlen(user->display_name) + strlen(user->attributes)
           + (user->scim != NULL ? strlen(user->scim) : 0) + 2048;
}

int um_user_chunk_add(um_user_chunk_t *chunk, const um_user_t *user, const um_user_keys_t *keys)
{
    apr_size_t bytes = bytes_of(user);

    if (chunk->count > 0
        && (chunk->count >= chunk->size || chunk->bytes + bytes > chunk->bytes_max)) {
        return 0;
    }
    chunk->users[chunk->count] = user;
    chunk->keys[chunk->count] = keys;
    chunk->count++;
    chunk->bytes += bytes;
    return 1;
}

apr_status_t um_user_chunk_insert(um_user_chunk_t *chunk, um_db_t *db, apr_int64_t org_id,
                                  apr_pool_t *pool)
{
    apr_status_t status = um_store_users_insert_all(db, org_id, chunk->users, chunk->keys,
                                                    chunk->count, pool);

    if (status == UM_ECONFLICT) {
        chunk->size = (chunk->size + 3) / 4;
    }
    return status;
}

void um_user_chunk_grow(um_user_chunk_t *chunk, const um_db_t *db)
{
    chunk->size = chunk->size < largest(db) ? chunk->size * 2 : largest(db);
}
