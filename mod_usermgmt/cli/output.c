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
#include "tool.h"

#define RANDOM_BYTES 12

/* As many links as Linux follows on the way to a file. */
#define LINKS_MAX 40

/* A folder that the caller can't list can have files, too. */
#ifdef O_PATH
#define OPEN_FOLDER (O_PATH | O_DIRECTORY | O_CLOEXEC)
#else
#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#endif

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

static int is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Are these two names of one file that does not exist yet? SQLite may make its log later. */
static int have_same_place(const char *a, const char *b, apr_pool_t *pool)
{
    struct stat of_a;
    struct stat of_b;

    return strcmp(base_of(a), base_of(b)) == 0 && stat(folder_of(a, pool), &of_a) == 0
           && stat(folder_of(b, pool), &of_b) == 0 && is_same(&of_a, &of_b);
}

static int is_kept(const um_kept_file_t *kept, const struct stat *info, const char *name,
                   apr_pool_t *pool)
{
    struct stat found;

    if (kept->path == NULL) {
        return info != NULL && info->st_dev == kept->device && info->st_ino == kept->inode;
    }
    if (stat(kept->path, &found) == 0) {
        return info != NULL && S_ISREG(found.st_mode) && is_same(info, &found);
    }
    return info == NULL && name != NULL && have_same_place(name, kept->path, pool);
}

/* If the file is protected, what it is ("the database"); otherwise NULL. info is NULL if the
 * file does not exist, name is NULL if it has none. */
