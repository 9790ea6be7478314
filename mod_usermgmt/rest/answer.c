/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file answer.c Answers, and the names of roles; see request.h. */

#include "request.h"

#include <string.h>

#include <apr_strings.h>
#include <xxhash.h>

#include "negotiate.h"

const char *um_role_name(um_role_t role)
{
    static const char *const names[] = {
        [UM_ROLE_NONE] = "none",
        [UM_ROLE_SUB_ADMIN] = "sub_admin",
        [UM_ROLE_ADMIN] = "admin",
    };

    return names[role];
}

void um_answer_init(um_answer_t *answer, apr_pool_t *pool)
{
    memset(answer, 0, sizeof(*answer));
    answer->headers = apr_table_make(pool, 6);
}

void um_answer_set_header(um_answer_t *answer, const char *name, const char *value)
{
    apr_table_setn(answer->headers, name, value);
}

void um_answer_json(um_answer_t *answer, int status, const um_buffer_t *buffer)
{
    answer->status = status;
    answer->content_type = UM_JSON;
    answer->body = buffer->data;
    answer->length = buffer->length;
}

void um_answer_message(um_answer_t *answer, const char *message, apr_pool_t *pool)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 128, pool);
    um_buffer_putc(&buffer, '{');
    um_json_put_member(&buffer, "message", message);
    um_buffer_putc(&buffer, '}');
    um_answer_json(answer, 200, &buffer);
}

const char *um_answer_etag(const char *json, apr_pool_t *pool)
{
    return apr_psprintf(pool, "\"%016" APR_UINT64_T_HEX_FMT "\"",
                        (apr_uint64_t)XXH3_64bits(json, strlen(json)));
}

void um_answer_revalidate(um_answer_t *answer, const um_request_t *request)
{
    const char *none_match = apr_table_get(request->headers, "If-None-Match");
    const char *etag = apr_table_get(answer->headers, "ETag");
    const char *matched = NULL;

    if (none_match != NULL) {
        matched = um_negotiate_matched_etag(none_match, etag, request->pool);
    }
    if (matched == NULL) {
        return;
    }
    answer->status = 304;
    answer->content_type = NULL;
    answer->body = NULL;
    answer->length = 0;
    answer->client_etag = strcmp(matched, etag) != 0 ? matched : NULL;
}
