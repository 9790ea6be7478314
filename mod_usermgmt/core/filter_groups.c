/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file filter_groups.c What groups can be filtered by, see filter_groups.h. */

#include "filter_groups.h"

#define CORE "urn:ietf:params:scim:schemas:core:2.0:Group"

#define BY UM_ATTRIBUTE_BY

static const um_attribute_t member_subs[] = {
    { .name = "value", .type = UM_ATTRIBUTE_TEXT, .column = "m.user_uid" },
    { .name = "type", .type = UM_ATTRIBUTE_WORD, .column = "'user'" },
    { .name = NULL },
};

static const um_elements_t members_of_group = {
    .from = " FROM group_members m WHERE m.org_id = g.org_id AND m.group_id = g.group_id",
    .attributes = member_subs,
};

/* The members of the reserved group. */
static const um_elements_t sub_admins_of_group = {
    .from = " FROM sub_admins m WHERE m.org_id = g.org_id AND g.group_id = 'sub-admins'",
    .attributes = member_subs,
};

static const um_attribute_t attributes[] = {
    { .name = "id",
      .type = UM_ATTRIBUTE_TEXT,
      .column = "g.group_id",
      .equals = BY(UM_GROUPS_HAS_ID) },
    { .name = "externalId",
      .type = UM_ATTRIBUTE_TEXT,
      .column = "g.external_id",
      .is_nullable = 1,
      .equals = BY(UM_GROUPS_HAS_EXTERNAL_ID) },
    { .name = "displayName",
      .type = UM_ATTRIBUTE_NAME,
      .column = "g.display_name_key",
      .equals = BY(UM_GROUPS_HAS_NAME),
      .starts = BY(UM_GROUPS_NAME_STARTS) },
    { .name = "meta.created", .type = UM_ATTRIBUTE_INSTANT, .column = "g.created_at" },
    { .name = "meta.lastModified", .type = UM_ATTRIBUTE_INSTANT, .column = "g.updated_at" },
    { .name = "meta.resourceType", .type = UM_ATTRIBUTE_WORD, .column = "'group'" },
    { .name = "members",
      .type = UM_ATTRIBUTE_ELEMENTS,
      .elements = &members_of_group,
      .other_elements = &sub_admins_of_group },
    { .name = NULL },
};

const um_attributes_t um_filter_groups = { .schema = CORE, .attributes = attributes };
