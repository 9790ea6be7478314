/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file api_keys.c The resource api-keys/. */

#include "api_keys.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/duration.h"
#include "../base/instant.h"
#include "../base/text.h"
#include "../core/store_lists.h"
#include "../rest/body.h"
#include "../rest/change.h"
#include "../rest/entry.h"
#include "../rest/permission.h"

/* ---- a key as JSON ---- */

/* The words of a text with blanks between, of const char *. */
static apr_array_header_t *words_of(const char *text, apr_pool_t *pool)
{
    apr_array_header_t *words = apr_array_make(pool, 16, sizeof(const char *));
    char *state = NULL;

    for (const char *word = apr_strtok(apr_pstrdup(pool, text), " ", &state); word != NULL;
         word = apr_strtok(NULL, " ", &state)) {
        APR_ARRAY_PUSH(words, const char *) = word;
    }
    return words;
}

/* The names of the permissions of a key. */
static const char *permissions_of(const um_api_key_t *key, apr_pool_t *pool)
{
    return key->is_admin
               ? um_permission_names(um_permission_all() & ~(unsigned)UM_PERMIT_KEYS_MANAGE, pool)
               : key->permissions;
}

static void put_time_or_null(um_buffer_t *buffer, apr_int64_t ms)
{
    if (ms != 0) {
        um_json_put_instant(buffer, ms);
    } else {
        um_buffer_puts(buffer, "null");
    }
}

static void put_key(um_buffer_t *buffer, const um_api_key_t *key, apr_int64_t now)
{
    um_api_key_status_t status = um_api_key_status(key, now);
    apr_pool_t *pool = buffer->pool;

    um_buffer_putc(buffer, '{');
    um_json_put_member(buffer, "key_id", key->id);
    um_json_put_member(buffer, "name", key->name);
    um_json_put_member(buffer, "role",
                       um_role_name(key->is_admin ? UM_ROLE_ADMIN : UM_ROLE_NONE));
    um_json_put_member_strings(buffer, "permissions", words_of(permissions_of(key, pool), pool));
    if (key->allow_from != NULL) {
        um_json_put_member_strings(buffer, "allow_from", words_of(key->allow_from, pool));
    } else {
        um_json_put_member_json(buffer, "allow_from", NULL);
    }
    um_json_put_member_instant(buffer, "created_at", key->created_at);
    um_json_put_member(buffer, "created_by", key->created_by);
    um_json_put_name(buffer, "expires_at");
    put_time_or_null(buffer, key->expires_at);
    um_json_put_name(buffer, "last_used_at");
    put_time_or_null(buffer, key->last_used_at);
    um_json_put_member_or_null(buffer, "last_used_addr", key->last_used_addr);
    um_json_put_member(buffer, "status", um_api_key_status_name(status));
    um_json_put_name(buffer, "old_secret_until");
    put_time_or_null(buffer, status == UM_API_KEY_ROTATING ? key->old_until : 0);
    um_json_put_name(buffer, "revoked_at");
    put_time_or_null(buffer, key->revoked_at);
    um_buffer_putc(buffer, '}');
}

const char *um_api_key_json(const um_api_key_t *key, apr_int64_t now, apr_pool_t *pool)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 512, pool);
    put_key(&buffer, key, now);
    return buffer.data;
}

/* ---- list and read ---- */

static void put_row(um_buffer_t *buffer, const um_row_t *row, apr_int64_t now)
{
    um_api_key_t key;

    um_store_api_keys_read(&key, row);
    put_key(buffer, &key, now);
}

static const um_listing_kind_t kind = {
    .source = &um_list_api_keys,
    .member = "api_keys",
    .entry = "api_key",
    .first = "first_id",
    .last = "last_id",
    .key = "key_id",
    .key_detail = "It must be a key_id.",
    .not_found = { "api_key_not_found", "There is no such API key." },
    .put = put_row,
    .columns = "key_id,name,role,permissions,allow_from,created_at,created_by,expires_at,"
               "last_used_at,last_used_addr,status,old_secret_until,revoked_at",
};

