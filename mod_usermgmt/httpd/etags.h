/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_ETAGS_H
#define UM_HTTPD_ETAGS_H

/**
 * @file etags.h
 * The ETag of a 304 behind filters that compress. mod_deflate and mod_brotli add a suffix to the
 * ETag of a 200, but to that of a 304 only with some configurations. The 304 must have the ETag
 * that the client has.
 */

#include <httpd.h>

/** Register the output filter; in register_hooks. */
void um_etags_register(void);

/** Give the answer this ETag, also if filters change the one that is set, and Vary:
 *  Accept-Encoding. etag is not copied. */
void um_etags_keep(request_rec *r, const char *etag);

#endif
