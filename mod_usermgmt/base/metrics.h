/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_METRICS_H
#define UM_BASE_METRICS_H

/**
 * @file metrics.h
 * What the service counts about itself. The numbers are in memory that all processes share, so
 * they are those of the whole server. A processor has counters of its own, and adds to them
 * without a lock, so counting costs a request almost nothing. A program that shares no memory
 * counts nothing.
 */

#include <apr.h>
#include <apr_errno.h>
#include <apr_time.h>

/**
 * Counters: X(name, family, label, help). Those of one family follow each other; label is the
 * text between the braces, or NULL. The name of a counter ends with _total when it is shown.
 */
/* clang-format off */
#define UM_METRICS_COUNTERS(X) \
    X(CONNECTIONS_AWAY, "usermgmt_connections_refused", "reason=\"away\"", \
      "Requests that got no connection, because the database is away or all were in use.") \
    X(CONNECTIONS_BUSY, "usermgmt_connections_refused", "reason=\"busy\"", NULL) \
    X(DATABASE_ERRORS, "usermgmt_database_errors", NULL, \
      "Statements that failed in the database.") \
    X(READ_RETRIES, "usermgmt_database_retries", "kind=\"read\"", \
      "Reads and changes that were tried again.") \
    X(CHANGE_RETRIES, "usermgmt_database_retries", "kind=\"change\"", NULL) \
    X(MAIL_SENT, "usermgmt_mail_attempts", "result=\"sent\"", "Attempts to send a mail, by their result.") \
    X(MAIL_LATER, "usermgmt_mail_attempts", "result=\"later\"", NULL) \
    X(MAIL_FAILED, "usermgmt_mail_attempts", "result=\"failed\"", NULL) \
    X(KEYS_REFUSED, "usermgmt_keys_refused", NULL, "API keys that were refused.") \
    X(CALLERS_HIT, "usermgmt_caller_cache_lookups", "result=\"hit\"", \
      "Callers looked up in the cache of roles.") \
    X(CALLERS_MISSED, "usermgmt_caller_cache_lookups", "result=\"miss\"", NULL)

/** Histograms: X(name, family, is_time, help). One of times counts in seconds. */
#define UM_METRICS_HISTOGRAMS(X) \
    X(CONNECTION_WAIT, "usermgmt_connection_wait_seconds", 1, \
      "Waits for a connection to the database, of requests that had to wait.") \
    X(COMMIT, "usermgmt_commit_duration_seconds", 1, \
      "Durations of commits, or of the only statement of a change.") \
    X(WRITER_BATCH, "usermgmt_writer_batch_changes", 0, \
      "Changes that were committed together (SQLite).")

/** Gauges, summed over the processes that run: X(name, family, help). */
#define UM_METRICS_GAUGES(X) \
    X(PROCESSES, "usermgmt_processes", "Processes that serve requests.") \
    X(CONNECTIONS_LIMIT, "usermgmt_connections_limit", \
      "Connections to databases that may be open at most.") \
    X(CONNECTIONS_OPEN, "usermgmt_connections_open", "Connections to databases that are open.") \
    X(CONNECTIONS_USED, "usermgmt_connections_used", "Open connections that are in use.") \
    X(CONNECTIONS_WAITING, "usermgmt_connections_waiting", \
      "Requests that wait for a connection.") \
    X(WRITER_QUEUE, "usermgmt_writer_queue_changes", \
      "Changes that wait for the writer, or that it makes (SQLite).")
/* clang-format on */

#define UM_METRICS_COUNTER_ID(name, family, label, help) UM_COUNTER_##name,
typedef enum um_counter_t { UM_METRICS_COUNTERS(UM_METRICS_COUNTER_ID) UM_COUNTERS } um_counter_t;

#define UM_METRICS_HISTOGRAM_ID(name, family, is_time, help) UM_HISTOGRAM_##name,
typedef enum um_histogram_id_t {
    UM_METRICS_HISTOGRAMS(UM_METRICS_HISTOGRAM_ID) UM_HISTOGRAMS
} um_histogram_id_t;

