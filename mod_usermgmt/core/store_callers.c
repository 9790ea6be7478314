/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file store_callers.c Callers in the database, see store_callers.h. */

#include "store_callers.h"

#include <apr_strings.h>

#include "../base/address.h"
#include "../db/statements.h"

typedef struct um_caller_get_t {
    um_caller_record_t **record;
    apr_pool_t *pool;
} um_caller_get_t;

static void take_caller(const um_row_t *row, void *baton)
{
    um_caller_get_t *get = baton;
    um_caller_record_t *record = apr_pcalloc(get->pool, sizeof(*record));

    record->org_id = um_row_int(row, 0);
    record->user_uid = apr_pstrdup(get->pool, um_row_text_or_null(row, 1));
    record->is_active = um_row_int(row, 3) != 0;
    record->is_sub_admin = record->is_active && um_row_int(row, 2) != 0;
    record->seen_uid = apr_pstrdup(get->pool, um_row_text_or_null(row, 4));
    record->seen_role = apr_pstrdup(get->pool, um_row_text_or_null(row, 5));
    *get->record = record;
}

apr_status_t um_store_callers_get(um_caller_record_t **record, um_db_t *db,
                                  const char *organization, const char *identity_key,
                                  apr_pool_t *pool)
{
    um_caller_get_t get = { record, pool };

    return um_db_select_found(db, take_caller, &get,
                              UM_BIND(caller_get, .organization = organization,
                                      .identity_key = identity_key),
                              pool);
}

apr_status_t um_store_callers_put(um_db_t *db, apr_int64_t org_id, const char *identity_key,
                                  const char *uid, const char *role, apr_int64_t now,
                                  apr_pool_t *pool)
{
    int affected = 0;
    apr_status_t status;

    status = um_db_query(db, &affected,
                         UM_BIND(caller_update, .org_id = org_id, .identity_key = identity_key,
                                 .role = role),
                         pool);
    if (status == APR_SUCCESS && affected == 0) {
        status = um_db_query(db, NULL,
                             UM_BIND(caller_insert, .org_id = org_id,
                                     .identity_key = identity_key, .user_uid = uid, .role = role,
                                     .first_seen_at = now),
                             pool);
    }
    return status;
}

apr_status_t um_store_callers_has_role(int *has_role, um_db_t *db, apr_int64_t org_id,
                                       const char *email, apr_pool_t *pool)
{
    return um_db_exists(has_role, db,
                        UM_BIND(caller_has_role, .org_id = org_id,
                                .identity_key = um_address_identity_key(email, pool)),
                        pool);
}
