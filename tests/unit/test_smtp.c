/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_smtp.c Answers of mail servers, and the name that they are told. */

#include <arpa/inet.h>
#include <netinet/in.h>

#include "unit.h"

#include "../../mod_usermgmt/mail/helo.h"
#include "../../mod_usermgmt/mail/smtp_answer.h"

/* ---- answers ---- */

/* The answer after lines, each of which counts as one; lines end in CR LF. */
static um_smtp_answer_t take(const char *lines)
{
    um_smtp_answer_t answer = { 0 };

    for (const char *line = lines; *line != '\0';) {
        const char *end = strchr(line, '\n') + 1;

        assert_int_equal(um_smtp_answer_add(&answer, line, (apr_size_t)(end - line)), 1);
        line = end;
    }
    return answer;
}

static void assert_text(const char *lines, const char *expected)
{
    um_smtp_answer_t answer = take(lines);

    assert_string_equal(answer.text, expected);
}

static void test_all_lines_are_kept(void **state)
{
    (void)state;
    assert_text("250 2.0.0 taken\r\n", "250 2.0.0 taken");
    assert_text("250\r\n", "250");
    assert_text("550 \r\n", "550");
    assert_text("550-one\r\n550-two\r\n550 three\r\n", "550 one two three");
    assert_text("550-5.7.1 not\r\n550-5.7.1 for\r\n550 5.7.1 you\r\n", "550 5.7.1 not for you");
    assert_text("550-5.7.1 not\r\n550 5.1.1 here\r\n", "550 5.7.1 not 5.1.1 here");
    assert_text("550-not 5.7.1\r\n550 5.7.1\r\n", "550 not 5.7.1 5.7.1");
    assert_text("550-5.0.0 a\r\n550 5.0.0 b\r\n", "550 5.0.0 a b");
    assert_text("550-a\r\n550-\r\n550 b\r\n", "550 a b");
}

static void test_a_whole_answer_is_followed_by_another(void **state)
{
    um_smtp_answer_t answer = take("354 go on\r\n550-5.7.1 one\r\n550 two\r\n");

    (void)state;
    assert_string_equal(answer.text, "550 5.7.1 one two");
    assert_int_equal(answer.code, 550);
    assert_int_equal(answer.subject, 7);
    assert_int_equal(answer.detail, 1);
    answer = take("550 5.7.1 one\r\n250 fine\r\n");
    assert_int_equal(answer.subject, 0);
}

static void test_it_is_one_line_of_ascii_of_bounded_length(void **state)
{
    char line[UM_SMTP_ANSWER_MAX * 2 + 3];
    um_smtp_answer_t answer = { 0 };

    (void)state;
    assert_text("550 a\tb\x1b[0m \xc3\xa9\r\n", "550 a?b?[0m ??");
    for (size_t length = UM_SMTP_ANSWER_MAX - 2; length < sizeof(line) - 2; length++) {
        memset(line, 'x', length);
        memcpy(line, "550 ", 4);
        memcpy(line + length, "\r\n", 3);
        memset(&answer, 0, sizeof(answer));
        um_smtp_answer_add(&answer, line, length + 2);
        assert_int_equal(strlen(answer.text),
                         length < UM_SMTP_ANSWER_MAX ? length : UM_SMTP_ANSWER_MAX);
        assert_int_equal(strcmp(answer.text + strlen(answer.text) - 3, "...") == 0,
                         length > UM_SMTP_ANSWER_MAX);
    }
    for (int i = 0; i < 100; i++) {
        um_smtp_answer_add(&answer, "550-more\r\n", 10);
    }
    assert_true(strlen(answer.text) <= UM_SMTP_ANSWER_MAX);
}

static void test_other_lines_are_none(void **state)
{
    static const char *const lines[] = { "", "25", "250", "2x0 a", "hello", " 250 a" };
    um_smtp_answer_t answer = { 0 };

    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        assert_int_equal(um_smtp_answer_add(&answer, lines[i], strlen(lines[i])), 0);
    }
    assert_int_equal(answer.code, 0);
}

