/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file rules.c Checks of the members of a user, see rules.h. */

#include "rules.h"

#include <string.h>

#include <apr_lib.h>

#include "../base/text.h"

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static const um_violation_t required = { "required", "It must not be empty." };
static const um_violation_t shows_nothing = { "required",
                                              "It must have a character that can be seen." };

const um_violation_t *um_rules_check_display_name(const char *name)
{
    static const um_violation_t too_long = { "too_long",
                                             "A display name has at most 256 characters." };
    static const um_violation_t control = { "control_character",
                                            "A display name must have no control characters." };

    if (*name == '\0') {
        return &required;
    }
    if (um_text_count(name) > UM_DISPLAY_NAME_MAX) {
        return &too_long;
    }
    if (um_text_has_control(name)) {
        return &control;
    }
    return um_text_shows_nothing(name) ? &shows_nothing : NULL;
}

const um_violation_t *um_rules_check_phone(const char *phone)
{
    static const um_violation_t invalid = {
        "invalid_phone",
        "A phone number has 3 to 32 characters, each a digit, a space or one of + - ( ) . and at"
        " least one digit."
    };
    apr_size_t length = strlen(phone);
    int is_good = length >= UM_PHONE_MIN && length <= UM_PHONE_MAX
                  && strspn(phone, DIGITS " +-().") == length && strpbrk(phone, DIGITS) != NULL;

    return is_good ? NULL : &invalid;
}

#define SUSPENDED_BY_ACTIVE "To suspend a user, send \"active\": false."

/* Names that no attribute may have, in lower case and without _ - . : those of members, because
 * a name that differs only in these is probably a mistake; and names that would promise
 * something, such as password. */
static const struct {
    const char *plain;
    /* NULL if it is not the name of a member. */
    const char *member;
    um_violation_t violation;
} taken[] = {
    { "useruid", "user_uid", { "did_you_mean", "The member is called user_uid." } },
    { "email", "email", { "did_you_mean", "The member is called email." } },
    { "displayname", "display_name", { "did_you_mean", "The member is called display_name." } },
    { "phone", "phone", { "did_you_mean", "The member is called phone." } },
    { "role", "role", { "did_you_mean", "The member is called role." } },
    { "active", "active", { "did_you_mean", "The member is called active." } },
    { "isactive", NULL, { "did_you_mean", "The member is called active." } },
    { "createdat", "created_at", { "did_you_mean", "The member is called created_at." } },
    { "updatedat", "updated_at", { "did_you_mean", "The member is called updated_at." } },
    { "scim", NULL, { "reserved_name", "It holds what an identity provider sets." } },
    { "id", NULL, { "reserved_name", "A user is identified by user_uid." } },
    { "userdata", NULL, { "reserved_name", "Send the members of userData without userData." } },
    { "password", NULL, { "reserved_name", "The service keeps no passwords." } },
    { "passwd", NULL, { "reserved_name", "The service keeps no passwords." } },
    { "pwd", NULL, { "reserved_name", "The service keeps no passwords." } },
    { "suspended", NULL, { "reserved_name", SUSPENDED_BY_ACTIVE } },
    { "issuspended", NULL, { "reserved_name", SUSPENDED_BY_ACTIVE } },
    { "disabled", NULL, { "reserved_name", SUSPENDED_BY_ACTIVE } },
    { "isdisabled", NULL, { "reserved_name", SUSPENDED_BY_ACTIVE } },
    { "enabled", NULL, { "reserved_name", SUSPENDED_BY_ACTIVE } },
    { "isenabled", NULL, { "reserved_name", SUSPENDED_BY_ACTIVE } },
};

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int is_separator(char c)
{
    return c == '_' || c == '-' || c == '.';
}

/* Write the name in lower case and without _ - . as the plain ones are. 0 if it is not valid. */
static int make_plain(char plain[UM_ATTRIBUTE_NAME_MAX + 1], const char *name)
{
    apr_size_t length = 0;

    if (!is_letter(name[0]) && name[0] != '_') {
        return 0;
    }
    for (int i = 0; name[i] != '\0'; i++) {
        char c = name[i];

        if (i >= UM_ATTRIBUTE_NAME_MAX
            || !(is_letter(c) || (c >= '0' && c <= '9') || is_separator(c))) {
            return 0;
        }
        if (!is_separator(c)) {
            plain[length++] = (char)apr_tolower(c);
        }
    }
    plain[length] = '\0';
    return 1;
}

static const um_violation_t *find_taken(const char *name, const char *plain)
{
    for (apr_size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        if (plain[0] == taken[i].plain[0] && strcmp(plain, taken[i].plain) == 0) {
            int is_member = taken[i].member != NULL && strcmp(name, taken[i].member) == 0;

            return is_member ? NULL : &taken[i].violation;
        }
    }
    return NULL;
}

const um_violation_t *um_rules_check_attribute_name(const char *name)
{
    static const um_violation_t invalid = {
        "invalid_name",
        "The name of an attribute begins with a letter or _ and has at most 64 characters, each a"
        " letter, a digit, _ . or -."
    };
    char plain[UM_ATTRIBUTE_NAME_MAX + 1];

    return make_plain(plain, name) ? find_taken(name, plain) : &invalid;
}

const um_violation_t *um_rules_check_uid(const char *uid)
{
    static const um_violation_t invalid = {
        "invalid_uid", "An identifier has 1 to 128 characters, each a letter, a digit, _ or -."
    };
    apr_size_t length = strlen(uid);
    int is_good = length >= 1 && length <= UM_UID_MAX
                  && strspn(uid, LETTERS DIGITS "_-") == length;

    return is_good ? NULL : &invalid;
}

const um_violation_t *um_rules_check_activity(const char *activity)
{
    static const um_violation_t too_long = {
        "too_long", "The name of an activity has at most 128 characters."
    };
    static const um_violation_t control = {
        "control_character", "The name of an activity must have no control characters."
    };

    if (*activity == '\0') {
        return &required;
    }
    if (um_text_count(activity) > UM_ACTIVITY_MAX) {
        return &too_long;
    }
    if (um_text_has_control(activity)) {
        return &control;
    }
    return um_text_shows_nothing(activity) ? &shows_nothing : NULL;
}

const um_violation_t *um_rules_check_organization(const char *name)
{
    static const um_violation_t invalid = {
        "invalid_name",
        "The name of an organization has 1 to 255 bytes of UTF-8 and no control characters."
    };
    apr_size_t length = strlen(name);
    int is_good = length >= 1 && length <= UM_ORGANIZATION_MAX && um_text_is_utf8(name, length)
                  && !um_text_has_control(name);

    return is_good ? NULL : &invalid;
}

const um_violation_t *um_rules_check_payment_type(const char *payment_type)
{
    static const um_violation_t invalid = {
        "invalid_value",
        "A payment_type has 1 to 64 characters of UTF-8 and no control characters."
    };
    int is_good = *payment_type != '\0' && um_text_is_utf8(payment_type, strlen(payment_type))
                  && um_text_count(payment_type) <= UM_PAYMENT_TYPE_MAX
                  && !um_text_has_control(payment_type);

    return is_good ? NULL : &invalid;
}
