/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file user.c The user as a resource of SCIM, see user.h. */

#include "user.h"

#include <string.h>

#include <apr_strings.h>

#include "../api/user_json.h"
#include "resource.h"
#include "schema.h"

/* ---- what is kept ---- */

/* The members of um_user_t.scim, of um_json_member_text_t. What can't be read is as none. */
static const apr_array_header_t *split_kept(const um_user_t *user, apr_pool_t *pool)
{
    apr_array_header_t *kept = NULL;

    if (user->scim == NULL || um_json_split(&kept, user->scim, pool) != APR_SUCCESS) {
        kept = apr_array_make(pool, 1, sizeof(um_json_member_text_t));
    }
    return kept;
}

static const um_json_member_text_t *find_kept(const apr_array_header_t *kept, const char *name)
{
    for (int i = 0; i < kept->nelts; i++) {
        const um_json_member_text_t *at = &APR_ARRAY_IDX(kept, i, um_json_member_text_t);

        if (strcmp(at->name, name) == 0) {
            return at;
        }
    }
    return NULL;
}

/* Append what is between the brackets of an object or an array. None of the names has a character
 * that JSON escapes. */
static void put_inside(um_buffer_t *buffer, const um_json_member_text_t *member)
{
    apr_size_t before = strlen(member->name) + strlen("\"\":{");

    um_buffer_append(buffer, member->text + before, member->length - before - 1);
}

/* ---- names ---- */

void um_scim_user_derive_name(um_scim_name_t *name, const char *display_name, apr_pool_t *pool)
{
    const char *space = strrchr(display_name, ' ');
    apr_size_t length = space != NULL ? (apr_size_t)(space - display_name) : 0;

    while (length > 0 && display_name[length - 1] == ' ') {
        length--;
    }
    name->formatted = display_name;
    name->family = space != NULL ? space + 1 : display_name;
    name->given = length > 0 ? apr_pstrmemdup(pool, display_name, length) : display_name;
}

static void put_derived_name(um_buffer_t *buffer, const um_user_t *user)
{
    um_scim_name_t name;

    um_scim_user_derive_name(&name, user->display_name, buffer->pool);
    um_json_put_name(buffer, "name");
    um_buffer_putc(buffer, '{');
    um_json_put_member(buffer, "formatted", name.formatted);
    um_json_put_member(buffer, "familyName", name.family);
    um_json_put_member(buffer, "givenName", name.given);
    um_buffer_putc(buffer, '}');
}

/* ---- values of many ---- */

/* An attribute with many values, of which one is a member of um_user_t. */
typedef struct um_values_t {
    const char *name;
    /* What is kept of that one. */
    const char *main;
    int main_is_primary;
} um_values_t;

static const um_values_t emails = { "emails", UM_SCIM_MAIN_EMAIL, 1 };
static const um_values_t phones = { "phoneNumbers", UM_SCIM_WORK_PHONE, 0 };

static void put_main(um_buffer_t *buffer, const char *value, const um_values_t *values,
                     const apr_array_header_t *kept)
{
    const um_json_member_text_t *main = find_kept(kept, values->main);

    um_buffer_putc(buffer, '{');
    um_json_put_member(buffer, "value", value);
    if (main == NULL) {
        um_json_put_member(buffer, "type", "work");
    } else if (main->text[main->length - 2] != '{') {
        um_buffer_putc(buffer, ',');
        put_inside(buffer, main);
    }
    if (values->main_is_primary) {
        um_json_put_member_bool(buffer, "primary", 1);
    }
    um_buffer_putc(buffer, '}');
}

static void put_values(um_buffer_t *buffer, const char *value, const um_values_t *values,
                       const apr_array_header_t *kept)
{
    const um_json_member_text_t *others = find_kept(kept, values->name);

    if (value == NULL && others == NULL) {
        return;
    }
    um_json_put_any_name(buffer, values->name);
    um_buffer_putc(buffer, '[');
    if (value != NULL) {
        put_main(buffer, value, values, kept);
    }
    if (others != NULL) {
        um_buffer_puts(buffer, value != NULL ? "," : "");
        put_inside(buffer, others);
    }
    um_buffer_putc(buffer, ']');
}

/* ---- the resource ---- */

/* Members that are kept, and are not as they are a member of the resource. */
static int is_special(const char *name)
{
    static const char *const names[] = { "emails", "phoneNumbers", UM_SCIM_MAIN_EMAIL,
                                         UM_SCIM_WORK_PHONE };

    for (apr_size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0) {
            return 1;
        }
    }
    return 0;
}

static void put_kept(um_buffer_t *buffer, const apr_array_header_t *kept)
{
    for (int i = 0; i < kept->nelts; i++) {
        const um_json_member_text_t *at = &APR_ARRAY_IDX(kept, i, um_json_member_text_t);

        if (!is_special(at->name)) {
            um_buffer_putc(buffer, ',');
            um_buffer_append(buffer, at->text, at->length);
        }
    }
}

static int has_attributes(const um_user_t *user)
{
    return user->attributes[1] != '}';
}

