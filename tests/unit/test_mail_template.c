/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_mail_template.c Templates: read, refused, filled in. */

#include "unit.h"

#include "../../mod_usermgmt/mail/mail_template.h"

#define REST "[html]\n${accept_token}\n"

static const um_mail_values_t usual = {
    .organization = "Acme",
    .inviter = "Ann",
    .inviter_email = "ann@example.com",
    .email = "bob@example.com",
    .accept_link = "https://p.example.com/?a=1&accept_token=s",
    .accept_token = "s",
    .expires_at = 1733167050371,
};

static um_mail_t render(const char *text, const um_mail_values_t *values)
{
    um_mail_template_t *template = NULL;
    um_mail_t mail = { 0 };
    const char *error = um_mail_template_parse(&template, text, pool);

    if (error != NULL) {
        fail_msg("%s", error);
    }
    um_mail_template_render(&mail, template, values, pool);
    return mail;
}

/* What becomes of the part [text]. */
static const char *render_text(const char *part, const um_mail_values_t *values)
{
    return render(apr_pstrcat(pool, "[subject]\ns\n[text]\n${accept_token}\n", part, "\n" REST,
                              NULL),
                  values)
        .text;
}

static void assert_refused(const char *text, const char *said)
{
    um_mail_template_t *template = NULL;
    const char *error = um_mail_template_parse(&template, text, pool);

    assert_null(template);
    assert_non_null(error);
    assert_string_equal(error, said);
}

static void test_the_default(void **state)
{
    um_mail_values_t without = usual;
    um_mail_t mail = render(um_mail_template_default, &usual);

    (void)state;
    assert_string_equal(mail.subject, "Invitation to manage Acme");
    assert_non_null(strstr(mail.text, "\r\n\r\nhttps://p.example.com/?a=1&accept_token=s\r\n"));
    assert_non_null(strstr(mail.html, "href=\"https://p.example.com/?a=1&amp;accept_token=s\""));
    assert_null(strstr(mail.text, "${"));
    assert_null(strstr(mail.html, "${"));
    without.accept_link = NULL;
    mail = render(um_mail_template_default, &without);
    assert_null(strstr(mail.text, "http"));
    assert_null(strstr(mail.html, "href"));
    assert_non_null(strstr(mail.html, "<code>s</code>"));
}

static void test_every_placeholder(void **state)
{
    (void)state;
    assert_string_equal(
        render_text("${organization}|${inviter}|${inviter_email}|${email}|${accept_link}|"
                    "${accept_token}|${expires_at}",
                    &usual),
        "s\r\nAcme|Ann|ann@example.com|bob@example.com|"
        "https://p.example.com/?a=1&accept_token=s|s|2024-12-02 19:17 UTC\r\n");
}

static void test_conditions(void **state)
{
    static const char text[] = "${if accept_link}\nwith\n${else}\nwithout\n${end}\n"
                               "${if accept_link}a${end}${if accept_link}b${else}c${end}";
    um_mail_values_t without = usual;

    (void)state;
    without.accept_link = NULL;
    assert_string_equal(render_text(text, &usual), "s\r\nwith\r\nab\r\n");
    assert_string_equal(render_text(text, &without), "s\r\nwithout\r\nc\r\n");
}

static void test_what_looks_like_a_placeholder(void **state)
{
    um_mail_values_t hostile = usual;

    (void)state;
    assert_string_equal(render_text("$${x} $ $$ {y} $z", &usual), "s\r\n${x} $ $$ {y} $z\r\n");
    hostile.inviter = "${accept_token}";
    assert_string_equal(render_text("${inviter}", &hostile), "s\r\n${accept_token}\r\n");
}

static void test_hostile_values(void **state)
{
    um_mail_values_t hostile = usual;
    um_mail_t mail;

    (void)state;
    hostile.organization = "a\r\nBcc: b\n.\r\n\xe2\x80\xae\xe2\x81\xa6<i>&\"'";
    mail = render("[subject]\n${organization}\n[text]\n${accept_token}${organization}\n"
                  "[html]\n${accept_token}${organization}\n",
                  &hostile);
    assert_string_equal(mail.subject, "a  Bcc: b .  <i>&\"'");
    assert_string_equal(mail.text, "sa  Bcc: b .  <i>&\"'\r\n");
    assert_string_equal(mail.html, "sa  Bcc: b .  &lt;i&gt;&amp;&quot;&#39;\r\n");
}

static void test_line_ends(void **state)
{
    um_mail_t mail =
        render("# c\r\n[subject]\r\ns\r\n\r\n[text]\r\n\r\na\r\n\r\n${accept_token}\r\n"
               "\r\n[html]\r\n${accept_token}",
               &usual);

    (void)state;
    assert_string_equal(mail.subject, "s");
    assert_string_equal(mail.text, "a\r\n\r\ns\r\n");
    assert_string_equal(mail.html, "s\r\n");
}

static void test_refused(void **state)
{
    (void)state;
    assert_refused("", "[subject] is missing");
    assert_refused("[subject]\ns\n[html]\n${accept_token}\n", "[text] is missing");
    assert_refused("hello\n", "line 1: before [subject], [text] or [html] only empty lines "
                              "and lines that begin with # are allowed");
    assert_refused("[subject]\n\n[text]\n${accept_token}\n" REST,
                   "line 3: there is no text in subject");
    assert_refused("[subject]\na\nb\n[text]\n${accept_token}\n" REST,
                   "line 2: the subject has more than one line");
    assert_refused("[subject]\ns\n[subject]\n", "line 3: [subject] comes twice");
    assert_refused("[subject]\ns\n[text]\nx\n" REST,
                   "line 4: ${accept_token} is missing in text");
    assert_refused("[subject]\ns\n[text]\n\n\nx ${y}\n" REST, "line 6: unknown placeholder y");
    assert_refused("[subject]\ns\n[text]\n${}\n" REST, "line 4: unknown placeholder");
    assert_refused("[subject]\ns\n[text]\n${email\n}\n" REST, "line 4: a placeholder without }");
    assert_refused("[subject]\n${\n", "line 2: a placeholder without }");
    assert_refused("[subject]\ns${if email}x\n[text]\n" REST, "line 2: ${if} without ${end}");
    assert_refused("[subject]\n${if email}${if email}${end}${end}\n",
                   "line 2: ${if} inside another ${if}");
    assert_refused("[subject]\n${if email}${else}${else}${end}\n",
                   "line 2: there is no ${if} before else");
    assert_refused("[subject]\n${end}\n", "line 2: there is no ${if} before end");
    assert_refused("[subject]\n${if it}${end}\n", "line 2: unknown placeholder it");
    assert_refused("[subject]\n\xff\n", "it is not UTF-8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_POOL(test_the_default),    WITH_POOL(test_every_placeholder),
        WITH_POOL(test_conditions),     WITH_POOL(test_what_looks_like_a_placeholder),
        WITH_POOL(test_hostile_values), WITH_POOL(test_line_ends),
        WITH_POOL(test_refused),
    };

    return RUN("mail_template", tests);
}
