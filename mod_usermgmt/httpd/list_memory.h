/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_LIST_MEMORY_H
#define UM_HTTPD_LIST_MEMORY_H

/**
 * @file list_memory.h
 * What all processes of the server know about lists that clients read by number.
 */

#include <httpd.h>

#include "../core/list_places.h"

/** Make the memory; in post_config. A failure is logged. It lasts until httpd stops, also over
 *  graceful restarts. */
apr_status_t um_list_memory_init(server_rec *server);

/** The table of places. */
um_list_places_t *um_list_memory_places(void);

#endif
