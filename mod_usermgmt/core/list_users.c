/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file list_users.c What lists of users and sub-admins can be asked for, see list.h. */

#include "store.h"

#include "../db/statements.h"
#include "filter_users.h"
#include "group.h"
#include "store_lists.h"
#include "store_users.h"

#define BIT UM_LIST_BIT

/* ---- users ---- */

enum { BY_UID, BY_CREATED_AT, BY_EMAIL, BY_DISPLAY_NAME, BY_USER_NAME };

/* The key of the name by which an identity provider knows a user. MariaDB, which has no indexes
 * on expressions, keeps it in a column. */
#define NAME_KEY "COALESCE(u.user_name_key, u.email_key)"
#define KEPT_NAME_KEY "u.user_name_or_email_key"

static const um_list_order_t by_kept_name = UM_ORDER_BY_UNIQUE(NULL, NULL, KEPT_NAME_KEY,
                                                               UM_FILL_VALUE);

static const um_list_order_t user_orders[] = {
    [BY_UID] = UM_ORDER_BY_KEY("user_uid", NULL, "u.user_uid"),
    [BY_CREATED_AT] = UM_ORDER_BY_INTEGER("created_at", "u.created_at", "u.user_uid"),
    [BY_EMAIL] = UM_ORDER_BY_UNIQUE("email", NULL, "u.email_key", UM_FILL_VALUE),
    [BY_DISPLAY_NAME] = UM_ORDER_BY_TEXT("display_name", "u.display_name_folded", "u.user_uid"),
    [BY_USER_NAME] = UM_ORDER_BY_EXPRESSION(NULL, NULL, NAME_KEY, UM_FILL_VALUE,
                                            UM_PROVISIONING_SINCE, &by_kept_name),
};

/* clang-format off */
#define RANGE(order) { order, { UM_BOUND_FROM, UM_BOUND_BELOW } }
#define ABOVE(order) { order, { UM_BOUND_ABOVE, UM_BOUND_NONE } }
#define BELOW(order) { order, { UM_BOUND_BELOW, UM_BOUND_NONE } }
/* clang-format on */

/* clang-format off */
#define NO_ORDER { -1, { UM_BOUND_NONE, UM_BOUND_NONE } }
#define STARTS(column, order)                                                                    \
    { .pieces = UM_SAME({ " AND " column " >= %s", UM_FILL_VALUE },                              \
                        { " AND " column " < %s", UM_FILL_PREFIX_END }),                         \
      .bounds = { RANGE(order), RANGE(order) }, .has_one_plan = 1 }
/* clang-format on */

