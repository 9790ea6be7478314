/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file list_users.c What lists of users and sub-admins can be asked for, see list.h. */

#include "store.h"

#include "../db/statements.h"
#include "store_lists.h"
#include "store_users.h"

#define BIT UM_LIST_BIT

/* ---- users ---- */

enum { BY_UID, BY_CREATED_AT, BY_EMAIL, BY_DISPLAY_NAME };

static const um_list_order_t user_orders[] = {
    [BY_UID] = UM_ORDER_BY_KEY("user_uid", NULL, "u.user_uid"),
    [BY_CREATED_AT] = UM_ORDER_BY_INTEGER("created_at", "u.created_at", "u.user_uid"),
    [BY_EMAIL] = UM_ORDER_BY_UNIQUE("email", NULL, "u.email_key", UM_FILL_VALUE),
    [BY_DISPLAY_NAME] = UM_ORDER_BY_TEXT("display_name", "u.display_name_folded", "u.user_uid"),
};

enum {
    HAS_EMAIL,
    HAS_PHONE,
    IS_SUB_ADMIN,
    IS_NO_SUB_ADMIN,
    IS_ACTIVE,
    IS_SUSPENDED,
    NAME_STARTS,
    NAME_OR_EMAIL_STARTS,
    CREATED_AFTER,
    CREATED_BEFORE,
    UPDATED_AFTER,
    UPDATED_BEFORE
};

/* clang-format off */
#define RANGE(order) { order, { UM_BOUND_FROM, UM_BOUND_BELOW } }
#define ABOVE(order) { order, { UM_BOUND_ABOVE, UM_BOUND_NONE } }
#define BELOW(order) { order, { UM_BOUND_BELOW, UM_BOUND_NONE } }
/* clang-format on */

