/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file organization.c The resource organization-status/. */

#include "organization.h"

#include "../core/status_reads.h"

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
