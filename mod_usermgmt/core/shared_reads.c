/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file shared_reads.c Reads of many threads in one statement, see shared_reads.h. */

#include "shared_reads.h"

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "../base/ticks.h"
#include "../db/wait.h"

/* Threads that ask the database at the same time for reads that can be answered together: so many
 * that few clients never wait for each other. */
#define LEADERS_MAX 4

/* While a statement for so many reads is asked, or after it, one thread asks: many clients wait
 * anyhow, and each statement less saves processor time. */
#define CROWD 8

/* A thread that has waited for so long asks the database itself: all those that ask may be
 * waiting for a server that hangs. */
#define WAIT_MAX apr_time_from_msec(100)

typedef enum um_reader_state_t {
    /* In the queue. */
    READER_WAITS,
    /* It asks for itself and for others. */
    READER_LEADS,
    /* Another thread asks for it. */
    READER_IS_TAKEN,
    READER_IS_DONE
} um_reader_state_t;

/* A thread that reads; this is on its stack. */
typedef struct um_reader_t {
    const um_shared_read_t *read;
    um_reader_state_t state;
    apr_status_t status;
    apr_thread_cond_t *told;
    /* Of a leader: the number of reads of its statement. */
    int count;
    /* In the queue, or among the leaders. */
    struct um_reader_t *next;
} um_reader_t;

/* Readers in the order of their arrival. */
typedef struct um_reader_list_t {
    um_reader_t *first;
    um_reader_t **last;
} um_reader_list_t;

struct um_shared_reads_t {
    apr_thread_mutex_t *mutex;
    um_reader_list_t waiting;
    um_reader_list_t leaders;
};

apr_status_t um_shared_reads_create(um_shared_reads_t **reads, apr_pool_t *pool)
{
    um_shared_reads_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t status = apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, pool);

    made->waiting.last = &made->waiting.first;
    made->leaders.last = &made->leaders.first;
    if (status == APR_SUCCESS) {
        *reads = made;
    }
    return status;
}

/* ---- lists of readers; with the mutex held ---- */

static void append(um_reader_list_t *list, um_reader_t *reader)
{
    *list->last = reader;
    list->last = &reader->next;
}

static um_reader_t *take_at(um_reader_list_t *list, um_reader_t **link)
{
    um_reader_t *reader = *link;

    *link = reader->next;
    if (reader->next == NULL) {
        list->last = link;
    }
    reader->next = NULL;
    return reader;
}

static void take_out(um_reader_list_t *list, const um_reader_t *reader)
{
    um_reader_t **link = &list->first;

    while (*link != NULL && *link != reader) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        take_at(list, link);
    }
}

/* Can one statement answer both? */
static int is_alike(const um_reader_t *one, const um_reader_t *other)
{
    return one->read->kind == other->read->kind && one->read->key == other->read->key;
}

static int count_alike(const um_reader_list_t *list, const um_reader_t *reader)
{
    int count = 0;

    for (const um_reader_t *other = list->first; other != NULL; other = other->next) {
        count += is_alike(other, reader);
    }
    return count;
}

/* The one like this that has waited for the longest time is taken out; NULL if there is none. */
static um_reader_t *take_alike(um_reader_list_t *list, const um_reader_t *reader)
{
    for (um_reader_t **link = &list->first; *link != NULL; link = &(*link)->next) {
        if (is_alike(*link, reader)) {
            return take_at(list, link);
        }
    }
    return NULL;
}

static void tell(um_reader_t *reader, um_reader_state_t state)
{
    reader->state = state;
    apr_thread_cond_signal(reader->told);
}

static int leaders_max(int count)
{
    return count < CROWD ? LEADERS_MAX : 1;
}

/* May a thread that comes now ask the database? */
static int may_lead(const um_shared_reads_t *reads, const um_reader_t *reader)
{
    int largest = 0;
    int count = 0;

    for (const um_reader_t *leader = reads->leaders.first; leader != NULL;
         leader = leader->next) {
        if (is_alike(leader, reader)) {
            largest = leader->count > largest ? leader->count : largest;
            count++;
        }
    }
    return count < leaders_max(largest);
}

