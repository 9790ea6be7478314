/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_LISTING_H
#define UM_SCIM_LISTING_H

/**
 * @file listing.h
 * Lists of resources: GET and POST …/.search. A client reads them by number (startIndex) or by
 * cursor (RFC 9865). Each type of resource describes its list in a um_scim_list_kind_t.
 */

#include "../db/list.h"
#include "projection.h"

/** An attribute that a list can be sorted by. */
typedef struct um_scim_order_t {
    /** With its sub-attribute: "meta.created". */
    const char *attribute;
    /** One of the source's orders. */
    int order;
} um_scim_order_t;

typedef struct um_scim_list_kind_t {
    const um_scim_resource_type_t *type;
    const um_list_source_t *source;
    /** Ended by one without an attribute. */
    const um_scim_order_t *orders;
    /** Make a record of a row; its texts are in pool. */
    void *(*read)(const um_row_t *row, apr_pool_t *pool);
    /** Add to some records what other tables have of them, as far as it is answered; NULL if
     *  there is nothing.
     *  @param records of void *, from read()
     *  @return APR_SUCCESS, or the error of a store function */
    apr_status_t (*complete)(const apr_array_header_t *records, um_db_t *db,
                             const um_request_t *request, const um_scim_projection_t *projection,
                             apr_pool_t *pool);
    /** Append a record as a resource, as far as it is answered. */
    void (*put)(um_buffer_t *buffer, const void *record, const um_request_t *request,
                const um_scim_projection_t *projection, apr_pool_t *pool);
} um_scim_list_kind_t;

/** Bytes of the resources of a page. Many clients go on behind the number that they asked for,
 * not behind the number that they got, so a page is only cut where memory would run out: a
 * thousand common users have a tenth of it. */
#define UM_SCIM_PAGE_BYTES 16777216

/** The most kinds that one list has. */
#define UM_SCIM_KINDS_MAX 2

/** Answer a list of all resources of some kinds, one kind after the other.
 *  @param kinds ended by NULL
 *  @return APR_SUCCESS; UM_EREFUSED if answer is an error; or the error of a store function */
apr_status_t um_scim_listing_answer(um_answer_t *answer, um_request_t *request,
                                    const um_scim_list_kind_t *const *kinds);

#endif
