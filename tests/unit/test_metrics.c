/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_metrics.c Counters in shared memory, and their text. */

#include <sys/wait.h>
#include <unistd.h>

#include <apr_thread_proc.h>

#include "unit.h"

#include "../../mod_usermgmt/base/metrics.h"
#include "../../mod_usermgmt/rest/exposition.h"

#include <sys/mman.h>

#define THREADS 8
#define ROUNDS 10000

/* Shared with the children of a test. */
static void *memory;

static int set_up(void **state)
{
    memory = mmap(NULL, um_metrics_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                  0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    um_metrics_open(memory);
    return make_pool(state);
}

static int tear_down(void **state)
{
    um_metrics_open(NULL);
    munmap(memory, um_metrics_size());
    return destroy_pool(state);
}

/* The place of an action's or a problem's name; -1 if it has none. */
static int place_of(const char *(*name_at)(int), int size, const char *name)
{
    for (int i = 0; i < size; i++) {
        if (name_at(i) != NULL && strcmp(name_at(i), name) == 0) {
            return i;
        }
    }
    return -1;
}

static apr_uint64_t requests(const char *action, int status_class)
{
    int place = place_of(um_metrics_action_name, UM_METRICS_ACTIONS, action);

    return place >= 0 ? um_metrics_get_requests(place, status_class) : 0;
}

static apr_uint64_t problems(const char *code)
{
    int place = place_of(um_metrics_problem_name, UM_METRICS_PROBLEMS, code);

    return place >= 0 ? um_metrics_get_problems(place) : 0;
}

/* ---- counting ---- */

static void nothing_is_counted_without_memory(void **state)
{
    um_histogram_t sum;

    (void)state;
    um_metrics_open(NULL);
    assert_false(um_metrics_is_open());
    um_metrics_begin_process();
    um_metrics_add_action("a.b");
    um_metrics_count(UM_COUNTER_MAIL_SENT);
    um_metrics_count_request("a.b", 200, "code", 10);
    um_metrics_observe(UM_HISTOGRAM_COMMIT, 10);
    um_metrics_add(UM_GAUGE_CONNECTIONS_OPEN, 1);
    um_metrics_set_mail_pending(0, 1);
    um_metrics_end_process();
    assert_int_equal(um_metrics_get_counter(UM_COUNTER_MAIL_SENT), 0);
    um_metrics_get_histogram(&sum, UM_HISTOGRAM_COMMIT);
    assert_int_equal(sum.sum, 0);
    assert_int_equal(um_metrics_get_gauge(UM_GAUGE_CONNECTIONS_OPEN), 0);
    assert_null(um_metrics_action_name(0));
    assert_null(um_metrics_problem_name(0));
    assert_int_equal(um_metrics_get_mail_pending(0), -1);
}

static void requests_are_counted_by_action_status_and_problem(void **state)
{
    static const char known[] = "users.get";
    um_histogram_t durations;

    (void)state;
    um_metrics_add_action(known);
    um_metrics_add_action(known);
    um_metrics_count_request(known, 200, NULL, 40);
    um_metrics_count_request(known, 304, NULL, 100);
    um_metrics_count_request("users.get ", 200, NULL, 101);
    um_metrics_count_request(apr_pstrdup(pool, known), 404, "user_not_found", 20000000);
    um_metrics_count_request(NULL, 401, "unauthorized", -5);
    um_metrics_count_request(NULL, 0, NULL, 1);
    um_metrics_count_request(NULL, 600, NULL, 1);
    assert_int_equal(requests(known, 2), 1);
    assert_int_equal(requests(known, 3), 1);
    assert_int_equal(requests(known, 4), 1);
    assert_int_equal(requests(known, 5), 0);
    assert_int_equal(requests(UM_METRICS_NO_ACTION, 4), 1);
    assert_int_equal(problems("user_not_found"), 1);
    assert_int_equal(problems("unauthorized"), 1);
    um_metrics_get_durations(&durations,
                             place_of(um_metrics_action_name, UM_METRICS_ACTIONS, known));
    assert_int_equal(durations.buckets[0], 2);
    assert_int_equal(durations.buckets[1], 0);
    assert_int_equal(durations.buckets[UM_BOUNDS], 1);
    assert_int_equal(durations.sum, 20000140);
}

static void too_many_names_share_the_last_place(void **state)
{
    (void)state;
    for (int i = 0; i < UM_METRICS_PROBLEMS + 10; i++) {
        um_metrics_count_request("a.b", 400, apr_psprintf(pool, "code_%d", i), 1);
    }
    assert_int_equal(problems("code_0"), 1);
    assert_int_equal(problems(apr_psprintf(pool, "code_%d", UM_METRICS_PROBLEMS - 2)), 1);
    assert_int_equal(problems(apr_psprintf(pool, "code_%d", UM_METRICS_PROBLEMS - 1)), 0);
    assert_int_equal(problems("other"), 11);
    assert_int_equal(requests("a.b", 4), UM_METRICS_PROBLEMS + 10);
    /* Cut, and found again. */
    um_metrics_count_request(times(100, "x"), 200, NULL, 1);
    um_metrics_count_request(times(101, "x"), 200, NULL, 1);
    assert_int_equal(requests(times(43, "x"), 2), 2);
}

static void *APR_THREAD_FUNC count_much(apr_thread_t *thread, void *data)
{
    (void)thread;
    for (int i = 0; i < ROUNDS; i++) {
        um_metrics_count(UM_COUNTER_CALLERS_HIT);
        um_metrics_count_request("users.get", 500, data, 1);
        um_metrics_add(UM_GAUGE_CONNECTIONS_USED, 1);
        um_metrics_add(UM_GAUGE_CONNECTIONS_USED, -1);
    }
    return NULL;
}

static void threads_lose_no_count(void **state)
{
    static char code[] = "internal_error";
    apr_thread_t *threads[THREADS];
    apr_status_t result;

    (void)state;
    um_metrics_begin_process();
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(apr_thread_create(&threads[i], NULL, count_much, code, pool),
                         APR_SUCCESS);
    }
    for (int i = 0; i < THREADS; i++) {
        apr_thread_join(&result, threads[i]);
    }
    assert_int_equal(um_metrics_get_counter(UM_COUNTER_CALLERS_HIT), THREADS * ROUNDS);
    assert_int_equal(requests("users.get", 5), THREADS * ROUNDS);
    assert_int_equal(problems(code), THREADS * ROUNDS);
    assert_int_equal(um_metrics_get_gauge(UM_GAUGE_CONNECTIONS_USED), 0);
    um_metrics_end_process();
}

