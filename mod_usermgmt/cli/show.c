/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file show.c The command that writes all that is known of a person. */

#include <apr_strings.h>

#include "../api/audit_events.h"
#include "../api/invitations.h"
#include "../api/sessions.h"
#include "../api/sub_admins.h"
#include "../api/user_json.h"
#include "../core/store_person.h"
#include "../core/store_users.h"
#include "../db/statements.h"
#include "commands.h"

typedef struct um_show_t {
    um_tool_t *tool;
    um_db_t *db;
    apr_int64_t org_id;
    const char *uid;
    apr_int64_t now;
    um_person_t person;
    um_user_t *user;
    um_buffer_t text;
    /* No element of this array is written yet. */
    int is_first;
} um_show_t;

static void begin_array(um_show_t *show, const char *name)
{
    um_json_put_any_name(&show->text, name);
    um_buffer_putc(&show->text, '[');
    show->is_first = 1;
}

static um_buffer_t *next_element(um_show_t *show)
{
    if (!show->is_first) {
        um_buffer_putc(&show->text, ',');
    }
    show->is_first = 0;
    return &show->text;
}

static void end_array(um_show_t *show)
{
    um_buffer_putc(&show->text, ']');
}

/* ---- rows ---- */

static void put_invitation(const um_row_t *row, void *baton)
{
    um_show_t *show = baton;

    um_invitations_put(next_element(show), row, show->now);
}

static void put_session(const um_row_t *row, void *baton)
{
    um_show_t *show = baton;

    um_sessions_put(next_element(show), row, show->now);
}

static void put_event(const um_row_t *row, void *baton)
{
    um_show_t *show = baton;

    um_audit_events_put(next_element(show), row, show->now);
}

static void put_seen(const um_row_t *row, void *baton)
{
    um_buffer_t *text = next_element(baton);

    um_buffer_putc(text, '{');
    um_json_put_member(text, "identity_key", um_row_text(row, 0));
    um_json_put_member(text, "user_uid", um_row_text(row, 1));
    um_json_put_member(text, "role", um_row_text(row, 2));
    um_json_put_member_instant(text, "first_seen_at", um_row_int(row, 3));
    um_buffer_putc(text, '}');
}

static void put_group(const um_row_t *row, void *baton)
{
    um_buffer_t *text = next_element(baton);

    um_buffer_putc(text, '{');
    um_json_put_member(text, "group_id", um_row_text(row, 0));
    um_json_put_member(text, "display_name", um_row_text(row, 1));
    um_json_put_member_instant(text, "member_since", um_row_int(row, 2));
    um_buffer_putc(text, '}');
}

static void put_mail(const um_row_t *row, void *baton)
{
    um_buffer_t *text = next_element(baton);

    um_buffer_putc(text, '{');
    um_json_put_member(text, "invite_token", um_row_text(row, 0));
    um_json_put_member_instant(text, "created_at", um_row_int(row, 1));
    um_json_put_member_instant(text, "next_attempt_at", um_row_int(row, 2));
    um_json_put_member_int(text, "attempts", um_row_int(row, 3));
    um_buffer_putc(text, '}');
}

static void put_answer(const um_kept_row_t *row, void *baton)
{
    um_buffer_t *text = next_element(baton);

    um_buffer_putc(text, '{');
    um_json_put_member(text, "identity_key", row->identity_key);
    um_json_put_member(text, "idempotency_key", row->key);
    um_json_put_member_instant(text, "created_at", row->created_at);
    um_json_put_member_int(text, "status", row->status);
    um_json_put_member(text, "location", row->location);
    um_json_put_member_json(text, "body", row->body[0] != '\0' ? row->body : NULL);
    um_buffer_putc(text, '}');
}

/* ---- parts of the object ---- */

