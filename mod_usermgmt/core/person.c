/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file person.c What identifies one person, see person.h. */

#include "person.h"

#include <string.h>

#include <apr_cstr.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "../base/address.h"
#include "../base/json.h"
#include "../base/text.h"
#include "../base/uid.h"

#define TEXT(array, i) APR_ARRAY_IDX(array, i, const char *)

void um_person_init(um_person_t *person, apr_pool_t *pool)
{
    person->pool = pool;
    person->uids = apr_array_make(pool, 2, sizeof(const char *));
    person->keys = apr_array_make(pool, 2, sizeof(const char *));
    person->addresses = apr_array_make(pool, 4, sizeof(const char *));
}

static int has(const apr_array_header_t *texts, const char *text)
{
    for (int i = 0; text != NULL && i < texts->nelts; i++) {
        if (strcmp(TEXT(texts, i), text) == 0) {
            return 1;
        }
    }
    return 0;
}

static void add(apr_array_header_t *texts, const char *text, apr_pool_t *pool)
{
    if (!has(texts, text)) {
        APR_ARRAY_PUSH(texts, const char *) = apr_pstrdup(pool, text);
    }
}

void um_person_add_uid(um_person_t *person, const char *uid)
{
    add(person->uids, uid, person->pool);
}

void um_person_add_key(um_person_t *person, const char *key)
{
    add(person->keys, key, person->pool);
    if (um_address_check(key, person->pool) == NULL) {
        add(person->addresses, key, person->pool);
    }
}

/* As it stands in the query of a link. */
static const char *percent_encode(const char *address, apr_pool_t *pool)
{
    const char *at = strrchr(address, '@');

    return apr_pstrcat(pool, apr_pstrmemdup(pool, address, (apr_size_t)(at - address)), "%40",
                       at + 1, NULL);
}

void um_person_add_address(um_person_t *person, const char *address)
{
    const char *key = um_address_key(address, person->pool);

    if (key != NULL) {
        um_person_add_key(person, key);
        add(person->addresses, address, person->pool);
        add(person->addresses, percent_encode(address, person->pool), person->pool);
        add(person->addresses, percent_encode(key, person->pool), person->pool);
    }
}

int um_person_has_uid(const um_person_t *person, const char *uid)
{
    return has(person->uids, uid);
}

int um_person_has_key(const um_person_t *person, const char *key)
{
    return has(person->keys, key);
}

int um_person_has_identity(const um_person_t *person, const char *identity, apr_pool_t *pool)
{
    return identity != NULL && has(person->keys, um_address_identity_key(identity, pool));
}

/* ---- in a text ---- */

/* Can a byte be of an address, so that one that goes on with it is another one? */
static int is_of_address(char c)
{
    return apr_isalnum(c) || (c & 0x80) != 0 || (c != '\0' && strchr("!#$&'*+-/=?^_`{|}~.", c));
}

/* The same behind an address, where its domain would go on. */
static int is_of_domain(const char *c)
{
    return apr_isalnum(*c) || (*c & 0x80) != 0 || *c == '-'
           || (*c == '.' && (apr_isalnum(c[1]) || (c[1] & 0x80) != 0));
}

static const char *find_without_case(const char *text, const char *part, size_t length)
{
    for (; *text != '\0'; text++) {
        if (apr_tolower(*text) == apr_tolower(*part)
            && apr_cstr_casecmpn(text, part, length) == 0) {
            return text;
        }
    }
    return NULL;
}

/* Characters that can stand before an address in a link or a mail server's answer, although an
 * address can have them. */
static int is_separator(char c)
{
    return c == '=' || c == '/' || c == '&' || c == '?' || c == '\'';
}

static int has_address(const char *text, const char *address)
{
    size_t length = strlen(address);
    const char *at = find_without_case(text, address, length);

    while (at != NULL) {
        if ((at == text || !is_of_address(at[-1]) || is_separator(at[-1]))
            && !is_of_domain(at + length)) {
            return 1;
        }
        at = find_without_case(at + 1, address, length);
    }
    return 0;
}

/* Is it as long as those that the module makes? A shorter one that came with an import can be a
 * number or a word that others have, too. So it counts only where a user_uid stands. */
static int is_unmistakable(const char *uid)
{
    return strlen(uid) >= UM_UID_LENGTH;
}

static int stands_before(const char *at, const char *text, const char *part)
{
    size_t length = strlen(part);

    return (size_t)(at - text) >= length && strncmp(at - length, part, length) == 0;
}

static int begins_uid(const char *at, const char *text, const char *uid)
{
    if (is_unmistakable(uid)) {
        return stands_before(at, text, "\"") || stands_before(at, text, "/");
    }
    return stands_before(at, text, "user_uid\":\"") || stands_before(at, text, "/users/")
           || stands_before(at, text, "/sub-admins/");
}

