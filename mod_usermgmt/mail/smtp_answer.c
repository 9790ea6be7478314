/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file smtp_answer.c Answers of SMTP servers, see smtp_answer.h. */

#include "smtp_answer.h"

#include <string.h>

#include <apr_lib.h>

/* The longest number in an enhanced status code. */
#define DIGITS_MAX 3

static const char blank[] = " ";
static const char cut[] = "...";

static int read_code(const char *line, apr_size_t size)
{
    if (size < 4 || !apr_isdigit(line[0]) || !apr_isdigit(line[1]) || !apr_isdigit(line[2])) {
        return 0;
    }
    return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

/* A number of at most three digits; *at is set behind it. Returns -1 if there is none. */
static int read_number(const char **at, const char *end)
{
    const char *begin = *at;
    int number = 0;

    for (; *at < end && apr_isdigit(**at) && *at - begin < DIGITS_MAX; ++*at) {
        number = number * 10 + (**at - '0');
    }
    return *at > begin ? number : -1;
}

/* Read a code like 5.7.1 and the blanks that follow. Returns where the text continues; that is
 * its beginning if there is no code. */
static const char *read_status(int *subject, int *detail, const char *text, const char *end)
{
    const char *at = text + 2;

    if (end - text < 5 || !apr_isdigit(text[0]) || text[1] != '.') {
        return text;
    }
    *subject = read_number(&at, end);
    if (*subject == -1 || at == end || *at++ != '.') {
        return text;
    }
    *detail = read_number(&at, end);
    if (*detail == -1 || (at < end && *at != ' ')) {
        return text;
    }
    while (at < end && *at == ' ') {
        at++;
    }
    return at;
}

/* Control characters and what is not ASCII become question marks. */
static void put(um_smtp_answer_t *answer, const char *text, const char *end)
{
    for (; text < end && answer->length < UM_SMTP_ANSWER_MAX; text++) {
        answer->text[answer->length++] = *text >= 0x20 && *text <= 0x7e ? *text : '?';
    }
    answer->text[answer->length] = '\0';
    if (text < end) {
        memcpy(answer->text + UM_SMTP_ANSWER_MAX - strlen(cut), cut, sizeof(cut));
    }
}

/* Each line begins with both codes. They are kept once. */
static void add_text(um_smtp_answer_t *answer, const char *line, const char *end)
{
    int subject = 0;
    int detail = 0;
    int is_first = answer->length == 0;
    const char *text = line + 4 < end ? line + 4 : end;
    const char *rest = read_status(&subject, &detail, text, end);

    if (is_first) {
        put(answer, line, line + 3);
    }
    if (rest > text && (is_first || subject != answer->subject || detail != answer->detail)) {
        answer->subject = subject;
        answer->detail = detail;
    } else {
        text = rest;
    }
    if (text < end) {
        put(answer, blank, blank + 1);
        put(answer, text, end);
    }
}

int um_smtp_answer_add(um_smtp_answer_t *answer, const char *line, apr_size_t size)
{
    int code = read_code(line, size);
    const char *end = line + size;

    if (code == 0) {
        return 0;
    }
    if (answer->is_whole) {
        memset(answer, 0, sizeof(*answer));
    }
    answer->code = code;
    answer->is_whole = line[3] != '-';
    while (end > line + 3 && apr_isspace(end[-1])) {
        end--;
    }
    add_text(answer, line, end);
    return 1;
}

int um_smtp_answer_is_about_sender(const um_smtp_answer_t *answer)
{
    int is_of_sender = answer->subject == 1 && (answer->detail == 7 || answer->detail == 8);

    /* 500 to 509: a command, or a name in one, that the server does not understand or
     * like. 5.5.Y and 5.7.Y: the dialogue, and the right to send. */
    return (answer->code >= 500 && answer->code <= 509) || answer->code == 530
           || (answer->code >= 500
               && (answer->subject == 5 || answer->subject == 7 || is_of_sender));
}
