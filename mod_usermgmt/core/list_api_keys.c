/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file list_api_keys.c What lists of API keys can be asked for, see list.h. */

#include "../db/statements.h"
#include "store_lists.h"

/* An id begins with its time. */
static const um_list_order_t orders[] = {
    UM_ORDER_BY_KEY("key_id", "created_at", "k.key_id"),
};

const um_list_source_t um_list_api_keys = {
    .since = 3,
    .columns = UM_SQL_API_KEY_COLUMNS,
    .from = " FROM api_keys k",
    .joined = "",
    .where = UM_LIST_WHERE("k"),
    .count = UM_LIST_NO_COUNT,
    UM_LIST_ORDERS(orders),
};
