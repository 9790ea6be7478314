/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file status_reads.c Reads of the status of an organization, see status_reads.h. */

#include "status_reads.h"

#include <apr_strings.h>

#include "shared_reads.h"

typedef struct um_wanted_status_t {
    apr_int64_t org_id;
    um_organization_status_t *organization;
    apr_pool_t *pool;
} um_wanted_status_t;

static um_organization_status_t *copy(const um_organization_status_t *organization,
                                      apr_pool_t *pool)
{
    um_organization_status_t *made = apr_pmemdup(pool, organization, sizeof(*organization));

    made->name = apr_pstrdup(pool, organization->name);
    made->payment_type = apr_pstrdup(pool, organization->payment_type);
    made->activities = apr_array_copy(pool, organization->activities);
    for (int i = 0; i < made->activities->nelts; i++) {
        const char **activity = &APR_ARRAY_IDX(made->activities, i, const char *);

        *activity = apr_pstrdup(pool, *activity);
    }
    return made;
}

/* All want the status of one organization. */
static apr_status_t ask(void *const *wanted, int count, um_store_t *store, apr_pool_t *pool)
{
    const um_host_t *host = um_store_host(store);
    um_wanted_status_t *first = wanted[0];
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, store, pool);

    if (status == APR_SUCCESS) {
        status = um_store_organizations_get_status(&first->organization, db, first->org_id,
                                                   apr_time_as_msec(host->now(host->baton)),
                                                   pool);
    }
    um_db_close(db);
    for (int i = 1; status == APR_SUCCESS && i < count; i++) {
        um_wanted_status_t *other = wanted[i];

        /* This thread's pool may be gone before the other thread has used the answer. */
        other->organization = copy(first->organization, other->pool);
    }
    return status;
}

apr_status_t um_status_reads_get(um_organization_status_t **organization, um_store_t *store,
                                 apr_int64_t org_id, apr_pool_t *pool)
{
    static const um_shared_kind_t kind = { ask, 0 };
    um_wanted_status_t wanted = { org_id, NULL, pool };
    const um_shared_read_t read = { &kind, org_id, &wanted, pool };
    apr_status_t status = um_shared_reads_run(um_store_status_reads(store), &read, store);

    if (status == APR_SUCCESS) {
        *organization = wanted.organization;
    }
    return status;
}