static const char *find_kept(const um_tool_t *tool, const struct stat *info, const char *name)
{
    for (int i = 0; tool->kept != NULL && i < tool->kept->nelts; i++) {
        const um_kept_file_t *kept = &APR_ARRAY_IDX(tool->kept, i, um_kept_file_t);

        if (is_kept(kept, info, name, tool->pool)) {
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
        if (fstat(file, &standard) == 0 && is_same(info, &standard)) {
            return file;
        }
    }
    return -1;
}

static int is_trusted(const struct stat *info)
{
    return info->st_uid == 0 || info->st_uid == geteuid();
}

/* ---- the way to a file ---- */

static int passes_stranger(const char *path, int links, apr_pool_t *pool);

/* Is the link at the path one of another user, or does it lead through one? */
static int link_passes_stranger(const char *path, int links, apr_pool_t *pool)
{
    char target[APR_PATH_MAX];
    struct stat entry;
    ssize_t length;

    if (lstat(path, &entry) != 0 || !S_ISLNK(entry.st_mode)) {
        return 0;
    }
    length = readlink(path, target, sizeof(target) - 1);
    if (!is_trusted(&entry) || links == 0 || length <= 0) {
        return 1;
    }
    target[length] = '\0';
    return passes_stranger(target[0] == '/'
                               ? target
                               : apr_pstrcat(pool, folder_of(path, pool), target, NULL),
                           links - 1, pool);
}

/* Does the way to a path lead through a link of another user? Who made the link chooses where
 * the file is written. */
static int passes_stranger(const char *path, int links, apr_pool_t *pool)
{
    for (const char *end = path; *end != '\0'; end += strspn(end, "/")) {
        end += strcspn(end, "/");
        if (end > path
            && link_passes_stranger(apr_pstrmemdup(pool, path, (apr_size_t)(end - path)), links,
                                    pool)) {
            return 1;
        }
    }
    return 0;
}

static um_exit_t check_way(const um_output_t *output, const um_tool_t *tool, const char *path)
{
    return passes_stranger(folder_of(path, tool->pool), LINKS_MAX, tool->pool)
               ? refuse(output, tool, "a link of another user leads to its folder")
               : UM_EXIT_OK;
}

/* Open the folder before the way to it is checked: what is checked is where the new file will
 * be, whatever another user changes meanwhile. */
static um_exit_t open_folder(um_output_t *output, const um_tool_t *tool, const char *path)
{
    const char *folder = folder_of(path, tool->pool);
    struct stat opened;
    struct stat found;
    um_exit_t end;

    output->folder = open(folder, OPEN_FOLDER);
    if (output->folder < 0) {
        return refuse_errno(output, tool, folder);
    }
    end = check_way(output, tool, path);
    if (end == UM_EXIT_OK
        && (fstat(output->folder, &opened) != 0 || stat(folder, &found) != 0
            || !is_same(&opened, &found))) {
        end = refuse(output, tool, "somebody changes the way to its folder");
    }
    if (end != UM_EXIT_OK) {
        close(output->folder);
    }
    return end;
}

/* ---- the file ---- */

/* Write to it without replacing it: a device, a pipe, or the file that a link leads to. */
static um_exit_t open_as_it_is(um_output_t *output, const um_tool_t *tool, const char *path,
                               int is_link)
{
    struct stat info;
    const char *what = NULL;
    int file = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC | (is_link ? 0 : O_NOFOLLOW));

    if (file < 0) {
        return refuse_errno(output, tool, path);
    }
    if (fstat(file, &info) == 0) {
        what = find_kept(tool, &info, NULL);
        output->is_regular = S_ISREG(info.st_mode);
    }
    if (what != NULL || (output->is_regular && ftruncate(file, 0) != 0)) {
        um_exit_t end = what != NULL ? refuse_kept(output, tool, what)
                                     : refuse_errno(output, tool, path);

        close(file);
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
 * name is random and it must not exist. */
static um_exit_t open_new(um_output_t *output, const um_tool_t *tool, const char *path,
                          um_output_when_t when)
{
    unsigned char bytes[RANDOM_BYTES];
    int file = -1;
    um_exit_t end;

    if (apr_generate_random_bytes(bytes, sizeof(bytes)) != APR_SUCCESS) {
        return refuse(output, tool, "there are no random bytes");
    }
    output->path = path;
    output->part = apr_pstrcat(tool->pool, folder_of(path, tool->pool), ".usermgmtctl-",
                               apr_pescape_hex(tool->pool, bytes, sizeof(bytes), 0), NULL);
    end = open_folder(output, tool, path);
    if (end != UM_EXIT_OK) {
        return end;
    }
    file = openat(output->folder, base_of(output->part),
                  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file < 0) {
        end = refuse_errno(output, tool, output->part);
        close(output->folder);
        return end;
    }
    output->is_regular = 1;
    use_file(output, tool, file);
    return when == UM_OUTPUT_AT_ONCE ? take_place(output, tool, path) : UM_EXIT_OK;
}

int um_output_is_strangers_link(const char *path)
{
    struct stat entry;

    return lstat(path, &entry) == 0 && S_ISLNK(entry.st_mode) && !is_trusted(&entry);
}

/* Open the output by what is at the path, and by where that leads. */
static um_exit_t open_path(um_output_t *output, const um_tool_t *tool, const char *path,
                           um_output_when_t when)
{
    struct stat entry;
    struct stat target;
    int is_there = lstat(path, &entry) == 0;
    int has_target = stat(path, &target) == 0;
    const char *what = find_kept(tool, has_target ? &target : NULL, path);

    if (what != NULL) {
        return refuse_kept(output, tool, what);
    }
    if (check_way(output, tool, path) != UM_EXIT_OK) {
        return UM_EXIT_REFUSED;
    }
    if (!is_there || S_ISREG(entry.st_mode)) {
        return base_of(path)[0] != '\0' ? open_new(output, tool, path, when)
                                        : refuse(output, tool, "it is a folder");
    }
    if (S_ISDIR(entry.st_mode)) {
        return refuse(output, tool, "it is a folder");
    }
    if (um_output_is_strangers_link(path) || (S_ISFIFO(entry.st_mode) && !is_trusted(&entry))) {
        return refuse(output, tool, "it is a link or a pipe of another user");
    }
    if (has_target && find_standard(&target) >= 0) {
        return um_output_open_standard(output, tool, find_standard(&target));
    }
    return open_as_it_is(output, tool, path, S_ISLNK(entry.st_mode));
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
