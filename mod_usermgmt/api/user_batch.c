/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file user_batch.c Many users in one request, see user_batch.h. */

#include "user_batch.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "../base/address.h"
#include "../base/text.h"
#include "../base/uid.h"
#include "../core/store_users.h"
#include "../core/user_chunk.h"
#include "../rest/body.h"
#include "../rest/change.h"
#include "../rest/permission.h"
#include "user_json.h"
#include "users.h"

/* So that the answer stays small: of the errors of one user these are told, and so many bytes of
 * the name of a member. */
#define FAULTS_MAX 10
#define FIELD_MAX 128

typedef enum um_batch_mode_t {
    UM_BATCH_CREATE,
    UM_BATCH_UPDATE,
    UM_BATCH_UPSERT,
    UM_BATCH_SKIP,
    UM_BATCH_MODE_COUNT
} um_batch_mode_t;

/* Each mode with the permissions that it takes. */
static const struct {
    const char *name;
    int creates;
    int updates;
} modes[] = {
    [UM_BATCH_CREATE] = { "create", 1, 0 },
    [UM_BATCH_UPDATE] = { "update", 0, 1 },
    [UM_BATCH_UPSERT] = { "upsert", 1, 1 },
    [UM_BATCH_SKIP] = { "skip", 1, 0 },
};

typedef enum um_outcome_t {
    UM_OUTCOME_CREATED,
    UM_OUTCOME_UPDATED,
    /* The user was there and is as before. */
    UM_OUTCOME_SKIPPED,
    UM_OUTCOME_REFUSED,
    UM_OUTCOME_COUNT
} um_outcome_t;

/* One user of the request. The first part is made before the change, because it takes time and
 * asks no database; the change may run more than once. */
typedef struct um_batch_row_t {
    int index;
    /* To make the user: can_create is 0 if that is not asked for, or something is wrong. */
    int can_create;
    um_user_t user;
    um_user_keys_t keys;
    /* To change the user: the same, and what it is found by. */
    int can_update;
    um_user_input_t input;
    const char *uid;
    const char *email;
    const char *email_key;
    /* What is wrong. */
    um_faults_t create_faults;
    um_faults_t update_faults;
    /* Whether it has too many values to be looked at. */
    int is_too_large;
    char made_uid[UM_UID_LENGTH + 1];

    /* The user who has the address, as far as that is known; NULL for nobody. */
    const char *found_uid;
    um_outcome_t outcome;
    int status;
    /* NULL if it is not told. */
    const char *told_uid;
    /* The text of a problem; NULL for a success. */
    const char *problem;
} um_batch_row_t;

typedef struct um_batch_t {
    um_request_t *request;
    um_batch_mode_t mode;
    int is_dry;
    um_batch_row_t *rows;
    int count;
    /* The rows in the order in which they are done, and the next one of them. */
    um_batch_row_t **order;
    int next;
    /* Whether all users are found by their addresses, and whether all are found by their uids and
     * keep their addresses. */
    int is_by_email;
    int is_by_uid;
    um_user_chunk_t chunk;
    um_batch_row_t *chunk_rows[UM_USER_CHUNK_MAX];
    int changes_roles;
} um_batch_t;

/* ---- reading ---- */

static int creates(const um_batch_t *batch)
{
    return modes[batch->mode].creates;
}

static int updates(const um_batch_t *batch)
{
    return modes[batch->mode].updates;
}

static void read_mode(um_batch_t *batch)
{
    um_request_t *request = batch->request;
    const char *given = um_body_text(request, "mode");
    int mode = 0;

    while (given != NULL && mode < UM_BATCH_MODE_COUNT && strcmp(given, modes[mode].name) != 0) {
        mode++;
    }
    batch->mode = given != NULL ? (um_batch_mode_t)mode : UM_BATCH_MODE_COUNT;
    if (um_body_member(request, "mode") == NULL) {
        um_faults_add(&request->faults, "mode", "required", "It must be given.");
    } else if (given != NULL && mode == UM_BATCH_MODE_COUNT) {
        um_faults_add(&request->faults, "mode", "invalid_value",
                      "It must be create, update, upsert or skip.");
    }
}

