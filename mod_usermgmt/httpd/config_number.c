/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file config_number.c Numbers and times, see config_number.h. */

#include "config_number.h"

#include <errno.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define MILLISECOND APR_TIME_C(1000)
#define SECOND (1000 * MILLISECOND)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* The configuration that has the number. */
typedef enum um_place_t { DIRECTORY, SERVER, ALL_SERVERS } um_place_t;

typedef struct um_number_t {
    um_place_t place;
    apr_size_t offset;
    /* The plural of what is counted; NULL for a time, which is in microseconds. */
    const char *things;
    apr_int64_t min;
    apr_int64_t max;
    apr_int64_t standard;
} um_number_t;

#define OF_DIRECTORY(field) DIRECTORY, APR_OFFSETOF(um_config_directory_t, field)
#define OF_SERVER(field) SERVER, APR_OFFSETOF(um_config_server_t, field)
#define OF_ALL(field) ALL_SERVERS, APR_OFFSETOF(um_config_server_t, field)

static const um_number_t numbers[UM_CONFIG_NUMBER_COUNT] = {
    /* The longest body is what httpd's own buckets and a 32-bit size can hold. */
    [UM_MAX_BODY] = { OF_DIRECTORY(max_body), "bytes", 1, APR_INT32_MAX, 1048576 },
    [UM_BODY_TIMEOUT] = { OF_DIRECTORY(body_timeout), NULL, SECOND, HOUR, 30 * SECOND },
    /* Other reads of a database end after ten seconds. */
    [UM_FILTER_TIMEOUT] = { OF_DIRECTORY(filter_timeout), NULL, 10 * MILLISECOND, 10 * SECOND,
                            2 * SECOND },
    [UM_ROLE_CACHE_TTL] = { OF_DIRECTORY(role_cache_ttl), NULL, 0, HOUR, 5 * SECOND },
    [UM_INVITATION_TTL] = { OF_DIRECTORY(invitation_ttl), NULL, MILLISECOND, 365 * DAY, 7 * DAY },
    [UM_SESSION_IDLE] = { OF_DIRECTORY(session_idle), NULL, SECOND, 30 * DAY, 30 * MINUTE },
    [UM_KEY_MAX_AGE] = { OF_DIRECTORY(key_max_age), NULL, SECOND, 36500 * DAY, 366 * DAY },
    [UM_CONNECTIONS] = { OF_SERVER(connections), "connections", 1, 10000, 0 },
    [UM_CONNECTION_WAIT] = { OF_SERVER(connection_wait), NULL, MILLISECOND, 10 * MINUTE,
                             2 * SECOND },
    [UM_MAIL_TIMEOUT] = { OF_SERVER(mail_timeout), NULL, MILLISECOND, HOUR, 2 * MINUTE },
    [UM_MAIL_FIRST_PAUSE] = { OF_SERVER(mail_first_pause), NULL, MILLISECOND, 30 * DAY,
                              10 * SECOND },
    [UM_MAIL_GIVE_UP_AFTER] = { OF_SERVER(mail_give_up_after), NULL, MILLISECOND, 30 * DAY, DAY },
    [UM_SESSION_TABLE] = { OF_ALL(session_table), "sessions", 16, 4194304, 16384 },
    [UM_SESSION_FLUSH] = { OF_ALL(session_flush), NULL, SECOND, HOUR, 5 * SECOND },
    [UM_MAX_STREAMS] = { OF_ALL(max_streams), "streams", 1, 100000, 0 },
};

static const struct {
    const char *name;
    apr_interval_time_t length;
} units[] = {
    { "d", DAY }, { "h", HOUR }, { "min", MINUTE }, { "s", SECOND }, { "ms", MILLISECOND },
};

/* Reads digits; *end is set behind them. */
static int read_digits(apr_int64_t *number, const char **end, const char *text)
{
    char *stop = NULL;

    if (!apr_isdigit(text[0])) {
        return 0;
    }
    errno = 0;
    *number = apr_strtoi64(text, &stop, 10);
    *end = stop;
    return errno == 0;
}