static int has_uid(const char *text, const char *uid)
{
    size_t length = strlen(uid);

    for (const char *at = strstr(text, uid); at != NULL; at = strstr(at + 1, uid)) {
        char after = at[length];

        if ((after == '\0' || strchr("\"/?", after) != NULL) && begins_uid(at, text, uid)) {
            return 1;
        }
    }
    return 0;
}

int um_person_is_in(const um_person_t *person, const char *text)
{
    for (int i = 0; i < person->uids->nelts; i++) {
        if (has_uid(text, TEXT(person->uids, i))) {
            return 1;
        }
    }
    for (int i = 0; i < person->addresses->nelts; i++) {
        if (has_address(text, TEXT(person->addresses, i))) {
            return 1;
        }
    }
    return 0;
}

/* ---- in JSON ---- */

typedef struct um_rewriting_t {
    const um_person_t *person;
    const char *erased;
    um_buffer_t *to;
    apr_pool_t *pool;
} um_rewriting_t;

/* Has a member a login name or an address? */
static int names_identity(const char *member)
{
    size_t length = strlen(member);

    return strcmp(member, "email") == 0 || strcmp(member, "identity") == 0
           || (length > 3 && strcmp(member + length - 3, "_by") == 0);
}

static int is_about(const um_person_t *person, const um_json_t *object, apr_pool_t *pool)
{
    const um_json_t *uid = um_json_member(object, "user_uid");
    const um_json_t *email = um_json_member(object, "email");

    return (uid != NULL && um_person_has_uid(person, um_json_string(uid)))
           || (email != NULL && um_person_has_identity(person, um_json_string(email), pool));
}

static void put_object(um_rewriting_t *rewriting, const um_json_t *object);

static void put_string(um_rewriting_t *rewriting, const char *member, const char *text)
{
    const um_person_t *person = rewriting->person;
    int is_erased = (um_person_has_uid(person, text)
                     && (is_unmistakable(text) || strcmp(member, "user_uid") == 0))
                    || um_person_is_in(person, text)
                    || (names_identity(member)
                        && um_person_has_identity(person, text, rewriting->pool));

    um_json_put_string(rewriting->to, is_erased ? rewriting->erased : text);
}

static void put_value(um_rewriting_t *rewriting, const char *member, const um_json_t *value)
{
    um_buffer_t text;

    if (um_json_string(value) != NULL) {
        put_string(rewriting, member, um_json_string(value));
        return;
    }
    if (um_json_type(value) == UM_JSON_OBJECT) {
        put_object(rewriting, value);
        return;
    }
    um_buffer_init(&text, 64, rewriting->pool);
    um_json_put_value(&text, value);
    if (um_person_is_in(rewriting->person, text.data)) {
        um_json_put_string(rewriting->to, rewriting->erased);
    } else {
        um_buffer_puts(rewriting->to, text.data);
    }
}

static void put_member(const char *name, const um_json_t *value, void *baton)
{
    um_rewriting_t *rewriting = baton;

    um_json_put_any_name(rewriting->to, name);
    put_value(rewriting, name, value);
}

static void put_object(um_rewriting_t *rewriting, const um_json_t *object)
{
    if (is_about(rewriting->person, object, rewriting->pool)) {
        um_buffer_puts(rewriting->to, UM_ERASED_JSON);
        return;
    }
    um_buffer_putc(rewriting->to, '{');
    um_json_each(object, put_member, rewriting);
    um_buffer_putc(rewriting->to, '}');
}

/* Login names that are no addresses are too short to be looked for in a text, so an object is
 * read if one of its members can have one. */
static int may_be_in(const um_person_t *person, const char *json)
{
    return um_person_is_in(person, json)
           || (person->keys->nelts > 0 && strstr(json, "_by\":") != NULL);
}

const char *um_person_erase(const um_person_t *person, const char *json, const char *erased,
                            apr_pool_t *pool)
{
    um_json_error_t error;
    um_json_t *object = NULL;
    um_buffer_t to;
    um_rewriting_t rewriting = { person, erased, &to, pool };

    if (json == NULL || !may_be_in(person, json)) {
        return json;
    }
    if (um_json_parse(&object, &error, json, strlen(json), pool) != APR_SUCCESS
        || um_json_type(object) != UM_JSON_OBJECT) {
        return UM_ERASED_JSON;
    }
    um_buffer_init(&to, strlen(json) + 1, pool);
    put_object(&rewriting, object);
    /* A name of a member can be an address's part, too. */
    return um_person_is_in(person, to.data) ? UM_ERASED_JSON
           : strcmp(to.data, json) != 0     ? to.data
                                            : json;
}
