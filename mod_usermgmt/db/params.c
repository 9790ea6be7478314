/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file params.c The parameters of a database, see params.h. */

#include "params.h"

#include <string.h>

#include <apr_cstr.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "dialect.h"

#define MASK "***"

/* Shorter secrets stay in a driver's text, because too many words contain them. */
#define REDACTED_MIN 4

#define SPACE " \t\r\n\f\v"

/* Words whose value is no secret. */
/* clang-format off */
static const char *const open_words[] = {
    "application_name", "channel_binding", "connect_timeout", "dbname", "group", "gssencmode",
    "host", "hostaddr", "port", "reconnect", "service", "sock", "sslmode",
    "target_session_attrs", "user", NULL
};
/* clang-format on */

/* A piece of the parameters: [start, end). */
typedef struct um_piece_t {
    const char *start;
    const char *end;
} um_piece_t;

/* One word: KEY = VALUE, or another text; then the key is empty. */
typedef struct um_word_t {
    um_piece_t key;
    um_piece_t value;
} um_word_t;

int um_params_are_path(const char *driver)
{
    const um_dialect_traits_t *traits = um_dialect_of_driver(NULL, driver);

    return traits != NULL && traits->is_file;
}

/* ---- checking ---- */

static const char *check_variable(const char *params, apr_pool_t *pool)
{
    const char *start = strstr(params, "${");
    const char *end = start != NULL ? strchr(start, '}') : NULL;

    if (end == NULL) {
        return NULL;
    }
    return apr_psprintf(pool, "has the variable %s, which is not defined; define it first",
                        apr_pstrmemdup(pool, start, (apr_size_t)(end - start) + 1));
}

static const char *check_path(const char *path, um_params_path_t allowed, apr_pool_t *pool)
{
    static const char right[] = "give the path of a file, such as /var/lib/usermgmt/usermgmt.db";

    if (path[strspn(path, SPACE)] == '\0') {
        return apr_psprintf(pool,
                            "is empty, so each connection would write into a temporary "
                            "database of its own; %s",
                            right);
    }
    if (strcmp(path, ":memory:") == 0) {
        return apr_psprintf(pool,
                            "is \":memory:\", so each connection would write into memory "
                            "of its own; %s",
                            right);
    }
    if (strncmp(path, "file:", 5) == 0) {
        return apr_psprintf(pool, "is a URI, \"%s\"; %s", path, right);
    }
    if (allowed == UM_PARAMS_ABSOLUTE_PATH && path[0] != '/') {
        return apr_psprintf(pool,
                            "is \"%s\", which depends on the folder that httpd is started "
                            "in; give an absolute path, such as /var/lib/usermgmt/usermgmt.db",
                            path);
    }
    return NULL;
}

const char *um_params_check(const char *driver, const char *params, um_params_path_t allowed,
                            apr_pool_t *pool)
{
    const char *wrong;

    params = params != NULL ? params : "";
    wrong = check_variable(params, pool);
    return wrong == NULL && um_params_are_path(driver) ? check_path(params, allowed, pool)
                                                       : wrong;
}

/* ---- masking ---- */

/* The characters between words, which depend on the driver. */
static const char *delimiters_of(const char *driver)
{
    const um_dialect_traits_t *traits = um_dialect_of_driver(NULL, driver);

    return traits != NULL && traits->splits_at_space ? SPACE : SPACE ";|,";
}

static int is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* A value ends before the next delimiter. libpq also has 'quotes' and backslashes. */
static const char *end_of_value(const char *at, const char *delimiters)
{
    int is_quoted = *at == '\'';

    at += is_quoted;
    while (*at != '\0' && (is_quoted ? *at != '\'' : !is_one_of(*at, delimiters))) {
        at += *at == '\\' && at[1] != '\0' ? 2 : 1;
    }
    return at + (is_quoted && *at != '\0');
}

static int next_word(um_word_t *word, const char **at, const char *delimiters)
{
    const char *start = *at + strspn(*at, delimiters);
    const char *end = start;
    const char *sign;

    if (*start == '\0') {
        return 0;
    }
    while (*end != '\0' && *end != '=' && !is_one_of(*end, delimiters)) {
        end++;
    }
    sign = end + strspn(end, SPACE);
    word->key.start = start;
    word->key.end = start;
    word->value.start = start;
    word->value.end = end;
    if (*sign == '=') {
        word->key.end = end;
        word->value.start = sign + 1 + strspn(sign + 1, SPACE);
        word->value.end = end_of_value(word->value.start, delimiters);
    }
    *at = word->value.end;
    return 1;
}

static int has_key(const um_word_t *word, const char *key)
{
    apr_size_t length = (apr_size_t)(word->key.end - word->key.start);

    return strlen(key) == length && apr_cstr_casecmpn(key, word->key.start, length) == 0;
}

