/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_REST_CURSOR_H
#define UM_REST_CURSOR_H

/**
 * @file cursor.h
 * Cursors as clients see them. One holds the value of the column that a list is ordered by
 * beside the key, so that it is still a place in the list when its row has got another value
 * or is gone. It is no secret, and gives no rights: it is only read for the caller's own
 * organization.
 */

#include <apr_pools.h>

#include "../db/list_sql.h"

/** Tell whether a text claims to be a cursor, and not a key: no key begins as it does. */
int um_cursor_is_one(const char *text);

/**
 * Write a cursor, in RFC 3986's unreserved characters.
 * @param of the names of its list and order: a text without a blank
 */
const char *um_cursor_write(const char *of, const um_cursor_t *cursor, apr_pool_t *pool);

/**
 * Read the text of um_cursor_write(). The key keeps the rules of um_rules_check_uid(), and the
 * value is UTF-8 without a NUL.
 * @return non-zero if the text is an undamaged cursor
 */
int um_cursor_read(const char **of, um_cursor_t *cursor, const char *text, apr_pool_t *pool);

/** The key that is next to a key in the order of bytes, upwards or downwards: no key can be
 * between them. NULL if there is none. */
const char *um_cursor_key_beside(const char *key, int upwards, apr_pool_t *pool);

/** The same for an address's key, but this text is never an address's key. */
const char *um_cursor_email_beside(const char *email_key, int upwards, apr_pool_t *pool);

#endif