static apr_status_t put_user(um_show_t *show)
{
    apr_pool_t *pool = show->tool->pool;
    um_sub_admin_t *sub_admin = NULL;
    apr_status_t status = um_store_sub_admins_get(&sub_admin, show->db, show->org_id, show->uid,
                                                  pool);

    um_json_put_member(&show->text, "user_uid", show->uid);
    um_json_put_member_strings(&show->text, "uids", show->person.uids);
    um_json_put_member_strings(&show->text, "address_keys", show->person.keys);
    um_json_put_member_json(&show->text, "user",
                            show->user != NULL
                                ? um_user_json_as(show->user, UM_USER_AS_STORED, pool)
                                : NULL);
    um_json_put_member_json(&show->text, "sub_admin",
                            status == APR_SUCCESS ? um_sub_admin_json(sub_admin, pool) : NULL);
    return status == UM_ENOTFOUND ? APR_SUCCESS : status;
}

/* Arrays whose rows are found by each key of the person. */
static apr_status_t put_by_keys(um_show_t *show, const char *name, um_row_fn_t *put)
{
    apr_status_t status = APR_SUCCESS;

    begin_array(show, name);
    for (int i = 0; status == APR_SUCCESS && i < show->person.keys->nelts; i++) {
        const char *key = APR_ARRAY_IDX(show->person.keys, i, const char *);
        apr_pool_t *pool = show->tool->pool;

        if (put == put_seen) {
            status = um_db_select(show->db, put, show,
                                  UM_BIND(person_seen, .org_id = show->org_id,
                                          .identity_key = key),
                                  pool);
        } else if (put == put_mail) {
            status = um_db_select(show->db, put, show,
                                  UM_BIND(person_mail, .org_id = show->org_id, .email_key = key),
                                  pool);
        } else {
            status = um_db_select(show->db, put, show,
                                  UM_BIND(person_invitations, .org_id = show->org_id,
                                          .email_key = key),
                                  pool);
        }
    }
    end_array(show);
    return status;
}

/* The same by each uid. */
static apr_status_t put_by_uids(um_show_t *show, const char *name, um_row_fn_t *put)
{
    apr_status_t status = APR_SUCCESS;

    begin_array(show, name);
    for (int i = 0; status == APR_SUCCESS && i < show->person.uids->nelts; i++) {
        const char *uid = APR_ARRAY_IDX(show->person.uids, i, const char *);
        apr_pool_t *pool = show->tool->pool;

        status =
            put == put_session
                ? um_db_select(show->db, put, show,
                               UM_BIND(person_sessions, .org_id = show->org_id, .user_uid = uid),
                               pool)
                : um_db_select(show->db, put, show,
                               UM_BIND(person_invited, .org_id = show->org_id, .user_uid = uid),
                               pool);
    }
    end_array(show);
    return status;
}

/* A database of version 3 has no groups. */
static apr_status_t put_groups(um_show_t *show)
{
    int version = 0;
    apr_status_t status = um_db_get_version(&version, show->db, show->tool->pool);

    begin_array(show, "groups");
    if (status == APR_SUCCESS && version >= UM_PROVISIONING_SINCE) {
        status = um_db_select(show->db, put_group, show,
                              UM_BIND(person_groups, .org_id = show->org_id,
                                      .user_uid = show->uid),
                              show->tool->pool);
    }
    end_array(show);
    return status;
}

static apr_status_t put_made(um_show_t *show, const char *name, um_made_t what)
{
    apr_array_header_t *ids = NULL;
    apr_status_t status = um_store_person_made(&ids, show->db, what, show->org_id, &show->person,
                                               show->tool->pool);

    begin_array(show, name);
    for (int i = 0; status == APR_SUCCESS && i < ids->nelts; i++) {
        um_json_put_string(next_element(show), APR_ARRAY_IDX(ids, i, const char *));
    }
    end_array(show);
    return status;
}

static apr_status_t put_answers(um_show_t *show)
{
    apr_status_t status;

    begin_array(show, "kept_answers");
    status = um_store_person_answers(show->db, put_answer, show, show->org_id, &show->person,
                                     show->tool->pool);
    end_array(show);
    return status;
}

