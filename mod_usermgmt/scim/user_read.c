/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file user_read.c From a resource of SCIM to a user, see user.h. */

#include "user.h"

#include <string.h>

#include <apr_cstr.h>
#include <apr_strings.h>

#include "../api/user_json.h"
#include "../base/address.h"
#include "../base/text.h"
#include "schema.h"

#define NONE ((apr_size_t)-1)

/* A user that is being read. */
typedef struct um_user_reading_t {
    um_user_t *user;
    const um_user_t *stored;
    const um_json_t *resource;
    um_faults_t *faults;
    apr_pool_t *pool;
    /* What is kept in um_user_t.scim, and what is stored there; NULL for nothing. */
    um_json_t *kept;
    um_json_t *stored_kept;
} um_user_reading_t;

/* The text of an attribute; NULL if it has none. */
static const char *text_of(const um_json_t *object, const char *name)
{
    const um_json_t *member = object != NULL ? um_json_member(object, name) : NULL;

    return member != NULL ? um_json_string(member) : NULL;
}

static void refuse(const um_user_reading_t *reading, const char *field, const char *code,
                   const char *detail)
{
    um_faults_add(reading->faults, field, code, detail);
}

/* ---- names ---- */

static const um_violation_t *check_user_name(const char *name)
{
    static const um_violation_t bad_length = { "too_long", "It has at most 256 bytes." };
    static const um_violation_t control = { "control_character",
                                            "It must have no control characters." };
    static const um_violation_t nothing = { "required",
                                            "It must have a character that can be seen." };

    if (strlen(name) > UM_USER_NAME_MAX) {
        return &bad_length;
    }
    if (um_text_has_control(name)) {
        return &control;
    }
    return um_text_shows_nothing(name) ? &nothing : NULL;
}

static void read_user_name(um_user_reading_t *reading)
{
    const char *name = text_of(reading->resource, "userName");

    if (name == NULL || name[0] == '\0') {
        refuse(reading, "userName", "required", "It must be given.");
        return;
    }
    um_faults_add_violation(reading->faults, "userName", check_user_name(name));
    reading->user->user_name = name;
}

static void read_external_id(um_user_reading_t *reading)
{
    const char *id = text_of(reading->resource, "externalId");

    if (id != NULL && strlen(id) > UM_EXTERNAL_ID_MAX) {
        refuse(reading, "externalId", "too_long", "It has at most 512 bytes.");
    } else if (id != NULL && um_text_has_control(id)) {
        refuse(reading, "externalId", "control_character", "It must have no control characters.");
    }
    reading->user->external_id = id != NULL && id[0] != '\0' ? id : NULL;
}

/* A name without white space at its ends; NULL if nothing is left. */
static const char *trim(const char *name, apr_pool_t *pool)
{
    name = name != NULL ? um_text_trim(name, pool) : "";
    return name[0] != '\0' ? name : NULL;
}

/* The display name of a user who has none: as RFC 7643 would show the name. */
static const char *find_display_name(const um_user_reading_t *reading)
{
    const um_json_t *name = um_json_member(reading->resource, "name");
    const char *formatted = trim(text_of(name, "formatted"), reading->pool);
    const char *given = trim(text_of(name, "givenName"), reading->pool);
    const char *family = trim(text_of(name, "familyName"), reading->pool);

    if (formatted != NULL) {
        return formatted;
    }
    if (given != NULL && family != NULL) {
        return apr_pstrcat(reading->pool, given, " ", family, NULL);
    }
    if (given != NULL || family != NULL) {
        return given != NULL ? given : family;
    }
    return trim(reading->user->user_name, reading->pool);
}

static void read_display_name(um_user_reading_t *reading)
{
    const char *name = trim(text_of(reading->resource, "displayName"), reading->pool);

    if (name == NULL) {
        name = find_display_name(reading);
    }
    if (name != NULL) {
        um_faults_add_violation(reading->faults, "displayName",
                                um_rules_check_display_name(name));
    }
    reading->user->display_name = name;
}

static int is_name(const um_json_t *name, const char *display_name, apr_pool_t *pool)
{
    um_scim_name_t derived;

    um_scim_user_derive_name(&derived, display_name, pool);
    return um_json_size(name) == 3 && text_of(name, "formatted") != NULL
           && strcmp(text_of(name, "formatted"), derived.formatted) == 0
           && text_of(name, "givenName") != NULL
           && strcmp(text_of(name, "givenName"), derived.given) == 0
           && text_of(name, "familyName") != NULL
           && strcmp(text_of(name, "familyName"), derived.family) == 0;
}

/* Is a name one that was derived from the stored display name, and that the client has read here
 * and sends back? It is not kept, so that it follows the display name. */
static int is_derived(const um_user_reading_t *reading, const um_json_t *name)
{
    return reading->stored != NULL
           && (reading->stored_kept == NULL
               || um_json_member(reading->stored_kept, "name") == NULL)
           && is_name(name, reading->stored->display_name, reading->pool);
}

/* ---- emails and phone numbers ---- */