static void read_dry_run(um_batch_t *batch)
{
    const um_json_t *given = um_body_member(batch->request, "dry_run");

    batch->is_dry = given != NULL && um_json_type(given) == UM_JSON_TRUE;
    if (given != NULL && !batch->is_dry && um_json_type(given) != UM_JSON_FALSE) {
        um_faults_add(&batch->request->faults, "dry_run", "invalid_type",
                      "It must be true or false.");
    }
}

static const um_json_t *read_users(um_batch_t *batch)
{
    um_faults_t *faults = &batch->request->faults;
    const um_json_t *given = um_body_member(batch->request, "users");

    if (given == NULL) {
        um_faults_add(faults, "users", "required", "It must be given.");
    } else if (um_json_type(given) != UM_JSON_ARRAY) {
        um_faults_add(faults, "users", "invalid_type", "It must be an array.");
    } else if (um_json_size(given) > UM_USER_BATCH_MAX) {
        um_faults_add(faults, "users", "too_long", "A request can have at most 500 users.");
    } else {
        batch->count = (int)um_json_size(given);
    }
    return given;
}

/* The user_uid of a user who is to be changed; NULL if there is none. */
static const char *read_uid(const um_user_input_t *input, um_faults_t *faults)
{
    const char *uid = input->uid != NULL ? um_json_string(input->uid) : NULL;

    if (uid != NULL) {
        um_faults_add_violation(faults, "user_uid", um_rules_check_uid(uid));
    } else if (input->uid != NULL && um_json_type(input->uid) != UM_JSON_NULL) {
        um_faults_add(faults, "user_uid", "invalid_type", "It must be a string.");
    }
    return uid;
}

static void read_update(um_batch_row_t *row, const um_json_t *given)
{
    um_user_input_t *input = &row->input;
    um_faults_t *faults = &row->update_faults;

    um_user_input_read(input, given);
    row->uid = read_uid(input, faults);
    row->email = input->email != NULL ? um_json_string(input->email) : NULL;
    if (row->email != NULL) {
        row->email_key = um_address_key(row->email, faults->pool);
    }
    um_user_input_check_update(input, faults);
    if (row->uid == NULL && row->email == NULL && faults->list == NULL) {
        um_faults_add(faults, "user_uid", "required", "It must be given, or else the email.");
    }
    row->can_update = faults->list == NULL;
}

static apr_status_t read_creation(um_batch_row_t *row, const um_json_t *given)
{
    um_faults_t *faults = &row->create_faults;
    um_user_input_t input;
    apr_status_t status = APR_SUCCESS;

    um_user_input_read(&input, given);
    um_user_input_create(&row->user, &input, faults);
    row->user.version = 1;
    row->can_create = faults->list == NULL;
    if (row->can_create) {
        status = um_store_users_make_keys(&row->keys, &row->user, faults->pool);
        row->email_key = row->keys.email_key;
    }
    return status;
}

static apr_status_t read_row(um_batch_row_t *row, const um_batch_t *batch, const um_json_t *given)
{
    um_faults_t none = { .pool = batch->request->pool, .place = "body" };
    apr_status_t status = APR_SUCCESS;

    row->create_faults = row->update_faults = none;
    if (um_json_type(given) != UM_JSON_OBJECT) {
        um_faults_add(&row->create_faults, "body", "invalid_type", "It must be a JSON object.");
        row->update_faults = row->create_faults;
        return APR_SUCCESS;
    }
    row->is_too_large = !um_json_is_bounded(given);
    if (row->is_too_large) {
        return APR_SUCCESS;
    }
    if (updates(batch)) {
        read_update(row, given);
    }
    if (creates(batch) && row->uid == NULL) {
        status = read_creation(row, given);
    }
    return status;
}

