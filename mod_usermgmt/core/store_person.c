/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file store_person.c All that the database knows of one person, see store_person.h. */

#include "store_person.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/address.h"
#include "../base/json.h"
#include "../db/statements.h"
#include "rules.h"
#include "store_users.h"

/* Rows of a page. */
#define PAGE 200

/* The first column behind those of um_store_audit_read(). */
#define ACTOR_KEY_COLUMN 12

/* ---- who it is ---- */

/* A search for the addresses of a user in the audit trail. */
typedef struct um_search_t {
    /* There was an event about a user who is not erased yet. */
    int has_user;
    apr_array_header_t *addresses;
    char after[UM_UID_LENGTH + 1];
    int found;
    apr_pool_t *pool;
} um_search_t;

static void note_address(um_search_t *search, const char *json)
{
    um_json_error_t error;
    um_json_t *user = NULL;
    const um_json_t *email;

    if (json[0] == '\0'
        || um_json_parse(&user, &error, json, strlen(json), search->pool) != APR_SUCCESS) {
        return;
    }
    email = um_json_type(user) == UM_JSON_OBJECT ? um_json_member(user, "email") : NULL;
    if (email != NULL && um_json_string(email) != NULL) {
        APR_ARRAY_PUSH(search->addresses, const char *) = um_json_string(email);
    }
}

/* Does an event tell of a user? Its target alone does not: keys of the API, invitations and
 * organizations are targets, too, and so is what stands for a person who was erased. */
static int is_of_user(const char *action, const char *before, const char *after)
{
    static const char users[] = "users.";
    static const char sub_admins[] = "sub_admins.";

    return (strncmp(action, users, sizeof(users) - 1) == 0
            || strncmp(action, sub_admins, sizeof(sub_admins) - 1) == 0)
           && strcmp(action, UM_ERASE_ACTION) != 0
           && ((before[0] != '\0' && strcmp(before, UM_ERASED_JSON) != 0)
               || (after[0] != '\0' && strcmp(after, UM_ERASED_JSON) != 0));
}

static void take_change(const um_row_t *row, void *baton)
{
    um_search_t *search = baton;
    const char *before = um_row_text(row, 2);
    const char *after = um_row_text(row, 3);

    apr_cpystrn(search->after, um_row_text(row, 0), sizeof(search->after));
    search->found++;
    if (is_of_user(um_row_text(row, 1), before, after)) {
        search->has_user = 1;
        note_address(search, before);
        note_address(search, after);
    }
}

/* Another user may have the address now. Then it tells nothing of this one. */
static apr_status_t add_address(um_person_t *person, um_db_t *db, apr_int64_t org_id,
                                const char *uid, const char *address, apr_pool_t *pool)
{
    um_user_t *owner = NULL;
    apr_status_t status = um_store_users_get_by_email(&owner, db, org_id, address, pool);

    if (status == UM_ENOTFOUND || (status == APR_SUCCESS && strcmp(owner->uid, uid) == 0)) {
        um_person_add_address(person, address);
        return APR_SUCCESS;
    }
    return status;
}

/* Find the addresses in events about the user. *is_known tells whether there are such events. */
static apr_status_t add_addresses(um_person_t *person, int *is_known, um_db_t *db,
                                  apr_int64_t org_id, const char *uid, apr_pool_t *pool)
{
    um_search_t search = { .found = PAGE };
    apr_status_t status = APR_SUCCESS;

    apr_pool_create(&search.pool, pool);
    while (status == APR_SUCCESS && search.found == PAGE) {
        apr_pool_clear(search.pool);
        search.addresses = apr_array_make(search.pool, 4, sizeof(const char *));
        search.found = 0;
        status = um_db_select(db, take_change, &search,
                              UM_BIND(person_events, .org_id = org_id, .target = uid,
                                      .after = search.after, .limit = PAGE),
                              search.pool);
        for (int i = 0; status == APR_SUCCESS && i < search.addresses->nelts; i++) {
            status = add_address(person, db, org_id, uid,
                                 APR_ARRAY_IDX(search.addresses, i, const char *), search.pool);
        }
    }
    apr_pool_destroy(search.pool);
    *is_known = search.has_user;
    return status;
}

