/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_STORE_PRUNE_H
#define UM_CORE_STORE_PRUNE_H

/**
 * @file store_prune.h
 * Old rows are deleted in pieces: the keys of a piece are read first, and then a transaction of
 * its own deletes those rows. So no statement reads or deletes more rows than a piece has, and
 * others wait for a short time only. Several processes may delete the same rows at the same time.
 * store.h says what all these functions have in common.
 */

#include "../base/uid.h"
#include "../db/db.h"
#include "invitation.h"
#include "rules.h"

/** What grows with time. */
typedef enum um_prune_kind_t {
    /** By the time of the event. Needs version 3 of the schema. */
    UM_PRUNE_AUDIT,
    /** By the time when they were last used. */
    UM_PRUNE_SESSIONS,
    /** By the time when they ended, whether they were accepted or not. */
    UM_PRUNE_INVITATIONS,
    /** Kept answers, by the time of the request; those of all organizations. */
    UM_PRUNE_IDEMPOTENCY,
    UM_PRUNE_KIND_COUNT
} um_prune_kind_t;

/** The names of the kinds, as operators write them: "audit" and so on. */
extern const char *const um_prune_names[UM_PRUNE_KIND_COUNT];

/** A place in the order of an index. Which members count depends on the kind. */
typedef struct um_prune_place_t {
    apr_int64_t at;
    char key[UM_UID_MAX + 1];
    char status[16];
} um_prune_place_t;

/** The rows of a kind and an organization that are old, and how many of them are done. */
typedef struct um_prune_t {
    um_prune_kind_t kind;
    /** Not used for kept answers. */
    apr_int64_t org_id;
    /** What is of this time (milliseconds since 1970) or earlier is deleted. */
    apr_int64_t until;
    /** Rows of a piece. */
    int limit;
    /** Called in the transaction of each piece that has deleted something; may be NULL. */
    apr_status_t (*note)(um_db_t *db, const struct um_prune_t *prune, void *baton,
                         apr_pool_t *pool);
    void *note_baton;

    /** Rows of this piece that were read, and of these the old ones; how many of them were
     *  deleted. */
    int found;
    int old;
    int deleted;

    /* The piece: rows behind the first place, up to the last. */
    um_prune_place_t after;
    um_prune_place_t last;
} um_prune_t;

/** Begin with the oldest row; the members above `found` are filled in. */
void um_store_prune_begin(um_prune_t *prune);

/** Read the keys of the next piece. If found is less than limit, it is the last one. UM_ESCHEMA
 *  (logged) if the schema is too old for this kind. */
apr_status_t um_store_prune_look(um_prune_t *prune, um_db_t *db, apr_pool_t *pool);

/** Delete the rows of the piece. baton is the um_prune_t; a um_change_fn_t. */
apr_status_t um_store_prune_delete(um_db_t *db, void *baton, apr_pool_t *pool);

/** Go on behind the piece. */
void um_store_prune_go_on(um_prune_t *prune);

/** Let this transaction delete ("prune") or change ("erase") audit events. */
apr_status_t um_store_audit_permit(um_db_t *db, const char *purpose, apr_pool_t *pool);
/** The same no longer; before the transaction ends. */
apr_status_t um_store_audit_end_permit(um_db_t *db, apr_pool_t *pool);

#endif
