/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file config_database.c The directives that name the database, see
 *  config_database.h. */

#include "config_database.h"

#include <string.h>

#include <apr_strings.h>

#include "../db/dialect.h"

static const char *place_of(const cmd_parms *cmd)
{
    return apr_psprintf(cmd->pool, "line %d of %s", cmd->directive->line_num,
                        cmd->directive->filename);
}

const char *um_config_database_set(cmd_parms *cmd, void *directory, const char *driver,
                                   const char *params)
{
    um_config_server_t *config = um_config_of(cmd);

    (void)directory;
    if (um_dialect_of_driver(NULL, driver) == NULL) {
        return apr_psprintf(cmd->pool, "%s: \"%s\" is no driver; use sqlite3, pgsql or mysql",
                            cmd->cmd->name, driver);
    }
    config->database_driver = driver;
    config->database_params = params;
    config->database_place = place_of(cmd);
    return NULL;
}

const char *um_config_database_see_driver(cmd_parms *cmd, void *directory, const char *driver)
{
    (void)directory;
    um_config_of(cmd)->dbd_driver = driver;
    um_config_of(cmd)->dbd_place = place_of(cmd);
    return NULL;
}

const char *um_config_database_see_params(cmd_parms *cmd, void *directory, const char *params)
{
    (void)directory;
    um_config_of(cmd)->dbd_params = params;
    um_config_of(cmd)->dbd_place = place_of(cmd);
    return NULL;
}

const char *um_config_database_see_init_sql(cmd_parms *cmd, void *directory, const char *sql)
{
    um_config_server_t *config = um_config_of(cmd);

    (void)directory;
    if (config->dbd_init_sql == NULL) {
        config->dbd_init_sql = apr_array_make(cmd->pool, 1, sizeof(const char *));
    }
    APR_ARRAY_PUSH(config->dbd_init_sql, const char *) = sql;
    return NULL;
}

const char *um_config_database_see_size(cmd_parms *cmd, void *directory, const char *number)
{
    (void)directory;
    (void)number;
    um_config_of(cmd)->has_dbd_size = 1;
    return NULL;
}

static int has_dbd(const um_config_server_t *config)
{
    return config->dbd_driver != NULL && config->dbd_params != NULL;
}

int um_config_database(um_config_database_t *database, const um_config_server_t *config)
{
    if (config->database_driver == NULL && !has_dbd(config)) {
        return 0;
    }
    database->driver = config->database_driver != NULL ? config->database_driver
                                                       : config->dbd_driver;
    database->params = config->database_driver != NULL ? config->database_params
                                                       : config->dbd_params;
    /* DBDInitSQL of mod_dbd may be SQL of another database. */
    database->init_sql = has_dbd(config) && strcmp(database->driver, config->dbd_driver) == 0
                                 && strcmp(database->params, config->dbd_params) == 0
                             ? config->dbd_init_sql
                             : NULL;
    return 1;
}

void um_config_database_file(um_database_file_t *file, const um_config_server_t *config)
{
    if (config->database_driver != NULL) {
        file->name = "UserMgmtDatabase";
        file->place = config->database_place;
        file->driver = config->database_driver;
        file->params = config->database_params;
    } else {
        file->name = "DBDParams";
        file->place = config->dbd_place;
        file->driver = config->dbd_driver;
        file->params = config->dbd_params;
    }
}
