/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CLI_OUTPUT_H
#define UM_CLI_OUTPUT_H

/**
 * @file output.h
 * The files that a command writes. It is careful, because the tool is often run by root in
 * folders where others can write. It never writes into a regular file, but replaces it by
 * a new one of mode 0600. It follows a link, also to a folder, only if the link belongs to root
 * or to the caller. Links, devices and pipes are not replaced. It never writes to the database or
 * to a file that the tool reads, under any name.
 */

#include <sys/stat.h>

#include <apr_file_io.h>
#include <apr_tables.h>

#include "../base/buffer.h"
#include "exit.h"

struct um_tool_t;

/** When the new file replaces the old one. */
typedef enum um_output_when_t {
    /** When it is complete. */
    UM_OUTPUT_AT_END,
    /** At once, so that it can be read while it grows. */
    UM_OUTPUT_AT_ONCE
} um_output_when_t;

typedef struct um_output_t {
    /** Its name in messages. */
    const char *name;
    apr_file_t *file;
    /** The new file that will replace the file at path; NULL for none. Both are in the open
     *  folder. */
    const char *part;
    const char *path;
    int folder;
    int is_regular;
    /** Whether a terminal or a log shows it. */
    int is_shown;
    /** Whether it is a standard file of the process, which stays open. */
    int is_standard;
} um_output_t;

/** A file that must not be written to. */
typedef struct um_kept_file_t {
    /** What it is: "the database". */
    const char *what;
    /** NULL for an open file, which has device and inode: */
    const char *path;
    dev_t device;
    ino_t inode;
} um_kept_file_t;

/** Tell whether a path is a link of somebody other than root and the caller. Such a link may
 *  lead anywhere. */
int um_output_is_strangers_link(const char *path);

/** Protect a file: no output is written to it. what names it in the message. */
void um_output_keep(struct um_tool_t *tool, const char *what, const char *path);
/** The same for a file that is open. */
void um_output_keep_open(struct um_tool_t *tool, const char *what, int file);

/** Send the output to standard output or standard error. UM_EXIT_REFUSED, after a message, if
 *  that is a protected file. */
um_exit_t um_output_open_standard(um_output_t *output, const struct um_tool_t *tool, int file);

/**
 * Send the output to a file; nothing is written yet.
 * @param option the option that names it, for messages
 * @param name   "-" for the standard output
 * @return UM_EXIT_OK, or UM_EXIT_REFUSED after a message
 */
um_exit_t um_output_open(um_output_t *output, const struct um_tool_t *tool, const char *option,
                         const char *name, um_output_when_t when);

/** Append a text. UM_EXIT_OK, or UM_EXIT_REFUSED after a message. */
um_exit_t um_output_write(const um_output_t *output, const struct um_tool_t *tool,
                          const um_buffer_t *text);

/** End the output. If end is UM_EXIT_OK, a new file replaces the old one, otherwise it is
 *  deleted. Returns end, or UM_EXIT_REFUSED after a message. */
um_exit_t um_output_close(um_output_t *output, const struct um_tool_t *tool, um_exit_t end);

#endif