static const um_list_condition_t user_conditions[] = {
    [HAS_EMAIL] = { .pieces = UM_SAME({ " AND u.email_key = %s", UM_FILL_VALUE }),
                    .leads_to_few = 1,
                    .has_one_plan = 1 },
    [HAS_PHONE] = { .pieces = UM_SAME({ " AND u.phone = %s", UM_FILL_VALUE }),
                    .leads_to_few = 1,
                    .has_one_plan = 1 },
    /* A comparison, since SQLite goes through all users for IS NOT NULL. */
    [IS_SUB_ADMIN] = { .pieces = UM_SAME({ " AND s.user_uid <> ''", UM_FILL_NONE }) },
    [IS_NO_SUB_ADMIN] = { .pieces = UM_SAME({ " AND s.user_uid IS NULL", UM_FILL_NONE }) },
    [IS_ACTIVE] = { .pieces = UM_SAME({ " AND u.active = 1", UM_FILL_NONE }) },
    [IS_SUSPENDED] = { .pieces = UM_SAME({ " AND u.active = 0", UM_FILL_NONE }) },
    [NAME_STARTS] = {
        .pieces = UM_SAME({ " AND u.display_name_folded >= %s", UM_FILL_VALUE },
                          { " AND u.display_name_folded < %s", UM_FILL_PREFIX_END }),
        .bounds = { RANGE(BY_DISPLAY_NAME), RANGE(BY_DISPLAY_NAME) },
        .has_one_plan = 1,
    },
    [NAME_OR_EMAIL_STARTS] = {
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
    [CREATED_AFTER] = { .pieces = UM_SAME({ " AND u.created_at > %lld", UM_FILL_VALUE }),
                        .bounds = { ABOVE(BY_CREATED_AT), ABOVE(BY_CREATED_AT) } },
    [CREATED_BEFORE] = { .pieces = UM_SAME({ " AND u.created_at < %lld", UM_FILL_VALUE }),
                         .bounds = { BELOW(BY_CREATED_AT), BELOW(BY_CREATED_AT) } },
    [UPDATED_AFTER] = { .pieces = UM_SAME({ " AND u.updated_at > %lld", UM_FILL_VALUE }) },
    [UPDATED_BEFORE] = { .pieces = UM_SAME({ " AND u.updated_at < %lld", UM_FILL_VALUE }) },
};

static const um_list_choice_t roles[] = {
    { "user", IS_NO_SUB_ADMIN },
    { "sub_admin", IS_SUB_ADMIN },
    { NULL, UM_LIST_NO_CONDITION },
};

static const um_list_choice_t states[] = {
    { "true", IS_ACTIVE },
    { "false", IS_SUSPENDED },
    { NULL, UM_LIST_NO_CONDITION },
};

static const um_list_filter_t user_filters[] = {
    { .name = "email", .value = UM_LIST_ADDRESS, .condition = HAS_EMAIL },
    { .name = "phone", .value = UM_LIST_TEXT, .condition = HAS_PHONE },
    { .name = "role", .value = UM_LIST_CHOICE, .choices = roles },
    { .name = "active", .value = UM_LIST_CHOICE, .choices = states },
    { .name = "display_name", .value = UM_LIST_FOLDED_NAME, .condition = NAME_STARTS },
    { .name = "q", .value = UM_LIST_NAME_OR_EMAIL, .condition = NAME_OR_EMAIL_STARTS },
    { .name = "created_after", .value = UM_LIST_INSTANT, .condition = CREATED_AFTER },
    { .name = "created_before", .value = UM_LIST_INSTANT_UP, .condition = CREATED_BEFORE },
    { .name = "updated_after", .value = UM_LIST_INSTANT, .condition = UPDATED_AFTER },
    { .name = "updated_before", .value = UM_LIST_INSTANT_UP, .condition = UPDATED_BEFORE },
    { .name = NULL },
};

#define STATES (BIT(IS_ACTIVE) | BIT(IS_SUSPENDED))
#define CREATED (BIT(CREATED_AFTER) | BIT(CREATED_BEFORE))
#define UPDATED (BIT(UPDATED_AFTER) | BIT(UPDATED_BEFORE))

/* Those that find few rows come first. */
/* clang-format off */
static const um_list_path_t user_paths[] = {
    { .index = "users_by_email", .first = BIT(HAS_EMAIL), .second = BIT(NAME_OR_EMAIL_STARTS),
      .unique = BIT(HAS_EMAIL), .orders = BIT(BY_EMAIL) },
    { .index = "users_by_phone", .needs = BIT(HAS_PHONE), .first = BIT(HAS_PHONE),
      .orders = BIT(BY_UID) },
    { .index = NULL, .needs = BIT(IS_SUB_ADMIN), .first = BIT(IS_SUB_ADMIN) },
    { .index = "users_by_display_name",
      .first = BIT(NAME_STARTS) | BIT(NAME_OR_EMAIL_STARTS), .second = BIT(NAME_STARTS),
      .orders = BIT(BY_DISPLAY_NAME) },
    { .index = "users_by_active", .needs = STATES, .first = STATES, .orders = BIT(BY_UID) },
    { .index = "users_by_created_at", .first = CREATED, .second = CREATED,
      .orders = BIT(BY_CREATED_AT) },
    { .index = "users_by_updated_at", .needs = UPDATED, .first = UPDATED },
    { .index = "sqlite_autoindex_users_1", .orders = BIT(BY_UID) },
};
/* clang-format on */

static const um_list_subset_t sub_admins_of_users = {
    .is = IS_SUB_ADMIN,
    .is_not = IS_NO_SUB_ADMIN,
    .from = " FROM sub_admins s",
    .joined = " CROSS JOIN " UM_SQL_USER_OF_SUB_ADMIN,
    .where = UM_LIST_WHERE("s"),
    .crossed = " CROSS JOIN " UM_SQL_SUB_ADMIN_OF_USER,
    .count = UM_STMT_SUB_ADMIN_COUNT,
};

#define USERS_WITH(all_columns)                                                                  \
    {                                                                                            \
        .columns = all_columns, .columns_since = UM_PROVISIONING_SINCE,                          \
        .older_columns = UM_SQL_USER_COLUMNS_OLDER, .from = " FROM users u",                     \
        .joined = " LEFT JOIN " UM_SQL_SUB_ADMIN_OF_USER, .where = UM_LIST_WHERE("u"),           \
        .count = UM_STMT_USER_COUNT, .subset = &sub_admins_of_users,                             \
        UM_LIST_ORDERS(user_orders), UM_LIST_CONDITIONS(user_conditions),                        \
        UM_LIST_FILTERS(user_filters), UM_LIST_PATHS(user_paths),                                \
    }

const um_list_source_t um_list_users = USERS_WITH(UM_SQL_USER_COLUMNS);

const um_list_source_t um_list_plain_users = USERS_WITH(UM_SQL_USER_COLUMNS_OLDER);

/* ---- sub-admins ---- */

static const um_list_order_t sub_admin_orders[] = {
    UM_ORDER_BY_KEY(NULL, NULL, "s.user_uid"),
};

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
