/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_LOG_H
#define UM_BASE_LOG_H

/**
 * @file log.h
 * Log lines. log_messages.h has the list of the messages; a line begins with the number of
 * its message, printed as UM0000.
 */

#include "host.h"
#include "log_messages.h"

/* Of each message NAME: UM_LOG_NUMBER_NAME, UM_LOG_LEVEL_NAME, and the level that it may be
 * logged at instead. A number that stands twice in the list does not compile. A number begins
 * with a zero, which would make it octal, hence the 1 before it. */
#define UM_LOG_NUMBERS(name, number, level, text)                                                \
    UM_LOG_NUMBERS_2(name, number, level, level, text)
#define UM_LOG_NUMBERS_2(name, number, level, lower, text)                                       \
    UM_LOG_NUMBER_##name = 1##number - 10000, UM_LOG_USED_##number = UM_LOG_NUMBER_##name,       \
    UM_LOG_LEVEL_##name = UM_LOG_##level, UM_LOG_LOWER_LEVEL_##name = UM_LOG_##lower,
enum { UM_LOG_MESSAGES(UM_LOG_NUMBERS, UM_LOG_NUMBERS_2) };

/* The texts are constants, so that the compiler compares each call's values with the text. */
#define UM_LOG_TEXT(name, number, level, text)                                                   \
    static const char um_log_text_##name[] = "UM" #number ": " text;
#define UM_LOG_TEXT_2(name, number, level, lower, text) UM_LOG_TEXT(name, number, level, text)
UM_LOG_MESSAGES(UM_LOG_TEXT, UM_LOG_TEXT_2)

/**
 * Log a message through the host: um_log(host, NAME, status, values…). NAME is that of the
 * list; the status tells what went wrong, or is APR_SUCCESS. A line is cut at 1,024 bytes.
 */
#define um_log(host, name, ...)                                                                  \
    um_log_line(host, (um_log_level_t)UM_LOG_LEVEL_##name, UM_LOG_NUMBER_##name,                 \
                um_log_text_##name, __VA_ARGS__)

/**
 * Log a message that has two levels in the list: at the lower one if is_lower is not zero.
 * Otherwise as um_log().
 */
#define um_log_either(host, is_lower, name, ...)                                                 \
    um_log_line(host,                                                                            \
                (um_log_level_t)((is_lower) ? UM_LOG_LOWER_LEVEL_##name : UM_LOG_LEVEL_##name),  \
                UM_LOG_NUMBER_##name, um_log_text_##name, __VA_ARGS__)

/**
 * May a line be logged that is logged once in a while only? Non-zero for one thread of the
 * process each time that the pause is over.
 * @param logged_at zero at first; only this function uses it
 * @param pause     in seconds
 */
int um_log_is_due(volatile apr_uint32_t *logged_at, apr_uint32_t pause);

/** What um_log() and um_log_either() call. */
void um_log_line(const um_host_t *host, um_log_level_t level, int id, const char *format,
                 apr_status_t status, ...) __attribute__((format(printf, 4, 6)));

#endif
