/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_SESSION_TABLE_H
#define UM_CORE_SESSION_TABLE_H

/**
 * @file session_table.h
 * Sessions that go on, in memory that all processes of a server share. A
 * request of a session that is known takes no lock. What has changed is
 * collected now and then, written, and told to be written; only then may its
 * place be taken by another.
 *
 * The table is sets of UM_SESSION_SET slots; a session can only be in the set
 * that its key's hash names. Times are microseconds since 1970.
 */

#include <apr_pools.h>
#include <apr_tables.h>

#include "../base/address.h"
#include "../base/lock.h"
#include "../base/random.h"
#include "../base/uid.h"
#include "rules.h"

#define UM_SESSION_SET 16

/** The bytes of a session's texts, each with a NUL. */
#define UM_SESSION_TEXTS_MAX (UM_IDENTITY_KEY_MAX + UM_ORGANIZATION_MAX + 4 * UM_ACTIVITY_MAX + 3)

typedef struct um_session_table_t um_session_table_t;

/** Whose session it is, and in what. */
typedef struct um_session_key_t {
    /** Where the texts belong to; the caller's own. */
    apr_uint64_t place;
    const char *organization;
    /** The key of who it is, see um_address_identity_key(). */
    const char *identity;
    const char *activity;
} um_session_key_t;

/** A session that is to be written. */
typedef struct um_session_entry_t {
    um_session_key_t key;
    char uid[UM_UID_LENGTH + 1];
    apr_time_t started_at;
    apr_time_t last_used_at;
    /** What ends a session when it is not used for so long. */
    apr_interval_time_t idle;
    /** Where it is in the table. */
    apr_size_t slot;
} um_session_entry_t;

/** The bytes of memory that a table for at least so many sessions takes. */
apr_size_t um_session_table_size(apr_size_t sessions);

/**
 * Make memory, all zero, an empty table.
 * @param random for the key of the hashes, so that nobody can foresee them
 * @return APR_SUCCESS, or the error of the source of random bytes
 */
apr_status_t um_session_table_init(void *memory, apr_size_t sessions, const um_random_t *random);

/**
 * Use a table that was made in memory.
 * @param lock   held by the one who changes the table
 * @param random for uids; both live as long as the table
 */
um_session_table_t *um_session_table_open(void *memory, const um_lock_t *lock,
                                          const um_random_t *random, apr_pool_t *pool);

/**
 * Count a request that began at from and ended at until: it goes on with the
 * session of that key, or begins one where there is none or where that one was
 * not used for idle.
 * @return APR_SUCCESS; UM_EINVALID where a text is too long; APR_ENOSPC where
 *         all slots of the set hold what is not written yet; or what the lock or
 *         the random source failed with
 */
apr_status_t um_session_table_count(um_session_table_t *table, const um_session_key_t *key,
                                    apr_time_t from, apr_time_t until, apr_interval_time_t idle);

/**
 * Collect sessions that have changed since they were written.
 * @param sessions of um_session_entry_t, in pool; at most max and UM_SESSION_SET more
 * @param position where to go on; 0 at first, and again after the last
 * @return APR_SUCCESS, or what the lock failed with
 */
apr_status_t um_session_table_collect(apr_array_header_t **sessions, apr_size_t *position,
                                      um_session_table_t *table, apr_size_t max, apr_pool_t *pool);

/** Note that collected sessions need not be written any more. */
apr_status_t um_session_table_written(um_session_table_t *table,
                                      const apr_array_header_t *sessions);

#endif
