/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file schema_table.c The attributes of the SCIM resources (RFC 7643), see schema.h. */

#include "schema.h"

/* clang-format off */

#define TEXT(text_name, text) .name = (text_name), .description = (text)
#define END { .name = NULL }

static const char *const user_type[] = { "User", NULL };
static const char *const group_type[] = { "Group", NULL };
static const char *const external[] = { "external", NULL };
static const char *const places[] = { "work", "home", "other", NULL };
static const char *const phones[] = { "work", "home", "mobile", "fax", "pager", "other", NULL };
static const char *const messengers[] = { "aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo", NULL };
static const char *const pictures[] = { "photo", "thumbnail", NULL };
static const char *const ways[] = { "direct", "indirect", NULL };

/* The sub-attributes that most multi-valued attributes have beside their value. */
#define DISPLAY { TEXT("display", "A name of the value, to show it.") }
#define TYPE(values) { TEXT("type", "What kind of value it is."), .canonical_values = (values) }
#define PRIMARY { TEXT("primary", "Whether it is the preferred value. At most one is."), \
                  .type = UM_SCIM_BOOLEAN }

/* ---- all resources ---- */

static const um_scim_attribute_t meta[] = {
    { TEXT("resourceType", "The name of the type of the resource."), .is_case_exact = 1,
      .mutability = UM_SCIM_READ_ONLY },
    { TEXT("created", "When the resource was created."), .type = UM_SCIM_DATE_TIME,
      .mutability = UM_SCIM_READ_ONLY },
    { TEXT("lastModified", "When the resource was changed last."), .type = UM_SCIM_DATE_TIME,
      .mutability = UM_SCIM_READ_ONLY },
    { TEXT("location", "The address of the resource."), .type = UM_SCIM_REFERENCE,
      .is_case_exact = 1, .mutability = UM_SCIM_READ_ONLY },
    { TEXT("version", "The version of the resource: its ETag."), .is_case_exact = 1,
      .mutability = UM_SCIM_READ_ONLY },
    END
};

const um_scim_attribute_t um_scim_common_attributes[] = {
    { TEXT("schemas", "The schemas of the attributes that the resource has."),
      .type = UM_SCIM_REFERENCE, .is_multi_valued = 1, .is_required = 1, .is_case_exact = 1,
      .mutability = UM_SCIM_READ_ONLY, .returned = UM_SCIM_RETURNED_ALWAYS },
    { TEXT("id", "The identifier of the resource; it never changes."), .is_case_exact = 1,
      .mutability = UM_SCIM_READ_ONLY, .returned = UM_SCIM_RETURNED_ALWAYS,
      .uniqueness = UM_SCIM_UNIQUE_SERVER },
    { TEXT("externalId", "The identifier that the client has for the resource."),
      .is_case_exact = 1 },
    { TEXT("meta", "What the server tells of the resource."), .type = UM_SCIM_COMPLEX,
      .mutability = UM_SCIM_READ_ONLY, .sub_attributes = meta },
    END
};

/* ---- User ---- */

static const um_scim_attribute_t name[] = {
    { TEXT("formatted", "The whole name, as it is shown.") },
    { TEXT("familyName", "The family name.") },
    { TEXT("givenName", "The given name.") },
    { TEXT("middleName", "The middle names.") },
    { TEXT("honorificPrefix", "What stands before the name, such as Dr.") },
    { TEXT("honorificSuffix", "What stands behind the name, such as III.") },
    END
};

static const um_scim_attribute_t emails[] = {
    { TEXT("value", "The email address.") }, DISPLAY, TYPE(places), PRIMARY, END
};

static const um_scim_attribute_t phone_numbers[] = {
    { TEXT("value", "The phone number.") }, DISPLAY, TYPE(phones), PRIMARY, END
};

static const um_scim_attribute_t ims[] = {
    { TEXT("value", "The address for instant messages.") }, DISPLAY, TYPE(messengers), PRIMARY, END
};

static const um_scim_attribute_t photos[] = {
    { TEXT("value", "The URL of the picture."), .type = UM_SCIM_REFERENCE, .is_case_exact = 1,
      .reference_types = external },
    DISPLAY, TYPE(pictures), PRIMARY, END
};

