/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file config_console.c The web console's directives, see config_console.h. */

#include "config_console.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "../base/text.h"

/* In characters. */
#define MAX_TITLE 64

const char *um_config_console_set_color(cmd_parms *cmd, void *directory, const char *text)
{
    um_config_directory_t *config = directory;
    int digits = 0;

    while (text[0] == '#' && apr_isxdigit(text[1 + digits])) {
        digits++;
    }
    if (digits != 6 || text[7] != '\0') {
        return apr_psprintf(cmd->pool, "%s: \"%s\" is no colour such as \"#3b5bdb\"",
                            cmd->cmd->name, text);
    }
    config->console_color = text;
    return NULL;
}

const char *um_config_console_set_title(cmd_parms *cmd, void *directory, const char *text)
{
    um_config_directory_t *config = directory;

    if (!um_text_is_utf8(text, strlen(text)) || um_text_has_control(text)
        || um_text_shows_nothing(text) || um_text_count(text) > MAX_TITLE) {
        return apr_psprintf(cmd->pool,
                            "%s: a title is 1 to %d characters in UTF-8, and not only blanks",
                            cmd->cmd->name, MAX_TITLE);
    }
    config->console_title = text;
    return NULL;
}

const char *um_config_console_set_logo(cmd_parms *cmd, void *directory, const char *text)
{
    um_config_directory_t *config = directory;

    /* Two slashes would name another host, which the console's policy forbids. */
    if (text[0] != '/' || text[1] == '/' || text[1] == '\\' || !um_text_is_ascii(text)
        || um_text_has_control(text)) {
        return apr_psprintf(cmd->pool, "%s: \"%s\" is no path on this server such as /logo.svg",
                            cmd->cmd->name, text);
    }
    config->console_logo = text;
    return NULL;
}
