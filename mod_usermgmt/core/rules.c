/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file rules.c What the members of a user may be, see rules.h. */

#include "rules.h"

#include <arpa/inet.h>
#include <string.h>

#include <apr_cstr.h>

#include "text.h"

#define LABEL_MAX 63
/* "IPv6:" and the longest address that can stand behind it. */
#define LITERAL_MAX 64

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* An atom of RFC 5322, section 3.2.3. */
#define ATEXT LETTERS DIGITS "!#$%&'*+-/=?^_`{|}~"

static const um_violation_t required = { "required", "It must not be empty." };

/* ---- email ---- */

static const um_violation_t email_too_long = {
    "too_long", "An email address has at most 254 bytes."
};
static const um_violation_t local_too_long = {
    "too_long", "The part of an email address before the @ has at most 64 bytes."
};
static const um_violation_t email_space = {
    "invalid_email", "An email address holds no white space and no control characters."
};
static const um_violation_t email_at = {
    "invalid_email", "An email address is a name, an @ and a domain."
};
static const um_violation_t email_quoted = {
    "invalid_email", "A quoted name before the @ of an email address is not supported."
};
static const um_violation_t email_local = {
    "invalid_email",
    "Before the @ of an email address stand letters, digits, any of !#$%&'*+-/=?^_`{|}~ and"
    " single dots between them."
};
static const um_violation_t email_folded_too_long = {
    "too_long",
    "An email address has at most 2048 bytes once its compatibility characters are written out"
    " (Unicode's toNFKC_Casefold)."
};
static const um_violation_t email_domain = {
    "invalid_email",
    "The domain of an email address is made of labels with single dots between them, each 1 to"
    " 63 bytes of letters, digits and hyphens, no hyphen at either end."
};
static const um_violation_t email_literal = {
    "invalid_email",
    "Between the brackets of an email address stands an IPv4 address, or IPv6: and an IPv6"
    " address."
};

static int is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* Of the set or not ASCII: RFC 6531 lets UTF-8 stand wherever a letter can. */
static int is_one_of_or_utf8(char c, const char *set)
{
    return (unsigned char)c >= 0x80 || is_one_of(c, set);
}

/* Dot-string: atoms with single dots between them. */
static int is_dot_string(const char *text, apr_size_t length)
{
    char before = '.';

    for (apr_size_t i = 0; i < length; i++) {
        if (text[i] == '.' ? before == '.' : !is_one_of_or_utf8(text[i], ATEXT)) {
            return 0;
        }
        before = text[i];
    }
    return before != '.';
}

static int is_label(const char *text, apr_size_t length)
{
    if (length == 0 || length > LABEL_MAX || text[0] == '-' || text[length - 1] == '-') {
        return 0;
    }
    for (apr_size_t i = 0; i < length; i++) {
        if (!is_one_of_or_utf8(text[i], LETTERS DIGITS "-")) {
            return 0;
        }
    }
    return 1;
}

static int is_domain(const char *text)
{
    apr_size_t length = strcspn(text, ".");

    while (text[length] == '.' && is_label(text, length)) {
        text += length + 1;
        length = strcspn(text, ".");
    }
    return text[length] == '\0' && is_label(text, length);
}

/* The inside of "[192.0.2.1]" or "[IPv6:2001:db8::1]". RFC 5321 has a third
 * form for tags that have yet to be registered; it is refused. */
static int is_literal(const char *text)
{
    static const char ipv6[] = "IPv6:";
    apr_size_t length = strlen(text);
    char address[LITERAL_MAX];
    unsigned char bytes[16];

    if (length < 2 || length > sizeof(address) || text[length - 1] != ']') {
        return 0;
    }
    memcpy(address, text + 1, length - 2);
    address[length - 2] = '\0';
    if (apr_cstr_casecmpn(address, ipv6, sizeof(ipv6) - 1) == 0) {
        return inet_pton(AF_INET6, address + sizeof(ipv6) - 1, bytes) == 1;
    }
    return inet_pton(AF_INET, address, bytes) == 1;
}

