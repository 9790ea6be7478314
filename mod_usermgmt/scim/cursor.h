/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_CURSOR_H
#define UM_SCIM_CURSOR_H

/**
 * @file cursor.h
 * Cursors of SCIM (RFC 9865). One is a place in a list, with the time when it expires, and is
 * signed together with the query that it belongs to. The server keeps nothing of it.
 */

#include "../db/list.h"

/** Cursors are accepted for so many seconds. */
#define UM_SCIM_CURSOR_SECONDS 3600

/** What a cursor is signed with. */
typedef struct um_scim_cursor_seal_t {
    const void *secret;
    apr_size_t length;
    /** Everything in which lists differ: their organization, their filter and their order. */
    const char *query;
} um_scim_cursor_seal_t;

/**
 * Write a cursor, in RFC 3986's unreserved characters.
 * @param part which one of the lists that the query is of, counted from 0
 * @param at   the last entry that the client has got
 * @param now  milliseconds since 1970
 * @return NULL if the digest can't be made
 */
const char *um_scim_cursor_write(const um_scim_cursor_seal_t *seal, int part,
                                 const um_cursor_t *at, apr_int64_t now, apr_pool_t *pool);

/**
 * Read the text of um_scim_cursor_write().
 * @return APR_SUCCESS; UM_EINVALID if it was changed, or is one of another query; APR_TIMEUP if
 * it has expired
 */
apr_status_t um_scim_cursor_read(int *part, um_cursor_t *at, const um_scim_cursor_seal_t *seal,
                                 const char *text, apr_int64_t now, apr_pool_t *pool);

#endif