/* Read a time, in seconds or with a unit. */
static int read_time(apr_int64_t *time, const char *text)
{
    const char *unit = NULL;
    apr_int64_t count;

    if (!read_digits(&count, &unit, text)) {
        return 0;
    }
    if (ap_cstr_casecmp(unit, "d") == 0 && count <= APR_INT64_MAX / DAY) {
        *time = count * DAY;
        return 1;
    }
    return ap_timeout_parameter_parse(text, time, "s") == APR_SUCCESS;
}

static int read_number(apr_int64_t *number, const char *text)
{
    const char *end = NULL;

    return read_digits(number, &end, text) && *end == '\0';
}

static int read_value(apr_int64_t *number, const um_number_t *kind, const char *text)
{
    int is_read = kind->things != NULL ? read_number(number, text) : read_time(number, text);

    return is_read && *number >= kind->min && *number <= kind->max;
}

/* Write a time in the largest unit that gives a whole number. */
static const char *write_time(apr_interval_time_t time, apr_pool_t *pool)
{
    int i = 0;

    if (time == 0) {
        return "0";
    }
    while (time % units[i].length != 0) {
        i++;
    }
    return apr_psprintf(pool, "%" APR_INT64_T_FMT "%s", time / units[i].length, units[i].name);
}

static const char *refuse(const cmd_parms *cmd, const um_number_t *kind, const char *text)
{
    if (kind->things != NULL) {
        return apr_psprintf(cmd->pool,
                            "%s: \"%s\" is no number of %s from %" APR_INT64_T_FMT
                            " to %" APR_INT64_T_FMT,
                            cmd->cmd->name, text, kind->things, kind->min, kind->max);
    }
    return apr_psprintf(cmd->pool,
                        "%s: \"%s\" is no time from %s to %s; units are ms, s (as without a "
                        "unit), min, h and d",
                        cmd->cmd->name, text, write_time(kind->min, cmd->pool),
                        write_time(kind->max, cmd->pool));
}

const char *um_config_number_parse_time(apr_interval_time_t *time, const cmd_parms *cmd,
                                        const char *text, apr_interval_time_t min,
                                        apr_interval_time_t max)
{
    const um_number_t kind = { .min = min, .max = max };

    return read_value(time, &kind, text) ? NULL : refuse(cmd, &kind, text);
}

static apr_int64_t *find_field(void *config, const um_number_t *kind)
{
    return (void *)((char *)config + kind->offset);
}

const char *um_config_number_set_one(cmd_parms *cmd, void *directory, um_config_number_id_t id,
                                     const char *text)
{
    const um_number_t *kind = &numbers[id];
    void *config = kind->place == DIRECTORY ? directory : um_config_of(cmd);
    const char *error = kind->place == ALL_SERVERS ? ap_check_cmd_context(cmd, GLOBAL_ONLY)
                                                   : NULL;
    apr_int64_t number = kind->standard;

    if (error != NULL) {
        return error;
    }
    if (text != NULL && !read_value(&number, kind, text)) {
        return refuse(cmd, kind, text);
    }
    *find_field(config, kind) = number;
    return NULL;
}

const char *um_config_number_set(cmd_parms *cmd, void *directory, const char *text)
{
    return um_config_number_set_one(cmd, directory,
                                    (um_config_number_id_t)(apr_uintptr_t)cmd->info, text);
}

static apr_int64_t complete(const void *config, um_config_number_id_t id)
{
    apr_int64_t number = *(const apr_int64_t *)(const void *)((const char *)config
                                                              + numbers[id].offset);

    return number != -1 ? number : numbers[id].standard;
}

apr_int64_t um_config_number(const um_config_server_t *config, um_config_number_id_t id)
{
    return complete(config, id);
}

apr_int64_t um_config_directory_number(const um_config_directory_t *config,
                                       um_config_number_id_t id)
{
    return complete(config, id);
}
