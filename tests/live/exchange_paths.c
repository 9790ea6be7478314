/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/* Preloaded, it is another user who exchanges two files of his, always at the worst moment.
 * Before each call that is given a path with NAME in it, the files FIRST and SECOND are where
 * the next bit of the environment's PATTERN says: 0 as they were, 1 exchanged. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void exchange(const char *path)
{
    static unsigned calls;
    static unsigned state;
    unsigned pattern;
    unsigned wanted;

    if (path == NULL || strstr(path, NAME) == NULL) {
        return;
    }
    pattern = (unsigned)strtoul(getenv("PATTERN"), NULL, 10);
    wanted = calls < 32 ? pattern >> calls & 1 : 0;
    calls++;
    if (wanted != state && renameat2(AT_FDCWD, FIRST, AT_FDCWD, SECOND, RENAME_EXCHANGE) != 0) {
        perror("renameat2");
        abort();
    }
    state = wanted;
}

typedef int open_t(const char *, int, ...);
typedef int openat_t(int, const char *, int, ...);
typedef int stat_t(const char *, struct stat *);
typedef int fstatat_t(int, const char *, struct stat *, int);
typedef ssize_t readlink_t(const char *, char *, size_t);

#define REAL(type, name) ((type *)dlsym(RTLD_NEXT, name))

/* Read the mode after the flags, if there is one. */
#define TAKE_MODE(mode, flags)                                                                   \
    do {                                                                                         \
        va_list more;                                                                            \
                                                                                                 \
        va_start(more, flags);                                                                   \
        (mode) = ((flags)&O_CREAT) != 0 ? va_arg(more, int) : 0;                                 \
        va_end(more);                                                                            \
    } while (0)

#define OPEN(name)                                                                               \
    int name(const char *path, int flags, ...)                                                   \
    {                                                                                            \
        int mode;                                                                                \
                                                                                                 \
        TAKE_MODE(mode, flags);                                                                  \
        exchange(path);                                                                          \
        return REAL(open_t, #name)(path, flags, mode);                                           \
    }

#define OPENAT(name)                                                                             \
    int name(int folder, const char *path, int flags, ...)                                       \
    {                                                                                            \
        int mode;                                                                                \
                                                                                                 \
        TAKE_MODE(mode, flags);                                                                  \
        exchange(path);                                                                          \
        return REAL(openat_t, #name)(folder, path, flags, mode);                                 \
    }

#define STAT(name)                                                                               \
    int name(const char *path, struct stat *info)                                                \
    {                                                                                            \
        exchange(path);                                                                          \
        return REAL(stat_t, #name)(path, info);                                                  \
    }

#define FSTATAT(name)                                                                            \
    int name(int folder, const char *path, struct stat *info, int flags)                         \
    {                                                                                            \
        exchange(path);                                                                          \
        return REAL(fstatat_t, #name)(folder, path, info, flags);                                \
    }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
STAT(stat)
STAT(lstat)
FSTATAT(fstatat)

#undef stat64
#undef lstat64
#undef fstatat64

int stat64(const char *path, struct stat64 *info)
{
    return stat(path, (struct stat *)info);
}

int lstat64(const char *path, struct stat64 *info)
{
    return lstat(path, (struct stat *)info);
}

int fstatat64(int folder, const char *path, struct stat64 *info, int flags)
{
    return fstatat(folder, path, (struct stat *)info, flags);
}

int __open_2(const char *path, int flags)
{
    return open(path, flags);
}

int __openat_2(int folder, const char *path, int flags)
{
    return openat(folder, path, flags);
}

ssize_t readlink(const char *path, char *target, size_t size)
{
    exchange(path);
    return REAL(readlink_t, "readlink")(path, target, size);
}
