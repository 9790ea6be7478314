/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file streams.c How many streams are sent at once, see streams.h. */

#include "streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <ap_mpm.h>
#include <apr_atomic.h>
#include <apr_file_io.h>
#include <apr_portable.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>

#include "config_number.h"
#include "log.h"
#include "module.h"

/* One worker of this many can send a stream, by default. */
#define SHARE 4
#define RETAINED_KEY "usermgmt-streams"
/* Seconds between two lines of the log about refused streams. */
#define LOG_PAUSE 60

/* A file in which each process that sends a stream locks a byte. The lock ends with its process,
 * also if the process is killed. NULL if a process has many workers. It survives a graceful
 * restart, because old processes still send then. */
static apr_file_t *places;

/* How many streams may be sent, by this process or, if processes share places, by all; and how
 * many this process sends. max is set once, before there are threads. */
static apr_uint32_t max;
static volatile apr_uint32_t running;
/* The byte that this process has locked. */
static apr_uint32_t place;

/* Is each process a single worker? */
static int is_single(void)
{
    int threads = 1;

    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    return threads <= 1;
}

static apr_status_t make_places(apr_pool_t *pool)
{
    const char *directory;
    char *path;
    apr_status_t status = apr_temp_dir_get(&directory, pool);

    if (status == APR_SUCCESS) {
        path = apr_pstrcat(pool, directory, "/usermgmt-streams.XXXXXX", NULL);
        status = apr_file_mktemp(&places, path,
                                 APR_FOPEN_CREATE | APR_FOPEN_EXCL | APR_FOPEN_READ
                                     | APR_FOPEN_WRITE | APR_FOPEN_BINARY,
                                 pool);
    }
    if (status == APR_SUCCESS) {
        unlink(path);
    }
    return status;
}

apr_status_t um_streams_init(server_rec *server)
{
    apr_file_t **retained = ap_retained_data_get(RETAINED_KEY);
    apr_status_t status = APR_SUCCESS;

    places = NULL;
    if (!is_single()) {
        return APR_SUCCESS;
    }
    if (retained == NULL) {
        retained = ap_retained_data_create(RETAINED_KEY, sizeof(*retained));
    }
    if (*retained == NULL) {
        status = make_places(server->process->pool);
        *retained = status == APR_SUCCESS ? places : NULL;
    }
    places = *retained;
    if (status != APR_SUCCESS) {
        um_log_server(server, STREAMS_NO_FILE, status);
    }
    return status;
}

void um_streams_init_child(server_rec *server)
{
    int workers = 1;

    ap_mpm_query(is_single() ? AP_MPMQ_MAX_DAEMONS : AP_MPMQ_MAX_THREADS, &workers);
    max = (apr_uint32_t)um_config_number(um_config_server(server), UM_MAX_STREAMS);
    if (max == 0) {
        max = workers > SHARE ? (apr_uint32_t)workers / SHARE : 1;
    }
}

/* Lock or unlock a byte of the places; 0 if another process has it. */
static int set_lock(apr_uint32_t byte, short type)
{
    struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
    apr_os_file_t file;

    return apr_os_file_get(&file, places) == APR_SUCCESS && fcntl(file, F_SETLK, &lock) == 0;
}

static int take_place(void)
{
    for (place = 0; place < max; place++) {
        if (set_lock(place, F_WRLCK)) {
            return 1;
        }
    }
    return 0;
}

static void log_refusal(request_rec *r)
{
    static volatile apr_uint32_t logged_at;

    if (um_log_is_due(&logged_at, LOG_PAUSE)) {
        um_log_request(r, STREAMS_FULL, APR_SUCCESS, max);
    }
}

static apr_status_t end(void *unused)
{
    (void)unused;
    if (places != NULL) {
        set_lock(place, F_UNLCK);
    }
    apr_atomic_dec32(&running);
    return APR_SUCCESS;
}

int um_streams_begin(request_rec *r)
{
    if (apr_atomic_inc32(&running) >= max || (places != NULL && !take_place())) {
        apr_atomic_dec32(&running);
        log_refusal(r);
        return 0;
    }
    apr_pool_cleanup_register(r->pool, r, end, apr_pool_cleanup_null);
    return 1;
}

void um_streams_end(request_rec *r)
{
    apr_pool_cleanup_run(r->pool, r, end);
}