static const um_list_condition_t user_conditions[] = {
    [UM_USERS_HAS_EMAIL] = { .pieces = UM_SAME({ " AND u.email_key = %s", UM_FILL_VALUE }),
                    .leads_to_few = 1,
                    .has_one_plan = 1 },
    [UM_USERS_HAS_PHONE] = { .pieces = UM_SAME({ " AND u.phone = %s", UM_FILL_VALUE }),
                    .leads_to_few = 1,
                    .has_one_plan = 1 },
    /* A comparison, since SQLite goes through all users for IS NOT NULL. */
    [UM_USERS_IS_SUB_ADMIN] = { .pieces = UM_SAME({ " AND s.user_uid <> ''", UM_FILL_NONE }) },
    [UM_USERS_IS_NO_SUB_ADMIN] = { .pieces = UM_SAME({ " AND s.user_uid IS NULL", UM_FILL_NONE }) },
    [UM_USERS_IS_ACTIVE] = { .pieces = UM_SAME({ " AND u.active = 1", UM_FILL_NONE }) },
    [UM_USERS_IS_SUSPENDED] = { .pieces = UM_SAME({ " AND u.active = 0", UM_FILL_NONE }) },
    [UM_USERS_NAME_STARTS] = {
        .pieces = UM_SAME({ " AND u.display_name_folded >= %s", UM_FILL_VALUE },
                          { " AND u.display_name_folded < %s", UM_FILL_PREFIX_END }),
        .bounds = { RANGE(BY_DISPLAY_NAME), RANGE(BY_DISPLAY_NAME) },
        .has_one_plan = 1,
    },
    [UM_USERS_NAME_OR_EMAIL_STARTS] = {
        .pieces = UM_SAME({ " AND u.display_name_folded >= %s", UM_FILL_VALUE },
                          { " AND u.display_name_folded < %s", UM_FILL_PREFIX_END }),
        .others = UM_SAME({ " AND u.email_key >= %s", UM_FILL_KEY },
                          { " AND u.email_key < %s", UM_FILL_KEY_END }),
        .exclusion = UM_SAME({ " AND NOT (u.display_name_folded >= %s", UM_FILL_VALUE },
                             { " AND u.display_name_folded < %s", UM_FILL_PREFIX_END },
                             { ")", UM_FILL_NONE }),
        .bounds = { RANGE(BY_DISPLAY_NAME), RANGE(BY_EMAIL) },
        .has_one_plan = 1,
    },
    [UM_USERS_CREATED_AFTER] = { .pieces = UM_SAME({ " AND u.created_at > %lld", UM_FILL_VALUE }),
                        .bounds = { ABOVE(BY_CREATED_AT), ABOVE(BY_CREATED_AT) } },
    [UM_USERS_CREATED_BEFORE] = { .pieces = UM_SAME({ " AND u.created_at < %lld", UM_FILL_VALUE }),
                         .bounds = { BELOW(BY_CREATED_AT), BELOW(BY_CREATED_AT) } },
    [UM_USERS_UPDATED_AFTER] = { .pieces = UM_SAME({ " AND u.updated_at > %lld", UM_FILL_VALUE }) },
    /* These are asked for by a filter. */
    [UM_USERS_HAS_UID] = { .pieces = UM_SAME({ " AND u.user_uid = %s", UM_FILL_VALUE }),
                           .leads_to_few = 1,
                           .has_one_plan = 1 },
    [UM_USERS_UID_STARTS] = STARTS("u.user_uid", BY_UID),
    [UM_USERS_HAS_USER_NAME] = { .pieces = { UM_PIECES({ " AND " NAME_KEY " = %s",
                                                         UM_FILL_VALUE }),
                                             UM_PIECES({ " AND " KEPT_NAME_KEY " = %s",
                                                         UM_FILL_VALUE }) },
                                 .leads_to_few = 1,
                                 .has_one_plan = 1 },
    /* The keys of names that are no addresses begin with a mark. */
    [UM_USERS_USER_NAME_STARTS] = {
        .pieces = { UM_PIECES({ " AND " NAME_KEY " >= %s", UM_FILL_VALUE },
                              { " AND " NAME_KEY " < %s", UM_FILL_PREFIX_END }),
                    UM_PIECES({ " AND " KEPT_NAME_KEY " >= %s", UM_FILL_VALUE },
                              { " AND " KEPT_NAME_KEY " < %s", UM_FILL_PREFIX_END }) },
        .others = { UM_PIECES({ " AND " NAME_KEY " >= %s", UM_FILL_KEY },
                              { " AND " NAME_KEY " < %s", UM_FILL_KEY_END }),
                    UM_PIECES({ " AND " KEPT_NAME_KEY " >= %s", UM_FILL_KEY },
                              { " AND " KEPT_NAME_KEY " < %s", UM_FILL_KEY_END }) },
        .bounds = { NO_ORDER, NO_ORDER },
        .has_one_plan = 1,
    },
    [UM_USERS_HAS_EXTERNAL_ID] = { .pieces = UM_SAME({ " AND u.external_id = %s",
                                                       UM_FILL_VALUE }),
                                   .leads_to_few = 1,
                                   .has_one_plan = 1 },
    [UM_USERS_EXTERNAL_ID_STARTS] = {
        .pieces = UM_SAME({ " AND u.external_id >= %s", UM_FILL_VALUE },
                          { " AND u.external_id < %s", UM_FILL_PREFIX_END }),
        .bounds = { NO_ORDER, NO_ORDER },
        .has_one_plan = 1,
    },
    [UM_USERS_HAS_NAME] = { .pieces = UM_SAME({ " AND u.display_name_folded = %s",
                                                UM_FILL_VALUE }),
                            .has_one_plan = 1 },
    [UM_USERS_EMAIL_STARTS] = STARTS("u.email_key", BY_EMAIL),
    [UM_USERS_HAS_ANY_EMAIL] = {
        .pieces = UM_SAME({ " AND " UM_SQL_USER_HAS_EMAIL " %lld", UM_FILL_ORGANIZATION },
                          { " AND a.email_key = %s", UM_FILL_VALUE },
                          { " " UM_SQL_OR_ANOTHER_EMAIL " %lld", UM_FILL_ORGANIZATION },
                          { " AND o.email_key = %s) k)", UM_FILL_KEY }),
        .bounds = { NO_ORDER, NO_ORDER },
        .leads_to_few = 1,
    },
    [UM_USERS_ANY_EMAIL_STARTS] = {
        .pieces = UM_SAME({ " AND " UM_SQL_USER_HAS_EMAIL " %lld", UM_FILL_ORGANIZATION },
                          { " AND a.email_key >= %s", UM_FILL_VALUE },
                          { " AND a.email_key < %s", UM_FILL_PREFIX_END },
                          { " " UM_SQL_OR_ANOTHER_EMAIL " %lld", UM_FILL_ORGANIZATION },
                          { " AND o.email_key >= %s", UM_FILL_KEY },
                          { " AND o.email_key < %s", UM_FILL_KEY_END },
                          { ") k)", UM_FILL_NONE }),
        .bounds = { NO_ORDER, NO_ORDER },
    },
    [UM_USERS_UPDATED_BEFORE] = { .pieces = UM_SAME({ " AND u.updated_at < %lld", UM_FILL_VALUE }) },
    [UM_USERS_IS_IN_GROUP] = { .pieces = UM_SAME({ " AND " UM_SQL_USER_IS_MEMBER_OF " %s)", UM_FILL_VALUE }) },
};

