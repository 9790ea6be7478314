/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file discovery.c What the service can do, see discovery.h. */

#include "discovery.h"

#include <apr_cstr.h>

#include "../rest/query.h"
#include "bulk.h"
#include "error.h"
#include "resource.h"
#include "schema.h"

#define CORE "urn:ietf:params:scim:schemas:core:2.0:"
#define LIST_RESPONSE "urn:ietf:params:scim:api:messages:2.0:ListResponse"

/* ---- answers ---- */

/* Nothing of the discovery can be filtered: RFC 7644, 4, wants a 403. */
static apr_status_t check_filter(um_answer_t *answer, const um_request_t *request)
{
    for (int i = 0; i < request->parameters->nelts; i++) {
        if (apr_cstr_casecmp(APR_ARRAY_IDX(request->parameters, i, um_query_parameter_t).name,
                             "filter")
            == 0) {
            return um_scim_error_refuse(answer, 403, NULL, request->pool,
                                        "The discovery takes no filter.");
        }
    }
    return APR_SUCCESS;
}

/* Writes a resource, or all of a list. */
typedef void um_put_t(um_buffer_t *buffer, const void *entry, const um_request_t *request);

static apr_status_t answer_put(um_answer_t *answer, um_request_t *request, um_put_t *put,
                               const void *entry)
{
    apr_status_t status = check_filter(answer, request);
    um_buffer_t buffer;

    if (status != APR_SUCCESS) {
        return status;
    }
    um_buffer_init(&buffer, 16384, request->pool);
    put(&buffer, entry, request);
    um_answer_json(answer, 200, &buffer);
    um_answer_set_header(answer, "ETag", um_answer_etag(buffer.data, request->pool));
    um_answer_revalidate(answer, request);
    return APR_SUCCESS;
}

static void open_resource(um_buffer_t *buffer, const char *schema)
{
    um_buffer_puts(buffer, "{\"schemas\":[\"");
    um_buffer_puts(buffer, schema);
    um_buffer_puts(buffer, "\"]");
}

static void close_resource(um_buffer_t *buffer, const um_request_t *request, const char *type,
                           const char *path, const char *id)
{
    um_scim_put_meta(buffer, type, um_scim_url(request, path, id));
    um_buffer_putc(buffer, '}');
}

/* A list of all; the array ends with NULL. */
static void put_list(um_buffer_t *buffer, const void *const *entries, um_put_t *put,
                     const um_request_t *request)
{
    int count = 0;

    while (entries[count] != NULL) {
        count++;
    }
    open_resource(buffer, LIST_RESPONSE);
    um_json_put_member_int(buffer, "totalResults", count);
    um_json_put_member_int(buffer, "startIndex", 1);
    um_json_put_member_int(buffer, "itemsPerPage", count);
    um_json_put_name(buffer, "Resources");
    um_buffer_putc(buffer, '[');
    for (int i = 0; i < count; i++) {
        if (i > 0) {
            um_buffer_putc(buffer, ',');
        }
        put(buffer, entries[i], request);
    }
    um_buffer_puts(buffer, "]}");
}

/* ---- the service ---- */

static void put_supported(um_buffer_t *buffer, const char *name, int supported)
{
    um_json_put_any_name(buffer, name);
    um_buffer_putc(buffer, '{');
    um_json_put_member_bool(buffer, "supported", supported);
    um_buffer_putc(buffer, '}');
}

static void put_limits(um_buffer_t *buffer, const um_request_t *request)
{
    um_json_put_name(buffer, "bulk");
    um_buffer_putc(buffer, '{');
    um_json_put_member_bool(buffer, "supported", 1);
    um_json_put_member_int(buffer, "maxOperations", UM_SCIM_BULK_OPERATIONS_MAX);
    um_json_put_member_int(buffer, "maxPayloadSize", um_scim_bulk_max_payload(request));
    um_buffer_putc(buffer, '}');
    um_json_put_name(buffer, "filter");
    um_buffer_putc(buffer, '{');
    um_json_put_member_bool(buffer, "supported", 1);
    um_json_put_member_int(buffer, "maxResults", UM_SCIM_PAGE_MAX);
    um_buffer_putc(buffer, '}');
}

