/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_STREAMS_H
#define UM_HTTPD_STREAMS_H

/**
 * @file streams.h
 * How many streams are sent at once (UserMgmtMaxStreams). A stream keeps its worker for as
 * long as its client takes, so that only some of the workers may send one: in each process
 * some of its threads, or, where a process is one worker (prefork), some of the processes.
 */

#include <httpd.h>

/** Make what the processes share, where each is one worker; in post_config. Logged where it
 *  fails. */
apr_status_t um_streams_init(server_rec *server);

/** In a child process, before it serves. */
void um_streams_init_child(server_rec *server);

/** Take a place for a stream. Returns 0 where all are taken. It is given back with the
 *  request's pool at the latest. */
int um_streams_begin(request_rec *r);

/** Give the place of a request's stream back. */
void um_streams_end(request_rec *r);

#endif