static const um_list_choice_t roles[] = {
    { "user", UM_USERS_IS_NO_SUB_ADMIN },
    { "sub_admin", UM_USERS_IS_SUB_ADMIN },
    { NULL, UM_LIST_NO_CONDITION },
};

static const um_list_choice_t states[] = {
    { "true", UM_USERS_IS_ACTIVE },
    { "false", UM_USERS_IS_SUSPENDED },
    { NULL, UM_LIST_NO_CONDITION },
};

/* Other groups have rows of members. */
static const um_list_choice_t reserved_groups[] = {
    { UM_GROUP_SUB_ADMINS, UM_USERS_IS_SUB_ADMIN },
    { NULL, UM_LIST_NO_CONDITION },
};

static const um_list_filter_t user_filters[] = {
    { .name = "email", .value = UM_LIST_ADDRESS, .condition = UM_USERS_HAS_EMAIL },
    { .name = "phone", .value = UM_LIST_TEXT, .condition = UM_USERS_HAS_PHONE },
    { .name = "role", .value = UM_LIST_CHOICE, .choices = roles },
    { .name = "active", .value = UM_LIST_CHOICE, .choices = states },
    { .name = "display_name", .value = UM_LIST_FOLDED_NAME, .condition = UM_USERS_NAME_STARTS },
    { .name = "q", .value = UM_LIST_NAME_OR_EMAIL, .condition = UM_USERS_NAME_OR_EMAIL_STARTS },
    { .name = "created_after", .value = UM_LIST_INSTANT, .condition = UM_USERS_CREATED_AFTER },
    { .name = "created_before",
      .value = UM_LIST_INSTANT_UP,
      .condition = UM_USERS_CREATED_BEFORE },
    { .name = "updated_after", .value = UM_LIST_INSTANT, .condition = UM_USERS_UPDATED_AFTER },
    { .name = "updated_before",
      .value = UM_LIST_INSTANT_UP,
      .condition = UM_USERS_UPDATED_BEFORE },
    { .name = "group",
      .value = UM_LIST_TEXT_OR_CHOICE,
      .condition = UM_USERS_IS_IN_GROUP,
      .choices = reserved_groups },
    { .name = NULL },
};

#define STATES (BIT(UM_USERS_IS_ACTIVE) | BIT(UM_USERS_IS_SUSPENDED))
#define CREATED (BIT(UM_USERS_CREATED_AFTER) | BIT(UM_USERS_CREATED_BEFORE))
#define UPDATED (BIT(UM_USERS_UPDATED_AFTER) | BIT(UM_USERS_UPDATED_BEFORE))

static const um_list_junction_t members = {
    .from = " FROM group_members m",
    .joined = " CROSS JOIN users u ON u.org_id = m.org_id AND u.user_uid = m.user_uid",
    .where = UM_LIST_WHERE("m"),
    .pieces = UM_SAME({ " AND m.group_id = %s", UM_FILL_VALUE }),
};

