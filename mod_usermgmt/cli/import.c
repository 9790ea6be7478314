/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/**
 * @file import.c
 * users import. Only the database knows what is done. After a kill at any moment the file
 * is read again from its beginning. With --resume a record counts as done if its user
 * exists as the import would have made it.
 */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "../api/sub_admins.h"
#include "../api/user_json.h"
#include "../base/address.h"
#include "../base/text.h"
#include "../base/ticks.h"
#include "../base/uid.h"
#include "../core/store_users.h"
#include "../core/user_chunk.h"
#include "commands.h"
#include "interrupt.h"
#include "progress.h"
#include "records.h"
#include "refusals.h"

/* A batch: how many users, and how many bytes of the file, are read at once. */
#define BATCH_USERS 4000
#define BATCH_BYTES (8 * 1024 * 1024)

/* The length of a transaction. Nobody else can write to SQLite meanwhile. */
#define TRANSACTION_TIME apr_time_from_msec(500)

/* If httpd finds SQLite busy, it tries again every 100 ms. So after each second the tool pauses
 * for a little longer than that, to let httpd write. */
#define TURN apr_time_from_sec(1)
#define REST apr_time_from_msec(120)

typedef enum um_outcome_t {
    UM_OUTCOME_IMPORTED,
    /* The user was there before. */
    UM_OUTCOME_DONE,
    UM_OUTCOME_REFUSED,
    UM_OUTCOME_COUNT
} um_outcome_t;

typedef struct um_entry_t {
    apr_int64_t line;
    /* The user as in the record; uid and times may be missing. */
    um_user_t user;
    int has_role;
    /* The user to make, complete, without the role, which is given later; its keys, and the
     * user as the audit event has it. Made while the batch is read, as they take time. */
    um_user_t made;
    um_user_keys_t keys;
    const char *json;
    um_faults_t faults;
    /* Whether the record itself is wrong. */
    int is_bad;
    um_outcome_t outcome;
} um_entry_t;

/* Records that are read while the batch before them is written. */
typedef struct um_batch_t {
    const struct um_import_t *import;
    /* Of um_entry_t, in the pool. */
    apr_array_header_t *entries;
    apr_pool_t *pool;
    /* The result of reading: APR_SUCCESS if more may follow. */
    apr_status_t status;
    /* Bytes of the file up to the end of the batch. */
    apr_int64_t done;
    /* The thread that reads it; NULL for none. */
    apr_thread_t *thread;
} um_batch_t;

typedef struct um_import_t {
    um_tool_t *tool;
    apr_int64_t org_id;
    um_records_t *records;
    um_output_t report;
    um_refusals_t refusals;
    um_progress_t progress;
    int is_dry;
    int resumes;
    int with_roles;
    /* Whether users may have been made. */
    int is_begun;
    /* Whether the import ended in the middle of a batch. */
    int is_cut;
    apr_int64_t counts[UM_OUTCOME_COUNT];
    /* The line of the last record that is done. */
    apr_int64_t line;
    um_batch_t batches[2];
    /* The batch that is written. The current transaction writes its entries [first, end).
     * Entries before end are done. */
    um_batch_t *batch;
    int first;
    int end;
    /* The users that the next statement makes, and their entries. */
    um_user_chunk_t chunk;
    const um_entry_t *chunk_entries[UM_USER_CHUNK_MAX];
    /* For a dry run: the users (um_user_t) that it would have made so far, by uid, by the key of
     * the address, and by that of the name. */
    apr_hash_t *by_uid;
    apr_hash_t *by_email;
    apr_hash_t *by_name;
    apr_time_t turn;
} um_import_t;

static um_entry_t *entry_at(const um_import_t *import, int index)
{
    return &APR_ARRAY_IDX(import->batch->entries, index, um_entry_t);
}

/* ---- one user ---- */

