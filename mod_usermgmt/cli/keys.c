/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file keys.c The commands about API keys. So a first key needs no browser. */

#include <string.h>

#include <apr_strings.h>

#include "../api/api_keys.h"
#include "../base/duration.h"
#include "../base/json.h"
#include "../base/text.h"
#include "../core/store_lists.h"
#include "../rest/permission.h"
#include "commands.h"

#define PAGE 1000
#define NEVER "never"

/* A new key, or one to change. */
typedef struct um_key_change_t {
    um_tool_t *tool;
    apr_int64_t org_id;
    /* Of a key to change. */
    const char *key_id;
    /* Members that were given; those of a new key. */
    um_api_key_t key;
    apr_int64_t age;
    apr_int64_t grace;
    um_api_key_text_t text;
    /* The key as JSON, after the change, in the tool's pool. */
    const char *json;
    /* Why it is refused; NULL if it is not. */
    const char *refusal;
} um_key_change_t;

static apr_int64_t now_ms(void)
{
    return apr_time_as_msec(apr_time_now());
}

/* The key is told once, here. */
static um_exit_t tell_key(const um_key_change_t *change)
{
    um_buffer_t text;

    um_buffer_init(&text, 1024, change->tool->pool);
    um_buffer_putc(&text, '{');
    um_json_put_member_json(&text, "api_key", change->json);
    um_json_put_member(&text, "key", change->text.text);
    um_buffer_puts(&text, "}\n");
    return um_tool_write(change->tool, &text);
}

/* ---- create ---- */

/* A text with words that have blanks or commas between them. */
static const char *next_word(char **rest)
{
    char *word = *rest + strspn(*rest, " ,");
    apr_size_t length = strcspn(word, " ,");

    *rest = word + length;
    if (**rest != '\0') {
        *(*rest)++ = '\0';
    }
    return length > 0 ? word : NULL;
}

/* NULL, or what is wrong. */
static const char *read_permissions(um_key_change_t *change, const char *text)
{
    apr_pool_t *pool = change->tool->pool;
    char *rest = apr_pstrdup(pool, text);
    unsigned permissions = 0;

    for (const char *name = next_word(&rest); name != NULL; name = next_word(&rest)) {
        const um_permission_entry_t *found = um_permission_find(name);

        if (found == NULL) {
            return apr_psprintf(pool, "unknown permission \"%s\"; known are: %s", name,
                                um_permission_names(um_permission_all(), pool));
        }
        permissions |= found->permission;
    }
    change->key.permissions = um_permission_names(permissions, pool);
    return permissions == 0 ? "--permissions has no permission" : NULL;
}

/* NULL, or what is wrong. */
static const char *read_networks(um_key_change_t *change, const char *text)
{
    apr_pool_t *pool = change->tool->pool;
    apr_array_header_t *networks = apr_array_make(pool, 4, sizeof(const char *));
    char *rest = apr_pstrdup(pool, text);

    for (const char *network = next_word(&rest); network != NULL; network = next_word(&rest)) {
        const um_violation_t *violation = um_api_key_check_network(network, pool);

        if (violation != NULL) {
            return apr_psprintf(pool, "--allow-from: \"%s\": %s", network, violation->detail);
        }
        APR_ARRAY_PUSH(networks, const char *) = network;
    }
    if (networks->nelts == 0 || networks->nelts > UM_API_KEY_NETWORKS_MAX) {
        return apr_psprintf(pool, "--allow-from must have 1 to %d networks",
                            UM_API_KEY_NETWORKS_MAX);
    }
    change->key.allow_from = apr_array_pstrcat(pool, networks, ' ');
    return NULL;
}

/* What the key may do: NULL, or what is wrong. */
static const char *read_rights(um_key_change_t *change)
{
    const um_options_t *options = &change->tool->options;
    const char *permissions = um_options_value(options, UM_OPTION_PERMISSIONS);
    const char *role = um_options_value(options, UM_OPTION_ROLE);

    if ((permissions != NULL) == (role != NULL)) {
        return "give either --permissions or --role admin";
    }
    if (permissions != NULL) {
        return read_permissions(change, permissions);
    }
    change->key.is_admin = 1;
    change->key.permissions = "";
    return strcmp(role, um_role_name(UM_ROLE_ADMIN)) != 0
               ? apr_psprintf(change->tool->pool, "--role must be admin, not \"%s\"", role)
               : NULL;
}

