/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file store_memberships.c The groups of many users, see store_memberships.h. */

#include "store_memberships.h"

#include "../base/json.h"
#include "../db/statements.h"

apr_status_t um_store_memberships_get(um_db_t *db, um_row_fn_t *take, void *baton,
                                      apr_int64_t org_id, const apr_array_header_t *uids,
                                      apr_pool_t *pool)
{
    um_buffer_t json;
    apr_status_t status;

    if (uids->nelts == 0) {
        return APR_SUCCESS;
    }
    um_buffer_init(&json, 64 + 24 * (apr_size_t)uids->nelts, pool);
    um_json_put_strings(&json, (const char *const *)uids->elts, uids->nelts);
    status = um_db_select(db, take, baton,
                          UM_BIND(memberships_of_users, .org_id = org_id, .uids = json.data),
                          pool);
    return status == UM_ESCHEMA ? APR_SUCCESS : status;
}
