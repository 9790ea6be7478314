/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_VIOLATION_H
#define UM_BASE_VIOLATION_H

/** @file violation.h The result of a check of a value: which rule it breaks. */

/** One broken rule, as the client is told it. */
typedef struct um_violation_t {
    /** Stable, snake_case. */
    const char *code;
    /** A sentence for people. */
    const char *detail;
} um_violation_t;

#endif
