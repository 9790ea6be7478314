/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file store_erase.c Erase a person, see store_erase.h. */

#include "store_erase.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/address.h"
#include "../base/json.h"
#include "../base/log.h"
#include "../base/ticks.h"
#include "../db/statements.h"
#include "store_prune.h"
#include "store_users.h"

/* No change takes longer than these milliseconds: an event of before is committed by now. */
#define LATE (10 * 60 * APR_INT64_C(1000))

/* How long to try to empty SQLite's log, and the pause between two tries. */
#define LOG_TIME apr_time_from_sec(5)
#define LOG_PAUSE apr_time_from_msec(20)

#define SCHEMA_NEEDED 3

static apr_int64_t now(const um_erase_t *erase)
{
    const um_host_t *host = um_store_host(erase->store);

    return apr_time_as_msec(host->now(host->baton));
}

apr_status_t um_store_erase_begin(um_erase_t *erase, const char *uid, apr_pool_t *pool)
{
    char random[UM_UID_LENGTH + 1];
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, erase->store, pool);

    erase->pool = pool;
    erase->began_at = now(erase);
    if (status == APR_SUCCESS) {
        status = um_db_check_version(db, SCHEMA_NEEDED, "the erasure of a person", pool);
    }
    if (status == APR_SUCCESS) {
        status = um_store_person_find(&erase->person, &erase->user, db, erase->org_id, uid, pool);
    }
    um_db_close(db);
    if (status == APR_SUCCESS) {
        status = um_uid_make(random, apr_time_from_msec(erase->began_at),
                             &um_store_host(erase->store)->random);
        erase->erased = apr_pstrcat(pool, "erased-", random, NULL);
    }
    return status;
}

/* ---- the audit trail ---- */

/* Events to change, of const char *, in a transaction. */
typedef struct um_piece_t {
    um_erase_t *erase;
    apr_array_header_t *uids;
    apr_pool_t *pool;
} um_piece_t;

static void take_uid(const um_row_t *row, void *baton)
{
    um_piece_t *piece = baton;

    APR_ARRAY_PUSH(piece->uids, const char *) = apr_pstrdup(piece->pool, um_row_text(row, 0));
}

/* An event, copied from its row. */
typedef struct um_event_get_t {
    um_trail_event_t event;
    int is_found;
    apr_pool_t *pool;
} um_event_get_t;

static void copy_event(const um_row_t *row, void *baton)
{
    um_event_get_t *get = baton;
    um_audit_event_t *event = &get->event.event;

    um_store_person_read_event(&get->event, row);
    get->event.uid = apr_pstrdup(get->pool, get->event.uid);
    get->event.actor_key = apr_pstrdup(get->pool, get->event.actor_key);
    event->actor_identity = apr_pstrdup(get->pool, event->actor_identity);
    event->actor_uid = apr_pstrdup(get->pool, event->actor_uid);
    event->remote_addr = apr_pstrdup(get->pool, event->remote_addr);
    event->target = apr_pstrdup(get->pool, event->target);
    event->before = apr_pstrdup(get->pool, event->before);
    event->after = apr_pstrdup(get->pool, event->after);
    get->is_found = 1;
}

/* An event about the person alone has nothing else to tell. */
static void erase_target(um_audit_event_t *event, const um_erase_t *erase)
{
    event->target = erase->erased;
    event->before = event->before != NULL ? UM_ERASED_JSON : NULL;
    event->after = event->after != NULL ? UM_ERASED_JSON : NULL;
}

