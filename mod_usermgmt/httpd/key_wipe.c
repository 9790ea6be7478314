/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file key_wipe.c Overwrites Authorization in input buffers, see key_wipe.h. */

#include "key_wipe.h"

#include <stddef.h>
#include <string.h>

#include <apr_buckets.h>
#include <util_filter.h>

#include "../base/digest.h"
#include "key_memory.h"

#define FILTER_NAME "USERMGMT_KEY_WIPE"
#define HEADER "authorization:"

/* What a connection is reading. */
typedef struct um_wipe_t {
    /* The last piece did not end its line. */
    int is_continued;
    /* This line is to be overwritten. */
    int is_secret;
} um_wipe_t;

/* A copy of a piece. */
typedef struct um_copy_t {
    apr_size_t length;
    char bytes[];
} um_copy_t;

static ap_filter_rec_t *handle;

/* The copy is overwritten when its bucket is destroyed. */
static void free_copy(void *bytes)
{
    um_copy_t *copy = (void *)((char *)bytes - offsetof(um_copy_t, bytes));

    um_digest_wipe(copy->bytes, copy->length);
    apr_bucket_free(copy);
}

/* Let a bucket have a copy of its bytes, and overwrite the bytes. Returns the bucket with the
 * copy. */
static apr_bucket *replace(apr_bucket *bucket, const char *bytes, apr_size_t length)
{
    um_copy_t *copy = apr_bucket_alloc(sizeof(*copy) + length, bucket->list);
    apr_bucket *replacement;

    copy->length = length;
    memcpy(copy->bytes, bytes, length);
    replacement = apr_bucket_heap_create(copy->bytes, length, free_copy, bucket->list);
    APR_BUCKET_INSERT_BEFORE(bucket, replacement);
    /* The buffer is httpd's, which has filled it. No other bucket has these bytes. */
    um_digest_wipe((char *)bytes, length);
    apr_bucket_delete(bucket);
    return replacement;
}

/* Can a line begin with the header, of which only a piece may be here? */
static int begins_secret(const char *bytes, apr_size_t length)
{
    apr_size_t count = sizeof(HEADER) - 1;

    return ap_cstr_casecmpn(bytes, HEADER, length < count ? length : count) == 0;
}

static void look_at(um_wipe_t *wipe, apr_bucket_brigade *brigade)
{
    apr_bucket *bucket;

    for (bucket = APR_BRIGADE_FIRST(brigade); bucket != APR_BRIGADE_SENTINEL(brigade);
         bucket = APR_BUCKET_NEXT(bucket)) {
        const char *bytes;
        apr_size_t length;

        /* A buffer that is filled again is the memory of a heap or transient bucket. */
        if ((!APR_BUCKET_IS_HEAP(bucket) && !APR_BUCKET_IS_TRANSIENT(bucket))
            || apr_bucket_read(bucket, &bytes, &length, APR_BLOCK_READ) != APR_SUCCESS
            || length == 0) {
            continue;
        }
        if (!wipe->is_continued) {
            wipe->is_secret = begins_secret(bytes, length);
        }
        wipe->is_continued = bytes[length - 1] != '\n';
        if (wipe->is_secret) {
            bucket = replace(bucket, bytes, length);
        }
    }
}

static apr_status_t filter_line(ap_filter_t *filter, apr_bucket_brigade *brigade,
                                ap_input_mode_t mode, apr_read_type_e block, apr_off_t bytes)
{
    apr_status_t status = ap_get_brigade(filter->next, brigade, mode, block, bytes);

    if (mode == AP_MODE_GETLINE && status == APR_SUCCESS) {
        look_at(filter->ctx, brigade);
    }
    return status;
}

void um_key_wipe_register(void)
{
    /* Above TLS. */
    handle = ap_register_input_filter(FILTER_NAME, filter_line, NULL, AP_FTYPE_CONNECTION);
}

int um_key_wipe_connection(conn_rec *c, void *socket)
{
    (void)socket;
    if (um_key_memory_is_used()) {
        ap_add_input_filter_handle(handle, apr_pcalloc(c->pool, sizeof(um_wipe_t)), NULL, c);
    }
    return OK;
}
