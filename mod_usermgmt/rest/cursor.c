/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file cursor.c Cursors as clients see them, see cursor.h. */

#include "cursor.h"

#include <string.h>

#include <apr_base64.h>
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