apr_status_t um_api_keys_list(um_answer_t *answer, um_request_t *request)
{
    return um_listing_handle(answer, request, &kind);
}

apr_status_t um_api_keys_get(um_answer_t *answer, um_request_t *request)
{
    return um_entry_answer(answer, request, &kind);
}

/* ---- the body ---- */

/* The members of a body that makes or changes a key. What was not given, or is wrong, is NULL or
 * 0. */
typedef struct um_key_input_t {
    const char *name;
    int is_admin;
    unsigned permissions;
    const char *allow_from;
    /* allow_from is null, which stands for any network. */
    int allows_any;
    /* Milliseconds; one of both, or neither. */
    apr_int64_t age;
    apr_int64_t expires_at;
    int never_expires;
} um_key_input_t;

static void read_name(um_key_input_t *input, um_request_t *request)
{
    const char *name = um_body_text(request, "name");

    if (name != NULL) {
        input->name = um_text_trim(name, request->pool);
        um_faults_add_violation(&request->faults, "name", um_api_key_check_name(input->name));
    }
}

/* The elements of a member that is an array of strings, at least one and at most max, of const
 * char *. NULL if it is not given; NULL after a fault was added if it is none. */
static apr_array_header_t *read_texts(um_request_t *request, const char *name, apr_size_t max)
{
    const um_json_t *member = um_body_member(request, name);
    apr_array_header_t *texts;
    apr_size_t size;

    if (member == NULL) {
        return NULL;
    }
    size = um_json_type(member) == UM_JSON_ARRAY ? um_json_size(member) : 0;
    texts = apr_array_make(request->pool, (int)(size <= max ? size : 1), sizeof(const char *));
    for (apr_size_t i = 0; size <= max && i < size; i++) {
        const char *text = um_json_string(um_json_element(member, i));

        if (text != NULL) {
            APR_ARRAY_PUSH(texts, const char *) = text;
        }
    }
    if (um_json_type(member) != UM_JSON_ARRAY || (size <= max && texts->nelts != (int)size)) {
        um_faults_add(&request->faults, name, "invalid_type", "It must be an array of strings.");
        return NULL;
    }
    if (size == 0 || size > max) {
        um_faults_add(&request->faults, name, "invalid_value",
                      apr_psprintf(request->pool,
                                   "It must have 1 to %" APR_SIZE_T_FMT " elements.", max));
        return NULL;
    }
    return texts;
}

/* More names than there are permissions. */
#define PERMISSIONS_MAX 64

static void read_permission(um_key_input_t *input, um_request_t *request, const char *name)
{
    const um_permission_entry_t *found = um_permission_find(name);

    if (found == NULL) {
        um_faults_add(&request->faults, "permissions", "invalid_value",
                      apr_pstrcat(request->pool, "A permission is one of ",
                                  um_permission_names(um_permission_all(), request->pool), ".",
                                  NULL));
        return;
    }
    if ((um_permission_of_caller(&request->caller, request->settings) & found->permission) == 0) {
        um_faults_add(&request->faults, "permissions", "not_allowed",
                      "A key can't have a permission that its creator does not have.");
        return;
    }
    input->permissions |= found->permission;
}

static void read_permissions(um_key_input_t *input, um_request_t *request)
{
    apr_array_header_t *names = read_texts(request, "permissions", PERMISSIONS_MAX);

    for (int i = 0; names != NULL && i < names->nelts; i++) {
        read_permission(input, request, APR_ARRAY_IDX(names, i, const char *));
    }
}

static void read_role(um_key_input_t *input, um_request_t *request)
{
    const char *role = um_body_text(request, "role");

    if (um_body_member(request, "role") != NULL
        && um_body_member(request, "permissions") != NULL) {
        um_faults_add(&request->faults, "role", "invalid_value",
                      "Give either role or permissions, not both.");
    } else if (role != NULL && strcmp(role, um_role_name(UM_ROLE_ADMIN)) != 0) {
        um_faults_add(&request->faults, "role", "invalid_value",
                      "It must be admin; another key has permissions.");
    }
    input->is_admin = role != NULL;
}