/* Whether a stored user is as the record would have made it. */
static int is_same(const um_user_t *stored, const um_entry_t *entry)
{
    const um_user_t *user = &entry->user;

    return (user->uid == NULL || strcmp(stored->uid, user->uid) == 0)
           && strcmp(stored->email, user->email) == 0
           && strcmp(stored->display_name, user->display_name) == 0
           && um_text_same(stored->phone, user->phone)
           && strcmp(stored->attributes, user->attributes) == 0
           && um_text_same(stored->user_name, user->user_name)
           && um_text_same(stored->external_id, user->external_id)
           && um_text_same(stored->scim, user->scim) && stored->is_suspended == user->is_suspended
           && (user->created_at == 0 || stored->created_at == user->created_at)
           && (user->updated_at == 0 || stored->updated_at == user->updated_at)
           && (!entry->has_role || stored->is_sub_admin == user->is_sub_admin);
}

static void refuse(um_entry_t *entry, const char *field, const char *code, const char *detail)
{
    entry->outcome = UM_OUTCOME_REFUSED;
    um_faults_add(&entry->faults, field, code, detail);
}

static apr_status_t find_by_uid(um_user_t **stored, const um_import_t *import, um_db_t *db,
                                const char *uid, apr_pool_t *pool)
{
    *stored = apr_hash_get(import->by_uid, uid, APR_HASH_KEY_STRING);
    return *stored != NULL ? APR_SUCCESS
                           : um_store_users_get(stored, db, import->org_id, uid, pool);
}

static apr_status_t find_by_email(um_user_t **stored, const um_import_t *import, um_db_t *db,
                                  const char *email, apr_pool_t *pool)
{
    *stored = apr_hash_get(import->by_email, um_address_key(email, pool), APR_HASH_KEY_STRING);
    return *stored != NULL ? APR_SUCCESS
                           : um_store_users_get_by_email(stored, db, import->org_id, email, pool);
}

/* Look whether the name is taken, as look() does. */
static apr_status_t look_for_name(um_entry_t *entry, const um_import_t *import, um_db_t *db,
                                  apr_pool_t *pool)
{
    const char *key = entry->keys.name_key;
    um_user_t *stored = apr_hash_get(import->by_name, key, APR_HASH_KEY_STRING);
    const um_user_t *user = &entry->user;
    apr_status_t status = APR_SUCCESS;

    if (stored == NULL) {
        status = um_store_users_get_by_user_name(&stored, db, import->org_id,
                                                 user->user_name != NULL ? user->user_name
                                                                         : user->email,
                                                 pool);
    }
    if (status != APR_SUCCESS) {
        return status == UM_ENOTFOUND ? APR_SUCCESS : status;
    }
    refuse(entry, user->user_name != NULL ? UM_USER_SCIM ".userName" : "email", "user_name_taken",
           "Another user of the organization has it as its name (userName).");
    return UM_ECONFLICT;
}

/* Look whether the uid, the address or the name is taken. If it is, UM_ECONFLICT, and the outcome
 * of the entry is set; otherwise APR_SUCCESS. */
