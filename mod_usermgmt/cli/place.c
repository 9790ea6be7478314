/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file place.c Where a path leads, see place.h. */

#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/vfs.h>
#endif

#include <apr_errno.h>
#include <apr_strings.h>

/* As many links as Linux follows on the way to a file. */
#define LINKS_MAX 40

/* A file that the caller can't read, or a folder that he can't list, can be on the way, too.
 * Without O_PATH, a link can't be opened, so none is followed. */
#ifdef O_PATH
#define OPEN_ENTRY (O_PATH | O_NOFOLLOW | O_CLOEXEC)
#else
#define OPEN_ENTRY (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC)
#endif
#define OPEN_FOLDER (OPEN_ENTRY | O_DIRECTORY)

/* The number of procfs in statfs(), which <linux/magic.h> has. */
#define PROCFS 0x9fa0

static const char *tell_errno(const char *path, apr_pool_t *pool)
{
    apr_status_t status = APR_FROM_OS_ERROR(errno);

    return apr_psprintf(pool, "%s: %pm", path, &status);
}

static void close_file(int *file)
{
    if (*file >= 0) {
        close(*file);
    }
    *file = -1;
}

void um_place_close(um_place_t *place)
{
    close_file(&place->entry);
    close_file(&place->folder);
}

int um_place_is_strangers(const struct stat *info)
{
    return info->st_uid != 0 && info->st_uid != geteuid();
}

int um_place_is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int is_of_process(int folder)
{
#ifdef __linux__
    struct statfs info;

    return fstatfs(folder, &info) == 0 && info.f_type == PROCFS;
#else
    (void)folder;
    return 0;
#endif
}

/* Go on in an open folder. */
static int enter(um_place_t *place, int folder)
{
    if (folder < 0) {
        return 0;
    }
    close_file(&place->folder);
    place->folder = folder;
    return 1;
}

/* Start where a path starts. */
static int start(um_place_t *place, const char *path)
{
    return enter(place, open(path[0] == '/' ? "/" : ".", OPEN_FOLDER));
}

/* Put the text of an open link in place of its name: the path goes on with the text and rest. */
static const char *follow(um_place_t *place, int link, const char **path, const char *rest,
                          apr_pool_t *pool)
{
    char target[APR_PATH_MAX];
    ssize_t length = readlinkat(link, "", target, sizeof(target));

    if (length <= 0 || length == sizeof(target)) {
        errno = length < 0 ? errno : ENAMETOOLONG;
        return tell_errno(*path, pool);
    }
    if (place->links++ == LINKS_MAX) {
        errno = ELOOP;
        return tell_errno(*path, pool);
    }
    *path = apr_pstrcat(pool, apr_pstrmemdup(pool, target, (apr_size_t)length), rest, NULL);
    return target[0] == '/' && !start(place, *path) ? tell_errno("/", pool) : NULL;
}

/* Follow the link that has the name of a folder. */
static const char *follow_folder(um_place_t *place, const char *name, const char **path,
                                 const char *rest, apr_pool_t *pool)
{
    const char *wrong;
    struct stat info;
    int link = openat(place->folder, name, OPEN_ENTRY);

    if (link < 0 || fstat(link, &info) != 0) {
        wrong = tell_errno(name, pool);
    } else if (!S_ISLNK(info.st_mode)) {
        errno = ENOTDIR;
        wrong = tell_errno(name, pool);
    } else if (um_place_is_strangers(&info)) {
        wrong = "a link of another user leads to its folder";
    } else {
        wrong = follow(place, link, path, rest, pool);
    }
    close_file(&link);
    return wrong;
}

/* Go into the folder that is the first part of a path, and leave the rest of the path. */
static const char *pass_folder(um_place_t *place, const char **path, apr_pool_t *pool)
{
    apr_size_t length = strcspn(*path, "/");
    const char *name = apr_pstrmemdup(pool, *path, length);
    const char *rest = *path + length;

    if (length == 0 || enter(place, openat(place->folder, name, OPEN_FOLDER))) {
        *path = rest + strspn(rest, "/");
        return NULL;
    }
    /* A link is no folder here, because it is not followed. */
    return errno == ENOTDIR || errno == ELOOP ? follow_folder(place, name, path, rest, pool)
                                              : tell_errno(name, pool);
}

/* Look at the file that is the last part of a path. If that is a link, the path goes on with its
 * text; otherwise place->name is set. */
static const char *find_entry(um_place_t *place, const char **path, apr_pool_t *pool)
{
    const char *wrong;

    place->entry = openat(place->folder, *path, OPEN_ENTRY);
    if (place->entry < 0 ? errno != ENOENT || place->is_link
                         : fstat(place->entry, &place->info) != 0) {
        return tell_errno(*path, pool);
    }
    if (place->entry < 0 || !S_ISLNK(place->info.st_mode)) {
        place->name = *path;
        return NULL;
    }
    place->is_link = 1;
    if (um_place_is_strangers(&place->info)) {
        return "it is a link or a pipe of another user";
    }
    place->is_of_process = is_of_process(place->folder);
    if (place->is_of_process) {
        place->name = *path;
        return fstatat(place->folder, *path, &place->info, 0) != 0 ? tell_errno(*path, pool)
                                                                   : NULL;
    }
    wrong = follow(place, place->entry, path, "", pool);
    close_file(&place->entry);
    return wrong;
}

static const char *find(um_place_t *place, const char *path, apr_pool_t *pool)
{
    const char *wrong = start(place, path) ? NULL : tell_errno(path, pool);

    while (wrong == NULL && place->name == NULL) {
        if (strchr(path, '/') != NULL) {
            wrong = pass_folder(place, &path, pool);
        } else if (path[0] == '\0') {
            place->name = "";
        } else {
            wrong = find_entry(place, &path, pool);
        }
    }
    return wrong;
}

const char *um_place_find(um_place_t *place, const char *path, apr_pool_t *pool)
{
    const char *wrong;

    memset(place, 0, sizeof(*place));
    place->folder = -1;
    place->entry = -1;
    wrong = find(place, path, pool);
    if (wrong != NULL) {
        um_place_close(place);
    }
    return wrong;
}

int um_place_open(const um_place_t *place)
{
    struct stat info;
    int file = openat(place->folder, place->name,
                      O_WRONLY | O_NOCTTY | O_CLOEXEC | (place->is_of_process ? 0 : O_NOFOLLOW));

    if (file >= 0 && (fstat(file, &info) != 0 || !um_place_is_same(&info, &place->info))) {
        close(file);
        errno = ESTALE;
        return -1;
    }
    return file;
}
