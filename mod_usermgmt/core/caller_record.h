/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_CALLER_RECORD_H
#define UM_CORE_CALLER_RECORD_H

/**
 * @file caller_record.h
 * What the database knows of a caller, packed so that processes can remember it for each
 * other. A record is stamped with the time it was read at, and each reader says how old a
 * record may be for him: Locations differ in that, and share what is remembered.
 */

#include "store_organizations.h"

/** A packed record is never longer. */
#define UM_CALLER_RECORD_MAX 1024

/** When a record was read. */
typedef struct um_caller_stamp_t {
    /** Raised by each change of roles. */
    apr_uint32_t generation;
    /** um_ticks() before the record was read. */
    apr_time_t read_at;
} um_caller_stamp_t;

/** Pack a record into UM_CALLER_RECORD_MAX bytes. Its length, or 0 where it is too long. */
apr_size_t um_caller_record_pack(char *packed, const um_caller_record_t *record,
                                 const um_caller_stamp_t *stamp);

/**
 * Unpack a record.
 * @param now    the generation and the time of the reader
 * @param max_age microseconds
 * @return the record in pool; NULL where it is of another generation, older than max_age, or
 *         of a time that has not come yet
 */
um_caller_record_t *um_caller_record_unpack(const char *packed, const um_caller_stamp_t *now,
                                            apr_interval_time_t max_age, apr_pool_t *pool);

#endif