static void put_schemas(um_buffer_t *buffer, const um_user_t *user,
                        const apr_array_header_t *kept)
{
    um_buffer_puts(buffer, "\"schemas\":[\"" UM_SCIM_URN_USER "\"");
    if (find_kept(kept, UM_SCIM_URN_ENTERPRISE) != NULL) {
        um_buffer_puts(buffer, ",\"" UM_SCIM_URN_ENTERPRISE "\"");
    }
    if (has_attributes(user)) {
        um_buffer_puts(buffer, ",\"" UM_SCIM_URN_CUSTOM "\"");
    }
    um_buffer_putc(buffer, ']');
}

/* All that a client can write, and the id. */
static void put_members(um_buffer_t *buffer, const um_user_t *user)
{
    const apr_array_header_t *kept = split_kept(user, buffer->pool);

    put_schemas(buffer, user, kept);
    um_json_put_member(buffer, "id", user->uid);
    um_json_put_member_if(buffer, "externalId", user->external_id);
    um_json_put_member(buffer, "userName",
                       user->user_name != NULL ? user->user_name : user->email);
    if (find_kept(kept, "name") == NULL) {
        put_derived_name(buffer, user);
    }
    um_json_put_member(buffer, "displayName", user->display_name);
    um_json_put_member_bool(buffer, "active", !user->is_suspended);
    put_values(buffer, user->email, &emails, kept);
    put_values(buffer, user->phone, &phones, kept);
    put_kept(buffer, kept);
    if (has_attributes(user)) {
        um_buffer_puts(buffer, ",\"" UM_SCIM_URN_CUSTOM "\":");
        um_buffer_puts(buffer, user->attributes);
    }
}

const char *um_scim_user_etag(const um_user_t *user, const char *groups, apr_pool_t *pool)
{
    const char *etag = um_user_etag(user, pool);

    return groups != NULL ? apr_pstrcat(pool, apr_pstrmemdup(pool, etag, strlen(etag) - 1), ".",
                                        um_answer_etag(groups, pool) + 1, NULL)
                          : etag;
}

const char *um_scim_user_own_etags(const char *etags, apr_pool_t *pool)
{
    char *own = apr_palloc(pool, strlen(etags) + 1);
    char *end = own;

    while (*etags != '\0') {
        etags += *etags == '.' ? strcspn(etags, "\"") : 0;
        if (*etags != '\0') {
            *end++ = *etags++;
        }
    }
    *end = '\0';
    return own;
}

static void put_meta(um_buffer_t *buffer, const um_user_t *user, const char *groups,
                     const um_request_t *request)
{
    um_json_put_name(buffer, "meta");
    um_buffer_putc(buffer, '{');
    um_json_put_member(buffer, "resourceType", "User");
    um_json_put_member_instant(buffer, "created", user->created_at);
    um_json_put_member_instant(buffer, "lastModified", user->updated_at);
    um_json_put_member(buffer, "location", um_scim_url(request, "Users", user->uid));
    um_json_put_member(buffer, "version", um_scim_user_etag(user, groups, buffer->pool));
    um_buffer_putc(buffer, '}');
}

void um_scim_user_put(um_buffer_t *buffer, const um_user_t *user, const char *groups,
                      const um_request_t *request)
{
    um_buffer_putc(buffer, '{');
    put_members(buffer, user);
    if (groups != NULL) {
        um_json_put_member_json(buffer, "groups", groups);
    }
    put_meta(buffer, user, groups, request);
    um_buffer_putc(buffer, '}');
}

const char *um_scim_user_audit(const um_user_t *user, apr_pool_t *pool)
{
    um_buffer_t buffer;

    if (user->user_name == NULL && user->external_id == NULL && user->scim == NULL) {
        return um_user_json(user, pool);
    }
    um_buffer_init(&buffer, 1024, pool);
    um_user_json_put(&buffer, user);
    buffer.length--;
    um_json_put_name(&buffer, "scim");
    um_buffer_putc(&buffer, '{');
    um_json_put_member_if(&buffer, "userName", user->user_name);
    um_json_put_member_if(&buffer, "externalId", user->external_id);
    if (user->scim != NULL) {
        um_buffer_puts(&buffer, buffer.data[buffer.length - 1] != '{' ? "," : "");
        um_buffer_append(&buffer, user->scim + 1, strlen(user->scim) - 2);
    }
    um_buffer_puts(&buffer, "}}");
    return buffer.data;
}

apr_status_t um_scim_user_tree(um_json_t **resource, const um_user_t *user, apr_pool_t *pool)
{
    um_json_error_t error;
    um_buffer_t buffer;

    um_buffer_init(&buffer, 1024, pool);
    um_buffer_putc(&buffer, '{');
    put_members(&buffer, user);
    um_buffer_putc(&buffer, '}');
    return um_json_parse(resource, &error, buffer.data, buffer.length, pool) == APR_SUCCESS
               ? APR_SUCCESS
               : APR_EGENERAL;
}
