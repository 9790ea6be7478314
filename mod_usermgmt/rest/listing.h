/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_REST_LISTING_H
#define UM_REST_LISTING_H

/**
 * @file listing.h
 * Lists of all kinds. Query parameters are read to a part of a list (um_list_t), which is
 * answered as a page with links, or as a stream. Each resource describes its list in a
 * um_listing_kind_t.
 */

#include "../base/csv.h"
#include "../db/list.h"
#include "problem.h"

/** What tells one list from another. The examples are those of sub-admins/. */
typedef struct um_listing_kind_t {
    /** Its filters and orders are parameters of the URL. */
    const um_list_source_t *source;
    /** The member of a page that is the array of entries: "sub_admins". */
    const char *member;
    /** The member of the answer of um_entry_answer() that is the entry: "sub_admin". NULL if
     *  the resource answers with single entries itself, as users/ does. */
    const char *entry;
    /** The members of a page with its first and its last key: "first_uid" and "last_uid". */
    const char *first;
    const char *last;
    /** The member of an entry that is its key: "user_uid". */
    const char *key;
    /** The detail of the fault for a value that can't be a key: "It must be a user_uid." */
    const char *key_detail;
    /** Non-zero if a query with the key asks for one entry instead of a list, as that of users/
     *  can: ?user_uid=… */
    int has_single;
    /** The problem, a 404, if no entry has the key: "sub_admin_not_found" and its detail. Unused
     *  if entry is NULL. */
    um_violation_t not_found;
    /** Appends an entry; now is the present in milliseconds since 1970. */
    void (*put)(um_buffer_t *buffer, const um_row_t *row, apr_int64_t now);
    /** The value of the parameter include with which entries have more members, and the list with
     *  these; both are NULL if there is none. Apart from columns its source is the same. */
    const char *include;
    const struct um_listing_kind_t *included;
    /** The columns of CSV that are sent if none are named, with commas between; NULL if the list
     *  has no streams. */
    const char *columns;
    /** Entries have further members, which are columns too: the column that has all of them as an
     *  object, which is one of columns, and a function that tells the other members. Both are
     * NULL if there are none. */
    const char *rest;
    int (*is_member)(const char *name);
} um_listing_kind_t;

/** A list as it was requested. */
typedef struct um_listing_request_t {
    const um_listing_kind_t *kind;
    um_list_t list;
    /** Whether a limit was given. */
    int has_limit;
    /** Whether include was given. */
    int has_include;
    /** Whether query_count is wanted. */
    int wants_count;
    /** The key of the one requested entry; NULL for a list. */
    const char *single;
    /** The filter as it was given; NULL for none. */
    const char *filter;
    /** The columns as they were given; NULL for the usual ones. */
    const char *columns;
    /** Whether the format was given, which makes the answer a file. */
    int has_format;
    /** What a line of CSV has. */
    um_csv_t csv;
    /** Milliseconds since 1970: the present, for all of the list. */
    apr_int64_t now;
    /** um_ticks() when the query was read. */
    apr_time_t came_at;
} um_listing_request_t;

/** Read the query; everything that is wrong is added to the request's faults. */
void um_listing_read(um_listing_request_t *listing, um_request_t *request,
                     const um_listing_kind_t *kind);

/** Answer with a page, or, if the client wants it, with a stream of all entries that match, a
 *  line each: NDJSON or CSV. If the request has faults, they are the answer. APR_SUCCESS;
 * UM_EREFUSED if answer is a problem; or the error of a store function. */
apr_status_t um_listing_answer(um_answer_t *answer, um_request_t *request,
                               um_listing_request_t *listing);

/** Answer a request for one entry with a stream of one.
 *  @param json the entry's JSON */
void um_listing_answer_one(um_answer_t *answer, um_request_t *request,
                           const um_listing_request_t *listing, const char *json);

/** Read and answer: the whole handler of most lists. */
apr_status_t um_listing_handle(um_answer_t *answer, um_request_t *request,
                               const um_listing_kind_t *kind);

#endif
