/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file memory.c Pools for what is large, see memory.h. */

#include "memory.h"

#include <apr_allocator.h>
#include <apr_thread_mutex.h>

/* What is kept for the next: some pages, so that common requests need no system call. */
#define KEPT_BYTES 8388608

/* Written once before there are threads. NULL: that of each pool's parent. */
static apr_allocator_t *shared;

apr_status_t um_memory_init(void)
{
    apr_allocator_t *allocator = NULL;
    apr_thread_mutex_t *mutex = NULL;
    apr_pool_t *pool = NULL;
    apr_status_t status;

    /* Never destroyed: connections may outlive any pool of httpd's by a moment. */
    status = apr_pool_create_unmanaged(&pool);
    if (status == APR_SUCCESS) {
        status = apr_thread_mutex_create(&mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    }
    if (status == APR_SUCCESS) {
        status = apr_allocator_create(&allocator);
    }
    if (status == APR_SUCCESS) {
        apr_allocator_mutex_set(allocator, mutex);
        apr_allocator_max_free_set(allocator, KEPT_BYTES);
        shared = allocator;
    }
    return status;
}

void um_memory_pool(apr_pool_t **pool, apr_pool_t *parent)
{
    apr_pool_create_ex(pool, parent, NULL, shared);
}
