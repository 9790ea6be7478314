/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_CONFIG_DATABASE_H
#define UM_HTTPD_CONFIG_DATABASE_H

/**
 * @file config_database.h
 * The directives that name the database: the module's own, and those of mod_dbd, which count
 * where the module's own is not given.
 */

#include "config_number.h"
#include "database_file.h"

/* Each function is called by httpd with the arguments of its directive, and returns NULL, or the
 * error for configtest. */

/** UserMgmtDatabase. */
const char *um_config_database_set(cmd_parms *cmd, void *directory, const char *driver,
                                   const char *params);
/** DBDriver. */
const char *um_config_database_see_driver(cmd_parms *cmd, void *directory, const char *driver);
/** DBDParams. */
const char *um_config_database_see_params(cmd_parms *cmd, void *directory, const char *params);
/** DBDInitSQL. */
const char *um_config_database_see_init_sql(cmd_parms *cmd, void *directory, const char *sql);
/** DBDMin, DBDKeep and DBDMax. */
const char *um_config_database_see_size(cmd_parms *cmd, void *directory, const char *number);

/** These directives for um_config_directives[]. If mod_dbd is loaded, httpd gives its
 *  directives to it as well. */
/* clang-format off */
#define UM_CONFIG_DATABASE_DIRECTIVES                                                             \
    AP_INIT_TAKE2("UserMgmtDatabase", um_config_database_set, NULL, RSRC_CONF,                    \
                  "the driver of the database, sqlite3, pgsql or mysql, and its parameters"),     \
    AP_INIT_TAKE1("UserMgmtConnections", um_config_number_set, UM_CONFIG_NUMBER(UM_CONNECTIONS),  \
                  RSRC_CONF,                                                                      \
                  "how many connections to the database a process has at most"),                  \
    AP_INIT_TAKE1("UserMgmtConnectionWait", um_config_number_set,                                 \
                  UM_CONFIG_NUMBER(UM_CONNECTION_WAIT), RSRC_CONF,                                \
                  "how long a request waits for a connection, in seconds or with a unit"),        \
    AP_INIT_TAKE1("DBDriver", um_config_database_see_driver, NULL, RSRC_CONF,                     \
                  "the driver of the database where UserMgmtDatabase is not given"),              \
    AP_INIT_TAKE1("DBDParams", um_config_database_see_params, NULL, RSRC_CONF,                    \
                  "its parameters"),                                                              \
    AP_INIT_TAKE1("DBDInitSQL", um_config_database_see_init_sql, NULL, RSRC_CONF,                 \
                  "SQL to run on each connection"),                                               \
    AP_INIT_TAKE1("DBDMin", um_config_database_see_size, NULL, RSRC_CONF, "mod_dbd's alone"),     \
    AP_INIT_TAKE1("DBDKeep", um_config_database_see_size, NULL, RSRC_CONF, "mod_dbd's alone"),    \
    AP_INIT_TAKE1("DBDMax", um_config_database_see_size, NULL, RSRC_CONF, "mod_dbd's alone"),
/* clang-format on */

/** The database of a server. */
typedef struct um_config_database_t {
    const char *driver;
    const char *params;
    /** Of const char *; NULL for none. */
    const apr_array_header_t *init_sql;
} um_config_database_t;

/** Find the database of a server. Returns 0 if none is named. */
int um_config_database(um_config_database_t *database, const um_config_server_t *config);

/** The same, but also if only a part of what names a database is given. */
void um_config_database_file(um_database_file_t *file, const um_config_server_t *config);

#endif
