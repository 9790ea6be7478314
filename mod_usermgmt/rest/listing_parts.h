/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_REST_LISTING_PARTS_H
#define UM_REST_LISTING_PARTS_H

/**
 * @file listing_parts.h
 * The functions that the five files of lists share. listing.c opens the database and finds
 * cursors, listing_query.c reads the query, listing_page.c and listing_stream.c answer, and both
 * read rows with listing_rows.c. All other files include listing.h.
 */

#include "listing.h"

/** The largest limit that a page may have. */
#define UM_LISTING_LIMIT_MAX 1000

/** The largest number of rows that are read at once; all of them are then in memory. */
#define UM_LISTING_READ_MAX 250

/** The names of a list and its order, without its direction, as cursors have them. The names
 * never change, because clients keep cursors. */
const char *um_listing_order_name(const um_listing_request_t *listing, apr_pool_t *pool);

/** The cursor at a row of the list, in pool. */
void um_listing_take_cursor(um_cursor_t *cursor, const um_row_t *row, const um_list_t *list,
                            apr_pool_t *pool);

/** How many rows to read next, by the size of the entries so far and the bytes that are left.
 *  @param wanted the largest number of rows
 *  @param room   the bytes that are left
 *  @param count, bytes the entries so far, and their size */
apr_int64_t um_listing_rows_to_read(apr_int64_t wanted, apr_size_t room, apr_int64_t count,
                                    apr_size_t bytes);

/** Read rows in a pool of their own, because they are large, and not needed once they are
 *  taken. */
apr_status_t um_listing_read_rows(um_db_t *db, um_row_fn_t *take, void *baton,
                                  const um_request_t *request, const um_list_t *list);

/** Tell whether the answer is a stream, and no page. */
int um_listing_is_stream(const um_request_t *request);

/** Tell whether the conditions of a list without a cursor leave at most one entry, so that
 * reading it counts it. */
int um_listing_is_single(const um_listing_request_t *listing);

/** Append a link of the Link header, relative to the URL of the request, because only the client
 *  knows its path behind a proxy or a rewriting rule. If the query would be too long, there is
 *  none.
 *  @param parameter start_after_id or end_before_id
 *  @param cursor    its value, see um_listing_cursor()
 *  @param key       what to take if the cursor is too long; NULL for nothing
 *  @param relation  next or prev */
void um_listing_put_link(um_buffer_t *link, const um_request_t *request, const char *parameter,
                         const char *cursor, const char *key, const char *relation);

/** A cursor as clients see it, in pool. In the order of keys a key is a cursor by itself. */
const char *um_listing_cursor(const um_listing_request_t *listing, const um_cursor_t *at,
                              apr_pool_t *pool);

/** Make a list continue after a row. */
void um_listing_go_on(um_list_t *list, const um_cursor_t *last);

/** Answer with a page. APR_SUCCESS, or the error of a store function. */
apr_status_t um_listing_answer_page(um_answer_t *answer, um_request_t *request, um_db_t *db,
                                    const um_listing_request_t *listing);

/** Answer with a stream. APR_SUCCESS; UM_EREFUSED, and answer is a 503, if too many streams are
 *  being sent; or the error of a store function. */
apr_status_t um_listing_answer_stream(um_answer_t *answer, um_request_t *request, um_db_t *db,
                                      const um_listing_request_t *listing);

#endif
