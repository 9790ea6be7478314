/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_SCHEMA_H
#define UM_SCIM_SCHEMA_H

/**
 * @file schema.h
 * The attributes of the SCIM resources (RFC 7643), as constant tables. PATCH, the reader of
 * values and /Schemas follow from them.
 */

#include "../base/filter.h"

#define UM_SCIM_URN_USER "urn:ietf:params:scim:schemas:core:2.0:User"
#define UM_SCIM_URN_GROUP "urn:ietf:params:scim:schemas:core:2.0:Group"
#define UM_SCIM_URN_ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define UM_SCIM_URN_LIST_RESPONSE "urn:ietf:params:scim:api:messages:2.0:ListResponse"
/** The extension with the organization's own attributes. */
#define UM_SCIM_URN_CUSTOM "urn:ietf:params:scim:schemas:extension:usermgmt:2.0:User"

typedef enum um_scim_type_t {
    UM_SCIM_STRING,
    UM_SCIM_BOOLEAN,
    UM_SCIM_DATE_TIME,
    UM_SCIM_BINARY,
    UM_SCIM_REFERENCE,
    UM_SCIM_COMPLEX,
    /** Any JSON value; only of custom attributes. */
    UM_SCIM_ANY
} um_scim_type_t;

typedef enum um_scim_mutability_t {
    UM_SCIM_READ_WRITE,
    UM_SCIM_READ_ONLY,
    /** Set with its resource or element, and never changed after it. */
    UM_SCIM_IMMUTABLE,
    UM_SCIM_WRITE_ONLY
} um_scim_mutability_t;

typedef enum um_scim_returned_t {
    UM_SCIM_RETURNED_DEFAULT,
    UM_SCIM_RETURNED_ALWAYS,
    UM_SCIM_RETURNED_NEVER
} um_scim_returned_t;

typedef enum um_scim_uniqueness_t {
    UM_SCIM_UNIQUE_NOT,
    /** Within the organization. */
    UM_SCIM_UNIQUE_SERVER
} um_scim_uniqueness_t;

typedef struct um_scim_attribute_t um_scim_attribute_t;

/** An attribute or a sub-attribute. In arrays of them the last one has no name. */
struct um_scim_attribute_t {
    const char *name;
    const char *description;
    um_scim_type_t type;
    int is_multi_valued;
    int is_required;
    int is_case_exact;
    um_scim_mutability_t mutability;
    um_scim_returned_t returned;
    um_scim_uniqueness_t uniqueness;
    /** The usual values, ending with NULL; others are taken too. NULL if there are none. */
    const char *const *canonical_values;
    /** The types of resources that a reference leads to, or "external"; ending with NULL. */
    const char *const *reference_types;
    /** Of a complex attribute. */
    const um_scim_attribute_t *sub_attributes;
};

typedef struct um_scim_schema_t {
    const char *urn;
    const char *name;
    const char *description;
    const um_scim_attribute_t *attributes;
    /** Whether there are other attributes than those in the table, of any type. */
    int is_open;
} um_scim_schema_t;

typedef struct um_scim_resource_type_t {
    /** "User" */
    const char *name;
    /** "/Users" */
    const char *endpoint;
    const char *description;
    const um_scim_schema_t *schema;
    /** Ending with NULL. */
    const um_scim_schema_t *const *extensions;
} um_scim_resource_type_t;

extern const um_scim_resource_type_t um_scim_user_type;
extern const um_scim_resource_type_t um_scim_group_type;

/** All types, and all schemas of theirs; both end with NULL. */
extern const um_scim_resource_type_t *const um_scim_resource_types[];
extern const um_scim_schema_t *const um_scim_schemas[];

/** The attributes that every resource has, whatever its schema: schemas, id, externalId, meta. */
extern const um_scim_attribute_t um_scim_common_attributes[];

/** The sub-attribute of that name, without case; NULL if there is none, and of an attribute that
 *  is not complex. */
const um_scim_attribute_t *um_scim_find_sub(const um_scim_attribute_t *attribute,
                                            const char *name);

/** Tell whether elements of a multi-valued attribute mean nothing without a value: they have a
 *  sub-attribute "value". */
int um_scim_needs_value(const um_scim_attribute_t *attribute);

/** The attribute of a schema with that name, without case; NULL if there is none. An open schema
 *  has an attribute of any name, with a name of NULL. */
const um_scim_attribute_t *um_scim_find_in_schema(const um_scim_schema_t *schema,
                                                  const char *name);

/** The attribute of a type's own schema, or the common one, with that name, without case; NULL if
 *  there is none. */
const um_scim_attribute_t *um_scim_find_attribute(const um_scim_resource_type_t *type,
                                                  const char *name);

/** The schema of a type with that URN, without case: its own, or an extension; NULL if there is
 *  none. */
const um_scim_schema_t *um_scim_find_schema(const um_scim_resource_type_t *type, const char *urn);

/** What a path leads to. */
typedef struct um_scim_target_t {
    /** The extension; NULL for an attribute of the type's own schema and a common one. */
    const um_scim_schema_t *extension;
    /** NULL if the path is the URN of a schema alone. */
    const um_scim_attribute_t *attribute;
    /** The attribute's name as the table has it, or as given if the schema is open; in the pool
     * of the call. NULL if attribute is. */
    const char *name;
    /** NULL if the path has none, or if the attribute is of any type. */
    const um_scim_attribute_t *sub;
    /** The same of the sub-attribute. */
    const char *sub_name;
} um_scim_target_t;

/**
 * Find what a path leads to, without case: attribute, attribute.sub, URN:attribute,
 * URN:attribute.sub or the URN of a schema.
 * @param sub the sub-attribute behind brackets, or that of the path; NULL for none
 * @return APR_SUCCESS; UM_ENOTFOUND if the type has no schema of that URN; UM_EINVALID if its
 *         schema has no such attribute
 */
apr_status_t um_scim_find_path(um_scim_target_t *target, const um_scim_resource_type_t *type,
                               const um_filter_path_t *path, const char *sub, apr_pool_t *pool);

#endif
