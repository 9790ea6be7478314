/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file list_path.c Indexes for lists, see list_path.h. */

#include "list_path.h"

#define BIT(id) (1u << (id))
#define AGES (BIT(UM_IF_EVENT_AFTER) | BIT(UM_IF_EVENT_BEFORE))
#define CREATED (BIT(UM_IF_USER_CREATED_AFTER) | BIT(UM_IF_USER_CREATED_BEFORE))
#define STATES (BIT(UM_IF_USER_IS_ACTIVE) | BIT(UM_IF_USER_IS_SUSPENDED))
#define STARTED (BIT(UM_IF_SESSION_STARTED_AFTER) | BIT(UM_IF_SESSION_STARTED_BEFORE))
#define STATUSES                                                                                  \
    (BIT(UM_IF_INVITATION_IS_PENDING) | BIT(UM_IF_INVITATION_IS_EXPIRED)                          \
     | BIT(UM_IF_INVITATION_IS_ACCEPTED) | BIT(UM_IF_INVITATION_IS_REVOKED))

/* Those that find few rows come first. */
static const um_list_path_t all_paths[] = {
    { .index = "users_by_email", .source = UM_LIST_OF_USERS,
      .first = BIT(UM_IF_USER_EMAIL), .second = BIT(UM_IF_USER_NAME_OR_EMAIL_STARTS),
      .unique = BIT(UM_IF_USER_EMAIL), .orders = BIT(UM_USERS_BY_EMAIL) },
    { .index = "users_by_phone", .source = UM_LIST_OF_USERS,
      .needs = BIT(UM_IF_USER_PHONE), .first = BIT(UM_IF_USER_PHONE),
      .orders = BIT(UM_USERS_BY_UID) },
    { .index = NULL, .source = UM_LIST_OF_USERS,
      .needs = BIT(UM_IF_USER_IS_SUB_ADMIN), .first = BIT(UM_IF_USER_IS_SUB_ADMIN) },
    { .index = "users_by_display_name", .source = UM_LIST_OF_USERS,
      .first = BIT(UM_IF_USER_NAME_STARTS) | BIT(UM_IF_USER_NAME_OR_EMAIL_STARTS),
      .second = BIT(UM_IF_USER_NAME_STARTS), .orders = BIT(UM_USERS_BY_DISPLAY_NAME) },
    { .index = "users_by_active", .source = UM_LIST_OF_USERS, .needs = STATES,
      .first = STATES, .orders = BIT(UM_USERS_BY_UID) },
    { .index = "users_by_created_at", .source = UM_LIST_OF_USERS,
      .first = CREATED, .second = CREATED, .orders = BIT(UM_USERS_BY_CREATED_AT) },
    { .index = "sqlite_autoindex_users_1", .source = UM_LIST_OF_USERS,
      .orders = BIT(UM_USERS_BY_UID) },
    { .index = "invitations_by_status", .source = UM_LIST_OF_INVITATIONS, .needs = STATUSES,
      .first = STATUSES, .second = STATUSES, .orders = BIT(UM_INVITATIONS_BY_TOKEN) },
    { .index = "sqlite_autoindex_invitations_1", .source = UM_LIST_OF_INVITATIONS,
      .orders = BIT(UM_INVITATIONS_BY_TOKEN) },
    { .index = "sessions_by_user", .source = UM_LIST_OF_SESSIONS,
      .needs = BIT(UM_IF_SESSION_USER),
      .first = BIT(UM_IF_SESSION_USER) | BIT(UM_IF_SESSION_ACTIVITY) },
    { .index = "sessions_by_activity", .source = UM_LIST_OF_SESSIONS,
      .needs = BIT(UM_IF_SESSION_ACTIVITY), .first = BIT(UM_IF_SESSION_ACTIVITY),
      .orders = BIT(UM_SESSIONS_BY_UID) },
    { .index = "sessions_by_started_at", .source = UM_LIST_OF_SESSIONS, .first = STARTED,
      .orders = BIT(UM_SESSIONS_BY_STARTED_AT) },
    { .index = "sqlite_autoindex_sessions_1", .source = UM_LIST_OF_SESSIONS,
      .orders = BIT(UM_SESSIONS_BY_UID) },
    { .index = "audit_events_by_target", .source = UM_LIST_OF_AUDIT_EVENTS,
      .needs = BIT(UM_IF_EVENT_TARGET), .first = BIT(UM_IF_EVENT_TARGET) | AGES,
      .orders = BIT(UM_AUDIT_EVENTS_BY_UID) },
    { .index = "audit_events_by_actor", .source = UM_LIST_OF_AUDIT_EVENTS,
      .needs = BIT(UM_IF_EVENT_ACTOR), .first = BIT(UM_IF_EVENT_ACTOR) | AGES,
      .orders = BIT(UM_AUDIT_EVENTS_BY_UID) },
    { .index = "audit_events_by_action", .source = UM_LIST_OF_AUDIT_EVENTS,
      .needs = BIT(UM_IF_EVENT_ACTION), .first = BIT(UM_IF_EVENT_ACTION) | AGES,
      .orders = BIT(UM_AUDIT_EVENTS_BY_UID) },
    { .index = "sqlite_autoindex_audit_events_1", .source = UM_LIST_OF_AUDIT_EVENTS,
      .first = AGES, .orders = BIT(UM_AUDIT_EVENTS_BY_UID) },
};

