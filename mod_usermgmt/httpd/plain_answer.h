/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_PLAIN_ANSWER_H
#define UM_HTTPD_PLAIN_ANSWER_H

/** @file plain_answer.h Answers of the handlers beside the API: a text, made anew each time. */

#include <httpd.h>

#include "../base/buffer.h"

/** Tell whether a request's method is GET or HEAD. If not, the answer's Allow is set, and the
 *  handler returns HTTP_METHOD_NOT_ALLOWED. */
int um_plain_answer_allows(request_rec *r);

/** Send a text, which no cache keeps, and return OK. A HEAD gets the header alone. */
int um_plain_answer_send(request_rec *r, int status, const char *type, const um_buffer_t *text);

#endif
