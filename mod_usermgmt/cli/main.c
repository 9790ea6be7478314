/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file main.c usermgmtctl: the table of commands, and how one is found and run. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_user.h>

#include "../rest/permission.h"
#include "commands.h"

typedef struct um_command_t {
    const char *noun;
    /* Empty for a command that is one word. */
    const char *verb;
    /* The arguments, for the help; and their number. */
    const char *words;
    int count;
    /* Of um_option_t: the options in addition to those of every command. */
    unsigned options;
    /* Whether the database may be a file that does not exist yet. */
    int may_create;
    um_command_fn_t *run;
    const char *help;
} um_command_t;

#define UM_OPTIONS_PRUNE (UM_OPTION_OLDER_THAN | UM_OPTION_DRY_RUN)

static const um_command_t commands[] = {
    { "schema", "status", "", 0, 0, 0, um_schema_command_status,
      "show the schema's version; exit status 1 unless it is current" },
    { "schema", "create", "", 0, 0, 1, um_schema_command_create, "create the schema" },
    { "schema", "upgrade", "", 0, 0, 0, um_schema_command_upgrade,
      "upgrade the schema to the current version" },
    { "schema", "verify", "", 0, 0, 0, um_schema_command_verify,
      "have the database prepare every statement" },
    { "org", "list", "", 0, 0, 0, um_organizations_command_list,
      "list the organizations, one JSON object a line" },
    { "org", "show", " NAME", 1, 0, 0, um_organizations_command_show,
      "show an organization and its counts" },
    { "org", "create", " NAME", 1, 0, 0, um_organizations_command_create,
      "create an organization" },
    { "org", "set", " NAME payment_type=TYPE", 2, 0, 0, um_organizations_command_set,
      "set how an organization pays" },
    { "users", "export", "", 0,
      UM_OPTION_ORG | UM_OPTION_FORMAT | UM_OPTION_OUTPUT | UM_OPTION_EXCEL, 0,
      um_users_command_export, "write all users of an organization" },
    { "users", "import", " FILE|-", 1,
      UM_OPTION_ORG | UM_OPTION_FORMAT | UM_OPTION_DRY_RUN | UM_OPTION_RESUME | UM_OPTION_REPORT
          | UM_OPTION_WITH_ROLES | UM_OPTION_MAP,
      0, um_users_command_import, "create users from a file" },
    { "users", "show", " UID", 1, UM_OPTION_ORG | UM_OPTION_OUTPUT, 0, um_users_command_show,
      "write all that is known of a person" },
    { "users", "erase", " UID", 1, UM_OPTION_ORG, 0, um_users_command_erase,
      "erase a person from everything, the audit trail included" },
    { "keys", "create", " NAME", 1,
      UM_OPTION_ORG | UM_OPTION_PERMISSIONS | UM_OPTION_ROLE | UM_OPTION_EXPIRES_IN
          | UM_OPTION_ALLOW_FROM,
      0, um_keys_command_create, "make an API key, and print it this one time" },
    { "keys", "list", "", 0, UM_OPTION_ORG, 0, um_keys_command_list,
      "list the API keys of an organization, one JSON object a line" },
    { "keys", "rotate", " KEY_ID", 1, UM_OPTION_GRACE, 0, um_keys_command_rotate,
      "give an API key a new secret, and print it this one time" },
    { "keys", "revoke", " KEY_ID", 1, 0, 0, um_keys_command_revoke, "end an API key" },
    { "prune", "audit", "", 0, UM_OPTIONS_PRUNE | UM_OPTION_ORG, 0, um_prune_command_audit,
      "delete old audit events, in all organizations or in that of --org" },
    { "prune", "sessions", "", 0, UM_OPTIONS_PRUNE | UM_OPTION_ORG, 0, um_prune_command_sessions,
      "delete sessions that were last used long ago" },
    { "prune", "invitations", "", 0, UM_OPTIONS_PRUNE | UM_OPTION_ORG, 0,
      um_prune_command_invitations, "delete invitations that ended long ago" },
    { "prune", "idempotency", "", 0, UM_OPTIONS_PRUNE, 0, um_prune_command_idempotency,
      "delete old answers to requests with an Idempotency-Key, in all organizations" },
    { "audit", "export", "", 0, UM_OPTION_ORG | UM_OPTION_OUTPUT, 0, um_audit_command_export,
      "write the audit trail of an organization" },
    { "backup", "", "FILE", 1, 0, 0, um_backup_command,
      "copy an SQLite database while it is used" },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(apr_pool_t *pool)
{
    unsigned options = UM_OPTIONS_COMMON;

    puts("usage: usermgmtctl [OPTION ...] COMMAND\n\nCommands:");
    for (apr_size_t i = 0; i < COMMAND_COUNT; i++) {
        printf("  %s %s%s\n        %s\n", commands[i].noun, commands[i].verb, commands[i].words,
               commands[i].help);
        options |= commands[i].options;
    }
    printf(
        "\nOptions:\n%s\n"
        "Permissions: %s\n\n"
        "Exit status: 0 done; 1 something failed or was refused; 2 the command line is wrong;\n"
        "3 the database can't be reached, stays busy, or has an unknown schema.\n",
        um_options_help(options, pool), um_permission_names(um_permission_all(), pool));
}

static const char *word(const um_options_t *options, int index)
{
    return index < options->words->nelts ? APR_ARRAY_IDX(options->words, index, const char *)
                                         : "";
}

/* The number of words that name a command. */
static int name_length(const um_command_t *command)
{
    return command->verb[0] != '\0' ? 2 : 1;
}

static const um_command_t *find_command(const um_options_t *options)
{
    for (apr_size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].noun, word(options, 0)) == 0
            && (name_length(&commands[i]) == 1
                || strcmp(commands[i].verb, word(options, 1)) == 0)) {
            return &commands[i];
        }
    }
    return NULL;
}

