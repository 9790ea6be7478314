/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file text.c Unicode text, see text.h. */

#include "text.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <utf8proc.h>

#define FIRST_BEYOND_ASCII 0x80
#define SOFT_HYPHEN 0xAD
#define BRAILLE_BLANK 0x2800
#define CAPITAL_I_WITH_DOT 0x130
#define FINAL_SIGMA 0x3C2
#define LAST_CODE_POINT 0x10FFFF
#define LAST_BEFORE_SURROGATES 0xD7FF
#define FIRST_AFTER_SURROGATES 0xE000

/* Code points of a folded text that fit on the stack. */
#define FOLD_ON_STACK 512

/* Step over one code point. If the bytes are no code point, it returns a negative number
 * and steps over one byte. */
static utf8proc_int32_t next(const char **at)
{
    utf8proc_int32_t c = (unsigned char)**at;
    utf8proc_ssize_t length = 1;

    if (c >= FIRST_BEYOND_ASCII) {
        length = utf8proc_iterate((const utf8proc_uint8_t *)*at, -1, &c);
    }
    *at += length > 0 ? length : 1;
    return c;
}

/* The beginning of the last code point of a text that is not empty. */
static const char *last_of(const char *text, const char *end)
{
    do {
        end--;
    } while (end > text && ((unsigned char)*end & 0xC0) == 0x80);
    return end;
}

/* ---- checks ---- */

/* Tell whether the next 8 bytes are ASCII, and none of them a NUL. */
static int is_plain_word(const char *bytes)
{
    apr_uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    /* If no byte has its high bit, the subtraction sets the high bit only of a byte that is
     * 0, and perhaps of the byte after it. */
    return ((word | (word - APR_UINT64_C(0x0101010101010101))) & APR_UINT64_C(0x8080808080808080))
           == 0;
}

int um_text_is_utf8(const char *text, apr_size_t length)
{
    const char *end = text + length;

    while (text < end) {
        utf8proc_int32_t c;
        utf8proc_ssize_t step;

        if ((apr_size_t)(end - text) >= sizeof(apr_uint64_t) && is_plain_word(text)) {
            text += sizeof(apr_uint64_t);
            continue;
        }
        step = utf8proc_iterate((const utf8proc_uint8_t *)text, end - text, &c);
        if (step <= 0 || c == 0) {
            return 0;
        }
        text += step;
    }
    return 1;
}

apr_size_t um_text_count(const char *text)
{
    apr_size_t count = 0;

    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return count;
}

apr_size_t um_text_fit(const char *text, apr_size_t most)
{
    apr_size_t length = strnlen(text, most + 1);

    if (length <= most) {
        return length;
    }
    length = most;
    while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) {
        length--;
    }
    return length;
}

const char *um_text_cut(const char *text, apr_size_t count, apr_pool_t *pool)
{
    const char *end = text;

    for (; *end != '\0'; end++) {
        int begins = ((unsigned char)*end & 0xC0) != 0x80;

        if (begins && count-- == 0) {
            return apr_pstrmemdup(pool, text, (apr_size_t)(end - text));
        }
    }
    return text;
}

int um_text_is_ascii(const char *text)
{
    while (*text != '\0' && (unsigned char)*text < 0x80) {
        text++;
    }
    return *text == '\0';
}

