/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_LOCK_H
#define UM_BASE_LOCK_H

/**
 * @file lock.h
 * A lock between processes. If its functions are NULL, it locks nothing.
 */

#include <apr_errno.h>

typedef struct um_lock_t {
    /** Must not wait without limit. */
    apr_status_t (*enter)(void *baton);
    void (*leave)(void *baton);
    void *baton;
} um_lock_t;

#endif
