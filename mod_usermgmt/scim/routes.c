/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file routes.c The table of routes, see routes.h. */

#include "routes.h"

#include "bulk.h"
#include "discovery.h"
#include "error.h"
#include "groups.h"
#include "lists.h"
#include "users.h"

#define SCIM "application/scim+json"

/* Limits of bodies: none but "{}", and a resource, whose members that are kept as they are take
 * up to 64 KiB and may have an escape for each character. */
#define SMALL 4096
#define RESOURCE 524288
/* A group with some hundred thousand members; UserMgmtMaxBody allows a mebibyte by default. */
#define GROUP 67108864
/* What a list is asked for: a filter and names of attributes. */
#define SEARCH 65536

/* clang-format off */
const um_route_t um_scim_routes[] = {
    { "GET", "ServiceProviderConfig", UM_PERMIT_SCIM, "scim.discovery", um_scim_discovery_config,
      UM_ROUTE_IS_PUBLIC, 0 },
    { "GET", "ResourceTypes", UM_PERMIT_SCIM, "scim.discovery", um_scim_discovery_types,
      UM_ROUTE_IS_PUBLIC, 0 },
    { "GET", "ResourceTypes/*", UM_PERMIT_SCIM, "scim.discovery", um_scim_discovery_type,
      UM_ROUTE_IS_PUBLIC, 0 },
    { "GET", "Schemas", UM_PERMIT_SCIM, "scim.discovery", um_scim_discovery_schemas,
      UM_ROUTE_IS_PUBLIC, 0 },
    { "GET", "Schemas/*", UM_PERMIT_SCIM, "scim.discovery", um_scim_discovery_schema,
      UM_ROUTE_IS_PUBLIC, 0 },
    { "POST", "Bulk", UM_PERMIT_SCIM, "scim.bulk", um_scim_bulk, UM_ROUTE_HAS_MANY_VALUES,
      UM_SCIM_BULK_PAYLOAD_MAX },
    { "GET", "Me", UM_PERMIT_SCIM, "scim.me", um_scim_users_me, 0, 0 },
    { "POST", ".search", UM_PERMIT_SCIM, "scim.search", um_scim_lists_all,
      UM_ROUTE_HAS_PARAMETERS, SEARCH },
    { "GET", "Users", UM_PERMIT_SCIM, "scim_users.list", um_scim_lists_users,
      UM_ROUTE_HAS_PARAMETERS, 0 },
    { "POST", "Users/.search", UM_PERMIT_SCIM, "scim_users.list", um_scim_lists_users,
      UM_ROUTE_HAS_PARAMETERS, SEARCH },
    { "POST", "Users", UM_PERMIT_SCIM, "scim_users.create", um_scim_users_create, 0, RESOURCE },
    { "GET", "Users/*", UM_PERMIT_SCIM, "scim_users.get", um_scim_users_get, 0, 0 },
    { "PUT", "Users/*", UM_PERMIT_SCIM, "scim_users.replace", um_scim_users_replace, 0, RESOURCE },
    { "PATCH", "Users/*", UM_PERMIT_SCIM, "scim_users.patch", um_scim_users_patch, 0, RESOURCE },
    { "DELETE", "Users/*", UM_PERMIT_SCIM, "scim_users.delete", um_scim_users_delete, 0, SMALL },
    { "GET", "Groups", UM_PERMIT_SCIM, "scim_groups.list", um_scim_lists_groups,
      UM_ROUTE_HAS_PARAMETERS, 0 },
    { "POST", "Groups/.search", UM_PERMIT_SCIM, "scim_groups.list", um_scim_lists_groups,
      UM_ROUTE_HAS_PARAMETERS, SEARCH },
    { "POST", "Groups", UM_PERMIT_SCIM, "scim_groups.create", um_scim_groups_create,
      UM_ROUTE_HAS_MANY_VALUES, GROUP },
    { "GET", "Groups/*", UM_PERMIT_SCIM, "scim_groups.get", um_scim_groups_get, 0, 0 },
    { "PUT", "Groups/*", UM_PERMIT_SCIM, "scim_groups.replace", um_scim_groups_replace,
      UM_ROUTE_HAS_MANY_VALUES, GROUP },
    { "PATCH", "Groups/*", UM_PERMIT_SCIM, "scim_groups.patch", um_scim_groups_patch,
      UM_ROUTE_HAS_MANY_VALUES, GROUP },
    { "DELETE", "Groups/*", UM_PERMIT_SCIM, "scim_groups.delete", um_scim_groups_delete, 0, SMALL },
    { NULL, NULL, 0, NULL, NULL, 0, 0 },
};
/* clang-format on */

const um_service_t um_scim_service = {
    .routes = um_scim_routes,
    .media_type = SCIM,
    .problem_type = SCIM,
    .put_problem = um_scim_error_put,
    .ignores_parameters = 1,
    .takes_weak_etags = 1,
};
