/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_STORE_LISTS_H
#define UM_CORE_STORE_LISTS_H

/**
 * @file store_lists.h
 * Lists of all kinds, read from the database; see list.h for what a list is.
 * store.h says what all these functions have in common.
 */

#include "../db/limit.h"
#include "../db/list.h"
#include "store.h"

/* What can be listed: list_users.c and others. A row of each is read by um_store_…_read(). */

extern const um_list_source_t um_list_users;
/** The same without what an identity provider has set, which can be long. */
extern const um_list_source_t um_list_plain_users;
extern const um_list_source_t um_list_sub_admins;
extern const um_list_source_t um_list_invitations;
extern const um_list_source_t um_list_sessions;
extern const um_list_source_t um_list_audit_events;
extern const um_list_source_t um_list_api_keys;
extern const um_list_source_t um_list_groups;
/** The same without the number of members, which costs a count of each. */
extern const um_list_source_t um_list_groups_alone;
/** All of them, ended by NULL. */
extern const um_list_source_t *const um_lists[];

/** Tell whether a list is expensive: it has a condition other than a key, or it is counted
 *  and the database keeps no count of it. */
int um_store_lists_is_search(const um_list_t *list, int is_counted);
/** How long an expensive list waits for a place. */
#define UM_STORE_SEARCH_WAIT apr_time_from_sec(2)
/** Take one of the places for expensive lists, before a connection is borrowed for it.
 *  APR_SUCCESS, or UM_EBUSY if none became free in that time. */
apr_status_t um_store_begin_search(um_store_t *store, apr_interval_time_t wait);
/** Give the place back. */
void um_store_end_search(um_store_t *store);

/** Hand the rows of a part of a list to take. If the list is read backwards, the last row
 *  comes first. */
apr_status_t um_store_lists_get(um_db_t *db, um_row_fn_t *take, void *baton, apr_int64_t org_id,
                                const um_list_t *list, apr_pool_t *pool);
/** Hand the row of the entry with that key to take; no row where there is none. */
apr_status_t um_store_lists_get_entry(um_db_t *db, um_row_fn_t *take, void *baton,
                                      apr_int64_t org_id, const um_list_source_t *source,
                                      const char *key, apr_pool_t *pool);
/** The number in the column of something that was asked along with the rows of a list. */
apr_int64_t um_store_lists_read_extra(const um_row_t *row, const um_list_t *list,
                                      um_list_extra_t extra);
/** Tell whether a stretch has anything in it; its limit plays no part. */
apr_status_t um_store_lists_exist(int *exist, um_db_t *db, apr_int64_t org_id,
                                  const um_list_t *list, apr_pool_t *pool);
/** Choose the paths to a list's rows if the database does not choose well, before the list is
 *  read and counted. Parts of the same list keep the paths. */
apr_status_t um_store_lists_plan(um_list_t *list, um_db_t *db, apr_int64_t org_id, int is_counted,
                                 apr_pool_t *pool);
/** Choose again when the number of rows is known: some paths are better for few rows. */
void um_store_lists_use_count(um_list_t *list, apr_int64_t count);
/** Count the rows that match a list's conditions, without its cursors and its limit. */
apr_status_t um_store_lists_count(apr_int64_t *count, um_db_t *db, apr_int64_t org_id,
                                  const um_list_t *list, apr_pool_t *pool);
/** Fill in the value of a cursor. UM_ENOTFOUND if its key is unknown; in the order of keys
 *  the key need not be known. */
apr_status_t um_store_lists_find_cursor(um_cursor_t *cursor, um_db_t *db, apr_int64_t org_id,
                                        const um_list_t *list, apr_pool_t *pool);
/** Find the row of a list that follows so many others behind the list's cursor after. The
 *  database goes over all of these, so it takes long if they are many. UM_ENOTFOUND if there are
 *  fewer rows.
 *  @param cursor its texts are in pool */
apr_status_t um_store_lists_find_place(um_cursor_t *cursor, um_db_t *db, apr_int64_t org_id,
                                       const um_list_t *list, apr_int64_t skipped,
                                       apr_pool_t *pool);
/** The cursor at a row of a list; its texts belong to the row. */
void um_store_lists_read_cursor(um_cursor_t *cursor, const um_row_t *row, const um_list_t *list);

#endif
