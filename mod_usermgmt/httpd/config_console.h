/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_CONFIG_CONSOLE_H
#define UM_HTTPD_CONFIG_CONSOLE_H

/** @file config_console.h The directives of the web console. */

#include "config.h"

/** UserMgmtConsoleColor. Returns NULL, or the error for configtest. */
const char *um_config_console_set_color(cmd_parms *cmd, void *directory, const char *text);
/** UserMgmtConsoleTitle. Returns NULL, or the error for configtest. */
const char *um_config_console_set_title(cmd_parms *cmd, void *directory, const char *text);
/** UserMgmtConsoleLogo. Returns NULL, or the error for configtest. */
const char *um_config_console_set_logo(cmd_parms *cmd, void *directory, const char *text);

/** These directives for um_config_directives[]. */
/* clang-format off */
#define UM_CONFIG_CONSOLE_DIRECTIVES                                                              \
    AP_INIT_FLAG("UserMgmtConsole", ap_set_flag_slot,                                             \
                 (void *)APR_OFFSETOF(um_config_directory_t, console), RSRC_CONF | ACCESS_CONF,   \
                 "On: the web console is served at console/ below the service"),                  \
    AP_INIT_TAKE1("UserMgmtConsoleColor", um_config_console_set_color, NULL,                      \
                  RSRC_CONF | ACCESS_CONF, "the accent colour of the web console: #rrggbb"),      \
    AP_INIT_TAKE1("UserMgmtConsoleTitle", um_config_console_set_title, NULL,                      \
                  RSRC_CONF | ACCESS_CONF, "the name that the web console shows"),                \
    AP_INIT_TAKE1("UserMgmtConsoleLogo", um_config_console_set_logo, NULL,                        \
                  RSRC_CONF | ACCESS_CONF,                                                        \
                  "the path of an image on this server that the web console shows"),
/* clang-format on */

#endif
