/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_API_LISTING_H
#define UM_API_LISTING_H

/**
 * @file listing.h
 * Lists of users and of sub-admins: query parameters to a stretch of a list,
 * and the stretch to a page with its links, or to a stream.
 */

#include "problem.h"

/** A list as it was asked for. */
typedef struct um_listing_request_t {
    um_user_list_t list;
    /** Whether a limit was given. */
    int has_limit;
    /** Whether query_count is wanted. */
    int wants_count;
    /** A single user asked for by user_uid; NULL for a list. */
    const char *user_uid;
} um_listing_request_t;

/** What tells one list from another. */
typedef struct um_listing_kind_t {
    /** The member with the list: "users". */
    const char *member;
    /** The route's path: "users/". */
    const char *path;
    /** Whether it is of sub-admins, who have no filters and only the uid order. */
    int sub_admins;
    /** Appends one entry. */
    void (*put)(um_buffer_t *buffer, const um_user_t *user, const char *added_by,
                apr_int64_t added_at);
} um_listing_kind_t;

/** Read the query; all that is wrong goes to the request's faults. */
void um_listing_read(um_listing_request_t *listing, um_request_t *request,
                     const um_listing_kind_t *kind);

/** Answer with a page. APR_SUCCESS, or the error of a store function. */
apr_status_t um_listing_answer_page(um_answer_t *answer, um_request_t *request,
                                    um_listing_request_t *listing,
                                    const um_listing_kind_t *kind);

/** Answer with all that match, a line each. APR_SUCCESS, or the error of a
 *  store function. */
apr_status_t um_listing_answer_stream(um_answer_t *answer, um_request_t *request,
                                      um_listing_request_t *listing,
                                      const um_listing_kind_t *kind);

#endif
