/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file user_reads.c Reads of many threads in one statement, see user_reads.h. */

#include "user_reads.h"

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "../base/ticks.h"
#include "../db/wait.h"

/* Threads that ask the database at the same time: so many that few clients never wait for each
 * other. */
#define LEADERS_MAX 4

/* Users of one statement, at most. */
#define TOGETHER_MAX 32

/* After a statement for so many users one thread asks: many clients wait anyhow, and each
 * statement less saves processor time. */
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

/* A thread that reads a user; this is on its stack. */
typedef struct um_reader_t {
    um_wanted_user_t wanted;
    um_reader_state_t state;
    apr_status_t status;
    apr_thread_cond_t *told;
    struct um_reader_t *next;
} um_reader_t;

struct um_user_reads_t {
    apr_thread_mutex_t *mutex;
    /* In the order of their arrival. */
    um_reader_t *first;
    um_reader_t **last;
    int waiting;
    int leaders;
    /* The number of users of the last statement. */
    int last_count;
};

apr_status_t um_user_reads_create(um_user_reads_t **reads, apr_pool_t *pool)
{
    um_user_reads_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t status = apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, pool);

    made->last = &made->first;
    if (status == APR_SUCCESS) {
        *reads = made;
    }
    return status;
}

/* ---- the queue; with the mutex held ---- */

static void append(um_user_reads_t *reads, um_reader_t *reader)
{
    *reads->last = reader;
    reads->last = &reader->next;
    reads->waiting++;
}

static um_reader_t *take_at(um_user_reads_t *reads, um_reader_t **link)
{
    um_reader_t *reader = *link;

    *link = reader->next;
    if (reader->next == NULL) {
        reads->last = link;
    }
    reader->next = NULL;
    reads->waiting--;
    return reader;
}

static void leave_queue(um_user_reads_t *reads, const um_reader_t *reader)
{
    um_reader_t **link = &reads->first;

    while (*link != reader) {
        link = &(*link)->next;
    }
    take_at(reads, link);
}

static void tell(um_reader_t *reader, um_reader_state_t state)
{
    reader->state = state;
    apr_thread_cond_signal(reader->told);
}

static int leaders_max(const um_user_reads_t *reads)
{
    return reads->last_count < CROWD ? LEADERS_MAX : 1;
}

/* ---- asking the database ---- */

static apr_status_t read_alone(um_user_t **user, um_store_t *store, apr_int64_t org_id,
                               const char *uid, apr_pool_t *pool)
{
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, store, pool);

    if (status == APR_SUCCESS) {
        status = um_store_users_get(user, db, org_id, uid, pool);
    }
    um_db_close(db);
    return status;
}

static apr_status_t read_all(um_wanted_user_t *const *wanted, int count, um_store_t *store,
                             apr_pool_t *pool)
{
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, store, pool);

    if (status == APR_SUCCESS) {
        status = um_store_users_get_wanted(wanted, count, db, pool);
    }
    um_db_close(db);
    return status;
}

/* A statement is prepared for 1, 2, 4 … users, so that these are few statements. Returns how
 * many there are, of those that wait and the leader. */
static int choose_count(const um_user_reads_t *reads)
{
    int count = 1;

    while (count * 2 <= reads->waiting + 1 && count * 2 <= TOGETHER_MAX) {
        count *= 2;
    }
    return count;
}

/* The last leader does not end while others wait. The next one begins before the readers of this
 * one are told, because it has to wake up. */
static void finish(um_user_reads_t *reads, um_reader_t *const *readers, int count,
                   apr_status_t status)
{
    if (reads->first != NULL && reads->leaders <= leaders_max(reads)) {
        tell(take_at(reads, &reads->first), READER_LEADS);
    } else {
        reads->leaders--;
    }
    for (int i = 0; i < count; i++) {
        readers[i]->status = status;
        if (i > 0) {
            tell(readers[i], READER_IS_DONE);
        }
    }
}

/* Ask for the leader's user, and for those of other readers. The mutex is held before and
 * after. */
static void lead(um_user_reads_t *reads, um_reader_t *leader, um_store_t *store)
{
    um_reader_t *readers[TOGETHER_MAX] = { leader };
    um_wanted_user_t *wanted[TOGETHER_MAX] = { &leader->wanted };
    int most = choose_count(reads);
    int count = 1;
    apr_status_t status;

    for (; count < most && reads->first != NULL; count++) {
        readers[count] = take_at(reads, &reads->first);
        readers[count]->state = READER_IS_TAKEN;
        wanted[count] = &readers[count]->wanted;
    }
    reads->last_count = count;
    apr_thread_mutex_unlock(reads->mutex);
    status = read_all(wanted, count, store, leader->wanted.pool);
    apr_thread_mutex_lock(reads->mutex);
    finish(reads, readers, count, status);
}

/* Wait until there is something to do. Whoever is taken waits for its leader: the user may be
 * written to this thread's pool at any time. */
static void await_turn(um_user_reads_t *reads, um_reader_t *reader)
{
    apr_time_t end = um_ticks() + WAIT_MAX;

    append(reads, reader);
    while (reader->state == READER_WAITS && um_wait_until(end, reader->told, reads->mutex)) {
    }
    while (reader->state == READER_IS_TAKEN) {
        apr_thread_cond_wait(reader->told, reads->mutex);
    }
    if (reader->state == READER_WAITS) {
        leave_queue(reads, reader);
    }
}

static void take_part(um_user_reads_t *reads, um_reader_t *reader, um_store_t *store)
{
    apr_thread_mutex_lock(reads->mutex);
    if (reads->leaders < leaders_max(reads)) {
        reads->leaders++;
        reader->state = READER_LEADS;
    } else if (apr_thread_cond_create(&reader->told, reader->wanted.pool) == APR_SUCCESS) {
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

apr_status_t um_user_reads_get(um_user_t **user, um_store_t *store, apr_int64_t org_id,
                               const char *uid, apr_pool_t *pool)
{
    um_user_reads_t *reads = um_store_user_reads(store);
    um_reader_t reader = { .wanted = { org_id, uid, NULL, pool } };

    if (reads != NULL) {
        take_part(reads, &reader, store);
    }
    if (reader.state != READER_IS_DONE) {
        return read_alone(user, store, org_id, uid, pool);
    }
    if (reader.status != APR_SUCCESS) {
        return reader.status;
    }
    *user = reader.wanted.user;
    return *user != NULL ? APR_SUCCESS : UM_ENOTFOUND;
}