/* NULL, or what is wrong. */
static const char *read_age(um_key_change_t *change)
{
    const char *text = um_options_value(&change->tool->options, UM_OPTION_EXPIRES_IN);

    change->age = UM_API_KEY_AGE_DEFAULT;
    if (text != NULL && strcmp(text, NEVER) == 0) {
        change->age = 0;
    } else if (text != NULL && (!um_duration_parse(&change->age, text) || change->age == 0)) {
        return "--expires-in must be a time such as 90d (units are ms, s, min, h and d), or "
               "never";
    }
    return NULL;
}

/* NULL, or what is wrong with the options. */
static const char *read_key(um_key_change_t *change)
{
    const char *networks = um_options_value(&change->tool->options, UM_OPTION_ALLOW_FROM);
    const char *wrong = read_rights(change);

    if (wrong == NULL) {
        wrong = read_age(change);
    }
    if (wrong == NULL && networks != NULL) {
        wrong = read_networks(change, networks);
    }
    return wrong;
}

static apr_status_t create_key(um_db_t *db, void *baton, apr_pool_t *pool)
{
    um_key_change_t *change = baton;
    um_api_key_t *key = &change->key;
    const um_random_t *random = &um_db_host(db)->random;
    apr_time_t now = apr_time_now();
    char id[UM_API_KEY_ID_LENGTH + 1];
    apr_status_t status = um_api_key_make_id(id, now, random);

    if (status == APR_SUCCESS) {
        status = um_api_key_make(&change->text, id, random);
    }
    key->id = change->text.id;
    key->secret_sha256 = change->text.secret_sha256;
    key->created_at = apr_time_as_msec(now);
    key->created_by = change->tool->actor;
    key->expires_at = change->age != 0 ? key->created_at + change->age : 0;
    if (status == APR_SUCCESS) {
        status = um_store_api_keys_insert(db, change->org_id, key, pool);
    }
    if (status == APR_SUCCESS) {
        change->json = um_api_key_json(key, key->created_at, change->tool->pool);
        status = um_tool_audit(change->tool, db, change->org_id, "api_keys.create", key->id, NULL,
                               change->json, pool);
    }
    return status;
}

um_exit_t um_keys_command_create(um_tool_t *tool, const char *const *words, int count)
{
    um_key_change_t change = { .tool = tool };
    const um_violation_t *violation;
    const char *wrong = read_key(&change);
    um_exit_t end;

    (void)count;
    if (wrong != NULL) {
        um_tool_say(tool, "%s", wrong);
        return UM_EXIT_USAGE;
    }
    if (!um_text_is_utf8(words[0], strlen(words[0]))) {
        um_tool_say(tool, "the name is not UTF-8");
        return UM_EXIT_REFUSED;
    }
    change.key.name = um_text_trim(words[0], tool->pool);
    violation = um_api_key_check_name(change.key.name);
    if (violation != NULL) {
        um_tool_say(tool, "the name: %s", violation->detail);
        return UM_EXIT_REFUSED;
    }
    end = um_tool_find_organization(&change.org_id, tool);
    if (end == UM_EXIT_OK) {
        end = um_tool_exit(um_tool_change(tool, create_key, &change, tool->pool));
    }
    return end == UM_EXIT_OK ? tell_key(&change) : end;
}

/* ---- list ---- */

/* A page of keys. */
typedef struct um_key_page_t {
    um_buffer_t text;
    apr_int64_t now;
    int rows;
    char last[UM_API_KEY_ID_LENGTH + 1];
} um_key_page_t;

static void take_row(const um_row_t *row, void *baton)
{
    um_key_page_t *page = baton;
    um_api_key_t key;

    um_store_api_keys_read(&key, row);
    um_buffer_puts(&page->text, um_api_key_json(&key, page->now, page->text.pool));
    um_buffer_putc(&page->text, '\n');
    apr_cpystrn(page->last, key.id, sizeof(page->last));
    page->rows++;
}

um_exit_t um_keys_command_list(um_tool_t *tool, const char *const *words, int count)
{
    um_list_t list = { .source = &um_list_api_keys, .limit = PAGE };
    um_key_page_t page = { .now = now_ms(), .rows = PAGE };
    apr_int64_t org_id = 0;
    um_db_t *db = NULL;
    um_exit_t end = um_tool_find_organization(&org_id, tool);

    (void)words;
    (void)count;
    if (end == UM_EXIT_OK) {
        end = um_tool_exit(um_store_open(&db, tool->store, tool->pool));
    }
    while (end == UM_EXIT_OK && page.rows == PAGE) {
        page.rows = 0;
        um_buffer_init(&page.text, 4096, tool->pool);
        end = um_tool_exit(um_store_lists_get(db, take_row, &page, org_id, &list, tool->pool));
        if (end == UM_EXIT_OK) {
            end = um_tool_write(tool, &page.text);
        }
        list.after.key = list.after.value = page.last;
    }
    um_db_close(db);
    return end;
}

