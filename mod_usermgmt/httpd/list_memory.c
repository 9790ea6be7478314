/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file list_memory.c What processes know about lists, see list_memory.h. */

#include "list_memory.h"

#include <apr_shm.h>

#include "log.h"
#include "module.h"
#include "runtime.h"

/* Change this name whenever the layout of the table changes, because a graceful restart may load
 * a newer module. */
#define RETAINED_KEY "usermgmt-lists-1"

/* It survives a graceful restart. */
typedef struct um_shared_lists_t {
    apr_shm_t *shm;
} um_shared_lists_t;

static um_list_places_t *places;

apr_status_t um_list_memory_init(server_rec *server)
{
    um_shared_lists_t *shared = ap_retained_data_get(RETAINED_KEY);
    apr_status_t status = APR_SUCCESS;

    if (shared == NULL || shared->shm == NULL) {
        shared = shared != NULL ? shared : ap_retained_data_create(RETAINED_KEY, sizeof(*shared));
        /* Memory without a name is all zero, and is freed with the last process. Pages that are
         * never written take no memory, so a server without SCIM pays for one. */
        status = apr_shm_create(&shared->shm, um_list_places_size(), NULL, server->process->pool);
        if (status == APR_SUCCESS) {
            status = um_list_places_init(apr_shm_baseaddr_get(shared->shm), &um_runtime_random);
        }
    }
    if (status != APR_SUCCESS) {
        shared->shm = NULL;
        um_log_server(server, LISTS_NO_MEMORY, status);
        return status;
    }
    places = apr_shm_baseaddr_get(shared->shm);
    return APR_SUCCESS;
}

um_list_places_t *um_list_memory_places(void)
{
    return places;
}