static apr_status_t read_rows(um_batch_t *batch, const um_json_t *users)
{
    apr_pool_t *pool = batch->request->pool;
    apr_size_t count = (apr_size_t)batch->count;
    apr_status_t status = APR_SUCCESS;

    batch->is_by_email = batch->is_by_uid = 1;
    batch->rows = apr_pcalloc(pool, sizeof(batch->rows[0]) * (count + 1));
    batch->order = apr_pcalloc(pool, sizeof(batch->order[0]) * (count + 1));
    for (int i = 0; status == APR_SUCCESS && i < batch->count; i++) {
        batch->rows[i].index = i;
        status = read_row(&batch->rows[i], batch, um_json_element(users, (apr_size_t)i));
        batch->order[i] = &batch->rows[i];
        batch->is_by_email = batch->is_by_email && batch->rows[i].uid == NULL;
        batch->is_by_uid = batch->is_by_uid && batch->rows[i].uid != NULL
                           && batch->rows[i].email == NULL;
    }
    return status;
}

/* ---- what comes of a user ---- */

static const char *write_problem(const um_problem_t *problem, apr_pool_t *pool)
{
    um_problem_t short_one = *problem;
    um_buffer_t buffer;

    if (problem->faults != NULL) {
        apr_array_header_t *faults = apr_array_copy(pool, problem->faults);

        faults->nelts = faults->nelts < FAULTS_MAX ? faults->nelts : FAULTS_MAX;
        for (int i = 0; i < faults->nelts; i++) {
            um_fault_t *fault = &APR_ARRAY_IDX(faults, i, um_fault_t);

            fault->field = apr_pstrmemdup(pool, fault->field,
                                          um_text_fit(fault->field, FIELD_MAX));
        }
        short_one.faults = faults;
    }
    um_buffer_init(&buffer, 256, pool);
    um_problem_put(&buffer, &short_one);
    return buffer.data;
}

/* A user is refused by an answer that is a problem. */
static void note_refusal(um_batch_row_t *row, const um_batch_t *batch, const um_answer_t *answer)
{
    row->outcome = UM_OUTCOME_REFUSED;
    row->status = answer->status;
    row->told_uid = NULL;
    row->problem = write_problem(answer->problem, batch->request->pool);
}

static void note_faults(um_batch_row_t *row, const um_batch_t *batch, const um_faults_t *faults)
{
    apr_pool_t *pool = batch->request->pool;
    um_answer_t answer;
    apr_status_t status;

    um_answer_init(&answer, pool);
    status = row->is_too_large
                 ? um_problem_answer(&answer, 400, "too_many_values", pool,
                                     "There are too many values: at most %d are taken.",
                                     UM_JSON_MAX_VALUES)
                 : um_problem_answer_faults(&answer, faults);
    if (status == UM_EREFUSED) {
        note_refusal(row, batch, &answer);
    }
}

static void note_success(um_batch_row_t *row, um_outcome_t outcome, const char *uid)
{
    row->outcome = outcome;
    row->status = outcome == UM_OUTCOME_CREATED ? 201 : 200;
    row->told_uid = uid;
    row->problem = NULL;
}

/* The uid of a user who was there, if the caller gave it or may know it. */
static const char *uid_to_tell(const um_batch_t *batch, const um_batch_row_t *row,
                               const char *uid)
{
    const um_request_t *request = batch->request;

    return row->uid != NULL
                   || um_permission_allows(UM_PERMIT_USERS_READ, &request->caller,
                                           request->settings)
               ? apr_pstrdup(request->pool, uid)
               : NULL;
}

/* ---- one user who is there ---- */

/* UM_ENOTFOUND if the user was found by its address, and has gone; UM_ECONFLICT if it has another
 * address now. */
static apr_status_t update_found(um_batch_row_t *row, um_batch_t *batch, um_change_t *change,
                                 um_db_t *db, const char *uid, apr_pool_t *pool)
{
    um_request_t part = *change->request;
    um_change_t part_change = *change;
    um_user_edit_t edit = { .uid = uid, .input = &row->input };
    um_answer_t answer;
    apr_status_t status;

    part.pool = pool;
    part.headers = apr_table_make(pool, 1);
    part.action = "users.update";
    part_change.request = &part;
    edit.email_key = row->uid == NULL ? row->email_key : NULL;
    um_answer_init(&answer, pool);
    status = um_users_make_update(&answer, &part_change, db, &edit);
    change->events = part_change.events;
    if (status == UM_EREFUSED && row->uid == NULL && answer.status == 404) {
        return UM_ENOTFOUND;
    }
    if (status == UM_EREFUSED) {
        note_refusal(row, batch, &answer);
        return APR_SUCCESS;
    }
    if (status == APR_SUCCESS) {
        note_success(row, edit.changed ? UM_OUTCOME_UPDATED : UM_OUTCOME_SKIPPED,
                     uid_to_tell(batch, row, uid));
        batch->changes_roles = batch->changes_roles || answer.changes_roles;
    }
    return status;
}

