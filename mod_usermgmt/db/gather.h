/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_DB_GATHER_H
#define UM_DB_GATHER_H

/**
 * @file gather.h
 * Changes of several threads, each of which is one statement, gathered: one thread sends those
 * that wait with the same statement as one for many rows, and the others get its result. While
 * the database is busy with some, further ones gather. So nobody waits for others to come, and
 * the more changes there are, the more share one statement and one commit.
 *
 * SQLite has its writer (writer.h), which makes any changes together. Here they must be alike,
 * because each of them stands alone: it is committed by itself.
 */

#include <apr_pools.h>
#include <apr_ring.h>
#include <apr_thread_cond.h>

#include "../base/status.h"

typedef struct um_gather_t um_gather_t;

/** Changes that are sent as one, at most. */
#define UM_GATHER_MAX 32

/** A change. It lives on the stack of its thread until um_gather_run() returns. */
typedef struct um_gathered_t {
    /** Its place among those that wait. */
    APR_RING_ENTRY(um_gathered_t) link;
    /** The statement, and its values, a struct um_bind_NAME. */
    int statement;
    const void *values;
    /** The statement gives this text back for each change that it made. */
    const char *name;
    /** The order in which a group is written: that of these texts, so that no two groups wait for
     *  each other. */
    const char *order;
    /** How it ended, set by the function that sends it: APR_SUCCESS or UM_EUNAVAILABLE; was the
     *  change made; and was the answer of the database lost? */
    apr_status_t status;
    int is_made;
    int is_lost;
    /** For gather.c alone. */
    int state;
    apr_thread_cond_t *turn;
} um_gathered_t;

/** What a thread does for its change. */
typedef struct um_gather_calls_t {
    /** Called before the thread waits: give away what it does not need meanwhile. */
    void (*part)(void *baton);
    /** Sends so many changes, at most UM_GATHER_MAX, as one statement, and sets how they ended.
     *  The thread's own is among them. */
    void (*send)(um_gathered_t **changes, int count, void *baton);
    void *baton;
} um_gather_calls_t;

/** Make one, in pool. APR_SUCCESS, or why there is no mutex. */
apr_status_t um_gather_create(um_gather_t **gather, apr_pool_t *pool);

/**
 * Have a change sent, by this thread or by another one.
 * @param change its statement, values, name and order are set; the rest is set here
 * @return APR_SUCCESS if it was sent, however that ended
 */
apr_status_t um_gather_run(um_gather_t *gather, um_gathered_t *change,
                           const um_gather_calls_t *calls, apr_pool_t *pool);

#endif
