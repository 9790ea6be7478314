/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file metrics_page.c The metrics of the server, see metrics_page.h. */

#include "metrics_page.h"

#include <apr_optional_hooks.h>
#include <apr_shm.h>
#include <http_config.h>
#include <http_protocol.h>
#include <mod_status.h>

#include "../api/routes.h"
#include "../base/metrics.h"
#include "../rest/exposition.h"
#include "../scim/routes.h"
#include "config.h"
#include "health.h"
#include "log.h"
#include "plain_answer.h"
#include "runtime.h"
#include "sessions.h"

/* Change this name whenever the layout of the counters changes but not their size, because a
 * graceful restart may load a newer module. */
#define RETAINED_KEY "usermgmt-metrics-1"

/* Data that all processes share. It survives a graceful restart, unless a newer module has other
 * counters. */
typedef struct um_shared_metrics_t {
    apr_shm_t *shm;
    apr_size_t size;
} um_shared_metrics_t;

/* ---- memory ---- */

static apr_status_t make_shared(um_shared_metrics_t *made, server_rec *server)
{
    apr_size_t size = um_metrics_size();
    apr_status_t status = apr_shm_create(&made->shm, size, NULL, server->process->pool);

    made->size = status == APR_SUCCESS ? size : 0;
    return status;
}

static void add_actions(const um_route_t *route)
{
    for (; route->method != NULL; route++) {
        um_metrics_add_action(route->action);
    }
}

void um_metrics_page_init(server_rec *server)
{
    um_shared_metrics_t *shared = ap_retained_data_get(RETAINED_KEY);
    apr_status_t status = APR_SUCCESS;

    if (shared == NULL) {
        shared = ap_retained_data_create(RETAINED_KEY, sizeof(*shared));
    }
    if (shared->size != um_metrics_size()) {
        status = make_shared(shared, server);
    }
    if (status != APR_SUCCESS) {
        um_log_server(server, METRICS_NO_MEMORY, status);
        um_metrics_open(NULL);
        return;
    }
    um_metrics_open(apr_shm_baseaddr_get(shared->shm));
    um_metrics_forget_databases();
    add_actions(um_api_routes);
    add_actions(um_scim_routes);
}

static apr_status_t end_process(void *unused)
{
    (void)unused;
    um_metrics_end_process();
    return APR_SUCCESS;
}

void um_metrics_page_init_child(apr_pool_t *pool)
{
    um_metrics_begin_process();
    apr_pool_cleanup_register(pool, NULL, end_process, apr_pool_cleanup_null);
}

/* ---- the handler ---- */

static apr_array_header_t *ask_databases(apr_pool_t *pool)
{
    int count = um_runtime_database_count();
    apr_array_header_t *databases = apr_array_make(pool, count + 1,
                                                   sizeof(um_exposition_database_t));

    /* All at once, so that the waits for several that hang are not added up. */
    for (int i = 0; i < count; i++) {
        if (um_runtime_database(i)->is_used) {
            um_health_begin(i);
        }
    }
    for (int i = 0; i < count; i++) {
        um_exposition_database_t database = { .index = i };
        um_health_t health;

        if (um_runtime_database(i)->is_used) {
            um_health_get(&health, i);
            database.is_up = health.is_up;
            database.schema_version = health.schema_version;
            APR_ARRAY_PUSH(databases, um_exposition_database_t) = database;
        }
    }
    return databases;
}

int um_metrics_page_handle(request_rec *r)
{
    um_exposition_facts_t facts = { .version = UM_VERSION };
    um_exposition_format_t format;
    um_buffer_t buffer;

    if (strcmp(r->handler, UM_METRICS_HANDLER) != 0) {
        return DECLINED;
    }
    if (!um_plain_answer_allows(r)) {
        return HTTP_METHOD_NOT_ALLOWED;
    }
    format = um_exposition_choose(apr_table_get(r->headers_in, "Accept"));
    facts.databases = ask_databases(r->pool);
    um_sessions_get_use(&facts.sessions, &facts.sessions_limit);
    um_buffer_init(&buffer, 65536, r->pool);
    um_exposition_put(&buffer, format, &facts);
    apr_table_mergen(r->headers_out, "Vary", "Accept");
    return um_plain_answer_send(r, HTTP_OK, um_exposition_type(format), &buffer);
}