/*
 * Mailbox of RFC 5321, section 4.1.2, with the UTF-8 of RFC 6531, but for the
 * quoted form of the local part: few systems take mail for such an address, and
 * what is told apart by quotes only would not be unique by its folded text.
 */
const um_violation_t *um_rules_check_email(const char *email)
{
    const char *at = strrchr(email, '@');
    apr_size_t length = strlen(email);

    if (length == 0) {
        return &required;
    }
    if (length > UM_EMAIL_MAX) {
        return &email_too_long;
    }
    if (email[0] == '"') {
        return &email_quoted;
    }
    if (um_text_has_space_or_control(email)) {
        return &email_space;
    }
    if (at == NULL || at == email || at[1] == '\0') {
        return &email_at;
    }
    if (at - email > UM_EMAIL_LOCAL_MAX) {
        return &local_too_long;
    }
    if (!is_dot_string(email, (apr_size_t)(at - email))) {
        return &email_local;
    }
    if (at[1] == '[') {
        return is_literal(at + 1) ? NULL : &email_literal;
    }
    if (!is_domain(at + 1)) {
        return &email_domain;
    }
    return um_text_is_foldable_email(email) ? NULL : &email_folded_too_long;
}

/* ---- the other members ---- */

const um_violation_t *um_rules_check_display_name(const char *name)
{
    static const um_violation_t too_long = {
        "too_long", "A display name has at most 256 characters."
    };
    static const um_violation_t control = {
        "control_character", "A display name holds no control characters."
    };

    if (*name == '\0') {
        return &required;
    }
    if (um_text_count(name) > UM_DISPLAY_NAME_MAX) {
        return &too_long;
    }
    return um_text_has_control(name) ? &control : NULL;
}

const um_violation_t *um_rules_check_phone(const char *phone)
{
    static const um_violation_t invalid = {
        "invalid_phone",
        "A phone number is 3 to 32 of digits, spaces and + - ( ) . with a digit among them."
    };
    apr_size_t length = strlen(phone);
    int is_good = length >= UM_PHONE_MIN && length <= UM_PHONE_MAX
                  && strspn(phone, DIGITS " +-().") == length
                  && strpbrk(phone, DIGITS) != NULL;

    return is_good ? NULL : &invalid;
}

const um_violation_t *um_rules_check_attribute_name(const char *name)
{
    static const um_violation_t invalid = {
        "invalid_name",
        "The name of an attribute begins with a letter or _ and has up to 64 of letters, digits"
        " and _ . - in all."
    };
    apr_size_t length = strlen(name);
    int is_good = length <= UM_ATTRIBUTE_NAME_MAX && is_one_of(name[0], LETTERS "_")
                  && strspn(name, LETTERS DIGITS "_.-") == length;

    return is_good ? NULL : &invalid;
}

const um_violation_t *um_rules_check_uid(const char *uid)
{
    static const um_violation_t invalid = {
        "invalid_uid", "An identifier is 1 to 128 of letters, digits and _ -."
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
        "control_character", "The name of an activity holds no control characters."
    };

    if (*activity == '\0') {
        return &required;
    }
    if (um_text_count(activity) > UM_ACTIVITY_MAX) {
        return &too_long;
    }
    return um_text_has_control(activity) ? &control : NULL;
}

const um_violation_t *um_rules_check_organization(const char *name)
{
    static const um_violation_t invalid = {
        "invalid_name",
        "The name of an organization is 1 to 255 bytes of UTF-8 without control characters."
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
        "A payment_type is 1 to 64 characters of UTF-8, no control characters among them."
    };
    int is_good = *payment_type != '\0' && um_text_is_utf8(payment_type, strlen(payment_type))
                  && um_text_count(payment_type) <= UM_PAYMENT_TYPE_MAX
                  && !um_text_has_control(payment_type);

    return is_good ? NULL : &invalid;
}
