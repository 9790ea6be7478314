/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CLI_TOOL_H
#define UM_CLI_TOOL_H

/**
 * @file tool.h
 * The data and the helpers of a command of usermgmtctl: its options, the database, its
 * output. Commands return exit codes. "After a message" in comments means that a message
 * was printed on the standard error.
 */

#include <apr_file_io.h>
#include <apr_thread_mutex.h>

#include "../core/store.h"
#include "../core/store_organizations.h"
#include "../core/store_records.h"
#include "../db/connection.h"
#include "exit.h"
#include "options.h"
#include "output.h"

/** Idle connections that are kept: one for reading, one for the writer. */
#define UM_TOOL_IDLE_MAX 2

/** How many random bytes one system call gets. No call asks for more. */
#define UM_TOOL_RANDOM 4096

typedef struct um_tool_t {
    apr_pool_t *pool;
    um_options_t options;
    /** The actor in the audit trail: usermgmtctl:LOGIN. */
    const char *actor;
    const char *driver_name;
    const char *params;
    um_host_t host;
    um_store_t *store;
    um_output_t out;
    /** Of um_kept_file_t: protected files. NULL for none. */
    apr_array_header_t *kept;

    /* host.c's own. */
    um_database_t database;
    apr_thread_mutex_t *mutex;
    um_connection_t *idle[UM_TOOL_IDLE_MAX];
    int idle_count;
    /* Random bytes that are not used yet; they are taken from the end. */
    unsigned char random[UM_TOOL_RANDOM];
    apr_size_t random_left;
    /* While a change is retried, only its last error is kept, and printed at the end. */
    int holds_log;
    char held_line[1024];
    /* The outcome of its commit is unknown, so it is not retried. */
    int is_uncertain;
} um_tool_t;

/** Print a message on the standard error, after "usermgmtctl: ". Control characters from a
 *  file or the database are escaped, so that a terminal only shows them. */
void um_tool_say(const um_tool_t *tool, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Print a message of several lines; each must be safe for a terminal. */
void um_tool_say_lines(const char *text);

/**
 * Get ready to use the database that the options name.
 * @param may_create whether the database may be a file that does not exist yet
 */
um_exit_t um_tool_connect(um_tool_t *tool, int may_create);

/** Have a change made, see um_store_change(). If the database is busy, it is retried until
 *  --wait is over. It is not retried if the outcome of its commit is unknown. */
apr_status_t um_tool_change(um_tool_t *tool, um_change_fn_t *change, void *baton,
                            apr_pool_t *pool);

/** The exit code for the status of a store function. */
um_exit_t um_tool_exit(apr_status_t status);

/** Read an organization. UM_ENOTFOUND, after a message, if there is none with that name. */
apr_status_t um_tool_get_organization(um_organization_t **organization, const um_tool_t *tool,
                                      um_db_t *db, const char *name, apr_pool_t *pool);

/** The id of the organization of --org; without --org that of "default". */
um_exit_t um_tool_find_organization(apr_int64_t *org_id, um_tool_t *tool);

/** Tell whether the format is CSV: by --format or --excel, otherwise by the name of the file,
 *  which may be NULL. */
um_exit_t um_tool_read_format(int *is_csv, const um_tool_t *tool, const char *file);

/** Send the output to the file of --output, if it was given. */
um_exit_t um_tool_open_output(um_tool_t *tool);

/** The audit event of a change, made now. */
um_audit_event_t um_tool_event(const um_tool_t *tool, const char *action, const char *target,
                               const char *before, const char *after);

/** Write the audit event of a change; before and after are JSON texts or NULL. */
apr_status_t um_tool_audit(const um_tool_t *tool, um_db_t *db, apr_int64_t org_id,
                           const char *action, const char *target, const char *before,
                           const char *after, apr_pool_t *pool);

/** Write a text to the output. UM_EXIT_OK, or UM_EXIT_REFUSED after a message. */
um_exit_t um_tool_write(const um_tool_t *tool, const um_buffer_t *text);

#endif