static void read_networks(um_key_input_t *input, um_request_t *request)
{
    const um_json_t *member = um_json_member(request->body, "allow_from");
    apr_array_header_t *networks = read_texts(request, "allow_from", UM_API_KEY_NETWORKS_MAX);

    input->allows_any = member != NULL && um_json_type(member) == UM_JSON_NULL;
    for (int i = 0; networks != NULL && i < networks->nelts; i++) {
        const char *text = APR_ARRAY_IDX(networks, i, const char *);

        um_faults_add_violation(&request->faults, "allow_from",
                                um_api_key_check_network(text, request->pool));
    }
    if (networks != NULL) {
        input->allow_from = apr_array_pstrcat(request->pool, networks, ' ');
    }
}

/* ---- the expiry ---- */

/* Is a key that lasts that long, in milliseconds, within the limit? */
static void check_age(um_request_t *request, const char *field, apr_int64_t age)
{
    apr_int64_t max = request->settings->key_max_age;

    if (age <= 0) {
        um_faults_add(&request->faults, field, "invalid_value", "It must be in the future.");
    } else if (max != 0 && age > max) {
        um_faults_add(&request->faults, field, "not_allowed",
                      apr_pstrcat(request->pool, "A key lasts at most ",
                                  um_duration_format(max, request->pool),
                                  ", as UserMgmtKeyMaxAge says.", NULL));
    }
}

static void read_expires_in(um_key_input_t *input, um_request_t *request)
{
    const char *text = um_body_text(request, "expires_in");

    if (text == NULL) {
        return;
    }
    if (strcmp(text, "never") == 0) {
        input->never_expires = 1;
        if (request->settings->key_max_age != 0) {
            um_faults_add(&request->faults, "expires_in", "not_allowed",
                          "Only with UserMgmtKeyMaxAge never can a key last for ever.");
        }
    } else if (um_duration_parse(&input->age, text)) {
        check_age(request, "expires_in", input->age);
    } else {
        um_faults_add(&request->faults, "expires_in", "invalid_value",
                      "It must be a number with a unit, ms, s, min, h or d, such as 90d.");
    }
}

static void read_expires_at(um_key_input_t *input, um_request_t *request)
{
    const um_host_t *host = um_store_host(request->store);
    const char *text = um_body_text(request, "expires_at");

    if (text == NULL) {
        return;
    }
    if (um_instant_parse(&input->expires_at, text)) {
        check_age(request, "expires_at",
                  input->expires_at - apr_time_as_msec(host->now(host->baton)));
    } else {
        um_faults_add(&request->faults, "expires_at", "invalid_value",
                      "It must be a time as in RFC 3339.");
    }
    if (um_body_member(request, "expires_in") != NULL) {
        um_faults_add(&request->faults, "expires_at", "invalid_value",
                      "Give either expires_at or expires_in, not both.");
    }
}

/* When a key ends that is made now; 0 for never. */
static apr_int64_t expiry_of(const um_key_input_t *input, const um_settings_t *settings,
                             apr_int64_t now)
{
    apr_int64_t age = input->age;

    if (input->never_expires || input->expires_at != 0) {
        return input->expires_at;
    }
    if (age == 0) {
        age = settings->key_max_age != 0 && settings->key_max_age < UM_API_KEY_AGE_DEFAULT
                  ? settings->key_max_age
                  : UM_API_KEY_AGE_DEFAULT;
    }
    return now + age;
}

/* ---- create ---- */

/* The answer has the key. The stored answer does not. */
static void answer_key(um_answer_t *answer, int status, const char *json, const char *text,
                       apr_pool_t *pool)
{
    um_buffer_t buffer;

    um_entry_answer_json(answer, status, &kind, json, pool);
    answer->kept_body = answer->body;
    um_buffer_init(&buffer, answer->length + 96, pool);
    um_buffer_putc(&buffer, '{');
    um_json_put_member_json(&buffer, "api_key", json);
    um_json_put_member(&buffer, "key", text);
    um_buffer_putc(&buffer, '}');
    um_answer_json(answer, status, &buffer);
}

