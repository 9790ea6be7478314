/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file runner.c Each change in its own transaction, see runner.h. */

#include "runner.h"

#include "../base/log.h"
#include "../base/metrics.h"
#include "../base/ticks.h"
#include "statements.h"

/* How often a change is tried, and the time after which it is not tried again. */
#define ATTEMPTS_MAX 12
#define RETRY_TIME apr_time_from_sec(5)

/* The upper limit of the pause before the second try. It doubles, up to the longest. */
#define PAUSE_FIRST apr_time_from_msec(4)
#define PAUSE_LONGEST apr_time_from_msec(250)

/* How long, and how often, the database is asked for the outcome of a commit. */
#define OUTCOME_TIME apr_time_from_sec(15)
#define OUTCOME_PAUSE apr_time_from_msec(50)

/* How one attempt to make a change ended. */
typedef enum um_outcome_t {
    COMMITTED,
    /* The change refused to be made, so its transaction was not committed. */
    REFUSED,
    /* The database failed before the commit, or at the commit without making it. */
    NOT_COMMITTED,
    /* The commit, or the only statement, was not answered. */
    UNKNOWN
} um_outcome_t;

/* A change that is being made. */
typedef struct um_attempt_t {
    um_db_t *db;
    um_change_fn_t *change;
    void *baton;
    apr_pool_t *pool;
    /* The status that the change returned. */
    apr_status_t result;
} um_attempt_t;

static um_outcome_t run_once(um_attempt_t *attempt)
{
    um_db_t *db = attempt->db;

    if (um_db_begin(db) != APR_SUCCESS) {
        return NOT_COMMITTED;
    }
    attempt->result = attempt->change(db, attempt->baton, attempt->pool);
    if (um_db_has_failed(db)) {
        return um_db_lost_answer(db) ? UNKNOWN : NOT_COMMITTED;
    }
    if (attempt->result != APR_SUCCESS) {
        return REFUSED;
    }
    return um_db_commit(db) == APR_SUCCESS ? COMMITTED : UNKNOWN;
}

/* An empty commit. When it returns, all earlier commits are safe: a synchronous standby has
 * them, and this node of a cluster has applied the commits of the others. */
static apr_status_t pass_barrier(um_db_t *db, apr_pool_t *pool)
{
    apr_status_t status = um_db_begin(db);

    if (status == APR_SUCCESS) {
        status = um_db_query(db, NULL, UM_BIND(barrier), pool);
    }
    if (status == APR_SUCCESS) {
        status = um_db_commit(db);
    }
    um_db_rollback(db);
    return status;
}

static apr_status_t look_for(int *found, um_db_t *db, const um_witness_t *witness,
                             apr_pool_t *pool)
{
    apr_status_t status = um_db_recover(db);

    *found = 0;
    /* What is not seen here may be on its way from another node. */
    if (status == APR_SUCCESS) {
        status = pass_barrier(db, pool);
    }
    if (status == APR_SUCCESS) {
        status = um_db_begin(db);
    }
    if (status == APR_SUCCESS) {
        status = um_db_exists(found, db,
                              UM_BIND(audit_event_wait, .org_id = witness->org_id,
                                      .event_uid = witness->uid),
                              pool);
    }
    um_db_rollback(db);
    /* A row that can be seen here may not have reached the standby yet. */
    if (status == APR_SUCCESS && *found) {
        status = pass_barrier(db, pool);
    }
    return status;
}

/* Find out the outcome of a commit that was not answered. A change without a witness counts as
 * not committed and runs again, because it is idempotent. */
static um_outcome_t find_outcome(const um_attempt_t *attempt)
{
    const um_host_t *host = um_db_host(attempt->db);
    um_witness_t witness = *um_db_witness(attempt->db);
    apr_time_t end = um_ticks() + OUTCOME_TIME;
    int found = 0;
    apr_status_t status;

    if (witness.uid[0] == '\0') {
        return NOT_COMMITTED;
    }
    um_db_set_will_retry(attempt->db, 1);
    status = look_for(&found, attempt->db, &witness, attempt->pool);
    while (status != APR_SUCCESS && um_ticks() < end) {
        apr_sleep(OUTCOME_PAUSE);
        status = look_for(&found, attempt->db, &witness, attempt->pool);
    }
    if (status != APR_SUCCESS) {
        um_log(host, COMMIT_UNKNOWN, APR_SUCCESS, witness.uid);
        return UNKNOWN;
    }
    return found ? COMMITTED : NOT_COMMITTED;
}

/* A pause of random length, so that changes that conflicted don't conflict again. */
static void pause_randomly(const um_host_t *host, int count)
{
    apr_interval_time_t longest = PAUSE_FIRST << (count < 8 ? count : 8);
    unsigned short dice = 0;

    if (longest > PAUSE_LONGEST) {
        longest = PAUSE_LONGEST;
    }
    host->random.fill((unsigned char *)&dice, sizeof(dice), host->random.baton);
    apr_sleep(longest * dice / 65536);
}

/* Prepare the next try. Usually the failure has nothing to do with the connection: a deadlock
 * or a lock timeout. A new connection is taken if this one does not answer, and after the second
 * and then every fourth failure, because the schema may have changed. Not after each failure:
 * otherwise many conflicting changes would spend their time with connecting. */
static apr_status_t recover(const um_attempt_t *attempt, int count)
{
    apr_status_t status = um_db_rollback(attempt->db);

    return status != APR_SUCCESS || !um_db_is_ready(attempt->db) || count % 4 == 2
               ? um_db_recover(attempt->db)
               : APR_SUCCESS;
}

/* Until the change is committed, refuses to be made, or has failed too often. */
static um_outcome_t run_with_retries(um_attempt_t *attempt)
{
    const um_host_t *host = um_db_host(attempt->db);
    apr_time_t end = um_ticks() + RETRY_TIME;
    um_outcome_t outcome = NOT_COMMITTED;

    for (int count = 1; outcome == NOT_COMMITTED && count <= ATTEMPTS_MAX; count++) {
        if (count > 1) {
            if (recover(attempt, count - 1) != APR_SUCCESS || um_ticks() > end) {
                break;
            }
            um_metrics_count(UM_COUNTER_CHANGE_RETRIES);
            pause_randomly(host, count - 1);
        }
        um_db_set_will_retry(attempt->db, count < ATTEMPTS_MAX);
        um_db_set_runs_again(attempt->db, count > 1);
        outcome = run_once(attempt);
        if (outcome == UNKNOWN) {
            outcome = find_outcome(attempt);
            /* A change that is one statement does not know that it was committed. */
            attempt->result = outcome == COMMITTED ? APR_SUCCESS : attempt->result;
        }
    }
    return outcome;
}

apr_status_t um_runner_run(const um_host_t *host, um_gather_t *gather, um_change_fn_t *change,
                           void *baton, apr_pool_t *pool)
{
    um_attempt_t attempt = { NULL, change, baton, pool, APR_SUCCESS };
    um_outcome_t outcome;
    apr_status_t status = um_db_open(&attempt.db, host, NULL, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    um_db_set_gather(attempt.db, gather);
    outcome = run_with_retries(&attempt);
    if (outcome == NOT_COMMITTED && um_db_has_connection(attempt.db)) {
        um_log(host, CHANGE_GIVEN_UP, APR_SUCCESS);
    }
    um_db_close(attempt.db);
    return outcome == COMMITTED || outcome == REFUSED ? attempt.result : UM_EUNAVAILABLE;
}