/* Those that find few rows come first. */
/* clang-format off */
static const um_list_path_t user_paths[] = {
    { .index = "users_by_user_name",
      .first = BIT(UM_USERS_HAS_USER_NAME) | BIT(UM_USERS_USER_NAME_STARTS),
      .second = BIT(UM_USERS_USER_NAME_STARTS), .unique = BIT(UM_USERS_HAS_USER_NAME),
      .orders = BIT(BY_USER_NAME) },
    { .index = "users_by_email",
      .first = BIT(UM_USERS_HAS_EMAIL) | BIT(UM_USERS_EMAIL_STARTS),
      .second = BIT(UM_USERS_NAME_OR_EMAIL_STARTS),
      .unique = BIT(UM_USERS_HAS_EMAIL), .orders = BIT(BY_EMAIL) },
    { .index = "users_by_external_id",
      .needs = BIT(UM_USERS_HAS_EXTERNAL_ID) | BIT(UM_USERS_EXTERNAL_ID_STARTS),
      .first = BIT(UM_USERS_HAS_EXTERNAL_ID) | BIT(UM_USERS_EXTERNAL_ID_STARTS) },
    { .index = "users_by_phone", .needs = BIT(UM_USERS_HAS_PHONE), .first = BIT(UM_USERS_HAS_PHONE),
      .orders = BIT(BY_UID) },
    { .index = NULL, .needs = BIT(UM_USERS_IS_SUB_ADMIN), .first = BIT(UM_USERS_IS_SUB_ADMIN) },
    { .index = NULL, .junction = &members, .needs = BIT(UM_USERS_IS_IN_GROUP),
      .first = BIT(UM_USERS_IS_IN_GROUP) },
    { .index = "users_by_display_name",
      .first = BIT(UM_USERS_NAME_STARTS) | BIT(UM_USERS_NAME_OR_EMAIL_STARTS) | BIT(UM_USERS_HAS_NAME),
      .second = BIT(UM_USERS_NAME_STARTS),
      .orders = BIT(BY_DISPLAY_NAME) },
    { .index = "users_by_active", .needs = STATES, .first = STATES, .orders = BIT(BY_UID) },
    { .index = "users_by_created_at", .first = CREATED, .second = CREATED,
      .orders = BIT(BY_CREATED_AT) },
    { .index = "users_by_updated_at", .needs = UPDATED, .first = UPDATED },
    { .index = "sqlite_autoindex_users_1",
      .first = BIT(UM_USERS_HAS_UID) | BIT(UM_USERS_UID_STARTS) | BIT(UM_USERS_HAS_ANY_EMAIL)
               | BIT(UM_USERS_ANY_EMAIL_STARTS),
      .second = BIT(UM_USERS_UID_STARTS),
      .unique = BIT(UM_USERS_HAS_UID), .orders = BIT(BY_UID) },
};
/* clang-format on */

static const um_list_order_t sub_admin_orders[] = {
    UM_ORDER_BY_KEY(NULL, NULL, "s.user_uid"),
};

static const um_list_subset_t sub_admins_of_users = {
    .is = UM_USERS_IS_SUB_ADMIN,
    .is_not = UM_USERS_IS_NO_SUB_ADMIN,
    .from = " FROM sub_admins s",
    .joined = " CROSS JOIN " UM_SQL_USER_OF_SUB_ADMIN,
    .where = UM_LIST_WHERE("s"),
    .keys = sub_admin_orders,
    .crossed = " CROSS JOIN " UM_SQL_SUB_ADMIN_OF_USER,
    .count = UM_STMT_SUB_ADMIN_COUNT,
};

#define USERS_WITH(all_columns, all_older_columns)                                               \
    {                                                                                            \
        .columns = (all_columns), .columns_since = UM_PROVISIONING_SINCE,                        \
        .older_columns = (all_older_columns), .from = " FROM users u",                           \
        .joined = " LEFT JOIN " UM_SQL_SUB_ADMIN_OF_USER, .where = UM_LIST_WHERE("u"),           \
        .count = UM_STMT_USER_COUNT, .subset = &sub_admins_of_users,                             \
        UM_LIST_ORDERS(user_orders), UM_LIST_CONDITIONS(user_conditions),                        \
        UM_LIST_FILTERS(user_filters), UM_LIST_PATHS(user_paths),                                \
        .attributes = &um_filter_users,                                                          \
    }

const um_list_source_t um_list_users = USERS_WITH(UM_SQL_USER_COLUMNS, UM_SQL_USER_COLUMNS_OLDER);

const um_list_source_t um_list_plain_users = USERS_WITH(UM_SQL_USER_SHOWN_COLUMNS,
                                                        UM_SQL_USER_SHOWN_COLUMNS);

/* ---- sub-admins ---- */

const um_list_source_t um_list_sub_admins = {
    .columns = UM_SQL_SUB_ADMIN_COLUMNS,
    .columns_since = UM_PROVISIONING_SINCE,
    .older_columns = UM_SQL_SUB_ADMIN_COLUMNS_OLDER,
    .from = " FROM sub_admins s",
    .joined = " JOIN " UM_SQL_USER_OF_SUB_ADMIN,
    .where = UM_LIST_WHERE("s"),
    .count = UM_STMT_SUB_ADMIN_COUNT,
    UM_LIST_ORDERS(sub_admin_orders),
};
