/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file filter_users.c What users can be filtered by, see filter_users.h. */

#include "filter_users.h"

#include "rules.h"
#include "store_users.h"

#define CORE "urn:ietf:params:scim:schemas:core:2.0:User"
#define ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define CUSTOM "urn:ietf:params:scim:schemas:extension:usermgmt:2.0:User"

#define BY UM_ATTRIBUTE_BY

#define IN_ENTERPRISE "$.\"" ENTERPRISE "\"."

/* clang-format off */
/* A member of SCIM that has no column of its own, and a part of the name. */
#define TEXT(member)                                                                             \
    { .name = (member), .type = UM_ATTRIBUTE_JSON_TEXT, .column = "u.scim",                      \
      .path = "$.\"" member "\"", .since = UM_PROVISIONING_SINCE }
#define NAME_PART(part)                                                                          \
    { .name = "name." part, .type = UM_ATTRIBUTE_JSON_TEXT, .path = "$.\"" part "\"",            \
      .member = &shown_name, .since = UM_PROVISIONING_SINCE }
#define OF_ENTERPRISE(member, member_path)                                                       \
    { .schema = ENTERPRISE, .name = (member), .type = UM_ATTRIBUTE_JSON_TEXT, .column = "u.scim",\
      .path = IN_ENTERPRISE member_path, .since = UM_PROVISIONING_SINCE }
/* Of an element in JSON. */
#define SUB(member)                                                                              \
    { .name = (member), .type = UM_ATTRIBUTE_JSON_TEXT, .path = "$.\"" member "\"" }
/* clang-format on */

/* ---- elements ---- */

static const um_attribute_t value_subs[] = {
    SUB("value"),
    SUB("display"),
    SUB("type"),
    SUB("$ref"),
    { .name = "primary", .type = UM_ATTRIBUTE_JSON_BOOLEAN, .path = "$.\"primary\"" },
    { .name = NULL },
};

static const um_attribute_t address_subs[] = {
    SUB("formatted"),
    SUB("streetAddress"),
    SUB("locality"),
    SUB("region"),
    SUB("postalCode"),
    SUB("country"),
    SUB("type"),
    { .name = "primary", .type = UM_ATTRIBUTE_JSON_BOOLEAN, .path = "$.\"primary\"" },
    { .name = NULL },
};

/* What a resource shows if nothing is kept, see scim/user.h. */
static const um_json_part_t main_email = { "u.scim", "mainEmail", "'{\"type\":\"work\"}'", NULL };
static const um_json_part_t main_phone = { "u.scim", "workPhone", "'{\"type\":\"work\"}'", NULL };
static const um_json_part_t shown_name = { "u.scim", "name", NULL, "u.display_name" };

/* Of the element that has a column. */
#define KEPT_SUB(sub, kind, of)                                                                  \
    {                                                                                            \
        .name = (sub), .type = (kind), .path = "$.\"" sub "\"", .member = &(of)                  \
    }

static const um_attribute_t primary_email[] = {
    { .name = "value", .type = UM_ATTRIBUTE_ADDRESS, .column = "u.email_key" },
    { .name = "primary", .type = UM_ATTRIBUTE_BOOLEAN, .column = "1" },
    KEPT_SUB("type", UM_ATTRIBUTE_JSON_TEXT, main_email),
    KEPT_SUB("display", UM_ATTRIBUTE_JSON_TEXT, main_email),
    { .name = NULL },
};

static const um_attribute_t work_phone[] = {
    { .name = "value", .type = UM_ATTRIBUTE_TEXT, .column = "u.phone", .is_nullable = 1 },
    KEPT_SUB("primary", UM_ATTRIBUTE_JSON_BOOLEAN, main_phone),
    KEPT_SUB("type", UM_ATTRIBUTE_JSON_TEXT, main_phone),
    KEPT_SUB("display", UM_ATTRIBUTE_JSON_TEXT, main_phone),
    { .name = NULL },
};

