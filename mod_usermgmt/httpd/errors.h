/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_ERRORS_H
#define UM_HTTPD_ERRORS_H

/** @file errors.h Turns errors that httpd itself makes into problems. */

#include <httpd.h>

/** Register the output filter. */
void um_errors_register(void);

/** If the request belongs to this module, stop ErrorDocument from replacing a problem:
 *  header_parser. */
void um_errors_drop_documents(request_rec *r);

/** If a fixup gave the request to another handler, let ErrorDocument apply again: fixups, after
 *  all others. */
int um_errors_restore_documents(request_rec *r);

/** If the request belongs to this module, insert the filter: insert_error_filter. */
void um_errors_insert_filter(request_rec *r);

#endif
