/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file store_api_keys.c API keys in the database, see store_api_keys.h. */

#include "store_api_keys.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/json.h"
#include "../db/statements.h"

#define ROLE_ADMIN "admin"
#define ROLE_NONE "none"

/* The columns after those of a row of the list. */
enum { SECRET_COLUMN = 12, OLD_SECRET_COLUMN, ORGANIZATION_ID_COLUMN, ORGANIZATION_COLUMN };

typedef struct um_api_key_get_t {
    um_api_key_t **key;
    apr_pool_t *pool;
} um_api_key_get_t;

void um_store_api_keys_read(um_api_key_t *key, const um_row_t *row)
{
    memset(key, 0, sizeof(*key));
    key->id = um_row_text(row, 0);
    key->name = um_row_text(row, 1);
    key->is_admin = strcmp(um_row_text(row, 2), ROLE_ADMIN) == 0;
    key->permissions = um_row_text(row, 3);
    key->allow_from = um_row_text_or_null(row, 4);
    key->created_at = um_row_int(row, 5);
    key->created_by = um_row_text(row, 6);
    key->expires_at = um_row_int(row, 7);
    key->revoked_at = um_row_int(row, 8);
    key->old_until = um_row_int(row, 9);
    key->last_used_at = um_row_int(row, 10);
    key->last_used_addr = um_row_text_or_null(row, 11);
}

static void take_key(const um_row_t *row, void *baton)
{
    um_api_key_get_t *get = baton;
    um_api_key_t *key = apr_palloc(get->pool, sizeof(*key));

    um_store_api_keys_read(key, row);
    key->id = apr_pstrdup(get->pool, key->id);
    key->name = apr_pstrdup(get->pool, key->name);
    key->permissions = apr_pstrdup(get->pool, key->permissions);
    key->allow_from = apr_pstrdup(get->pool, key->allow_from);
    key->created_by = apr_pstrdup(get->pool, key->created_by);
    key->last_used_addr = apr_pstrdup(get->pool, key->last_used_addr);
    key->secret_sha256 = apr_pstrdup(get->pool, um_row_text(row, SECRET_COLUMN));
    key->old_secret_sha256 = apr_pstrdup(get->pool, um_row_text_or_null(row, OLD_SECRET_COLUMN));
    key->org_id = um_row_int(row, ORGANIZATION_ID_COLUMN);
    key->organization = apr_pstrdup(get->pool, um_row_text(row, ORGANIZATION_COLUMN));
    *get->key = key;
}

static apr_status_t get_key(um_api_key_t **key, um_db_t *db, const um_bind_t *bind,
                            apr_pool_t *pool)
{
    um_api_key_get_t get = { key, pool };

    return um_db_select_found(db, take_key, &get, bind, pool);
}

apr_status_t um_store_api_keys_find(um_api_key_t **key, um_db_t *db, const char *key_id,
                                    apr_pool_t *pool)
{
    apr_status_t status = get_key(key, db, UM_BIND(api_key_find, .key_id = key_id), pool);

    return status == UM_ESCHEMA ? UM_ENOTFOUND : status;
}

apr_status_t um_store_api_keys_keep(um_api_key_t **key, um_db_t *db, const char *key_id,
                                    apr_pool_t *pool)
{
    apr_status_t status = APR_SUCCESS;
    int exists = 0;

    if (!um_db_traits(db)->has_single_writer) {
        status = um_db_exists(&exists, db, UM_BIND(api_key_wait, .key_id = key_id), pool);
    }
    if (status == UM_ESCHEMA) {
        return UM_ENOTFOUND;
    }
    return status == APR_SUCCESS ? um_store_api_keys_find(key, db, key_id, pool) : status;
}

apr_status_t um_store_api_keys_get(um_api_key_t **key, um_db_t *db, apr_int64_t org_id,
                                   const char *key_id, apr_pool_t *pool)
{
    return get_key(key, db, UM_BIND(api_key_get, .org_id = org_id, .key_id = key_id), pool);
}

static const char *role_of(const um_api_key_t *key)
{
    return key->is_admin ? ROLE_ADMIN : ROLE_NONE;
}

