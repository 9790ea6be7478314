/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_RANDOM_H
#define UM_BASE_RANDOM_H

/**
 * @file random.h
 * A source of random bytes.
 */

#include <apr_errno.h>

/** Fills length bytes with random ones from the operating system. */
typedef apr_status_t um_random_fn_t(unsigned char *bytes, apr_size_t length, void *baton);

typedef struct um_random_t {
    um_random_fn_t *fill;
    void *baton;
} um_random_t;

#endif
