/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file list_audit_events.c What lists of audit events can be asked for, see list.h. */

#include "store.h"

#include "../db/statements.h"
#include "store_lists.h"
#include "store_records.h"

#define BIT UM_LIST_BIT

enum { BY_UID };

/* An event's uid begins with its time. */
static const um_list_order_t orders[] = {
    [BY_UID] = UM_ORDER_BY_KEY("event_uid", "at", "e.event_uid"),
};

enum { HAS_ACTOR, HAS_ACTION, HAS_TARGET, IS_AFTER, IS_BEFORE };

static const um_list_condition_t conditions[] = {
    [HAS_ACTOR] = { .pieces = UM_SAME({ " AND e.actor_key = %s", UM_FILL_VALUE }) },
    [HAS_ACTION] = { .pieces = UM_SAME({ " AND e.action = %s", UM_FILL_VALUE }) },
    [HAS_TARGET] = { .pieces = UM_SAME({ " AND e.target = %s", UM_FILL_VALUE }) },
    [IS_AFTER] = { .pieces = UM_SAME({ " AND e.event_uid >= %s", UM_FILL_NEXT_UID }),
                   .bounds = { { BY_UID, { UM_BOUND_FROM, UM_BOUND_NONE } } } },
    [IS_BEFORE] = { .pieces = UM_SAME({ " AND e.event_uid < %s", UM_FILL_FIRST_UID }),
                    .bounds = { { BY_UID, { UM_BOUND_BELOW, UM_BOUND_NONE } } } },
};

static const um_list_filter_t filters[] = {
    { .name = "actor", .value = UM_LIST_IDENTITY, .condition = HAS_ACTOR },
    { .name = "action", .value = UM_LIST_TEXT, .condition = HAS_ACTION },
    { .name = "target", .value = UM_LIST_TEXT, .condition = HAS_TARGET },
    { .name = "at_after", .value = UM_LIST_INSTANT, .condition = IS_AFTER },
    { .name = "at_before", .value = UM_LIST_INSTANT_UP, .condition = IS_BEFORE },
    { .name = NULL },
};

#define TIMES (BIT(IS_AFTER) | BIT(IS_BEFORE))

static const um_list_path_t paths[] = {
    { .index = "audit_events_by_target",
      .needs = BIT(HAS_TARGET),
      .first = BIT(HAS_TARGET) | TIMES,
      .orders = BIT(BY_UID) },
    { .index = "audit_events_by_actor",
      .needs = BIT(HAS_ACTOR),
      .first = BIT(HAS_ACTOR) | TIMES,
      .orders = BIT(BY_UID) },
    { .index = "audit_events_by_action",
      .needs = BIT(HAS_ACTION),
      .first = BIT(HAS_ACTION) | TIMES,
      .orders = BIT(BY_UID) },
    { .index = "sqlite_autoindex_audit_events_1", .first = TIMES, .orders = BIT(BY_UID) },
};

const um_list_source_t um_list_audit_events = {
    .columns = UM_SQL_AUDIT_EVENT_COLUMNS ", " UM_SQL_AUDIT_EVENT_IDS,
    .columns_since = UM_AUDIT_IDS_SINCE,
    .older_columns = UM_SQL_AUDIT_EVENT_COLUMNS ", '', ''",
    .from = " FROM audit_events e",
    .joined = "",
    .where = UM_LIST_WHERE("e"),
    .count = UM_LIST_NO_COUNT,
    UM_LIST_ORDERS(orders),
    UM_LIST_CONDITIONS(conditions),
    UM_LIST_FILTERS(filters),
    UM_LIST_PATHS(paths),
};
