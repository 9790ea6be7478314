/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CLI_OUTPUT_H
#define UM_CLI_OUTPUT_H

/**
 * @file output.h
 * The files that a command writes, with care: the tool is often run by root, in folders
 * where others may write. A regular file is never written over: a new one, of mode 0600
 * and made by nobody else, takes its place. Links are followed if they are root's or the
 * caller's own; they stay, and so do devices and pipes. What the tool reads, and the
 * database, is never written to, by whatever name it is called.
 */

#include <sys/stat.h>

#include <apr_file_io.h>
#include <apr_tables.h>

#include "../base/buffer.h"
#include "exit.h"

struct um_tool_t;

/** When a new file takes its place. */
typedef enum um_output_when_t {
    /** Once it is whole. */
    UM_OUTPUT_AT_END,
    /** At once, so that it can be read while it grows. */
    UM_OUTPUT_AT_ONCE
} um_output_when_t;

typedef struct um_output_t {
    /** As it is called in messages. */
    const char *name;
    apr_file_t *file;
    /** The new file that is to take a path's place; NULL for none. */
    const char *part;
    const char *path;
    int is_regular;
    /** Whether a terminal, or somebody's log, shows it. */
    int is_shown;
    /** Whether it is one of the process's own, which stays open. */
    int is_standard;
} um_output_t;

/** A file that must not be written to. */
typedef struct um_kept_file_t {
    /** What it is: "the database". */
    const char *what;
    /** NULL where it is an open file: */
    const char *path;
    dev_t device;
    ino_t inode;
} um_kept_file_t;

/** Tell whether a path is a link of another user's than root and the caller: it may lead
 *  anywhere. */
int um_output_is_strangers_link(const char *path);

/** Keep a file, or one that is open, from being written to. */
void um_output_keep(struct um_tool_t *tool, const char *what, const char *path);
void um_output_keep_open(struct um_tool_t *tool, const char *what, int file);

/** Have the output go to standard output or standard error. UM_EXIT_REFUSED, told, where that
 *  is a file that must not be written to. */
um_exit_t um_output_open_standard(um_output_t *output, const struct um_tool_t *tool,
                                  int file);

/**
 * Have the output go to a file; nothing is written yet.
 * @param option the option that names it, for messages
 * @param name   "-" for the standard output
 * @return UM_EXIT_OK or UM_EXIT_REFUSED, told
 */
um_exit_t um_output_open(um_output_t *output, const struct um_tool_t *tool, const char *option,
                         const char *name, um_output_when_t when);

/** Append a text. UM_EXIT_OK or UM_EXIT_REFUSED, told. */
um_exit_t um_output_write(const um_output_t *output, const struct um_tool_t *tool,
                          const um_buffer_t *text);

/** End the output. A file that waits for its place gets it if end is UM_EXIT_OK, else it is
 *  dropped. Gives end, or UM_EXIT_REFUSED, told. */
um_exit_t um_output_close(um_output_t *output, const struct um_tool_t *tool,
                          um_exit_t end);

#endif