/* ---- mod_status ---- */

/* Sums for the section of mod_status' page. */
typedef struct um_totals_t {
    apr_uint64_t requests;
    apr_uint64_t failures;
    apr_uint64_t microseconds;
} um_totals_t;

static void add_up(um_totals_t *totals)
{
    for (int i = 0; i < UM_METRICS_ACTIONS; i++) {
        um_histogram_t durations;

        um_metrics_get_durations(&durations, i);
        totals->microseconds += durations.sum;
        for (int j = 1; j <= UM_METRICS_CLASSES; j++) {
            apr_uint64_t count = um_metrics_get_requests(i, j);

            totals->requests += count;
            totals->failures += j == UM_METRICS_CLASSES ? count : 0;
        }
    }
}

/* A line of the section. is_short: for programs, as in server-status?auto. */
static void put_number(request_rec *r, int is_short, const char *key, const char *name,
                       apr_int64_t number)
{
    if (is_short) {
        ap_rprintf(r, "UserMgmt%s: %" APR_INT64_T_FMT "\n", key, number);
    } else {
        ap_rprintf(r, "<dt>%s: %" APR_INT64_T_FMT "</dt>\n", name, number);
    }
}

static void put_totals(request_rec *r, int is_short)
{
    um_totals_t totals = { 0, 0, 0 };
    apr_size_t sessions;
    apr_size_t sessions_limit;

    add_up(&totals);
    um_sessions_get_use(&sessions, &sessions_limit);
    put_number(r, is_short, "Requests", "Requests", (apr_int64_t)totals.requests);
    put_number(r, is_short, "Failures", "Requests answered with 5xx",
               (apr_int64_t)totals.failures);
    put_number(r, is_short, "Milliseconds", "Milliseconds of all requests",
               (apr_int64_t)(totals.microseconds / 1000));
    put_number(r, is_short, "ConnectionsOpen", "Database connections",
               um_metrics_get_gauge(UM_GAUGE_CONNECTIONS_OPEN));
    put_number(r, is_short, "ConnectionsUsed", "In use",
               um_metrics_get_gauge(UM_GAUGE_CONNECTIONS_USED));
    put_number(r, is_short, "ConnectionsWaiting", "Requests that wait for one",
               um_metrics_get_gauge(UM_GAUGE_CONNECTIONS_WAITING));
    put_number(r, is_short, "DatabaseErrors", "Database errors",
               (apr_int64_t)um_metrics_get_counter(UM_COUNTER_DATABASE_ERRORS));
    if (sessions_limit > 0) {
        put_number(r, is_short, "Sessions", "Sessions in memory", (apr_int64_t)sessions);
    }
}

/* mod_status calls this for its page, and for server-status?auto. */
static int put_section(request_rec *r, int flags)
{
    int is_short = (flags & AP_STATUS_SHORT) != 0;

    if (!um_metrics_is_open()) {
        return DECLINED;
    }
    if (is_short) {
        ap_rprintf(r, "UserMgmtVersion: %s\n", UM_VERSION);
    } else {
        ap_rprintf(r, "<hr />\n<h2>mod_usermgmt %s</h2>\n<dl>\n", UM_VERSION);
    }
    put_totals(r, is_short);
    if (!is_short) {
        ap_rputs("</dl>\n", r);
    }
    return OK;
}

void um_metrics_page_register(void)
{
    APR_OPTIONAL_HOOK(ap, status_hook, put_section, NULL, NULL, APR_HOOK_MIDDLE);
}
