/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file duration.c Lengths of time as text, see duration.h. */

#include "duration.h"

#include <string.h>

#include <apr_strings.h>

#define MS_MAX (100000 * UM_MS_PER_DAY)

static const struct {
    const char *name;
    apr_int64_t ms;
} units[] = {
    { "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "h", UM_MS_PER_HOUR }, { "d", UM_MS_PER_DAY },
};

#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

int um_duration_parse(apr_int64_t *ms, const char *text)
{
    apr_size_t digits = strspn(text, "0123456789");
    const char *unit = text + digits;
    apr_int64_t number = 0;

    if (digits == 0) {
        return 0;
    }
    for (; *text >= '0' && *text <= '9'; text++) {
        number = number > MS_MAX ? number : number * 10 + (*text - '0');
    }
    if (number == 0 && *unit == '\0') {
        *ms = 0;
        return 1;
    }
    for (apr_size_t i = 0; i < UNIT_COUNT; i++) {
        if (strcmp(unit, units[i].name) == 0 && number <= MS_MAX / units[i].ms) {
            *ms = number * units[i].ms;
            return 1;
        }
    }
    return 0;
}

const char *um_duration_format(apr_int64_t ms, apr_pool_t *pool)
{
    int i = UNIT_COUNT - 1;

    if (ms == 0) {
        return "0";
    }
    while (ms % units[i].ms != 0) {
        i--;
    }
    return apr_psprintf(pool, "%" APR_INT64_T_FMT "%s", ms / units[i].ms, units[i].name);
}