static const um_scim_attribute_t addresses[] = {
    { TEXT("formatted", "The whole address, as it is written on a letter.") },
    { TEXT("streetAddress", "Street, house number, apartment.") },
    { TEXT("locality", "The city.") },
    { TEXT("region", "The state or region.") },
    { TEXT("postalCode", "The postal code.") },
    { TEXT("country", "The country: two letters of ISO 3166-1.") },
    TYPE(places), PRIMARY, END
};

static const um_scim_attribute_t groups[] = {
    { TEXT("value", "The id of the group."), .is_case_exact = 1, .mutability = UM_SCIM_READ_ONLY },
    { TEXT("$ref", "The address of the group."), .type = UM_SCIM_REFERENCE, .is_case_exact = 1,
      .mutability = UM_SCIM_READ_ONLY, .reference_types = group_type },
    { TEXT("display", "The displayName of the group."), .mutability = UM_SCIM_READ_ONLY },
    { TEXT("type", "Whether the user is a member itself."), .mutability = UM_SCIM_READ_ONLY,
      .canonical_values = ways },
    END
};

static const um_scim_attribute_t entitlements[] = {
    { TEXT("value", "The entitlement.") }, DISPLAY, TYPE(NULL), PRIMARY, END
};

static const um_scim_attribute_t roles[] = {
    { TEXT("value", "The role. It gives no rights here.") }, DISPLAY, TYPE(NULL), PRIMARY, END
};

static const um_scim_attribute_t certificates[] = {
    { TEXT("value", "The certificate: DER in base64."), .type = UM_SCIM_BINARY, .is_case_exact = 1 },
    DISPLAY, TYPE(NULL), PRIMARY, END
};

static const um_scim_attribute_t user_attributes[] = {
    { TEXT("userName", "The name that the user signs in with."), .is_required = 1,
      .uniqueness = UM_SCIM_UNIQUE_SERVER },
    { TEXT("name", "The parts of the user's name."), .type = UM_SCIM_COMPLEX,
      .sub_attributes = name },
    { TEXT("displayName", "The name of the user that is shown.") },
    { TEXT("nickName", "The casual name of the user.") },
    { TEXT("profileUrl", "The URL of a page about the user."), .type = UM_SCIM_REFERENCE,
      .is_case_exact = 1, .reference_types = external },
    { TEXT("title", "The title of the user, such as Vice President.") },
    { TEXT("userType", "The relation between the user and the organization.") },
    { TEXT("preferredLanguage", "The languages that the user wants to read, as Accept-Language has "
           "them.") },
    { TEXT("locale", "The place whose notation the user expects, such as en-US.") },
    { TEXT("timezone", "The time zone of the user, such as Europe/Paris.") },
    { TEXT("active", "Whether the user is active; a user who is not is suspended."),
      .type = UM_SCIM_BOOLEAN },
    { TEXT("password", "A password is taken and not kept: the service keeps none."),
      .is_case_exact = 1, .mutability = UM_SCIM_WRITE_ONLY,
      .returned = UM_SCIM_RETURNED_NEVER },
    { TEXT("emails", "The email addresses of the user."), .type = UM_SCIM_COMPLEX,
      .is_multi_valued = 1, .sub_attributes = emails },
    { TEXT("phoneNumbers", "The phone numbers of the user."), .type = UM_SCIM_COMPLEX,
      .is_multi_valued = 1, .sub_attributes = phone_numbers },
    { TEXT("ims", "The addresses of the user for instant messages."), .type = UM_SCIM_COMPLEX,
      .is_multi_valued = 1, .sub_attributes = ims },
    { TEXT("photos", "Pictures of the user."), .type = UM_SCIM_COMPLEX, .is_multi_valued = 1,
      .sub_attributes = photos },
    { TEXT("addresses", "The postal addresses of the user."), .type = UM_SCIM_COMPLEX,
      .is_multi_valued = 1, .sub_attributes = addresses },
    { TEXT("groups", "The groups that the user is a member of."), .type = UM_SCIM_COMPLEX,
      .is_multi_valued = 1, .mutability = UM_SCIM_READ_ONLY, .sub_attributes = groups },
    { TEXT("entitlements", "Things that the user is entitled to."), .type = UM_SCIM_COMPLEX,
      .is_multi_valued = 1, .sub_attributes = entitlements },
    { TEXT("roles", "Roles that the user has elsewhere."), .type = UM_SCIM_COMPLEX,
      .is_multi_valued = 1, .sub_attributes = roles },
    { TEXT("x509Certificates", "The certificates of the user."), .type = UM_SCIM_COMPLEX,
      .is_multi_valued = 1, .sub_attributes = certificates },
    END
};

