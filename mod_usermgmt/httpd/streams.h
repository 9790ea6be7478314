/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_STREAMS_H
#define UM_HTTPD_STREAMS_H

/**
 * @file streams.h
 * The limit of streams that are sent at the same time (UserMgmtMaxStreams). A stream occupies its
 * worker until its client has received it, so only some of the workers may send one: in each
 * process some of its threads, or, if a process is one worker (prefork), some of the processes.
 */

#include <httpd.h>

/** If each process is one worker, make the file that they share; in post_config. A failure is
 *  logged. */
apr_status_t um_streams_init(server_rec *server);

/** In a child process, before it serves. */
void um_streams_init_child(server_rec *server);

/** Take a place for a stream. Returns 0 if all are taken. The place is given back when the
 *  request's pool ends, or before. */
int um_streams_begin(request_rec *r);

/** Give the place of a request's stream back. */
void um_streams_end(request_rec *r);

#endif
