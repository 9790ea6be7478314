/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CLI_PLACE_H
#define UM_CLI_PLACE_H

/**
 * @file place.h
 * Where a path leads. A link of another user is never followed, because its owner chooses where
 * it leads. Each part of the path is opened in the folder before it, and what is checked is what
 * was opened. So it does not matter which files another user exchanges meanwhile.
 */

#include <sys/stat.h>

#include <apr_pools.h>

typedef struct um_place_t {
    /** The folder, open; -1 for none. */
    int folder;
    /** The name in this folder. Empty if the path ends with a slash. */
    const char *name;
    /** The file of this name. It keeps the inode, but can't be read or written; -1 if there is no
     *  such file. */
    int entry;
    /** The state of the file. If that is a link of procfs, the state of its target. */
    struct stat info;
    /** How many links were followed on the way to the folder and to the file. */
    int links;
    /** Whether the last part of the path itself is a link. */
    int is_link;
    /** Whether the file is a link of procfs, such as that behind /dev/stdout. Its text is no
     *  path, so only the kernel can follow it. */
    int is_of_process;
} um_place_t;

/** Find the place of a path. Returns NULL, or the reason why it can't be used; then nothing is
 *  open. */
const char *um_place_find(um_place_t *place, const char *path, apr_pool_t *pool);

/** Open the file for writing, as it is: a regular file, a device or a pipe. Returns a
 *  descriptor, or -1 with errno: ESTALE if another file has got the name meanwhile. */
int um_place_open(const um_place_t *place);

/** Close all that is open. */
void um_place_close(um_place_t *place);

/** Tell whether two are the same file. */
int um_place_is_same(const struct stat *a, const struct stat *b);

/** Tell whether a file belongs to somebody other than root and the caller. */
int um_place_is_strangers(const struct stat *info);

#endif
