/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file uid.c Identifiers that sort by time, see uid.h. */

#include "uid.h"

#include <string.h>

#define BASE 62
#define MS_BITS 45
#define US_BITS 10
#define HALF_LENGTH (UM_UID_LENGTH / 2)
/* 62 to the power of HALF_LENGTH. */
#define HALF_RANGE APR_UINT64_C(839299365868340224)

/* In ASCII order, so that numbers and texts sort alike. */
static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static void put_half(char *digits, apr_uint64_t number)
{
    for (int i = HALF_LENGTH; i-- > 0;) {
        digits[i] = alphabet[number % BASE];
        number /= BASE;
    }
}

/* Divides a number of 128 bits by HALF_RANGE, four bits at a time. The remainder has less
 * than 60 bits, so four more bits fit. time has less than 56 bits. */
static void put(char uid[UM_UID_LENGTH + 1], apr_uint64_t time, apr_uint64_t chance)
{
    apr_uint64_t quotient = 0;
    apr_uint64_t rest = time;

    for (int shift = 60; shift >= 0; shift -= 4) {
        rest = rest << 4 | (chance >> shift & 0xf);
        quotient = quotient << 4 | rest / HALF_RANGE;
        rest %= HALF_RANGE;
    }
    put_half(uid, quotient);
    put_half(uid + HALF_LENGTH, rest);
    uid[UM_UID_LENGTH] = '\0';
}

/* The milliseconds and the rest in microseconds. A time out of range becomes the nearest
 * time in range. */
static apr_uint64_t pack_time(apr_time_t now)
{
    static const apr_time_t end = (APR_INT64_C(1) << MS_BITS) * 1000;
    apr_uint64_t us = (apr_uint64_t)(now < 0 ? 0 : now >= end ? end - 1 : now);

    return us / 1000 << US_BITS | us % 1000;
}

apr_status_t um_uid_make(char uid[UM_UID_LENGTH + 1], apr_time_t now, const um_random_t *random)
{
    unsigned char bytes[sizeof(apr_uint64_t)];
    apr_uint64_t chance;
    apr_status_t status = random->fill(bytes, sizeof(bytes), random->baton);

    if (status != APR_SUCCESS) {
        return status;
    }
    memcpy(&chance, bytes, sizeof(chance));
    put(uid, pack_time(now), chance);
    return APR_SUCCESS;
}

void um_uid_first(char uid[UM_UID_LENGTH + 1], apr_int64_t ms)
{
    static const apr_int64_t end = APR_INT64_C(1) << MS_BITS;

    put(uid, (apr_uint64_t)(ms < 0 ? 0 : ms < end ? ms : end) << US_BITS, 0);
}