static const um_attribute_t group_subs[] = {
    { .name = "value", .type = UM_ATTRIBUTE_TEXT, .column = "g.group_id" },
    { .name = "display", .type = UM_ATTRIBUTE_NAME, .column = "g.display_name_key" },
    { .name = "type", .type = UM_ATTRIBUTE_WORD, .column = "'direct'" },
    { .name = NULL },
};

static const um_elements_t email_of_column = { .present = "1 = 1", .attributes = primary_email };
static const um_elements_t phone_of_column = { .present = "u.phone IS NOT NULL",
                                               .attributes = work_phone };
static const um_elements_t groups_of_user = {
    .from = " FROM group_members m JOIN user_groups g"
            " ON g.org_id = m.org_id AND g.group_id = m.group_id"
            " WHERE m.org_id = u.org_id AND m.user_uid = u.user_uid",
    .attributes = group_subs,
    .since = UM_PROVISIONING_SINCE,
};

/* The group that a sub-admin is in, see group.h. */
static const um_elements_t group_of_sub_admin = {
    .from = " FROM sub_admins r JOIN user_groups g"
            " ON g.org_id = r.org_id AND g.group_id = 'sub-admins'"
            " WHERE r.org_id = u.org_id AND r.user_uid = u.user_uid",
    .attributes = group_subs,
    .since = UM_PROVISIONING_SINCE,
};

/* Those that are kept in JSON. */
#define KEPT(member, subs)                                                                       \
    {                                                                                            \
        .document = "u.scim", .path = "$.\"" member "\"", .attributes = (subs),                  \
        .since = UM_PROVISIONING_SINCE                                                           \
    }

static const um_elements_t emails_kept = KEPT("emails", value_subs);
static const um_elements_t phones_kept = KEPT("phoneNumbers", value_subs);
static const um_elements_t ims_kept = KEPT("ims", value_subs);
static const um_elements_t photos_kept = KEPT("photos", value_subs);
static const um_elements_t addresses_kept = KEPT("addresses", address_subs);
static const um_elements_t entitlements_kept = KEPT("entitlements", value_subs);
static const um_elements_t roles_kept = KEPT("roles", value_subs);
static const um_elements_t certificates_kept = KEPT("x509Certificates", value_subs);

/* clang-format off */
#define ELEMENTS(member, first, second)                                                          \
    { .name = (member), .type = UM_ATTRIBUTE_ELEMENTS, .elements = (first),                      \
      .other_elements = (second) }
/* clang-format on */

/* ---- users ---- */

#define UID(names)                                                                               \
    {                                                                                            \
        .name = (names), .type = UM_ATTRIBUTE_TEXT, .column = "u.user_uid",                      \
        .equals = BY(UM_USERS_HAS_UID), .starts = BY(UM_USERS_UID_STARTS)                        \
    }
#define NAME(names)                                                                              \
    {                                                                                            \
        .name = (names), .type = UM_ATTRIBUTE_NAME, .column = "u.display_name_folded",           \
        .equals = BY(UM_USERS_HAS_NAME), .starts = BY(UM_USERS_NAME_STARTS)                      \
    }
#define CREATED(names)                                                                           \
    {                                                                                            \
        .name = (names), .type = UM_ATTRIBUTE_INSTANT, .column = "u.created_at"                  \
    }
#define UPDATED(names)                                                                           \
    {                                                                                            \
        .name = (names), .type = UM_ATTRIBUTE_INSTANT, .column = "u.updated_at"                  \
    }

#define IS_SUB_ADMIN                                                                             \
    "EXISTS (SELECT 1 FROM sub_admins r WHERE r.org_id = u.org_id AND r.user_uid = u.user_uid)"

