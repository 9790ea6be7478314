/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_SHARED_READS_H
#define UM_CORE_SHARED_READS_H

/**
 * @file shared_reads.h
 * Short reads by many threads of a process, answered together. On a database server such a read
 * is mostly the way to the server and back, and the switches between the processes. So a few
 * threads at a time ask the server: each asks for itself, and for those of the threads that wait
 * meanwhile which the same statement can answer. A read never gets an answer to a statement that
 * was sent before the read began.
 *
 * It also shortens the longest waits. Each connection is a process of the server. Where the
 * server and httpd share processors, and Linux schedules each session for itself (autogroup), a
 * process that is used now and then waits for up to some 100 ms for a processor. One that works
 * all the time does not.
 */

#include "store.h"

typedef struct um_shared_reads_t um_shared_reads_t;

/** Reads that are answered together, at most. */
#define UM_SHARED_READS_MAX 32

/**
 * Ask the database for some reads.
 * @param wanted of each read, its member wanted; the answer is stored there, and in its pool
 * @param count  of them, 1 to UM_SHARED_READS_MAX
 * @param pool   of one of the threads
 * @return the outcome of all reads
 */
typedef apr_status_t um_shared_ask_fn_t(void *const *wanted, int count, um_store_t *store,
                                        apr_pool_t *pool);

/** A kind of reads. It is constant. */
typedef struct um_shared_kind_t {
    um_shared_ask_fn_t *ask;
    /** Non-zero if there is a statement for 1, 2, 4, 8 … reads, but not for other numbers. */
    int doubles;
} um_shared_kind_t;

/** A read. */
typedef struct um_shared_read_t {
    const um_shared_kind_t *kind;
    /** Reads of one kind with the same key can be answered together. */
    apr_int64_t key;
    /** The question and its answer. */
    void *wanted;
    /** The thread's. */
    apr_pool_t *pool;
} um_shared_read_t;

/** Make what the reads of a store share, in pool. APR_SUCCESS, or why a mutex can't be made. */
apr_status_t um_shared_reads_create(um_shared_reads_t **reads, apr_pool_t *pool);

/**
 * Read outside of a change.
 * @param reads NULL: the thread asks for itself alone
 * @return the outcome that the function of its kind returned
 */
apr_status_t um_shared_reads_run(um_shared_reads_t *reads, const um_shared_read_t *read,
                                 um_store_t *store);

#endif