static apr_status_t look(um_entry_t *entry, const um_import_t *import, um_db_t *db,
                         apr_pool_t *pool)
{
    const um_user_t *user = &entry->user;
    um_user_t *stored = NULL;
    int has_uid = 0;
    apr_status_t status = UM_ENOTFOUND;

    if (user->uid != NULL) {
        status = find_by_uid(&stored, import, db, user->uid, pool);
        has_uid = status == APR_SUCCESS;
    }
    if (status == UM_ENOTFOUND) {
        status = find_by_email(&stored, import, db, user->email, pool);
    }
    if (status == UM_ENOTFOUND) {
        return look_for_name(entry, import, db, pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    if (import->resumes && is_same(stored, entry)) {
        entry->outcome = UM_OUTCOME_DONE;
    } else if (has_uid) {
        refuse(entry, "user_uid", "uid_exists", "A user with this user_uid exists.");
    } else {
        refuse(entry, "email", "email_exists",
               "A user with this email exists in the organization.");
    }
    return UM_ECONFLICT;
}

/* Fill in the members that the record does not have. The uid contains the time of creation,
 * and for users of the same millisecond their order in the file. */
static apr_status_t complete(um_user_t *user, int index, apr_time_t now,
                             const um_random_t *random, apr_pool_t *pool)
{
    char *uid = apr_palloc(pool, UM_UID_LENGTH + 1);
    apr_status_t status = APR_SUCCESS;

    if (user->uid == NULL) {
        if (user->created_at != 0) {
            now = apr_time_from_msec(user->created_at);
        }
        status = um_uid_make(uid, now + index % 1000, random);
        user->uid = uid;
    }
    if (user->created_at == 0) {
        user->created_at = user->updated_at != 0 ? user->updated_at : apr_time_as_msec(now);
    }
    if (user->updated_at == 0) {
        user->updated_at = user->created_at;
    }
    return status;
}

static apr_status_t insert_role(const um_import_t *import, um_db_t *db, const um_user_t *user,
                                apr_int64_t now, apr_pool_t *pool)
{
    um_sub_admin_t sub_admin = { *user, import->tool->actor, now };
    apr_status_t status = um_store_sub_admins_insert(db, import->org_id, user->uid,
                                                     sub_admin.added_by, now, pool);

    if (status == APR_SUCCESS) {
        status = um_tool_audit(import->tool, db, import->org_id, "sub_admins.create", user->uid,
                               NULL, um_sub_admin_json(&sub_admin, pool), pool);
    }
    return status;
}

/* The user that has the address may be deleted before it is read. Then the insertion runs again,
 * with at most this many attempts. */
#define INSERT_ATTEMPTS_MAX 8

/* UM_ECONFLICT, with the entry's outcome, if the uid, the address or the name is taken. */
static apr_status_t insert_user(um_entry_t *entry, const um_import_t *import, um_db_t *db,
                                apr_pool_t *pool)
{
    apr_status_t status = UM_ECONFLICT;

    for (int try = 1; try <= INSERT_ATTEMPTS_MAX; try++) {
        status = um_store_users_insert_with_keys(db, import->org_id, &entry->made, &entry->keys,
                                                 pool);
        if (status != UM_ECONFLICT) {
            return status;
        }
        status = look(entry, import, db, pool);
        if (status != APR_SUCCESS) {
            return status;
        }
    }
    return UM_EUNAVAILABLE;
}

static apr_status_t insert(um_entry_t *entry, const um_import_t *import, um_db_t *db,
                           apr_time_t now, apr_pool_t *pool)
{
    apr_status_t status = insert_user(entry, import, db, pool);

    if (status == APR_SUCCESS) {
        status = um_tool_audit(import->tool, db, import->org_id, "users.create", entry->made.uid,
                               NULL, entry->json, pool);
    }
    /* The role has an audit event of its own. */
    if (status == APR_SUCCESS && entry->user.is_sub_admin) {
        status = insert_role(import, db, &entry->made, apr_time_as_msec(now), pool);
    }
    return status;
}

/* Remember a user that a dry run would have made. */
static void remember(const um_import_t *import, const um_user_t *user, const um_user_keys_t *keys)
{
    /* Only --resume compares the user; otherwise it is enough to know that there is one. */
    static const um_user_t one;
    apr_pool_t *pool = import->tool->pool;
    const um_user_t *made = import->resumes ? um_store_users_copy(user, pool) : &one;

    apr_hash_set(import->by_uid, apr_pstrdup(pool, user->uid), APR_HASH_KEY_STRING, made);
    apr_hash_set(import->by_email, apr_pstrdup(pool, keys->email_key), APR_HASH_KEY_STRING, made);
    apr_hash_set(import->by_name, apr_pstrdup(pool, keys->name_key), APR_HASH_KEY_STRING, made);
}

/* As insert(), but nothing is written. The user is only remembered for later records. */
static apr_status_t try_insert(um_entry_t *entry, const um_import_t *import, um_db_t *db,
                               apr_pool_t *pool)
{
    um_user_t user = entry->made;
    apr_status_t status = look(entry, import, db, pool);

    if (status == APR_SUCCESS) {
        user.is_sub_admin = entry->user.is_sub_admin;
        remember(import, &user, &entry->keys);
    }
    return status;
}

/* ---- a batch ---- */

static void reset(um_entry_t *entry)
{
    entry->outcome = entry->is_bad ? UM_OUTCOME_REFUSED : UM_OUTCOME_IMPORTED;
    if (!entry->is_bad) {
        entry->faults.list = NULL;
    }
}

/* ---- many users in one statement ---- */

/* The next good entries; at least one, if there is one. Returns the entry after the last one,
 * good or bad, that belongs to the chunk. */
static int fill_chunk(um_import_t *import, const um_db_t *db)
{
    int end = import->end;

    um_user_chunk_begin(&import->chunk, db);
    for (; end < import->batch->entries->nelts; end++) {
        um_entry_t *entry = entry_at(import, end);

        reset(entry);
        if (entry->is_bad) {
            continue;
        }
        if (!um_user_chunk_add(&import->chunk, &entry->made, &entry->keys)) {
            break;
        }
        import->chunk_entries[import->chunk.count - 1] = entry;
    }
    return end;
}

static apr_status_t audit_chunk(const um_import_t *import, um_db_t *db, apr_pool_t *pool)
{
    um_audit_event_t *events = apr_palloc(pool, sizeof(*events) * UM_USER_CHUNK_MAX);

    for (int i = 0; i < import->chunk.count; i++) {
        events[i] = um_tool_event(import->tool, "users.create", import->chunk.users[i]->uid, NULL,
                                  import->chunk_entries[i]->json);
        /* No two have the same time, because it gives their order. */
        if (i > 0 && events[i].at <= events[i - 1].at) {
            events[i].at = events[i - 1].at + 1;
        }
    }
    return um_store_audit_insert_all(db, import->org_id, events, import->chunk.count, pool);
}

static apr_status_t insert_roles(const um_import_t *import, um_db_t *db, apr_time_t now,
                                 apr_pool_t *pool)
{
    apr_status_t status = APR_SUCCESS;

    for (int i = 0; status == APR_SUCCESS && i < import->chunk.count; i++) {
        if (import->chunk_entries[i]->user.is_sub_admin) {
            status = insert_role(import, db, import->chunk.users[i], apr_time_as_msec(now), pool);
        }
    }
    return status;
}

/* Make all users of the chunk, or none: UM_ECONFLICT if one of them can't be made. */
static apr_status_t insert_chunk(um_import_t *import, um_db_t *db, apr_time_t now,
                                 apr_pool_t *pool)
{
    apr_status_t status = um_user_chunk_insert(&import->chunk, db, import->org_id, pool);

    if (status == APR_SUCCESS) {
        status = audit_chunk(import, db, pool);
    }
    if (status == APR_SUCCESS) {
        status = insert_roles(import, db, now, pool);
        /* Nobody else has seen these users, so none of them has a role. */
        status = status == UM_ECONFLICT ? UM_EUNAVAILABLE : status;
    }
    return status;
}

static apr_status_t insert_many(um_import_t *import, um_db_t *db, apr_time_t now,
                                apr_pool_t *pool)
{
    int end = fill_chunk(import, db);
    apr_status_t status = APR_SUCCESS;

    if (import->chunk.count > 0) {
        status = insert_chunk(import, db, now, pool);
    }
    if (status == UM_ECONFLICT) {
        return APR_SUCCESS;
    }
    import->end = end;
    um_user_chunk_grow(&import->chunk, db);
    return status;
}

static apr_status_t insert_one(um_import_t *import, um_db_t *db, apr_time_t now, apr_pool_t *pool)
{
    um_entry_t *entry = entry_at(import, import->end++);
    apr_status_t status = APR_SUCCESS;

    reset(entry);
    if (!entry->is_bad) {
        status = insert(entry, import, db, now, pool);
    }
    if (status == UM_ECONFLICT) {
        return APR_SUCCESS;
    }
    um_user_chunk_grow(&import->chunk, db);
    return status;
}

static apr_status_t insert_some(um_db_t *db, void *baton, apr_pool_t *pool)
{
    um_import_t *import = baton;
    apr_time_t now = apr_time_now();
    apr_time_t end = um_ticks() + TRANSACTION_TIME;
    apr_pool_t *scratch;
    apr_status_t status = um_db_expect_bulk(db);

    apr_pool_create(&scratch, pool);
    import->end = import->first;
    um_user_chunk_begin(&import->chunk, db);
    while (status == APR_SUCCESS && import->end < import->batch->entries->nelts
           && (import->end == import->first || um_ticks() < end)) {
        status = import->chunk.size > 1 ? insert_many(import, db, now, scratch)
                                        : insert_one(import, db, now, scratch);
        apr_pool_clear(scratch);
    }
    apr_pool_destroy(scratch);
    return status;
}

/* Whether the batch has entries that are not made yet. */
static int has_more(const um_import_t *import)
{
    return import->end < import->batch->entries->nelts && !um_interrupt_came();
}

static apr_status_t try_batch(um_import_t *import)
{
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, import->tool->store, import->batch->pool);

    import->end = 0;
    while (status == APR_SUCCESS && has_more(import)) {
        um_entry_t *entry = entry_at(import, import->end++);

        reset(entry);
        if (!entry->is_bad) {
            status = try_insert(entry, import, db, import->batch->pool);
        }
        status = status == UM_ECONFLICT ? APR_SUCCESS : status;
    }
    um_db_close(db);
    return status;
}

static void read_entry(um_entry_t *entry, const um_import_t *import, const um_json_t *json)
{
    um_user_input_t input;

    um_user_input_read(&input, json);
    entry->has_role = input.role != NULL;
    um_user_input_import(&entry->user, &input, &entry->faults);
    if (entry->user.is_sub_admin && !import->with_roles) {
        um_faults_add(&entry->faults, "role", "not_allowed",
                      "Sub-admins are imported with --with-roles only.");
    }
}

/* Make what does not depend on the database. */
static apr_status_t make_user(um_entry_t *entry, const um_import_t *import, int index,
                              apr_time_t now, apr_pool_t *pool)
{
    apr_status_t status;

    entry->made = entry->user;
    entry->made.is_sub_admin = 0;
    status = complete(&entry->made, index, now, &import->tool->host.random, pool);
    if (status == APR_SUCCESS) {
        status = um_store_users_make_keys(&entry->keys, &entry->made, pool);
    }
    if (status == APR_SUCCESS && !entry->keys.is_named) {
        /* As it is stored. */
        entry->user.user_name = entry->made.user_name = NULL;
    }
    if (status == APR_SUCCESS) {
        entry->json = um_user_json_as(&entry->made, UM_USER_AS_STORED, pool);
    }
    return status;
}

static void read_batch(um_batch_t *batch)
{
    um_records_t *records = batch->import->records;
    apr_int64_t end = um_records_done(records) + BATCH_BYTES;
    apr_time_t now = apr_time_now();
    apr_status_t status = APR_SUCCESS;

    apr_pool_clear(batch->pool);
    batch->entries = apr_array_make(batch->pool, BATCH_USERS, sizeof(um_entry_t));
    while (status == APR_SUCCESS && batch->entries->nelts < BATCH_USERS
           && um_records_done(records) < end) {
        um_entry_t entry = { .faults = { batch->pool, NULL } };
        um_json_t *json = NULL;

        status = um_records_next(&entry.line, &json, &entry.faults, records, batch->pool);
        if (status == APR_SUCCESS) {
            read_entry(&entry, batch->import, json);
        }
        if (status == APR_SUCCESS || status == UM_EINVALID) {
            entry.is_bad = entry.faults.list != NULL;
            status = entry.is_bad ? APR_SUCCESS
                                  : make_user(&entry, batch->import, batch->entries->nelts, now,
                                              batch->pool);
            APR_ARRAY_PUSH(batch->entries, um_entry_t) = entry;
        }
    }
    batch->status = status;
    batch->done = um_records_done(records);
}

static void *APR_THREAD_FUNC read_in_thread(apr_thread_t *thread, void *data)
{
    (void)thread;
    read_batch(data);
    return NULL;
}

static void start_reading(um_batch_t *batch)
{
    if (apr_thread_create(&batch->thread, NULL, read_in_thread, batch, batch->import->tool->pool)
        != APR_SUCCESS) {
        batch->thread = NULL;
        read_batch(batch);
    }
}

static void finish_reading(um_batch_t *batch)
{
    apr_status_t result;

    if (batch->thread != NULL) {
        apr_thread_join(&result, batch->thread);
        batch->thread = NULL;
    }
}

static um_exit_t write_report(const um_import_t *import, const um_buffer_t *text)
{
    if (text->length == 0) {
        return UM_EXIT_OK;
    }
    um_progress_clear(&import->progress);
    return um_output_write(&import->report, import->tool, text);
}

static um_exit_t report(um_import_t *import)
{
    um_buffer_t text;

    um_buffer_init(&text, 1024, import->batch->pool);
    for (int i = 0; i < import->end; i++) {
        const um_entry_t *entry = entry_at(import, i);

        import->line = entry->line;
        import->counts[entry->outcome]++;
        if (entry->outcome == UM_OUTCOME_REFUSED) {
            um_refusals_put(&text, &import->refusals, entry->line, &entry->faults);
        }
    }
    return write_report(import, &text);
}

/* The end of the report, also if the import was interrupted. */
static um_exit_t report_rest(const um_import_t *import)
{
    um_buffer_t text;

    um_buffer_init(&text, 1024, import->tool->pool);
    um_refusals_put_rest(&text, &import->refusals);
    return write_report(import, &text);
}

static void pause_for_others(um_import_t *import)
{
    if (um_dialect_traits(import->tool->database.dialect)->has_single_writer
        && um_ticks() - import->turn > TURN) {
        apr_sleep(REST);
        import->turn = um_ticks();
    }
}

static apr_status_t insert_batch(um_import_t *import)
{
    apr_status_t status = APR_SUCCESS;

    import->is_begun = 1;
    import->end = 0;
    while (status == APR_SUCCESS && has_more(import)) {
        import->first = import->end;
        status = um_tool_change(import->tool, insert_some, import, import->batch->pool);
        pause_for_others(import);
    }
    return status;
}

static um_exit_t run_batch(um_import_t *import)
{
    apr_status_t status = import->is_dry ? try_batch(import) : insert_batch(import);
    um_exit_t end = status == APR_SUCCESS ? report(import) : um_tool_exit(status);

    import->is_cut = import->is_cut || import->end < import->batch->entries->nelts;
    if (end == UM_EXIT_OK) {
        um_progress_show(&import->progress,
                         import->counts[UM_OUTCOME_IMPORTED] + import->counts[UM_OUTCOME_DONE]
                             + import->counts[UM_OUTCOME_REFUSED],
                         import->batch->done, um_records_total(import->records));
    }
    return end;
}

/* ---- the command ---- */

/* One batch is read while the other is written. */
static um_exit_t run_batches(um_import_t *import)
{
    um_batch_t *next = &import->batches[1];
    um_exit_t end = UM_EXIT_OK;

    import->batch = &import->batches[0];
    read_batch(import->batch);
    while (end == UM_EXIT_OK && import->batch->status == APR_SUCCESS && !um_interrupt_came()) {
        um_batch_t *written = import->batch;

        start_reading(next);
        end = run_batch(import);
        finish_reading(next);
        import->batch = next;
        next = written;
    }
    return end == UM_EXIT_OK && import->batch->entries->nelts > 0 ? run_batch(import) : end;
}

static um_exit_t tell_interrupt(const um_import_t *import, um_exit_t end)
{
    const char *how = import->is_begun ? "; run the same command with --resume to continue" : "";

    if (import->line == 0) {
        um_tool_say(import->tool, "interrupted before the first record%s", how);
    } else {
        um_tool_say(import->tool, "interrupted after the record in line %" APR_INT64_T_FMT "%s",
                    import->line, how);
    }
    return end == UM_EXIT_OK ? UM_EXIT_REFUSED : end;
}

static um_exit_t run_all(um_import_t *import)
{
    apr_status_t status;
    um_exit_t end;
    um_exit_t told;

    for (int i = 0; i < 2; i++) {
        import->batches[i].import = import;
        apr_pool_create(&import->batches[i].pool, import->tool->pool);
    }
    end = run_batches(import);
    status = import->batch->status;
    um_progress_clear(&import->progress);
    told = report_rest(import);
    end = end == UM_EXIT_OK ? told : end;
    if (um_interrupt_came() && (import->is_cut || status != APR_EOF)) {
        return tell_interrupt(import, end);
    }
    if (end == UM_EXIT_OK && status != APR_EOF) {
        um_tool_say(import->tool, "the file can't be read: %pm", &status);
        end = UM_EXIT_REFUSED;
    }
    if (end != UM_EXIT_OK && import->is_begun) {
        um_tool_say(import->tool, "stopped; run the same command with --resume to continue");
    }
    return end;
}

/* If this fails, the import has not failed. */
static void end_bulk(const um_import_t *import)
{
    um_db_t *db = NULL;

    if (!import->is_dry
        && um_store_open(&db, import->tool->store, import->tool->pool) == APR_SUCCESS) {
        um_db_end_bulk(db);
    }
    um_db_close(db);
}

static void sum_up(const um_import_t *import)
{
    double seconds = um_progress_seconds(&import->progress);

    um_tool_say(import->tool,
                "%" APR_INT64_T_FMT " %s, %" APR_INT64_T_FMT " already there, %" APR_INT64_T_FMT
                " refused; %.1f s",
                import->counts[UM_OUTCOME_IMPORTED],
                import->is_dry ? "would be imported" : "imported",
                import->counts[UM_OUTCOME_DONE], import->counts[UM_OUTCOME_REFUSED], seconds);
}

static um_exit_t open_report(um_import_t *import)
{
    const char *name = um_options_value(&import->tool->options, UM_OPTION_REPORT);

    /* A program may read the file, and it needs the number of each line. */
    um_refusals_init(&import->refusals, name != NULL, import->tool->pool);
    return name == NULL ? um_output_open_standard(&import->report, import->tool, STDERR_FILENO)
                        : um_output_open(&import->report, import->tool, "--report", name,
                                         UM_OUTPUT_AT_ONCE);
}

um_exit_t um_users_command_import(um_tool_t *tool, const char *const *words, int count)
{
    unsigned given = tool->options.given;
    um_import_t import = { .tool = tool,
                           .is_dry = (given & UM_OPTION_DRY_RUN) != 0,
                           .resumes = (given & UM_OPTION_RESUME) != 0,
                           .with_roles = (given & UM_OPTION_WITH_ROLES) != 0,
                           .by_uid = apr_hash_make(tool->pool),
                           .by_email = apr_hash_make(tool->pool),
                           .by_name = apr_hash_make(tool->pool) };
    int is_csv = 0;
    um_exit_t end = um_tool_read_format(&is_csv, tool, words[0]);

    (void)count;
    if (end == UM_EXIT_OK && !is_csv && (given & UM_OPTION_MAP) != 0) {
        um_tool_say(tool, "--map works with CSV only; give --format csv if the file is CSV");
        end = UM_EXIT_USAGE;
    }
    if (end == UM_EXIT_OK) {
        end = um_tool_find_organization(&import.org_id, tool);
    }
    um_interrupt_watch();
    if (end == UM_EXIT_OK) {
        end = um_records_open(&import.records, tool, words[0], is_csv);
    }
    if (end == UM_EXIT_OK) {
        end = open_report(&import);
    }
    if (end != UM_EXIT_OK) {
        return end;
    }
    um_progress_start(&import.progress, "users");
    import.turn = um_ticks();
    end = run_all(&import);
    if (end != UM_EXIT_DATABASE) {
        end_bulk(&import);
    }
    end = um_output_close(&import.report, tool, end);
    sum_up(&import);
    return end == UM_EXIT_OK && import.counts[UM_OUTCOME_REFUSED] > 0 ? UM_EXIT_REFUSED : end;
}