/* Find the user with the address of a row, unless it is known. UM_ENOTFOUND if there is none. */
static apr_status_t find_existing(um_batch_row_t *row, const um_batch_t *batch, um_db_t *db,
                                  apr_pool_t *pool)
{
    um_user_t *found = NULL;
    apr_status_t status = APR_SUCCESS;

    if (row->found_uid == NULL) {
        status = um_store_users_get_by_email(&found, db, batch->request->caller.org_id,
                                             row->can_create ? row->user.email : row->email,
                                             pool);
    }
    if (status == APR_SUCCESS && row->found_uid == NULL) {
        row->found_uid = apr_pstrdup(batch->request->pool, found->uid);
    }
    return status;
}

/* The user with the address of the row is there: update or skip it. UM_ENOTFOUND if it is not;
 * UM_ECONFLICT if it got another address meanwhile. */
static apr_status_t use_existing(um_batch_row_t *row, um_batch_t *batch, um_change_t *change,
                                 um_db_t *db, apr_pool_t *pool)
{
    apr_status_t status = find_existing(row, batch, db, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    if (batch->mode == UM_BATCH_SKIP) {
        note_success(row, UM_OUTCOME_SKIPPED, uid_to_tell(batch, row, row->found_uid));
        return APR_SUCCESS;
    }
    if (!row->can_update) {
        note_faults(row, batch, &row->update_faults);
        return APR_SUCCESS;
    }
    status = update_found(row, batch, change, db, row->found_uid, pool);
    if (status == UM_ENOTFOUND || status == UM_ECONFLICT) {
        row->found_uid = NULL;
        /* Another one may have the address now. */
        status = UM_ECONFLICT;
    }
    return status;
}

/* ---- one new user ---- */

/* UM_EREFUSED if the caller can't make the user; then it is known what comes of it. */
static apr_status_t check_new(um_batch_row_t *row, um_batch_t *batch, um_change_t *change,
                              um_db_t *db, apr_pool_t *pool)
{
    um_answer_t answer;
    apr_status_t status;
    apr_status_t found = UM_ENOTFOUND;

    um_answer_init(&answer, pool);
    status = um_users_check_address(&answer, batch->request, db, row->user.email);
    if (status != UM_EREFUSED) {
        return status;
    }
    if (batch->mode == UM_BATCH_SKIP) {
        found = use_existing(row, batch, change, db, pool);
    }
    if (found == UM_ENOTFOUND) {
        note_refusal(row, batch, &answer);
        found = APR_SUCCESS;
    }
    return found == APR_SUCCESS ? UM_EREFUSED : found;
}

static void note_created(um_batch_row_t *row, um_batch_t *batch)
{
    note_success(row, UM_OUTCOME_CREATED,
                 batch->is_dry ? NULL : apr_pstrdup(batch->request->pool, row->made_uid));
    /* A caller with a role by configuration loses it by becoming a suspended user. */
    batch->changes_roles = batch->changes_roles || row->user.is_suspended;
}

static um_audit_event_t event_of(const um_batch_row_t *row, um_change_t *change, apr_pool_t *pool)
{
    return um_change_event(change, "users.create", row->made_uid, NULL,
                           um_user_json(&row->user, pool));
}

/* The address or the name is taken. UM_ECONFLICT if it is not any more. */
static apr_status_t use_taken(um_batch_row_t *row, um_batch_t *batch, um_change_t *change,
                              um_db_t *db, apr_pool_t *pool)
{
    um_user_taken_t taken = UM_TAKEN_NOTHING;
    um_answer_t answer;
    apr_status_t status = UM_ENOTFOUND;

    if (batch->mode != UM_BATCH_CREATE) {
        status = use_existing(row, batch, change, db, pool);
    }
    if (status != UM_ENOTFOUND) {
        return status;
    }
    status = um_store_users_find_taken(&taken, db, batch->request->caller.org_id, &row->user,
                                       pool);
    if (status == APR_SUCCESS
        && (taken == UM_TAKEN_NOTHING
            || (taken == UM_TAKEN_EMAIL && batch->mode != UM_BATCH_CREATE))) {
        return UM_ECONFLICT;
    }
    um_answer_init(&answer, pool);
    if (status == APR_SUCCESS
        && um_users_answer_taken(&answer, taken, &row->user, pool) == UM_EREFUSED) {
        note_refusal(row, batch, &answer);
    }
    return status;
}

/* Users come and go while a row is tried; after so many tries the change is given up. */
#define TRIES_MAX 8

static apr_status_t create_one(um_batch_row_t *row, um_batch_t *batch, um_change_t *change,
                               um_db_t *db, apr_pool_t *pool)
{
    apr_int64_t org_id = batch->request->caller.org_id;
    um_audit_event_t event;
    apr_status_t status = check_new(row, batch, change, db, pool);

    if (status != APR_SUCCESS) {
        return status == UM_EREFUSED ? APR_SUCCESS : status;
    }
    status = UM_ECONFLICT;
    for (int try = 1; status == UM_ECONFLICT && try <= TRIES_MAX; try++) {
        status = row->found_uid != NULL
                     ? UM_ECONFLICT
                     : um_store_users_insert_with_keys(db, org_id, &row->user, &row->keys, pool);
        if (status == APR_SUCCESS) {
            event = event_of(row, change, pool);
            note_created(row, batch);
            um_user_chunk_grow(&batch->chunk, db);
            return um_store_audit_insert(db, org_id, &event, pool);
        }
        if (status == UM_ECONFLICT) {
            status = use_taken(row, batch, change, db, pool);
        }
    }
    return status == UM_ECONFLICT ? UM_EUNAVAILABLE : status;
}

static apr_status_t update_one(um_batch_row_t *row, um_batch_t *batch, um_change_t *change,
                               um_db_t *db, apr_pool_t *pool)
{
    um_answer_t answer;
    apr_status_t status = UM_ECONFLICT;

    if (row->uid != NULL) {
        return update_found(row, batch, change, db, row->uid, pool);
    }
    for (int try = 1; status == UM_ECONFLICT && try <= TRIES_MAX; try++) {
        status = use_existing(row, batch, change, db, pool);
    }
    if (status != UM_ENOTFOUND) {
        return status == UM_ECONFLICT ? UM_EUNAVAILABLE : status;
    }
    if (creates(batch)) {
        note_faults(row, batch, &row->create_faults);
        return APR_SUCCESS;
    }
    um_answer_init(&answer, pool);
    if (um_users_answer_not_found(&answer, pool) == UM_EREFUSED) {
        note_refusal(row, batch, &answer);
    }
    return APR_SUCCESS;
}

static apr_status_t run_one(um_batch_row_t *row, um_batch_t *batch, um_change_t *change,
                            um_db_t *db, apr_pool_t *pool)
{
    if (row->can_create) {
        return create_one(row, batch, change, db, pool);
    }
    /* What is wrong with an upsert depends on whether the user is there. */
    if (row->can_update || (creates(batch) && row->uid == NULL && row->email_key != NULL)) {
        return update_one(row, batch, change, db, pool);
    }
    note_faults(row, batch,
                row->create_faults.list != NULL ? &row->create_faults : &row->update_faults);
    return APR_SUCCESS;
}

/* ---- many new users ---- */

static int can_insert(const um_batch_row_t *row)
{
    return row->can_create && row->found_uid == NULL;
}

/* Collect the next users to make. *next is the row after them. */
static apr_status_t fill_chunk(int *next, um_batch_t *batch, um_change_t *change, um_db_t *db,
                               apr_pool_t *pool)
{
    apr_status_t status = APR_SUCCESS;
    int at = batch->next;

    um_user_chunk_begin(&batch->chunk, db);
    for (; at < batch->count && can_insert(batch->order[at]); at++) {
        um_batch_row_t *row = batch->order[at];

        status = check_new(row, batch, change, db, pool);
        if (status == UM_EREFUSED) {
            continue;
        }
        if (status != APR_SUCCESS || !um_user_chunk_add(&batch->chunk, &row->user, &row->keys)) {
            break;
        }
        batch->chunk_rows[batch->chunk.count - 1] = row;
    }
    *next = at;
    return status == UM_EREFUSED ? APR_SUCCESS : status;
}

static apr_status_t audit_chunk(um_batch_t *batch, um_change_t *change, um_db_t *db,
                                apr_pool_t *pool)
{
    um_audit_event_t *events = apr_palloc(pool, sizeof(*events) * UM_USER_CHUNK_MAX);

    for (int i = 0; i < batch->chunk.count; i++) {
        events[i] = event_of(batch->chunk_rows[i], change, pool);
        note_created(batch->chunk_rows[i], batch);
    }
    return um_store_audit_insert_all(db, batch->request->caller.org_id, events,
                                     batch->chunk.count, pool);
}

static apr_status_t create_many(um_batch_t *batch, um_change_t *change, um_db_t *db,
                                apr_pool_t *pool)
{
    int next = 0;
    apr_status_t status = fill_chunk(&next, batch, change, db, pool);

    if (status == APR_SUCCESS && batch->chunk.count > 0) {
        status = um_user_chunk_insert(&batch->chunk, db, batch->request->caller.org_id, pool);
        if (status == UM_ECONFLICT) {
            return APR_SUCCESS;
        }
        if (status == APR_SUCCESS) {
            status = audit_chunk(batch, change, db, pool);
        }
        um_user_chunk_grow(&batch->chunk, db);
    }
    batch->next = next;
    return status;
}

/* ---- the answer ---- */

static void put_result(um_buffer_t *buffer, const um_batch_row_t *row)
{
    um_buffer_putc(buffer, '{');
    um_json_put_member_int(buffer, "index", row->index);
    um_json_put_member_int(buffer, "status", row->status);
    if (row->problem != NULL) {
        um_json_put_member_json(buffer, "problem", row->problem);
    } else if (row->told_uid != NULL) {
        um_json_put_member(buffer, "user_uid", row->told_uid);
    } else {
        um_json_put_member_json(buffer, "user_uid", "null");
    }
    um_buffer_putc(buffer, '}');
}

static void put_summary(um_buffer_t *buffer, const um_batch_t *batch)
{
    int counts[UM_OUTCOME_COUNT] = { 0 };

    for (int i = 0; i < batch->count; i++) {
        counts[batch->rows[i].outcome]++;
    }
    um_buffer_putc(buffer, '{');
    um_json_put_member_int(buffer, "created", counts[UM_OUTCOME_CREATED]);
    um_json_put_member_int(buffer, "updated", counts[UM_OUTCOME_UPDATED]);
    um_json_put_member_int(buffer, "skipped", counts[UM_OUTCOME_SKIPPED]);
    um_json_put_member_int(buffer, "refused", counts[UM_OUTCOME_REFUSED]);
    um_buffer_putc(buffer, '}');
}

/* A row has brackets round its results, too. */
#define KEPT_MAX (UM_KEPT_BODY_MAX - 16)

/* Keep the results of an answer, which are text, in rows of the database. Each begins at an
 * offset of starts, with a comma before it. The first row has all that stands before them, too.
 */
static void cut_into_rows(um_answer_t *answer, const char *text, const apr_size_t *starts,
                          int count, apr_pool_t *pool)
{
    apr_array_header_t *rest = apr_array_make(pool, 8, sizeof(const char *));
    apr_size_t from = 0;

    for (int i = 1; i <= count; i++) {
        const char *piece;

        if (i < count && starts[i + 1] - from < KEPT_MAX) {
            continue;
        }
        piece = apr_pstrmemdup(pool, text + from, starts[i] - 1 - from);
        if (from == 0) {
            answer->kept_body = apr_pstrcat(pool, piece, "]}", NULL);
        } else {
            APR_ARRAY_PUSH(rest, const char *) = apr_pstrcat(pool, "[", piece, "]", NULL);
        }
        from = starts[i];
    }
    answer->kept_rest = rest;
}

static void answer_batch(um_answer_t *answer, const um_batch_t *batch)
{
    apr_pool_t *pool = batch->request->pool;
    apr_size_t *starts = apr_palloc(pool, sizeof(*starts) * (apr_size_t)(batch->count + 1));
    um_buffer_t buffer;

    um_buffer_init(&buffer, 128 + 64 * (apr_size_t)batch->count, pool);
    um_buffer_putc(&buffer, '{');
    um_json_put_name(&buffer, "summary");
    put_summary(&buffer, batch);
    um_json_put_name(&buffer, "results");
    um_buffer_putc(&buffer, '[');
    for (int i = 0; i < batch->count; i++) {
        um_buffer_puts(&buffer, i > 0 ? "," : "");
        starts[i] = buffer.length;
        put_result(&buffer, &batch->rows[i]);
    }
    starts[batch->count] = buffer.length + strlen(",");
    um_buffer_puts(&buffer, "]}");
    um_answer_json(answer, 200, &buffer);
    if (buffer.length > KEPT_MAX) {
        cut_into_rows(answer, buffer.data, starts, batch->count, pool);
    }
    answer->changes_roles = batch->changes_roles;
}

/* ---- the change ---- */

static int compare_texts(const char *left, const char *right)
{
    return strcmp(left != NULL ? left : "", right != NULL ? right : "");
}

static int compare_rows(const void *a, const void *b)
{
    const um_batch_row_t *left = *(um_batch_row_t *const *)a;
    const um_batch_row_t *right = *(um_batch_row_t *const *)b;
    int order = (right->found_uid != NULL) - (left->found_uid != NULL);

    if (order == 0) {
        order = compare_texts(left->uid, right->uid);
    }
    if (order == 0) {
        order = compare_texts(left->email_key, right->email_key);
    }
    return order != 0 ? order : left->index - right->index;
}

/* If all users are found by their addresses, they are independent of each other, and so they are
 * if all are found by their uids and nobody gives up an address. So they are done in the order of
 * their keys or uids: two requests that lock the same users then hardly ever wait for each other.
 * Those who are there come first, so that the others are made many at a time. */
static void put_in_order(um_batch_t *batch)
{
    if (batch->is_by_email || batch->is_by_uid) {
        qsort(batch->order, (size_t)batch->count, sizeof(batch->order[0]), compare_rows);
    }
}

/* Find those who are there. What is found is certain only when it is used. To make users nobody
 * must be there, so nobody is looked for. */
static apr_status_t find_all(um_batch_t *batch, um_db_t *db)
{
    apr_pool_t *pool = batch->request->pool;
    const char **keys = apr_palloc(pool, sizeof(*keys) * (apr_size_t)(batch->count + 1));
    apr_hash_t *uids = NULL;
    int count = 0;
    apr_status_t status;

    for (int i = 0; i < batch->count; i++) {
        batch->rows[i].found_uid = NULL;
        if (batch->rows[i].email_key != NULL && batch->rows[i].uid == NULL) {
            keys[count++] = batch->rows[i].email_key;
        }
    }
    if (count == 0 || batch->mode == UM_BATCH_CREATE) {
        return APR_SUCCESS;
    }
    status = um_store_users_find_by_keys(&uids, db, batch->request->caller.org_id, keys, count,
                                         pool);
    for (int i = 0; status == APR_SUCCESS && i < batch->count; i++) {
        um_batch_row_t *row = &batch->rows[i];

        if (row->email_key != NULL && row->uid == NULL) {
            row->found_uid = apr_hash_get(uids, row->email_key, APR_HASH_KEY_STRING);
        }
    }
    return status;
}

/* Users of the same millisecond have uids in their order. */
static apr_status_t make_uids(um_batch_t *batch, const um_change_t *change, um_db_t *db)
{
    apr_status_t status = APR_SUCCESS;

    for (int i = 0; status == APR_SUCCESS && i < batch->count; i++) {
        um_batch_row_t *row = &batch->rows[i];

        if (row->can_create) {
            status = um_uid_make(row->made_uid, change->now + i, &um_db_host(db)->random);
            row->user.uid = row->made_uid;
            row->user.created_at = row->user.updated_at = change->now_ms;
        }
    }
    return status;
}

static apr_status_t begin(um_batch_t *batch, const um_change_t *change, um_db_t *db)
{
    apr_status_t status = find_all(batch, db);

    if (status == APR_SUCCESS) {
        status = make_uids(batch, change, db);
    }
    put_in_order(batch);
    batch->next = 0;
    batch->changes_roles = 0;
    batch->chunk.size = 0;
    um_user_chunk_begin(&batch->chunk, db);
    um_db_set_locks_many(db);
    return status;
}

/* The request's own permission was read again already. */
static apr_status_t check_other_permission(um_answer_t *answer, const um_batch_t *batch,
                                           um_db_t *db)
{
    um_request_t other = *batch->request;

    if (!creates(batch) || !updates(batch)) {
        return APR_SUCCESS;
    }
    other.permission = UM_PERMIT_USERS_CREATE;
    return um_permission_check_change(answer, &other, db);
}

static apr_status_t run_rows(um_batch_t *batch, um_change_t *change, um_db_t *db)
{
    apr_pool_t *scratch;
    apr_status_t status = APR_SUCCESS;

    apr_pool_create(&scratch, batch->request->pool);
    while (status == APR_SUCCESS && batch->next < batch->count) {
        um_batch_row_t *row = batch->order[batch->next];

        if (can_insert(row) && batch->chunk.size > 1) {
            status = create_many(batch, change, db, scratch);
        } else {
            batch->next++;
            status = run_one(row, batch, change, db, scratch);
        }
        apr_pool_clear(scratch);
    }
    apr_pool_destroy(scratch);
    return status;
}

/* A dry run is the change itself, rolled back. */
static apr_status_t make_batch(um_answer_t *answer, um_change_t *change, um_db_t *db, void *baton)
{
    um_batch_t *batch = baton;
    apr_status_t status = check_other_permission(answer, batch, db);

    if (status == APR_SUCCESS) {
        status = um_change_check_match(answer, change, NULL);
    }
    if (status == APR_SUCCESS) {
        status = begin(batch, change, db);
    }
    if (status == APR_SUCCESS) {
        status = run_rows(batch, change, db);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    answer_batch(answer, batch);
    return batch->is_dry ? UM_EREFUSED : APR_SUCCESS;
}

static apr_status_t check_permission(um_answer_t *answer, um_request_t *request,
                                     um_permission_t permission)
{
    request->permission = permission;
    return um_permission_check(answer, request);
}

/* Until here one of the two permissions was enough. */
static apr_status_t check_permissions(um_answer_t *answer, const um_batch_t *batch)
{
    apr_status_t status = APR_SUCCESS;

    if (creates(batch)) {
        status = check_permission(answer, batch->request, UM_PERMIT_USERS_CREATE);
    }
    if (status == APR_SUCCESS && updates(batch)) {
        status = check_permission(answer, batch->request, UM_PERMIT_USERS_UPDATE);
    }
    return status;
}

apr_status_t um_user_batch(um_answer_t *answer, um_request_t *request)
{
    um_batch_t *batch = apr_pcalloc(request->pool, sizeof(*batch));
    const um_json_t *users;
    apr_status_t status = APR_SUCCESS;

    batch->request = request;
    read_mode(batch);
    if (batch->mode != UM_BATCH_MODE_COUNT) {
        status = check_permissions(answer, batch);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    read_dry_run(batch);
    users = read_users(batch);
    um_body_refuse_others(request, "mode", "dry_run", "users", NULL);
    if (request->faults.list == NULL) {
        status = read_rows(batch, users);
    }
    if (status == APR_SUCCESS) {
        status = um_change_run(answer, request, make_batch, batch);
    }
    return status == UM_EREFUSED && answer->code == NULL ? APR_SUCCESS : status;
}
