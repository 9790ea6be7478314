/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file mail.c Texts of a mail's header, see mail.h. */

#include "mail.h"

#include <string.h>

#include <apr_base64.h>
#include <apr_strings.h>

#include "../base/buffer.h"
#include "../base/text.h"

/* A longer ASCII text is encoded too, because only encoded words are folded here. */
#define PLAIN_MAX 60
/* Bytes of an encoded word. With the characters around them, and the header's name before the
 * first word, a line has less than the allowed 76 characters. */
#define WORD_BYTES_MAX 33

static int is_plain(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c < 0x20 || *c > 0x7e) {
            return 0;
        }
    }
    return strlen(text) <= PLAIN_MAX && strstr(text, "=?") == NULL;
}

/* The bytes of the next word, which ends at the end of a character. */
static apr_size_t word_length(const char *text)
{
    apr_size_t length = um_text_fit(text, WORD_BYTES_MAX);

    /* In what is no UTF-8 it could be none. */
    return length > 0 ? length : 1;
}

static const char *encode_words(const char *text, apr_pool_t *pool)
{
    char encoded[WORD_BYTES_MAX * 2];
    um_buffer_t buffer;

    um_buffer_init(&buffer, 256, pool);
    while (*text != '\0') {
        apr_size_t length = word_length(text);

        apr_base64_encode_binary(encoded, (const unsigned char *)text, (int)length);
        um_buffer_puts(&buffer, buffer.length > 0 ? "\r\n =?UTF-8?B?" : "=?UTF-8?B?");
        um_buffer_puts(&buffer, encoded);
        um_buffer_puts(&buffer, "?=");
        text += length;
    }
    return buffer.data;
}

const char *um_mail_encode_text(const char *text, apr_pool_t *pool)
{
    const char *line = um_text_one_line(text, pool);

    return is_plain(line) ? line : encode_words(line, pool);
}

/* A quoted-string of RFC 5322, or encoded words. */
static const char *encode_phrase(const char *text, apr_pool_t *pool)
{
    const char *line = um_text_one_line(text, pool);
    um_buffer_t buffer;

    if (!is_plain(line)) {
        return encode_words(line, pool);
    }
    um_buffer_init(&buffer, strlen(line) + 2, pool);
    um_buffer_putc(&buffer, '"');
    for (; *line != '\0'; line++) {
        if (*line == '"' || *line == '\\') {
            um_buffer_putc(&buffer, '\\');
        }
        um_buffer_putc(&buffer, *line);
    }
    um_buffer_putc(&buffer, '"');
    return buffer.data;
}

const char *um_mail_encode_mailbox(const char *name, const char *address, apr_pool_t *pool)
{
    const char *line = um_text_one_line(address, pool);

    if (name == NULL || name[0] == '\0') {
        return apr_pstrcat(pool, "<", line, ">", NULL);
    }
    return apr_pstrcat(pool, encode_phrase(name, pool), "\r\n <", line, ">", NULL);
}

const char *um_mail_encode_date(apr_time_t time, apr_pool_t *pool)
{
    static const char zone[] = "+0000";
    char text[APR_RFC822_DATE_LEN];

    apr_rfc822_date(text, time);
    /* APR's text ends with the name of the zone, which is obsolete in RFC 5322. */
    return apr_pstrcat(pool, apr_pstrmemdup(pool, text, strlen(text) - strlen("GMT")), zone,
                       NULL);
}
