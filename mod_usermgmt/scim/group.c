/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file group.c The group as a resource of SCIM, see group.h. */

#include "group.h"

#include <string.h>

#include <apr_strings.h>

#include "../api/group_changes.h"
#include "../base/memory.h"
#include "../base/text.h"
#include "resource.h"

/* Members that are read at once. */
#define READ_MAX 1000

const char *um_scim_group_etag(const um_group_t *group, apr_pool_t *pool)
{
    return apr_psprintf(pool, "\"%" APR_INT64_T_FMT "-%" APR_UINT64_T_HEX_FMT "\"",
                        group->version, (apr_uint64_t)group->updated_at);
}

/* ---- to a resource ---- */

static void put_meta(um_buffer_t *buffer, const um_group_t *group, const um_request_t *request)
{
    um_json_put_name(buffer, "meta");
    um_buffer_putc(buffer, '{');
    um_json_put_member(buffer, "resourceType", "Group");
    um_json_put_member_instant(buffer, "created", group->created_at);
    um_json_put_member_instant(buffer, "lastModified", group->updated_at);
    um_json_put_member(buffer, "location", um_scim_url(request, "Groups", group->id));
    um_json_put_member(buffer, "version", um_scim_group_etag(group, buffer->pool));
    um_buffer_putc(buffer, '}');
}

void um_scim_group_put(um_buffer_t *buffer, const um_group_t *group, const um_buffer_t *members,
                       const um_scim_projection_t *projection, const um_request_t *request,
                       apr_pool_t *pool)
{
    um_buffer_t resource;

    um_buffer_init(&resource, 512, pool);
    um_buffer_puts(&resource, "{\"schemas\":[\"" UM_SCIM_URN_GROUP "\"]");
    um_json_put_member(&resource, "id", group->id);
    um_json_put_member_if(&resource, "externalId", group->external_id);
    um_json_put_member(&resource, "displayName", group->display_name);
    put_meta(&resource, group, request);
    um_buffer_putc(&resource, '}');
    um_scim_projection_put(buffer, &resource, projection, pool);
    if (members != NULL) {
        /* In place of the brace at the end. They are never made a tree. */
        buffer->length--;
        um_buffer_puts(buffer, ",\"members\":");
        um_buffer_append(buffer, members->data, members->length);
        um_buffer_putc(buffer, '}');
    }
}

/* Members that are being written. */
typedef struct um_writing_t {
    um_buffer_t *buffer;
    /* The text between the value of a member and the end of its URL. */
    const char *between;
    char after[UM_UID_MAX + 1];
    apr_int64_t count;
} um_writing_t;

static void take_member(const um_row_t *row, void *baton)
{
    um_writing_t *writing = baton;
    um_buffer_t *buffer = writing->buffer;
    const char *uid = um_row_text(row, 0);

    /* No character of a uid is escaped, see um_rules_check_uid(). */
    um_buffer_puts(buffer, writing->after[0] != '\0' ? ",{\"value\":\"" : "{\"value\":\"");
    um_buffer_puts(buffer, uid);
    um_buffer_puts(buffer, writing->between);
    um_buffer_puts(buffer, uid);
    um_buffer_puts(buffer, "\",\"type\":\"User\"}");
    apr_cpystrn(writing->after, uid, sizeof(writing->after));
    writing->count++;
}

static const char *between_of(const um_request_t *request, apr_pool_t *pool)
{
    um_buffer_t text;

    um_buffer_init(&text, 256, pool);
    um_buffer_puts(&text, "\",\"$ref\":");
    um_json_put_string(&text, um_scim_url(request, "Users", NULL));
    text.data[text.length - 1] = '/';
    return text.data;
}

apr_status_t um_scim_group_put_members(um_buffer_t *buffer, um_db_t *db, const um_group_t *group,
                                       const um_request_t *request, apr_pool_t *pool)
{
    um_writing_t writing = { .buffer = buffer, .between = between_of(request, pool) };
    apr_status_t status = APR_SUCCESS;

    um_buffer_putc(buffer, '[');
    do {
        apr_pool_t *rows;

        um_memory_pool(&rows, pool);
        writing.count = 0;
        status = um_store_members_get(db, take_member, &writing, request->caller.org_id,
                                      group->id, writing.after, READ_MAX, rows);
        apr_pool_destroy(rows);
    } while (status == APR_SUCCESS && writing.count == READ_MAX);
    um_buffer_putc(buffer, ']');
    return status;
}

/* ---- from a resource ---- */

um_json_t *um_scim_group_tree(const um_group_t *group, apr_pool_t *pool)
{
    um_json_t *tree = um_json_new_object(pool);

    um_json_set_string(tree, "id", group->id);
    um_json_set_string(tree, "externalId", group->external_id);
    um_json_set_string(tree, "displayName", group->display_name);
    return tree;
}

/* The text of a member; NULL if there is none, or an empty one. */
static const char *text_of(const um_json_t *resource, const char *name, apr_pool_t *pool)
{
    const um_json_t *member = um_json_member(resource, name);
    const char *text = member != NULL ? um_json_string(member) : NULL;

    return text != NULL && *text != '\0' ? apr_pstrdup(pool, text) : NULL;
}

void um_scim_group_read(um_group_t *group, um_faults_t *faults, const um_json_t *resource)
{
    const char *name = text_of(resource, "displayName", faults->pool);

    group->display_name = um_text_trim(name != NULL ? name : "", faults->pool);
    group->external_id = text_of(resource, "externalId", faults->pool);
    um_group_check_names(faults, group, "displayName", "externalId");
}
