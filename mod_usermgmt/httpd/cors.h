/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_CORS_H
#define UM_HTTPD_CORS_H

/**
 * @file cors.h
 * Cross-origin resource sharing (the Fetch standard) for the origins of UserMgmtAllowOrigin.
 * Their pages may read answers. Preflights of browsers are answered without a login, because
 * browsers send none with them.
 */

#include <httpd.h>

/** Set the headers that allow a page to read the answer, if it is this module's answer, or an
 *  error of httpd in its place. */
void um_cors_set_headers(request_rec *r);

/** Let a preflight of an allowed origin pass without a login: access_checker_ex. */
int um_cors_admit_preflight(request_rec *r);

/**
 * Answer a preflight of an allowed origin: handler. It must be the first handler. If a request
 * that passed without a login now belongs to another handler (RewriteRule with [P] or [H]), it
 * is refused here. The answer is the same for every path of the API, so that nothing can be
 * learned from it.
 */
int um_cors_answer_preflight(request_rec *r);

#endif
