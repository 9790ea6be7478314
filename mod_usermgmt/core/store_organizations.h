/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_STORE_ORGANIZATIONS_H
#define UM_CORE_STORE_ORGANIZATIONS_H

/**
 * @file store_organizations.h
 * Organizations in the database, and their counts.
 * store.h says what all these functions have in common.
 */

#include <apr_tables.h>

#include "../db/db.h"

typedef struct um_organization_status_t {
    const char *name;
    const char *payment_type;
    apr_int64_t user_count;
    apr_int64_t sub_admin_count;
    apr_int64_t session_count;
    apr_int64_t pending_invitation_count;
    /** Of const char *: at most 100, the most recently used one first. */
    apr_array_header_t *activities;
} um_organization_status_t;

/** UM_ENOTFOUND if there is no such organization; now is in milliseconds. */
apr_status_t um_store_organizations_get_status(um_organization_status_t **organization,
                                               um_db_t *db, apr_int64_t org_id, apr_int64_t now,
                                               apr_pool_t *pool);
/** Milliseconds of a day in UTC. */
#define UM_DAY 86400000
/** Of days that were not counted, because so many are newer. */
#define UM_NOT_COUNTED (-1)

/** What is counted by day, in the order of their numbers in the statements. */
typedef enum um_history_kind_t {
    UM_HISTORY_USERS,
    UM_HISTORY_SESSIONS,
    UM_HISTORY_KINDS
} um_history_kind_t;

/** What came on each of some days. */
typedef struct um_history_t {
    /** The begin of the first day, milliseconds since 1970. */
    apr_int64_t from;
    int days;
    /** So many of each kind are counted, the newest ones. */
    apr_int64_t limit;
    /** Of each day; or UM_NOT_COUNTED. */
    apr_int64_t *counts[UM_HISTORY_KINDS];
} um_history_t;

/** Count the users that were created on each day, and the sessions that started, of those that
 *  are still there. The caller has set from, days and limit; the counts are made in pool. */
apr_status_t um_store_organizations_get_history(um_history_t *history, um_db_t *db,
                                                apr_int64_t org_id, apr_pool_t *pool);
/** Tell whether there are changes that are not folded into counts yet. */
apr_status_t um_store_organizations_has_changes(int *has_changes, um_db_t *db, apr_pool_t *pool);
/** Fold the oldest changes, at most limit, into their organizations' counts. The sums stay
 *  the same. count is the number of folded changes. */
apr_status_t um_store_organizations_fold_counts(int *count, um_db_t *db, apr_int64_t limit,
                                                apr_pool_t *pool);
/** Make an organization. It is no error if it exists. */
apr_status_t um_store_organizations_insert(um_db_t *db, const char *name, apr_int64_t now,
                                           apr_pool_t *pool);

typedef struct um_organization_t {
    apr_int64_t id;
    const char *name;
    const char *payment_type;
    /** Milliseconds since 1970. */
    apr_int64_t created_at;
} um_organization_t;

/** UM_ENOTFOUND if there is none with that name. */
apr_status_t um_store_organizations_get(um_organization_t **organization, um_db_t *db,
                                        const char *name, apr_pool_t *pool);
/** At most limit organizations, of um_organization_t, in the order of their names, after a
 *  name (which need not exist; "" for the first). */
apr_status_t um_store_organizations_list(apr_array_header_t **organizations, um_db_t *db,
                                         const char *after, apr_int64_t limit, apr_pool_t *pool);
/** UM_ENOTFOUND if there is no such organization. */
apr_status_t um_store_organizations_set_payment_type(um_db_t *db, apr_int64_t org_id,
                                                     const char *payment_type, apr_pool_t *pool);

#endif