/* A new key and its text. */
static apr_status_t make_key(um_api_key_t *key, um_api_key_text_t *text,
                             const um_key_input_t *input, const um_change_t *change,
                             const um_random_t *random)
{
    const um_request_t *request = change->request;
    char *id = apr_palloc(request->pool, UM_API_KEY_ID_LENGTH + 1);
    apr_status_t status = um_api_key_make_id(id, change->now, random);

    if (status == APR_SUCCESS) {
        status = um_api_key_make(text, id, random);
    }
    key->id = id;
    key->secret_sha256 = text->secret_sha256;
    key->name = input->name;
    key->is_admin = input->is_admin;
    key->permissions = um_permission_names(input->permissions, request->pool);
    key->allow_from = input->allow_from;
    key->created_at = change->now_ms;
    key->created_by = request->caller.identity;
    key->expires_at = expiry_of(input, request->settings, change->now_ms);
    return status;
}

static apr_status_t create_key(um_answer_t *answer, um_change_t *change, um_db_t *db, void *baton)
{
    um_request_t *request = change->request;
    um_api_key_text_t *text = apr_palloc(request->pool, sizeof(*text));
    um_api_key_t key = { 0 };
    const char *json;
    apr_status_t status = um_change_check_match(answer, change, NULL);

    if (status == APR_SUCCESS) {
        status = make_key(&key, text, baton, change, &um_db_host(db)->random);
    }
    if (status == APR_SUCCESS) {
        status = um_store_api_keys_insert(db, request->caller.org_id, &key, request->pool);
    }
    if (status != APR_SUCCESS) {
        /* Another key got the same id by chance: the client may try again. */
        return status == UM_ECONFLICT ? UM_EUNAVAILABLE : status;
    }
    request->target = key.id;
    json = um_api_key_json(&key, change->now_ms, request->pool);
    answer_key(answer, 201, json, text->text, request->pool);
    um_entry_set_location(answer, request, "api-keys", key.id);
    return um_change_audit(change, db, key.id, NULL, json);
}

apr_status_t um_api_keys_create(um_answer_t *answer, um_request_t *request)
{
    um_key_input_t input = { 0 };

    read_name(&input, request);
    read_permissions(&input, request);
    read_role(&input, request);
    read_networks(&input, request);
    read_expires_in(&input, request);
    read_expires_at(&input, request);
    um_body_refuse_others(request, "name", "permissions", "role", "allow_from", "expires_in",
                          "expires_at", NULL);
    if (um_body_member(request, "name") == NULL) {
        um_faults_add(&request->faults, "name", "required", "It must be given.");
    }
    if (um_body_member(request, "permissions") == NULL
        && um_body_member(request, "role") == NULL) {
        um_faults_add(&request->faults, "permissions", "required", "Give permissions or role.");
    }
    return um_change_run(answer, request, create_key, &input);
}

/* ---- change ---- */

static apr_status_t answer_revoked(um_answer_t *answer, apr_pool_t *pool)
{
    return um_problem_answer(answer, 409, "api_key_revoked", pool, "The API key was revoked.");
}

/* Read and lock the key to change. UM_EREFUSED, and answer is a problem, if there is none, if it
 * is not what If-Match expects, or if it is revoked. */
static apr_status_t get_for_change(um_api_key_t **key, um_answer_t *answer,
                                   const um_change_t *change, um_db_t *db)
{
    const um_request_t *request = change->request;
    apr_pool_t *pool = request->pool;
    apr_status_t status = um_store_api_keys_get(key, db, request->caller.org_id, request->id,
                                                pool);

    if (status == UM_ENOTFOUND) {
        return um_entry_answer_not_found(answer, &kind, pool);
    }
    if (status == APR_SUCCESS) {
        const char *json = um_api_key_json(*key, change->now_ms, pool);

        status = um_change_check_match(answer, change, um_answer_etag(json, pool));
    }
    if (status == APR_SUCCESS && (*key)->revoked_at != 0) {
        return answer_revoked(answer, pool);
    }
    return status;
}