static const um_scim_schema_t user_schema = {
    UM_SCIM_URN_USER, "User", "A user of the organization", user_attributes, 0
};

/* ---- the extensions of User ---- */

static const um_scim_attribute_t manager[] = {
    { TEXT("value", "The id of the manager."), .is_case_exact = 1 },
    { TEXT("$ref", "The address of the manager."), .type = UM_SCIM_REFERENCE, .is_case_exact = 1,
      .reference_types = user_type },
    { TEXT("displayName", "The displayName of the manager."), .mutability = UM_SCIM_READ_ONLY },
    END
};

static const um_scim_attribute_t enterprise_attributes[] = {
    { TEXT("employeeNumber", "The number or text that the organization has for the user.") },
    { TEXT("costCenter", "The name of a cost center.") },
    { TEXT("organization", "The name of an organization.") },
    { TEXT("division", "The name of a division.") },
    { TEXT("department", "The name of a department.") },
    { TEXT("manager", "The manager of the user."), .type = UM_SCIM_COMPLEX,
      .sub_attributes = manager },
    END
};

static const um_scim_schema_t enterprise_schema = {
    UM_SCIM_URN_ENTERPRISE, "Enterprise User", "A user as an employee", enterprise_attributes, 0
};

static const um_scim_attribute_t no_attributes[] = { END };

static const um_scim_schema_t custom_schema = {
    UM_SCIM_URN_CUSTOM, "Custom attributes",
    "The organization's own attributes: of any name and any JSON type", no_attributes, 1
};

/* ---- Group ---- */

static const um_scim_attribute_t members[] = {
    { TEXT("value", "The id of the user."), .is_required = 1, .is_case_exact = 1,
      .mutability = UM_SCIM_IMMUTABLE },
    { TEXT("$ref", "The address of the user."), .type = UM_SCIM_REFERENCE, .is_case_exact = 1,
      .mutability = UM_SCIM_IMMUTABLE, .reference_types = user_type },
    { TEXT("type", "The type of the member."), .mutability = UM_SCIM_IMMUTABLE,
      .canonical_values = user_type },
    { TEXT("display", "The displayName of the user."), .mutability = UM_SCIM_READ_ONLY },
    END
};

static const um_scim_attribute_t group_attributes[] = {
    { TEXT("displayName", "The name of the group."), .is_required = 1,
      .uniqueness = UM_SCIM_UNIQUE_SERVER },
    { TEXT("members", "The users that are members of the group."), .type = UM_SCIM_COMPLEX,
      .is_multi_valued = 1, .sub_attributes = members },
    END
};

static const um_scim_schema_t group_schema = {
    UM_SCIM_URN_GROUP, "Group", "A group of users", group_attributes, 0
};

/* ---- the types ---- */

static const um_scim_schema_t *const user_extensions[] = {
    &enterprise_schema, &custom_schema, NULL
};
static const um_scim_schema_t *const group_extensions[] = { NULL };

const um_scim_resource_type_t um_scim_user_type = {
    "User", "/Users", "A user of the organization", &user_schema, user_extensions
};

const um_scim_resource_type_t um_scim_group_type = {
    "Group", "/Groups", "A group of users", &group_schema, group_extensions
};

const um_scim_resource_type_t *const um_scim_resource_types[] = {
    &um_scim_user_type, &um_scim_group_type, NULL
};

const um_scim_schema_t *const um_scim_schemas[] = {
    &user_schema, &group_schema, &enterprise_schema, &custom_schema, NULL
};