static apr_status_t write_event(um_db_t *db, const um_erase_t *erase, um_trail_event_t *stored,
                                apr_pool_t *pool)
{
    const um_person_t *person = &erase->person;
    um_audit_event_t event = stored->event;
    const char *actor_key = stored->actor_key;
    int is_actor = um_store_person_is_actor(person, stored);

    event.before = um_person_erase(person, event.before, erase->erased, pool);
    event.after = um_person_erase(person, event.after, erase->erased, pool);
    if (um_person_has_uid(person, event.target)) {
        erase_target(&event, erase);
    }
    if (is_actor) {
        event.actor_identity = erase->erased;
        event.actor_uid = NULL;
        event.remote_addr = "";
        actor_key = um_address_identity_key(erase->erased, pool);
    }
    return um_db_query(db, NULL,
                       UM_BIND(erase_event, .org_id = erase->org_id, .event_uid = stored->uid,
                               .actor_identity = event.actor_identity, .actor_key = actor_key,
                               .actor_uid = event.actor_uid, .remote_addr = event.remote_addr,
                               .target = event.target, .before_json = event.before,
                               .after_json = event.after, .is_actor = is_actor),
                       pool);
}

/* The event is read again under its lock, because another person may be erased from it at the
 * same time. */
static apr_status_t change_event(um_db_t *db, const um_erase_t *erase, const char *uid,
                                 apr_pool_t *pool)
{
    um_event_get_t get = { .pool = pool };
    apr_status_t status = um_db_select(db, copy_event, &get,
                                       UM_BIND(erase_event_lock, .org_id = erase->org_id,
                                               .event_uid = uid),
                                       pool);

    return status == APR_SUCCESS && get.is_found ? write_event(db, erase, &get.event, pool)
                                                 : status;
}

static apr_status_t change_events(um_db_t *db, void *baton, apr_pool_t *pool)
{
    um_piece_t *piece = baton;
    apr_status_t status = um_store_audit_permit(db, "erase", pool);

    for (int i = 0; status == APR_SUCCESS && i < piece->uids->nelts; i++) {
        status = change_event(db, piece->erase, APR_ARRAY_IDX(piece->uids, i, const char *),
                              pool);
    }
    return status == APR_SUCCESS ? um_store_audit_end_permit(db, pool) : status;
}

static apr_status_t find_events(um_piece_t *piece, um_trail_t *trail, apr_pool_t *pool)
{
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, piece->erase->store, pool);

    if (status == APR_SUCCESS) {
        status = um_store_person_next_trail(trail, db, take_uid, piece, pool);
    }
    um_db_close(db);
    return status;
}

/* The events of a stretch of time, in a transaction for each page. */
static apr_status_t change_stretch(um_erase_t *erase, apr_int64_t from, apr_int64_t to)
{
    um_trail_t trail;
    apr_status_t status = APR_SUCCESS;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, erase->pool);
    um_store_person_begin_trail(&trail, erase->org_id, &erase->person, from, to);
    do {
        um_piece_t piece = { erase, NULL, scratch };

        apr_pool_clear(scratch);
        piece.uids = apr_array_make(scratch, 8, sizeof(const char *));
        status = find_events(&piece, &trail, scratch);
        if (status == APR_SUCCESS && piece.uids->nelts > 0) {
            status = erase->change(change_events, &piece, erase, scratch);
        }
        erase->events += status == APR_SUCCESS ? piece.uids->nelts : 0;
    } while (status == APR_SUCCESS && trail.found == UM_TRAIL_PAGE);
    apr_pool_destroy(scratch);
    return status;
}

apr_status_t um_store_erase_trail(um_erase_t *erase)
{
    return change_stretch(erase, 0, erase->began_at - LATE);
}

/* The last minutes, in this transaction. events gets their number. */
static apr_status_t change_last_events(int *events, um_db_t *db, um_erase_t *erase,
                                       apr_pool_t *pool)
{
    um_piece_t piece = { erase, apr_array_make(pool, 8, sizeof(const char *)), pool };
    um_trail_t trail;
    apr_status_t status = APR_SUCCESS;

    um_store_person_begin_trail(&trail, erase->org_id, &erase->person, erase->began_at - LATE,
                                now(erase) + LATE);
    do {
        status = um_store_person_next_trail(&trail, db, take_uid, &piece, pool);
    } while (status == APR_SUCCESS && trail.found == UM_TRAIL_PAGE);
    *events = piece.uids->nelts;
    return status == APR_SUCCESS && piece.uids->nelts > 0 ? change_events(db, &piece, pool)
                                                          : status;
}

