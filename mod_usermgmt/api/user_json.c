/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file user_json.c The user as JSON, see user_json.h. */

#include "user_json.h"

#include <stddef.h>
#include <string.h>

#include <apr_cstr.h>
#include <apr_strings.h>

#include "../base/address.h"
#include "../base/instant.h"
#include "../base/text.h"

/* The members of a user that are no attributes. */
static const struct {
    const char *name;
    apr_size_t offset;
} members[] = {
    { "user_uid", offsetof(um_user_input_t, uid) },
    { "email", offsetof(um_user_input_t, email) },
    { "display_name", offsetof(um_user_input_t, display_name) },
    { "phone", offsetof(um_user_input_t, phone) },
    { "role", offsetof(um_user_input_t, role) },
    { "active", offsetof(um_user_input_t, active) },
    { "created_at", offsetof(um_user_input_t, created_at) },
    { "updated_at", offsetof(um_user_input_t, updated_at) },
};

#define MEMBER_COUNT (sizeof(members) / sizeof(members[0]))

int um_user_input_is_member(const char *name)
{
    for (apr_size_t i = 0; i < MEMBER_COUNT; i++) {
        if (strcmp(members[i].name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

void um_user_input_read(um_user_input_t *input, const um_json_t *body)
{
    memset(input, 0, sizeof(*input));
    input->body = body;
    for (apr_size_t i = 0; i < MEMBER_COUNT; i++) {
        *(const um_json_t **)((char *)input
                              + members[i].offset) = um_json_member(body, members[i].name);
    }
}

static int is_null(const um_json_t *value)
{
    return um_json_type(value) == UM_JSON_NULL;
}

/* The text of a member that must be a string; NULL, after a fault was added, if it is none. */
static const char *string_of(const um_json_t *value, const char *name, um_faults_t *faults)
{
    const char *text = um_json_string(value);

    if (text == NULL && is_null(value)) {
        um_faults_add(faults, name, "required", "It can't be removed or null.");
    } else if (text == NULL) {
        um_faults_add(faults, name, "invalid_type", "It must be a string.");
    }
    return text;
}

static const char *check_email(const um_json_t *value, um_faults_t *faults)
{
    const char *email = string_of(value, "email", faults);

    if (email != NULL) {
        um_faults_add_violation(faults, "email", um_address_check(email, faults->pool));
    }
    return email;
}

static const char *check_display_name(const um_json_t *value, um_faults_t *faults)
{
    const char *name = string_of(value, "display_name", faults);

    if (name != NULL) {
        name = um_text_trim(name, faults->pool);
        um_faults_add_violation(faults, "display_name", um_rules_check_display_name(name));
    }
    return name;
}

/* NULL for a null, which means no phone. */
static const char *check_phone(const um_json_t *value, um_faults_t *faults)
{
    const char *phone = NULL;

    if (!is_null(value)) {
        phone = string_of(value, "phone", faults);
    }
    if (phone != NULL) {
        um_faults_add_violation(faults, "phone", um_rules_check_phone(phone));
    }
    return phone;
}

static int is_false(const um_json_t *value)
{
    return um_json_type(value) == UM_JSON_FALSE;
}

/* null counts as not given. */
static void check_active(const um_json_t *value, um_faults_t *faults)
{
    if (um_json_type(value) != UM_JSON_TRUE && !is_false(value) && !is_null(value)) {
        um_faults_add(faults, "active", "invalid_type", "It must be true or false.");
    }
}

static void check_limits(int count, apr_size_t bytes, um_faults_t *faults)
{
    if (count > UM_ATTRIBUTES_MAX) {
        um_faults_add(faults, "attributes", "too_many_attributes",
                      "A user has at most 64 further attributes.");
    }
    if (bytes > UM_ATTRIBUTES_MAX_BYTES) {
        um_faults_add(faults, "attributes", "attributes_too_large",
                      "The further attributes of a user take at most 16 KiB.");
    }
}

/* The attributes of a body that are being written as text. */
typedef struct um_rendering_t {
    /* Of um_json_member_text_t. */
    apr_array_header_t *attributes;
    int count;
    /* Their length as an object. */
    apr_size_t bytes;
    um_faults_t *faults;
    /* The names of nulls are checked later, against the attributes of the stored user. */
    int is_update;
    /* A member that is no attribute here; NULL for none. */
    const um_json_t *scim;
} um_rendering_t;

/* Stop when the attributes are too large, because writing numbers takes long. */
static void render_attribute(const char *name, const um_json_t *value, void *baton)
{
    um_rendering_t *rendering = baton;
    um_json_member_text_t *attribute;
    um_buffer_t text;

    if (um_user_input_is_member(name) || value == rendering->scim) {
        return;
    }
    if (!is_null(value) || !rendering->is_update) {
        um_faults_add_violation(rendering->faults, name, um_rules_check_attribute_name(name));
    }
    if (is_null(value)) {
        return;
    }
    rendering->count++;
    if (rendering->bytes > UM_ATTRIBUTES_MAX_BYTES) {
        return;
    }
    um_buffer_init(&text, 64, rendering->faults->pool);
    um_json_put_string(&text, name);
    um_buffer_putc(&text, ':');
    um_json_put_value_up_to(&text, value, UM_ATTRIBUTES_MAX_BYTES);
    rendering->bytes += text.length + strlen(",");
    attribute = apr_array_push(rendering->attributes);
    attribute->name = name;
    attribute->text = text.data;
    attribute->length = text.length;
}

static void check_attributes(um_user_input_t *input, int is_update, um_faults_t *faults)
{
    um_rendering_t rendering = { apr_array_make(faults->pool, 16, sizeof(um_json_member_text_t)),
                                 0,
                                 strlen("{"),
                                 faults,
                                 is_update,
                                 input->scim };

    um_json_each(input->body, render_attribute, &rendering);
    check_limits(rendering.count, rendering.bytes, faults);
    input->attributes = rendering.attributes;
}

/* NULL if there is none. */
static const um_json_member_text_t *find_attribute(const apr_array_header_t *attributes,
                                                   const char *name)
{
    for (int i = 0; i < attributes->nelts; i++) {
        const um_json_member_text_t *at = &APR_ARRAY_IDX(attributes, i, um_json_member_text_t);

        if (strcmp(at->name, name) == 0) {
            return at;
        }
    }
    return NULL;
}

static void put_attribute(um_buffer_t *object, const um_json_member_text_t *attribute)
{
    if (object->length > 1) {
        um_buffer_putc(object, ',');
    }
    um_buffer_append(object, attribute->text, attribute->length);
}

/* Write the attributes of a user: those of under, replaced or removed by a checked body, then the
 * new ones of the body. Returns their number. */
static int merge_attributes(um_buffer_t *merged, const apr_array_header_t *under,
                            const um_user_input_t *input)
{
    int count = 0;

    um_buffer_putc(merged, '{');
    for (int i = 0; i < under->nelts; i++) {
        const um_json_member_text_t *at = &APR_ARRAY_IDX(under, i, um_json_member_text_t);
        const um_json_member_text_t *over = find_attribute(input->attributes, at->name);

        /* If the body has the member but there is no text for it, it is null. */
        if (over != NULL || um_json_member(input->body, at->name) == NULL) {
            put_attribute(merged, over != NULL ? over : at);
            count++;
        }
    }
    for (int i = 0; i < input->attributes->nelts; i++) {
        const um_json_member_text_t *at = &APR_ARRAY_IDX(input->attributes, i,
                                                         um_json_member_text_t);

        if (find_attribute(under, at->name) == NULL) {
            put_attribute(merged, at);
            count++;
        }
    }
    um_buffer_putc(merged, '}');
    return count;
}

/* The attributes of a new user, as they are stored. */
static const char *make_attributes(um_user_input_t *input, um_faults_t *faults)
{
    um_buffer_t object;

    check_attributes(input, 0, faults);
    um_buffer_init(&object, 256, faults->pool);
    merge_attributes(&object, apr_array_make(faults->pool, 1, sizeof(um_json_member_text_t)),
                     input);
    return object.data;
}

/* null counts as not given. */
static int is_given(const um_json_t *value)
{
    return value != NULL && !is_null(value);
}

static void refuse_on_create(const um_json_t *value, const char *name, um_faults_t *faults)
{
    if (is_given(value)) {
        um_faults_add(faults, name, "read_only", "It is set by the server.");
    }
}

/* Read all members except those that the server sets. */
static void read_new(um_user_t *user, const um_user_input_t *input, um_faults_t *faults)
{
    if (input->email == NULL) {
        um_faults_add(faults, "email", "required", "It must be given.");
    } else {
        user->email = check_email(input->email, faults);
    }
    if (input->display_name == NULL) {
        um_faults_add(faults, "display_name", "required", "It must be given.");
    } else {
        user->display_name = check_display_name(input->display_name, faults);
    }
    if (input->phone != NULL) {
        user->phone = check_phone(input->phone, faults);
    }
}

void um_user_input_create(um_user_t *user, um_user_input_t *input, um_faults_t *faults)
{
    refuse_on_create(input->uid, "user_uid", faults);
    read_new(user, input, faults);
    if (input->active != NULL) {
        check_active(input->active, faults);
        user->is_suspended = is_false(input->active);
    }
    refuse_on_create(input->role, "role", faults);
    refuse_on_create(input->created_at, "created_at", faults);
    refuse_on_create(input->updated_at, "updated_at", faults);
    user->attributes = make_attributes(input, faults);
}

static const char *read_uid(const um_json_t *value, um_faults_t *faults)
{
    const char *uid = string_of(value, "user_uid", faults);

    if (uid != NULL) {
        um_faults_add_violation(faults, "user_uid", um_rules_check_uid(uid));
    }
    return uid;
}

static int read_role(const um_json_t *value, um_faults_t *faults)
{
    const char *role = string_of(value, "role", faults);
    int is_sub_admin = role != NULL && strcmp(role, "sub_admin") == 0;

    if (role != NULL && !is_sub_admin && strcmp(role, "user") != 0) {
        um_faults_add(faults, "role", "invalid_value", "It must be user or sub_admin.");
    }
    return is_sub_admin;
}

/* Read the member "active" of an import, and tell whether it suspends the user. A cell of a CSV
 * file is a text, and spreadsheets write it in capitals. */
static int read_suspended(const um_json_t *value, um_faults_t *faults)
{
    const char *text = um_json_string(value);

    if (text == NULL) {
        check_active(value, faults);
        return is_false(value);
    }
    if (apr_cstr_casecmp(text, "true") != 0 && apr_cstr_casecmp(text, "false") != 0) {
        um_faults_add(faults, "active", "invalid_value", "It must be true or false.");
    }
    return apr_cstr_casecmp(text, "false") == 0;
}

static apr_int64_t read_instant(const um_json_t *value, const char *name, um_faults_t *faults)
{
    const char *text = string_of(value, name, faults);
    apr_int64_t instant = 0;

    if (text != NULL && (!um_instant_parse(&instant, text) || instant < 0)) {
        um_faults_add(faults, name, "invalid_value",
                      "It must be a time as in RFC 3339, not before 1970.");
    }
    return instant;
}

/* What an identity provider has set, while it is read. */
typedef struct um_scim_input_t {
    um_user_t *user;
    um_buffer_t others;
    um_faults_t *faults;
} um_scim_input_t;

/* NULL for a null, and after a fault. */
static const char *read_scim_text(const um_json_t *value, const char *field, apr_size_t max,
                                  um_faults_t *faults)
{
    const char *text = is_null(value) ? NULL : string_of(value, field, faults);

    if (text != NULL && (*text == '\0' || strlen(text) > max || um_text_has_control(text))) {
        um_faults_add(faults, field, "invalid_value",
                      apr_psprintf(faults->pool,
                                   "It must have 1 to %" APR_SIZE_T_FMT
                                   " bytes, and no control characters.",
                                   max));
    }
    return text;
}

static void read_scim_member(const char *name, const um_json_t *value, void *baton)
{
    um_scim_input_t *input = baton;

    if (strcmp(name, "userName") == 0) {
        input->user->user_name = read_scim_text(value, UM_USER_SCIM ".userName", UM_USER_NAME_MAX,
                                                input->faults);
    } else if (strcmp(name, "externalId") == 0) {
        input->user->external_id = read_scim_text(value, UM_USER_SCIM ".externalId",
                                                  UM_EXTERNAL_ID_MAX, input->faults);
    } else if (input->others.length <= UM_SCIM_MAX_BYTES) {
        um_buffer_puts(&input->others, input->others.length > 1 ? "," : "");
        um_json_put_string(&input->others, name);
        um_buffer_putc(&input->others, ':');
        um_json_put_value_up_to(&input->others, value, UM_SCIM_MAX_BYTES);
    }
}

static void read_scim(um_user_t *user, const um_json_t *value, um_faults_t *faults)
{
    um_scim_input_t input = { .user = user, .faults = faults };

    if (um_json_type(value) != UM_JSON_OBJECT) {
        um_faults_add(faults, UM_USER_SCIM, "invalid_type", "It must be an object.");
        return;
    }
    um_buffer_init(&input.others, 256, faults->pool);
    um_buffer_putc(&input.others, '{');
    um_json_each(value, read_scim_member, &input);
    um_buffer_putc(&input.others, '}');
    if (input.others.length > UM_SCIM_MAX_BYTES) {
        um_faults_add(faults, UM_USER_SCIM, "too_long",
                      "The members of SCIM take at most 8 KiB.");
    }
    user->scim = input.others.length > 2 ? input.others.data : NULL;
}

void um_user_input_import(um_user_t *user, um_user_input_t *input, um_faults_t *faults)
{
    memset(user, 0, sizeof(*user));
    user->version = 1;
    input->scim = um_json_member(input->body, UM_USER_SCIM);
    if (input->scim != NULL && is_given(input->scim)) {
        read_scim(user, input->scim, faults);
    }
    if (is_given(input->uid)) {
        user->uid = read_uid(input->uid, faults);
    }
    read_new(user, input, faults);
    if (is_given(input->role)) {
        user->is_sub_admin = read_role(input->role, faults);
    }
    if (is_given(input->active)) {
        user->is_suspended = read_suspended(input->active, faults);
    }
    if (is_given(input->created_at)) {
        user->created_at = read_instant(input->created_at, "created_at", faults);
    }
    if (is_given(input->updated_at)) {
        user->updated_at = read_instant(input->updated_at, "updated_at", faults);
    }
    if (user->updated_at != 0 && user->updated_at < user->created_at) {
        um_faults_add(faults, "updated_at", "invalid_value", "It must not be before created_at.");
    }
    user->attributes = make_attributes(input, faults);
}

static void refuse_change(const char *name, um_faults_t *faults)
{
    um_faults_add(faults, name, "read_only", "It can't be changed.");
}

static void check_stored_role(const um_json_t *value, um_faults_t *faults)
{
    const char *role = um_json_string(value);

    if (role == NULL || (strcmp(role, "user") != 0 && strcmp(role, "sub_admin") != 0)) {
        refuse_change("role", faults);
    }
}

static void check_stored_instant(const um_json_t *value, const char *name, um_faults_t *faults)
{
    const char *text = um_json_string(value);
    char written[UM_INSTANT_LENGTH + 1] = "";
    apr_int64_t instant = 0;

    if (text != NULL && um_instant_parse(&instant, text)) {
        um_instant_format(written, instant);
    }
    if (text == NULL || strcmp(text, written) != 0) {
        refuse_change(name, faults);
    }
}

/* Check for values that no stored user can have. The uid can be checked without the stored
 * user. */
static void check_stored(const um_user_input_t *input, um_faults_t *faults)
{
    if (is_given(input->role)) {
        check_stored_role(input->role, faults);
    }
    if (is_given(input->created_at)) {
        check_stored_instant(input->created_at, "created_at", faults);
    }
    if (is_given(input->updated_at)) {
        check_stored_instant(input->updated_at, "updated_at", faults);
    }
}

void um_user_input_check_update(um_user_input_t *input, um_faults_t *faults)
{
    if (input->email != NULL) {
        check_email(input->email, faults);
    }
    if (input->display_name != NULL) {
        input->trimmed_name = check_display_name(input->display_name, faults);
    }
    if (input->phone != NULL) {
        check_phone(input->phone, faults);
    }
    if (input->active != NULL) {
        check_active(input->active, faults);
    }
    check_stored(input, faults);
    check_attributes(input, 1, faults);
}

static void check_read_only(const um_json_t *value, const char *name, const char *stored,
                            um_faults_t *faults)
{
    const char *text = um_json_string(value);

    if (is_given(value) && (text == NULL || strcmp(text, stored) != 0)) {
        refuse_change(name, faults);
    }
}

static const char *role_of(const um_user_t *user)
{
    return user->is_sub_admin ? "sub_admin" : "user";
}

static void check_all_read_only(const um_user_input_t *input, const um_user_t *stored,
                                um_faults_t *faults)
{
    char created_at[UM_INSTANT_LENGTH + 1];
    char updated_at[UM_INSTANT_LENGTH + 1];

    um_instant_format(created_at, stored->created_at);
    um_instant_format(updated_at, stored->updated_at);
    check_read_only(input->uid, "user_uid", stored->uid, faults);
    check_read_only(input->role, "role", role_of(stored), faults);
    check_read_only(input->created_at, "created_at", created_at, faults);
    check_read_only(input->updated_at, "updated_at", updated_at, faults);
}

static int differ(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a != b : strcmp(a, b) != 0;
}

/* The attributes of a stored user, while a body removes some of them. */
typedef struct um_removal_t {
    const apr_array_header_t *stored;
    um_faults_t *faults;
} um_removal_t;

/* Names of attributes to remove are checked like others. But if the user has the attribute, from
 * the time before its name was reserved, it can be removed. */
static void check_removal(const char *name, const um_json_t *value, void *baton)
{
    const um_removal_t *removal = baton;

    if (is_null(value) && !um_user_input_is_member(name)
        && find_attribute(removal->stored, name) == NULL) {
        um_faults_add_violation(removal->faults, name, um_rules_check_attribute_name(name));
    }
}

/* Replace and remove attributes of the updated user. */
static apr_status_t update_attributes(um_user_t *updated, const um_user_input_t *input,
                                      um_faults_t *faults)
{
    um_removal_t removal = { NULL, faults };
    apr_array_header_t *stored = NULL;
    um_buffer_t merged;
    int count;

    if (um_json_split(&stored, updated->attributes, faults->pool) != APR_SUCCESS) {
        return APR_EGENERAL;
    }
    removal.stored = stored;
    um_json_each(input->body, check_removal, &removal);
    um_buffer_init(&merged, 256, faults->pool);
    count = merge_attributes(&merged, stored, input);
    check_limits(count, merged.length, faults);
    updated->attributes = merged.data;
    return APR_SUCCESS;
}

apr_status_t um_user_input_update(um_user_t *updated, int *changed, const um_user_t *stored,
                                  const um_user_input_t *input, um_faults_t *faults)
{
    *updated = *stored;
    check_all_read_only(input, stored, faults);
    if (input->email != NULL) {
        updated->email = um_json_string(input->email);
    }
    if (input->display_name != NULL) {
        updated->display_name = input->trimmed_name;
    }
    if (input->phone != NULL) {
        updated->phone = um_json_string(input->phone);
    }
    if (is_given(input->active)) {
        updated->is_suspended = is_false(input->active);
    }
    if (update_attributes(updated, input, faults) != APR_SUCCESS) {
        return APR_EGENERAL;
    }
    *changed = differ(updated->email, stored->email)
               || differ(updated->display_name, stored->display_name)
               || differ(updated->phone, stored->phone)
               || updated->is_suspended != stored->is_suspended
               || differ(updated->attributes, stored->attributes);
    return APR_SUCCESS;
}

/* ---- answers ---- */

int um_user_json_is_member(const char *name)
{
    return um_user_input_is_member(name) || strcmp(name, UM_USER_SCIM) == 0;
}

/* The attributes are stored as an object's text: its members go in as they are. */
static void put_attributes(um_buffer_t *buffer, const char *attributes)
{
    if (attributes[1] != '}') {
        um_buffer_putc(buffer, ',');
    }
    um_buffer_append(buffer, attributes + 1, strlen(attributes) - 2);
}

/* An attribute of that name may be left from the time before the name was reserved. */
static void put_other_attributes(um_buffer_t *buffer, const char *attributes, const char *name)
{
    apr_array_header_t *all = NULL;

    if (strstr(attributes, name) == NULL
        || um_json_split(&all, attributes, buffer->pool) != APR_SUCCESS) {
        put_attributes(buffer, attributes);
        return;
    }
    for (int i = 0; i < all->nelts; i++) {
        const um_json_member_text_t *at = &APR_ARRAY_IDX(all, i, um_json_member_text_t);

        if (strcmp(at->name, name) != 0) {
            um_buffer_putc(buffer, ',');
            um_buffer_append(buffer, at->text, at->length);
        }
    }
}

static void put_scim(um_buffer_t *buffer, const um_user_t *user, um_user_form_t form)
{
    const char *name = user->user_name;

    um_buffer_putc(buffer, '{');
    um_json_put_member_if(buffer, "userName",
                          name == NULL && form == UM_USER_WITH_SCIM ? user->email : name);
    um_json_put_member_if(buffer, "externalId", user->external_id);
    if (user->scim != NULL && user->scim[1] != '}') {
        um_buffer_puts(buffer, buffer->data[buffer->length - 1] == '{' ? "" : ",");
        um_buffer_append(buffer, user->scim + 1, strlen(user->scim) - 2);
    }
    um_buffer_putc(buffer, '}');
}

static int has_scim(const um_user_t *user, um_user_form_t form)
{
    return form == UM_USER_WITH_SCIM
           || (form == UM_USER_AS_STORED
               && (user->user_name != NULL || user->external_id != NULL || user->scim != NULL));
}

const char *um_user_json_scim(const um_user_t *user, apr_pool_t *pool)
{
    um_buffer_t buffer;

    if (!has_scim(user, UM_USER_AS_STORED)) {
        return "";
    }
    um_buffer_init(&buffer, 256, pool);
    put_scim(&buffer, user, UM_USER_AS_STORED);
    return buffer.data;
}

void um_user_json_put_as(um_buffer_t *buffer, const um_user_t *user, um_user_form_t form)
{
    um_buffer_putc(buffer, '{');
    um_json_put_member(buffer, "user_uid", user->uid);
    um_json_put_member(buffer, "email", user->email);
    um_json_put_member(buffer, "display_name", user->display_name);
    um_json_put_member_if(buffer, "phone", user->phone);
    um_json_put_member(buffer, "role", role_of(user));
    um_json_put_member_bool(buffer, "active", !user->is_suspended);
    um_json_put_member_instant(buffer, "created_at", user->created_at);
    um_json_put_member_instant(buffer, "updated_at", user->updated_at);
    if (has_scim(user, form)) {
        um_json_put_name(buffer, UM_USER_SCIM);
        put_scim(buffer, user, form);
        put_other_attributes(buffer, user->attributes, UM_USER_SCIM);
    } else {
        put_attributes(buffer, user->attributes);
    }
    um_buffer_putc(buffer, '}');
}

void um_user_json_put(um_buffer_t *buffer, const um_user_t *user)
{
    um_user_json_put_as(buffer, user, UM_USER_NATIVE);
}

const char *um_user_json_as(const um_user_t *user, um_user_form_t form, apr_pool_t *pool)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 512, pool);
    um_user_json_put_as(&buffer, user, form);
    return buffer.data;
}

const char *um_user_json(const um_user_t *user, apr_pool_t *pool)
{
    return um_user_json_as(user, UM_USER_NATIVE, pool);
}

const char *um_user_etag(const um_user_t *user, apr_pool_t *pool)
{
    return apr_psprintf(pool, "\"%" APR_INT64_T_FMT "-%" APR_UINT64_T_HEX_FMT "-%c\"",
                        user->version, (apr_uint64_t)user->updated_at,
                        user->is_sub_admin ? 's' : 'u');
}

void um_user_json_answer_updated(um_answer_t *answer, const char *message, const um_user_t *user,
                                 int may_read, apr_pool_t *pool)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 1024, pool);
    um_buffer_putc(&buffer, '{');
    um_json_put_member(&buffer, "message", message);
    if (may_read) {
        um_json_put_name(&buffer, "userData");
        um_user_json_put(&buffer, user);
    }
    um_buffer_putc(&buffer, '}');
    um_answer_json(answer, 200, &buffer);
    um_answer_set_header(answer, "ETag", um_user_etag(user, pool));
}

static void answer_with(um_answer_t *answer, int status, const um_user_t *user,
                        um_user_form_t form, apr_pool_t *pool)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 1024, pool);
    um_buffer_putc(&buffer, '{');
    um_json_put_name(&buffer, "userData");
    um_user_json_put_as(&buffer, user, form);
    um_buffer_putc(&buffer, '}');
    um_answer_json(answer, status, &buffer);
    um_answer_set_header(answer, "ETag", um_user_etag(user, pool));
}

void um_user_json_answer(um_answer_t *answer, int status, const um_user_t *user, apr_pool_t *pool)
{
    answer_with(answer, status, user, UM_USER_NATIVE, pool);
}

void um_user_json_answer_as(um_answer_t *answer, const um_user_t *user, um_user_form_t form,
                            apr_pool_t *pool)
{
    answer_with(answer, 200, user, form, pool);
}

const char *um_user_json_of_answer(const um_answer_t *answer, apr_pool_t *pool)
{
    apr_size_t before = strlen("{\"userData\":");

    return apr_pstrmemdup(pool, answer->body + before, answer->length - before - strlen("}"));
}
