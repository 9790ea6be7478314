/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file cursor.c Cursors of SCIM, see cursor.h. */

#include "cursor.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/digest.h"
#include "../base/status.h"
#include "../rest/cursor.h"

/* It is a cursor of rest/cursor.h, whose list is: this, the part, the time when it expires, and
 * the signature. */
#define KIND "scim"

/* The length of each part is in the digest before it, so nobody can go on with the digest of a
 * longer text without the secret. */
static apr_status_t sign(char hex[UM_SHA256_HEX_LENGTH + 1], const um_scim_cursor_seal_t *seal,
                         const char *of, const um_cursor_t *at)
{
    const um_digest_part_t parts[] = {
        { KIND, strlen(KIND) },
        { seal->secret, seal->length },
        { of, strlen(of) },
        { at->key, strlen(at->key) },
        { at->value, strlen(at->value) },
        { seal->query, strlen(seal->query) },
    };

    return um_digest_sha256(hex, parts, sizeof(parts) / sizeof(parts[0]));
}

const char *um_scim_cursor_write(const um_scim_cursor_seal_t *seal, int part,
                                 const um_cursor_t *at, apr_int64_t now, apr_pool_t *pool)
{
    const char *of = apr_psprintf(pool, KIND ":%d:%" APR_INT64_T_FMT, part,
                                  now + UM_SCIM_CURSOR_SECONDS * 1000);
    char hex[UM_SHA256_HEX_LENGTH + 1];

    if (sign(hex, seal, of, at) != APR_SUCCESS) {
        return NULL;
    }
    return um_cursor_write(apr_pstrcat(pool, of, ":", hex, NULL), at, pool);
}

apr_status_t um_scim_cursor_read(int *part, um_cursor_t *at, const um_scim_cursor_seal_t *seal,
                                 const char *text, apr_int64_t now, apr_pool_t *pool)
{
    const char *list = NULL;
    char hex[UM_SHA256_HEX_LENGTH + 1];
    char *of;
    char *signature;
    const char *expires;

    if (!um_cursor_read(&list, at, text, pool)
        || strncmp(list, KIND ":", strlen(KIND) + 1) != 0) {
        return UM_EINVALID;
    }
    of = apr_pstrdup(pool, list);
    signature = strrchr(of, ':');
    *signature++ = '\0';
    if (strlen(signature) != UM_SHA256_HEX_LENGTH || sign(hex, seal, of, at) != APR_SUCCESS
        || !um_digest_equal(hex, signature)) {
        return UM_EINVALID;
    }
    /* From here on it is a text that this server has written. */
    *part = (int)apr_strtoi64(of + strlen(KIND) + 1, NULL, 10);
    expires = strrchr(of, ':') + 1;
    return apr_strtoi64(expires, NULL, 10) > now ? APR_SUCCESS : APR_TIMEUP;
}
