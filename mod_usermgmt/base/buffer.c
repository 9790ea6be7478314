/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file buffer.c A text that grows, see buffer.h. */

#include "buffer.h"

#include <stdlib.h>
#include <string.h>

/* Sign and digits of the longest number. */
#define INT_LENGTH_MAX 20

void um_buffer_init(um_buffer_t *buffer, apr_size_t capacity, apr_pool_t *pool)
{
    buffer->data = apr_palloc(pool, capacity + 1);
    buffer->data[0] = '\0';
    buffer->length = 0;
    buffer->capacity = capacity;
    buffer->pool = pool;
}

/* The old text stays in the pool, so a part of the text can be appended to itself. */
void um_buffer_grow(um_buffer_t *buffer, apr_size_t more)
{
    apr_size_t capacity = buffer->length + more;
    char *data;

    if (capacity < buffer->length || capacity > APR_SIZE_MAX / 2) {
        /* There is no memory for so much: end as a pool does. */
        abort();
    }
    if (capacity < buffer->capacity * 2) {
        capacity = buffer->capacity * 2;
    }
    data = apr_palloc(buffer->pool, capacity + 1);
    memcpy(data, buffer->data, buffer->length + 1);
    buffer->data = data;
    buffer->capacity = capacity;
}

void um_buffer_puts(um_buffer_t *buffer, const char *text)
{
    um_buffer_append(buffer, text, strlen(text));
}

void um_buffer_put_int(um_buffer_t *buffer, apr_int64_t number)
{
    char digits[INT_LENGTH_MAX];
    char *first = digits + INT_LENGTH_MAX;
    /* The smallest number has no positive counterpart in its own type. */
    apr_uint64_t rest = number < 0 ? 0 - (apr_uint64_t)number : (apr_uint64_t)number;

    do {
        *--first = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0) {
        *--first = '-';
    }
    um_buffer_append(buffer, first, (apr_size_t)(digits + INT_LENGTH_MAX - first));
}
