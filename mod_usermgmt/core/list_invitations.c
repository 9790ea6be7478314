/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file list_invitations.c What lists of invitations can be asked for, see list.h. */

#include "store.h"

#include "../db/statements.h"
#include "store_lists.h"

#define BIT UM_LIST_BIT

enum { BY_TOKEN };

static const um_list_order_t orders[] = {
    [BY_TOKEN] = UM_ORDER_BY_KEY(NULL, NULL, "i.invite_token"),
};

enum { HAS_EMAIL, IS_PENDING, IS_EXPIRED, IS_ACCEPTED, IS_REVOKED };

static const um_list_condition_t conditions[] = {
    [HAS_EMAIL] = { .pieces = UM_SAME({ " AND i.email_key = %s", UM_FILL_VALUE }),
                    .leads_to_few = 1 },
    [IS_PENDING] = { .pieces = UM_SAME({ " AND i.status = 'pending' AND i.expires_at > %lld",
                                         UM_FILL_VALUE }) },
    /* Whatever is stored. */
    [IS_EXPIRED] = {
        .pieces = UM_SAME({ " AND i.status = 'expired'", UM_FILL_NONE }),
        .others = UM_SAME({ " AND i.status = 'pending' AND i.expires_at <= %lld",
                            UM_FILL_VALUE }),
    },
    [IS_ACCEPTED] = { .pieces = UM_SAME({ " AND i.status = 'accepted'", UM_FILL_NONE }) },
    [IS_REVOKED] = { .pieces = UM_SAME({ " AND i.status = 'revoked'", UM_FILL_NONE }) },
};

/* clang-format off */
static const um_list_choice_t statuses[] = {
    { "pending", IS_PENDING },
    { "accepted", IS_ACCEPTED },
    { "expired", IS_EXPIRED },
    { "revoked", IS_REVOKED },
    { "all", UM_LIST_NO_CONDITION },
    { NULL, UM_LIST_NO_CONDITION },
};
/* clang-format on */

static const um_list_filter_t filters[] = {
    { .name = "email", .value = UM_LIST_ADDRESS, .condition = HAS_EMAIL },
    { .name = "status", .value = UM_LIST_CHOICE, .choices = statuses, .fallback = "pending" },
    { .name = NULL },
};

#define STATUSES (BIT(IS_PENDING) | BIT(IS_EXPIRED) | BIT(IS_ACCEPTED) | BIT(IS_REVOKED))

/* clang-format off */
static const um_list_path_t paths[] = {
    { .index = "invitations_by_email", .needs = BIT(HAS_EMAIL), .first = BIT(HAS_EMAIL),
      .orders = BIT(BY_TOKEN) },
    { .index = "invitations_by_status", .needs = STATUSES, .first = STATUSES, .second = STATUSES,
      .orders = BIT(BY_TOKEN) },
    { .index = "sqlite_autoindex_invitations_1", .orders = BIT(BY_TOKEN) },
};
/* clang-format on */

const um_list_source_t um_list_invitations = {
    .columns = UM_SQL_INVITATION_COLUMNS,
    .from = " FROM invitations i",
    .joined = "",
    .where = UM_LIST_WHERE("i"),
    .count = UM_LIST_NO_COUNT,
    UM_LIST_ORDERS(orders),
    UM_LIST_CONDITIONS(conditions),
    UM_LIST_FILTERS(filters),
    UM_LIST_PATHS(paths),
};