/* The trail can be long, so each page is written at once. */
static apr_status_t put_trail(um_show_t *show, um_exit_t *written)
{
    um_trail_t trail;
    apr_pool_t *scratch;
    apr_status_t status;

    apr_pool_create(&scratch, show->tool->pool);
    um_store_person_begin_trail(&trail, show->org_id, &show->person, 0, APR_INT64_C(1) << 44);
    begin_array(show, "audit_events");
    do {
        apr_pool_clear(scratch);
        status = um_store_person_next_trail(&trail, show->db, put_event, show, scratch);
        if (status == APR_SUCCESS && show->text.length > 0) {
            *written = um_tool_write(show->tool, &show->text);
            show->text.length = 0;
            show->text.data[0] = '\0';
        }
    } while (status == APR_SUCCESS && *written == UM_EXIT_OK && trail.found == UM_TRAIL_PAGE);
    end_array(show);
    apr_pool_destroy(scratch);
    return status;
}

static apr_status_t put_all(um_show_t *show, um_exit_t *written)
{
    apr_status_t status;

    um_buffer_putc(&show->text, '{');
    status = put_user(show);
    if (status == APR_SUCCESS) {
        status = put_groups(show);
    }
    if (status == APR_SUCCESS) {
        status = put_by_keys(show, "seen_with_role", put_seen);
    }
    if (status == APR_SUCCESS) {
        status = put_by_keys(show, "invitations", put_invitation);
    }
    if (status == APR_SUCCESS) {
        status = put_by_keys(show, "waiting_mail", put_mail);
    }
    if (status == APR_SUCCESS) {
        status = put_by_uids(show, "invitations_made", put_invitation);
    }
    if (status == APR_SUCCESS) {
        status = put_by_uids(show, "sessions", put_session);
    }
    if (status == APR_SUCCESS) {
        status = put_made(show, "sub_admins_appointed", UM_MADE_SUB_ADMINS);
    }
    if (status == APR_SUCCESS) {
        status = put_made(show, "api_keys_made", UM_MADE_KEYS);
    }
    if (status == APR_SUCCESS) {
        status = put_answers(show);
    }
    if (status == APR_SUCCESS) {
        status = put_trail(show, written);
    }
    um_buffer_puts(&show->text, "}\n");
    return status;
}

static um_exit_t write_all(um_show_t *show)
{
    um_tool_t *tool = show->tool;
    um_exit_t written = UM_EXIT_OK;
    apr_status_t status = um_store_person_find(&show->person, &show->user, show->db, show->org_id,
                                               show->uid, tool->pool);

    if (status == UM_ENOTFOUND) {
        um_tool_say(tool, "nothing is known of a user \"%s\"", show->uid);
    }
    if (status == APR_SUCCESS) {
        status = put_all(show, &written);
    }
    if (status == APR_SUCCESS && written == UM_EXIT_OK) {
        written = um_tool_write(tool, &show->text);
    }
    return status == APR_SUCCESS ? written : um_tool_exit(status);
}

um_exit_t um_users_command_show(um_tool_t *tool, const char *const *words, int count)
{
    um_show_t show = { .tool = tool, .uid = words[0], .now = apr_time_as_msec(apr_time_now()) };
    um_exit_t end = um_tool_find_organization(&show.org_id, tool);

    (void)count;
    um_buffer_init(&show.text, 65536, tool->pool);
    if (end == UM_EXIT_OK) {
        end = um_tool_open_output(tool);
    }
    if (end == UM_EXIT_OK) {
        end = um_tool_exit(um_store_open(&show.db, tool->store, tool->pool));
    }
    if (end == UM_EXIT_OK) {
        end = um_tool_exit(um_db_check_version(show.db, 3, "all that is known of a person",
                                               tool->pool));
    }
    if (end == UM_EXIT_OK) {
        end = write_all(&show);
    }
    um_db_close(show.db);
    return um_output_close(&tool->out, tool, end);
}
