/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CLI_INTERRUPT_H
#define UM_CLI_INTERRUPT_H

/**
 * @file interrupt.h
 * SIGINT (^C), SIGTERM and SIGHUP end a long command at a point where it can say what is
 * done. The second signal of a kind ends the process at once.
 */

#include <apr_errno.h>
#include <apr_file_io.h>

/** From now on only remember that a signal came. */
void um_interrupt_watch(void);

/** Tell whether a signal came. */
int um_interrupt_came(void);

/** Wait until a file can be read. APR_EINTR if a signal comes first. */
apr_status_t um_interrupt_wait(apr_file_t *file);

#endif