/* The permissions of a key, as bits. */
static unsigned bits_of(const um_api_key_t *key)
{
    return key->is_admin ? um_permission_all() : um_permission_read(key->permissions);
}

static apr_status_t refuse_wider(um_answer_t *answer, const um_request_t *request)
{
    um_faults_t faults = { request->pool, NULL, "body" };

    um_faults_add(&faults, "permissions", "not_allowed",
                  "A key can lose permissions, but not get others: make a new key.");
    return um_problem_answer_faults(answer, &faults);
}

/* Apply the members of the body. */
static void apply(um_api_key_t *key, const um_key_input_t *input, apr_pool_t *pool)
{
    if (input->name != NULL) {
        key->name = input->name;
    }
    if (input->permissions != 0) {
        key->is_admin = 0;
        key->permissions = um_permission_names(input->permissions, pool);
    }
    if (input->allow_from != NULL || input->allows_any) {
        key->allow_from = input->allow_from;
    }
}

static void answer_updated(um_answer_t *answer, const char *json, apr_pool_t *pool)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 512, pool);
    um_buffer_putc(&buffer, '{');
    um_json_put_member(&buffer, "message", "API key updated successfully.");
    um_json_put_member_json(&buffer, "api_key", json);
    um_buffer_putc(&buffer, '}');
    um_answer_json(answer, 200, &buffer);
    um_answer_set_header(answer, "ETag", um_answer_etag(json, pool));
}

static apr_status_t update_key(um_answer_t *answer, um_change_t *change, um_db_t *db, void *baton)
{
    const um_key_input_t *input = baton;
    const um_request_t *request = change->request;
    apr_pool_t *pool = request->pool;
    um_api_key_t *key = NULL;
    const char *before;
    const char *after;
    apr_status_t status = get_for_change(&key, answer, change, db);

    if (status != APR_SUCCESS) {
        return status;
    }
    if ((input->permissions & ~bits_of(key)) != 0) {
        return refuse_wider(answer, request);
    }
    before = um_api_key_json(key, change->now_ms, pool);
    apply(key, input, pool);
    after = um_api_key_json(key, change->now_ms, pool);
    answer_updated(answer, after, pool);
    if (strcmp(before, after) == 0) {
        return APR_SUCCESS;
    }
    answer->changes_roles = 1;
    status = um_store_api_keys_update(db, request->caller.org_id, key, pool);
    return status == APR_SUCCESS ? um_change_audit(change, db, key->id, before, after) : status;
}

apr_status_t um_api_keys_update(um_answer_t *answer, um_request_t *request)
{
    um_key_input_t input = { 0 };
    const um_json_t *name = um_json_member(request->body, "name");

    um_body_id(request, "key_id");
    read_name(&input, request);
    read_permissions(&input, request);
    read_networks(&input, request);
    um_body_refuse_others(request, "key_id", "name", "permissions", "allow_from", NULL);
    if (name != NULL && um_json_type(name) == UM_JSON_NULL) {
        um_faults_add(&request->faults, "name", "required", "It can't be removed.");
    }
    return um_change_run(answer, request, update_key, &input);
}

/* ---- rotate ---- */

apr_status_t um_api_key_renew(um_api_key_t *key, um_api_key_text_t *text, apr_int64_t grace,
                              apr_int64_t now, const um_random_t *random)
{
    apr_status_t status = um_api_key_make(text, key->id, random);

    if (status == APR_SUCCESS) {
        key->old_secret_sha256 = grace > 0 ? key->secret_sha256 : NULL;
        key->old_until = grace > 0 ? now + grace : 0;
        key->secret_sha256 = text->secret_sha256;
    }
    return status;
}

const char *um_api_key_refuse_rotation(const um_api_key_t *key, apr_int64_t grace,
                                       apr_int64_t now)
{
    um_api_key_status_t status = um_api_key_status(key, now);

    if (status == UM_API_KEY_EXPIRED) {
        return "The API key has expired; make a new one.";
    }
    return status == UM_API_KEY_ROTATING && grace > 0
               ? "The API key is being rotated: its old secret still holds. Wait for "
                 "old_secret_until, or give a grace of 0, which ends all secrets that it has."
               : NULL;
}