/* A number that is stored as NULL if it is 0. */
static const char *number_or_null(apr_int64_t number, apr_pool_t *pool)
{
    return number != 0 ? um_db_int(number, pool) : NULL;
}

apr_status_t um_store_api_keys_insert(um_db_t *db, apr_int64_t org_id, const um_api_key_t *key,
                                      apr_pool_t *pool)
{
    return um_db_query_one(db, UM_ECONFLICT,
                           UM_BIND(api_key_insert, .org_id = org_id, .key_id = key->id,
                                   .name = key->name, .role = role_of(key),
                                   .permissions = key->permissions,
                                   .secret_sha256 = key->secret_sha256,
                                   .allow_from = key->allow_from, .created_at = key->created_at,
                                   .created_by = key->created_by,
                                   .expires_at = number_or_null(key->expires_at, pool)),
                           pool);
}

apr_status_t um_store_api_keys_update(um_db_t *db, apr_int64_t org_id, const um_api_key_t *key,
                                      apr_pool_t *pool)
{
    return um_db_query_one(db, UM_ECONFLICT,
                           UM_BIND(api_key_update, .org_id = org_id, .key_id = key->id,
                                   .name = key->name, .role = role_of(key),
                                   .permissions = key->permissions,
                                   .allow_from = key->allow_from),
                           pool);
}

apr_status_t um_store_api_keys_rotate(um_db_t *db, apr_int64_t org_id, const um_api_key_t *key,
                                      apr_pool_t *pool)
{
    return um_db_query_one(db, UM_ECONFLICT,
                           UM_BIND(api_key_rotate, .org_id = org_id, .key_id = key->id,
                                   .secret_sha256 = key->secret_sha256,
                                   .old_secret_sha256 = key->old_secret_sha256,
                                   .old_until = number_or_null(key->old_until, pool)),
                           pool);
}

apr_status_t um_store_api_keys_revoke(um_db_t *db, apr_int64_t org_id, const char *key_id,
                                      apr_int64_t now, apr_pool_t *pool)
{
    return um_db_query_one(db, UM_ECONFLICT,
                           UM_BIND(api_key_revoke, .org_id = org_id, .key_id = key_id,
                                   .now = now),
                           pool);
}

/* ---- uses ---- */

static apr_status_t note_each(um_db_t *db, const um_api_key_use_t *uses, int count,
                              apr_pool_t *pool)
{
    apr_status_t status = APR_SUCCESS;

    for (int i = 0; status == APR_SUCCESS && i < count; i++) {
        status = um_db_query(db, NULL,
                             UM_BIND(api_key_note_use, .key_id = uses[i].key_id,
                                     .last_used_at = uses[i].at, .last_used_addr = uses[i].addr),
                             pool);
    }
    return status;
}

static const char *uses_json(const um_api_key_use_t *uses, int count, apr_pool_t *pool)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 64 * (apr_size_t)count + 8, pool);
    um_buffer_putc(&buffer, '[');
    for (int i = 0; i < count; i++) {
        if (i > 0) {
            um_buffer_putc(&buffer, ',');
        }
        um_buffer_putc(&buffer, '{');
        um_json_put_member(&buffer, "key_id", uses[i].key_id);
        um_json_put_member_int(&buffer, "at", uses[i].at);
        um_json_put_member(&buffer, "addr", uses[i].addr);
        um_buffer_putc(&buffer, '}');
    }
    um_buffer_putc(&buffer, ']');
    return buffer.data;
}

apr_status_t um_store_api_keys_note_uses(um_db_t *db, const um_api_key_use_t *uses, int count,
                                         apr_pool_t *pool)
{
    apr_status_t status;

    if (count == 0) {
        return APR_SUCCESS;
    }
    status = um_db_traits(db)->has_single_writer
                 ? note_each(db, uses, count, pool)
                 : um_db_query(db, NULL,
                               UM_BIND(api_keys_note_uses, .uses = uses_json(uses, count, pool)),
                               pool);
    return status == UM_ESCHEMA ? APR_SUCCESS : status;
}
