/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_STORE_PERSON_H
#define UM_CORE_STORE_PERSON_H

/**
 * @file store_person.h
 * Find all that the database knows of one person: to show it, and to erase it (store_erase.h).
 * store.h says what all these functions have in common.
 */

#include "person.h"
#include "store_records.h"
#include "user.h"

/**
 * Find what identifies the person with a user_uid: of a user, of one who was deleted, or of a
 * caller with a role by configuration. Earlier addresses are those of the audit trail, if no
 * other user has them now.
 * @param person gets it
 * @param user   NULL if there is no such user any more
 * @return UM_ENOTFOUND if nothing is known of that uid
 */
apr_status_t um_store_person_find(um_person_t *person, um_user_t **user, um_db_t *db,
                                  apr_int64_t org_id, const char *uid, apr_pool_t *pool);

/** A part of the audit trail, read page by page. */
typedef struct um_trail_t {
    apr_int64_t org_id;
    const um_person_t *person;
    /** Event uids: behind the first, before the second. */
    char after[UM_UID_LENGTH + 1];
    char end[UM_UID_LENGTH + 1];
    /** Events of the last page. */
    int found;
} um_trail_t;

/** Events of a page. */
#define UM_TRAIL_PAGE 200

/** An event with the data that tells whose it is. Its texts belong to the row. */
typedef struct um_trail_event_t {
    const char *uid;
    um_audit_event_t event;
    const char *actor_key;
} um_trail_event_t;

/** Make the part from one time to another, in milliseconds since 1970. */
void um_store_person_begin_trail(um_trail_t *trail, apr_int64_t org_id, const um_person_t *person,
                                 apr_int64_t from, apr_int64_t to);

/** Hand the rows of the next page's events with the person in them to take. It was the last page
 *  if found is less than UM_TRAIL_PAGE. */
apr_status_t um_store_person_next_trail(um_trail_t *trail, um_db_t *db, um_row_fn_t *take,
                                        void *baton, apr_pool_t *pool);

/** Read an event from a row of the trail. */
void um_store_person_read_event(um_trail_event_t *event, const um_row_t *row);

/** Did the person cause the event? */
int um_store_person_is_actor(const um_person_t *person, const um_trail_event_t *event);

/** A kept answer: whose it is, and what it tells. Its texts belong to the row. */
typedef struct um_kept_row_t {
    const char *identity_key;
    const char *key;
    apr_int64_t created_at;
    int status;
    const char *location;
    const char *body;
} um_kept_row_t;

/** Takes a kept answer. */
typedef void um_kept_row_fn_t(const um_kept_row_t *row, void *baton);

/** Hand the kept answers with the person in them, or to the person, to take. */
apr_status_t um_store_person_answers(um_db_t *db, um_kept_row_fn_t *take, void *baton,
                                     apr_int64_t org_id, const um_person_t *person,
                                     apr_pool_t *pool);

/** What the person has made: others are sub-admins by it, or keys of the API are there. */
typedef enum um_made_t { UM_MADE_SUB_ADMINS, UM_MADE_KEYS } um_made_t;

/** Find the user_uids of sub-admins whom the person has appointed, or the ids of API keys that
 *  the person has made: an array of const char *. */
apr_status_t um_store_person_made(apr_array_header_t **ids, um_db_t *db, um_made_t what,
                                  apr_int64_t org_id, const um_person_t *person,
                                  apr_pool_t *pool);

#endif