/* RFC 9865, 4. */
static const char pagination[] =
    "{\"cursor\":true,\"index\":true,\"defaultPaginationMethod\":\"index\","
    "\"defaultPageSize\":100,\"maxPageSize\":1000,\"cursorTimeout\":3600}";

static const char schemes[] =
    "[{\"type\":\"oauthbearertoken\",\"name\":\"API key\","
    "\"description\":\"An API key that has the permission scim, as a bearer token.\","
    "\"specUri\":\"https://www.rfc-editor.org/info/rfc6750\",\"primary\":true}]";

static void put_config(um_buffer_t *buffer, const void *entry, const um_request_t *request)
{
    (void)entry;
    open_resource(buffer, CORE "ServiceProviderConfig");
    put_supported(buffer, "patch", 1);
    put_limits(buffer, request);
    put_supported(buffer, "changePassword", 0);
    put_supported(buffer, "sort", 1);
    put_supported(buffer, "etag", 1);
    um_json_put_member_json(buffer, "pagination", pagination);
    um_json_put_member_json(buffer, "authenticationSchemes", schemes);
    close_resource(buffer, request, "ServiceProviderConfig", "ServiceProviderConfig", NULL);
}

apr_status_t um_scim_discovery_config(um_answer_t *answer, um_request_t *request)
{
    return answer_put(answer, request, put_config, NULL);
}

/* ---- resource types ---- */

static void put_extensions(um_buffer_t *buffer, const um_scim_resource_type_t *type)
{
    um_json_put_name(buffer, "schemaExtensions");
    um_buffer_putc(buffer, '[');
    for (int i = 0; type->extensions[i] != NULL; i++) {
        if (i > 0) {
            um_buffer_putc(buffer, ',');
        }
        um_buffer_putc(buffer, '{');
        um_json_put_member(buffer, "schema", type->extensions[i]->urn);
        um_json_put_member_bool(buffer, "required", 0);
        um_buffer_putc(buffer, '}');
    }
    um_buffer_putc(buffer, ']');
}

static void put_type(um_buffer_t *buffer, const void *entry, const um_request_t *request)
{
    const um_scim_resource_type_t *type = entry;

    open_resource(buffer, CORE "ResourceType");
    um_json_put_member(buffer, "id", type->name);
    um_json_put_member(buffer, "name", type->name);
    um_json_put_member(buffer, "endpoint", type->endpoint);
    um_json_put_member(buffer, "description", type->description);
    um_json_put_member(buffer, "schema", type->schema->urn);
    put_extensions(buffer, type);
    close_resource(buffer, request, "ResourceType", "ResourceTypes", type->name);
}

static void put_types(um_buffer_t *buffer, const void *entry, const um_request_t *request)
{
    (void)entry;
    put_list(buffer, (const void *const *)um_scim_resource_types, put_type, request);
}

apr_status_t um_scim_discovery_types(um_answer_t *answer, um_request_t *request)
{
    return answer_put(answer, request, put_types, NULL);
}

apr_status_t um_scim_discovery_type(um_answer_t *answer, um_request_t *request)
{
    for (int i = 0; um_scim_resource_types[i] != NULL; i++) {
        if (um_filter_same_name(um_scim_resource_types[i]->name, request->id)) {
            return answer_put(answer, request, put_type, um_scim_resource_types[i]);
        }
    }
    return um_scim_error_refuse(answer, 404, NULL, request->pool,
                                "There is no such resource type.");
}

/* ---- schemas ---- */

static const char *const type_names[] = {
    [UM_SCIM_STRING] = "string",       [UM_SCIM_BOOLEAN] = "boolean",
    [UM_SCIM_DATE_TIME] = "dateTime",  [UM_SCIM_BINARY] = "binary",
    [UM_SCIM_REFERENCE] = "reference", [UM_SCIM_COMPLEX] = "complex",
};

static const char *const mutability_names[] = {
    [UM_SCIM_READ_WRITE] = "readWrite",
    [UM_SCIM_READ_ONLY] = "readOnly",
    [UM_SCIM_IMMUTABLE] = "immutable",
    [UM_SCIM_WRITE_ONLY] = "writeOnly",
};

