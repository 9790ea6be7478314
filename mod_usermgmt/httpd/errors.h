/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_ERRORS_H
#define UM_HTTPD_ERRORS_H

/** @file errors.h Errors that httpd itself makes, as problems. */

#include <httpd.h>

/** Register the output filter. */
void um_errors_register(void);

/** Where the request is this module's, have no ErrorDocument take the place of a problem:
 *  header_parser. */
void um_errors_drop_documents(request_rec *r);

/** Let ErrorDocument hold again where a fixup gave the request to another handler: fixups,
 *  after all others. */
int um_errors_restore_documents(request_rec *r);

/** Insert the filter where the request is this module's: insert_error_filter. */
void um_errors_insert_filter(request_rec *r);

#endif