/* UM_EREFUSED, and answer is a problem, if the key can't be rotated now. */
static apr_status_t check_rotatable(um_answer_t *answer, const um_change_t *change,
                                    const um_api_key_t *key, apr_int64_t grace)
{
    const char *refusal = um_api_key_refuse_rotation(key, grace, change->now_ms);
    apr_pool_t *pool = change->request->pool;

    if (refusal == NULL) {
        return APR_SUCCESS;
    }
    return um_api_key_status(key, change->now_ms) == UM_API_KEY_EXPIRED
               ? um_problem_answer(answer, 409, "api_key_expired", pool, "%s", refusal)
               : um_problem_answer(answer, 409, "api_key_rotating", pool, "%s", refusal);
}

static apr_status_t rotate_key(um_answer_t *answer, um_change_t *change, um_db_t *db, void *baton)
{
    apr_int64_t grace = *(const apr_int64_t *)baton;
    const um_request_t *request = change->request;
    apr_pool_t *pool = request->pool;
    um_api_key_text_t *text = apr_palloc(pool, sizeof(*text));
    um_api_key_t *key = NULL;
    const char *before = NULL;
    const char *after;
    apr_status_t status = get_for_change(&key, answer, change, db);

    if (status == APR_SUCCESS) {
        status = check_rotatable(answer, change, key, grace);
    }
    if (status == APR_SUCCESS) {
        before = um_api_key_json(key, change->now_ms, pool);
        status = um_api_key_renew(key, text, grace, change->now_ms, &um_db_host(db)->random);
    }
    if (status == APR_SUCCESS) {
        status = um_store_api_keys_rotate(db, request->caller.org_id, key, pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    after = um_api_key_json(key, change->now_ms, pool);
    answer_key(answer, 200, after, text->text, pool);
    answer->changes_roles = 1;
    return um_change_audit(change, db, key->id, before, after);
}

static void read_grace(apr_int64_t *grace, um_request_t *request)
{
    const char *text = um_body_text(request, "grace");

    *grace = UM_API_KEY_GRACE_DEFAULT;
    if (text != NULL && (!um_duration_parse(grace, text) || *grace > UM_API_KEY_GRACE_MAX)) {
        um_faults_add(&request->faults, "grace", "invalid_value",
                      "It must be a number with a unit, ms, s, min, h or d, from 0 to 7d.");
    }
}

apr_status_t um_api_keys_rotate(um_answer_t *answer, um_request_t *request)
{
    apr_int64_t grace;

    um_body_id(request, "key_id");
    read_grace(&grace, request);
    um_body_refuse_others(request, "key_id", "grace", NULL);
    return um_change_run(answer, request, rotate_key, &grace);
}

/* ---- revoke ---- */

static apr_status_t revoke_key(um_answer_t *answer, um_change_t *change, um_db_t *db, void *baton)
{
    const um_request_t *request = change->request;
    apr_pool_t *pool = request->pool;
    um_api_key_t *key = NULL;
    const char *before = NULL;
    apr_status_t status = get_for_change(&key, answer, change, db);

    (void)baton;
    if (status == APR_SUCCESS) {
        before = um_api_key_json(key, change->now_ms, pool);
        status = um_store_api_keys_revoke(db, request->caller.org_id, key->id, change->now_ms,
                                          pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    key->revoked_at = change->now_ms;
    um_answer_message(answer, "API key revoked successfully.", pool);
    answer->changes_roles = 1;
    return um_change_audit(change, db, key->id, before,
                           um_api_key_json(key, change->now_ms, pool));
}

apr_status_t um_api_keys_revoke(um_answer_t *answer, um_request_t *request)
{
    um_body_id(request, "key_id");
    um_body_refuse_others(request, "key_id", NULL);
    return um_change_run(answer, request, revoke_key, NULL);
}