/* ---- everything else ---- */

/* By each uid and each key of the person. */
static apr_status_t delete_by_uid(um_db_t *db, um_erase_t *erase, const char *uid,
                                  apr_pool_t *pool)
{
    int sessions = 0;
    apr_status_t status = um_db_query(db, &sessions,
                                      UM_BIND(erase_sessions, .org_id = erase->org_id,
                                              .user_uid = uid),
                                      pool);

    erase->sessions += sessions;
    if (status != APR_SUCCESS) {
        return status;
    }
    return um_db_query(db, NULL,
                       UM_BIND(erase_inviter, .org_id = erase->org_id, .erased = erase->erased,
                               .user_uid = uid),
                       pool);
}

static apr_status_t delete_by_key(um_db_t *db, um_erase_t *erase, const char *key,
                                  apr_pool_t *pool)
{
    int invitations = 0;
    apr_status_t status = um_db_query(db, &invitations,
                                      UM_BIND(erase_invitations, .org_id = erase->org_id,
                                              .email_key = key),
                                      pool);

    erase->invitations += invitations;
    if (status != APR_SUCCESS) {
        return status;
    }
    return um_db_query(db, NULL,
                       UM_BIND(erase_seen, .org_id = erase->org_id, .identity_key = key), pool);
}

/* Of um_kept_row_t: those to delete. */
typedef struct um_answer_list_t {
    apr_array_header_t *rows;
    apr_pool_t *pool;
} um_answer_list_t;

static void note_answer(const um_kept_row_t *row, void *baton)
{
    um_answer_list_t *list = baton;
    um_kept_row_t *noted = apr_array_push(list->rows);

    noted->identity_key = apr_pstrdup(list->pool, row->identity_key);
    noted->key = apr_pstrdup(list->pool, row->key);
}

static apr_status_t delete_answers(um_db_t *db, um_erase_t *erase, apr_pool_t *pool)
{
    um_answer_list_t list = { apr_array_make(pool, 4, sizeof(um_kept_row_t)), pool };
    apr_status_t status = um_store_person_answers(db, note_answer, &list, erase->org_id,
                                                  &erase->person, pool);

    for (int i = 0; status == APR_SUCCESS && i < list.rows->nelts; i++) {
        const um_kept_row_t *row = &APR_ARRAY_IDX(list.rows, i, um_kept_row_t);

        status = um_db_query(db, NULL,
                             UM_BIND(erase_answer, .org_id = erase->org_id,
                                     .identity_key = row->identity_key,
                                     .idempotency_key = row->key),
                             pool);
    }
    erase->answers += list.rows->nelts;
    return status;
}

static apr_status_t erase_maker(um_db_t *db, const um_erase_t *erase, um_made_t what,
                                apr_pool_t *pool)
{
    apr_array_header_t *ids = NULL;
    apr_status_t status = um_store_person_made(&ids, db, what, erase->org_id, &erase->person,
                                               pool);

    for (int i = 0; status == APR_SUCCESS && i < ids->nelts; i++) {
        const char *id = APR_ARRAY_IDX(ids, i, const char *);

        status = what == UM_MADE_SUB_ADMINS
                     ? um_db_query(db, NULL,
                                   UM_BIND(erase_added_by, .org_id = erase->org_id,
                                           .erased = erase->erased, .user_uid = id),
                                   pool)
                     : um_db_query(db, NULL,
                                   UM_BIND(erase_key_maker, .org_id = erase->org_id,
                                           .erased = erase->erased, .key_id = id),
                                   pool);
    }
    return status;
}