static int is_open(const um_word_t *word)
{
    for (int i = 0; open_words[i] != NULL; i++) {
        if (has_key(word, open_words[i])) {
            return 1;
        }
    }
    return 0;
}

static const char *copy(const um_piece_t *piece, apr_pool_t *pool)
{
    return apr_pstrmemdup(pool, piece->start, (apr_size_t)(piece->end - piece->start));
}

/* Parameters that are not words, but a path or, for libpq, a URI. */
static int is_path(const char *driver, const char *params)
{
    return um_params_are_path(driver) || (driver == NULL && params[0] == '/');
}

int um_params_are_uri(const char *params)
{
    return strncmp(params, "postgres://", 11) == 0 || strncmp(params, "postgresql://", 13) == 0;
}

/* A URI without user, password and parameters. */
static const char *mask_uri(const char *uri, apr_pool_t *pool)
{
    um_piece_t rest = { strstr(uri, "://") + 3, uri + strlen(uri) };
    const char *at = strrchr(rest.start, '@');

    rest.start = at != NULL ? at + 1 : rest.start;
    rest.end = rest.start + strcspn(rest.start, "?#");
    return apr_pstrcat(pool, "postgresql://", at != NULL ? MASK "@" : "", copy(&rest, pool),
                       *rest.end != '\0' ? "?" MASK : "", NULL);
}

const char *um_params_mask(const char *driver, const char *params, apr_pool_t *pool)
{
    const char *masked = "";
    const char *at = params;
    um_word_t word;

    if (is_path(driver, params)) {
        return params;
    }
    if (um_params_are_uri(params)) {
        return mask_uri(params, pool);
    }
    while (next_word(&word, &at, delimiters_of(driver))) {
        masked = apr_pstrcat(pool, masked, *masked != '\0' ? " " : "",
                             is_open(&word) ? copy(&word.key, pool) : MASK,
                             is_open(&word) ? "=" : "",
                             is_open(&word) ? copy(&word.value, pool) : "", NULL);
    }
    return masked;
}

static const char *hide(const char *text, const char *secret, apr_pool_t *pool)
{
    apr_size_t length = strlen(secret);
    const char *found;
    const char *hidden = "";

    if (length < REDACTED_MIN) {
        return text;
    }
    while ((found = strstr(text, secret)) != NULL) {
        hidden = apr_pstrcat(pool, hidden, apr_pstrmemdup(pool, text, (apr_size_t)(found - text)),
                             MASK, NULL);
        text = found + length;
    }
    return apr_pstrcat(pool, hidden, text, NULL);
}

/* Hide the user and the password of a URI, and both together. */
static const char *hide_uri(const char *text, const char *uri, apr_pool_t *pool)
{
    um_piece_t secret = { strstr(uri, "://") + 3, strrchr(uri, '@') };
    const char *colon;

    if (secret.end == NULL || secret.end < secret.start) {
        return text;
    }
    text = hide(text, copy(&secret, pool), pool);
    colon = memchr(secret.start, ':', (apr_size_t)(secret.end - secret.start));
    if (colon != NULL) {
        secret.start = colon + 1;
        text = hide(text, copy(&secret, pool), pool);
    }
    return text;
}

int um_params_have(const char *driver, const char *params, const char *key)
{
    const char *at = params;
    um_word_t word;

    while (next_word(&word, &at, delimiters_of(driver))) {
        if (has_key(&word, key)) {
            return 1;
        }
    }
    return 0;
}

/* A text without its quotations. libpq quotes the part of a URI that it can't read, which
 * may be a part of a password. */
static const char *hide_quoted(const char *text, apr_pool_t *pool)
{
    const char *hidden = "";

    for (const char *open = strchr(text, '"'); open != NULL; open = strchr(text, '"')) {
        const char *close = strchr(open + 1, '"');

        hidden = apr_pstrcat(pool, hidden, apr_pstrmemdup(pool, text, (apr_size_t)(open - text)),
                             "\"" MASK "\"", NULL);
        if (close == NULL) {
            return hidden;
        }
        text = close + 1;
    }
    return apr_pstrcat(pool, hidden, text, NULL);
}

const char *um_params_redact(const char *text, const char *driver, const char *params,
                             apr_pool_t *pool)
{
    const char *at = params;
    um_word_t word;

    if (is_path(driver, params)) {
        return text;
    }
    if (um_params_are_uri(params)) {
        return hide_quoted(hide_uri(text, params, pool), pool);
    }
    while (next_word(&word, &at, delimiters_of(driver))) {
        if (!is_open(&word)) {
            um_piece_t bare = word.value;

            text = hide(text, copy(&word.value, pool), pool);
            bare.start += *bare.start == '\'';
            bare.end -= bare.end > bare.start && bare.end[-1] == '\'';
            text = hide(text, copy(&bare, pool), pool);
        }
    }
    return text;
}