static void test_what_is_about_the_sender(void **state)
{
    static const char *const sender[] = {
        "500 syntax\r\n",
        "502 no\r\n",
        "503 5.5.1 order\r\n",
        "504 5.5.2 <web>: Helo command rejected: need fully-qualified hostname\r\n",
        "509 no\r\n",
        "530 sign in\r\n",
        "550 5.5.4 no\r\n",
        "550 5.7.1 relay\r\n",
        "550 5.7.606 you\r\n",
        "554-5.7.26 a\r\n554 5.7.26 b\r\n",
        "553 5.1.7 who\r\n",
        "553 5.1.8 who\r\n",
        "550-no\r\n550 5.7.1 relay\r\n",
    };
    static const char *const recipient[] = {
        "250 2.1.5 fine\r\n",   "450 4.7.1 later\r\n", "550 no such user\r\n",
        "550 5.1.1 nobody\r\n", "550 5.1.10 no\r\n",   "550 5.2.1 off\r\n",
        "552 5.2.2 full\r\n",   "553 5.1.3 what\r\n",  "556 5.1.10 no\r\n",
        "551 5.17.1 away\r\n",  "510 no\r\n",          "550 5.7.x no\r\n",
        "550 5.\r\n",           "550 5.7\r\n",         "550 5.7.\r\n",
        "550 5.7.1x\r\n",       "550 5.71.1 no\r\n",   "550 5.0007.1 no\r\n",
        "550 4.7.1.1 no\r\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(sender); i++) {
        um_smtp_answer_t answer = take(sender[i]);

        assert_true(um_smtp_answer_is_about_sender(&answer));
    }
    for (size_t i = 0; i < COUNT(recipient); i++) {
        um_smtp_answer_t answer = take(recipient[i]);

        assert_false(um_smtp_answer_is_about_sender(&answer));
    }
}

/* ---- the name in EHLO ---- */

static void test_names(void **state)
{
    static const char *const good[] = {
        "mail.example.com",   "a.b",        "xn--bcher-kva.example", "1.example", "[192.0.2.1]",
        "[IPv6:2001:db8::1]", "[ipv6:::1]", "A-1.Example.COM",
    };
    static const char *const bad[] = {
        "",
        "localhost",
        "mail",
        "127.0.0.1",
        "mail.example.com.",
        ".a.b",
        "a..b",
        "-a.b",
        "a_b.c",
        "a b.c",
        "b\xc3\xbc.example",
        "[",
        "[]",
        "]",
        "[mail.a]",
        "[::1]",
        "[IPv6:192.0.2.1]",
        "[192.0.2.1",
        "[IPv6:]",
        "a.b\r\nQUIT",
        "[192.0.2]",
        "::1",
        "a.b/c",
        "[1.2.3.4]]",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(um_helo_is_valid(good[i], pool));
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(um_helo_is_valid(bad[i], pool));
    }
}

static void test_the_own_address(void **state)
{
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(25) };
    struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(25) };
    struct sockaddr other = { .sa_family = AF_UNIX };
    const char *literal;

    (void)state;
    inet_pton(AF_INET, "127.0.0.2", &four.sin_addr);
    literal = um_helo_towards((struct sockaddr *)&four, sizeof(four), pool);
    assert_string_equal(literal, "[127.0.0.1]");
    six.sin6_addr = in6addr_loopback;
    literal = um_helo_towards((struct sockaddr *)&six, sizeof(six), pool);
    /* Not every machine has IPv6. */
    assert_true(literal == NULL || strcmp(literal, "[IPv6:::1]") == 0);
    assert_null(um_helo_towards(&other, sizeof(other), pool));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_POOL(test_all_lines_are_kept),
        WITH_POOL(test_a_whole_answer_is_followed_by_another),
        WITH_POOL(test_it_is_one_line_of_ascii_of_bounded_length),
        WITH_POOL(test_other_lines_are_none),
        WITH_POOL(test_what_is_about_the_sender),
        WITH_POOL(test_names),
        WITH_POOL(test_the_own_address),
    };

    return RUN("smtp", tests);
}
