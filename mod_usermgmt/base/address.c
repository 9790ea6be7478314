/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file address.c Email addresses and their keys, see address.h. */

#include "address.h"

#include <string.h>

#include <apr_strings.h>
#include <idn2.h>

#include "buffer.h"
#include "network.h"
#include "text.h"

/* The first character of the key of an identity that is no address. No local part has it. */
#define NO_ADDRESS ":"

#define DIGITS "0123456789"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SMALL_LETTERS "abcdefghijklmnopqrstuvwxyz"

/* An atom of RFC 5322, section 3.2.3. */
#define ATEXT CAPITALS SMALL_LETTERS DIGITS "!#$%&'*+-/=?^_`{|}~"

/* The parts of an address. */
typedef struct um_parts_t {
    const char *local;
    /* As it was given. */
    const char *domain;
    /* The domain in the ASCII form of DNS, in lower case. */
    const char *dns;
} um_parts_t;

static const um_violation_t required = { "required", "It must not be empty." };
static const um_violation_t too_long = { "too_long", "An email address has at most 254 bytes." };
static const um_violation_t too_long_for_mail = {
    "too_long",
    "An email address has at most 254 bytes, also with its domain in the form of DNS (xn--)."
};
static const um_violation_t local_too_long = {
    "too_long", "The part of an email address before the @ has at most 64 bytes."
};
static const um_violation_t no_mailbox = { "invalid_email",
                                           "An email address is a name, an @ and a domain." };
static const um_violation_t quoted = {
    "invalid_email", "A quoted name before the @ of an email address is not supported."
};
static const um_violation_t bad_local = {
    "invalid_email",
    "Before the @ an email address has letters, digits, any of !#$%&'*+-/=?^_`{|}~ and single"
    " dots between them."
};
static const um_violation_t not_composed = {
    "invalid_email",
    "Before the @ of an email address letters and their marks must be in Unicode's form NFKC."
};
static const um_violation_t literal = {
    "invalid_email", "An IP address in brackets can't be the domain of an email address."
};
static const um_violation_t bad_domain = {
    "invalid_email",
    "The domain of an email address has labels with single dots between them. A label has 1 to"
    " 63 bytes of letters, digits and hyphens, and no hyphen at either end. The last label is"
    " not made of digits only. Other letters must be allowed in domain names (UTS #46)."
};

/* ---- the local part ---- */

/* Dot-string: atoms with single dots between them. RFC 6531 allows UTF-8 wherever a letter
 * is allowed. */
static int is_dot_string(const char *text)
{
    char before = '.';

    for (; *text != '\0'; text++) {
        if (*text == '.' ? before == '.'
                         : (unsigned char)*text < 0x80 && strchr(ATEXT, *text) == NULL) {
            return 0;
        }
        before = *text;
    }
    return before != '.';
}

static const um_violation_t *name_character(const char *text, apr_int32_t c, apr_pool_t *pool)
{
    um_violation_t *violation = apr_palloc(pool, sizeof(*violation));

    violation->code = "invalid_email";
    violation->detail = apr_psprintf(pool, text, (unsigned)c);
    return violation;
}

static const um_violation_t *check_local(const char *local, apr_pool_t *pool)
{
    apr_int32_t c = um_text_find_hidden(local);

    if (c != 0) {
        return name_character("An email address must not have U+%04X: white space, controls and"
                              " characters that can't be seen are refused.",
                              c, pool);
    }
    if (!is_dot_string(local)) {
        return &bad_local;
    }
    c = um_text_find_variant(local);
    if (c != 0) {
        return name_character("Before the @ an email address must not have U+%04X, because it"
                              " would count as another letter.",
                              c, pool);
    }
    if (um_text_check_nfkc(&c, local)) {
        return NULL;
    }
    return c == 0 ? &not_composed
                  : name_character("Before the @ an email address must not have U+%04X, because"
                                   " Unicode's form NFKC replaces it.",
                                   c, pool);
}

/* ---- the domain ---- */

/* Only libidn2 can check a label whose third and fourth characters are hyphens. */
static int has_special_label(const char *domain)
{
    for (const char *label = domain; label != NULL; label = strchr(label, '.')) {
        label += *label == '.';
        if (strlen(label) >= 4 && label[2] == '-' && label[3] == '-') {
            return 1;
        }
    }
    return 0;
}

static int is_host_name(const char *domain)
{
    const char *last = um_network_last_label(domain);

    /* If the last label has digits only, this is an IPv4 address. */
    return last != NULL && strspn(last, DIGITS) < strlen(last);
}

/* The three signs outside ASCII that STD3 rules forbid (UTS #46, disallowed_STD3_valid). */
static int has_forbidden_sign(const char *dns)
{
    static const char *const signs[] = { "\xe2\x89\xa0", "\xe2\x89\xae", "\xe2\x89\xaf" };
    char *unicode = NULL;
    int found = idn2_to_unicode_8z8z(dns, &unicode, 0) != IDN2_OK;

    for (size_t i = 0; !found && i < sizeof(signs) / sizeof(signs[0]); i++) {
        found = strstr(unicode, signs[i]) != NULL;
    }
    idn2_free(unicode);
    return found;
}

