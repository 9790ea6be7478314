/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_CONFIG_NUMBER_H
#define UM_HTTPD_CONFIG_NUMBER_H

/**
 * @file config_number.h
 * The directives that take a number or a time: one table has the range, the unit and the
 * default of each.
 */

#include "config.h"

typedef enum um_config_number_id_t {
    /* Numbers of a directory. */
    UM_MAX_BODY,
    UM_BODY_TIMEOUT,
    UM_FILTER_TIMEOUT,
    UM_ROLE_CACHE_TTL,
    UM_INVITATION_TTL,
    UM_SESSION_IDLE,
    UM_KEY_MAX_AGE,
    /* Numbers of a server. */
    UM_CONNECTIONS,
    UM_CONNECTION_WAIT,
    UM_MAIL_TIMEOUT,
    UM_MAIL_FIRST_PAUSE,
    UM_MAIL_GIVE_UP_AFTER,
    /* Numbers of all servers, which no <VirtualHost> may have. */
    UM_SESSION_TABLE,
    UM_SESSION_FLUSH,
    UM_MAX_STREAMS,
    UM_CONFIG_NUMBER_COUNT
} um_config_number_id_t;

/** The value of cmd->info for a directive with um_config_number_set(). */
#define UM_CONFIG_NUMBER(id) ((void *)(apr_uintptr_t)(id))

/** Take a directive's only argument. */
const char *um_config_number_set(cmd_parms *cmd, void *directory, const char *text);

/** The same for one of several arguments. NULL sets the default. */
const char *um_config_number_set_one(cmd_parms *cmd, void *directory, um_config_number_id_t id,
                                     const char *text);

/** Read a time within bounds that is a part of an argument. NULL, or the error. */
const char *um_config_number_parse_time(apr_interval_time_t *time, const cmd_parms *cmd,
                                        const char *text, apr_interval_time_t min,
                                        apr_interval_time_t max);

/** A number of a server's configuration, completed with its default: microseconds for a time.
 *  0 for UM_CONNECTIONS and UM_MAX_STREAMS where none is given. */
apr_int64_t um_config_number(const um_config_server_t *config, um_config_number_id_t id);

/** The same for a directory's. */
apr_int64_t um_config_directory_number(const um_config_directory_t *config,
                                       um_config_number_id_t id);

#endif
