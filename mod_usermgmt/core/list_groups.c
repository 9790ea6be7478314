/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file list_groups.c What lists of groups can be asked for, see list.h. */

#include "../db/statements.h"
#include "filter_groups.h"
#include "store_lists.h"

#define BIT UM_LIST_BIT

enum { BY_ID, BY_DISPLAY_NAME };

static const um_list_order_t orders[] = {
    [BY_ID] = UM_ORDER_BY_KEY("group_id", NULL, "g.group_id"),
    [BY_DISPLAY_NAME] = UM_ORDER_BY_UNIQUE("display_name", NULL, "g.display_name_key",
                                           UM_FILL_VALUE),
};

/* clang-format off */
#define NO_ORDER { -1, { UM_BOUND_NONE, UM_BOUND_NONE } }
/* clang-format on */

static const um_list_condition_t conditions[] = {
    [UM_GROUPS_NAME_STARTS] = {
        .pieces = UM_SAME({ " AND g.display_name_key >= %s", UM_FILL_VALUE },
                          { " AND g.display_name_key < %s", UM_FILL_PREFIX_END }),
        .bounds = { { BY_DISPLAY_NAME, { UM_BOUND_FROM, UM_BOUND_BELOW } } },
        .has_one_plan = 1,
    },
    [UM_GROUPS_HAS_EXTERNAL_ID] = { .pieces = UM_SAME({ " AND g.external_id = %s", UM_FILL_VALUE }),
                          .leads_to_few = 1,
                          .has_one_plan = 1 },
    /* These are asked for by a filter. */
    [UM_GROUPS_HAS_ID] = { .pieces = UM_SAME({ " AND g.group_id = %s", UM_FILL_VALUE }),
                           .leads_to_few = 1,
                           .has_one_plan = 1 },
    [UM_GROUPS_HAS_NAME] = { .pieces = UM_SAME({ " AND g.display_name_key = %s", UM_FILL_VALUE }),
                             .leads_to_few = 1,
                             .has_one_plan = 1 },
    /* No group is found in both ways. */
    [UM_GROUPS_HAS_MEMBER] = {
        .pieces = UM_SAME({ " AND " UM_SQL_GROUP_IS_OF_USER " %s)", UM_FILL_VALUE }),
        .others = UM_SAME({ " AND " UM_SQL_GROUP_IS_OF_SUB_ADMIN " %s)", UM_FILL_VALUE }),
        .bounds = { NO_ORDER, NO_ORDER },
    },
};

static const um_list_junction_t memberships = {
    .from = " FROM group_members m",
    .joined = " CROSS JOIN user_groups g ON g.org_id = m.org_id AND g.group_id = m.group_id",
    .where = UM_LIST_WHERE("m"),
    .pieces = UM_SAME({ " AND m.user_uid = %s", UM_FILL_VALUE }),
};

static const um_list_filter_t filters[] = {
    { .name = "display_name", .value = UM_LIST_FOLDED_NAME, .condition = UM_GROUPS_NAME_STARTS },
    { .name = "external_id", .value = UM_LIST_TEXT, .condition = UM_GROUPS_HAS_EXTERNAL_ID },
    { .name = "user_uid", .value = UM_LIST_TEXT, .condition = UM_GROUPS_HAS_MEMBER },
    { .name = NULL },
};

/* clang-format off */
static const um_list_path_t paths[] = {
    { .index = "user_groups_by_external_id", .needs = BIT(UM_GROUPS_HAS_EXTERNAL_ID),
      .first = BIT(UM_GROUPS_HAS_EXTERNAL_ID), .orders = BIT(BY_ID) },
    { .index = NULL, .junction = &memberships, .needs = BIT(UM_GROUPS_HAS_MEMBER),
      .first = BIT(UM_GROUPS_HAS_MEMBER) },
    { .index = "user_groups_by_display_name",
      .first = BIT(UM_GROUPS_NAME_STARTS) | BIT(UM_GROUPS_HAS_NAME),
      .unique = BIT(UM_GROUPS_HAS_NAME), .orders = BIT(BY_DISPLAY_NAME) },
    { .index = "sqlite_autoindex_user_groups_1", .first = BIT(UM_GROUPS_HAS_ID),
      .second = BIT(UM_GROUPS_HAS_MEMBER), .unique = BIT(UM_GROUPS_HAS_ID), .orders = BIT(BY_ID) },
};
/* clang-format on */

#define GROUPS                                                                                   \
    .since = 4, .from = " FROM user_groups g", .joined = "", .where = UM_LIST_WHERE("g"),        \
    .count = UM_LIST_NO_COUNT, UM_LIST_ORDERS(orders), UM_LIST_CONDITIONS(conditions),           \
    UM_LIST_FILTERS(filters), UM_LIST_PATHS(paths), .attributes = &um_filter_groups

/* clang-format off */
const um_list_source_t um_list_groups = {
    .columns = UM_SQL_GROUP_COLUMNS ", " UM_SQL_GROUP_MEMBER_COUNT,
    GROUPS
};

const um_list_source_t um_list_groups_alone = {
    .columns = UM_SQL_GROUP_COLUMNS,
    GROUPS
};
/* clang-format on */
