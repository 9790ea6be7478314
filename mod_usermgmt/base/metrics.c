/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file metrics.c Counters in shared memory, see metrics.h. */

/* For sched_getcpu(). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "metrics.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

/* Processors with counters of their own. If there are more, some share theirs. */
#define SHARDS 32

/* Processes that have gauges. If there are more, the gauges lack the others. */
#define PROCESSES_MAX 1024

/* The longest name of an action or a problem. */
#define NAME_MAX_BYTES 44

/* How often a name is looked at again that another process writes at the moment. */
#define NAME_TRIES 1000

/* The counters of a processor. Processors don't share cache lines. */
typedef struct um_shard_t {
    apr_uint64_t counters[UM_COUNTERS];
    um_histogram_t histograms[UM_HISTOGRAMS];
    apr_uint64_t problems[UM_METRICS_PROBLEMS];
    um_histogram_t durations[UM_METRICS_ACTIONS];
    apr_uint64_t requests[UM_METRICS_ACTIONS][UM_METRICS_CLASSES];
} __attribute__((aligned(64))) um_shard_t;

/* The gauges of a process. pid is 0 where the place is free. */
typedef struct um_process_t {
    int pid;
    int gauges[UM_GAUGES];
} __attribute__((aligned(64))) um_process_t;

/* The life of a name: its process may be killed while it writes. Then the place is given up. */
typedef enum um_name_state_t { FREE, WRITING, READY, GIVEN_UP } um_name_state_t;

typedef struct um_name_t {
    int state;
    char text[NAME_MAX_BYTES];
} um_name_t;

typedef struct um_metrics_t {
    um_shard_t shards[SHARDS];
    um_process_t processes[PROCESSES_MAX];
    um_name_t actions[UM_METRICS_ACTIONS];
    um_name_t problems[UM_METRICS_PROBLEMS];
    /* The number plus 1; 0 if it is not known. */
    apr_int64_t mail_pending[UM_METRICS_DATABASES];
} um_metrics_t;

const apr_uint64_t um_metrics_time_bounds[UM_BOUNDS] = {
    100,   250,    500,    1000,   2500,    5000,    10000,    25000,
    50000, 100000, 250000, 500000, 1000000, 2500000, 10000000,
};

const apr_uint64_t um_metrics_number_bounds[UM_BOUNDS] = {
    1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 40, 48, 56, 64, 128,
};

static const int is_time[UM_HISTOGRAMS] = {
#define IS_TIME(name, family, time, help) time,
    UM_METRICS_HISTOGRAMS(IS_TIME)
#undef IS_TIME
};

/* All of these are set once, before there are threads. */
static um_metrics_t *metrics;
static um_process_t *process;
/* Actions whose names have these addresses. */
static struct {
    const char *name;
    int place;
} known[UM_METRICS_ACTIONS];
static int known_count;

/* ---- memory ---- */

apr_size_t um_metrics_size(void)
{
    /* The memory may begin anywhere in a cache line. */
    return sizeof(um_metrics_t) + 64;
}

void um_metrics_open(void *memory)
{
    apr_uintptr_t address = ((apr_uintptr_t)memory + 63) & ~(apr_uintptr_t)63;

    metrics = memory != NULL ? (void *)address : NULL;
    process = NULL;
    known_count = 0;
}

int um_metrics_is_open(void)
{
    return metrics != NULL;
}

static int is_alive(int pid)
{
    return pid != 0 && (kill(pid, 0) == 0 || errno != ESRCH);
}

/* Take a place if it is free, or of a process that was killed. */
static int take_place(um_process_t *place, int own)
{
    int pid = __atomic_load_n(&place->pid, __ATOMIC_ACQUIRE);

    return pid == own
           || (!is_alive(pid)
               && __atomic_compare_exchange_n(&place->pid, &pid, own, 0, __ATOMIC_ACQ_REL,
                                              __ATOMIC_RELAXED));
}

void um_metrics_begin_process(void)
{
    int own = (int)getpid();

    process = NULL;
    for (int i = 0; metrics != NULL && process == NULL && i < PROCESSES_MAX; i++) {
        if (take_place(&metrics->processes[i], own)) {
            process = &metrics->processes[i];
            memset(process->gauges, 0, sizeof(process->gauges));
        }
    }
    um_metrics_add(UM_GAUGE_PROCESSES, 1);
}

