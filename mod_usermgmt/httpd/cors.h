/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_CORS_H
#define UM_HTTPD_CORS_H

/**
 * @file cors.h
 * Cross-origin resource sharing (the Fetch standard) for the origins of
 * UserMgmtAllowOrigin: their pages may read answers, and browsers' preflights
 * are answered without a login, since browsers send none with them.
 */

#include <httpd.h>

/** Set the headers that let a page read the answer, where it is this module's or an error of
 *  httpd in its place. */
void um_cors_set_headers(request_rec *r);

/** Let a preflight of an allowed origin pass without a login: access_checker_ex. */
int um_cors_admit_preflight(request_rec *r);

/**
 * Answer a preflight of an allowed origin: handler. It must be the first: a request that
 * passed without a login and that is another handler's by now (RewriteRule with [P] or [H]) is
 * refused here. The answer is the same for every path of the API, so that it tells nothing.
 */
int um_cors_answer_preflight(request_rec *r);

#endif