#define UM_METRICS_GAUGE_ID(name, family, help) UM_GAUGE_##name,
typedef enum um_gauge_id_t { UM_METRICS_GAUGES(UM_METRICS_GAUGE_ID) UM_GAUGES } um_gauge_id_t;

/** The upper bounds of a histogram's buckets, and one more without a bound. */
#define UM_BOUNDS 15

/** Numbers of values, each in the first bucket that it fits in; and the sum of the values, in
 *  microseconds for times. */
typedef struct um_histogram_t {
    apr_uint64_t buckets[UM_BOUNDS + 1];
    apr_uint64_t sum;
} um_histogram_t;

/** The bounds for times, in microseconds, and for numbers. */
extern const apr_uint64_t um_metrics_time_bounds[UM_BOUNDS];
extern const apr_uint64_t um_metrics_number_bounds[UM_BOUNDS];

/** How many actions and codes of problems have a place of their own. The last place of each is
 *  for all others, and is called "other". */
#define UM_METRICS_ACTIONS 64
#define UM_METRICS_PROBLEMS 128

/** Classes of statuses: 1xx to 5xx. */
#define UM_METRICS_CLASSES 5

/** If there are more databases, the others have no numbers of their own. */
#define UM_METRICS_DATABASES 64

/** The action of requests that were refused before the service saw them. */
#define UM_METRICS_NO_ACTION "none"

/* ---- memory ---- */

/** The bytes that all processes share. */
apr_size_t um_metrics_size(void);

/** Use shared memory, which is all zero at first and aligned for any type. Call it in each
 *  process before its threads start. NULL: nothing is counted. */
void um_metrics_open(void *memory);

/** Give this process a place for its gauges. Call it in each process that serves. */
void um_metrics_begin_process(void);
/** Give the place back, with its gauges. The place of a process that is killed is taken by
 *  another one. */
void um_metrics_end_process(void);

/** Give an action a place that is found fast. name lives as long as the process. Call it before
 *  its threads start. */
void um_metrics_add_action(const char *name);

/* ---- counting ---- */

/** Add 1 to a counter. */
void um_metrics_count(um_counter_t counter);

/** An API key was refused. */
void um_metrics_count_refused_key(void);

/** Add a value to a histogram: microseconds for a time. */
void um_metrics_observe(um_histogram_id_t histogram, apr_int64_t value);

/** Add to a gauge of this process, or subtract from it. */
void um_metrics_add(um_gauge_id_t gauge, int difference);

/**
 * Count a request.
 * @param action   NULL for UM_METRICS_NO_ACTION
 * @param status   of the answer
 * @param problem  the problem's code, NULL for none
 * @param duration in microseconds
 */
void um_metrics_count_request(const char *action, int status, const char *problem,
                              apr_interval_time_t duration);

/** Set the number of mails that wait in a database, by the database's index. */
void um_metrics_set_mail_pending(int database, apr_int64_t count);

/* ---- reading ---- */

/** Tell whether this process counts. */
int um_metrics_is_open(void);

/** The sum over all processors. */
apr_uint64_t um_metrics_get_counter(um_counter_t counter);
/** The same for a histogram. */
void um_metrics_get_histogram(um_histogram_t *sum, um_histogram_id_t histogram);
/** The sum over all processes that run. */
apr_int64_t um_metrics_get_gauge(um_gauge_id_t gauge);

/** The name of an action by its place; NULL if the place is empty. */
const char *um_metrics_action_name(int place);
/** The number of requests with an action by its place, and a class of statuses: 1 to 5. */
apr_uint64_t um_metrics_get_requests(int place, int status_class);
/** Their durations. */
void um_metrics_get_durations(um_histogram_t *sum, int place);
/** The name of a problem by its place; NULL if the place is empty. */
const char *um_metrics_problem_name(int place);
/** The number of answers with a problem, by its place. */
apr_uint64_t um_metrics_get_problems(int place);

/** The mails that wait in a database; -1 if that was not set. */
apr_int64_t um_metrics_get_mail_pending(int database);

/** Forget the numbers of databases, because their indexes may have changed. */
void um_metrics_forget_databases(void);

#endif