static void become_leader(um_shared_reads_t *reads, um_reader_t *reader)
{
    reader->count = 1;
    append(&reads->leaders, reader);
}

/* ---- asking the database ---- */

/* How many reads there are for one statement, of those that wait and the leader. */
static int choose_count(const um_shared_reads_t *reads, const um_reader_t *leader)
{
    int present = 1 + count_alike(&reads->waiting, leader);
    int count = 1;

    if (present > UM_SHARED_READS_MAX) {
        present = UM_SHARED_READS_MAX;
    }
    if (!leader->read->kind->doubles) {
        return present;
    }
    while (count * 2 <= present) {
        count *= 2;
    }
    return count;
}

/* The last leader does not end while others wait. The next one begins before the readers of this
 * one are told, because it has to wake up. */
static void finish(um_shared_reads_t *reads, um_reader_t *const *readers, int count,
                   apr_status_t status)
{
    um_reader_t *leader = readers[0];
    um_reader_t *next = NULL;

    if (count_alike(&reads->leaders, leader) <= leaders_max(count)) {
        next = take_alike(&reads->waiting, leader);
    }
    take_out(&reads->leaders, leader);
    if (next != NULL) {
        become_leader(reads, next);
        tell(next, READER_LEADS);
    }
    for (int i = 0; i < count; i++) {
        readers[i]->status = status;
        if (i > 0) {
            tell(readers[i], READER_IS_DONE);
        }
    }
}

/* Ask for the leader, and for other readers. The mutex is held before and after. */
static void lead(um_shared_reads_t *reads, um_reader_t *leader, um_store_t *store)
{
    um_reader_t *readers[UM_SHARED_READS_MAX] = { leader };
    void *wanted[UM_SHARED_READS_MAX] = { leader->read->wanted };
    int count = choose_count(reads, leader);
    apr_status_t status;

    leader->count = count;
    for (int i = 1; i < count; i++) {
        readers[i] = take_alike(&reads->waiting, leader);
        readers[i]->state = READER_IS_TAKEN;
        wanted[i] = readers[i]->read->wanted;
    }
    apr_thread_mutex_unlock(reads->mutex);
    status = leader->read->kind->ask(wanted, count, store, leader->read->pool);
    apr_thread_mutex_lock(reads->mutex);
    finish(reads, readers, count, status);
}

/* Wait until there is something to do. Whoever is taken waits for its leader: the answer may be
 * written to this thread's pool at any time. */
static void await_turn(um_shared_reads_t *reads, um_reader_t *reader)
{
    apr_time_t end = um_ticks() + WAIT_MAX;

    append(&reads->waiting, reader);
    while (reader->state == READER_WAITS && um_wait_until(end, reader->told, reads->mutex)) {
    }
    while (reader->state == READER_IS_TAKEN) {
        apr_thread_cond_wait(reader->told, reads->mutex);
    }
    if (reader->state == READER_WAITS) {
        take_out(&reads->waiting, reader);
    }
}

static void take_part(um_shared_reads_t *reads, um_reader_t *reader, um_store_t *store)
{
    apr_thread_mutex_lock(reads->mutex);
    if (may_lead(reads, reader)) {
        become_leader(reads, reader);
        reader->state = READER_LEADS;
    } else if (apr_thread_cond_create(&reader->told, reader->read->pool) == APR_SUCCESS) {
        await_turn(reads, reader);
    }
    if (reader->state == READER_LEADS) {
        lead(reads, reader, store);
        reader->state = READER_IS_DONE;
    }
    apr_thread_mutex_unlock(reads->mutex);
    if (reader->told != NULL) {
        apr_thread_cond_destroy(reader->told);
    }
}

apr_status_t um_shared_reads_run(um_shared_reads_t *reads, const um_shared_read_t *read,
                                 um_store_t *store)
{
    um_reader_t reader = { .read = read };
    void *wanted = read->wanted;

    if (reads != NULL) {
        take_part(reads, &reader, store);
    }
    return reader.state == READER_IS_DONE ? reader.status
                                          : read->kind->ask(&wanted, 1, store, read->pool);
}
