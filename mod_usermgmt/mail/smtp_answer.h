/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_MAIL_SMTP_ANSWER_H
#define UM_MAIL_SMTP_ANSWER_H

/**
 * @file smtp_answer.h
 * An SMTP server's answer to a command (RFC 5321), put together from its lines.
 */

#include <apr.h>

/** Bytes of the text that is kept; what is longer ends in "...". */
#define UM_SMTP_ANSWER_MAX 800

/** It must begin as { 0 }. */
typedef struct um_smtp_answer_t {
    /** 200 to 599; 0 as long as there is no answer. */
    int code;
    /** The second and third number of the enhanced status code, 7 and 1 of 5.7.1 (RFC 3463); 0
     *  where there is none. */
    int subject;
    int detail;
    /** Non-zero once the last line was added. */
    int is_whole;
    /** One line of ASCII: the code, and the text of all lines. */
    char text[UM_SMTP_ANSWER_MAX + 1];
    apr_size_t length;
} um_smtp_answer_t;

/**
 * Add one line of an answer. A line after a whole answer begins another answer.
 * @return 0 if it is no line of an answer; then nothing is changed
 */
int um_smtp_answer_add(um_smtp_answer_t *answer, const char *line, apr_size_t size);

/** Tell whether an answer to RCPT refuses the sender and not this recipient: because of the name
 *  in EHLO, for example, or because the sender has no right to send. The operator of one of the
 *  two servers can correct that. */
int um_smtp_answer_is_about_sender(const um_smtp_answer_t *answer);

#endif
