/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file list_sessions.c What lists of sessions can be asked for, see list.h. */

#include "store.h"

#include "../db/statements.h"
#include "store_lists.h"

#define BIT UM_LIST_BIT

enum { BY_UID, BY_STARTED_AT };

static const um_list_order_t orders[] = {
    [BY_UID] = UM_ORDER_BY_KEY("session_uid", NULL, "e.session_uid"),
    [BY_STARTED_AT] = UM_ORDER_BY_INTEGER("started_at", "e.started_at", "e.session_uid"),
};

enum { IS_OF_USER, IS_IN_ACTIVITY, STARTED_AFTER, STARTED_BEFORE };

static const um_list_condition_t conditions[] = {
    [IS_OF_USER] = { .pieces = UM_SAME({ " AND e.user_uid = %s", UM_FILL_VALUE }) },
    [IS_IN_ACTIVITY] = { .pieces = UM_SAME({ " AND e.activity = %s", UM_FILL_VALUE }) },
    [STARTED_AFTER] = { .pieces = UM_SAME({ " AND e.started_at > %lld", UM_FILL_VALUE }),
                        .bounds = { { BY_STARTED_AT, { UM_BOUND_ABOVE, UM_BOUND_NONE } } } },
    [STARTED_BEFORE] = { .pieces = UM_SAME({ " AND e.started_at < %lld", UM_FILL_VALUE }),
                         .bounds = { { BY_STARTED_AT, { UM_BOUND_BELOW, UM_BOUND_NONE } } } },
};

static const um_list_filter_t filters[] = {
    { .name = "user_uid", .value = UM_LIST_TEXT, .condition = IS_OF_USER },
    { .name = "activity", .value = UM_LIST_TEXT, .condition = IS_IN_ACTIVITY },
    { .name = "started_after", .value = UM_LIST_INSTANT, .condition = STARTED_AFTER },
    { .name = "started_before", .value = UM_LIST_INSTANT_UP, .condition = STARTED_BEFORE },
    { .name = NULL },
};

#define STARTED (BIT(STARTED_AFTER) | BIT(STARTED_BEFORE))

static const um_list_path_t paths[] = {
    { .index = "sessions_by_user",
      .needs = BIT(IS_OF_USER),
      .first = BIT(IS_OF_USER) | BIT(IS_IN_ACTIVITY) },
    { .index = "sessions_by_activity",
      .needs = BIT(IS_IN_ACTIVITY),
      .first = BIT(IS_IN_ACTIVITY),
      .orders = BIT(BY_UID) },
    { .index = "sessions_by_started_at", .first = STARTED, .orders = BIT(BY_STARTED_AT) },
    { .index = "sqlite_autoindex_sessions_1", .orders = BIT(BY_UID) },
};

const um_list_source_t um_list_sessions = {
    .columns = UM_SQL_SESSION_COLUMNS,
    .from = " FROM sessions e",
    .joined = "",
    .where = UM_LIST_WHERE("e"),
    .count = UM_STMT_SESSION_COUNT,
    UM_LIST_ORDERS(orders),
    UM_LIST_CONDITIONS(conditions),
    UM_LIST_FILTERS(filters),
    UM_LIST_PATHS(paths),
};
