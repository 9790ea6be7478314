/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_GATE_H
#define UM_DB_GATE_H

/**
 * @file gate.h
 * A gate for many readers that one writer can close. SQLite can restart its log only while
 * nobody reads, so with readers at all times the log would grow without limit. The gate is
 * fair: a waiting writer goes before new readers, and readers that waited for it go before
 * its next turn. A limit (limit.h) bounds how many threads are inside; a gate does not.
 */

#include <apr_pools.h>
#include <apr_time.h>

typedef struct um_gate_t um_gate_t;

/** Make a gate in pool. APR_SUCCESS, or why a mutex can't be made. */
apr_status_t um_gate_create(um_gate_t **gate, apr_pool_t *pool);

/** Enter as a reader; wait while the gate is closed. Each reader leaves once. */
void um_gate_enter(um_gate_t *gate);
/** Leave as a reader. The last one to leave lets the waiting writer go on. */
void um_gate_leave(um_gate_t *gate);

/** Close the gate and wait until nobody is inside. Returns non-zero then. If readers are
 *  still inside after that time, it opens the gate again and returns 0. */
int um_gate_close(um_gate_t *gate, apr_interval_time_t wait);
/** Open the gate after um_gate_close() returned non-zero. */
void um_gate_open(um_gate_t *gate);

#endif