/* ---- processes ---- */

/* A process that has two connections open, and then ends, or is killed. */
static pid_t begin_child(int will_end)
{
    int pipe_ends[2];
    char byte;
    pid_t pid;

    assert_int_equal(pipe(pipe_ends), 0);
    pid = fork();
    if (pid == 0) {
        /* It ends also if the test fails. */
        alarm(20);
        um_metrics_begin_process();
        um_metrics_add(UM_GAUGE_CONNECTIONS_OPEN, 2);
        um_metrics_count(UM_COUNTER_MAIL_SENT);
        if (will_end) {
            um_metrics_end_process();
        }
        if (write(pipe_ends[1], "x", 1) == 1) {
            pause();
        }
        _exit(0);
    }
    assert_int_equal(read(pipe_ends[0], &byte, 1), 1);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    return pid;
}

static void end_child(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void gauges_are_those_of_living_processes(void **state)
{
    pid_t pids[3];

    (void)state;
    um_metrics_begin_process();
    um_metrics_add(UM_GAUGE_CONNECTIONS_OPEN, 1);
    pids[0] = begin_child(0);
    pids[1] = begin_child(0);
    pids[2] = begin_child(1);
    assert_int_equal(um_metrics_get_gauge(UM_GAUGE_CONNECTIONS_OPEN), 5);
    assert_int_equal(um_metrics_get_gauge(UM_GAUGE_PROCESSES), 3);
    end_child(pids[0]);
    assert_int_equal(um_metrics_get_gauge(UM_GAUGE_CONNECTIONS_OPEN), 3);
    /* It takes the place of the one that was killed, and begins from 0. */
    pids[0] = begin_child(0);
    assert_int_equal(um_metrics_get_gauge(UM_GAUGE_CONNECTIONS_OPEN), 5);
    for (size_t i = 0; i < COUNT(pids); i++) {
        end_child(pids[i]);
    }
    /* Counters stay. */
    assert_int_equal(um_metrics_get_counter(UM_COUNTER_MAIL_SENT), 4);
    assert_int_equal(um_metrics_get_gauge(UM_GAUGE_PROCESSES), 1);
    um_metrics_end_process();
    assert_int_equal(um_metrics_get_gauge(UM_GAUGE_PROCESSES), 0);
}

/* ---- the text ---- */

static const char *text_of(um_exposition_format_t format, um_exposition_facts_t *facts)
{
    um_buffer_t buffer;

    facts->version = "1.2.3";
    if (facts->databases == NULL) {
        facts->databases = apr_array_make(pool, 1, sizeof(um_exposition_database_t));
    }
    um_buffer_init(&buffer, 64, pool);
    um_exposition_put(&buffer, format, facts);
    return buffer.data;
}

static void assert_has(const char *text, const char *line)
{
    const char *at = strstr(text, line);

    if (at == NULL || (at != text && at[-1] != '\n') || at[strlen(line)] != '\n') {
        fail_msg("no line \"%s\" in:\n%s", line, text);
    }
}

static void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part) != NULL) {
        fail_msg("\"%s\" is in:\n%s", part, text);
    }
}

