/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file discovery.c What the service can do, see discovery.h. */

#include "discovery.h"

#include "resource.h"

/* The members that are the same everywhere. */
static const char service_provider_config[] =
    "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig\"],"
    "\"patch\":{\"supported\":true},"
    "\"bulk\":{\"supported\":false,\"maxOperations\":0,\"maxPayloadSize\":0},"
    "\"filter\":{\"supported\":false,\"maxResults\":0},"
    "\"changePassword\":{\"supported\":false},"
    "\"sort\":{\"supported\":false},"
    "\"etag\":{\"supported\":true},"
    "\"authenticationSchemes\":[{\"type\":\"oauthbearertoken\",\"name\":\"API key\","
    "\"description\":\"An API key that has the permission scim, as a bearer token.\","
    "\"specUri\":\"https://www.rfc-editor.org/info/rfc6750\",\"primary\":true}]";

apr_status_t um_scim_discovery_service_provider_config(um_answer_t *answer, um_request_t *request)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 1024, request->pool);
    um_buffer_puts(&buffer, service_provider_config);
    um_scim_put_meta(&buffer, "ServiceProviderConfig",
                     um_scim_url(request, "ServiceProviderConfig", NULL));
    um_buffer_putc(&buffer, '}');
    um_answer_json(answer, 200, &buffer);
    return APR_SUCCESS;
}
