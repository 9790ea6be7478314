/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file discovery.c SCIM's discovery without a login, see discovery.h. */

#include "discovery.h"

#include "../rest/router.h"
#include "config.h"
#include "handler.h"

/* The note of a request that passed without a login. */
#define ADMITTED_NOTE "usermgmt-discovery"

/* A request with a token is checked like any other, so that a client learns of a token that does
 * not hold. */
int um_discovery_admit(request_rec *r)
{
    if (!um_config_is_ours(r) || um_config_directory(r)->scim_public_discovery != 1
        || r->method_number != M_GET || apr_table_get(r->headers_in, "Authorization") != NULL
        || !um_router_is_public(um_config_service(r), um_handler_path(r), r->pool)) {
        return DECLINED;
    }
    apr_table_setn(r->notes, ADMITTED_NOTE, "1");
    return OK;
}

int um_discovery_guard(request_rec *r)
{
    return apr_table_get(r->notes, ADMITTED_NOTE) != NULL && !um_config_is_ours(r)
               ? HTTP_FORBIDDEN
               : DECLINED;
}
