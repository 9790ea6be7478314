/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_GATE_H
#define UM_CORE_GATE_H

/**
 * @file gate.h
 * A gate that readers share and one writer closes. apr_dbd's SQLite driver has
 * one mutex a process round every call; without a gate, readers queueing for it
 * starve the writer between the statements of its transaction. The gate is
 * fair to both: a waiting writer goes before new readers, and readers who
 * waited for it go before its next turn.
 */

#include <apr_pools.h>

typedef struct um_gate_t um_gate_t;

/** Make a gate in pool. APR_SUCCESS, or why a mutex could not be had. */
apr_status_t um_gate_create(um_gate_t **gate, apr_pool_t *pool);

void um_gate_enter(um_gate_t *gate);
void um_gate_leave(um_gate_t *gate);

void um_gate_close(um_gate_t *gate);
void um_gate_open(um_gate_t *gate);

#endif
