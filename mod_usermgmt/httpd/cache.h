/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_CACHE_H
#define UM_HTTPD_CACHE_H

/**
 * @file cache.h
 * The database's records of callers that this process has read, for a limited time, and whether
 * they are members of groups. A change of roles, of groups or of their members makes all
 * processes of the server forget theirs at once, because the generation of the roles is in shared
 * memory.
 */

#include <httpd.h>

#include "../core/caller_cache.h"

/** Make the cache of a child process; pool is the child's. If it fails, that is logged, and
 *  nothing is cached. */
void um_cache_init_child(apr_pool_t *pool, server_rec *server);

/**
 * Look up a caller.
 * @param now set to the stamp for um_cache_put(), so that a record that was read before a
 *            change is not used after it
 * @param ttl how old the record may be, in microseconds
 * @return the record in pool, or NULL
 */
um_caller_record_t *um_cache_get(um_caller_stamp_t *now, const server_rec *server,
                                 const char *organization, const char *identity_key,
                                 apr_interval_time_t ttl, apr_pool_t *pool);

/** Keep the record of a caller. */
void um_cache_put(const server_rec *server, const char *organization, const char *identity_key,
                  const um_caller_record_t *record, const um_caller_stamp_t *stamp);

/** A question of membership: is the user in a group that has this id, or this name? */
typedef struct um_membership_t {
    const char *organization;
    const char *user_uid;
    const char *group;
} um_membership_t;

/** Look up a membership, as um_cache_get() does. 0 if it is not known; else is_member is set. */
int um_cache_get_membership(int *is_member, um_caller_stamp_t *now, const server_rec *server,
                            const um_membership_t *membership, apr_interval_time_t ttl,
                            apr_pool_t *pool);

/** Keep the answer to that question. */
void um_cache_put_membership(const server_rec *server, const um_membership_t *membership,
                             int is_member, const um_caller_stamp_t *stamp, apr_pool_t *pool);

#endif
