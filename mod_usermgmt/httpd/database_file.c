/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file database_file.c The database's file before it is used, see database_file.h. */

#include "database_file.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>
#include <unixd.h>

#include "../db/params.h"
#include "../db/sqlite_file.h"
#include "log.h"
#include "module.h"

int um_database_file_check(const um_database_file_t *file, server_rec *server, apr_pool_t *ptemp)
{
    const char *name = "DBDriver";
    const char *wrong = um_params_check(NULL, file->driver, UM_PARAMS_ABSOLUTE_PATH, ptemp);

    if (wrong == NULL) {
        name = file->name;
        wrong = um_params_check(file->driver, file->params, UM_PARAMS_ABSOLUTE_PATH, ptemp);
    }
    if (wrong == NULL) {
        return 1;
    }
    um_log_server(server, DATABASE_PARAMS, APR_SUCCESS,
                  file->place != NULL ? file->place : "the database", name, wrong);
    return 0;
}

/* Why httpd's user can't use a file; also the exit code of a process that finds it out. */
typedef enum um_obstacle_t {
    UM_OBSTACLE_NONE,
    UM_OBSTACLE_NO_FOLDER,
    UM_OBSTACLE_FOLDER,
    UM_OBSTACLE_FILE
} um_obstacle_t;

/* For this process. SQLite makes files beside the database, so it must be able to write in the
 * folder. */
static um_obstacle_t find_obstacle(const char *folder, const char *path)
{
    struct stat info;

    if (stat(folder, &info) != 0 && errno == ENOENT) {
        return UM_OBSTACLE_NO_FOLDER;
    }
    if (access(folder, W_OK | X_OK) != 0) {
        return UM_OBSTACLE_FOLDER;
    }
    return access(path, R_OK | W_OK) != 0 && errno != ENOENT ? UM_OBSTACLE_FILE
                                                             : UM_OBSTACLE_NONE;
}

static int become_user(void)
{
    const struct passwd *user = getpwuid(ap_unixd_config.user_id);

    return setgid(ap_unixd_config.group_id) == 0
           && (user == NULL || initgroups(user->pw_name, ap_unixd_config.group_id) == 0)
           && setuid(ap_unixd_config.user_id) == 0;
}

/* For httpd's user, in a process of that user: modes alone don't tell it (groups, ACLs, file
 * systems). What can't be found out is no obstacle. */
static um_obstacle_t find_obstacle_of_user(const char *folder, const char *path)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        _exit(become_user() ? (int)find_obstacle(folder, path) : UM_OBSTACLE_NONE);
    }
    while (child != -1 && waitpid(child, &status, 0) == -1) {
        if (errno != EINTR) {
            return UM_OBSTACLE_NONE;
        }
    }
    return child != -1 && WIFEXITED(status) ? (um_obstacle_t)WEXITSTATUS(status)
                                            : UM_OBSTACLE_NONE;
}

/* The obstacle in words, or NULL. */
static const char *describe(um_obstacle_t obstacle, const char *folder, const char *path,
                            apr_pool_t *pool)
{
    const char *user = ap_unixd_config.user_name;

    switch (obstacle) {
    case UM_OBSTACLE_NO_FOLDER:
        return apr_psprintf(pool, "the folder %s is missing; make it, for httpd's user %s",
                            folder, user);
    case UM_OBSTACLE_FOLDER:
        return apr_psprintf(
            pool,
            "httpd's user %s can't write in %s; SQLite makes files there, so give "
            "the database a folder that belongs to that user",
            user, folder);
    case UM_OBSTACLE_FILE:
        return apr_psprintf(pool,
                            "httpd's user %s can't read and write %s; give that user the file",
                            user, path);
    default:
        return NULL;
    }
}

void um_database_file_advise(const um_database_file_t *file, server_rec *server,
                             apr_pool_t *ptemp)
{
    const char *path = um_sqlite_file_resolve(file->params, ptemp);
    char *folder = ap_make_dirstr_parent(ptemp, path);
    apr_size_t length = strlen(folder);
    struct stat info;
    const char *wrong;

    /* A process that is not root can't become httpd's user. A link that leads nowhere does not
     * tell the folder. */
    if (geteuid() != 0 || ap_unixd_config.chroot_dir != NULL
        || (lstat(path, &info) == 0 && S_ISLNK(info.st_mode))) {
        return;
    }
    if (length > 1 && folder[length - 1] == '/') {
        folder[length - 1] = '\0';
    }
    wrong = describe(find_obstacle_of_user(folder, path), folder, path, ptemp);
    if (wrong != NULL) {
        um_log_server(server, DATABASE_NOT_USABLE, APR_SUCCESS, file->place, wrong);
    }
}

int um_database_file_is_whole(const um_database_file_t *file, server_rec *server,
                              apr_pool_t *ptemp)
{
    const char *wrong = um_params_are_path(file->driver)
                            ? um_sqlite_file_check_log(file->params, ptemp)
                            : NULL;

    if (wrong == NULL) {
        return 1;
    }
    um_log_server(server, DATABASE_REFUSED, APR_SUCCESS, wrong);
    return 0;
}

void um_database_file_create(const um_database_file_t *file, apr_pool_t *pool)
{
    if (um_params_are_path(file->driver)) {
        um_sqlite_file_create(file->params, pool);
    }
}
