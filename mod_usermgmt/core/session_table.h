/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_SESSION_TABLE_H
#define UM_CORE_SESSION_TABLE_H

/**
 * @file session_table.h
 * Current sessions, in memory that all processes of a server share. A request of a known
 * session takes no lock. From time to time one process collects the sessions that have
 * changed, writes them into the database, and marks them as written. Only then can another
 * session take their slots.
 *
 * The table has sets of UM_SESSION_SET slots. The hash of a session's key gives its set.
 * Times are microseconds since 1970.
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

/** The user and the activity of a session. */
typedef struct um_session_key_t {
    /** A number of the caller's own; httpd's virtual host. */
    apr_uint64_t place;
    const char *organization;
    /** The key of the user's identity, see um_address_identity_key(). */
    const char *identity;
    const char *activity;
} um_session_key_t;

/** A session that is to be written. */
typedef struct um_session_entry_t {
    um_session_key_t key;
    char uid[UM_UID_LENGTH + 1];
    apr_time_t started_at;
    apr_time_t last_used_at;
    /** A session ends if it is not used for this time. */
    apr_interval_time_t idle;
    /** Where it is in the table. */
    apr_size_t slot;
} um_session_entry_t;

/** The bytes of memory that a table for at least this many sessions takes. */
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
 * Count a request that began at from and ended at until. It continues the session with
 * that key. If there is none, or if it was not used for idle, it begins a new one.
 * @return APR_SUCCESS; UM_EINVALID if a text is too long; APR_ENOSPC if no slot of the
 *         set is written yet, so that none can be taken; or the error of the lock or of
 *         the random source
 */
apr_status_t um_session_table_count(um_session_table_t *table, const um_session_key_t *key,
                                    apr_time_t from, apr_time_t until, apr_interval_time_t idle);

/**
 * Collect sessions that have changed since they were written.
 * @param sessions of um_session_entry_t, in pool; at most max and UM_SESSION_SET more
 * @param position where to continue; 0 at the beginning, and again after the last
 * @return APR_SUCCESS, or the error of the lock
 */
apr_status_t um_session_table_collect(apr_array_header_t **sessions, apr_size_t *position,
                                      um_session_table_t *table, apr_size_t max,
                                      apr_pool_t *pool);

/** How many sessions are in the table, those that have ended but are not written yet too; and
 *  how many there is room for. It needs no lock. */
void um_session_table_get_use(apr_size_t *used, apr_size_t *size,
                              const um_session_table_t *table);

/** Mark collected sessions as written. */
apr_status_t um_session_table_written(um_session_table_t *table,
                                      const apr_array_header_t *sessions);

#endif
