/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file backup.c The command that copies an SQLite database while it is used. The copy gets its
 *  name when it is complete, checked and on the disk. No existing file is replaced. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <apr_escape.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "../db/params.h"
#include "commands.h"
#include "interrupt.h"
#include "place.h"

#define RANDOM_BYTES 12

typedef struct um_backup_t {
    um_tool_t *tool;
    const char *file;
    um_place_t place;
    /* The copy before it gets its name, in the folder of the place. */
    const char *part;
    int part_file;
} um_backup_t;

static um_exit_t refuse(const um_backup_t *backup, const char *why)
{
    um_tool_say(backup->tool, "%s can't be written: %s", backup->file, why);
    return UM_EXIT_REFUSED;
}

static um_exit_t refuse_errno(const um_backup_t *backup)
{
    apr_status_t status = APR_FROM_OS_ERROR(errno);

    return refuse(backup, apr_psprintf(backup->tool->pool, "%pm", &status));
}

static um_exit_t find_place(um_backup_t *backup)
{
    const char *wrong = um_place_find(&backup->place, backup->file, backup->tool->pool);

    if (wrong != NULL) {
        return refuse(backup, wrong);
    }
    if (backup->place.name[0] == '\0') {
        return refuse(backup, "it is a folder");
    }
    return backup->place.entry >= 0
               ? refuse(backup, "it exists already; a backup replaces no file")
               : UM_EXIT_OK;
}

static um_exit_t make_part(um_backup_t *backup)
{
    unsigned char bytes[RANDOM_BYTES];
    apr_pool_t *pool = backup->tool->pool;

    if (apr_generate_random_bytes(bytes, sizeof(bytes)) != APR_SUCCESS) {
        return refuse(backup, "there are no random bytes");
    }
    backup->part = apr_pstrcat(pool, ".usermgmtctl-",
                               apr_pescape_hex(pool, bytes, sizeof(bytes), 0), NULL);
    backup->part_file = openat(backup->place.folder, backup->part,
                               O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (backup->part_file < 0) {
        um_exit_t end = refuse_errno(backup);

        backup->part = NULL;
        return end;
    }
    /* Whatever the umask takes away. */
    return fchmod(backup->part_file, 0600) == 0 ? UM_EXIT_OK : refuse_errno(backup);
}

/* The open folder, whatever has its name now. */
static const char *path_of_part(const um_backup_t *backup)
{
    return apr_psprintf(backup->tool->pool, "/proc/self/fd/%d/%s", backup->place.folder,
                        backup->part);
}

static um_exit_t copy(um_backup_t *backup)
{
    um_tool_t *tool = backup->tool;
    const char *wrong = NULL;
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, tool->store, tool->pool);

    if (status != APR_SUCCESS) {
        return um_tool_exit(status);
    }
    status = um_db_copy(&wrong, db, path_of_part(backup), um_interrupt_came, tool->pool);
    um_db_close(db);
    switch (status) {
    case APR_SUCCESS:
        return UM_EXIT_OK;
    case APR_EINTR:
        um_tool_say(tool, "interrupted; nothing was written");
        return UM_EXIT_REFUSED;
    case APR_ENOTIMPL:
        um_tool_say(tool, "the driver uses another SQLite library than this program");
        return UM_EXIT_DATABASE;
    default:
        return refuse(backup, wrong);
    }
}

/* Have the disk keep the name. The folder of a place can't be synchronized itself. */
static int sync_folder(int folder)
{
    int opened = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int is_done = opened >= 0 && fsync(opened) == 0;

    if (opened >= 0) {
        close(opened);
    }
    return is_done;
}

/* A link is made only if nothing has the name, unlike a renaming. */
static um_exit_t give_name(um_backup_t *backup)
{
    int folder = backup->place.folder;
    struct stat info;

    /* SQLite opens the part by its path. */
    if (fstat(backup->part_file, &info) != 0 || info.st_size == 0) {
        return refuse(backup, "its folder was exchanged meanwhile");
    }
    if (fsync(backup->part_file) != 0) {
        return refuse_errno(backup);
    }
    if (linkat(folder, backup->part, folder, backup->place.name, 0) != 0) {
        return errno == EEXIST ? refuse(backup, "it exists already; a backup replaces no file")
                               : refuse_errno(backup);
    }
    unlinkat(folder, backup->part, 0);
    backup->part = NULL;
    return sync_folder(folder) ? UM_EXIT_OK : refuse_errno(backup);
}

/* If the work failed, the part and its journal are removed. */
static void clean_up(um_backup_t *backup)
{
    if (backup->part != NULL) {
        unlinkat(backup->place.folder, backup->part, 0);
        unlinkat(backup->place.folder,
                 apr_pstrcat(backup->tool->pool, backup->part, "-journal", NULL), 0);
    }
    if (backup->part_file >= 0) {
        close(backup->part_file);
    }
    um_place_close(&backup->place);
}

um_exit_t um_backup_command(um_tool_t *tool, const char *const *words, int count)
{
    um_backup_t backup = { .tool = tool, .file = words[0], .part_file = -1 };
    um_exit_t end;

    (void)count;
    if (!um_params_are_path(tool->driver_name)) {
        um_tool_say(tool, "backup is for SQLite; a server has its own tools: pg_dump, "
                          "mariadb-dump, see docs/operations.md");
        return UM_EXIT_USAGE;
    }
    um_interrupt_watch();
    end = find_place(&backup);
    if (end != UM_EXIT_OK) {
        um_place_close(&backup.place);
        return end;
    }
    end = make_part(&backup);
    if (end == UM_EXIT_OK) {
        end = copy(&backup);
    }
    if (end == UM_EXIT_OK) {
        end = give_name(&backup);
    }
    clean_up(&backup);
    return end;
}
