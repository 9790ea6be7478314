/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CLI_COMMANDS_H
#define UM_CLI_COMMANDS_H

/** @file commands.h The commands, one file for each subject. They run after the database is
 *  connected. words are the arguments after the command's two names. */

#include "tool.h"

typedef um_exit_t um_command_fn_t(um_tool_t *tool, const char *const *words, int count);

/* schema.c */
um_command_fn_t um_schema_command_status;
um_command_fn_t um_schema_command_create;
um_command_fn_t um_schema_command_upgrade;
um_command_fn_t um_schema_command_verify;

/* organizations.c */
um_command_fn_t um_organizations_command_list;
um_command_fn_t um_organizations_command_show;
um_command_fn_t um_organizations_command_create;
um_command_fn_t um_organizations_command_set;

/* keys.c */
um_command_fn_t um_keys_command_create;
um_command_fn_t um_keys_command_list;
um_command_fn_t um_keys_command_rotate;
um_command_fn_t um_keys_command_revoke;

/* prune.c */
um_command_fn_t um_prune_command_audit;
um_command_fn_t um_prune_command_sessions;
um_command_fn_t um_prune_command_invitations;
um_command_fn_t um_prune_command_idempotency;

/* erase.c, show.c */
um_command_fn_t um_users_command_erase;
um_command_fn_t um_users_command_show;

/* backup.c */
um_command_fn_t um_backup_command;

/* export.c, import.c */
um_command_fn_t um_audit_command_export;
um_command_fn_t um_users_command_export;
um_command_fn_t um_users_command_import;

#endif