static int is_control(utf8proc_int32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

/* White_Space of the Unicode Character Database: Zs, Zl, Zp and six controls. */
static int is_white_space(utf8proc_int32_t c)
{
    return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680
           || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F
           || c == 0x205F || c == 0x3000;
}

int um_text_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

int um_text_has_control(const char *text)
{
    while (*text != '\0') {
        if (is_control(next(&text))) {
            return 1;
        }
    }
    return 0;
}

/* Unassigned code points that have Unicode's Default_Ignorable_Code_Point. The library does
 * not know them. */
static int is_reserved_ignorable(utf8proc_int32_t c)
{
    return c == 0x2065 || (c >= 0xFFF0 && c <= 0xFFF8) || (c >= 0xE0000 && c <= 0xE0FFF);
}

/* White space, an ignorable code point (also the Hangul fillers), or a braille pattern
 * without dots. */
static int is_blank(utf8proc_int32_t c)
{
    return is_white_space(c)
           || (c >= FIRST_BEYOND_ASCII
               && (c == BRAILLE_BLANK || is_reserved_ignorable(c)
                   || utf8proc_get_property(c)->ignorable));
}

apr_int32_t um_text_find_hidden(const char *text)
{
    while (*text != '\0') {
        utf8proc_int32_t c = next(&text);

        if (is_control(c) || is_blank(c)) {
            return c;
        }
    }
    return 0;
}

int um_text_shows_nothing(const char *text)
{
    while (*text != '\0') {
        if (!is_blank(next(&text))) {
            return 0;
        }
    }
    return 1;
}

const char *um_text_trim(const char *text, apr_pool_t *pool)
{
    const char *end = text + strlen(text);
    const char *at;

    for (at = text; *at != '\0' && is_white_space(next(&at)); text = at) {
        continue;
    }
    while (end > text) {
        const char *last = at = last_of(text, end);

        if (!is_white_space(next(&at))) {
            break;
        }
        end = last;
    }
    return apr_pstrmemdup(pool, text, (apr_size_t)(end - text));
}

/* ---- case ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

const char *um_text_lower_ascii(const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, text);

    for (char *c = copy; *c != '\0'; c++) {
        *c = lower(*c);
    }
    return copy;
}

static int turns_direction(utf8proc_int32_t c)
{
    return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static int ends_line(utf8proc_int32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029;
}

const char *um_text_one_line(const char *text, apr_pool_t *pool)
{
    char *line = apr_palloc(pool, strlen(text) + 1);
    char *end = line;

    while (*text != '\0') {
        const char *start = text;
        utf8proc_int32_t c = next(&text);

        if (c < 0) {
            *end++ = '?';
        } else if (ends_line(c)) {
            *end++ = ' ';
        } else if (!turns_direction(c)) {
            memcpy(end, start, (apr_size_t)(text - start));
            end += text - start;
        }
    }
    *end = '\0';
    return line;
}

/* Also the marks that change the direction of weak characters. */
static int is_unsafe_on_terminal(utf8proc_int32_t c)
{
    return ends_line(c) || turns_direction(c) || c == 0x061C || c == 0x200E || c == 0x200F;
}

static void put_escaped(um_buffer_t *to, utf8proc_int32_t c)
{
    static const char known[] = "\n\r\t";
    static const char letters[] = "nrt";
    const char *found = c != 0 && c < 0x80 ? strchr(known, (char)c) : NULL;
    char text[12];

    if (found != NULL) {
        apr_snprintf(text, sizeof(text), "\\%c", letters[found - known]);
    } else {
        apr_snprintf(text, sizeof(text), "\\u%04x", (unsigned)c);
    }
    um_buffer_puts(to, text);
}

static void put_byte(um_buffer_t *to, unsigned char byte)
{
    char text[8];

    apr_snprintf(text, sizeof(text), "\\x%02x", byte);
    um_buffer_puts(to, text);
}

static int is_line_end(const char *text, const char *end)
{
    return *text == '\n' || (*text == '\r' && end - text > 1 && text[1] == '\n');
}

void um_text_escape(um_buffer_t *to, const char *text, apr_size_t length, int keeps_lines)
{
    const char *end = text + length;

    while (text < end) {
        utf8proc_int32_t c;
        utf8proc_ssize_t step = utf8proc_iterate((const utf8proc_uint8_t *)text, end - text, &c);

        if (step <= 0) {
            put_byte(to, (unsigned char)*text);
            step = 1;
        } else if (is_unsafe_on_terminal(c) && !(keeps_lines && is_line_end(text, end))) {
            put_escaped(to, c);
        } else {
            um_buffer_append(to, text, (apr_size_t)step);
        }
        text += step;
    }
}

/* NFKC_Casefold of every code point, then NFC: that is toNFKC_Casefold. */
#define FOLD_OPTIONS                                                                             \
    (UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE)

/* The library keeps reserved code points, but removes soft hyphens. So this replaces the
 * former by the latter. */
static utf8proc_int32_t ignore_reserved(utf8proc_int32_t c, void *baton)
{
    (void)baton;
    return is_reserved_ignorable(c) ? SOFT_HYPHEN : c;
}

/* Fold into a buffer with room for capacity code points and a NUL. Returns the length of
 * the text in bytes; if it does not fit, the number of code points that it needs; or a
 * negative number if the text is not well-formed. */
static utf8proc_ssize_t fold_into(int *fits, utf8proc_int32_t *buffer, utf8proc_ssize_t capacity,
                                  const char *text, apr_size_t length)
{
    utf8proc_ssize_t count = utf8proc_decompose_custom((const utf8proc_uint8_t *)text,
                                                       (utf8proc_ssize_t)length, buffer, capacity,
                                                       FOLD_OPTIONS, ignore_reserved, NULL);

    *fits = count <= capacity;
    /* In place, because UTF-8 takes no more bytes than the code points did. */
    return count >= 0 && *fits ? utf8proc_reencode(buffer, count, FOLD_OPTIONS) : count;
}

static const char *fold(const char *text, apr_size_t length, apr_pool_t *pool)
{
    utf8proc_int32_t stack[FOLD_ON_STACK + 1];
    utf8proc_int32_t *buffer;
    int fits;
    utf8proc_ssize_t count = fold_into(&fits, stack, FOLD_ON_STACK, text, length);

    if (count < 0) {
        return NULL;
    }
    if (fits) {
        return apr_pstrmemdup(pool, (const char *)stack, (apr_size_t)count);
    }
    buffer = apr_palloc(pool, ((apr_size_t)count + 1) * sizeof(*buffer));
    return fold_into(&fits, buffer, count, text, length) < 0 ? NULL : (const char *)buffer;
}

const char *um_text_fold(const char *text, apr_pool_t *pool)
{
    apr_size_t length = strlen(text);
    char *copy = apr_palloc(pool, length + 1);

    for (apr_size_t i = 0; i <= length; i++) {
        if ((unsigned char)text[i] >= 0x80) {
            return fold(text, length, pool);
        }
        copy[i] = lower(text[i]);
    }
    return copy;
}

const char *um_text_fold_name(const char *name, apr_pool_t *pool)
{
    const char *folded = um_text_fold(name, pool);

    if (folded == NULL || strlen(folded) <= UM_TEXT_NAME_FOLDED_MAX) {
        return folded;
    }
    return apr_pstrmemdup(pool, folded,
                          (apr_size_t)(last_of(folded, folded + UM_TEXT_NAME_FOLDED_MAX + 1)
                                       - folded));
}

/* C and S of Unicode's CaseFolding.txt. The library has C and F; F can make several code
 * points of one. In that case S is the simple lower case, except that U+0130 has a lower
 * case but no S. */
static utf8proc_int32_t fold_simply(utf8proc_int32_t c)
{
    utf8proc_int32_t folded[4];
    int boundary = 0;
    utf8proc_ssize_t count;

    if (c >= 0 && c < FIRST_BEYOND_ASCII) {
        return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
    }
    count = utf8proc_decompose_char(c, folded, 4, UTF8PROC_CASEFOLD, &boundary);
    if (count == 1) {
        return folded[0];
    }
    return c == CAPITAL_I_WITH_DOT ? c : utf8proc_tolower(c);
}

const char *um_text_fold_simply(const char *text, apr_pool_t *pool)
{
    apr_size_t length = strlen(text);
    /* In UTF-8 folding makes a code point longer by at most one byte, and none has five. */
    utf8proc_uint8_t *folded = apr_palloc(pool, 2 * length + 1);
    utf8proc_uint8_t *end = folded;
    utf8proc_uint8_t *composed;
    const char *copy;

    if (um_text_is_ascii(text)) {
        return um_text_lower_ascii(text, pool);
    }
    if (!um_text_is_utf8(text, length)) {
        return NULL;
    }
    while (*text != '\0') {
        end += utf8proc_encode_char(fold_simply(next(&text)), end);
    }
    *end = '\0';
    /* The folded letter and the mark after it may have a composition. */
    composed = utf8proc_NFC(folded);
    copy = composed != NULL ? apr_pstrdup(pool, (const char *)composed) : NULL;
    free(composed);
    return copy;
}

static int is_capital(utf8proc_int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);

    return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LT;
}

