/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CLI_EXIT_H
#define UM_CLI_EXIT_H

/** @file exit.h The exit codes of usermgmtctl. */

typedef enum um_exit_t {
    UM_EXIT_OK = 0,
    /** Something failed or was refused; other parts may be done. */
    UM_EXIT_REFUSED = 1,
    /** The command line is wrong; nothing was done. */
    UM_EXIT_USAGE = 2,
    /** The database can't be reached, stays busy, or has a schema that the tool can't use. */
    UM_EXIT_DATABASE = 3
} um_exit_t;

#endif
