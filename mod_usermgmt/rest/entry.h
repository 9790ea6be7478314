/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_REST_ENTRY_H
#define UM_REST_ENTRY_H

/** @file entry.h Answers with one entry of a list, and the Location of an entry. */

#include "listing.h"

/**
 * Answer with the entry whose key stands in the path, and its ETag; with a 304 where the
 * client has it; with a 404 if there is none.
 * @return APR_SUCCESS; UM_EREFUSED for the 404; or the error of a store function
 */
apr_status_t um_entry_answer(um_answer_t *answer, const um_request_t *request,
                             const um_listing_kind_t *kind);

/**
 * Answer with an entry, as the member that the kind names, and its ETag.
 * @param json the entry's JSON
 */
void um_entry_answer_json(um_answer_t *answer, int status, const um_listing_kind_t *kind,
                          const char *json, apr_pool_t *pool);

/** Answer 404: there is no entry with that key. Returns UM_EREFUSED. */
apr_status_t um_entry_answer_not_found(um_answer_t *answer, const um_listing_kind_t *kind,
                                       apr_pool_t *pool) UM_MUST_USE;

/** Set the Location of a new entry.
 *  @param path the path of its list: "users" */
void um_entry_set_location(um_answer_t *answer, const um_request_t *request, const char *path,
                           const char *key);

#endif