static const char *find_actor(apr_pool_t *pool)
{
    apr_uid_t uid = 0;
    apr_gid_t gid = 0;
    char *name = NULL;

    apr_uid_current(&uid, &gid, pool);
    if (apr_uid_name_get(&name, uid, pool) != APR_SUCCESS) {
        name = apr_psprintf(pool, "%lu", (unsigned long)uid);
    }
    return apr_pstrcat(pool, "usermgmtctl:", name, NULL);
}

/* Why the words are no command: the verb is missing, or a word is unknown. */
static const char *explain_unknown(const um_options_t *options, apr_pool_t *pool)
{
    const char *noun = word(options, 0);
    const char *verb = word(options, 1);
    const char *verbs = NULL;

    for (apr_size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].noun, noun) == 0) {
            verbs = apr_pstrcat(pool, verbs != NULL ? verbs : "", verbs != NULL ? ", " : "",
                                commands[i].verb, NULL);
        }
    }
    if (options->words->nelts == 0) {
        return "no command is given";
    }
    if (verbs == NULL || *verb == '\0') {
        return verbs == NULL ? apr_psprintf(pool, "unknown command \"%s\"", noun)
                             : apr_psprintf(pool, "\"%s\" needs one of: %s", noun, verbs);
    }
    return apr_psprintf(pool, "unknown command \"%s %s\"; \"%s\" has: %s", noun, verb, noun,
                        verbs);
}

/* NULL, or what is wrong with the command line. */
static const char *check_command(const um_command_t *command, const um_options_t *options,
                                 apr_pool_t *pool)
{
    const char *other;

    if (command == NULL) {
        return explain_unknown(options, pool);
    }
    other = um_options_find_other(options, UM_OPTIONS_COMMON | command->options);
    if (other != NULL) {
        return apr_psprintf(pool, "%s %s does not take --%s", command->noun, command->verb,
                            other);
    }
    if (options->words->nelts - name_length(command) != command->count) {
        return apr_psprintf(pool, "usage: usermgmtctl %s %s%s", command->noun, command->verb,
                            command->words);
    }
    return NULL;
}

static um_exit_t run(um_tool_t *tool)
{
    const um_options_t *options = &tool->options;
    const um_command_t *command = find_command(options);
    const char *wrong = check_command(command, options, tool->pool);
    um_exit_t end;

    if (wrong != NULL) {
        um_tool_say(tool, "%s; see usermgmtctl --help", wrong);
        return UM_EXIT_USAGE;
    }
    tool->actor = find_actor(tool->pool);
    end = um_tool_connect(tool, command->may_create);
    if (end == UM_EXIT_OK) {
        end = um_output_open_standard(&tool->out, tool, STDOUT_FILENO);
    }
    if (end == UM_EXIT_OK) {
        end = command->run(tool, (const char *const *)options->words->elts + name_length(command),
                           command->count);
    }
    return end;
}

/* If a standard file is closed, open /dev/null in its place. Otherwise the next file that is
 * opened would get its number, for instance the database. The modes are chosen so that reading
 * the input fails, writing the output fails, and messages get lost. */
static int open_standard_files(void)
{
    static const int modes[] = { O_WRONLY, O_RDONLY, O_WRONLY };

    for (int file = STDIN_FILENO; file <= STDERR_FILENO; file++) {
        if (fcntl(file, F_GETFD) < 0 && open("/dev/null", modes[file]) != file) {
            return 0;
        }
    }
    return 1;
}

int main(int argc, char **argv)
{
    um_tool_t *tool;
    apr_pool_t *pool = NULL;
    const char *wrong;
    um_exit_t end = UM_EXIT_OK;

    if (!open_standard_files()) {
        return UM_EXIT_REFUSED;
    }
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        fputs("usermgmtctl: APR can't be started\n", stderr);
        return UM_EXIT_REFUSED;
    }
    tool = apr_pcalloc(pool, sizeof(*tool));
    tool->pool = pool;
    wrong = um_options_read(&tool->options, argc, argv, pool);
    if (wrong != NULL) {
        um_tool_say(tool, "%s; see usermgmtctl --help", wrong);
        end = UM_EXIT_USAGE;
    } else if ((tool->options.given & UM_OPTION_HELP) != 0) {
        print_help(pool);
    } else if ((tool->options.given & UM_OPTION_VERSION) != 0) {
        puts("usermgmtctl " UM_VERSION);
    } else {
        end = run(tool);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        um_tool_say(tool, "the output can't be written");
        end = UM_EXIT_REFUSED;
    }
    apr_terminate();
    return end;
}
