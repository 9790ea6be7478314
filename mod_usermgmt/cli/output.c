/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file output.c The files that a command writes, see output.h. */

#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <apr_escape.h>
#include <apr_general.h>
#include <apr_portable.h>
#include <apr_strings.h>

#include "../base/text.h"
#include "place.h"
#include "tool.h"

#define RANDOM_BYTES 12

/* ---- protected files ---- */

static um_kept_file_t *add_kept(um_tool_t *tool, const char *what)
{
    um_kept_file_t *kept;

    if (tool->kept == NULL) {
        tool->kept = apr_array_make(tool->pool, 8, sizeof(um_kept_file_t));
    }
    kept = apr_array_push(tool->kept);
    memset(kept, 0, sizeof(*kept));
    kept->what = what;
    return kept;
}

void um_output_keep(um_tool_t *tool, const char *what, const char *path)
{
    add_kept(tool, what)->path = path;
}

void um_output_keep_open(um_tool_t *tool, const char *what, int file)
{
    struct stat info;

    if (fstat(file, &info) == 0 && S_ISREG(info.st_mode)) {
        um_kept_file_t *kept = add_kept(tool, what);

        kept->device = info.st_dev;
        kept->inode = info.st_ino;
    }
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static const char *folder_of(const char *path, apr_pool_t *pool)
{
    apr_size_t length = (apr_size_t)(base_of(path) - path);

    return length > 0 ? apr_pstrmemdup(pool, path, length) : "./";
}

/* Is this the place of a file that does not exist yet? SQLite may make its log later. */
static int is_same_place(const um_place_t *place, const char *path, apr_pool_t *pool)
{
    struct stat of_place;
    struct stat of_path;

    return strcmp(place->name, base_of(path)) == 0 && fstat(place->folder, &of_place) == 0
           && stat(folder_of(path, pool), &of_path) == 0 && um_place_is_same(&of_place, &of_path);
}

static int is_kept(const um_kept_file_t *kept, const struct stat *info, const um_place_t *place,
                   apr_pool_t *pool)
{
    struct stat found;

    if (kept->path == NULL) {
        return info != NULL && info->st_dev == kept->device && info->st_ino == kept->inode;
    }
    if (stat(kept->path, &found) == 0) {
        return info != NULL && S_ISREG(found.st_mode) && um_place_is_same(info, &found);
    }
    return info == NULL && place != NULL && is_same_place(place, kept->path, pool);
}

/* If the file is protected, what it is ("the database"); otherwise NULL. Without info the file
 * does not exist yet, but it will have this place. */
static const char *find_kept(const um_tool_t *tool, const struct stat *info,
                             const um_place_t *place)
{
    for (int i = 0; tool->kept != NULL && i < tool->kept->nelts; i++) {
        const um_kept_file_t *kept = &APR_ARRAY_IDX(tool->kept, i, um_kept_file_t);

        if (is_kept(kept, info, place, tool->pool)) {
            return kept->what;
        }
    }
    return NULL;
}

/* ---- opening ---- */

static um_exit_t refuse(const um_output_t *output, const um_tool_t *tool, const char *why)
{
    um_tool_say(tool, "%s can't be written: %s; nothing was written", output->name, why);
    return UM_EXIT_REFUSED;
}

static um_exit_t refuse_kept(const um_output_t *output, const um_tool_t *tool, const char *what)
{
    return refuse(output, tool, apr_pstrcat(tool->pool, "it is ", what, NULL));
}

static um_exit_t refuse_errno(const um_output_t *output, const um_tool_t *tool, const char *path)
{
    apr_status_t status = APR_FROM_OS_ERROR(errno);

    return refuse(output, tool, apr_psprintf(tool->pool, "%s: %pm", path, &status));
}

static void use_file(um_output_t *output, const um_tool_t *tool, int file)
{
    apr_os_file_t number = file;

    apr_os_file_put(&output->file, &number, APR_FOPEN_WRITE, tool->pool);
    output->is_shown = isatty(file);
}

um_exit_t um_output_open_standard(um_output_t *output, const um_tool_t *tool, int file)
{
    struct stat info;
    const char *what;

    memset(output, 0, sizeof(*output));
    output->name = file == STDERR_FILENO ? "the standard error" : "the output";
    output->is_standard = 1;
    use_file(output, tool, file);
    /* Standard error is always shown to somebody. */
    output->is_shown = output->is_shown || file == STDERR_FILENO;
    what = fstat(file, &info) == 0 ? find_kept(tool, &info, NULL) : NULL;
    return what != NULL ? refuse_kept(output, tool, what) : UM_EXIT_OK;
}

/* The standard file that this is, for instance by the name /dev/stdout; -1 for none. */
static int find_standard(const struct stat *info)
{
    struct stat standard;

    for (int file = STDOUT_FILENO; file <= STDERR_FILENO; file++) {
        if (fstat(file, &standard) == 0 && um_place_is_same(info, &standard)) {
            return file;
        }
    }
    return -1;
}

/* ---- the file ---- */

/* Write to it without replacing it: a device, a pipe, or the file that a link leads to. */
static um_exit_t open_as_it_is(um_output_t *output, const um_tool_t *tool, const char *path,
                               const um_place_t *place)
{
    int file = um_place_open(place);

    output->is_regular = S_ISREG(place->info.st_mode);
    if (file < 0 || (output->is_regular && ftruncate(file, 0) != 0)) {
        um_exit_t end = refuse_errno(output, tool, path);

        if (file >= 0) {
            close(file);
        }
        return end;
    }
    use_file(output, tool, file);
    return UM_EXIT_OK;
}

static um_exit_t take_place(um_output_t *output, const um_tool_t *tool, const char *path)
{
    um_exit_t end = UM_EXIT_OK;

    if (renameat(output->folder, base_of(output->part), output->folder, base_of(path)) != 0) {
        end = refuse_errno(output, tool, path);
        unlinkat(output->folder, base_of(output->part), 0);
    } else {
        output->part = NULL;
    }
    close(output->folder);
    output->folder = -1;
    return end;
}

/* A new file beside the one that it will replace. Nobody else can have made it, because its
 * name is random and it must not exist. The folder of the place is now the output's. */
static um_exit_t open_new(um_output_t *output, const um_tool_t *tool, const char *path,
                          um_place_t *place, um_output_when_t when)
{
    unsigned char bytes[RANDOM_BYTES];
    int file = -1;

    if (apr_generate_random_bytes(bytes, sizeof(bytes)) != APR_SUCCESS) {
        return refuse(output, tool, "there are no random bytes");
    }
    output->path = path;
    output->part = apr_pstrcat(tool->pool, folder_of(path, tool->pool), ".usermgmtctl-",
                               apr_pescape_hex(tool->pool, bytes, sizeof(bytes), 0), NULL);
    file = openat(place->folder, base_of(output->part),
                  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file < 0) {
        return refuse_errno(output, tool, output->part);
    }
    output->folder = place->folder;
    place->folder = -1;
    output->is_regular = 1;
    use_file(output, tool, file);
    return when == UM_OUTPUT_AT_ONCE ? take_place(output, tool, path) : UM_EXIT_OK;
}

int um_output_is_strangers_link(const char *path)
{
    struct stat entry;

    return lstat(path, &entry) == 0 && S_ISLNK(entry.st_mode) && um_place_is_strangers(&entry);
}

/* Open the output by the file that is at its place. */
static um_exit_t open_place(um_output_t *output, const um_tool_t *tool, const char *path,
                            um_place_t *place, um_output_when_t when)
{
    const struct stat *info = place->entry >= 0 ? &place->info : NULL;
    const char *what = find_kept(tool, info, place);

    if (what != NULL) {
        return refuse_kept(output, tool, what);
    }
    if (place->name[0] == '\0' || (info != NULL && S_ISDIR(info->st_mode))) {
        return refuse(output, tool, "it is a folder");
    }
    if (info == NULL || (S_ISREG(info->st_mode) && !place->is_link)) {
        return open_new(output, tool, path, place, when);
    }
    if (find_standard(info) >= 0) {
        return um_output_open_standard(output, tool, find_standard(info));
    }
    if (S_ISFIFO(info->st_mode) && !place->is_of_process && um_place_is_strangers(info)) {
        return refuse(output, tool, "it is a link or a pipe of another user");
    }
    return open_as_it_is(output, tool, path, place);
}

static um_exit_t open_path(um_output_t *output, const um_tool_t *tool, const char *path,
                           um_output_when_t when)
{
    um_place_t place;
    const char *wrong = um_place_find(&place, path, tool->pool);
    um_exit_t end;

    if (wrong != NULL) {
        return refuse(output, tool, wrong);
    }
    end = open_place(output, tool, path, &place, when);
    um_place_close(&place);
    return end;
}

um_exit_t um_output_open(um_output_t *output, const um_tool_t *tool, const char *option,
                         const char *name, um_output_when_t when)
{
    if (strcmp(name, "-") == 0) {
        return um_output_open_standard(output, tool, STDOUT_FILENO);
    }
    memset(output, 0, sizeof(*output));
    output->name = apr_pstrcat(tool->pool, option, " ", name, NULL);
    return open_path(output, tool, name, when);
}

/* ---- writing ---- */

um_exit_t um_output_write(const um_output_t *output, const um_tool_t *tool,
                          const um_buffer_t *text)
{
    apr_status_t status;
    um_buffer_t shown;

    if (output->is_shown) {
        um_buffer_init(&shown, text->length + 256, text->pool);
        um_text_escape(&shown, text->data, text->length, 1);
        text = &shown;
    }
    status = apr_file_write_full(output->file, text->data, text->length, NULL);
    if (status != APR_SUCCESS) {
        um_tool_say(tool, "%s can't be written: %pm", output->name, &status);
        return UM_EXIT_REFUSED;
    }
    return UM_EXIT_OK;
}

um_exit_t um_output_close(um_output_t *output, const um_tool_t *tool, um_exit_t end)
{
    apr_status_t status = APR_SUCCESS;

    if (output->is_standard || output->file == NULL) {
        return end;
    }
    if (output->is_regular) {
        status = apr_file_sync(output->file);
    }
    if (apr_file_close(output->file) != APR_SUCCESS && status == APR_SUCCESS) {
        status = APR_FROM_OS_ERROR(errno);
    }
    output->file = NULL;
    if (status != APR_SUCCESS) {
        um_tool_say(tool, "%s can't be written: %pm", output->name, &status);
        end = UM_EXIT_REFUSED;
    }
    if (output->part != NULL && end == UM_EXIT_OK) {
        return take_place(output, tool, output->path);
    }
    if (output->part != NULL) {
        unlinkat(output->folder, base_of(output->part), 0);
        close(output->folder);
    }
    return end;
}
