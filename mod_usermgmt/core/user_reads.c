/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file user_reads.c Reads of one user, see user_reads.h. */

#include "user_reads.h"

#include "shared_reads.h"
#include "store_users.h"

static apr_status_t ask(void *const *wanted, int count, um_store_t *store, apr_pool_t *pool)
{
    um_wanted_user_t *users[UM_SHARED_READS_MAX];
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, store, pool);

    for (int i = 0; i < count; i++) {
        users[i] = wanted[i];
    }
    if (status == APR_SUCCESS) {
        status = um_store_users_get_wanted(users, count, db, pool);
    }
    um_db_close(db);
    return status;
}

apr_status_t um_user_reads_get(um_user_t **user, um_store_t *store, apr_int64_t org_id,
                               const char *uid, apr_pool_t *pool)
{
    static const um_shared_kind_t kind = { ask, 1 };
    um_wanted_user_t wanted = { org_id, uid, NULL, pool };
    const um_shared_read_t read = { &kind, 0, &wanted, pool };
    apr_status_t status = um_shared_reads_run(um_store_user_reads(store), &read, store);

    if (status != APR_SUCCESS) {
        return status;
    }
    *user = wanted.user;
    return *user != NULL ? APR_SUCCESS : UM_ENOTFOUND;
}
