/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_REST_LISTING_H
#define UM_REST_LISTING_H

/**
 * @file listing.h
 * Lists of all kinds: query parameters to a stretch of a list, and the stretch
 * to a page with its links, or to a stream. A resource that is listed says in a
 * um_listing_kind_t what its list is like.
 */

#include "problem.h"

/** What the values of a parameter are. */
typedef enum um_listing_type_t {
    /* Those that every list has. */
    UM_LISTING_LIMIT,
    UM_LISTING_AFTER,
    UM_LISTING_BEFORE,
    UM_LISTING_COUNT,
    UM_LISTING_ORDER,
    /* Those that put the list under a condition. */
    /** Any text but an empty one: as it is, or case-folded as names are. */
    UM_LISTING_TEXT,
    UM_LISTING_FOLDED_NAME,
    /** What a name or an address begins with. */
    UM_LISTING_NAME_OR_EMAIL,
    /** What somebody is known by: an address or another text. It is compared by key, so
     *  that a text that is no address is no user's. */
    UM_LISTING_IDENTITY,
    /** The same of an address, in which a + that came as a blank is told. */
    UM_LISTING_ADDRESS,
    /** A time in milliseconds; what is finer is cut off, or rounded up. */
    UM_LISTING_INSTANT,
    UM_LISTING_INSTANT_UP,
    /** One of the parameter's choices. */
    UM_LISTING_CHOICE,
    /** The key of the one entry that is asked for instead of a list. */
    UM_LISTING_SINGLE
} um_listing_type_t;

/** One of the values that a parameter can have. */
typedef struct um_listing_choice_t {
    const char *value;
    /** The condition that it puts the list under, UM_CONDITION_COUNT for none;
     *  where it takes a value, that is the present time. */
    um_condition_id_t condition;
} um_listing_choice_t;

/** A parameter of a list. */
typedef struct um_listing_parameter_t {
    const char *name;
    um_listing_type_t type;
    um_condition_id_t condition;
    /** Ended by one without a value. */
    const um_listing_choice_t *choices;
    /** What a value must be, where the type doesn't tell. */
    const char *detail;
    /** What holds where it is not given; NULL for nothing. */
    const char *fallback;
} um_listing_parameter_t;

/** An order of a list. */
typedef struct um_listing_order_t {
    const char *name;
    /** One of the orders of the list's source. */
    int order;
} um_listing_order_t;

/** What tells one list from another. */
typedef struct um_listing_kind_t {
    um_list_source_t source;
    /** The members with the list, its first and its last key: "users". */
    const char *member;
    const char *first;
    const char *last;
    /** The member of an entry that is its key, and what one must be. */
    const char *key;
    const char *key_detail;
    /** Ended by one without a name; NULL where there is only the order of keys. */
    const um_listing_order_t *orders;
    /** What order_by must be. */
    const char *order_detail;
    /** Its own ones, at most 24, ended by one without a name; NULL for none. */
    const um_listing_parameter_t *parameters;
    /** Appends an entry; now is the present in milliseconds since 1970. */
    void (*put)(um_buffer_t *buffer, const um_row_t *row, apr_int64_t now);
} um_listing_kind_t;

/** A list as it was asked for. */
typedef struct um_listing_request_t {
    const um_listing_kind_t *kind;
    um_list_t list;
    /** Whether a limit was given. */
    int has_limit;
    /** Whether query_count is wanted. */
    int wants_count;
    /** The key of the one entry that was asked for; NULL for a list. */
    const char *single;
    /** Milliseconds since 1970: the present, for all of the list. */
    apr_int64_t now;
} um_listing_request_t;

/** Read the query; all that is wrong goes to the request's faults. */
void um_listing_read(um_listing_request_t *listing, um_request_t *request,
                     const um_listing_kind_t *kind);

/** Answer with a page, or a stream of all that match, a line each, where that
 *  is wanted; or with the request's faults. APR_SUCCESS, or the error of a
 *  store function. */
apr_status_t um_listing_answer(um_answer_t *answer, um_request_t *request,
                               um_listing_request_t *listing);

/** Read and answer: the whole handler of most lists. */
apr_status_t um_listing_handle(um_answer_t *answer, um_request_t *request,
                               const um_listing_kind_t *kind);

#endif
