/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file ticks.c A clock for waits and ages, see ticks.h. */

#include "ticks.h"

#include <time.h>

apr_time_t um_ticks(void)
{
    struct timespec now = { 0, 0 };

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000;
}