static const um_attribute_t attributes[] = {
    UID("id"),
    UID("user_uid"),
    { .name = "userName",
      .type = UM_ATTRIBUTE_LOGIN,
      .column = "COALESCE(u.user_name_key, u.email_key)",
      .kept_column = "u.user_name_or_email_key",
      .since = UM_PROVISIONING_SINCE,
      .equals = BY(UM_USERS_HAS_USER_NAME),
      .starts = BY(UM_USERS_USER_NAME_STARTS) },
    { .name = "externalId",
      .type = UM_ATTRIBUTE_TEXT,
      .column = "u.external_id",
      .is_nullable = 1,
      .since = UM_PROVISIONING_SINCE,
      .equals = BY(UM_USERS_HAS_EXTERNAL_ID),
      .starts = BY(UM_USERS_EXTERNAL_ID_STARTS) },
    NAME("displayName"),
    NAME("display_name"),
    { .name = "email",
      .type = UM_ATTRIBUTE_ADDRESS,
      .column = "u.email_key",
      .equals = BY(UM_USERS_HAS_EMAIL),
      .starts = BY(UM_USERS_EMAIL_STARTS) },
    { .name = "phone",
      .type = UM_ATTRIBUTE_TEXT,
      .column = "u.phone",
      .is_nullable = 1,
      .equals = BY(UM_USERS_HAS_PHONE) },
    { .name = "active", .type = UM_ATTRIBUTE_BOOLEAN, .column = "u.active" },
    { .name = "role",
      .type = UM_ATTRIBUTE_WORD,
      .column = "CASE WHEN " IS_SUB_ADMIN " THEN 'sub_admin' ELSE 'user' END" },
    CREATED("meta.created"),
    CREATED("created_at"),
    UPDATED("meta.lastModified"),
    UPDATED("updated_at"),
    { .name = "meta.resourceType", .type = UM_ATTRIBUTE_WORD, .column = "'user'" },
    { .name = "name",
      .type = UM_ATTRIBUTE_JSON_OBJECT,
      .path = "$",
      .member = &shown_name,
      .since = UM_PROVISIONING_SINCE },
    NAME_PART("formatted"),
    NAME_PART("familyName"),
    NAME_PART("givenName"),
    NAME_PART("middleName"),
    NAME_PART("honorificPrefix"),
    NAME_PART("honorificSuffix"),
    TEXT("nickName"),
    TEXT("profileUrl"),
    TEXT("title"),
    TEXT("userType"),
    TEXT("preferredLanguage"),
    TEXT("locale"),
    TEXT("timezone"),
    { .name = "emails",
      .type = UM_ATTRIBUTE_ELEMENTS,
      .elements = &email_of_column,
      .other_elements = &emails_kept,
      .since = UM_PROVISIONING_SINCE,
      .equals = BY(UM_USERS_HAS_ANY_EMAIL),
      .starts = BY(UM_USERS_ANY_EMAIL_STARTS) },
    ELEMENTS("phoneNumbers", &phone_of_column, &phones_kept),
    ELEMENTS("groups", &groups_of_user, &group_of_sub_admin),
    ELEMENTS("ims", &ims_kept, NULL),
    ELEMENTS("photos", &photos_kept, NULL),
    ELEMENTS("addresses", &addresses_kept, NULL),
    ELEMENTS("entitlements", &entitlements_kept, NULL),
    ELEMENTS("roles", &roles_kept, NULL),
    ELEMENTS("x509Certificates", &certificates_kept, NULL),
    OF_ENTERPRISE("employeeNumber", "\"employeeNumber\""),
    OF_ENTERPRISE("costCenter", "\"costCenter\""),
    OF_ENTERPRISE("organization", "\"organization\""),
    OF_ENTERPRISE("division", "\"division\""),
    OF_ENTERPRISE("department", "\"department\""),
    OF_ENTERPRISE("manager", "\"manager\".\"value\""),
    OF_ENTERPRISE("manager.value", "\"manager\".\"value\""),
    OF_ENTERPRISE("manager.$ref", "\"manager\".\"$ref\""),
    OF_ENTERPRISE("manager.displayName", "\"manager\".\"displayName\""),
    { .name = NULL },
};

const um_attributes_t um_filter_users = {
    .schema = CORE,
    .attributes = attributes,
    .custom_schema = CUSTOM,
    .custom_document = "u.attributes",
    .check_custom_name = um_rules_check_attribute_name,
};
