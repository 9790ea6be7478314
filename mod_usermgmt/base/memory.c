/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file memory.c Pools for large data, see memory.h. */

#include "memory.h"

#include <apr_allocator.h>
#include <apr_thread_mutex.h>

/* Freed memory that is kept: some pages, so that common requests need no system call. */
#define KEPT_BYTES 8388608

/* Set once before there are threads. If NULL, a pool uses the allocator of its parent. */
static apr_allocator_t *shared;

apr_status_t um_memory_init(void)
{
    apr_allocator_t *allocator = NULL;
    apr_thread_mutex_t *mutex = NULL;
    apr_pool_t *pool = NULL;
    apr_status_t status;

    /* Never destroyed, because connections may live a little longer than httpd's pools. */
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
