/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_SEARCH_H
#define UM_SCIM_SEARCH_H

/**
 * @file search.h
 * What a client asks of a list (RFC 7644, 3.4.2 and 3.4.3; RFC 9865): the parameters of GET, or
 * the body of POST …/.search.
 */

#include "../rest/request.h"

/** Resources of a page where a client asks for no number, and the most that it gets. */
#define UM_SCIM_COUNT_DEFAULT 100
#define UM_SCIM_COUNT_MAX 1000

typedef struct um_scim_search_t {
    /** NULL for none. */
    const char *filter;
    const char *sort_by;
    int is_descending;
    /** 1 or more. */
    apr_int64_t start_index;
    /** 0 to UM_SCIM_COUNT_MAX. */
    apr_int64_t count;
    /** NULL if the client pages by startIndex; empty for the first page of cursors. */
    const char *cursor;
    /** Of const char *; NULL for what was not asked for. */
    apr_array_header_t *attributes;
    apr_array_header_t *excluded_attributes;
} um_scim_search_t;

/** Read what a request asks for: its body if it is a POST, else its parameters. APR_SUCCESS; or
 *  UM_EREFUSED, and answer is an error. The texts live as long as the handler runs. */
apr_status_t um_scim_search_read(um_scim_search_t *search, um_answer_t *answer,
                                 um_request_t *request);

#endif
