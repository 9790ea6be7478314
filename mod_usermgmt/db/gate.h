/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_GATE_H
#define UM_DB_GATE_H

/**
 * @file gate.h
 * A gate that readers share and one writer closes. SQLite starts its log from the
 * beginning again only at a moment when nobody reads from it; where there are
 * always readers, the log would grow without limit. The gate is fair to both: a
 * waiting writer goes before new readers, and readers who waited for it go before
 * its next turn.
 */

#include <apr_pools.h>
#include <apr_time.h>

typedef struct um_gate_t um_gate_t;

/** Make a gate in pool. APR_SUCCESS, or why a mutex could not be had. */
apr_status_t um_gate_create(um_gate_t **gate, apr_pool_t *pool);

void um_gate_enter(um_gate_t *gate);
void um_gate_leave(um_gate_t *gate);

/** Close the gate and wait until nobody is inside. Non-zero where that is so; 0
 *  after that time, with the gate open again. */
int um_gate_close(um_gate_t *gate, apr_interval_time_t wait);
void um_gate_open(um_gate_t *gate);

#endif
