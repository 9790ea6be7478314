/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file refusals.c Refused records, see refusals.h. */

#include "refusals.h"

#include <apr_strings.h>

/* How many kinds of errors are counted. It is limited, because each record of a file may have
 * a new kind. */
#define KINDS_MAX 1000

typedef struct um_refusal_t {
    const char *errors;
    apr_int64_t count;
} um_refusal_t;

void um_refusals_init(um_refusals_t *refusals, int tells_all, apr_pool_t *pool)
{
    refusals->pool = pool;
    refusals->tells_all = tells_all;
    refusals->by_errors = apr_hash_make(pool);
    refusals->kinds = apr_array_make(pool, 16, sizeof(um_refusal_t *));
}

/* How many records had these errors so far, with this one; 0 if they are not counted. */
static apr_int64_t count(um_refusals_t *refusals, const char *errors)
{
    um_refusal_t *kind = apr_hash_get(refusals->by_errors, errors, APR_HASH_KEY_STRING);

    if (kind == NULL && refusals->kinds->nelts == KINDS_MAX) {
        return 0;
    }
    if (kind == NULL) {
        kind = apr_pcalloc(refusals->pool, sizeof(*kind));
        kind->errors = apr_pstrdup(refusals->pool, errors);
        apr_hash_set(refusals->by_errors, kind->errors, APR_HASH_KEY_STRING, kind);
        APR_ARRAY_PUSH(refusals->kinds, um_refusal_t *) = kind;
    }
    return ++kind->count;
}

void um_refusals_put(um_buffer_t *text, um_refusals_t *refusals, apr_int64_t line,
                     const um_faults_t *faults)
{
    um_buffer_t errors;

    um_buffer_init(&errors, 256, faults->pool);
    um_faults_put(&errors, faults->list);
    if (refusals->tells_all || count(refusals, errors.data) <= UM_REFUSALS_EQUAL_MAX) {
        um_buffer_putc(text, '{');
        um_json_put_member_int(text, "line", line);
        um_json_put_member_json(text, "errors", errors.data);
        um_buffer_puts(text, "}\n");
    }
}

void um_refusals_put_rest(um_buffer_t *text, const um_refusals_t *refusals)
{
    for (int i = 0; i < refusals->kinds->nelts; i++) {
        const um_refusal_t *kind = APR_ARRAY_IDX(refusals->kinds, i, const um_refusal_t *);

        if (kind->count > UM_REFUSALS_EQUAL_MAX) {
            um_buffer_putc(text, '{');
            um_json_put_member_int(text, "more", kind->count - UM_REFUSALS_EQUAL_MAX);
            um_json_put_member_json(text, "errors", kind->errors);
            um_buffer_puts(text, "}\n");
        }
    }
}
