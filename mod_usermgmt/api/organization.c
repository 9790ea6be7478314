/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file organization.c The resource organization-status/. */

#include "organization.h"

#include "../rest/problem.h"

static void put_text(um_buffer_t *buffer, const char *name, const char *text)
{
    um_buffer_puts(buffer, name);
    um_json_put_string_or_null(buffer, text);
}

static void put_number(um_buffer_t *buffer, const char *name, apr_int64_t number)
{
    um_buffer_puts(buffer, name);
    um_buffer_put_int(buffer, number);
}

static void put_activities(um_buffer_t *buffer, const apr_array_header_t *activities)
{
    um_buffer_puts(buffer, ",\"activities\":[");
    for (int i = 0; i < activities->nelts; i++) {
        if (i > 0) {
            um_buffer_putc(buffer, ',');
        }
        um_json_put_string(buffer, APR_ARRAY_IDX(activities, i, const char *));
    }
    um_buffer_putc(buffer, ']');
}

static void answer_status(um_answer_t *answer, const um_request_t *request,
                          const um_organization_status_t *organization)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 512, request->pool);
    put_number(&buffer, "{\"session_count\":", organization->session_count);
    put_text(&buffer, ",\"user_uid\":", request->caller.uid);
    put_text(&buffer, ",\"role\":", um_role_name(request->caller.role));
    put_text(&buffer, ",\"payment_type\":", organization->payment_type);
    put_activities(&buffer, organization->activities);
    put_text(&buffer, ",\"organization\":", organization->name);
    put_number(&buffer, ",\"user_count\":", organization->user_count);
    put_number(&buffer, ",\"sub_admin_count\":", organization->sub_admin_count);
    put_number(&buffer, ",\"pending_invitation_count\":", organization->pending_invitation_count);
    um_buffer_putc(&buffer, '}');
    um_answer_json(answer, 200, &buffer);
}

apr_status_t um_organization_status(um_answer_t *answer, um_request_t *request)
{
    const um_host_t *host = um_store_host(request->store);
    um_organization_status_t *organization = NULL;
    um_db_t *db = NULL;
    apr_status_t status;

    if (request->faults.list != NULL) {
        um_problem_answer_faults(answer, &request->faults);
        return APR_SUCCESS;
    }
    status = um_store_open(&db, request->store, request->pool);
    if (status == APR_SUCCESS) {
        status = um_store_organizations_get_status(&organization, db, request->caller.org_id,
                                                   apr_time_as_msec(host->now(host->baton)),
                                                   request->pool);
    }
    um_db_close(db);
    if (status == APR_SUCCESS) {
        answer_status(answer, request, organization);
    }
    return status;
}
