/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file users.c The resource /Users, see users.h. */

#include "users.h"

#include "../api/user_json.h"
#include "../core/user_reads.h"
#include "error.h"
#include "resource.h"
#include "user.h"

static apr_status_t answer_not_found(um_answer_t *answer, apr_pool_t *pool)
{
    return um_scim_error_refuse(answer, 404, NULL, pool, "There is no such user.");
}

static void answer_user(um_answer_t *answer, int status, const um_user_t *user,
                        const um_request_t *request)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 1024, request->pool);
    um_scim_user_put(&buffer, user, request);
    um_answer_json(answer, status, &buffer);
    um_answer_set_header(answer, "ETag", um_user_etag(user, request->pool));
    um_answer_set_header(answer, "Location", um_scim_url(request, "Users", user->uid));
}

static apr_status_t read_user(um_answer_t *answer, um_request_t *request, const char *uid)
{
    um_user_t *user = NULL;
    apr_status_t status = um_user_reads_get(&user, request->store, request->caller.org_id, uid,
                                            request->pool);

    if (status == UM_ENOTFOUND) {
        return answer_not_found(answer, request->pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    answer_user(answer, 200, user, request);
    um_answer_revalidate(answer, request);
    return APR_SUCCESS;
}

apr_status_t um_scim_users_get(um_answer_t *answer, um_request_t *request)
{
    return read_user(answer, request, request->id);
}

apr_status_t um_scim_users_me(um_answer_t *answer, um_request_t *request)
{
    if (request->caller.key_id != NULL) {
        return um_scim_error_refuse(answer, 501, NULL, request->pool,
                                    "An API key is not a user.");
    }
    request->target = request->caller.uid;
    return read_user(answer, request, request->caller.uid);
}
