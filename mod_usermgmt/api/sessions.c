/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file sessions.c The resource sessions/. */

#include "sessions.h"

#include "../base/instant.h"
#include "../base/uid.h"
#include "../core/store_lists.h"
#include "../core/store_sessions.h"
#include "../core/store_users.h"
#include "../rest/body.h"
#include "../rest/change.h"
#include "../rest/entry.h"
#include "users.h"

/* Milliseconds by which the clock of an application may be ahead. */
#define SKEW_MAX 60000

static void put_session(um_buffer_t *buffer, const um_user_session_t *session)
{
    um_buffer_putc(buffer, '{');
    um_json_put_member(buffer, "session_uid", session->uid);
    um_json_put_member(buffer, "user_uid", session->user_uid);
    um_json_put_member(buffer, "activity", session->activity);
    um_json_put_member_instant(buffer, "started_at", session->started_at);
    um_json_put_member_instant(buffer, "last_used_at", session->last_used_at);
    um_buffer_putc(buffer, '}');
}

/* ---- list and read ---- */

void um_sessions_put(um_buffer_t *buffer, const um_row_t *row, apr_int64_t now)
{
    um_user_session_t session;

    (void)now;
    um_store_sessions_read(&session, row);
    put_session(buffer, &session);
}

static const um_listing_kind_t kind = {
    .source = &um_list_sessions,
    .member = "sessions",
    .entry = "session",
    .first = "first_uid",
    .last = "last_uid",
    .key = "session_uid",
    .key_detail = "It must be a session_uid.",
    .not_found = { "session_not_found", "There is no such session." },
    .put = um_sessions_put,
    .columns = "session_uid,user_uid,activity,started_at,last_used_at",
};

apr_status_t um_sessions_list(um_answer_t *answer, um_request_t *request)
{
    return um_listing_handle(answer, request, &kind);
}

apr_status_t um_sessions_get(um_answer_t *answer, um_request_t *request)
{
    return um_entry_answer(answer, request, &kind);
}

/* ---- create ---- */

/* A session that an application reports. */
typedef struct um_report_t {
    const char *user_uid;
    const char *activity;
    int has_started_at;
    apr_int64_t started_at;
} um_report_t;

static apr_status_t answer_created(um_answer_t *answer, um_change_t *change, um_db_t *db,
                                   const um_user_session_t *session)
{
    um_request_t *request = change->request;
    um_buffer_t json;

    um_buffer_init(&json, 256, request->pool);
    put_session(&json, session);
    um_entry_answer_json(answer, 201, &kind, json.data, request->pool);
    um_entry_set_location(answer, request, "sessions", session->uid);
    request->target = session->uid;
    return um_change_audit(change, db, session->uid, NULL, json.data);
}

static apr_status_t insert(um_answer_t *answer, um_change_t *change, um_db_t *db, void *baton)
{
    const um_report_t *report = baton;
    um_request_t *request = change->request;
    apr_int64_t org_id = request->caller.org_id;
    char *uid = apr_palloc(request->pool, UM_UID_LENGTH + 1);
    apr_int64_t started_at = report->has_started_at ? report->started_at : change->now_ms;
    um_user_session_t session = { uid, report->user_uid, report->activity, started_at,
                                  started_at };
    apr_status_t status;

    status = um_store_users_keep(db, org_id, report->user_uid, request->pool);
    if (status == UM_ENOTFOUND) {
        return um_users_answer_not_found(answer, request->pool);
    }
    if (status == APR_SUCCESS) {
        status = um_change_check_match(answer, change, NULL);
    }
    if (status == APR_SUCCESS) {
        status = um_uid_make(uid, change->now, &um_db_host(db)->random);
    }
    if (status == APR_SUCCESS) {
        status = um_store_sessions_insert(db, org_id, &session, request->pool);
    }
    return status == APR_SUCCESS ? answer_created(answer, change, db, &session) : status;
}

/* The text of a necessary member. */
static const char *read_required(um_request_t *request, const char *name)
{
    if (um_body_member(request, name) == NULL) {
        um_faults_add(&request->faults, name, "required", "It must be given.");
        return NULL;
    }
    return um_body_text(request, name);
}

static void read_started_at(um_report_t *report, um_request_t *request)
{
    const um_host_t *host = um_store_host(request->store);
    const char *text = um_body_text(request, "started_at");

    if (text == NULL) {
        return;
    }
    report->has_started_at = 1;
    if (!um_instant_parse(&report->started_at, text)) {
        um_faults_add(&request->faults, "started_at", "invalid_value",
                      "It must be a time as in RFC 3339.");
    } else if (report->started_at > apr_time_as_msec(host->now(host->baton)) + SKEW_MAX) {
        um_faults_add(&request->faults, "started_at", "invalid_value",
                      "It must not be in the future.");
    }
}

static void read_report(um_report_t *report, um_request_t *request)
{
    report->user_uid = read_required(request, "user_uid");
    report->activity = read_required(request, "activity");
    read_started_at(report, request);
    um_body_refuse_others(request, "user_uid", "activity", "started_at", NULL);
    if (report->user_uid != NULL) {
        um_faults_add_violation(&request->faults, "user_uid",
                                um_rules_check_uid(report->user_uid));
    }
    if (report->activity != NULL) {
        um_faults_add_violation(&request->faults, "activity",
                                um_rules_check_activity(report->activity));
    }
}

apr_status_t um_sessions_create(um_answer_t *answer, um_request_t *request)
{
    um_report_t report = { 0 };

    read_report(&report, request);
    return um_change_run(answer, request, insert, &report);
}