static void a_family_is_shown_in_both_formats(void **state)
{
    um_exposition_facts_t facts = { 0 };
    const char *text;

    (void)state;
    um_metrics_count_refused_key();
    um_metrics_count_request("users.get", 503, "busy", 2000000);
    um_metrics_observe(UM_HISTOGRAM_WRITER_BATCH, 5);
    um_metrics_observe(UM_HISTOGRAM_COMMIT, 1);
    text = text_of(UM_EXPOSITION_TEXT, &facts);
    assert_has(text, "# TYPE usermgmt_build_info gauge");
    assert_has(text, "usermgmt_build_info{version=\"1.2.3\"} 1");
    assert_has(text, "# TYPE usermgmt_keys_refused_total counter");
    assert_has(text, "usermgmt_keys_refused_total 1");
    assert_has(text, "usermgmt_requests_total{action=\"users.get\",status=\"5xx\"} 1");
    assert_has(text, "usermgmt_problems_total{code=\"busy\"} 1");
    assert_has(text, "# TYPE usermgmt_request_duration_seconds histogram");
    assert_has(text,
               "usermgmt_request_duration_seconds_bucket{action=\"users.get\",le=\"1.0\"} 0");
    assert_has(text,
               "usermgmt_request_duration_seconds_bucket{action=\"users.get\",le=\"2.5\"} 1");
    assert_has(text,
               "usermgmt_request_duration_seconds_bucket{action=\"users.get\",le=\"+Inf\"} 1");
    assert_has(text, "usermgmt_request_duration_seconds_count{action=\"users.get\"} 1");
    assert_has(text, "usermgmt_request_duration_seconds_sum{action=\"users.get\"} 2.0");
    assert_has(text, "usermgmt_writer_batch_changes_bucket{le=\"4.0\"} 0");
    assert_has(text, "usermgmt_writer_batch_changes_bucket{le=\"6.0\"} 1");
    assert_has(text, "usermgmt_writer_batch_changes_sum 5.0");
    assert_has(text, "usermgmt_commit_duration_seconds_bucket{le=\"0.0001\"} 1");
    assert_has(text, "usermgmt_commit_duration_seconds_sum 0.000001");
    assert_lacks(text, "# UNIT");
    assert_lacks(text, "# EOF");
    text = text_of(UM_EXPOSITION_OPENMETRICS, &facts);
    assert_has(text, "# TYPE usermgmt_build info");
    assert_has(text, "# TYPE usermgmt_keys_refused counter");
    assert_has(text, "usermgmt_keys_refused_total 1");
    assert_has(text, "# UNIT usermgmt_commit_duration_seconds seconds");
    assert_string_equal(text + strlen(text) - 6, "# EOF\n");
}