apr_int32_t um_text_find_variant(const char *text)
{
    while (*text != '\0') {
        utf8proc_int32_t c = next(&text);
        utf8proc_int32_t folded = fold_simply(c);

        /* Cherokee folds small letters to their capitals. */
        if (folded != c && c != FINAL_SIGMA && !is_capital(c) && !is_capital(folded)) {
            return c;
        }
    }
    return 0;
}

static int is_own_nfkc(const char *text)
{
    utf8proc_uint8_t *normal = utf8proc_NFKC((const utf8proc_uint8_t *)text);
    int same = normal != NULL && strcmp((const char *)normal, text) == 0;

    free(normal);
    return same;
}

int um_text_check_nfkc(apr_int32_t *c, const char *text)
{
    *c = 0;
    if (um_text_is_ascii(text) || is_own_nfkc(text)) {
        return 1;
    }
    while (*text != '\0') {
        char alone[5] = "";
        utf8proc_int32_t at = next(&text);

        if (at >= 0) {
            utf8proc_encode_char(at, (utf8proc_uint8_t *)alone);
        }
        if (at < 0 || !is_own_nfkc(alone)) {
            *c = at;
            break;
        }
    }
    return 0;
}

/* ---- prefixes ---- */

const char *um_text_prefix_end(const char *prefix, apr_pool_t *pool)
{
    apr_size_t length = strlen(prefix);
    const char *end = prefix + length;
    /* The next code point takes at most one byte more. */
    char *result = apr_palloc(pool, length + 2);

    while (end > prefix) {
        const char *last = last_of(prefix, end);
        const char *at = last;
        utf8proc_int32_t c = next(&at);

        if (c < LAST_CODE_POINT) {
            apr_size_t kept = (apr_size_t)(last - prefix);

            c = c == LAST_BEFORE_SURROGATES ? FIRST_AFTER_SURROGATES : c + 1;
            memcpy(result, prefix, kept);
            kept += (apr_size_t)utf8proc_encode_char(c, (utf8proc_uint8_t *)result + kept);
            result[kept] = '\0';
            return result;
        }
        end = last;
    }
    return NULL;
}
