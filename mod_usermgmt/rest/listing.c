/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file listing.c Lists, as pages or streams; see listing.h. */

#include "listing_parts.h"

#include "../core/store_lists.h"
#include "../db/list_path.h"

/* The values of cursors that are keys. UM_EREFUSED, and answer is a problem, if one is unknown.
 */
static apr_status_t find_cursors(um_answer_t *answer, um_request_t *request, um_db_t *db,
                                 um_list_t *list)
{
    struct {
        const char *name;
        um_cursor_t *cursor;
    } cursors[] = { { "start_after_id", &list->after }, { "end_before_id", &list->before } };

    for (int i = 0; i < 2; i++) {
        apr_status_t status;

        if (cursors[i].cursor->key == NULL || cursors[i].cursor->value != NULL) {
            continue;
        }
        status = um_store_lists_find_cursor(cursors[i].cursor, db, request->caller.org_id, list,
                                            request->pool);
        if (status == UM_ENOTFOUND) {
            um_faults_add(&request->faults, cursors[i].name, "unknown_cursor",
                          "There is no entry with this key; this order needs one that exists.");
        } else if (status != APR_SUCCESS) {
            return status;
        }
    }
    return request->faults.list != NULL ? um_problem_answer_faults(answer, &request->faults)
                                        : APR_SUCCESS;
}

int um_listing_is_stream(const um_request_t *request)
{
    return request->media == UM_MEDIA_NDJSON || request->media == UM_MEDIA_CSV;
}

int um_listing_is_single(const um_listing_request_t *listing)
{
    return listing->list.after.key == NULL && listing->list.before.key == NULL
           && um_list_path_finds_one(&listing->list);
}

/* Does the database have to count? */
static int is_counted(const um_request_t *request, const um_listing_request_t *listing)
{
    return listing->wants_count && !um_listing_is_stream(request)
           && !um_listing_is_single(listing);
}

static apr_status_t answer_list(um_answer_t *answer, um_request_t *request,
                                um_listing_request_t *listing, int is_search)
{
    um_db_t *db = NULL;
    apr_status_t status = is_search ? um_store_open_search(&db, request->store, request->pool)
                                    : um_store_open(&db, request->store, request->pool);
    if (status == APR_SUCCESS) {
        status = find_cursors(answer, request, db, &listing->list);
    }
    if (status == APR_SUCCESS) {
        status = um_store_lists_plan(&listing->list, db, request->caller.org_id,
                                     is_counted(request, listing), request->pool);
    }
    if (status == APR_SUCCESS) {
        status = um_listing_is_stream(request)
                     ? um_listing_answer_stream(answer, request, db, listing)
                     : um_listing_answer_page(answer, request, db, listing);
    }
    um_db_close(db);
    return status;
}

/* The same, or a problem if the filter has to look at too many entries. */
static apr_status_t answer_in_time(um_answer_t *answer, um_request_t *request,
                                   um_listing_request_t *listing, int is_search)
{
    apr_status_t status = answer_list(answer, request, listing, is_search);

    if (status != APR_TIMEUP) {
        return status;
    }
    um_answer_init(answer, request->pool);
    return um_problem_answer(answer, 400, "too_many", request->pool,
                             "The filter has to look at too many entries: add a comparison by eq "
                             "or sw with user_uid, email, display_name or externalId.");
}

apr_status_t um_listing_answer(um_answer_t *answer, um_request_t *request,
                               um_listing_request_t *listing)
{
    apr_status_t status;

    if (request->faults.list != NULL) {
        return um_problem_answer_faults(answer, &request->faults);
    }
    if (!um_store_lists_is_search(&listing->list, is_counted(request, listing))) {
        return answer_in_time(answer, request, listing, 0);
    }
    status = um_store_begin_search(request->store, UM_STORE_SEARCH_WAIT);
    if (status == APR_SUCCESS) {
        status = answer_in_time(answer, request, listing, 1);
        um_store_end_search(request->store);
    }
    return status;
}

apr_status_t um_listing_handle(um_answer_t *answer, um_request_t *request,
                               const um_listing_kind_t *kind)
{
    um_listing_request_t listing;

    um_listing_read(&listing, request, kind);
    return um_listing_answer(answer, request, &listing);
}
