/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_TICKS_H
#define UM_BASE_TICKS_H

/**
 * @file ticks.h
 * A clock for waits and ages. Nobody can set it, so it neither goes back nor jumps, as
 * apr_time_now() does when the time of day is set. All processes of a machine share it.
 */

#include <apr_time.h>

/** Microseconds since a moment that is the same while the machine runs. */
apr_time_t um_ticks(void);

#endif
