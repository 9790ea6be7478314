/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file database_file.c The database's file before it is used, see database_file.h. */

#include "database_file.h"

#include <http_log.h>

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