/* By UTS #46, non-transitional. libidn2's own STD3 rules are not used, because they remove
 * forbidden characters and so make another domain. The result of the mapping is checked
 * instead. */
static const char *convert(const char *domain, apr_pool_t *pool)
{
    char *made = NULL;
    const char *dns = NULL;

    if (idn2_to_ascii_8z(domain, &made, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK) {
        dns = um_text_lower_ascii(made, pool);
    }
    idn2_free(made);
    return dns != NULL && has_forbidden_sign(dns) ? NULL : dns;
}

/* The domain in the ASCII form of DNS; NULL if it is no domain. */
static const char *to_dns(const char *domain, apr_pool_t *pool)
{
    const char *dns = um_text_is_ascii(domain) && !has_special_label(domain)
                          ? um_text_lower_ascii(domain, pool)
                          : convert(domain, pool);

    return dns != NULL && is_host_name(dns) ? dns : NULL;
}

/* ---- the whole ---- */

static const um_violation_t *split(um_parts_t *parts, const char *address, apr_pool_t *pool)
{
    const char *at = strrchr(address, '@');

    if (*address == '\0') {
        return &required;
    }
    if (strlen(address) > UM_EMAIL_MAX) {
        return &too_long;
    }
    if (address[0] == '"') {
        return &quoted;
    }
    if (at == NULL || at == address || at[1] == '\0') {
        return &no_mailbox;
    }
    if (at - address > UM_EMAIL_LOCAL_MAX) {
        return &local_too_long;
    }
    parts->local = apr_pstrmemdup(pool, address, (apr_size_t)(at - address));
    parts->domain = at + 1;
    return NULL;
}

static const um_violation_t *read_address(um_parts_t *parts, const char *address,
                                          apr_pool_t *pool)
{
    const um_violation_t *violation = split(parts, address, pool);

    if (violation == NULL) {
        violation = check_local(parts->local, pool);
    }
    if (violation != NULL) {
        return violation;
    }
    if (parts->domain[0] == '[') {
        return &literal;
    }
    parts->dns = to_dns(parts->domain, pool);
    if (parts->dns == NULL) {
        return &bad_domain;
    }
    return strlen(parts->local) + 1 + strlen(parts->dns) > UM_EMAIL_MAX ? &too_long_for_mail
                                                                        : NULL;
}

const um_violation_t *um_address_check(const char *address, apr_pool_t *pool)
{
    um_parts_t parts;

    return read_address(&parts, address, pool);
}

const char *um_address_key(const char *address, apr_pool_t *pool)
{
    um_parts_t parts;

    if (read_address(&parts, address, pool) != NULL) {
        return NULL;
    }
    return apr_pstrcat(pool, um_text_fold_simply(parts.local, pool), "@", parts.dns, NULL);
}

const char *um_address_identity_key(const char *identity, apr_pool_t *pool)
{
    const char *key = um_address_key(identity, pool);

    return key != NULL ? key
                       : apr_pstrcat(pool, NO_ADDRESS, um_text_lower_ascii(identity, pool), NULL);
}

const char *um_address_for_mail(const char *address, apr_pool_t *pool)
{
    um_parts_t parts;

    if (read_address(&parts, address, pool) != NULL) {
        return NULL;
    }
    return um_text_is_ascii(parts.domain) ? address
                                          : apr_pstrcat(pool, parts.local, "@", parts.dns, NULL);
}

/* ---- prefixes ---- */

/* One label of a domain; it may be cut off. If libidn2 refuses it, it stays as it is. */
static void put_label(um_buffer_t *buffer, const char *label, apr_pool_t *pool)
{
    const char *dns = um_text_is_ascii(label) ? NULL : convert(label, pool);

    um_buffer_puts(buffer, dns != NULL ? dns : um_text_lower_ascii(label, pool));
}

const char *um_address_key_prefix(const char *text, apr_pool_t *pool)
{
    const char *at = strrchr(text, '@');
    const char *folded = um_text_fold_simply(at != NULL ? apr_pstrmemdup(pool, text,
                                                                         (apr_size_t)(at - text))
                                                        : text,
                                             pool);
    um_buffer_t buffer;

    if (at == NULL || um_text_is_ascii(at)) {
        return apr_pstrcat(pool, folded, at != NULL ? um_text_lower_ascii(at, pool) : "", NULL);
    }
    um_buffer_init(&buffer, 256, pool);
    um_buffer_puts(&buffer, folded);
    um_buffer_putc(&buffer, '@');
    for (const char *label = at + 1;; label++) {
        apr_size_t length = strcspn(label, ".");

        put_label(&buffer, apr_pstrmemdup(pool, label, length), pool);
        label += length;
        if (*label == '\0') {
            return buffer.data;
        }
        um_buffer_putc(&buffer, '.');
    }
}
