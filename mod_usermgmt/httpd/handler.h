/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_HANDLER_H
#define UM_HTTPD_HANDLER_H

/** @file handler.h The hooks that a request goes through. */

#include <httpd.h>

/** Note when a connection began: pre_connection. */
int um_handler_note_connection(conn_rec *c, void *socket);

/** Note when the header of a request was read: post_read_request. */
int um_handler_note_header(request_rec *r);

/** In a Location of this module, stop httpd from looking for a file: translate_name. */
int um_handler_translate_name(request_rec *r);
/** The same: map_to_storage. */
int um_handler_map_to_storage(request_rec *r);

/** Answer a request: handler. */
int um_handler_handle(request_rec *r);

/** The part of a request's path after the base. If the path does not start with the base (an
 *  internal redirect from elsewhere), a text that matches no route. */
const char *um_handler_path(const request_rec *r);

/** The time since a request's header was read. */
apr_interval_time_t um_handler_age(const request_rec *r);

#endif