static apr_status_t delete_rows(um_db_t *db, um_erase_t *erase, apr_pool_t *pool)
{
    const um_person_t *person = &erase->person;
    apr_status_t status = APR_SUCCESS;

    for (int i = 0; status == APR_SUCCESS && i < person->keys->nelts; i++) {
        status = delete_by_key(db, erase, APR_ARRAY_IDX(person->keys, i, const char *), pool);
    }
    for (int i = 0; status == APR_SUCCESS && i < person->uids->nelts; i++) {
        status = delete_by_uid(db, erase, APR_ARRAY_IDX(person->uids, i, const char *), pool);
    }
    if (status == APR_SUCCESS) {
        status = delete_answers(db, erase, pool);
    }
    if (status == APR_SUCCESS) {
        status = erase_maker(db, erase, UM_MADE_SUB_ADMINS, pool);
    }
    return status == APR_SUCCESS ? erase_maker(db, erase, UM_MADE_KEYS, pool) : status;
}

static const char *describe(const um_erase_t *erase, int is_user, int events, apr_pool_t *pool)
{
    um_buffer_t json;

    um_buffer_init(&json, 128, pool);
    um_buffer_putc(&json, '{');
    um_json_put_member_bool(&json, "user", is_user);
    um_json_put_member_int(&json, "invitations", erase->invitations);
    um_json_put_member_int(&json, "sessions", erase->sessions);
    um_json_put_member_int(&json, "kept_answers", erase->answers);
    um_json_put_member_int(&json, "audit_events", erase->events + events);
    um_buffer_putc(&json, '}');
    return json.data;
}

static apr_status_t write_own_event(um_db_t *db, const um_erase_t *erase, um_audit_event_t *event,
                                    apr_pool_t *pool)
{
    event->target = erase->erased;
    if (um_person_has_uid(&erase->person, event->actor_uid)
        || um_person_has_identity(&erase->person, event->actor_identity, pool)) {
        event->actor_identity = erase->erased;
        event->actor_uid = NULL;
        event->remote_addr = "";
    }
    return um_store_audit_insert(db, erase->org_id, event, pool);
}

apr_status_t um_store_erase_rest(um_db_t *db, um_erase_t *erase, const um_user_t *user,
                                 um_audit_event_t *event, apr_pool_t *pool)
{
    int events = 0;
    apr_status_t status;

    erase->invitations = erase->sessions = erase->answers = 0;
    if (user != NULL) {
        /* It may have got another address meanwhile. */
        um_person_add_address(&erase->person, user->email);
    }
    status = delete_rows(db, erase, pool);
    if (status == APR_SUCCESS && user != NULL) {
        status = um_store_users_delete(db, erase->org_id, user, apr_time_as_msec(event->at),
                                       pool);
    }
    if (status == APR_SUCCESS) {
        status = change_last_events(&events, db, erase, pool);
    }
    if (status == APR_SUCCESS) {
        event->after = describe(erase, user != NULL, events, pool);
        status = write_own_event(db, erase, event, pool);
    }
    return status;
}

/* ---- afterwards ---- */

static void take_is_busy(const um_row_t *row, void *baton)
{
    *(int *)baton = um_row_int(row, 0) != 0;
}

static apr_status_t try_to_empty_log(int *is_busy, um_store_t *store, apr_pool_t *pool)
{
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, store, pool);

    *is_busy = 0;
    if (status == APR_SUCCESS && um_db_traits(db)->has_single_writer) {
        status = um_db_select(db, take_is_busy, is_busy, UM_BIND(log_empty), pool);
    }
    um_db_close(db);
    return status;
}

static apr_status_t empty_log(um_store_t *store, apr_pool_t *pool)
{
    apr_time_t end = um_ticks() + LOG_TIME;
    int is_busy = 0;
    apr_status_t status = try_to_empty_log(&is_busy, store, pool);

    while (status == APR_SUCCESS && is_busy && um_ticks() < end) {
        apr_sleep(LOG_PAUSE);
        status = try_to_empty_log(&is_busy, store, pool);
    }
    if (is_busy) {
        um_log(um_store_host(store), LOG_NOT_EMPTIED, APR_SUCCESS);
    }
    return status;
}

apr_status_t um_store_erase_end(um_erase_t *erase)
{
    apr_status_t status = change_stretch(erase, erase->began_at - LATE, now(erase) + LATE);

    return status == APR_SUCCESS ? empty_log(erase->store, erase->pool) : status;
}
