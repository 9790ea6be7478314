/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file cursor.c Cursors as clients see them, see cursor.h. */

#include "cursor.h"

#include <string.h>

#include <apr_base64.h>
#include <apr_lib.h>
#include <apr_siphash.h>
#include <apr_strings.h>

#include "../base/text.h"
#include "../core/rules.h"

/* A cursor is this character, and in base64url: a checksum, the list and order, the key, and the
 * value, with a blank between them. */
#define MARK '~'
#define ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

int um_cursor_is_one(const char *text)
{
    return text[0] == MARK;
}

static void replace(char *text, char from, char to)
{
    for (char *c = strchr(text, from); c != NULL; c = strchr(c, from)) {
        *c = to;
    }
}

/* The checksum shows only that a cursor is undamaged. Everybody can make one. */
static apr_uint32_t sum_of(const char *text)
{
    static const unsigned char key[APR_SIPHASH_KSIZE] = "usermgmt-cursor";

    return (apr_uint32_t)apr_siphash24(text, strlen(text), key);
}

const char *um_cursor_write(const char *of, const um_cursor_t *cursor, apr_pool_t *pool)
{
    const char *text = apr_pstrcat(pool, of, " ", cursor->key, " ", cursor->value, NULL);
    const char *whole = apr_psprintf(pool, "%08x %s", sum_of(text), text);
    char *encoded = apr_palloc(pool, (apr_size_t)apr_base64_encode_len((int)strlen(whole)) + 1);

    encoded[0] = MARK;
    apr_base64_encode(encoded + 1, whole, (int)strlen(whole));
    replace(encoded, '+', '-');
    replace(encoded, '/', '_');
    encoded[strcspn(encoded, "=")] = '\0';
    return encoded;
}

/* NULL where that is no text. */
static char *decode(const char *encoded, apr_pool_t *pool)
{
    char *standard = apr_pstrdup(pool, encoded);
    char *text;
    int length;

    if (encoded[strspn(encoded, ALPHABET)] != '\0') {
        return NULL;
    }
    replace(standard, '-', '+');
    replace(standard, '_', '/');
    text = apr_palloc(pool, (apr_size_t)apr_base64_decode_len(standard) + 1);
    length = apr_base64_decode(text, standard);
    text[length] = '\0';
    return um_text_is_utf8(text, (apr_size_t)length) ? text : NULL;
}

/* Cut off the part before the first blank; NULL where there is none. */
static const char *next_part(char **rest)
{
    char *part = *rest;
    char *blank = part != NULL ? strchr(part, ' ') : NULL;

    if (blank == NULL) {
        return NULL;
    }
    *blank = '\0';
    *rest = blank + 1;
    return part;
}

int um_cursor_read(const char **of, um_cursor_t *cursor, const char *text, apr_pool_t *pool)
{
    char *rest = um_cursor_is_one(text) ? decode(text + 1, pool) : NULL;

    if (next_part(&rest) == NULL) {
        return 0;
    }
    *of = next_part(&rest);
    cursor->key = next_part(&rest);
    cursor->value = rest;
    /* What is the same when it is written again has the right sum, too. */
    return *of != NULL && cursor->key != NULL && um_rules_check_uid(cursor->key) == NULL
           && strcmp(um_cursor_write(*of, cursor, pool), text) == 0;
}

/* The characters of keys, in the order of bytes. */
static const char steps[] = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
#define FIRST_STEP steps[0]
#define LAST_STEP steps[sizeof(steps) - 2]

/* The next higher of all keys: one character more, or the last one that can grow grows. */
static int step_up(char *key, apr_size_t length)
{
    if (length < UM_UID_MAX) {
        key[length] = FIRST_STEP;
        return 1;
    }
    while (length > 0 && key[length - 1] == LAST_STEP) {
        key[--length] = '\0';
    }
    if (length > 0) {
        key[length - 1] = strchr(steps, key[length - 1])[1];
    }
    return length > 0;
}

/* The next lower of all keys: one character less, or a lower last one with the highest of all
 * endings. */
static int step_down(char *key, apr_size_t length)
{
    if (key[length - 1] == FIRST_STEP) {
        key[length - 1] = '\0';
        return length > 1;
    }
    key[length - 1] = *(strchr(steps, key[length - 1]) - 1);
    memset(key + length, LAST_STEP, UM_UID_MAX - length);
    return 1;
}

const char *um_cursor_key_beside(const char *key, int upwards, apr_pool_t *pool)
{
    apr_size_t length = strlen(key);
    char *beside = apr_pcalloc(pool, UM_UID_MAX + 1);

    apr_cpystrn(beside, key, UM_UID_MAX + 1);
    return (upwards ? step_up(beside, length) : step_down(beside, length)) ? beside : NULL;
}

/* An address's key ends with a domain: ASCII letters, digits, hyphens and dots, but with no
 * hyphen or dot at its end. "!" is lower than all of these, but higher than the blank with which
 * MariaDB fills texts up; "~" is higher than all. */
const char *um_cursor_email_beside(const char *email_key, int upwards, apr_pool_t *pool)
{
    apr_size_t length = strlen(email_key);
    char *beside = apr_pstrcat(pool, email_key, upwards ? "!" : "~", NULL);

    if (length == 0 || !apr_isalnum(email_key[length - 1])) {
        return NULL;
    }
    if (!upwards) {
        beside[length - 1]--;
    }
    return beside;
}
