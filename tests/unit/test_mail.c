/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_mail.c Texts of a mail's header. */

#include <apr_base64.h>

#include "unit.h"

#include "../../mod_usermgmt/mail/mail.h"

#define LINE_MAX_BYTES 76

/* What a reader's program makes of encoded words; each line is checked, and
 * each word must end where a character does. */
static const char *decode(const char *header)
{
    char *copy = apr_pstrdup(pool, header);
    char *result = apr_pstrdup(pool, "");
    char *state = NULL;

    for (char *line = apr_strtok(copy, "\r\n", &state); line != NULL;
         line = apr_strtok(NULL, "\r\n", &state)) {
        char decoded[256] = "";

        assert_true(strlen(line) + strlen("Subject: ") <= LINE_MAX_BYTES);
        line += line[0] == ' ';
        assert_int_equal(strncmp(line, "=?UTF-8?B?", 10), 0);
        assert_string_equal(line + strlen(line) - 2, "?=");
        line[strlen(line) - 2] = '\0';
        decoded[apr_base64_decode(decoded, line + 10)] = '\0';
        assert_int_not_equal((unsigned char)decoded[0] & 0xc0, 0x80);
        result = apr_pstrcat(pool, result, decoded, NULL);
    }
    return result;
}

static void test_short_ascii_stays(void **state)
{
    (void)state;
    assert_string_equal(um_mail_encode_text("Invitation (2)", pool), "Invitation (2)");
    assert_string_equal(um_mail_encode_text("", pool), "");
    assert_string_equal(um_mail_encode_text(times(60, "x"), pool), times(60, "x"));
}

static void test_other_text_is_encoded(void **state)
{
    static const char *const texts[] = {
        "\xc3\xa9",
        "Zo\xc3\xab",
        "=?UTF-8?B?YQ==?=",
        "\xf0\x9f\x98\x80 smile",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_string_equal(decode(um_mail_encode_text(texts[i], pool)), texts[i]);
    }
}

static void test_long_text_is_folded_between_characters(void **state)
{
    static const char *const letters[] = { "x", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };

    (void)state;
    for (int count = 30; count < 300; count += 7) {
        for (size_t i = 0; i < COUNT(letters); i++) {
            const char *text = apr_pstrcat(pool, "\xc3\xa9", times(count, letters[i]), NULL);

            assert_string_equal(decode(um_mail_encode_text(text, pool)), text);
        }
    }
}

static void test_no_value_ends_its_line(void **state)
{
    (void)state;
    assert_string_equal(um_mail_encode_text("a\r\nBcc: b@c.d", pool), "a  Bcc: b@c.d");
    assert_string_equal(decode(um_mail_encode_text("\xc3\xa9\nx\x7f\xe2\x80\xa8", pool)),
                        "\xc3\xa9 x  ");
    assert_string_equal(um_mail_encode_mailbox("a\nb", "c\r\n@d.e", pool),
                        "\"a b\"\r\n <c  @d.e>");
}

static void test_mailboxes(void **state)
{
    (void)state;
    assert_string_equal(um_mail_encode_mailbox(NULL, "a@b.c", pool), "<a@b.c>");
    assert_string_equal(um_mail_encode_mailbox("", "a@b.c", pool), "<a@b.c>");
    assert_string_equal(um_mail_encode_mailbox("A, B <x@y.z>", "a@b.c", pool),
                        "\"A, B <x@y.z>\"\r\n <a@b.c>");
    assert_string_equal(um_mail_encode_mailbox("\"q\" \\", "a@b.c", pool),
                        "\"\\\"q\\\" \\\\\"\r\n <a@b.c>");
    assert_string_equal(um_mail_encode_mailbox("\xc3\xa9", "a@b.c", pool),
                        "=?UTF-8?B?w6k=?=\r\n <a@b.c>");
}

static void test_dates(void **state)
{
    (void)state;
    assert_string_equal(um_mail_encode_date(apr_time_from_sec(784111777), pool),
                        "Sun, 06 Nov 1994 08:49:37 +0000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_POOL(test_short_ascii_stays),
        WITH_POOL(test_other_text_is_encoded),
        WITH_POOL(test_long_text_is_folded_between_characters),
        WITH_POOL(test_no_value_ends_its_line),
        WITH_POOL(test_mailboxes),
        WITH_POOL(test_dates),
    };

    return RUN("mail", tests);
}
