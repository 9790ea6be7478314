/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_LIST_PLACES_H
#define UM_CORE_LIST_PLACES_H

/**
 * @file list_places.h
 * Where lists continue, in memory that all processes of a server share. A client that reads a
 * list by number asks for the entries from 101, then from 201. This table remembers the last
 * entry of each page, so that the next page begins after it, and the database does not count
 * rows from the beginning.
 *
 * No lock is taken, and no process can leave the table in a state that another one can't use. It
 * has a fixed size: new places overwrite the oldest ones.
 */

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_time.h>

#include "../base/random.h"
#include "../db/list.h"

/** So long a place is remembered; and so long after its last page a client is taken to read on,
 *  even though the list has changed meanwhile. */
#define UM_LIST_PLACES_TIME apr_time_from_sec(3600)
#define UM_LIST_PLACES_READING apr_time_from_sec(300)

/** The table; it has no pointers. */
typedef struct um_list_places_t um_list_places_t;

/** A place in a list. */
typedef struct um_list_place_t {
    /** um_list_places_name() of the list. */
    apr_uint64_t list;
    /** So many entries are up to it. */
    apr_int64_t index;
    /** So many entries the list had then. */
    apr_int64_t total;
    /** The last of these entries. */
    um_cursor_t at;
} um_list_place_t;

/** The bytes of memory that a table takes. */
apr_size_t um_list_places_size(void);

/**
 * Make memory, all zero, an empty table.
 * @param random for the secret, and for the key of the hashes, so that nobody can make two lists
 *               that have the same name
 * @return APR_SUCCESS, or the error of the source of random bytes
 */
apr_status_t um_list_places_init(um_list_places_t *places, const um_random_t *random);

/** So many bytes the secret of a table has. */
#define UM_LIST_PLACES_SECRET 32

/** Random bytes that last as long as the table, and that no client knows. */
const unsigned char *um_list_places_secret(const um_list_places_t *places);

/** The name of a list in the table. text tells everything in which lists differ: who reads them,
 *  their organization, their conditions and their order. */
apr_uint64_t um_list_places_name(const um_list_places_t *places, const char *text);

/** Remember a place. If its texts are too long, nothing is remembered.
 *  @param now by um_ticks() */
void um_list_places_put(um_list_places_t *places, const um_list_place_t *place, apr_time_t now);

/**
 * Find the last known place of a list up to an index. A place holds as long as the list has as
 * many entries. A place at the index itself holds a few minutes longer: a client that reads page
 * after page then misses no entry and gets none twice, whatever is added or removed meanwhile.
 *
 * @param found its texts are in pool
 * @param list  um_list_places_name() of the list
 * @param index the index wanted
 * @param total so many entries the list has now
 * @param now   by um_ticks()
 * @return non-zero if there is one
 */
int um_list_places_get(um_list_place_t *found, const um_list_places_t *places, apr_uint64_t list,
                       apr_int64_t index, apr_int64_t total, apr_time_t now, apr_pool_t *pool);

#endif
