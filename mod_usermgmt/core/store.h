/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_STORE_H
#define UM_CORE_STORE_H

/**
 * @file store.h
 * A store stands for one database. Its schema is checked before it is used. The headers
 * store_users.h, store_lists.h and so on have the questions to it, in the terms of the project.
 * Functions with a um_db_t can be called inside a change (um_store_change()) or outside of
 * one, unless their comment says which.
 *
 * Unless their comment says otherwise, functions return APR_SUCCESS or UM_EUNAVAILABLE,
 * set results only on success, and allocate them in the pool given last.
 */

#include <apr_tables.h>

#include "../db/db.h"
#include "../db/limit.h"
#include "../db/writer.h"

struct um_shared_reads_t;

typedef struct um_store_t um_store_t;

/**
 * Make a store.
 * @param writer      makes the changes of a single-writer database; NULL for others
 * @param auto_schema make or upgrade the schema if the dialect allows it
 * @param host        read-only, lives as long as the store
 */
um_store_t *um_store_create(const um_host_t *host, um_dialect_t dialect, um_writer_t *writer,
                            int auto_schema, apr_pool_t *pool);

/**
 * Check that the schema can be used. It is cheap after the first success.
 * @return APR_SUCCESS, UM_EUNAVAILABLE, or UM_ESCHEMA (logged with what to do)
 */
apr_status_t um_store_prepare(um_store_t *store, apr_pool_t *pool);

/**
 * Ask the database whether it works now: it must answer, and its schema must be usable. This
 * takes as long as the database does.
 * @param version of the schema; set on success and with UM_ESCHEMA, there 0 if it is not known
 * @return as um_store_prepare()
 */
apr_status_t um_store_check(int *version, um_store_t *store, apr_pool_t *pool);

/** Borrow a connection for reading; um_db_close() gives it back. Prepares the
 *  store first, with the errors of um_store_prepare(). */
apr_status_t um_store_open(um_db_t **db, um_store_t *store, apr_pool_t *pool);

/** The same for an expensive read. The caller has a place from um_store_begin_search(). */
apr_status_t um_store_open_search(um_db_t **db, um_store_t *store, apr_pool_t *pool);

/** Have a change made in a transaction, see um_writer_run() and um_runner_run(). */
apr_status_t um_store_change(um_store_t *store, um_change_fn_t *change, void *baton,
                             apr_pool_t *pool);

/**
 * Fold changes into the counts of organizations, in one transaction, if the database stores
 * changes of counts separately. Several threads may do this at the same time.
 * @param count how many changes were folded; if UM_STORE_FOLD_MAX, call again, because there may
 *              be more
 * @return as um_store_change(), logged
 */
apr_status_t um_store_fold_counts(int *count, um_store_t *store, apr_pool_t *pool);
/** Changes folded in one transaction, at most. */
#define UM_STORE_FOLD_MAX 1000

/** After many changes were folded: have the database remove them, so that no read has to pass
 *  over them. Outside of a transaction. APR_SUCCESS or UM_EUNAVAILABLE, logged. */
apr_status_t um_store_clean_counts(um_store_t *store, apr_pool_t *pool);

/** Make the store fold counts by itself after this many changes, because nobody else does.
 *  Call it before the store is used. */
void um_store_set_folding(um_store_t *store, apr_uint32_t changes);

/** Let reads of users, and those of the status of an organization, be answered together
 *  (user_reads.h, status_reads.h). Both may be the same; NULL for reads that are answered one by
 *  one. Call it before the store is used. */
void um_store_share_reads(um_store_t *store, struct um_shared_reads_t *of_users,
                          struct um_shared_reads_t *of_status);
/** What um_store_share_reads() set for users, or NULL. */
struct um_shared_reads_t *um_store_user_reads(const um_store_t *store);
/** What um_store_share_reads() set for the status, or NULL. */
struct um_shared_reads_t *um_store_status_reads(const um_store_t *store);

/** Which kind of database the store is. */
um_dialect_t um_store_dialect(const um_store_t *store);
/** Does the database make a change and its audit event by one statement, if its schema has the
 *  columns of version 4? */
int um_store_changes_at_once(const um_store_t *store);

/** The store's clock, in microseconds since 1970, and its random bytes. */
const um_host_t *um_store_host(const um_store_t *store);

/** Limit how many expensive lists are read at a time; NULL for no limit. Call it before the
 *  store is used, and give the writer the limit too (um_writer_set_searches()). */
void um_store_limit_searches(um_store_t *store, um_limit_t *searches);

#endif