#define PATH_COUNT (sizeof(all_paths) / sizeof(all_paths[0]))

static unsigned bits_of(const um_list_t *list)
{
    unsigned bits = 0;

    for (int i = 0; list->conditions != NULL && i < list->conditions->nelts; i++) {
        bits |= BIT(APR_ARRAY_IDX(list->conditions, i, um_condition_t).id);
    }
    return bits;
}

static unsigned served(const um_list_path_t *path, um_list_way_t way)
{
    switch (way) {
    case UM_LIST_FIRST_WAY:
        return path->first;
    case UM_LIST_SECOND_WAY:
        /* Those that are met in one way only are met in the first. */
        return path->second | (path->first & ~BIT(UM_IF_USER_NAME_OR_EMAIL_STARTS));
    default:
        return path->first | path->second;
    }
}

int um_list_path_serves(const um_list_path_t *path, um_condition_id_t id, um_list_way_t way)
{
    return (served(path, way) & BIT(id)) != 0;
}

int um_list_path_find(const um_list_path_t *paths[UM_LIST_PATHS_MAX], const um_list_t *list,
                      um_list_way_t way)
{
    unsigned given = bits_of(list);
    int count = 0;

    for (size_t i = 0; i < PATH_COUNT && count < UM_LIST_PATHS_MAX; i++) {
        const um_list_path_t *path = &all_paths[i];

        if (path->source == list->source && (served(path, way) & given) != 0
            && (path->needs == 0 || (path->needs & given) != 0)) {
            paths[count++] = path;
        }
    }
    return count;
}

const um_list_path_t *um_list_path_of_order(const um_list_t *list)
{
    for (size_t i = 0; i < PATH_COUNT; i++) {
        const um_list_path_t *path = &all_paths[i];

        if (path->source == list->source && path->needs == 0
            && um_list_path_gives_order(path, list)) {
            return path;
        }
    }
    return NULL;
}

const um_list_path_t *um_list_path_of_keys(const um_list_t *list)
{
    um_list_t by_key = { .source = list->source, .order = 0 };

    return um_list_path_of_order(&by_key);
}

int um_list_path_gives_order(const um_list_path_t *path, const um_list_t *list)
{
    return (path->orders & BIT(list->order)) != 0;
}

int um_list_path_is_unique(const um_list_path_t *path, const um_list_t *list)
{
    return (path->unique & bits_of(list)) != 0;
}
