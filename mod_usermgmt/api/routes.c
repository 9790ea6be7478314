/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file routes.c The table of routes, see routes.h. */

#include "routes.h"

#include "api_keys.h"
#include "audit_events.h"
#include "groups.h"
#include "invitations.h"
#include "organization.h"
#include "service.h"
#include "sessions.h"
#include "sub_admins.h"
#include "user_batch.h"
#include "users.h"

#define STREAMS (UM_ROUTE_HAS_PARAMETERS | UM_ROUTE_HAS_STREAMS)

/* Limits of bodies: a few short members; a body with a link of 2 KiB; and a user, whose
 * attributes of 16 KiB may have an escape for each character. */
#define SMALL 4096
#define LINK 8192
#define USER 131072

/* clang-format off */
const um_route_t um_api_routes[] = {
    { "GET", "", UM_PERMIT_ROLE, "service.index", um_service_index, 0, 0 },
    { "GET", "me", UM_PERMIT_ANYONE, "service.me", um_service_me, 0, 0 },
    { "GET", "openapi.json", UM_PERMIT_ROLE, "service.openapi", um_service_openapi, 0, 0 },
    { "GET", "users", UM_PERMIT_USERS_READ, "users.list", um_users_list, STREAMS, 0 },
    { "POST", "users", UM_PERMIT_USERS_CREATE, "users.create", um_users_create, 0, USER },
    { "PUT", "users", UM_PERMIT_USERS_UPDATE, "users.update", um_users_update, 0, USER },
    { "PATCH", "users", UM_PERMIT_USERS_UPDATE, "users.update", um_users_update, 0, USER },
    { "DELETE", "users", UM_PERMIT_USERS_DELETE, "users.delete", um_users_delete,
      UM_ROUTE_HAS_PARAMETERS, SMALL },
    { "POST", "users/batch", UM_PERMIT_USERS_WRITE, "users.batch", um_user_batch,
      UM_ROUTE_HAS_MANY_VALUES, UM_USER_BATCH_BODY_MAX },
    { "GET", "users/*", UM_PERMIT_USERS_READ, "users.get", um_users_get, UM_ROUTE_HAS_PARAMETERS,
      0 },
    { "PUT", "users/*", UM_PERMIT_USERS_UPDATE, "users.update", um_users_update, 0, USER },
    { "PATCH", "users/*", UM_PERMIT_USERS_UPDATE, "users.update", um_users_update, 0, USER },
    { "DELETE", "users/*", UM_PERMIT_USERS_DELETE, "users.delete", um_users_delete,
      UM_ROUTE_HAS_PARAMETERS, SMALL },
    { "GET", "groups", UM_PERMIT_USERS_READ, "groups.list", um_groups_list,
      STREAMS, 0 },
    { "POST", "groups", UM_PERMIT_GROUPS_MANAGE, "groups.create", um_groups_create, 0, SMALL },
    { "POST", "groups/*/members", UM_PERMIT_GROUPS_MANAGE, "groups.update", um_groups_add_member, 0,
      SMALL },
    { "DELETE", "groups/*/members", UM_PERMIT_GROUPS_MANAGE, "groups.update",
      um_groups_remove_member, 0, SMALL },
    { "GET", "groups/*", UM_PERMIT_USERS_READ, "groups.get", um_groups_get, 0, 0 },
    { "PUT", "groups/*", UM_PERMIT_GROUPS_MANAGE, "groups.update", um_groups_update, 0, SMALL },
    { "PATCH", "groups/*", UM_PERMIT_GROUPS_MANAGE, "groups.update", um_groups_update, 0, SMALL },
    { "DELETE", "groups/*", UM_PERMIT_GROUPS_MANAGE, "groups.delete", um_groups_delete, 0, SMALL },
    { "GET", "sub-admins", UM_PERMIT_SUB_ADMINS_READ, "sub_admins.list", um_sub_admins_list,
      STREAMS, 0 },
    { "POST", "sub-admins", UM_PERMIT_SUB_ADMINS_MANAGE, "sub_admins.create", um_sub_admins_create, 0,
      SMALL },
    { "DELETE", "sub-admins", UM_PERMIT_SUB_ADMINS_MANAGE, "sub_admins.delete", um_sub_admins_delete,
      0, SMALL },
    { "GET", "sub-admins/*", UM_PERMIT_SUB_ADMINS_READ, "sub_admins.get", um_sub_admins_get, 0, 0 },
    { "DELETE", "sub-admins/*", UM_PERMIT_SUB_ADMINS_MANAGE, "sub_admins.delete",
      um_sub_admins_delete, 0, SMALL },
    { "GET", "invitations", UM_PERMIT_INVITATIONS_READ, "invitations.list", um_invitations_list,
      STREAMS, 0 },
    { "POST", "invitations", UM_PERMIT_INVITATIONS_MANAGE, "invitations.create", um_invitations_create,
      0, LINK },
    { "DELETE", "invitations", UM_PERMIT_INVITATIONS_MANAGE, "invitations.revoke", um_invitations_delete,
      0, SMALL },
    { "POST", "invitations/resend", UM_PERMIT_INVITATIONS_MANAGE, "invitations.resend",
      um_invitations_resend, 0, SMALL },
    { "POST", "invitations/accept", UM_PERMIT_ANYONE, "invitations.accept",
      um_invitations_accept, 0, SMALL },
    { "GET", "invitations/*", UM_PERMIT_INVITATIONS_READ, "invitations.get", um_invitations_get, 0,
      0 },
    { "DELETE", "invitations/*", UM_PERMIT_INVITATIONS_MANAGE, "invitations.revoke",
      um_invitations_delete, 0, SMALL },
    { "GET", "sessions", UM_PERMIT_SESSIONS_READ, "sessions.list", um_sessions_list,
      STREAMS, 0 },
    { "POST", "sessions", UM_PERMIT_SESSIONS_REPORT, "sessions.create", um_sessions_create, 0,
      SMALL },
    { "GET", "sessions/*", UM_PERMIT_SESSIONS_READ, "sessions.get", um_sessions_get, 0, 0 },
    { "GET", "organization-status", UM_PERMIT_ROLE, "organization.status",
      um_organization_status, 0, 0 },
    { "GET", "organization-status/history", UM_PERMIT_ROLE, "organization.history",
      um_organization_history, UM_ROUTE_HAS_PARAMETERS, 0 },
    { "GET", "audit-events", UM_PERMIT_AUDIT_READ, "audit_events.list", um_audit_events_list,
      STREAMS, 0 },
    { "GET", "audit-events/*", UM_PERMIT_AUDIT_READ, "audit_events.get", um_audit_events_get, 0, 0 },
    { "GET", "api-keys", UM_PERMIT_KEYS_MANAGE, "api_keys.list", um_api_keys_list,
      STREAMS, 0 },
    { "POST", "api-keys", UM_PERMIT_KEYS_MANAGE, "api_keys.create", um_api_keys_create, 0, SMALL },
    { "GET", "api-keys/*", UM_PERMIT_KEYS_MANAGE, "api_keys.get", um_api_keys_get, 0, 0 },
    { "PATCH", "api-keys/*", UM_PERMIT_KEYS_MANAGE, "api_keys.update", um_api_keys_update, 0, SMALL },
    { "DELETE", "api-keys/*", UM_PERMIT_KEYS_MANAGE, "api_keys.revoke", um_api_keys_revoke, 0, SMALL },
    { "POST", "api-keys/*/rotate", UM_PERMIT_KEYS_MANAGE, "api_keys.rotate", um_api_keys_rotate, 0,
      SMALL },
    { NULL, NULL, 0, NULL, NULL, 0, 0 },
};
/* clang-format on */

const um_service_t um_api_service = {
    .routes = um_api_routes,
    .media_type = "application/json",
    .problem_type = "application/problem+json",
};
