/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_ETAGS_H
#define UM_HTTPD_ETAGS_H

/**
 * @file etags.h
 * The ETag of a 304 behind filters that compress. mod_deflate and mod_brotli give the ETag of
 * a 200 a suffix, that of a 304 only by some configurations. The client must find the ETag
 * there that it has.
 */

#include <httpd.h>

/** Register the output filter; in register_hooks. */
void um_etags_register(void);

/** Have the answer carry this ETag, whatever the filters of the request make of the one that
 *  is set; and Vary: Accept-Encoding. etag is not copied. */
void um_etags_keep(request_rec *r, const char *etag);

#endif
