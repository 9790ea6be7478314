/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file user.c The user as a resource of SCIM, see user.h. */

#include "user.h"

#include "../api/user_json.h"
#include "resource.h"

#define CORE "urn:ietf:params:scim:schemas:core:2.0:User"

static void put_meta(um_buffer_t *buffer, const um_user_t *user, const um_request_t *request)
{
    um_json_put_name(buffer, "meta");
    um_buffer_putc(buffer, '{');
    um_json_put_member(buffer, "resourceType", "User");
    um_json_put_member_instant(buffer, "created", user->created_at);
    um_json_put_member_instant(buffer, "lastModified", user->updated_at);
    um_json_put_member(buffer, "location", um_scim_url(request, "Users", user->uid));
    um_json_put_member(buffer, "version", um_user_etag(user, request->pool));
    um_buffer_putc(buffer, '}');
}

void um_scim_user_put(um_buffer_t *buffer, const um_user_t *user, const um_request_t *request)
{
    um_buffer_puts(buffer, "{\"schemas\":[\"" CORE "\"]");
    um_json_put_member(buffer, "id", user->uid);
    um_json_put_member(buffer, "userName", user->email);
    um_json_put_member(buffer, "displayName", user->display_name);
    um_json_put_member_bool(buffer, "active", !user->is_suspended);
    put_meta(buffer, user, request);
    um_buffer_putc(buffer, '}');
}