/* ---- rotate and revoke ---- */

/* Lock the key to change, whichever organization it is of. UM_EREFUSED, with change->refusal, if
 * there is none, or if it is revoked. */
static apr_status_t get_key(um_api_key_t **key, um_key_change_t *change, um_db_t *db,
                            apr_pool_t *pool)
{
    apr_status_t status = um_store_api_keys_find(key, db, change->key_id, pool);

    change->refusal = NULL;
    if (status == APR_SUCCESS) {
        change->org_id = (*key)->org_id;
        status = um_store_api_keys_get(key, db, change->org_id, change->key_id, pool);
    }
    if (status == UM_ENOTFOUND) {
        change->refusal = "there is no such API key";
        return UM_EREFUSED;
    }
    if (status == APR_SUCCESS && (*key)->revoked_at != 0) {
        change->refusal = "the API key was revoked";
        return UM_EREFUSED;
    }
    return status;
}

static apr_status_t audit(const um_key_change_t *change, um_db_t *db, const char *action,
                          const char *before, const char *after, apr_pool_t *pool)
{
    return um_tool_audit(change->tool, db, change->org_id, action, change->key_id, before, after,
                         pool);
}

static apr_status_t rotate_key(um_db_t *db, void *baton, apr_pool_t *pool)
{
    um_key_change_t *change = baton;
    um_api_key_t *key = NULL;
    apr_int64_t now = now_ms();
    const char *before = NULL;
    apr_status_t status = get_key(&key, change, db, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    change->refusal = um_api_key_refuse_rotation(key, change->grace, now);
    if (change->refusal != NULL) {
        return UM_EREFUSED;
    }
    before = um_api_key_json(key, now, pool);
    status = um_api_key_renew(key, &change->text, change->grace, now, &um_db_host(db)->random);
    if (status == APR_SUCCESS) {
        status = um_store_api_keys_rotate(db, change->org_id, key, pool);
    }
    if (status == APR_SUCCESS) {
        change->json = um_api_key_json(key, now, change->tool->pool);
        status = audit(change, db, "api_keys.rotate", before, change->json, pool);
    }
    return status;
}

static apr_status_t revoke_key(um_db_t *db, void *baton, apr_pool_t *pool)
{
    um_key_change_t *change = baton;
    um_api_key_t *key = NULL;
    apr_int64_t now = now_ms();
    const char *before = NULL;
    apr_status_t status = get_key(&key, change, db, pool);

    if (status == APR_SUCCESS) {
        before = um_api_key_json(key, now, pool);
        status = um_store_api_keys_revoke(db, change->org_id, change->key_id, now, pool);
    }
    if (status == APR_SUCCESS) {
        key->revoked_at = now;
        status = audit(change, db, "api_keys.revoke", before, um_api_key_json(key, now, pool),
                       pool);
    }
    return status;
}

/* Make a change of a key, and tell why if it is refused. */
static um_exit_t change_key(um_key_change_t *change, um_change_fn_t *make)
{
    um_tool_t *tool = change->tool;
    apr_status_t status = um_tool_change(tool, make, change, tool->pool);

    if (status == UM_EREFUSED && change->refusal != NULL) {
        um_tool_say(tool, "%s: %s", change->key_id, change->refusal);
    }
    return um_tool_exit(status);
}

um_exit_t um_keys_command_rotate(um_tool_t *tool, const char *const *words, int count)
{
    const char *grace = um_options_value(&tool->options, UM_OPTION_GRACE);
    um_key_change_t change = { .tool = tool,
                               .key_id = words[0],
                               .grace = UM_API_KEY_GRACE_DEFAULT };
    um_exit_t end;

    (void)count;
    if (grace != NULL
        && (!um_duration_parse(&change.grace, grace) || change.grace > UM_API_KEY_GRACE_MAX)) {
        um_tool_say(tool, "--grace must be a time from 0 to 7d; units are ms, s, min, h and d");
        return UM_EXIT_USAGE;
    }
    end = change_key(&change, rotate_key);
    return end == UM_EXIT_OK ? tell_key(&change) : end;
}

um_exit_t um_keys_command_revoke(um_tool_t *tool, const char *const *words, int count)
{
    um_key_change_t change = { .tool = tool, .key_id = words[0] };
    um_exit_t end = change_key(&change, revoke_key);

    (void)count;
    if (end == UM_EXIT_OK) {
        um_tool_say(tool, "the API key %s was revoked", change.key_id);
    }
    return end;
}