static int is_primary(const um_json_t *element)
{
    const um_json_t *primary = um_json_member(element, "primary");

    return primary != NULL && um_json_type(primary) == UM_JSON_TRUE;
}

static int is_for_work(const um_json_t *element)
{
    const char *type = text_of(element, "type");

    return type != NULL && apr_cstr_casecmp(type, "work") == 0;
}

typedef int um_test_t(const um_json_t *element);

static int has_value(const um_json_t *element)
{
    return text_of(element, "value") != NULL;
}

/* The first element that has a value and passes a test; NONE if none does. */
static apr_size_t find_element(const um_json_t *elements, um_test_t *test)
{
    for (apr_size_t i = 0; elements != NULL && i < um_json_size(elements); i++) {
        const um_json_t *element = um_json_element(elements, i);

        if (has_value(element) && test(element)) {
            return i;
        }
    }
    return NONE;
}

/* The primary email, else that for work, else the first; NONE if there are none. */
static apr_size_t find_email(const um_json_t *emails)
{
    um_test_t *const tests[] = { is_primary, is_for_work, has_value };
    apr_size_t found = NONE;

    for (int i = 0; found == NONE && i < 3; i++) {
        found = find_element(emails, tests[i]);
    }
    return found;
}

/* Is a number for work, and one that the native API would take? Others are kept as they are. */
static int is_phone(const um_json_t *element)
{
    return is_for_work(element) && um_rules_check_phone(text_of(element, "value")) == NULL;
}

/* Keep what the main element has beside its value, unless that is a type of work. */
static void keep_main(um_user_reading_t *reading, const um_json_t *element, const char *name,
                      int is_always_primary)
{
    um_json_t *main = um_json_copy(element, reading->pool);
    const char *type = text_of(main, "type");

    um_json_remove(main, "value");
    if (is_always_primary) {
        um_json_remove(main, "primary");
    }
    if (um_json_size(main) != 1 || type == NULL || strcmp(type, "work") != 0) {
        um_json_set(reading->kept, name, main);
    }
}

/* Keep all elements but the main one. */
static void keep_others(um_user_reading_t *reading, const um_json_t *elements, apr_size_t main,
                        const char *name)
{
    um_json_t *others = um_json_new_array(reading->pool);

    for (apr_size_t i = 0; elements != NULL && i < um_json_size(elements); i++) {
        const um_json_t *element = um_json_element(elements, i);

        if (i != main && has_value(element)) {
            um_json_append(others, um_json_copy(element, reading->pool));
        }
    }
    if (um_json_size(others) > 0) {
        um_json_set(reading->kept, name, others);
    }
}

static void read_emails(um_user_reading_t *reading)
{
    const um_json_t *emails = um_json_member(reading->resource, "emails");
    const char *name = reading->user->user_name;
    apr_size_t main = find_email(emails);

    if (main != NONE) {
        reading->user->email = text_of(um_json_element(emails, main), "value");
        keep_main(reading, um_json_element(emails, main), UM_SCIM_MAIN_EMAIL, 1);
        um_faults_add_violation(reading->faults, "emails",
                                um_address_check(reading->user->email, reading->pool));
    } else if (name != NULL && um_address_check(name, reading->pool) == NULL) {
        reading->user->email = name;
    } else {
        refuse(
            reading, "emails", "required",
            "A user must have an email address: one of the emails, or a userName that is one.");
    }
    keep_others(reading, emails, main, "emails");
}

static void read_phones(um_user_reading_t *reading)
{
    const um_json_t *phones = um_json_member(reading->resource, "phoneNumbers");
    apr_size_t main = find_element(phones, is_phone);

    reading->user->phone = NULL;
    if (main != NONE) {
        reading->user->phone = text_of(um_json_element(phones, main), "value");
        keep_main(reading, um_json_element(phones, main), UM_SCIM_WORK_PHONE, 0);
    }
    keep_others(reading, phones, main, "phoneNumbers");
}

/* ---- the organization's own attributes ---- */

typedef struct um_custom_reading_t {
    um_user_reading_t *reading;
    /* Those that the user has, whose names may be older than the rules for names. */
    const um_json_t *stored;
} um_custom_reading_t;

static void check_custom(const char *name, const um_json_t *value, void *baton)
{
    const um_custom_reading_t *custom = baton;

    (void)value;
    if (custom->stored != NULL && um_json_member(custom->stored, name) != NULL) {
        return;
    }
    if (um_user_input_is_member(name)) {
        refuse(custom->reading, name, "reserved_name", "A member of the user has this name.");
    } else {
        um_faults_add_violation(custom->reading->faults, name,
                                um_rules_check_attribute_name(name));
    }
}

/* Parse a JSON object that is stored; *object stays NULL if text is. */
static apr_status_t parse_stored(um_json_t **object, const char *text, apr_pool_t *pool)
{
    um_json_error_t error;

    if (text != NULL && um_json_parse(object, &error, text, strlen(text), pool) != APR_SUCCESS) {
        return APR_EGENERAL;
    }
    return APR_SUCCESS;
}

