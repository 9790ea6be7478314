/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_KEY_WIPE_H
#define UM_HTTPD_KEY_WIPE_H

/**
 * @file key_wipe.h
 * Overwrites the lines "Authorization: …" of requests in httpd's input buffers, as soon as httpd
 * has copied them. These buffers are used again without being overwritten, so the key would be
 * found in the memory of a process that does nothing, or in a core dump.
 *
 * It sees lines of HTTP/1. The headers of HTTP/2 are decoded by mod_http2, and have copies in its
 * memory.
 */

#include <httpd.h>

/** Register the input filter; in register_hooks. */
void um_key_wipe_register(void);

/** Insert the filter if keys are accepted somewhere: pre_connection. */
int um_key_wipe_connection(conn_rec *c, void *socket);

#endif
