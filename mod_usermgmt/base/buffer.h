/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_BUFFER_H
#define UM_BASE_BUFFER_H

/**
 * @file buffer.h
 * A text that grows at its end, in a pool. It is always NUL-terminated.
 */

#include <string.h>

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

/** Make the buffer larger, so that it has room for more bytes after the text. */
void um_buffer_grow(um_buffer_t *buffer, apr_size_t more);

/* Those that are called for each member of each row of a page are inline. */

/** Make room for more bytes after the text, and return where they begin. */
static inline char *um_buffer_reserve(um_buffer_t *buffer, apr_size_t more)
{
    if (more > buffer->capacity - buffer->length) {
        um_buffer_grow(buffer, more);
    }
    return buffer->data + buffer->length;
}

/** Append length bytes. */
static inline void um_buffer_append(um_buffer_t *buffer, const char *bytes, apr_size_t length)
{
    char *end = um_buffer_reserve(buffer, length);

    memcpy(end, bytes, length);
    end[length] = '\0';
    buffer->length += length;
}

/** Append a NUL-terminated text. */
void um_buffer_puts(um_buffer_t *buffer, const char *text);

/** Append one byte. */
static inline void um_buffer_putc(um_buffer_t *buffer, char c)
{
    char *end = um_buffer_reserve(buffer, 1);

    end[0] = c;
    end[1] = '\0';
    buffer->length++;
}

/** Append an integer in decimal. */
void um_buffer_put_int(um_buffer_t *buffer, apr_int64_t number);

#endif