static void check_limits(um_user_reading_t *reading, const um_json_t *attributes,
                         const char *text)
{
    if (um_json_size(attributes) > UM_ATTRIBUTES_MAX) {
        refuse(reading, UM_SCIM_URN_CUSTOM, "too_many_attributes",
               "A user has at most 64 attributes of the organization.");
    }
    if (strlen(text) > UM_ATTRIBUTES_MAX_BYTES) {
        refuse(reading, UM_SCIM_URN_CUSTOM, "attributes_too_large",
               "The attributes of the organization take at most 16 KiB.");
    }
}

static apr_status_t read_custom(um_user_reading_t *reading, int keeps)
{
    const um_json_t *given = um_json_member(reading->resource, UM_SCIM_URN_CUSTOM);
    const char *stored_text = reading->stored != NULL ? reading->stored->attributes : "{}";
    um_json_t *stored = NULL;
    um_custom_reading_t custom = { reading, NULL };
    apr_status_t status = parse_stored(&stored, stored_text, reading->pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    reading->user->attributes = keeps || given != NULL ? stored_text : "{}";
    if (given != NULL && !um_json_equal(given, stored)) {
        custom.stored = stored;
        um_json_each(given, check_custom, &custom);
        reading->user->attributes = um_json_text(given, reading->pool);
        check_limits(reading, given, reading->user->attributes);
    }
    return APR_SUCCESS;
}

/* ---- all else ---- */

/* Tell whether a member of a resource is read by another function. */
static int is_read(const char *name)
{
    static const char *const names[] = {
        "schemas", "id",     "externalId", "meta",   "userName",     "displayName",
        "active",  "emails", "password",   "groups", "phoneNumbers", UM_SCIM_URN_CUSTOM,
    };

    for (apr_size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0) {
            return 1;
        }
    }
    return 0;
}

static void keep_member(const char *name, const um_json_t *value, void *baton)
{
    um_user_reading_t *reading = baton;

    if (!is_read(name) && !(strcmp(name, "name") == 0 && is_derived(reading, value))) {
        um_json_set(reading->kept, name, um_json_copy(value, reading->pool));
    }
}

/* Set scim to what is kept; to the text that is stored if that is the same. */
static void set_kept(um_user_reading_t *reading)
{
    reading->user->scim = NULL;
    if (reading->stored_kept != NULL && um_json_equal(reading->stored_kept, reading->kept)) {
        reading->user->scim = reading->stored->scim;
    } else if (um_json_size(reading->kept) > 0) {
        reading->user->scim = um_json_text(reading->kept, reading->pool);
    }
    if (reading->user->scim != NULL && strlen(reading->user->scim) > UM_SCIM_MAX_BYTES) {
        refuse(
            reading, "schemas", "too_large",
            "All that is kept of a user, beside userName, displayName, the main email and phone "
            "and the attributes of the organization, takes at most 8 KiB.");
    }
}

static void read_active(um_user_reading_t *reading)
{
    const um_json_t *active = um_json_member(reading->resource, "active");

    if (active != NULL) {
        reading->user->is_suspended = um_json_type(active) == UM_JSON_FALSE;
    }
}

/* A name that is the email is not stored, and so it follows the email. */
static void drop_user_name(um_user_t *user, apr_pool_t *pool)
{
    const char *key = um_address_key(user->email, pool);

    if (key != NULL && strcmp(um_address_identity_key(user->user_name, pool), key) == 0) {
        user->user_name = NULL;
    }
}

/* All but the organization's own attributes. */
static void read_members(um_user_reading_t *reading)
{
    read_user_name(reading);
    read_external_id(reading);
    read_display_name(reading);
    read_active(reading);
    um_json_each(reading->resource, keep_member, reading);
    read_emails(reading);
    read_phones(reading);
    set_kept(reading);
}

apr_status_t um_scim_user_read(um_user_t *user, um_faults_t *faults, const um_json_t *resource,
                               const um_user_t *stored, int keeps)
{
    um_user_reading_t reading = { .user = user,
                                  .stored = stored,
                                  .resource = resource,
                                  .faults = faults,
                                  .pool = faults->pool,
                                  .kept = um_json_new_object(faults->pool) };
    apr_status_t status = APR_SUCCESS;

    if (stored != NULL) {
        *user = *stored;
        status = parse_stored(&reading.stored_kept, stored->scim, faults->pool);
    } else {
        memset(user, 0, sizeof(*user));
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    read_members(&reading);
    status = read_custom(&reading, keeps);
    if (status == APR_SUCCESS && faults->list == NULL) {
        drop_user_name(user, faults->pool);
    }
    return status;
}

static int differ(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a != b : strcmp(a, b) != 0;
}

int um_scim_user_differs(const um_user_t *user, const um_user_t *stored)
{
    return differ(user->email, stored->email) || differ(user->display_name, stored->display_name)
           || differ(user->phone, stored->phone) || user->is_suspended != stored->is_suspended
           || differ(user->attributes, stored->attributes)
           || differ(user->user_name, stored->user_name)
           || differ(user->external_id, stored->external_id) || differ(user->scim, stored->scim);
}