static void databases_and_sessions_are_shown_if_they_are_known(void **state)
{
    um_exposition_facts_t facts = { 0 };
    um_exposition_database_t *database;
    const char *text;

    (void)state;
    assert_lacks(text_of(UM_EXPOSITION_TEXT, &facts), "usermgmt_sessions");
    database = apr_array_push((apr_array_header_t *)facts.databases);
    *database = (um_exposition_database_t){ 0, 1, 3 };
    database = apr_array_push((apr_array_header_t *)facts.databases);
    *database = (um_exposition_database_t){ 7, 0, 0 };
    facts.sessions = 5;
    facts.sessions_limit = 16384;
    um_metrics_set_mail_pending(7, 0);
    um_metrics_set_mail_pending(-1, 9);
    um_metrics_set_mail_pending(UM_METRICS_DATABASES, 9);
    text = text_of(UM_EXPOSITION_TEXT, &facts);
    assert_has(text, "usermgmt_database_up{database=\"0\"} 1");
    assert_has(text, "usermgmt_database_up{database=\"7\"} 0");
    assert_has(text, "usermgmt_schema_version{database=\"0\"} 3");
    assert_lacks(text, "usermgmt_schema_version{database=\"7\"}");
    assert_has(text, "usermgmt_mail_pending{database=\"7\"} 0");
    assert_lacks(text, "usermgmt_mail_pending{database=\"0\"}");
    assert_has(text, "usermgmt_sessions 5");
    assert_has(text, "usermgmt_sessions_limit 16384");
    um_metrics_forget_databases();
    assert_lacks(text_of(UM_EXPOSITION_TEXT, &facts), "usermgmt_mail_pending{");
}

static void openmetrics_is_sent_if_it_is_preferred(void **state)
{
    static const char *const prefer[] = {
        "application/openmetrics-text",
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/"
        "*;q=0.2",
        "text/plain;q=0.5, application/openmetrics-text;q=0.5",
    };
    static const char *const others[] = {
        NULL,
        "",
        "*/*",
        "application/*",
        "text/plain",
        "application/openmetrics-text;q=0",
        "application/openmetrics-text;q=0.3, text/plain",
        "application/openmetrics-text;q=0.3, text/*",
        "application/openmetrics-text;q=x",
        "application/openmetrics-textual",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(prefer); i++) {
        assert_int_equal(um_exposition_choose(prefer[i]), UM_EXPOSITION_OPENMETRICS);
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_int_equal(um_exposition_choose(others[i]), UM_EXPOSITION_TEXT);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_TEAR_DOWN(nothing_is_counted_without_memory),
        WITH_TEAR_DOWN(requests_are_counted_by_action_status_and_problem),
        WITH_TEAR_DOWN(too_many_names_share_the_last_place),
        WITH_TEAR_DOWN(threads_lose_no_count),
        WITH_TEAR_DOWN(gauges_are_those_of_living_processes),
        WITH_TEAR_DOWN(a_family_is_shown_in_both_formats),
        WITH_TEAR_DOWN(databases_and_sessions_are_shown_if_they_are_known),
        WITH_TEAR_DOWN(openmetrics_is_sent_if_it_is_preferred),
    };

    return RUN("metrics", tests);
}