void um_metrics_end_process(void)
{
    if (process != NULL) {
        __atomic_store_n(&process->pid, 0, __ATOMIC_RELEASE);
        __atomic_store_n(&process, NULL, __ATOMIC_RELAXED);
    }
}

/* ---- names ---- */

/* Take a free place for a name. */
static int write_name(um_name_t *place, const char *name)
{
    int state = FREE;

    if (!__atomic_compare_exchange_n(&place->state, &state, WRITING, 0, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED)) {
        return 0;
    }
    apr_cpystrn(place->text, name, sizeof(place->text));
    state = WRITING;
    return __atomic_compare_exchange_n(&place->state, &state, READY, 0, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

/* Wait until a place is no longer written. If its process was killed, give the place up. */
static int await_name(um_name_t *place)
{
    int state = __atomic_load_n(&place->state, __ATOMIC_ACQUIRE);

    for (int try = 0; state == WRITING && try < NAME_TRIES; try++) {
        sched_yield();
        state = __atomic_load_n(&place->state, __ATOMIC_ACQUIRE);
    }
    if (state == WRITING) {
        __atomic_compare_exchange_n(&place->state, &state, GIVEN_UP, 0, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE);
    }
    return state;
}

/* The place of a name, which is taken if the name is new; the last place if all are taken. */
static int find_name(um_name_t *names, int size, const char *name)
{
    for (int i = 0; i < size - 1; i++) {
        if (__atomic_load_n(&names[i].state, __ATOMIC_ACQUIRE) == FREE
            && write_name(&names[i], name)) {
            return i;
        }
        if (await_name(&names[i]) == READY
            && strncmp(names[i].text, name, NAME_MAX_BYTES - 1) == 0) {
            return i;
        }
    }
    return size - 1;
}

static const char *name_at(um_name_t *names, int size, int place)
{
    if (place == size - 1) {
        return "other";
    }
    return __atomic_load_n(&names[place].state, __ATOMIC_ACQUIRE) == READY ? names[place].text
                                                                           : NULL;
}

void um_metrics_add_action(const char *name)
{
    if (metrics == NULL || known_count == UM_METRICS_ACTIONS) {
        return;
    }
    for (int i = 0; i < known_count; i++) {
        if (known[i].name == name) {
            return;
        }
    }
    known[known_count].name = name;
    known[known_count].place = find_name(metrics->actions, UM_METRICS_ACTIONS, name);
    known_count++;
}

static int find_action(const char *name)
{
    for (int i = 0; i < known_count; i++) {
        if (known[i].name == name) {
            return known[i].place;
        }
    }
    return find_name(metrics->actions, UM_METRICS_ACTIONS,
                     name != NULL ? name : UM_METRICS_NO_ACTION);
}

/* ---- counting ---- */

/* The counters of this processor. The thread may move to another one meanwhile, so adding is
 * atomic. */
static um_shard_t *own_shard(void)
{
#ifdef __linux__
    int processor = sched_getcpu();
#else
    int processor = 0;
#endif

    return &metrics->shards[processor > 0 ? processor % SHARDS : 0];
}

/* NOLINTNEXTLINE(readability-non-const-parameter): clang-tidy does not see that it is written. */
static void add(apr_uint64_t *counter, apr_uint64_t value)
{
    __atomic_fetch_add(counter, value, __ATOMIC_RELAXED);
}

static void add_value(um_histogram_t *histogram, const apr_uint64_t *bounds, apr_int64_t value)
{
    apr_uint64_t size = value > 0 ? (apr_uint64_t)value : 0;
    int i = 0;

    while (i < UM_BOUNDS && size > bounds[i]) {
        i++;
    }
    add(&histogram->buckets[i], 1);
    add(&histogram->sum, size);
}

void um_metrics_count(um_counter_t counter)
{
    if (metrics != NULL) {
        add(&own_shard()->counters[counter], 1);
    }
}

void um_metrics_count_refused_key(void)
{
    um_metrics_count(UM_COUNTER_KEYS_REFUSED);
}

void um_metrics_observe(um_histogram_id_t histogram, apr_int64_t value)
{
    if (metrics != NULL) {
        add_value(&own_shard()->histograms[histogram],
                  is_time[histogram] ? um_metrics_time_bounds : um_metrics_number_bounds, value);
    }
}

void um_metrics_add(um_gauge_id_t gauge, int difference)
{
    /* The process may end meanwhile. */
    um_process_t *own = __atomic_load_n(&process, __ATOMIC_RELAXED);

    if (own != NULL) {
        __atomic_fetch_add(&own->gauges[gauge], difference, __ATOMIC_RELAXED);
    }
}

void um_metrics_count_request(const char *action, int status, const char *problem,
                              apr_interval_time_t duration)
{
    int status_class = status / 100;
    um_shard_t *shard;
    int place;

    if (metrics == NULL || status_class < 1 || status_class > UM_METRICS_CLASSES) {
        return;
    }
    place = find_action(action);
    shard = own_shard();
    add(&shard->requests[place][status_class - 1], 1);
    add_value(&shard->durations[place], um_metrics_time_bounds, duration);
    if (problem != NULL) {
        add(&shard->problems[find_name(metrics->problems, UM_METRICS_PROBLEMS, problem)], 1);
    }
}

void um_metrics_set_mail_pending(int database, apr_int64_t count)
{
    if (metrics != NULL && database >= 0 && database < UM_METRICS_DATABASES) {
        __atomic_store_n(&metrics->mail_pending[database], count + 1, __ATOMIC_RELAXED);
    }
}

/* ---- reading ---- */

static apr_uint64_t get(const apr_uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void add_histogram(um_histogram_t *sum, const um_histogram_t *histogram)
{
    for (int i = 0; i <= UM_BOUNDS; i++) {
        sum->buckets[i] += get(&histogram->buckets[i]);
    }
    sum->sum += get(&histogram->sum);
}

apr_uint64_t um_metrics_get_counter(um_counter_t counter)
{
    apr_uint64_t sum = 0;

    for (int i = 0; metrics != NULL && i < SHARDS; i++) {
        sum += get(&metrics->shards[i].counters[counter]);
    }
    return sum;
}

void um_metrics_get_histogram(um_histogram_t *sum, um_histogram_id_t histogram)
{
    memset(sum, 0, sizeof(*sum));
    for (int i = 0; metrics != NULL && i < SHARDS; i++) {
        add_histogram(sum, &metrics->shards[i].histograms[histogram]);
    }
}

apr_int64_t um_metrics_get_gauge(um_gauge_id_t gauge)
{
    apr_int64_t sum = 0;

    for (int i = 0; metrics != NULL && i < PROCESSES_MAX; i++) {
        if (is_alive(__atomic_load_n(&metrics->processes[i].pid, __ATOMIC_ACQUIRE))) {
            sum += __atomic_load_n(&metrics->processes[i].gauges[gauge], __ATOMIC_RELAXED);
        }
    }
    return sum;
}

const char *um_metrics_action_name(int place)
{
    return metrics != NULL ? name_at(metrics->actions, UM_METRICS_ACTIONS, place) : NULL;
}

apr_uint64_t um_metrics_get_requests(int place, int status_class)
{
    apr_uint64_t sum = 0;

    for (int i = 0; metrics != NULL && i < SHARDS; i++) {
        sum += get(&metrics->shards[i].requests[place][status_class - 1]);
    }
    return sum;
}

void um_metrics_get_durations(um_histogram_t *sum, int place)
{
    memset(sum, 0, sizeof(*sum));
    for (int i = 0; metrics != NULL && i < SHARDS; i++) {
        add_histogram(sum, &metrics->shards[i].durations[place]);
    }
}

const char *um_metrics_problem_name(int place)
{
    return metrics != NULL ? name_at(metrics->problems, UM_METRICS_PROBLEMS, place) : NULL;
}

apr_uint64_t um_metrics_get_problems(int place)
{
    apr_uint64_t sum = 0;

    for (int i = 0; metrics != NULL && i < SHARDS; i++) {
        sum += get(&metrics->shards[i].problems[place]);
    }
    return sum;
}

apr_int64_t um_metrics_get_mail_pending(int database)
{
    return metrics != NULL && database >= 0 && database < UM_METRICS_DATABASES
               ? __atomic_load_n(&metrics->mail_pending[database], __ATOMIC_RELAXED) - 1
               : -1;
}

void um_metrics_forget_databases(void)
{
    for (int i = 0; metrics != NULL && i < UM_METRICS_DATABASES; i++) {
        __atomic_store_n(&metrics->mail_pending[i], 0, __ATOMIC_RELAXED);
    }
}
