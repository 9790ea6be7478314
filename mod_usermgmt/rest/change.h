/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_REST_CHANGE_H
#define UM_REST_CHANGE_H

/**
 * @file change.h
 * A request that changes something. One transaction has the change, its audit event and,
 * if the request has an Idempotency-Key, the stored answer.
 */

#include "../core/store_records.h"
#include "request.h"

typedef struct um_change_t um_change_t;

/**
 * Makes the change and fills in answer. It may run in another thread than the request (SQLite's
 * writer). It may run more than once, each time with an empty answer. Whatever it returns except
 * APR_SUCCESS rolls everything back.
 * @return APR_SUCCESS; UM_EREFUSED if answer is a problem; or the error of a store function
 */
typedef apr_status_t um_change_make_t(um_answer_t *answer, um_change_t *change, um_db_t *db,
                                      void *baton);

struct um_change_t {
    um_request_t *request;
    /** The time of the change, microseconds and milliseconds since 1970. */
    apr_time_t now;
    apr_int64_t now_ms;
    /** How many audit events it has so far. */
    int events;
};

/** Run a change and answer. If the request has faults, they are the answer. APR_SUCCESS;
 *  UM_EREFUSED if answer is a problem, and nothing was changed; or the error of a store
 *  function. */
apr_status_t um_change_run(um_answer_t *answer, um_request_t *request, um_change_make_t *make,
                           void *baton);

/** The audit event of a change, for a store function that writes it; before and after are JSON
 *  texts or NULL. */
um_audit_event_t um_change_event(um_change_t *change, const char *action, const char *target,
                                 const char *before, const char *after);

/** Write the audit event of a change; before and after are JSON texts or NULL. */
apr_status_t um_change_audit(um_change_t *change, um_db_t *db, const char *target,
                             const char *before, const char *after);

/** The same for an additional change that has another action than the request. */
apr_status_t um_change_audit_as(um_change_t *change, um_db_t *db, const char *action,
                                const char *target, const char *before, const char *after);

/** Check the request's If-Match and If-None-Match against the ETag of the object to change; NULL
 *  if the object is new. APR_SUCCESS; or UM_EREFUSED, and answer is a 412. */
apr_status_t um_change_check_match(um_answer_t *answer, const um_change_t *change,
                                   const char *etag);

#endif
