/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_STORE_ERASE_H
#define UM_CORE_STORE_ERASE_H

/**
 * @file store_erase.h
 * Erase a person from everything, the audit trail included. The trail has no index for what
 * stands inside of its events, so all of it is read. That is done before the user is deleted, in
 * pieces: if it is interrupted, the user is still there, and it can be done again.
 * store.h says what all these functions have in common.
 */

#include "store.h"
#include "store_person.h"

typedef struct um_erase_t {
    um_store_t *store;
    apr_int64_t org_id;
    um_person_t person;
    /** The user when the work began; NULL if it was deleted earlier. */
    um_user_t *user;
    /** What stands for the person in the audit trail from now on: "erased-" and a random uid.
     *  So it can still be seen that one person did several things. */
    const char *erased;
    /** Makes a change, as um_store_change() does. */
    apr_status_t (*change)(um_change_fn_t *change, void *baton, struct um_erase_t *erase,
                           apr_pool_t *pool);
    void *baton;
    /** Milliseconds since 1970: when the work began. */
    apr_int64_t began_at;
    apr_pool_t *pool;

    /** How many were deleted, or changed, so far. */
    int events;
    int invitations;
    int sessions;
    int answers;
} um_erase_t;

/** Find the person with a user_uid, see um_store_person_find(); store, org_id and change are
 *  filled in. UM_ENOTFOUND; UM_ESCHEMA (logged) if the schema must be upgraded before. */
apr_status_t um_store_erase_begin(um_erase_t *erase, const char *uid, apr_pool_t *pool);

/** Take the person out of the audit trail, except its last minutes. */
apr_status_t um_store_erase_trail(um_erase_t *erase);

/**
 * Inside a change: erase everything else, and write the audit event of that.
 * @param user  the user, who is locked; NULL if there is none
 * @param event its target and after are filled in; nothing of the person is in it, also if the
 *              person is the actor
 */
apr_status_t um_store_erase_rest(um_db_t *db, um_erase_t *erase, const um_user_t *user,
                                 um_audit_event_t *event, apr_pool_t *pool);

/** After the change: take the person out of events that others have written meanwhile, and out
 *  of the log of an SQLite database. */
apr_status_t um_store_erase_end(um_erase_t *erase);

#endif