static void take_seen(const um_row_t *row, void *baton)
{
    um_person_t *person = baton;

    um_person_add_key(person, um_row_text(row, 0));
    um_person_add_uid(person, um_row_text(row, 1));
}

/* Callers with a role by configuration: those with the uid, and those with an address of the
 * person. */
static apr_status_t add_seen(um_person_t *person, um_db_t *db, apr_int64_t org_id,
                             const char *uid, apr_pool_t *pool)
{
    apr_status_t status = um_db_select(db, take_seen, person,
                                       UM_BIND(person_seen_by_uid, .org_id = org_id,
                                               .user_uid = uid),
                                       pool);

    for (int i = 0; status == APR_SUCCESS && i < person->keys->nelts; i++) {
        status = um_db_select(db, take_seen, person,
                              UM_BIND(person_seen, .org_id = org_id,
                                      .identity_key = APR_ARRAY_IDX(person->keys, i,
                                                                    const char *)),
                              pool);
    }
    return status;
}

apr_status_t um_store_person_find(um_person_t *person, um_user_t **user, um_db_t *db,
                                  apr_int64_t org_id, const char *uid, apr_pool_t *pool)
{
    int is_known = 0;
    apr_status_t status;

    um_person_init(person, pool);
    um_person_add_uid(person, uid);
    *user = NULL;
    status = um_store_users_get(user, db, org_id, uid, pool);
    if (status == APR_SUCCESS) {
        um_person_add_address(person, (*user)->email);
    }
    if (status == APR_SUCCESS || status == UM_ENOTFOUND) {
        status = add_addresses(person, &is_known, db, org_id, uid, pool);
    }
    if (status == APR_SUCCESS) {
        status = add_seen(person, db, org_id, uid, pool);
    }
    if (status == APR_SUCCESS && !is_known && person->keys->nelts == 0) {
        status = um_db_exists(&is_known, db,
                              UM_BIND(person_has_session, .org_id = org_id, .user_uid = uid),
                              pool);
    }
    return status == APR_SUCCESS && !is_known && person->keys->nelts == 0 ? UM_ENOTFOUND : status;
}

/* ---- the audit trail ---- */

void um_store_person_begin_trail(um_trail_t *trail, apr_int64_t org_id, const um_person_t *person,
                                 apr_int64_t from, apr_int64_t to)
{
    trail->org_id = org_id;
    trail->person = person;
    um_uid_first(trail->after, from);
    um_uid_first(trail->end, to);
    trail->found = 0;
}

void um_store_person_read_event(um_trail_event_t *event, const um_row_t *row)
{
    um_store_audit_read(&event->uid, &event->event, row);
    event->actor_key = um_row_text(row, ACTOR_KEY_COLUMN);
}

int um_store_person_is_actor(const um_person_t *person, const um_trail_event_t *event)
{
    return um_person_has_uid(person, event->event.actor_uid)
           || um_person_has_key(person, event->actor_key);
}

static int concerns(const um_person_t *person, const um_trail_event_t *event, apr_pool_t *pool)
{
    return um_store_person_is_actor(person, event)
           || um_person_has_uid(person, event->event.target)
           || um_person_erase(person, event->event.before, "", pool) != event->event.before
           || um_person_erase(person, event->event.after, "", pool) != event->event.after;
}

typedef struct um_trail_page_t {
    um_trail_t *trail;
    um_row_fn_t *take;
    void *baton;
    apr_pool_t *pool;
} um_trail_page_t;

static void take_event(const um_row_t *row, void *baton)
{
    um_trail_page_t *page = baton;
    um_trail_event_t event;

    um_store_person_read_event(&event, row);
    apr_cpystrn(page->trail->after, event.uid, sizeof(page->trail->after));
    page->trail->found++;
    if (concerns(page->trail->person, &event, page->pool)) {
        page->take(row, page->baton);
    }
}

