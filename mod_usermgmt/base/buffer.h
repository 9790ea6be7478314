/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_BUFFER_H
#define UM_BASE_BUFFER_H

/**
 * @file buffer.h
 * A text that grows at its end, in a pool. It is always NUL-terminated.
 */

#include <apr_pools.h>

typedef struct um_buffer_t {
    char *data;
    /** Bytes in use, without the NUL. */
    apr_size_t length;
    apr_size_t capacity;
    apr_pool_t *pool;
} um_buffer_t;

/** Make buffer an empty text with room for capacity bytes, taken from pool. */
void um_buffer_init(um_buffer_t *buffer, apr_size_t capacity, apr_pool_t *pool);

/** Make room for more bytes after the text, and return where they begin. */
char *um_buffer_reserve(um_buffer_t *buffer, apr_size_t more);

/** Append length bytes. */
void um_buffer_append(um_buffer_t *buffer, const char *bytes, apr_size_t length);

/** Append a NUL-terminated text. */
void um_buffer_puts(um_buffer_t *buffer, const char *text);

/** Append one byte. */
void um_buffer_putc(um_buffer_t *buffer, char c);

/** Append an integer in decimal. */
void um_buffer_put_int(um_buffer_t *buffer, apr_int64_t number);

#endif