static const char *const returned_names[] = {
    [UM_SCIM_RETURNED_DEFAULT] = "default",
    [UM_SCIM_RETURNED_ALWAYS] = "always",
    [UM_SCIM_RETURNED_NEVER] = "never",
};

static const char *const uniqueness_names[] = {
    [UM_SCIM_UNIQUE_NOT] = "none",
    [UM_SCIM_UNIQUE_SERVER] = "server",
};

/* An array of texts that ends with NULL; nothing where there is none. */
static void put_texts(um_buffer_t *buffer, const char *name, const char *const *texts)
{
    if (texts == NULL) {
        return;
    }
    um_json_put_any_name(buffer, name);
    um_buffer_putc(buffer, '[');
    for (int i = 0; texts[i] != NULL; i++) {
        if (i > 0) {
            um_buffer_putc(buffer, ',');
        }
        um_json_put_string(buffer, texts[i]);
    }
    um_buffer_putc(buffer, ']');
}

static void put_attributes(um_buffer_t *buffer, const char *name,
                           const um_scim_attribute_t *attributes);

/* Of a complex attribute its sub-attributes, and of others how they compare. */
static void put_attribute(um_buffer_t *buffer, const um_scim_attribute_t *attribute)
{
    um_buffer_putc(buffer, '{');
    um_json_put_member(buffer, "name", attribute->name);
    um_json_put_member(buffer, "type", type_names[attribute->type]);
    um_json_put_member_bool(buffer, "multiValued", attribute->is_multi_valued);
    um_json_put_member(buffer, "description", attribute->description);
    um_json_put_member_bool(buffer, "required", attribute->is_required);
    put_texts(buffer, "canonicalValues", attribute->canonical_values);
    um_json_put_member_bool(buffer, "caseExact", attribute->is_case_exact);
    um_json_put_member(buffer, "mutability", mutability_names[attribute->mutability]);
    um_json_put_member(buffer, "returned", returned_names[attribute->returned]);
    um_json_put_member(buffer, "uniqueness", uniqueness_names[attribute->uniqueness]);
    put_texts(buffer, "referenceTypes", attribute->reference_types);
    if (attribute->sub_attributes != NULL) {
        put_attributes(buffer, "subAttributes", attribute->sub_attributes);
    }
    um_buffer_putc(buffer, '}');
}

/* The tables are two levels deep. */
static void put_attributes(um_buffer_t *buffer, const char *name,
                           const um_scim_attribute_t *attributes)
{
    um_json_put_any_name(buffer, name);
    um_buffer_putc(buffer, '[');
    for (const um_scim_attribute_t *at = attributes; at->name != NULL; at++) {
        if (at > attributes) {
            um_buffer_putc(buffer, ',');
        }
        put_attribute(buffer, at);
    }
    um_buffer_putc(buffer, ']');
}

static void put_schema(um_buffer_t *buffer, const void *entry, const um_request_t *request)
{
    const um_scim_schema_t *schema = entry;

    open_resource(buffer, CORE "Schema");
    um_json_put_member(buffer, "id", schema->urn);
    um_json_put_member(buffer, "name", schema->name);
    um_json_put_member(buffer, "description", schema->description);
    put_attributes(buffer, "attributes", schema->attributes);
    close_resource(buffer, request, "Schema", "Schemas", schema->urn);
}

static void put_schemas(um_buffer_t *buffer, const void *entry, const um_request_t *request)
{
    (void)entry;
    put_list(buffer, (const void *const *)um_scim_schemas, put_schema, request);
}

apr_status_t um_scim_discovery_schemas(um_answer_t *answer, um_request_t *request)
{
    return answer_put(answer, request, put_schemas, NULL);
}

apr_status_t um_scim_discovery_schema(um_answer_t *answer, um_request_t *request)
{
    for (int i = 0; um_scim_schemas[i] != NULL; i++) {
        if (um_filter_same_name(um_scim_schemas[i]->urn, request->id)) {
            return answer_put(answer, request, put_schema, um_scim_schemas[i]);
        }
    }
    return um_scim_error_refuse(answer, 404, NULL, request->pool, "There is no such schema.");
}