apr_status_t um_store_person_next_trail(um_trail_t *trail, um_db_t *db, um_row_fn_t *take,
                                        void *baton, apr_pool_t *pool)
{
    um_trail_page_t page = { trail, take, baton, pool };
    /* The page itself writes the place. */
    const char *after = apr_pstrdup(pool, trail->after);

    trail->found = 0;
    return um_db_select(db, take_event, &page,
                        UM_BIND(person_trail, .org_id = trail->org_id, .after = after,
                                .end = trail->end, .limit = UM_TRAIL_PAGE),
                        pool);
}

/* ---- kept answers ---- */

typedef struct um_answers_t {
    const um_person_t *person;
    um_kept_row_fn_t *take;
    void *baton;
    const char *identity_key;
    const char *key;
    int found;
    apr_pool_t *pool;
} um_answers_t;

static void take_answer(const um_row_t *row, void *baton)
{
    um_answers_t *answers = baton;
    um_kept_row_t kept = { um_row_text(row, 0), um_row_text(row, 1),
                           um_row_int(row, 2),  (int)um_row_int(row, 3) % UM_KEPT_REST,
                           um_row_text(row, 4), um_row_text(row, 5) };

    answers->found++;
    answers->identity_key = apr_pstrdup(answers->pool, kept.identity_key);
    answers->key = apr_pstrdup(answers->pool, kept.key);
    if (um_person_has_key(answers->person, kept.identity_key)
        || um_person_is_in(answers->person, kept.location)
        || um_person_is_in(answers->person, kept.body)) {
        answers->take(&kept, answers->baton);
    }
}

apr_status_t um_store_person_answers(um_db_t *db, um_kept_row_fn_t *take, void *baton,
                                     apr_int64_t org_id, const um_person_t *person,
                                     apr_pool_t *pool)
{
    um_answers_t answers = { person, take, baton, "", "", PAGE, pool };
    apr_status_t status = APR_SUCCESS;

    while (status == APR_SUCCESS && answers.found == PAGE) {
        answers.found = 0;
        status = um_db_select(db, take_answer, &answers,
                              UM_BIND(person_answers, .org_id = org_id,
                                      .identity_key = answers.identity_key,
                                      .idempotency_key = answers.key, .limit = PAGE),
                              pool);
    }
    return status;
}

/* ---- what the person has made ---- */

typedef struct um_making_t {
    const um_person_t *person;
    apr_array_header_t *ids;
    char after[UM_UID_MAX + 1];
    int found;
    apr_pool_t *pool;
} um_making_t;

static void take_made(const um_row_t *row, void *baton)
{
    um_making_t *making = baton;

    making->found++;
    apr_cpystrn(making->after, um_row_text(row, 0), sizeof(making->after));
    if (um_person_has_identity(making->person, um_row_text(row, 1), making->pool)) {
        APR_ARRAY_PUSH(making->ids, const char *) = apr_pstrdup(making->pool, making->after);
    }
}

static apr_status_t read_made(um_making_t *making, um_db_t *db, um_made_t what,
                              apr_int64_t org_id)
{
    const char *after = apr_pstrdup(making->pool, making->after);

    making->found = 0;
    return what == UM_MADE_SUB_ADMINS ? um_db_select(db, take_made, making,
                                                     UM_BIND(person_appointed, .org_id = org_id,
                                                             .after = after, .limit = PAGE),
                                                     making->pool)
                                      : um_db_select(db, take_made, making,
                                                     UM_BIND(person_keys, .org_id = org_id,
                                                             .after = after, .limit = PAGE),
                                                     making->pool);
}

apr_status_t um_store_person_made(apr_array_header_t **ids, um_db_t *db, um_made_t what,
                                  apr_int64_t org_id, const um_person_t *person, apr_pool_t *pool)
{
    um_making_t making = { person, apr_array_make(pool, 4, sizeof(const char *)), "", PAGE,
                           pool };
    apr_status_t status = APR_SUCCESS;

    while (status == APR_SUCCESS && making.found == PAGE) {
        status = read_made(&making, db, what, org_id);
    }
    *ids = making.ids;
    return status;
}
