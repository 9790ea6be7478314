/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file exposition.c The metrics as text, see exposition.h. */

#include "exposition.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/metrics.h"
#include "negotiate.h"

#define OPENMETRICS "application/openmetrics-text"
#define SECONDS "_seconds"
#define MICROSECONDS 1000000

/* A text that is being written. */
typedef struct um_out_t {
    um_buffer_t *buffer;
    um_exposition_format_t format;
} um_out_t;

um_exposition_format_t um_exposition_choose(const char *accept)
{
    return um_negotiate_prefers(accept, OPENMETRICS, "text/plain") ? UM_EXPOSITION_OPENMETRICS
                                                                   : UM_EXPOSITION_TEXT;
}

const char *um_exposition_type(um_exposition_format_t format)
{
    return format == UM_EXPOSITION_OPENMETRICS ? OPENMETRICS "; version=1.0.0; charset=utf-8"
                                               : "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- lines ---- */

static void put_line(const um_out_t *out, const char *what, const char *family,
                     const char *suffix, const char *text)
{
    um_buffer_puts(out->buffer, what);
    um_buffer_puts(out->buffer, family);
    um_buffer_puts(out->buffer, suffix);
    um_buffer_putc(out->buffer, ' ');
    um_buffer_puts(out->buffer, text);
    um_buffer_putc(out->buffer, '\n');
}

static int ends_with(const char *text, const char *end)
{
    apr_size_t length = strlen(text);
    apr_size_t rest = strlen(end);

    return length > rest && strcmp(text + length - rest, end) == 0;
}

/* The lines before a family's samples. suffix is what its only sample's name ends with: the
 * older format counts it to the family's name. */
static void put_head(const um_out_t *out, const char *family, const char *suffix,
                     const char *type, const char *help)
{
    int is_open = out->format == UM_EXPOSITION_OPENMETRICS;

    put_line(out, "# HELP ", family, is_open ? "" : suffix, help);
    put_line(out, "# TYPE ", family, is_open ? "" : suffix, type);
    if (is_open && ends_with(family, SECONDS)) {
        put_line(out, "# UNIT ", family, "", SECONDS + 1);
    }
}

/* A sample's name and labels. Each label is NULL or a text such as code="x". */
static void put_name(const um_out_t *out, const char *family, const char *suffix,
                     const char *label, const char *other)
{
    um_buffer_puts(out->buffer, family);
    um_buffer_puts(out->buffer, suffix);
    if (label != NULL || other != NULL) {
        um_buffer_putc(out->buffer, '{');
        um_buffer_puts(out->buffer, label != NULL ? label : "");
        um_buffer_puts(out->buffer, label != NULL && other != NULL ? "," : "");
        um_buffer_puts(out->buffer, other != NULL ? other : "");
        um_buffer_putc(out->buffer, '}');
    }
    um_buffer_putc(out->buffer, ' ');
}

static void put_sample(const um_out_t *out, const char *family, const char *suffix,
                       const char *label, apr_int64_t value)
{
    put_name(out, family, suffix, label, NULL);
    um_buffer_put_int(out->buffer, value);
    um_buffer_putc(out->buffer, '\n');
}

/* Write millionths as a decimal with at least one digit behind the point. */
static const char *write_millionths(char *text, apr_size_t size, apr_uint64_t value)
{
    char *end;

    apr_snprintf(text, size, "%" APR_UINT64_T_FMT ".%06d", value / MICROSECONDS,
                 (int)(value % MICROSECONDS));
    for (end = text + strlen(text) - 1; *end == '0' && end[-1] != '.'; end--) {
        *end = '\0';
    }
    return text;
}

/* The samples of a histogram. */
static void put_histogram(const um_out_t *out, const char *family, const char *label,
                          const um_histogram_t *histogram, int is_time)
{
    const apr_uint64_t *bounds = is_time ? um_metrics_time_bounds : um_metrics_number_bounds;
    apr_uint64_t scale = is_time ? 1 : MICROSECONDS;
    apr_uint64_t count = 0;
    char number[64];
    char bound[80];

    for (int i = 0; i <= UM_BOUNDS; i++) {
        count += histogram->buckets[i];
        apr_snprintf(bound, sizeof(bound), "le=\"%s\"",
                     i < UM_BOUNDS ? write_millionths(number, sizeof(number), bounds[i] * scale)
                                   : "+Inf");
        put_name(out, family, "_bucket", label, bound);
        um_buffer_put_int(out->buffer, (apr_int64_t)count);
        um_buffer_putc(out->buffer, '\n');
    }
    put_sample(out, family, "_count", label, (apr_int64_t)count);
    put_name(out, family, "_sum", label, NULL);
    um_buffer_puts(out->buffer, write_millionths(number, sizeof(number), histogram->sum * scale));
    um_buffer_putc(out->buffer, '\n');
}

/* ---- families ---- */

static void put_build(const um_out_t *out, const um_exposition_facts_t *facts)
{
    char label[64];

    apr_snprintf(label, sizeof(label), "version=\"%s\"", facts->version);
    put_head(out, "usermgmt_build", "_info",
             out->format == UM_EXPOSITION_OPENMETRICS ? "info" : "gauge",
             "The version of the module.");
    put_sample(out, "usermgmt_build", "_info", label, 1);
}

static void put_requests_of(const um_out_t *out, int place)
{
    const char *name = um_metrics_action_name(place);
    char label[96];

    for (int i = 1; name != NULL && i <= UM_METRICS_CLASSES; i++) {
        apr_uint64_t count = um_metrics_get_requests(place, i);

        if (count > 0) {
            apr_snprintf(label, sizeof(label), "action=\"%s\",status=\"%dxx\"", name, i);
            put_sample(out, "usermgmt_requests", "_total", label, (apr_int64_t)count);
        }
    }
}

static void put_durations_of(const um_out_t *out, int place)
{
    const char *name = um_metrics_action_name(place);
    apr_uint64_t count = 0;
    um_histogram_t durations;
    char label[96];

    for (int i = 1; i <= UM_METRICS_CLASSES; i++) {
        count += um_metrics_get_requests(place, i);
    }
    if (name != NULL && count > 0) {
        um_metrics_get_durations(&durations, place);
        apr_snprintf(label, sizeof(label), "action=\"%s\"", name);
        put_histogram(out, "usermgmt_request_duration_seconds", label, &durations, 1);
    }
}

static void put_requests(const um_out_t *out)
{
    put_head(out, "usermgmt_requests", "_total", "counter",
             "Requests, by their action and the class of their status.");
    for (int i = 0; i < UM_METRICS_ACTIONS; i++) {
        put_requests_of(out, i);
    }
    put_head(out, "usermgmt_request_duration_seconds", "", "histogram",
             "Durations of requests, from their header to the end of the answer.");
    for (int i = 0; i < UM_METRICS_ACTIONS; i++) {
        put_durations_of(out, i);
    }
}

static void put_problems(const um_out_t *out)
{
    char label[96];

    put_head(out, "usermgmt_problems", "_total", "counter",
             "Answers with a problem, by its code.");
    for (int i = 0; i < UM_METRICS_PROBLEMS; i++) {
        const char *name = um_metrics_problem_name(i);
        apr_uint64_t count = um_metrics_get_problems(i);

        if (name != NULL && count > 0) {
            apr_snprintf(label, sizeof(label), "code=\"%s\"", name);
            put_sample(out, "usermgmt_problems", "_total", label, (apr_int64_t)count);
        }
    }
}

static void put_counters(const um_out_t *out)
{
    static const struct {
        const char *family;
        const char *label;
        /* NULL for the second and later ones of a family. */
        const char *help;
    } counters[] = {
#define COUNTER(name, family, label, help) { family, label, help },
        UM_METRICS_COUNTERS(COUNTER)
#undef COUNTER
    };

    for (int i = 0; i < UM_COUNTERS; i++) {
        if (counters[i].help != NULL) {
            put_head(out, counters[i].family, "_total", "counter", counters[i].help);
        }
        put_sample(out, counters[i].family, "_total", counters[i].label,
                   (apr_int64_t)um_metrics_get_counter((um_counter_t)i));
    }
}

static void put_histograms(const um_out_t *out)
{
    static const struct {
        const char *family;
        int is_time;
        const char *help;
    } histograms[] = {
#define HISTOGRAM(name, family, is_time, help) { family, is_time, help },
        UM_METRICS_HISTOGRAMS(HISTOGRAM)
#undef HISTOGRAM
    };

    for (int i = 0; i < UM_HISTOGRAMS; i++) {
        um_histogram_t sum;

        um_metrics_get_histogram(&sum, (um_histogram_id_t)i);
        put_head(out, histograms[i].family, "", "histogram", histograms[i].help);
        put_histogram(out, histograms[i].family, NULL, &sum, histograms[i].is_time);
    }
}

static void put_gauges(const um_out_t *out)
{
    static const struct {
        const char *family;
        const char *help;
    } gauges[] = {
#define GAUGE(name, family, help) { family, help },
        UM_METRICS_GAUGES(GAUGE)
#undef GAUGE
    };

    for (int i = 0; i < UM_GAUGES; i++) {
        put_head(out, gauges[i].family, "", "gauge", gauges[i].help);
        put_sample(out, gauges[i].family, "", NULL, um_metrics_get_gauge((um_gauge_id_t)i));
    }
}

/* The gauges that each database has. A negative value is not shown. */
typedef apr_int64_t um_database_value_t(const um_exposition_database_t *database);

static apr_int64_t is_up(const um_exposition_database_t *database)
{
    return database->is_up;
}

static apr_int64_t schema_version(const um_exposition_database_t *database)
{
    return database->schema_version > 0 ? database->schema_version : -1;
}

static apr_int64_t mail_pending(const um_exposition_database_t *database)
{
    return um_metrics_get_mail_pending(database->index);
}

static void put_databases(const um_out_t *out, const um_exposition_facts_t *facts)
{
    static const struct {
        const char *family;
        const char *help;
        um_database_value_t *value;
    } families[] = {
        { "usermgmt_database_up", "1 if the database answers and its schema can be used.",
          is_up },
        { "usermgmt_schema_version", "The version of the database's schema.", schema_version },
        { "usermgmt_mail_pending", "Mails that wait to be sent, as last counted.", mail_pending },
    };

    for (apr_size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        put_head(out, families[i].family, "", "gauge", families[i].help);
        for (int j = 0; j < facts->databases->nelts; j++) {
            const um_exposition_database_t *database = &APR_ARRAY_IDX(facts->databases, j,
                                                                      um_exposition_database_t);
            apr_int64_t value = families[i].value(database);
            char label[32];

            if (value >= 0) {
                apr_snprintf(label, sizeof(label), "database=\"%d\"", database->index);
                put_sample(out, families[i].family, "", label, value);
            }
        }
    }
}

static void put_sessions(const um_out_t *out, const um_exposition_facts_t *facts)
{
    if (facts->sessions_limit == 0) {
        return;
    }
    put_head(out, "usermgmt_sessions", "", "gauge", "Sessions in memory.");
    put_sample(out, "usermgmt_sessions", "", NULL, (apr_int64_t)facts->sessions);
    put_head(out, "usermgmt_sessions_limit", "", "gauge",
             "Sessions that there is room for in memory.");
    put_sample(out, "usermgmt_sessions_limit", "", NULL, (apr_int64_t)facts->sessions_limit);
}

void um_exposition_put(um_buffer_t *buffer, um_exposition_format_t format,
                       const um_exposition_facts_t *facts)
{
    um_out_t out = { buffer, format };

    put_build(&out, facts);
    put_requests(&out);
    put_problems(&out);
    put_counters(&out);
    put_histograms(&out);
    put_gauges(&out);
    put_databases(&out, facts);
    put_sessions(&out, facts);
    if (format == UM_EXPOSITION_OPENMETRICS) {
        um_buffer_puts(buffer, "# EOF\n");
    }
}
