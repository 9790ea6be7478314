/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_VIOLATION_H
#define UM_BASE_VIOLATION_H

/** @file violation.h A broken rule, as the checks of values give it. */

/** One broken rule, as it is told to the client. */
typedef struct um_violation_t {
    /** Stable, snake_case. */
    const char *code;
    /** A sentence for people. */
    const char *detail;
} um_violation_t;

#endif
