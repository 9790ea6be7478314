/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file organization.c The resource organization-status/. */

#include "organization.h"

#include "../base/instant.h"
#include "../core/status_reads.h"
#include "../core/store_lists.h"
#include "../rest/problem.h"
#include "../rest/query.h"

#define DAYS_DEFAULT 30
#define DAYS_MAX 366
/* So many users, and so many sessions, are counted. */
#define COUNTED_MAX 250000
/* The length of "2026-11-30". */
#define DATE_LENGTH 10

static void answer_status(um_answer_t *answer, const um_request_t *request,
                          const um_organization_status_t *organization)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 512, request->pool);
    um_buffer_putc(&buffer, '{');
    um_json_put_member_int(&buffer, "session_count", organization->session_count);
    um_json_put_member_or_null(&buffer, "user_uid", request->caller.uid);
    um_json_put_member_or_null(&buffer, "role", um_role_name(request->caller.role));
    um_json_put_member_or_null(&buffer, "payment_type", organization->payment_type);
    um_json_put_member_strings(&buffer, "activities", organization->activities);
    um_json_put_member_or_null(&buffer, "organization", organization->name);
    um_json_put_member_int(&buffer, "user_count", organization->user_count);
    um_json_put_member_int(&buffer, "sub_admin_count", organization->sub_admin_count);
    um_json_put_member_int(&buffer, "pending_invitation_count",
                           organization->pending_invitation_count);
    um_buffer_putc(&buffer, '}');
    um_answer_json(answer, 200, &buffer);
}

apr_status_t um_organization_status(um_answer_t *answer, um_request_t *request)
{
    um_organization_status_t *organization = NULL;
    apr_status_t status = um_status_reads_get(&organization, request->store,
                                              request->caller.org_id, request->pool);

    if (status == APR_SUCCESS) {
        answer_status(answer, request, organization);
    }
    return status;
}

/* ---- the history ---- */

static void put_count(um_buffer_t *buffer, apr_int64_t count)
{
    if (count == UM_NOT_COUNTED) {
        um_buffer_puts(buffer, "null");
    } else {
        um_buffer_put_int(buffer, count);
    }
}

static void put_day(um_buffer_t *buffer, const um_history_t *history, int day)
{
    char date[UM_INSTANT_LENGTH + 1];

    um_instant_format(date, history->from + (apr_int64_t)day * UM_DAY);
    date[DATE_LENGTH] = '\0';
    um_buffer_putc(buffer, '{');
    um_json_put_member(buffer, "date", date);
    um_json_put_name(buffer, "users_created");
    put_count(buffer, history->counts[UM_HISTORY_USERS][day]);
    um_json_put_name(buffer, "sessions_started");
    put_count(buffer, history->counts[UM_HISTORY_SESSIONS][day]);
    um_buffer_putc(buffer, '}');
}

static void answer_history(um_answer_t *answer, const um_request_t *request,
                           const um_history_t *history)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 64 + (apr_size_t)history->days * 72, request->pool);
    um_buffer_putc(&buffer, '{');
    um_json_put_name(&buffer, "days");
    um_buffer_putc(&buffer, '[');
    for (int i = 0; i < history->days; i++) {
        if (i > 0) {
            um_buffer_putc(&buffer, ',');
        }
        put_day(&buffer, history, i);
    }
    um_buffer_puts(&buffer, "]}");
    um_answer_json(answer, 200, &buffer);
}

/* The number of days that is asked for; a fault of the request if it is not good. */
static int read_days(um_request_t *request)
{
    apr_int64_t days = DAYS_DEFAULT;
    const char *value = um_query_only(request, "days");

    if (value != NULL && !um_query_number(&days, value, 1, DAYS_MAX)) {
        um_faults_add(&request->faults, "days", "invalid_value",
                      "It must be a whole number from 1 to 366.");
    }
    return (int)days;
}

/* An expensive read where very many are new, so few of them run at a time. */
static apr_status_t get_history(um_history_t *history, const um_request_t *request)
{
    um_db_t *db = NULL;
    apr_status_t status = um_store_begin_search(request->store, UM_STORE_SEARCH_WAIT);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = um_store_open_search(&db, request->store, request->pool);
    if (status == APR_SUCCESS) {
        status = um_store_organizations_get_history(history, db, request->caller.org_id,
                                                    request->pool);
    }
    um_db_close(db);
    um_store_end_search(request->store);
    return status;
}

apr_status_t um_organization_history(um_answer_t *answer, um_request_t *request)
{
    const um_host_t *host = um_store_host(request->store);
    apr_int64_t now = apr_time_as_msec(host->now(host->baton));
    um_history_t history = { .days = read_days(request), .limit = COUNTED_MAX };
    apr_status_t status;

    if (request->faults.list != NULL) {
        return um_problem_answer_faults(answer, &request->faults);
    }
    history.from = now - now % UM_DAY - (history.days - 1) * (apr_int64_t)UM_DAY;
    status = get_history(&history, request);
    if (status == APR_SUCCESS) {
        answer_history(answer, request, &history);
    }
    return status;
}
