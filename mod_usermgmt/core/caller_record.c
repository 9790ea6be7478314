/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file caller_record.c What is remembered of a caller, see caller_record.h. */

#include "caller_record.h"

#include <apr_strings.h>

#include "store_organizations.h"

static const char *text_of(const char *field)
{
    return field != NULL ? field : "";
}

/* A packed record is a text: its stamp and its fields, each ended by a NUL; an absent one is
 * empty. */
apr_size_t um_caller_record_pack(char *packed, const um_caller_record_t *record,
                                 const um_caller_stamp_t *stamp)
{
    int length = apr_snprintf(packed, UM_CALLER_RECORD_MAX,
                              "%u%c%" APR_TIME_T_FMT "%c%" APR_INT64_T_FMT "%c%d%c%d%c%s%c%s%c%s",
                              stamp->generation, 0, stamp->read_at, 0, record->org_id, 0,
                              record->is_active, 0, record->is_sub_admin, 0,
                              text_of(record->user_uid), 0, text_of(record->seen_uid), 0,
                              text_of(record->seen_role));

    return length < UM_CALLER_RECORD_MAX - 1 ? (apr_size_t)length + 1 : 0;
}

static const char *next_field(const char **cursor)
{
    const char *field = *cursor;

    *cursor += strlen(field) + 1;
    return field;
}

static const char *next_text(const char **cursor, apr_pool_t *pool)
{
    const char *field = next_field(cursor);

    return field[0] != '\0' ? apr_pstrdup(pool, field) : NULL;
}

static int is_fresh(const um_caller_stamp_t *stamp, const um_caller_stamp_t *now,
                    apr_interval_time_t max_age)
{
    return stamp->generation == now->generation && stamp->read_at <= now->read_at
           && now->read_at - stamp->read_at < max_age;
}

um_caller_record_t *um_caller_record_unpack(const char *packed, const um_caller_stamp_t *now,
                                            apr_interval_time_t max_age, apr_pool_t *pool)
{
    um_caller_record_t *record;
    um_caller_stamp_t stamp;

    stamp.generation = (apr_uint32_t)apr_strtoi64(next_field(&packed), NULL, 10);
    stamp.read_at = apr_strtoi64(next_field(&packed), NULL, 10);
    if (!is_fresh(&stamp, now, max_age)) {
        return NULL;
    }
    record = apr_pcalloc(pool, sizeof(*record));
    record->org_id = apr_strtoi64(next_field(&packed), NULL, 10);
    record->is_active = next_field(&packed)[0] == '1';
    record->is_sub_admin = next_field(&packed)[0] == '1';
    record->user_uid = next_text(&packed, pool);
    record->seen_uid = next_text(&packed, pool);
    record->seen_role = next_text(&packed, pool);
    return record;
}
